"""A pinned handshake may not need many more instructions than a bare one."""
import unittest

from callgrind import slope
from variants import KINDS, VARIANTS, command, environment, policies
from world import World

from scratch import scratch

# Of the kind whose handshake has the fewest instructions for it; what was measured (1.0028, of TLS 1.2, and 1.0049, of
# TLS 1.3), and a margin of about a third of what is more than bare.
BOUND = 1.004
CHECKED_BOUND = 1.0065


class Instructions(unittest.TestCase):
    """The client's side of a handshake, the same in each run but for some ten thousandths."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.world = World(scratch("tlsgraft-bench-", cls.addClassCleanup), quick=True)
        cls.counts = {}

    def count(self, kind, name):
        if (kind, name) not in self.counts:
            variant = next(one for one in VARIANTS if one.name == name)
            self.counts[kind, name] = slope(command(self.world, kind, variant, "fixed"),
                                            environment(variant, policies(self.world, kind)), 2, 12)
        return self.counts[kind, name]

    def ratio(self, kind, name, baseline="bare"):
        return self.count(kind, name) / self.count(kind, baseline)

    def test_a_pinned_handshake(self):
        for kind in KINDS:
            with self.subTest(kind):
                ratio = self.ratio(kind, "pinned")
                self.assertLess(ratio, BOUND)
                self.assertGreater(ratio, 1, "the library was not there")

    def test_a_client_certificate_and_both_expiry_checks(self):
        for kind in KINDS:
            with self.subTest(kind):
                ratio = self.ratio(kind, "checked", "mutual-bare")
                self.assertLess(ratio, CHECKED_BOUND)
                self.assertGreater(ratio, 1, "the library was not there")

    def test_more_work_would_be_seen(self):
        """With `chain` the certificates are verified once more."""
        for kind in KINDS:
            with self.subTest(kind):
                self.assertGreater(self.ratio(kind, "chain"), BOUND)


if __name__ == "__main__":
    unittest.main(verbosity=2)
