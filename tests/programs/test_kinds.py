"""Every kind of handshake that OpenSSL has, with lab_peer (peer.h) at both ends.

TLSGRAFT_LINE  one of the OpenSSL lines, as test_lines.py has them; else this machine's OpenSSL
"""
import os
import pathlib
import re
import shutil

import lab
from keys import Identity
from lab import HERE, LAB, SOURCE, LabTest, main, run

LINE = os.environ.get("TLSGRAFT_LINE")
READY = dict(pair.split("=", 1) for pair in os.environ.get("TLSGRAFT_ROOTS_READY", "").split(":") if pair)
PORTABLE = pathlib.Path(os.environ.get("TLSGRAFT_PORTABLE", SOURCE / "build-portable"))
SOURCES = ["peer.h", "peer.c", "peer_kinds.c", "peer_client.c", "peer_server.c", "peer_quic.c"]
REQUEST = 18  # bytes
VIAS = ("plt", "dlsym")
DRIVES = ("connect", "handshake", "write") if LINE is None else ("connect", "write")

# The kinds in which the server shows a key; those that a line of OpenSSL must have for it.
SHOWS = {"plain --tls 12": (1, 1), "plain --tls 13": (1, 1), "rsapsk": (1, 1), "dtls": (1, 1), "later": (1, 1),
         "renegotiation": (1, 1), "renegotiation-by-client": (1, 1), "retry": (1, 1), "early": (1, 1),
         "rpk --tls 12": (3, 2), "rpk --tls 13": (3, 2), "quic": (3, 5)}
# Those in which it shows none: pre-shared keys and anonymous suites.
HIDES = ("psk12", "psk13", "psk13-old", "adh", "aecdh", "dtls-psk")
TWO_ROUNDS = ("later", "renegotiation", "renegotiation-by-client")
RESUMED = ("plain --tls 12", "plain --tls 13", "dtls", "early", "rpk --tls 12", "rpk --tls 13", "quic")


class Talk:
    """What lab_peer said: the lines of the client, and those of the server, by their first words."""

    def __init__(self, result):
        self.result = result
        self.client, self.server = [], {}
        for line in result.out.splitlines():
            key, _, value = line.rpartition(" ")
            if line.startswith("server error") or line.startswith("openssl "):
                continue
            if key.startswith("server "):
                self.server[key.removeprefix("server ")] = value
            else:
                self.client.append(line if line.startswith("error ") else (key, value))

    def said(self, key):
        return [line[1] for line in self.client if line[0] == key]

    @property
    def errors(self):
        return "\n".join(line for line in self.client if isinstance(line, str))

    @property
    def essence(self):
        """All but what differs from one run to the next."""
        return self.client, {key: value for key, value in self.server.items() if key != "raw"}

    def __repr__(self):
        return repr(self.result)


class Kinds(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if LINE is None:
            shutil.copy(LAB / "lab_peer", cls.lab)
        else:
            cls.enter(READY[LINE])
        cls.rsa = Identity(cls.lab, "rsa", kind="rsa", issuer=cls.ca)
        cls.other_rsa = Identity(cls.lab, "other-rsa", kind="rsa", issuer=cls.ca)
        version = run_in(cls, ["openssl", "version"]).out
        cls.version = tuple(map(int, re.match(r"OpenSSL (\d+)\.(\d+)", version).groups()))
        cls.shows = [kind for kind, since in SHOWS.items() if cls.version >= since]
        cls.resumed = [kind for kind in RESUMED if kind in cls.shows]

    @classmethod
    def enter(cls, root):
        """Into a Debian root: with the portable library, and with a program built on the oldest glibc of all."""
        cls.root = root
        library = lab.LIBRARY if "TLSGRAFT_LIBRARY" in os.environ else PORTABLE / "lib/tlsgraft/libtlsgraft.so"
        cls.library = pathlib.Path(shutil.copy(library, cls.lab / "libtlsgraft.so"))
        for name in SOURCES:
            shutil.copy(HERE / name, cls.lab)
        built = run([SOURCE / "scripts/in-root", "--bind", cls.lab, READY["bullseye"], "gcc", "-std=c11",
                     "-D_GNU_SOURCE", "-O2", "-o", cls.lab / "lab_peer",
                     *(cls.lab / name for name in SOURCES if name.endswith(".c")), "-ldl"])
        assert built.status == 0, built

    def identity(self, kind, which):
        if kind == "rsapsk":
            return {"genuine": self.rsa, "other": self.other_rsa}[which]
        return {"genuine": self.genuine, "other": self.other}[which]

    def talk(self, kind, policy, *words, shown=None, via="plt", drive="connect"):
        """One connection; without a policy the library is not there. shown: the server's identity."""
        argv = [self.lab / "lab_peer", *kind.split(), "--name", "localhost", "--via", via, "--drive", drive, *words]
        if shown is not None:
            identity = self.identity(kind, shown)
            argv += ["--chain", identity.certificate, "--key", identity.key]
        (self.lab / "events.jsonl").unlink(missing_ok=True)
        result = self.bare(argv) if policy is None else self.graft(argv, policy)
        self.assertEqual(0, result.status, result)
        return Talk(result)

    def pins(self, kind, which="genuine", **options):
        return self.pinned(self.identity(kind, which), sinks=f'file = "{self.lab}/events.jsonl";', **options)

    def new_events(self):
        """Those of the last connection."""
        return [(event["event"], event.get("reason")) for event in self.events(self.lab / "events.jsonl")]

    def session(self, kind, shown, name="session.pem"):
        """A session that was made before there was a policy."""
        path = self.lab / name
        path.unlink(missing_ok=True)
        self.assert_went_well(self.talk(kind, None, "--session-out", path, shown=shown), kind)
        return path

    def assert_went_well(self, talk, kind, resumed=0):
        rounds = 2 if kind in TWO_ROUNDS else 1
        self.assertEqual(["1"], talk.said("handshake"), talk)
        self.assertEqual(["1"] * rounds, talk.said("answer"), talk)
        self.assertEqual(["1"], talk.said("mode"), talk)  # the verify mode is the program's
        self.assertEqual(str(rounds * REQUEST), talk.server["bytes"], talk)
        self.assertEqual(str(resumed), talk.server["resumed"], talk)

    def assert_nothing_more(self, talk):
        """What the program tried after the refusal failed, and what had left before it is all that left."""
        self.assertNotIn("1", talk.said("then write") + talk.said("then sendfile"), talk)
        if talk.server["raw"] != "0":
            self.assertEqual(talk.said("sent"), [talk.server["raw"]], talk)

    def assert_refused_with_words(self, talk, reason, unseen=False):
        """unseen: it is known at the end only, and where no hook is called the handshake looks well to the program."""
        if not unseen:
            self.assertEqual(["0"], talk.said("handshake"), talk)
        self.assertNotIn("1", talk.said("answer"), talk)
        self.assertEqual("0", talk.server["bytes"], talk)
        self.assertRegex(talk.errors, r"certificate verify failed.*policy\.cfg:4", talk)
        self.assertEqual([("PinMismatch", reason)], self.new_events(), talk)
        self.assert_nothing_more(talk)

    def every(self, kinds, check):
        """Each kind, found by hooks and by dlsym, and driven in each way."""
        for kind in kinds:
            for via in VIAS:
                for drive in DRIVES:
                    with self.subTest(kind=kind, via=via, drive=drive):
                        check(kind, {"via": via, "drive": drive, "shown": None if kind in HIDES else "genuine"})

    def test_the_kinds_are_what_they_are_called(self):
        names = {"psk12": "psk", "psk13": "resumed", "psk13-old": "resumed", "adh": "anonymous",
                 "aecdh": "anonymous", "dtls-psk": "psk"}

        def check(kind, how):
            talk = self.talk(kind, None, **how)
            self.assertEqual(names.get(kind, "certificate"), talk.server["kind"], talk)
            self.assertEqual("1" if kind == "later" else "0", talk.server["client certificate"], talk)
            self.assertEqual("2" if kind == "renegotiation" else "1", talk.server["handshakes"], talk)
            self.assert_went_well(talk, kind, resumed=int(names.get(kind) == "resumed"))

        self.every([*self.shows, *HIDES], check)

    def test_without_a_rule_all_is_as_without_the_library(self):
        policy = self.policy(("elsewhere.example", self.genuine.pin))

        def check(kind, how):
            self.assertEqual(self.talk(kind, None, **how).essence, self.talk(kind, policy, **how).essence)

        self.every([*self.shows, *HIDES], check)

    def test_the_right_key_is_accepted(self):
        def check(kind, how):
            self.assert_went_well(self.talk(kind, self.pins(kind), **how), kind)
            self.assertEqual([], self.new_events())

        self.every(self.shows, check)

    def test_another_key_is_refused(self):
        def check(kind, how):
            self.assert_refused_with_words(self.talk(kind, self.pins(kind, "other"), **how), "mismatch")

        self.every(self.shows, check)

    def test_no_key_is_refused(self):
        def check(kind, how):
            talk = self.talk(kind, self.pins(kind), **how)
            self.assert_refused_with_words(talk, "no_certificate", is_unseen(how["via"], how["drive"]))

        self.every(HIDES, check)

    def test_report_mode_changes_nothing(self):
        def check(kind, how):
            policy = self.pins(kind, "other", mode="report")
            self.assertEqual(self.talk(kind, None, **how).essence, self.talk(kind, policy, **how).essence)
            reason = "no_certificate" if kind in HIDES else "mismatch"
            self.assertEqual([("PinMismatch", reason)], self.new_events())

        self.every([*self.shows, *HIDES], check)

    def test_a_session_with_the_pinned_key_is_resumed(self):
        for kind in self.resumed:
            session = self.session(kind, "genuine")
            for via in VIAS:
                with self.subTest(kind=kind, via=via):
                    talk = self.talk(kind, self.pins(kind), "--session-in", session, via=via, shown="genuine")
                    self.assert_went_well(talk, kind, resumed=1)

    def test_a_session_with_another_key_is_not(self):
        for kind in self.resumed:
            session = self.session(kind, "other")
            for via in VIAS:
                for drive in DRIVES:
                    with self.subTest(kind=kind, via=via, drive=drive):
                        how = {"via": via, "drive": drive}
                        talk = self.talk(kind, self.pins(kind), "--session-in", session, shown="other", **how)
                        self.assert_refused_with_words(talk, "mismatch")
                        talk = self.talk(kind, self.pins(kind), "--session-in", session, shown="genuine", **how)
                        self.assert_went_well(talk, kind, resumed=0)

    def test_a_session_without_a_key_is_not(self):
        for kind in ("psk12", "adh", "dtls-psk"):
            session = self.lab / "keyless.pem"
            self.assert_went_well(self.talk(kind, None, "--session-out", session), kind)
            for via in VIAS:
                with self.subTest(kind=kind, via=via):
                    talk = self.talk(kind, self.pins(kind), "--session-in", session, via=via)
                    self.assert_refused_with_words(talk, "no_certificate", is_unseen(via, "connect"))

    def test_early_data_goes_to_a_pinned_key(self):
        session = self.session("early", "genuine")
        for via in VIAS:
            with self.subTest(via=via):
                how = {"via": via, "drive": "early", "shown": "genuine"}
                talk = self.talk("early", self.pins("early"), "--session-in", session, **how)
                self.assert_went_well(talk, "early", resumed=1)
                self.assertEqual(["1"], talk.said("early"), talk)
                self.assertEqual(str(REQUEST), talk.server["early"], talk)

    def test_early_data_never_reaches_another_key(self):
        session = self.session("early", "other")
        policy = self.pins("early")
        for via in VIAS:
            for shown in ("other", "genuine"):
                with self.subTest(via=via, shown=shown):
                    how = {"via": via, "drive": "early", "shown": shown}
                    talk = self.talk("early", policy, "--session-in", session, **how)
                    self.assertEqual(["0"], talk.said("early"), talk)
                    self.assertEqual("0", talk.server["early"], talk)
                    if via == "plt" and shown == "genuine":
                        # As if there were no session: OpenSSL takes no early data, and the handshake is full.
                        self.assert_went_well(talk, "early", resumed=0)
                        continue
                    self.assertEqual(["0"], talk.said("handshake"), talk)
                    self.assertEqual("0", talk.server["bytes"], talk)
                    self.assert_nothing_more(talk)

    def test_early_data_under_an_external_key(self):
        free = self.policy(("elsewhere.example", self.genuine.pin), name="free.cfg")
        talk = self.talk("psk13", free, drive="early")
        self.assertEqual(str(REQUEST), talk.server["early"], talk)
        for via in VIAS:
            with self.subTest(via=via):
                talk = self.talk("psk13", self.pins("psk13"), via=via, drive="early")
                self.assertEqual(["0"], talk.said("early"), talk)
                self.assertEqual(["0"], talk.said("handshake"), talk)
                self.assertEqual("0", talk.server["bytes"], talk)
                self.assert_nothing_more(talk)
        # A server that has a certificate too.
        talk = self.talk("psk13", self.pins("psk13"), drive="early", shown="genuine")
        self.assertEqual(["0"], talk.said("early"), talk)
        self.assert_went_well(talk, "psk13", resumed=0)

    def test_an_external_key_does_not_hide_behind_a_session(self):
        # The session allows no early data, so it would go out under the external key.
        session = self.session("plain --tls 13", "genuine")
        for via in VIAS:
            with self.subTest(via=via):
                how = {"via": via, "drive": "early", "shown": "genuine"}
                words = ["--session-in", session]
                self.assertEqual(["1"], self.talk("psk13", None, *words, **how).said("early"))
                talk = self.talk("psk13", self.pins("psk13"), *words, **how)
                self.assertEqual(["0"], talk.said("early"), talk)
                self.assertEqual("0", talk.server["early"], talk)

    def test_quic_shows_the_certificate_of_the_rule(self):
        if self.version < SHOWS["quic"]:
            return
        mine = self.other_rsa.with_key()
        cases = {"rule": ("", mine, "other-rsa"), "kept": ("keep_program_certificate = true;", mine, "genuine"),
                 "reported": ('mode = "report";', mine, "genuine"), "elsewhere": (None, mine, "genuine"),
                 "missing": ("", "/nonexistent/x.pem", None)}
        for via in VIAS:
            for name, (settings, candidate, shown) in cases.items():
                with self.subTest(via=via, case=name):
                    domain = "elsewhere.example" if settings is None else "localhost"
                    policy = self.policy(upstream=[(domain, candidate, settings or "")])
                    talk = self.talk("quic-asks", policy, via=via, shown="genuine")
                    if shown is None:
                        self.assertEqual(["0"], talk.said("handshake"), talk)
                        self.assertRegex(talk.errors, "certificate required.*x.pem", talk)
                        self.assertEqual("0", talk.server["bytes"], talk)
                    elif (via, name) in (("dlsym", "kept"), ("dlsym", "reported")):
                        # A callback that was set past every hook is not known.
                        self.assert_went_well(talk, "quic-asks")
                    else:
                        self.assert_went_well(talk, "quic-asks")
                        self.assertEqual(f"/CN={shown}", talk.server["client name"], talk)

    def test_another_certificate_at_a_renegotiation_is_refused(self):
        words = ["--next-chain", self.other.certificate, "--next-key", self.other.key]
        for via in VIAS:
            for drive in DRIVES:
                with self.subTest(via=via, drive=drive):
                    how = {"via": via, "drive": drive, "shown": "genuine"}
                    self.assert_went_well(self.talk("renegotiation", None, *words, **how), "renegotiation")
                    talk = self.talk("renegotiation", self.pins("renegotiation"), *words, **how)
                    self.assertEqual(["1"], talk.said("handshake"), talk)
                    self.assertEqual(["0"], talk.said("answer"), talk)
                    self.assertEqual(("1", str(REQUEST)), (talk.server["handshakes"], talk.server["bytes"]), talk)
                    self.assertRegex(talk.errors, r"certificate verify failed.*policy\.cfg:4", talk)
                    self.assertEqual([("PinMismatch", "mismatch")], self.new_events(), talk)
                    self.assert_nothing_more(talk)


def is_unseen(via, drive):
    return via == "dlsym" and drive != "write"


def run_in(case, argv):
    """A program in the root of a class of tests, before there is a test."""
    return run(argv if case.root is None else [SOURCE / "scripts/in-root", case.root, *argv])


if LINE is not None and not {LINE, "bullseye"} <= set(READY):
    raise LookupError(f"TLSGRAFT_ROOTS_READY: must name {LINE}, and bullseye; make them with scripts/root")

if __name__ == "__main__":
    main()
