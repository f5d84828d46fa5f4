"""The cases of verify_cases.py on each OpenSSL line; see lines.py."""
from lab import main
from lines import LineLab, suite
from verify_cases import VerifyCases


def load_tests(loader, _tests, _pattern):
    return suite(loader, VerifyCases, LineLab)


if __name__ == "__main__":
    main()
