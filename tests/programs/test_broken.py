"""Policies that cannot be used: every client handshake is refused with the reason, and nothing is sent.

And the opposite: without a policy, and for hosts that no rule names, nothing changes.
"""
import os
import re
import shutil
import unittest

from keys import Identity
from lab import CLIENTS, COMMAND, DEFAULT_POLICY, LabTest, main, run

NOBODY = 65534


class Broken(LabTest):
    """kind -> (what TLSGRAFT_POLICY says, what the reason must match)."""

    def setUp(self):
        good = self.pinned(self.genuine)
        copies = {}
        for name in ("foreign", "group", "invalid"):
            copies[name] = self.lab / f"{name}.cfg"
            shutil.copy(good, copies[name])
        copies["group"].chmod(0o660)
        copies["invalid"].write_text('version = 1;\nmoed = "enforce";\n')
        self.kinds = {
            "missing": (self.lab / "missing.cfg", r"missing\.cfg.*(?i:no such file|not found|missing|not there)"),
            "relative": ("policy.cfg", r"policy\.cfg.*(?i:absolute|relative)"),
            "group-writable": (copies["group"], r"group\.cfg.*(?i:writ)"),
            "invalid": (copies["invalid"], r"invalid\.cfg:2: .*moed.*mode"),
        }
        if os.geteuid() == 0:
            os.chown(copies["foreign"], NOBODY, NOBODY)
            self.kinds["foreign-owned"] = (copies["foreign"], r"foreign\.cfg.*(?i:own|belong)")

    def test_every_handshake_is_refused_and_nothing_is_sent(self):
        for kind, (policy, reason) in self.kinds.items():
            for client in CLIENTS:
                with self.subTest(kind=kind, client=client.name), self.count_bytes() as listener:
                    result = self.call(client, listener.port, policy, cwd=self.lab)
                    self.assertEqual(0, listener.next(), f"bytes were sent, or it did not connect: {result}")
                    self.assertIsNotNone(result.status, f"it hung: {result}")
                    self.assertNotEqual(0, result.status, result)
                    self.assertRegex(result.err, reason)
                    if client.words:
                        queue = "\n".join(line for line in result.text.splitlines() if ":error:" in line)
                        self.assertRegex(queue, reason)

    def test_a_genuine_server_is_refused_too(self):
        for kind, (policy, _) in self.kinds.items():
            for client in CLIENTS:
                with self.subTest(kind=kind, client=client.name), \
                        self.serve(self.genuine, greet=client.greet) as server:
                    result = self.call(client, server.port, policy, cwd=self.lab)
                    self.assert_no_data(result, server)

    def test_the_command_says_why_and_exits_125(self):
        for kind, (policy, reason) in self.kinds.items():
            if kind == "relative":
                continue  # --policy makes it absolute; TLSGRAFT_POLICY is below
            with self.subTest(kind=kind):
                result = run([COMMAND, "run", "--policy", policy, "--", "/bin/echo", "started"])
                self.assertEqual(125, result.status, result)
                self.assertNotIn("started", result.out)
                self.assertRegex(result.err, reason)

    def test_the_command_says_why_when_the_environment_names_it(self):
        for kind, (policy, reason) in self.kinds.items():
            with self.subTest(kind=kind):
                env = {"TLSGRAFT_POLICY": str(policy)}
                result = run([COMMAND, "run", "--", "/bin/echo", "started"], env=env, cwd=self.lab)
                self.assertEqual(125, result.status, result)
                self.assertNotIn("started", result.out)
                self.assertRegex(result.err, reason)


class Nothing(LabTest):
    """No rule for the server, or no policy at all: a program cannot tell."""

    @staticmethod
    def comparable(result):
        """What a program did, without the thread ids in OpenSSL's errors."""
        return result.status, *(re.sub(r"(?m)^(error )?[0-9A-F]{8,}:", "", text) for text in (result.out, result.err))

    def same_as_bare(self, policy):
        stranger = Identity(self.lab, "stranger", subject="localhost")
        for identity, chain in ((self.genuine, None), (stranger, stranger.certificate)):
            for client in CLIENTS:
                with self.subTest(client=client.name, server=identity.certificate.stem), \
                        self.serve(identity, chain, greet=client.greet) as server:
                    alone = self.call(client, server.port, None, graft=False)
                    alone_seen = server.next()
                    grafted = self.call(client, server.port, policy)
                    grafted_seen = server.next()
                    self.assertEqual(self.comparable(alone), self.comparable(grafted))
                    self.assertEqual(alone_seen.data, grafted_seen.data)
                    self.assertEqual(alone_seen.error, grafted_seen.error)

    @unittest.skipIf(DEFAULT_POLICY.exists(), f"this machine has a policy, {DEFAULT_POLICY}")
    def test_without_a_policy_nothing_changes(self):
        self.same_as_bare(None)

    def test_with_rules_for_other_hosts_nothing_changes(self):
        self.same_as_bare(self.policy(("other.example", self.other.pin), ("*.wild.example", self.other.pin)))

    @unittest.skipIf(DEFAULT_POLICY.exists(), f"this machine has a policy, {DEFAULT_POLICY}")
    def test_without_a_policy_the_command_exits_125_and_names_the_places(self):
        result = run([COMMAND, "run", "--", "/bin/echo", "started"])
        self.assertEqual(125, result.status, result)
        self.assertNotIn("started", result.out)
        for place in ("--policy", "TLSGRAFT_POLICY", str(DEFAULT_POLICY)):
            self.assertIn(place, result.err)


if __name__ == "__main__":
    main()
