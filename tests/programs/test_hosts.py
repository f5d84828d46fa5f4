"""Hosts in whatever state: a thousand handshakes each, and nothing of the host's is noticed to be touched."""
import json
import os
import pathlib
import subprocess

from lab import LAB, SANE, LabTest, main

COUNT = 1000
STATES = ["plain", "threads", "forks", "vforks", "small-stacks", "signals-restart", "signals-interrupt", "closes",
          "closes-standard", "no-standard-error", "chroot", "seccomp", "limits"]
# Which of them can write the file of events to the end: the others took that from themselves.
WRITES_EVENTS = {"plain", "threads", "vforks", "small-stacks", "signals-restart", "signals-interrupt", "closes",
                 "closes-standard", "no-standard-error"}
# The soname of what each package gives.
OTHER_PRELOADS = ["faketime/libfaketime.so.1", "libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libeatmydata.so.1"]


class HostTest(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The host reads its keys before it gives up its privileges; what it leaves behind is in a folder of its own.
        cls.events_file = cls.lab / "events.jsonl"

    def setUp(self):
        self.events_file.unlink(missing_ok=True)

    def hosts_policy(self, mode="enforce"):
        pem = self.lab / "genuine.pub.pem"
        pem.write_bytes(subprocess.run(["openssl", "x509", "-in", self.genuine.certificate, "-noout", "-pubkey"],
                                       check=True, stdout=subprocess.PIPE).stdout)
        sinks = f'file = "{self.events_file}"; stderr = true;'
        return self.policy(("**.lab.example", pem.name), mode=mode, sinks=sinks, name=f"{mode}.cfg")

    def hosts_argv(self, state, expect="pinned", program="lab_hosts"):
        return [LAB / program, state, expect, COUNT, self.lab]

    def assert_expected(self, result):
        self.assertIn(f"expected {COUNT} of {COUNT}\n", result.out, result)
        self.assertEqual(0, result.status, result)

    def assert_events(self, count):
        """The file has an event for each refusal, each a line of its own, and nothing else."""
        lines = self.events_file.read_text().splitlines()
        events = [json.loads(line) for line in lines]
        self.assertEqual({"PinMismatch"}, {event["event"] for event in events})
        self.assertEqual(count, len({event["domain"] for event in events}))
        self.assertEqual(count, len(events))


class States(HostTest):
    def test_right_and_wrong_pins(self):
        policy = self.hosts_policy()
        for state in STATES:
            with self.subTest(state=state):
                self.events_file.unlink(missing_ok=True)
                result = self.graft(self.hosts_argv(state), policy)
                self.assert_expected(result)
                if state in WRITES_EVENTS:
                    self.assert_events(COUNT // 2)

    def test_report_changes_nothing(self):
        policy = self.hosts_policy("report")
        for state in ("forks", "small-stacks", "signals-interrupt", "closes", "seccomp"):
            with self.subTest(state=state):
                self.assert_expected(self.graft(self.hosts_argv(state, "anybody"), policy))

    def test_a_policy_that_cannot_be_read_refuses_all(self):
        for state in STATES:
            with self.subTest(state=state):
                self.assert_expected(self.graft(self.hosts_argv(state, "nobody"), self.lab / "none.cfg"))

    def test_the_states_themselves_are_no_hindrance(self):
        for state in ("forks", "small-stacks", "closes"):
            with self.subTest(state=state):
                self.assert_expected(self.bare(self.hosts_argv(state, "anybody")))

    def test_the_measure_sees_who_is_not_refused(self):
        result = self.bare(self.hosts_argv("plain"))
        self.assertIn(f"expected {COUNT // 2} of {COUNT}\n", result.out, result)
        self.assertEqual(1, result.status)

    def test_children_of_a_fork_shake_hands(self):
        result = self.graft(self.hosts_argv("forks"), self.hosts_policy())
        self.assert_expected(result)
        self.assertNotIn("handshakes in children 0\n", result.out)

    def test_the_host_exports_names_that_we_have_inside(self):
        policy = self.hosts_policy()
        for state in ("plain", "forks"):
            with self.subTest(state=state):
                self.assert_expected(self.graft(self.hosts_argv(state, program="lab_hosts_exports"), policy))

    def test_nobody_reads_standard_error(self):
        """SIGPIPE and SIGXFSZ are as they are at the start of a program: they end it."""
        reader, writer = os.pipe()
        os.close(reader)
        env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(self.hosts_policy())}
        argv = [str(word) for word in self.hosts_argv("limits")]
        with subprocess.Popen(argv, env=env, stderr=writer, stdout=subprocess.PIPE, text=True) as host:
            os.close(writer)
            out, _ = host.communicate(timeout=60)
        self.assertIn(f"expected {COUNT} of {COUNT}\n", out)
        self.assertEqual(0, host.returncode, out)
        # The file was cut at the limit, between two bytes; whole lines come before it.
        whole = self.events_file.read_text().rpartition("\n")[0]
        self.assertTrue(all(json.loads(line) for line in whole.splitlines()))
        self.assertGreater(len(whole), 0)


class OtherPreloads(HostTest):
    def test_before_and_after_ours(self):
        policy = self.hosts_policy()
        folder = pathlib.Path("/usr/lib", os.uname().machine + "-linux-gnu")
        for soname in OTHER_PRELOADS:
            other = folder / soname
            self.assertTrue(other.exists(), f"{other}: not there; run scripts/install-packages test")
            for order in ((other, self.library), (self.library, other)):
                for state in ("plain", "threads"):
                    with self.subTest(order=order, state=state):
                        self.events_file.unlink(missing_ok=True)
                        result = self.graft(self.hosts_argv(state), policy,
                                            env={"LD_PRELOAD": ":".join(map(str, order)), "FAKETIME": "+1h"})
                        self.assert_expected(result)
                        self.assert_events(COUNT // 2)


if __name__ == "__main__":
    main()
