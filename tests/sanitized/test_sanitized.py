"""The sanitizers are silent on a host with threads, refusals, and a policy that is replaced all the time."""
import re

from lab import LAB, LabTest, main

SECONDS = 6
# libcrypto is not instrumented: ThreadSanitizer does not see the atomic operations by which it orders what it
# caches in certificates (memcmp and malloc inside X509_verify_cert).
SUPPRESSIONS = "called_from_lib:libcrypto.so\n"


class Sanitized(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.suppressions = cls.lab / "suppressions"
        cls.suppressions.write_text(SUPPRESSIONS)

    def reload(self, expect, *texts):
        policy = self.lab / "policy.cfg"
        policy.write_text(texts[0].read_text())
        policy.chmod(0o600)
        # The host is linked with the sanitizer, so its place before ours in the order of search is sure.
        env = {"ASAN_OPTIONS": "detect_leaks=1:verify_asan_link_order=0", "UBSAN_OPTIONS": "print_stacktrace=1",
               "TSAN_OPTIONS": f"suppressions={self.suppressions}", "TLSGRAFT_LOG": "off"}
        result = self.graft([LAB / "lab_reload", expect, SECONDS, self.lab, policy, *texts], policy, env=env)
        self.assertNotRegex(result.err, "Sanitizer|runtime error", result)
        self.assertEqual(0, result.status, result)
        found = re.search(r"expected (\d+) unexpected 0; other refused (\d+) accepted (\d+)", result.out)
        self.assertIsNotNone(found, result)
        return [int(number) for number in found.groups()]

    def text(self, name, *pins, more=""):
        return self.policy(("**.lab.example", ", ".join(pins), more), name=name,
                           sinks=f'file = "{self.lab}/events.jsonl";')

    def test_policies_that_mean_the_same(self):
        texts = [self.text("one.cfg", self.genuine.pin), self.text("two.cfg", self.genuine.pin, self.ca.pin),
                 self.text("three.cfg", self.genuine.certificate.name)]
        expected, refused, accepted = self.reload("pinned", *texts)
        self.assertGreater(expected, 100)
        self.assertGreater(refused, 10)
        self.assertEqual(0, accepted)

    def test_policies_that_mean_something_else(self):
        texts = [self.text("one.cfg", self.genuine.pin), self.text("both.cfg", self.genuine.pin, self.other.pin)]
        # Each holds for as long as the process may look away, and longer.
        _, refused, accepted = self.reload("moves", *[text for text in texts for _ in range(SECONDS * 5)])
        self.assertGreater(refused, 10)
        self.assertGreater(accepted, 0)

    def test_policies_that_verify_chains(self):
        anchored = f'target = "chain"; ca_file = "{self.ca.certificate}";'
        texts = [self.text("leaf.cfg", self.genuine.pin), self.text("file.cfg", str(self.ca.certificate), more='target = "chain";'),
                 self.text("anchored.cfg", self.ca.pin, more=anchored)]
        _, refused, accepted = self.reload("moves", *[text for text in texts for _ in range(SECONDS * 5)])
        self.assertGreater(refused, 10)
        self.assertGreater(accepted, 0)


if __name__ == "__main__":
    main()
