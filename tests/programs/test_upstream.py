#!/usr/bin/env python3
"""Client certificates in the handshake: real servers that ask for one, and programs that know nothing of it.

TLSGRAFT_LINE  one of the OpenSSL lines, as test_lines.py has them; else this machine's OpenSSL
"""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import unittest

import lab_store
from asking import AskingServer
from keys import Identity, fingerprint_of, openssl
from lab import CLIENTS, HERE, LAB, PYTHON, REQUEST, SANE, SOURCE, LabTest, main, run
from lines import READY, VERSIONS, LineLab, suite
from redis_server import free_port
from server import PATIENCE

LINE = os.environ.get("TLSGRAFT_LINE")
SECRET = "the secret of the lab"
VECTORS = HERE.parent / "vectors"
KINDS = ("p256", "rsa", "ed25519")


class Host:
    """The host upstream.c, with the library; orders are words."""

    def __init__(self, test, policy, *, env=None, version=0, pha=False):
        grafted = {"LD_PRELOAD": str(test.library), "TLSGRAFT_POLICY": str(policy), "TLSGRAFT_LOG": "info",
                   "TLSGRAFT_LOG_FILE": str(test.log), **(env or {})}
        program = str(test.lab / "lab_upstream")
        if test.root is None:
            argv, variables = [program], {**SANE, **grafted}
        else:
            words = [f"{name}={value}" for name, value in grafted.items()]
            argv = [SOURCE / "scripts/in-root", "--bind", test.lab, test.root, "env", *words, program]
            variables = SANE
        self._process = subprocess.Popen([str(word) for word in argv], env=variables, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        test.addCleanup(self.close)
        self.do("context", version, "pha" if pha else "-")

    def do(self, *words):
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def who(self, *words):
        """Connects, and asks the server who came."""
        answer = self.do(*words)
        return self.do("who") if answer in ("connected", "connected, resumed") else answer

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(PATIENCE)


class UpstreamTest(LabTest):
    version = None  # of OpenSSL, where it is not this machine's

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.log = cls.lab / "log"
        cls.sink = cls.lab / "events.jsonl"
        cls.ours = {kind: Identity(cls.lab, f"ours-{kind}", kind, issuer=cls.ca) for kind in KINDS}
        cls.theirs = {kind: Identity(cls.lab, f"theirs-{kind}", kind, issuer=cls.ca) for kind in KINDS}
        if cls.root is None:
            shutil.copy(LAB / "lab_upstream", cls.lab)

    def setUp(self):
        self.sink.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        self.log.touch(0o600)

    def pem(self, identity, chain=()):
        """Certificate and key in one file."""
        path = identity.certificate.with_suffix(".both")
        path.write_text("".join(part.read_text() for part in (identity.certificate, *chain, identity.key)))
        path.chmod(0o600)
        return path

    def rule(self, domain, *candidates, more=""):
        domains = ", ".join(f'"{word}"' for word in ([domain] if isinstance(domain, str) else domain))
        words = ", ".join(f'"{self.pem(who) if isinstance(who, Identity) else who}"' for who in candidates)
        return f"{{ domain = [ {domains} ]; certificate = [ {words} ]; {more} }}"

    def upstream(self, *rules, store="", secret=SECRET, mode="enforce", name="policy.cfg"):
        """Rule N (from 0) stands on line N + 4."""
        path = self.lab / name
        new = path.with_suffix(".new")
        lines = ["version = 1;", f'mode = "{mode}"; store: {{ {store} }};',
                 f'security: {{ private_certificate_encoding_secret = "{secret}"; upstream_certificates = (',
                 ",\n".join(rules), "); certificate_expiry_monitor: { warning_threshold_days = 0; }; };",
                 f'events: {{ file = "{self.sink}"; }};']
        new.write_text("\n".join(lines) + "\n")
        new.chmod(0o600)
        new.rename(path)
        return path

    def asking(self, **options):
        server = AskingServer(self.genuine, self.ca, **options)
        self.addCleanup(server.close)
        return server.port

    def unavailable(self):
        return [event for event in self.events(self.sink) if event["event"] == "ClientCertificateUnavailable"]

    @contextlib.contextmanager
    def s_server(self, *options, enter=()):
        """A server that takes every certificate, and shows it on its page. enter: the words that come before."""
        port = free_port()
        argv = [*enter, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", self.genuine.certificate, "-key",
                self.genuine.key, "-www", "-Verify", "2", *options]
        with subprocess.Popen([str(word) for word in argv], env=SANE, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            while (line := process.stdout.readline()) != "ACCEPT\n":
                self.assertTrue(line, "it ended")
            try:
                yield port
            finally:
                process.kill()

    def page(self, port, policy=None, **options):
        """What curl gets of it: the CN of the certificate that was shown, and the result."""
        argv = ["curl", "-sSk", f"https://localhost:{port}/"]
        result = self.graft(argv, policy, **options) if policy else self.bare(argv, **options)
        found = re.search(r"Subject:.*CN ?= ?(\S+)", result.out)
        return found[1] if found else None, result

    def until(self, change):
        """Waits until `change` is seen; a policy is looked at once a second."""
        end = time.monotonic() + PATIENCE
        while not change():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)


class Handshakes(UpstreamTest):
    """What needs no more than a host and a server, with each line of OpenSSL."""

    def test_each_kind_of_key(self):
        for version in (12, 13):
            port = self.asking(tls=version)
            for kind in KINDS:
                with self.subTest(version=version, kind=kind):
                    host = Host(self, self.upstream(self.rule("localhost", self.ours[kind])))
                    self.assertEqual(host.who("connect", "localhost", port), f"ours-{kind}")
                    self.assertEqual(host.who("connect", "other.example", port), "nobody")
        self.assertIn(f"rule {self.lab}/policy.cfg:4, presents the client certificate", self.log.read_text())

    def test_the_programs_own_is_replaced_or_kept(self):
        for version in (12, 13):
            port = self.asking(tls=version)
            for kind in ("p256", "rsa"):
                theirs = self.theirs[kind]
                for how in ("own", "callback", "client-callback"):
                    for keep in ("false", "true"):
                        with self.subTest(version=version, kind=kind, how=how, keep=keep):
                            policy = self.upstream(self.rule("localhost", self.ours["rsa"],
                                                             more=f"keep_program_certificate = {keep};"))
                            host = Host(self, policy, version=version)
                            host.do(how, theirs.certificate, theirs.key)
                            shown = f"theirs-{kind}" if keep == "true" else "ours-rsa"
                            self.assertEqual(host.who("connect", "localhost", port), shown)
                            self.assertEqual(host.who("connect", "other.example", port), f"theirs-{kind}")
                            self.assertEqual(host.who("again", "localhost", port), shown)
                            self.assertEqual(host.who("again", "other.example", port), f"theirs-{kind}")

    def test_one_connection_never_sees_anothers(self):
        policy = self.upstream(self.rule("one.example", self.ours["rsa"]),
                               self.rule("two.example", self.ours["p256"]))
        for hidden in ({}, {"UPSTREAM_HIDDEN": "1"}):
            for version in (12, 13):
                port = self.asking(tls=version)
                with self.subTest(version=version, hidden=bool(hidden)):
                    host = Host(self, policy, version=version, env=hidden)
                    expected = {"one.example": "ours-rsa", "two.example": "ours-p256", "-": "nobody",
                                "three.example": "nobody"}
                    self.assertEqual(host.who("connect", "one.example", port), "ours-rsa")
                    for order in ("again", "connect"):
                        for name in ("three.example", "two.example", "-", "one.example", "three.example"):
                            self.assertEqual(host.who(order, name, port), expected[name], (order, name))
                    theirs = self.theirs["ed25519"]
                    host.do("copy")
                    self.assertEqual(host.who("again", "two.example", port), "ours-p256")
                    host.do("shift", theirs.certificate, theirs.key)
                    self.assertEqual(host.who("connect", "one.example", port), "ours-rsa")
                    host.do("shift", theirs.certificate, theirs.key)
                    self.assertEqual(host.who("again", "three.example", port), "theirs-ed25519")
                    host.do("copy")
                    self.assertEqual(host.who("again", "one.example", port), "ours-rsa")
                    host.do("copy")
                    self.assertEqual(host.who("again", "three.example", port), "theirs-ed25519")

    def test_what_the_program_changes_between_two_connections(self):
        """It happens to its own certificate, and as if ours had never been there."""
        port = self.asking()
        theirs, other = self.theirs["p256"], self.theirs["rsa"]
        for kind in ("p256", "rsa"):
            for own, changes, shown in (
                    ((theirs.certificate, theirs.key), ("clear",), "nobody"),
                    ((theirs.certificate, theirs.key), ("clear", f"set {other.certificate} {other.key}"), "theirs-rsa"),
                    ((theirs.certificate, theirs.key), (f"set {other.certificate} {other.key}",), "theirs-p256"),
                    ((theirs.certificate, theirs.key), (), "theirs-p256"),
                    (("-", theirs.key), (f"set {theirs.certificate} -",), "theirs-p256"),
                    ((theirs.certificate, "-"), (f"set - {theirs.key}",), "theirs-p256"),
                    (("-", "-"), (f"set - {theirs.key}", f"set {theirs.certificate} -"), "theirs-p256"),
                    (("-", "-"), (f"set - {other.key}", f"set {other.certificate} -"), "theirs-rsa")):
                with self.subTest(ours=kind, own=own, changes=changes):
                    host = Host(self, self.upstream(self.rule("localhost", self.ours[kind])))
                    host.do("own", *own)
                    self.assertEqual(host.who("connect", "localhost", port), f"ours-{kind}")
                    for change in changes:
                        host.do(change)
                    self.assertEqual(host.who("again", "other.example", port), shown)
                    self.assertEqual(host.who("again", "localhost", port), f"ours-{kind}")

    def test_what_is_cleared_after_a_handshake_that_failed_stays_so(self):
        port = self.asking()
        theirs, other = self.theirs["p256"], self.theirs["rsa"]
        strict = Identity(self.lab, "strict", ca=True)
        with self.s_server("-tls1_2", "-CAfile", strict.certificate, "-verify_return_error") as refusing:
            for more, shown in (((), "nobody"), ((f"set {other.certificate} {other.key}",), "theirs-rsa")):
                with self.subTest(more=more):
                    host = Host(self, self.upstream(self.rule("localhost", self.ours["p256"])), version=12)
                    host.do("own", theirs.certificate, theirs.key)
                    self.assertIn("refused", host.do("connect", "localhost", refusing))
                    for change in ("clear", *more):
                        host.do(change)
                    self.assertEqual(host.who("again", "other.example", port), shown)

    def test_an_ssl_has_the_callback_that_its_context_had(self):
        port = self.asking()
        theirs = self.theirs["p256"]
        for mode, first in (("report", "nobody"), ("enforce", "ours-rsa")):
            with self.subTest(mode=mode):
                host = Host(self, self.upstream(self.rule("localhost", self.ours["rsa"], more=f'mode = "{mode}";')))
                host.do("new")
                host.do("callback", theirs.certificate, theirs.key)
                self.assertEqual(host.who("connect", "localhost", port), first)
                self.assertEqual(host.who("again", "other.example", port), "nobody")
                self.assertEqual(host.who("connect", "other.example", port), "theirs-p256")
                if mode == "report":
                    self.assertEqual(host.who("again", "localhost", port), "theirs-p256")

    def test_a_callback_that_no_hook_sees_is_displaced_on_each_connection(self):
        port = self.asking()
        theirs = self.theirs["p256"]
        host = Host(self, self.upstream(self.rule("localhost", self.ours["rsa"])), env={"UPSTREAM_HIDDEN": "1"})
        self.assertEqual(host.who("connect", "localhost", port), "ours-rsa")
        for _ in range(2):
            host.do("ssl-callback", theirs.certificate, theirs.key)
            self.assertEqual(host.who("again", "localhost", port), "ours-rsa")

    def test_a_callback_is_not_called_again_where_the_next_one_waits(self):
        port = self.asking()
        theirs = self.theirs["p256"]
        for keep, shown in (("true", "theirs-p256"), ("false", "ours-rsa")):
            with self.subTest(keep=keep):
                host = Host(self, self.upstream(self.rule("localhost", self.ours["rsa"],
                                                          more=f"keep_program_certificate = {keep};")))
                host.do("counting")
                host.do("client-callback", theirs.certificate, theirs.key)
                host.do("counting")
                host.do("suspend")
                self.assertEqual(host.who("connect", "localhost", port), shown)
                self.assertEqual(host.do("counted"), "1")

    def test_a_session_that_came_to_the_programs_own_certificate(self):
        """Its server asked after the handshake, while there was no rule."""
        port = self.asking(tls=13, when="later")
        theirs = self.theirs["rsa"]
        for resumed in (False, True):
            with self.subTest(resumed=resumed):
                policy = self.upstream(self.rule("localhost", self.ours["rsa"]))
                host = Host(self, policy, version=13, pha=True)
                host.do("own", theirs.certificate, theirs.key)
                self.assertEqual(host.who("connect", "localhost", port), "nobody")
                host.do("keep")
                self.log.write_text("")
                self.upstream(self.rule("other.example", self.ours["rsa"]))
                self.until(lambda: host.do("look") and "changed" in self.log.read_text())
                if resumed:
                    host.do("resume")
                    self.assertEqual(host.do("connect", "localhost", port), "connected, resumed")
                if not resumed or self.version != "1.1.1":
                    self.assertEqual(host.do("ask"), "asked")
                    self.assertEqual(host.do("who"), "theirs-rsa")
                host.do("keep")
                self.log.write_text("")
                self.upstream(self.rule("localhost", self.ours["rsa"]))
                self.until(lambda: host.do("look") and "changed" in self.log.read_text())
                host.do("resume")
                self.assertEqual(host.do("connect", "localhost", port), "connected")
                self.assertEqual(host.do("ask"), "asked")
                self.assertEqual(host.do("who"), "ours-rsa")

    def test_a_session_that_came_to_both_certificates(self):
        port = self.asking(tls=13, when="later")
        theirs = self.theirs["rsa"]
        policy = self.upstream(self.rule("localhost", self.ours["rsa"]))
        host = Host(self, policy, version=13, pha=True)
        host.do("own", theirs.certificate, theirs.key)
        self.assertEqual(host.who("connect", "localhost", port), "nobody")
        self.assertEqual(host.do("ask"), "asked")
        self.assertEqual(host.do("who"), "ours-rsa")
        self.upstream(self.rule("other.example", self.ours["rsa"]))
        self.until(lambda: host.do("look") and "changed" in self.log.read_text())
        self.assertEqual(host.do("ask"), "asked")
        self.assertEqual(host.do("who"), "theirs-rsa")
        host.do("keep")
        host.do("resume")
        self.assertEqual(host.do("connect", "localhost", port), "connected")

    def test_required_or_not(self):
        reasons = {"/nonexistent/x.pem": "No such file", "0" * 63 + "1": "no", "lab": "no"}
        for required in ("true", "false"):
            for version in (12, 13):
                port = self.asking(tls=version)
                for candidate, words in reasons.items():
                    with self.subTest(required=required, version=version, candidate=candidate):
                        self.setUp()
                        policy = self.upstream(self.rule("localhost", candidate, more=f"required = {required};"),
                                               store=f'type = "directory"; path = "{self.lab}";')
                        host = Host(self, policy)
                        answer = host.who("connect", "localhost", port)
                        events = self.unavailable()
                        self.assertEqual(len(events), 1, events)
                        self.assertIn(words, events[0]["message"])
                        self.assertEqual((events[0]["domain"], events[0]["rule"], events[0]["mode"]),
                                         ("localhost", f"{policy}:4", "enforce"))
                        if required == "true":
                            self.assertIn("certificate required", answer)
                        else:
                            self.assertEqual(answer, "nobody")

    def test_what_the_programs_openssl_does_not_take(self):
        """The next best; and never none, where one is required."""
        weak = Identity(self.lab, "weak", "weak", issuer=self.ca, days=700)
        port = self.asking(tls=13)
        for order in (("level", 2), ("sigalgs", "ECDSA+SHA256:ECDSA+SHA384")):
            good = self.ours["p256"]
            first = weak if order[0] == "level" else Identity(self.lab, "long-rsa", "rsa", issuer=self.ca, days=700)
            for candidates, shown in (((first, good), "ours-p256"), ((first,), None)):
                with self.subTest(order=order, candidates=len(candidates)):
                    self.sink.unlink(missing_ok=True)
                    host = Host(self, self.upstream(self.rule("localhost", *candidates)))
                    host.do(*order)
                    answer = host.who("connect", "localhost", port)
                    if shown is None:
                        self.assertIn("certificate required", answer)
                        self.assertEqual(len(self.unavailable()), 1)
                    else:
                        self.assertEqual(answer, shown)

    def test_a_session_of_another_certificate_is_not_resumed(self):
        one, two = self.ours["p256"], Identity(self.lab, "later", issuer=self.ca, days=700)
        for stored in ("stored", "-"):
            for version in (12, 13):
                with self.subTest(version=version, stored=stored):
                    port = self.asking(tls=version)
                    policy = self.upstream(self.rule("localhost", one))
                    host = Host(self, policy, version=version)
                    self.assertEqual(host.do("connect", "localhost", port), "connected")
                    self.assertEqual(host.do("who"), "ours-p256")
                    host.do("keep", stored)

                    def again():
                        host.do("resume")
                        return host.do("connect", "localhost", port)
                    self.assertEqual(again(), "connected, resumed")
                    self.assertEqual(host.do("who"), "ours-p256")
                    self.upstream(self.rule("localhost", one), self.rule("other.example", two))
                    self.until(lambda: self.sees_the_change(host, port))
                    self.assertEqual(again(), "connected, resumed", "the candidates are the same")
                    self.upstream(self.rule("localhost", one, two))
                    self.until(lambda: again() == "connected")
                    self.assertEqual(host.do("who"), "later")
                    host.do("keep", stored)
                    self.assertEqual(again(), "connected, resumed")
                    self.upstream(self.rule("other.example", two))
                    self.until(lambda: again() == "connected")
                    self.assertEqual(host.do("who"), "nobody")

    def sees_the_change(self, host, port):
        return host.who("connect", "other.example", port) == "later"

    def test_a_session_from_before_the_rule(self):
        """It may have been made with any certificate; unless the server did not ask."""
        for when in ("always", "never"):
            for version in (12, 13):
                with self.subTest(version=version, when=when):
                    port = self.asking(tls=version, when=when)
                    self.upstream(self.rule("localhost", self.ours["rsa"], more='mode = "off";'))
                    host = Host(self, self.lab / "policy.cfg", version=version)
                    self.assertEqual(host.who("connect", "localhost", port), "nobody")
                    host.do("keep")

                    def again():
                        host.do("resume")
                        return host.do("connect", "localhost", port)
                    self.assertEqual(again(), "connected, resumed")
                    host.do("who")
                    self.upstream(self.rule("localhost", self.ours["rsa"]))
                    self.until(lambda: again() == "connected")
                    self.assertEqual(host.do("who"), "ours-rsa" if when == "always" else "nobody")
                    host.do("keep", "stored")
                    self.assertEqual(again(), "connected, resumed")
                    self.upstream(self.rule("localhost", self.ours["p256"]), self.rule("x.example", self.ours["p256"]))
                    if when == "always":
                        self.until(lambda: again() == "connected")
                    else:
                        self.until(lambda: "changed" in self.log.read_text())
                        self.assertEqual(again(), "connected, resumed")

    def test_after_the_handshake(self):
        """TLS 1.3 asks later; on a resumed session too, and where the policy has changed since."""
        port = self.asking(tls=13, when="later")
        policy = self.upstream(self.rule("localhost", self.ours["rsa"]))
        for hidden in ({}, {"UPSTREAM_HIDDEN": "1"}):
            with self.subTest(hidden=bool(hidden)):
                self.upstream(self.rule("localhost", self.ours["rsa"]))
                host = Host(self, policy, version=13, pha=True, env=hidden)
                self.assertEqual(host.who("connect", "localhost", port), "nobody")
                host.do("keep", "stored")
                self.assertEqual(host.do("ask"), "asked")
                self.assertEqual(host.do("who"), "ours-rsa")
                host.do("resume")
                self.assertEqual(host.do("connect", "localhost", port), "connected, resumed")
                if self.version == "1.1.1":
                    # It sends no certificate then, a program's own neither.
                    self.assertIn("certificate required", host.do("ask"))
                    host.do("connect", "localhost", port)
                self.assertEqual(host.do("ask"), "asked")
                self.assertEqual(host.do("who"), "ours-rsa")
                host.do("keep", "stored")
                self.upstream(self.rule("localhost", self.ours["p256"]), self.rule("other.example", self.ours["p256"]))
                seen = Host(self, policy, version=13, pha=True)
                self.assertEqual(seen.who("connect", "localhost", port), "nobody")
                self.assertEqual(host.do("ask"), "asked")

                def made_anew():
                    host.do("resume")
                    return host.do("connect", "localhost", port) == "connected"
                self.until(made_anew)
                self.assertEqual(host.do("who"), "nobody")
                self.assertEqual(host.do("ask"), "asked")
                self.assertEqual(host.do("who"), "ours-p256")

    def test_a_renegotiation_after_the_policy_changed(self):
        port = self.asking(tls=12)
        policy = self.upstream(self.rule("localhost", self.ours["rsa"]))
        host = Host(self, policy, version=12)
        self.assertEqual(host.who("connect", "localhost", port), "ours-rsa")
        self.assertEqual(host.do("renegotiate"), "ours-rsa")
        self.upstream(self.rule("localhost", self.ours["p256"]))
        self.until(lambda: host.do("renegotiate") == "ours-p256")
        self.upstream(self.rule("other.example", self.ours["p256"]))
        self.until(lambda: host.do("renegotiate") == "nobody")

    def test_report_changes_nothing(self):
        for version in (12, 13):
            port = self.asking(tls=version)
            theirs = self.theirs["rsa"]
            policy = self.upstream(self.rule("localhost", self.ours["p256"]),
                                   self.rule("broken.example", "/nonexistent/x.pem"), mode="report")
            host = Host(self, policy, version=version)
            host.do("own", theirs.certificate, theirs.key)
            self.assertEqual(host.who("connect", "localhost", port), "theirs-rsa")
            self.assertEqual(host.who("connect", "broken.example", port), "theirs-rsa")
            self.assertIn("would present the client certificate", self.log.read_text())
        self.assertEqual({event["mode"] for event in self.unavailable()}, {"report"})

    def test_a_guessed_name(self):
        """It counts only where no other name can have led to the address."""
        port = self.asking(tls=13)
        policy = self.upstream(self.rule("localhost", self.ours["rsa"]))
        host = Host(self, policy)
        self.assertEqual(host.who("connect", "-", port), "nobody")
        host.do("resolve", "localhost")
        self.assertEqual(host.who("connect", "-", port), "ours-rsa")

    def test_a_child_and_another_root(self):
        port = self.asking()
        policy = self.upstream(self.rule("localhost", self.ours["rsa"]))
        host = Host(self, policy)
        self.assertEqual(host.who("connect", "localhost", port), "ours-rsa")
        host.do("fork")
        self.assertEqual(host.who("connect", "localhost", port), "ours-rsa")
        if self.root is None:
            empty = self.lab / "empty"
            empty.mkdir(exist_ok=True)
            host = Host(self, policy)
            host.do("chroot", empty)
            self.assertEqual(host.who("connect", "localhost", port), "ours-rsa")


class Machine(UpstreamTest):
    """What is asked of the programs and servers of this machine alone."""

    def test_programs(self):
        policy = self.upstream(self.rule("localhost", self.ours["rsa"]))
        clients = [client for client in CLIENTS if client.name in
                   ("curl", "curl -k", "python default", "python CERT_NONE", "s_client -servername")]
        for names in (["-CAfile", self.ca.certificate], []):
            for version in ("-tls1_2", "-tls1_3"):
                with self.s_server(version, *names) as port:
                    for client in clients:
                        with self.subTest(client=client.name, version=version, names=bool(names)):
                            bare = self.call(client, port, None, graft=False)
                            self.assertNotRegex(bare.out, "ours-rsa")
                            result = self.call(client, port, policy)
                            self.assertRegex(result.out, "ours-rsa", result)

    def test_the_port_of_localhost(self):
        with self.s_server() as port:
            for rule, shown in ((f"localhost:{port}", "ours-rsa"), (f"localhost:{port + 1}", None)):
                policy = self.upstream(self.rule(rule, self.ours["rsa"]))
                self.assertEqual(self.page(port, policy)[0], shown, rule)

    def test_nginx(self):
        access = self.lab / "access.log"
        port = free_port()
        config = self.lab / "nginx.conf"
        config.write_text(f"""
            daemon off; master_process off; pid {self.lab}/nginx.pid; error_log stderr notice;
            events {{ }}
            http {{
              log_format subject '$ssl_protocol $ssl_client_verify $ssl_client_s_dn';
              access_log {access} subject;
              client_body_temp_path {self.lab}/t1; proxy_temp_path {self.lab}/t2; fastcgi_temp_path {self.lab}/t3;
              uwsgi_temp_path {self.lab}/t4; scgi_temp_path {self.lab}/t5;
              server {{
                listen 127.0.0.1:{port} ssl; ssl_certificate {self.genuine.certificate};
                ssl_certificate_key {self.genuine.key}; ssl_protocols TLSv1.2 TLSv1.3;
                ssl_client_certificate {self.ca.certificate}; ssl_verify_client on;
                location / {{ return 200 "hello\\n"; }}
              }}
            }}
        """)
        with subprocess.Popen(["nginx", "-p", str(self.lab), "-c", str(config)], env=SANE, stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process, contextlib.ExitStack() as stack:
            stack.callback(process.kill)
            self.until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
            for version in ("1.2", "1.3"):
                for kind in KINDS:
                    policy = self.upstream(self.rule("localhost", self.ours[kind]))
                    argv = ["curl", "-sSk", "--tls-max", version, f"https://localhost:{port}/"]
                    self.assertIn("400", self.bare(argv).out)
                    self.assertEqual(self.graft(argv, policy).out, "hello\n")
                    # It is logged after the answer.
                    self.until(lambda: f"TLSv{version} SUCCESS CN=ours-{kind}\n" in access.read_text())

    def test_the_choice(self):
        """Of ten the one that the CA names ask for; a valid one before one that expired; that before none."""
        cas = [Identity(self.lab, f"ca{i}", subject=f"CA {i}", ca=True) for i in range(4)]
        many = [Identity(self.lab, f"many{i}", issuer=cas[i % 4], days=20 + i) for i in range(10)]
        expired = Identity(self.lab, "expired", issuer=self.ca, days=-1)
        for tls in ("-tls1_2", "-tls1_3"):
            with self.s_server(tls, "-CAfile", cas[3].certificate) as port:
                policy = self.upstream(self.rule("localhost", *many))
                self.assertEqual(self.page(port, policy)[0], "many7")
                policy = self.upstream(self.rule("localhost", many[4], many[5]))
                self.assertEqual(self.page(port, policy)[0], "many5", "none of them is asked for, so all count")
                policy = self.upstream(self.rule("localhost", expired, many[0]))
                self.assertEqual(self.page(port, policy)[0], "many0")
                policy = self.upstream(self.rule("localhost", expired))
                self.assertEqual(self.page(port, policy)[0], "expired")

    def test_the_whole_chain_is_sent(self):
        middle = Identity(self.lab, "middle", subject="Middle", issuer=self.ca, ca=True)
        leaf = Identity(self.lab, "below", issuer=middle)
        policy = self.upstream(self.rule("localhost", self.pem(leaf, [middle.certificate, self.ca.certificate])))
        # The server knows the root alone.
        with self.s_server("-verifyCAfile", self.ca.certificate, "-verify_return_error") as port:
            who, result = self.page(port, policy)
            self.assertEqual(who, "below", result)

    def test_a_ca_that_changes_its_key(self):
        """Its new certificate has the old one's name as subject and as issuer, and is no root."""
        old = Identity(self.lab, "old-root", subject="Root", ca=True)
        new = Identity(self.lab, "new-root", subject="Root", issuer=old, ca=True)
        leaf = Identity(self.lab, "rolled", issuer=new)
        policy = self.upstream(self.rule("localhost", self.pem(leaf, [new.certificate, old.certificate])))
        with self.s_server("-verifyCAfile", old.certificate, "-verify_return_error") as port:
            who, result = self.page(port, policy)
            self.assertEqual(who, "rolled", result)

    def test_records_of_both_stores(self):
        records = [vector for vector in self.vectors() if vector["name"] in ("rsa_pkcs1", "ec_p256_sec1", "chain_with_key")]
        redis = lab_store.Redis(self)
        folder = self.lab / "store"
        folder.mkdir()
        for record in records:
            text = (VECTORS / record["stored_file"]).read_text()
            redis.cli("SET", record["redis_key"], text)
            path = folder / f"{record['cert_id']}.pem"
            path.write_text(text)
            path.chmod(0o600)
        directory = f'type = "directory"; path = "{folder}";'
        for store in (redis.settings(), directory):
            for record in records:
                for version in ("-tls1_2", "-tls1_3"):
                    with self.subTest(store=store, record=record["name"], version=version):
                        policy = self.upstream(self.rule("localhost", record["cert_id"]), store=store,
                                               secret=record["secret"])
                        with self.s_server(version) as port:
                            result = self.page(port, policy)[1]
                            self.assertIn("-----BEGIN CERTIFICATE-----", result.out, result)
                            shown = self.lab / "shown.pem"
                            shown.write_text(result.out[result.out.index("-----BEGIN CERT"):])
                            self.assertEqual(fingerprint_of(shown), record["bare_id"])
        wrong = self.upstream(self.rule("localhost", records[0]["cert_id"]), store=directory, secret="another")
        with self.s_server() as port:
            result = self.page(port, wrong)[1]
            self.assertEqual(result.status, 98, result)
            self.assertIn("secret", self.unavailable()[0]["message"])

    @staticmethod
    def vectors():
        return json.loads((VECTORS / "store.json").read_text())

    def test_nothing_is_read_for_a_server_that_does_not_ask(self):
        record = next(vector for vector in self.vectors() if vector["name"] == "rsa_pkcs1")
        redis = lab_store.Redis(self)
        redis.cli("SET", record["redis_key"], (VECTORS / record["stored_file"]).read_text())
        policy = self.upstream(self.rule("localhost", record["cert_id"]), store=redis.settings("prefetch = false;"),
                               secret="wrong")
        host = Host(self, policy)
        self.assertEqual(host.who("connect", "localhost", self.asking(when="never")), "nobody")
        self.assertEqual((redis.reads(), self.unavailable()), (0, []))
        self.assertIn("certificate required", host.who("connect", "localhost", self.asking()))
        self.assertEqual((redis.reads(), len(self.unavailable())), (1, 1))

    def test_threads_on_one_context(self):
        who = {name: Identity(self.lab, name, issuer=self.ca) for name in ("one", "two", "three")}
        policy = self.upstream(*(self.rule(f"{name}.example", identity) for name, identity in who.items()))
        result = self.graft([LAB / "lab_upstream_threads", self.lab, 32, 10000], policy)
        self.assertEqual(result.out, "10000 handshakes, 0 wrong\n", result)

    def test_what_the_programs_say(self):
        policy = self.upstream(self.rule("localhost", "/nonexistent/x.pem"))
        for version in (12, 13):
            port = self.asking(tls=version)
            curl = self.graft(["curl", "-sSk", f"https://localhost:{port}/"], policy)
            self.assertEqual(curl.status, 98, curl)
            python = self.graft([PYTHON, "-c", "import ssl,socket,sys\nc=ssl._create_unverified_context()\n"
                                 "c.wrap_socket(socket.create_connection(('localhost',int(sys.argv[1]))),"
                                 "server_hostname='localhost')", port], policy)
            self.assertIn("CERTIFICATE_REQUIRED", python.err, python)
            s_client = self.graft(["openssl", "s_client", "-quiet", "-servername", "localhost", "-connect",
                                   f"127.0.0.1:{port}"], policy, stdin=REQUEST)
            self.assertRegex(s_client.text, r"certificate required.*tlsgraft: localhost: .*/nonexistent/x\.pem")


class Lines(LineLab, Handshakes):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.version = VERSIONS[cls.line]
        words = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", cls.lab / "lab_upstream", cls.lab / "upstream.c",
                 "-ldl"]
        shutil.copy(HERE / "upstream.c", cls.lab)
        built = run([SOURCE / "scripts/in-root", "--bind", cls.lab, READY["bullseye"], *words])
        assert built.status == 0, built

    def test_a_key_that_only_a_provider_knows(self):
        key, certificate = self.lab / "ml-dsa.key", self.lab / "ml-dsa.pem"
        made = self.bare(["openssl", "req", "-x509", "-newkey", "ML-DSA-65", "-noenc", "-subj", "/CN=ours-ml-dsa",
                          "-keyout", key, "-out", certificate])
        if made.status != 0:
            self.assertIn(self.line, ("bullseye", "bookworm"), made)
            self.skipTest(f"OpenSSL {VERSIONS[self.line]} of {self.line} has no ML-DSA")
        both = self.lab / "ml-dsa.both"
        both.write_text(certificate.read_text() + key.read_text())
        both.chmod(0o600)
        policy = self.upstream(self.rule("localhost", both))
        here = [SOURCE / "scripts/in-root", "--bind", self.lab, self.root]
        with self.s_server("-tls1_3", enter=here) as port:
            result = self.graft(["openssl", "s_client", "-quiet", "-servername", "localhost", "-connect",
                                 f"127.0.0.1:{port}"], policy, stdin=REQUEST)
            self.assertRegex(result.out, "Subject:.*ours-ml-dsa", result)


def load_tests(loader, _tests, _pattern):
    if LINE is not None:
        return suite(loader, Lines)
    tests = unittest.TestSuite()
    for case in (Handshakes, Machine):
        tests.addTests(loader.loadTestsFromTestCase(case))
    return tests


if __name__ == "__main__":
    main()
