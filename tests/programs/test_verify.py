"""The cases of verify_cases.py, on this machine."""
from lab import LabTest, main
from verify_cases import VerifyCases


class Verify(VerifyCases, LabTest):
    pass


if __name__ == "__main__":
    main()
