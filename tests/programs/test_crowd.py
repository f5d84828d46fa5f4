"""Many threads, several hosts, one context: each host is shown the certificate of its own rule, and no other."""
import functools
from collections import Counter

from keys import Identity
from lab import COMMAND, LAB, LabTest, main, run
from server import PATIENCE

COUNT = 10_000
LONG = 4 * PATIENCE
RULES = {"one": "rsa", "two": "p256", "three": "ed25519"}  # the host none.lab.example has no rule


class Crowd(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secret = 'private_certificate_encoding_secret = "of the crowd";'
        cls.store = f'store: {{ type = "directory"; path = "{cls.lab}/certs"; }};'
        (cls.lab / "certs").mkdir(mode=0o700)
        cls.pems = {name: Identity(cls.lab, name, kind, issuer=cls.ca).with_key() for name, kind in RULES.items()}

    def stored(self, pem):
        policy = self.policy(("unused.example", self.genuine.pin), extra=self.store, security=self.secret,
                             name="store.cfg")
        added = run([COMMAND, "--policy", policy, "cert", "add", pem])
        self.assertEqual(0, added.status, added)
        return added.out.splitlines()[-1]

    def crowd(self, count, policy=None):
        """How often each host was shown what. policy: with tlsgraft."""
        argv = [LAB / "lab_hosts", "clients", "anybody", count, self.lab]
        start = self.bare if policy is None else functools.partial(self.graft, policy=policy)
        result = start(argv, patience=LONG)
        self.assertEqual(0, result.status, f"{result.out[-2000:]}{result.err[-2000:]}")
        self.assertIn(f"expected {count} of {count}\n", result.out)
        return Counter(line for line in result.out.splitlines() if ".lab.example: " in line)

    def test_each_host_gets_its_own(self):
        certificates = {**self.pems, "two": self.stored(self.pems["two"])}
        policy = self.policy(("unused.example", self.genuine.pin), extra=self.store, security=self.secret,
                             upstream=[(f"{name}.lab.example", which) for name, which in certificates.items()])
        self.assertEqual({"one.lab.example: one": COUNT // 4, "two.lab.example: two": COUNT // 4,
                          "three.lab.example: three": COUNT // 4, "none.lab.example: nobody": COUNT // 4},
                         self.crowd(COUNT, policy))

    def test_without_tlsgraft_nobody_has_a_certificate(self):
        self.assertEqual({f"{name}.lab.example: nobody": 100 for name in (*RULES, "none")}, self.crowd(400))


if __name__ == "__main__":
    main()
