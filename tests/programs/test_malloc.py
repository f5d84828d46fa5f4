"""Allocations that fail, one after the other: refused or as without us, never a crash, never the wrong server."""
import re

from lab import LAB, main
from test_hosts import HostTest

# Of pair.h: TLS 1.3 without a verification of the chain, TLS 1.2 with one.
GENUINE_13, OTHER_13, GENUINE_12, OTHER_12 = 0, 1, 6, 7


class FailingMalloc(HostTest):
    def failing(self, start, mode, expect, policy, *numbers):
        preloads = f"{self.library}:{LAB / 'liblab_failmalloc.so'}"
        result = self.graft([LAB / "lab_failing", start, mode, expect, self.lab, *numbers], policy,
                            env={"LD_PRELOAD": preloads}, patience=300)
        self.assertIn("never otherwise than allowed", result.out, result.out)
        self.assertEqual(0, result.status, result.out)
        found = re.findall(r"(?m)^handshake (\d+): allocations (\d+) accepted (\d+)", result.out)
        self.assertEqual([str(number) for number in numbers], [number for number, _, _ in found], result.out)
        for _, allocations, _ in found:
            self.assertGreater(int(allocations), 100, result.out)
        return {int(number): int(accepted) for number, _, accepted in found}

    def test_one_fails(self):
        accepted = self.failing("warm", "one", "pinned", self.hosts_policy(), GENUINE_13, OTHER_13, GENUINE_12,
                                OTHER_12)
        self.assertGreater(accepted[GENUINE_13], 0)
        self.assertEqual(0, accepted[OTHER_13])
        self.assertGreater(accepted[GENUINE_12], 0)
        self.assertEqual(0, accepted[OTHER_12])

    def test_all_fail_from_one_on(self):
        accepted = self.failing("warm", "rest", "pinned", self.hosts_policy(), OTHER_13, OTHER_12)
        self.assertEqual({OTHER_13: 0, OTHER_12: 0}, accepted)

    def test_the_first_handshake_of_a_process(self):
        """The SSL_CTX is born, and the policy's PEM is made a pin."""
        accepted = self.failing("first", "one", "pinned", self.hosts_policy(), OTHER_13)
        self.assertEqual({OTHER_13: 0}, accepted)

    def test_report(self):
        self.failing("warm", "one", "anybody", self.hosts_policy("report"), OTHER_13)

    def test_no_valid_policy(self):
        accepted = self.failing("first", "one", "nobody", self.lab / "none.cfg", GENUINE_13)
        self.assertEqual({GENUINE_13: 0}, accepted)


if __name__ == "__main__":
    main()
