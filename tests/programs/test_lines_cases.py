"""The cases of verify_cases.py and names.py on each OpenSSL line; see lines.py."""
from lab import main
from lines import LineLab, suite
from names import NameCases
from verify_cases import VerifyCases


def load_tests(loader, tests, _pattern):
    tests.addTests(suite(loader, VerifyCases, LineLab))
    tests.addTests(suite(loader, NameCases, LineLab))
    return tests


if __name__ == "__main__":
    main()
