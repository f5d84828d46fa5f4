"""A guest leaves nothing behind: memory after thousands of handshakes, and what LeakSanitizer says."""
import re

from lab import LAB, LabTest, main

COUNT = 10_000
ALLOWED = 256  # KiB between handshake 1,000 and the last


class Memory(LabTest):
    def grown(self, identity, policy, *options, program="lab_client"):
        """KiB that a client grows by between 1,000 handshakes and COUNT, and the result."""
        with self.serve(identity, quiet=True) as server:
            argv = [LAB / program, "--port", server.port, "--sni", "localhost", "--count", COUNT, *options]
            result = self.graft(argv, policy, env={"TLSGRAFT_LOG": "off"}, patience=500)
        found = dict(re.findall(r"(?m)^resident (\d+) (\d+)$", result.out))
        self.assertIn(str(COUNT), found, result)
        return int(found[str(COUNT)]) - int(found["1000"]), result

    def sinks(self):
        return f'file = "{self.lab}/events.jsonl";'

    def test_accepted_handshakes(self):
        for program in ("lab_client", "lab_linked"):
            with self.subTest(program=program):
                grown, result = self.grown(self.genuine, self.pinned(self.genuine), program=program)
                self.assertIn(f"answered {COUNT} of {COUNT}", result.out)
                self.assertLess(grown, ALLOWED, result)

    def test_refused_handshakes_with_a_new_context_each(self):
        policy = self.pinned(self.genuine, sinks=self.sinks())
        grown, result = self.grown(self.other, policy, "--fresh")
        self.assertIn(f"answered 0 of {COUNT}", result.out)
        self.assertLess(grown, ALLOWED, result)

    def test_the_measure_sees_a_leak(self):
        grown, result = self.grown(self.genuine, self.pinned(self.genuine), "--leak")
        self.assertGreaterEqual(grown, ALLOWED, result)


class Leaks(LabTest):
    def sanitized(self, identity, policy, *options):
        with self.serve(identity) as server:
            argv = [LAB / "lab_leaks", "--port", server.port, "--sni", "localhost", *options]
            # The host has the sanitizer in itself, so its place before ours in the order of search is sure.
            return self.graft(argv, policy, env={"ASAN_OPTIONS": "detect_leaks=1:verify_asan_link_order=0",
                                                 "TLSGRAFT_LOG": "off"})

    def test_leak_sanitizer_is_silent(self):
        sinks = f'file = "{self.lab}/events.jsonl";'
        report = self.pinned(self.genuine, mode="report", sinks=sinks, name="report.cfg")
        enforce = self.pinned(self.genuine, sinks=sinks)
        invalid = self.lab / "invalid.cfg"
        invalid.write_text("version = 1;\nmoed = 1;\n")
        cases = [(self.genuine, enforce, "answered 20 of 20"), (self.other, enforce, "answered 0 of 20"),
                 (self.other, report, "answered 20 of 20"), (self.genuine, invalid, "answered 0 of 20")]
        for identity, policy, outcome in cases:
            for options in ([], ["--callback", "--info", "--fresh"]):
                with self.subTest(policy=policy.name, outcome=outcome, options=options):
                    result = self.sanitized(identity, policy, "--count", "20", *options)
                    self.assertIn(outcome, result.out, result)
                    self.assertNotIn("Sanitizer", result.text)

    def test_the_sanitizer_sees_a_leak(self):
        result = self.sanitized(self.genuine, self.pinned(self.genuine), "--count", "20", "--leak")
        self.assertIn("answered 20 of 20", result.out, result)
        self.assertIn("LeakSanitizer: detected memory leaks", result.err, result)


if __name__ == "__main__":
    main()
