"""CPython's own test_ssl gives the same result with the library: no policy, and rules for other hosts."""
import concurrent.futures
import re
import unittest

from lab import DEFAULT_POLICY, PYTHON, LabTest, main

ENDS = re.compile(r"^(?:.*\.\.\. *)?(ok|FAIL|ERROR|expected failure|unexpected success|skipped\b.*)$")


def outcomes(text):
    """{test: outcome} from `python3 -m test -v`; a test may write lines between its name and its outcome."""
    found, current = {}, None
    for line in text.splitlines():
        if match := re.match(r"^(test\w*) \((\S+?)\)", line):
            current = match.group(2) if match.group(2).endswith(match.group(1)) else ".".join(match.groups()[::-1])
        if current and (match := ENDS.match(line)):
            found[current] = match.group(1).split()[0]
            current = None
    return found


class TestSsl(LabTest):
    # -u network is not given: nothing outside this machine is asked.
    ARGV = [PYTHON, "-m", "test", "-v", "test_ssl"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        self = cls()
        others = self.policy(("other.example", self.other.pin), ("**.wild.example", self.other.pin), name="others.cfg")
        refusing = self.policy(("*", self.other.pin), name="refusing.cfg")
        env = {"HOME": str(cls.lab)}
        # At once: each mostly waits for time to pass. Each has a folder and ports of its own.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = {"alone": pool.submit(self.bare, cls.ARGV, env=env, cwd=cls.lab, patience=600)}
            for name, policy in (("no policy", None), ("others", others)):
                runs[name] = pool.submit(self.graft, cls.ARGV, policy, env=env, cwd=cls.lab, patience=600)
            # One test of it: some of its servers wait for ever for a client that is refused.
            one = [*cls.ARGV, "-m", "test_getpeercert"]
            runs["refusing"] = pool.submit(self.graft, one, refusing, env=env, cwd=cls.lab, patience=300)
            cls.results = {name: future.result() for name, future in runs.items()}
        cls.found = {name: outcomes(result.text) for name, result in cls.results.items()}

    def compare(self, name):
        passed = list(self.found["alone"].values()).count("ok")
        self.assertGreater(passed, 100, f"it does not even run without the library: {self.results['alone']}")
        alone, grafted = self.found["alone"], self.found[name]
        changed = {test: (alone.get(test), grafted.get(test))
                   for test in alone.keys() | grafted.keys() if alone.get(test) != grafted.get(test)}
        self.assertEqual({}, changed, f"test: (without, with)\n{self.results[name]}")
        self.assertEqual(self.results["alone"].status, self.results[name].status, self.results[name])

    @unittest.skipIf(DEFAULT_POLICY.exists(), f"this machine has a policy, {DEFAULT_POLICY}")
    def test_without_a_policy(self):
        self.compare("no policy")

    def test_with_rules_for_other_hosts(self):
        self.compare("others")

    def test_the_comparison_sees_a_refusal(self):
        refused = self.found["refusing"]
        self.assertTrue(refused, self.results["refusing"])
        self.assertTrue(any(self.found["alone"][test] != outcome for test, outcome in refused.items()), refused)


if __name__ == "__main__":
    main()
