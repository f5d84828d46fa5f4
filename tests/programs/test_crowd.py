"""Many threads, several hosts, one context, and servers that ask for a certificate."""
from collections import Counter

from lab import LAB, LabTest, main

NAMES = ("one", "two", "three", "none")


class Crowd(LabTest):
    def crowd(self, count, start):
        """start: function of the host's command, to run it. How often each host was shown what."""
        result = start([LAB / "lab_hosts", "clients", "anybody", count, self.lab])
        self.assertIn(f"expected {count} of {count}\n", result.out, result)
        self.assertEqual(0, result.status, result)
        return Counter(line for line in result.out.splitlines() if ".lab.example: " in line)

    def test_without_tlsgraft_nobody_has_a_certificate(self):
        self.assertEqual({f"{name}.lab.example: nobody": 100 for name in NAMES}, self.crowd(400, self.bare))


if __name__ == "__main__":
    main()
