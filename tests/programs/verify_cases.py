"""What `target = "chain"`, `verify`, `min_version` and `expires` come to, for real clients.

The class here has no tests of its own; test_verify.py runs it on this machine, test_lines.py on every OpenSSL line.
"""
import datetime
import re
import subprocess

from keys import Identity, openssl
from lab import CLIENTS, PYTHON, REQUEST

BY_NAME = {client.name: client for client in CLIENTS}
BLIND = ["curl -k", "python CERT_NONE", "s_client -servername", "lab_client handshake"]
STRICT = ["curl", "python default", "lab_client connect"]

# One context, two connections: argv is PORT NAME [COMMAND]; the command runs in between. Prints how each went.
TWICE = f"""
import os, socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
session = None
for number in range(2):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=sys.argv[2], session=session) as secure:
                secure.sendall({REQUEST.encode()!r})
                while secure.recv(4096):
                    pass
                session = secure.session
                print("resumed" if secure.session_reused else "full")
        except ssl.SSLError as error:
            print("refused")
    if number == 0 and len(sys.argv) > 3:
        os.system(sys.argv[3])
"""


def key_id_of(identity):
    text = openssl("x509", "-in", identity.certificate, "-noout", "-ext", "subjectKeyIdentifier").decode()
    return re.search(r"([0-9A-F]{2}:)+[0-9A-F]{2}", text).group(0)


def day(offset):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)).strftime("%Y-%m-%d")


class VerifyCases:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.middle = Identity(cls.lab, "middle", issuer=cls.ca, subject="Lab Intermediate", ca=True)
        cls.deep = Identity(cls.lab, "deep", issuer=cls.middle)
        cls.fake = Identity(cls.lab, "fake", subject="Lab CA", ca=True, key_id=key_id_of(cls.ca))
        cls.forged = Identity(cls.lab, "forged", issuer=cls.fake)
        cls.fake_middle = Identity(cls.lab, "fake-middle", subject="Lab Intermediate", ca=True,
                                   key_id=key_id_of(cls.middle))
        cls.forged_deep = Identity(cls.lab, "forged-deep", issuer=cls.fake_middle)
        cls.lonely = Identity(cls.lab, "lonely")
        cls.renamed = Identity(cls.lab, "renamed", issuer=cls.ca, names="DNS:other.example")
        cls.old = Identity(cls.lab, "old", issuer=cls.ca, days=-1)

    def rule(self, settings, *, keys=None, name="policy.cfg", **options):
        """A policy with one rule for the server, on line 4."""
        more = f'keys = "{keys}"; ' if keys is not None else ""
        path = self.policy((["localhost", "127.0.0.1"], "", more + settings), name=name, **options)
        path.write_text(path.read_text().replace('keys = ""; ', ""))
        return path

    def passes(self, names, identity, policy, chain=None, **options):
        for name in names:
            with self.subTest(client=name), self.serve(identity, chain, **options) as server:
                self.assert_accepted(self.call(BY_NAME[name], server.port, policy), server)

    def fails(self, names, identity, policy, chain=None, words="", **options):
        for name in names:
            with self.subTest(client=name), self.serve(identity, chain, **options) as server:
                result = self.call(BY_NAME[name], server.port, policy)
                self.assert_refused(result, server, BY_NAME[name], f"{policy}:4")
                self.assertIn(words, result.text)

    # target = "chain"

    def chain_rule(self, pinned, **options):
        return self.rule('target = "chain";', keys=pinned, **options)

    def test_chain_a_leaf_under_a_pinned_intermediate_or_root(self):
        chain = self.deep.chain_with(self.middle)
        with_root = self.deep.chain_with(self.middle, self.ca)
        anchored = f'target = "chain"; ca_file = "{self.ca.certificate}";'
        for pinned, settings, sent in ((self.middle.pin, 'target = "chain";', chain),
                                       (self.ca.pin, 'target = "chain";', with_root),
                                       (self.ca.certificate, 'target = "chain";', chain),
                                       (self.ca.pin, anchored, chain),
                                       (self.deep.pin, 'target = "chain";', chain)):
            with self.subTest(settings=settings, sent=sent.name):
                self.passes([*STRICT, *BLIND], self.deep, self.rule(settings, keys=pinned), sent)

    def test_chain_the_leafs_rule_does_not_take_a_ca(self):
        self.fails(BLIND[:1], self.deep, self.rule("", keys=self.middle.pin), self.deep.chain_with(self.middle))

    def test_chain_an_impostor_that_appends_the_genuine_chain(self):
        for pinned in (self.middle, self.ca):
            chain = self.lonely.chain_with(self.deep, self.middle, self.ca)
            self.fails([*STRICT, *BLIND], self.lonely, self.chain_rule(pinned.pin), chain)

    def test_chain_a_forged_leaf_with_the_pinned_cas_name_and_key_identifier(self):
        cases = ((self.forged, self.ca, self.forged.chain_with(self.ca)),
                 (self.forged_deep, self.middle, self.forged_deep.chain_with(self.middle, self.ca)))
        for forged, pinned, chain in cases:
            for keys in (pinned.pin, pinned.certificate):
                self.fails([*STRICT, *BLIND], forged, self.chain_rule(keys), chain)

    def test_chain_such_impostors_and_a_callback_that_says_yes(self):
        cases = ((self.lonely, self.ca, self.lonely.chain_with(self.deep, self.middle, self.ca)),
                 (self.forged, self.ca, self.forged.chain_with(self.ca)),
                 (self.forged_deep, self.middle, self.forged_deep.chain_with(self.middle, self.ca)))
        for identity, pinned, chain in cases:
            for callback in ("--callback", "--yes"):
                with self.subTest(chain=chain.name, callback=callback), self.serve(identity, chain) as server:
                    argv = [self.lab / "lab_client", "--port", server.port, "--sni", "localhost", callback]
                    result = self.graft(argv, self.chain_rule(pinned.pin))
                    self.assertIn("answered 0 of 1", result.out, result)
                    self.assert_no_data(result, server)
        with self.serve(self.deep, self.deep.chain_with(self.middle)) as server:
            argv = [self.lab / "lab_client", "--port", server.port, "--sni", "localhost", "--yes"]
            self.assert_accepted(self.graft(argv, self.chain_rule(self.middle.pin)), server)

    def test_chain_is_resumed_while_it_is_remembered(self):
        chain = self.deep.chain_with(self.middle)
        for tls in (12, 13):
            with self.subTest(tls=tls), self.serve(self.deep, chain, tls=tls) as server:
                argv = [PYTHON, "-c", TWICE, server.port, "localhost"]
                result = self.graft(argv, self.chain_rule(self.middle.pin))
                self.assertEqual("full\nresumed\n", result.out, result)

    # verify = "require"

    def required(self, more="", **options):
        return self.rule(f'verify = "require"; {more}', **options)

    def test_require_refuses_what_the_program_does_not_look_at(self):
        ca = f'ca_file = "{self.ca.certificate}";'
        cases = ((self.genuine, "", "unable to get local issuer certificate|self.signed certificate in certificate chain"),
                 (self.lonely, ca, "self.signed certificate"),
                 (self.renamed, ca, "[Hh]ost ?name mismatch"),
                 (self.old, ca, "certificate has expired"))
        for identity, more, error in cases:
            policy = self.required(more)
            for name in BLIND:
                with self.subTest(client=name, error=error), self.serve(identity) as server:
                    result = self.call(BY_NAME[name], server.port, policy)
                    self.assert_refused(result, server, BY_NAME[name], f"{policy}:4")
                    native = [line for line in result.text.splitlines() if "tlsgraft" not in line]
                    if name in ("curl -k", "python CERT_NONE"):
                        self.assertRegex("\n".join(native), error)

    def test_require_passes_a_good_server(self):
        self.passes([*BLIND, *STRICT], self.genuine, self.required(f'ca_file = "{self.ca.certificate}";'))
        self.passes(BLIND, self.deep, self.required(f'ca_file = "{self.ca.certificate}";'),
                    self.deep.chain_with(self.middle))
        top = f'ca_file = "{self.ca.certificate}";'
        self.passes(BLIND[:1], self.genuine, self.rule('verify = "require";', extra=top))

    def test_require_with_a_directory_of_anchors(self):
        hashed = self.lab / "hashed"
        hashed.mkdir(exist_ok=True)
        name = openssl("x509", "-in", self.ca.certificate, "-noout", "-subject_hash").decode().strip()
        (hashed / f"{name}.0").write_text(self.ca.certificate.read_text())
        policy = self.required(f'ca_path = "{hashed}";')
        self.passes(BLIND, self.genuine, policy)
        self.fails(BLIND, self.lonely, policy)

    def test_require_an_address(self):
        policy = self.required(f'ca_file = "{self.ca.certificate}";')
        self.passes(["s_client address"], self.genuine, policy)
        self.fails(["s_client address"], self.renamed, policy)

    def test_require_and_a_pin(self):
        policy = self.required(f'keys = "{self.genuine.pin}"; ca_file = "{self.ca.certificate}";')
        self.passes(BLIND, self.genuine, policy)
        self.fails(BLIND, self.other, policy)

    def test_require_in_report_mode_only_reports(self):
        events = self.lab / "required.jsonl"
        policy = self.required('mode = "report";', sinks=f'file = "{events}";')
        self.passes(BLIND[:1], self.lonely, policy)
        event = self.events(events)[0]
        self.assertEqual(("PinMismatch", "verification", "report"), (event["event"], event["reason"], event["mode"]))
        events.unlink()

    def test_report_mode_says_nothing_of_a_resumed_session(self):
        events = self.lab / "resumed.jsonl"
        sinks = f'file = "{events}";'
        for settings, keys in ((f'verify = "require"; ca_file = "{self.ca.certificate}";', None),
                               ('target = "chain";', self.middle.pin)):
            chain = self.deep.chain_with(self.middle)
            with self.subTest(settings=settings), self.serve(self.deep, chain, tls=12) as server:
                free = self.policy(("free.example", self.other.pin), name="changing.cfg")
                changed = self.rule(settings, keys=keys, mode="report", sinks=sinks, name="changed.cfg")
                change = f"sleep 1.2; mv {changed} {free}"
                result = self.graft([PYTHON, "-c", TWICE, server.port, "localhost", change], free)
                self.assertEqual("full\nresumed\n", result.out, result)
                self.assertEqual([], self.events(events))

    # verify = "pin"

    def test_pin_is_enough_for_a_self_signed_server(self):
        policy = self.rule('verify = "pin";', keys=self.lonely.pin)
        chain = self.lonely.chain_with(self.ca)
        for sent in (None, chain):
            self.passes([*STRICT, *BLIND], self.lonely, policy, sent)
        with self.serve(self.lonely, self.lonely.certificate) as server:
            argv = ["openssl", "s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost",
                    "-servername", "localhost", "-connect", f"127.0.0.1:{server.port}"]
            self.assert_accepted(self.graft(argv, policy, stdin=REQUEST), server)

    def test_pin_refuses_another_key(self):
        policy = self.rule('verify = "pin";', keys=self.lonely.pin)
        self.fails([*STRICT, *BLIND], Identity(self.lab, "other-lonely"), policy)

    def test_pin_does_not_loosen_the_name(self):
        named = Identity(self.lab, "named", names="DNS:other.example")
        policy = self.rule('verify = "pin";', keys=named.pin)
        for name in STRICT:
            with self.subTest(client=name), self.serve(named) as server:
                result = self.call(BY_NAME[name], server.port, policy)
                self.assertTrue(BY_NAME[name].native(result), result)
                self.assert_no_data(result, server)
        # The name that is sent is pinned, and another one is verified.
        with self.serve(self.lonely) as server:
            argv = ["openssl", "s_client", "-quiet", "-verify_return_error", "-verify_hostname", "other.example",
                    "-servername", "localhost", "-connect", f"127.0.0.1:{server.port}"]
            result = self.graft(argv, self.rule('verify = "pin";', keys=self.lonely.pin), stdin=REQUEST)
            self.assertNotEqual(0, result.status, result)
            self.assert_no_data(result, server)

    def test_pin_in_report_mode_loosens_nothing(self):
        policy = self.rule('verify = "pin";', keys=self.lonely.pin, mode="report")
        for name in STRICT:
            with self.subTest(client=name), self.serve(self.lonely) as server:
                result = self.call(BY_NAME[name], server.port, policy)
                self.assertTrue(BY_NAME[name].native(result), result)
                self.assert_no_data(result, server)

    def save_session(self, policy, server, saved, *more):
        argv = ["openssl", "s_client", "-ign_eof", "-servername", "localhost", *more, "-connect",
                f"127.0.0.1:{server.port}"]
        return self.graft([*argv, "-sess_out", saved], policy, stdin=REQUEST), argv

    def test_pin_a_session_that_it_let_pass_is_resumed_only_under_it(self):
        loose = self.rule('verify = "pin";', keys=self.lonely.pin, name="loose.cfg")
        strict = self.rule("", keys=self.lonely.pin, name="strict.cfg")
        free = self.policy(("free.example", self.lonely.pin), name="free.cfg")
        for tls in (12, 13):
            with self.subTest(tls=tls), self.serve(self.lonely, tls=tls) as server:
                saved = self.lab / f"loosened-{tls}.pem"
                made, argv = self.save_session(loose, server, saved)
                self.assertTrue(saved.exists(), made)
                for policy, resumes in ((strict, False), (free, False), (loose, True)):
                    result = self.graft([*argv, "-sess_in", saved], policy, stdin=REQUEST)
                    self.assertEqual(resumes, "Reused, " in result.out, result)

    # Sessions and `require`

    def test_require_a_session_that_was_made_before_it(self):
        strict = self.required(f'ca_file = "{self.ca.certificate}";', name="required.cfg")
        for identity, outcome in ((self.genuine, "full"), (self.lonely, "refused")):
            for tls in (12, 13):
                with self.subTest(tls=tls, outcome=outcome), self.serve(identity, tls=tls) as server:
                    policy = self.policy(("localhost", identity.pin), name="changing.cfg")
                    # The policy is looked at once a second.
                    change = f"sleep 1.2; cp {strict} {policy}.new; mv {policy}.new {policy}"
                    result = self.graft([PYTHON, "-c", TWICE, server.port, "localhost", change], policy)
                    self.assertEqual(f"full\n{outcome}\n", result.out, result)

    def test_require_is_remembered(self):
        policy = self.required(f'ca_file = "{self.ca.certificate}";')
        for tls in (12, 13):
            with self.subTest(tls=tls), self.serve(self.genuine, tls=tls) as server:
                result = self.graft([PYTHON, "-c", TWICE, server.port, "localhost"], policy)
                self.assertEqual("full\nresumed\n", result.out, result)

    # min_version

    def test_min_version(self):
        policy = self.rule('min_version = "1.3";')
        self.fails([*STRICT, *BLIND], self.genuine, policy, words="TLS 1.2", tls=12)
        self.passes([*STRICT, *BLIND], self.genuine, policy, tls=13)
        self.passes(BLIND[:1], self.genuine, self.rule('min_version = "1.2";', keys=self.genuine.pin), tls=12)

    def test_min_version_of_a_session(self):
        with self.serve(self.genuine, tls=12) as server:
            saved = self.lab / "older.pem"
            made, argv = self.save_session(self.rule('min_version = "1.2";'), server, saved)
            self.assertTrue(saved.exists(), made)
            result = self.graft([*argv, "-sess_in", saved], self.rule('min_version = "1.3";'), stdin=REQUEST)
            self.assertNotIn("Reused, ", result.out, result)
            self.assertNotEqual(0, result.status, result)

    # expires

    def test_expires(self):
        right, wrong = self.genuine.pin, self.other.pin
        future, past = f'expires = "{day(2)}";', f'expires = "{day(0)}";'
        refuse = 'after_expiry = "refuse";'
        self.passes(BLIND[:1], self.genuine, self.rule(future, keys=right))
        self.fails(BLIND[:1], self.genuine, self.rule(future, keys=wrong))
        self.passes(BLIND[:1], self.genuine, self.rule(past, keys=right))
        self.fails(BLIND[:1], self.genuine, self.rule(past + refuse, keys=right), words="have expired")
        self.passes(BLIND[:1], self.genuine, self.rule(future + refuse, keys=right))
        events = self.lab / "expires.jsonl"
        self.passes(BLIND[:1], self.genuine, self.rule(past, keys=wrong, sinks=f'file = "{events}";'))
        event = self.events(events)[0]
        self.assertEqual(("PinMismatch", "mismatch", "report"), (event["event"], event["reason"], event["mode"]))
        events.unlink()

    def test_expires_and_nothing_is_loosened_any_more(self):
        policy = self.rule(f'verify = "pin"; expires = "{day(0)}";', keys=self.lonely.pin)
        with self.serve(self.lonely) as server:
            result = self.call(BY_NAME["curl"], server.port, policy)
            self.assertEqual(60, result.status, result)
            self.assert_no_data(result, server)

    # Peers that no rule is for

    def test_unmatched_and_unnamed(self):
        events = self.lab / "unknown.jsonl"
        sinks = f'file = "{events}";'
        elsewhere = ("elsewhere.example", self.other.pin)
        cases = (("curl -k", 'unmatched = "report";', "PeerUnmatched", True),
                 ("curl -k", 'unmatched = "refuse";', "PeerUnmatched", False),
                 ("lab_client write", 'unmatched = "refuse";', "PeerUnmatched", False),
                 ("s_client -servername", 'unmatched = "refuse";', "PeerUnmatched", False),
                 ("s_client address", "", "PeerUnnamed", True),
                 ("s_client address", 'unnamed = "report";', "PeerUnnamed", True),
                 ("s_client address", 'unnamed = "refuse";', "PeerUnnamed", False),
                 ("s_client address", 'unnamed = "allow";', None, True),
                 ("curl -k", "", None, True))
        for name, extra, kind, accepted in cases:
            with self.subTest(client=name, extra=extra), self.serve(self.genuine) as server:
                policy = self.policy(elsewhere, sinks=sinks, extra=extra)
                result = self.call(BY_NAME[name], server.port, policy)
                if accepted:
                    self.assert_accepted(result, server)
                else:
                    self.assertTrue(BY_NAME[name].native(result) or result.status == 35, result)
                found = [(event["event"], event["mode"]) for event in self.events(events)]
                self.assertEqual([] if kind is None else [(kind, "report" if accepted else "enforce")], found)
                events.unlink(missing_ok=True)

    def test_unmatched_sends_nothing(self):
        policy = self.policy(("elsewhere.example", self.other.pin), extra='unmatched = "refuse";')
        for name in ("curl", "python default", "s_client -servername", "lab_client write"):
            with self.subTest(client=name), self.count_bytes() as listener:
                result = self.call(BY_NAME[name], listener.port, policy)
                self.assertEqual(0, listener.next(), result)
                self.assertIn("unmatched", result.text)

    # Reload, as one program sees it

    def test_a_policy_that_is_there_at_last(self):
        with self.serve(self.genuine, tls=12) as server:
            ready = self.policy(("localhost", self.genuine.pin), name="ready.cfg")
            late = self.lab / "late.cfg"
            change = f"sleep 1.2; mv {ready} {late}"
            result = self.graft([PYTHON, "-c", TWICE, server.port, "localhost", change], late)
            self.assertEqual("refused\nfull\n", result.out, result)

    def test_a_key_file_that_changes(self):
        keys = self.lab / "keys.pem"
        keys.write_text(self.other.certificate.read_text())
        keys.chmod(0o600)
        with self.serve(self.genuine, tls=12) as server:
            change = f"sleep 1.2; cat {self.genuine.certificate} > {keys}"
            argv = [PYTHON, "-c", TWICE, server.port, "localhost", change]
            self.assertEqual("refused\nfull\n", self.graft(argv, self.policy(("localhost", keys))).out)

    def test_a_changed_policy_applies_and_an_invalid_one_does_not(self):
        events = self.lab / "reload.jsonl"
        sinks = f'file = "{events}";'
        with self.serve(self.genuine, tls=12) as server:
            policy = self.policy(("localhost", self.genuine.pin), sinks=sinks, name="changing.cfg")
            wrong = self.policy(("localhost", self.other.pin), sinks=sinks, name="wrong.cfg")
            invalid = self.lab / "invalid.cfg"
            invalid.write_text("version = 1;\nmoed = 1;\n")
            for text, outcome in ((wrong, "refused"), (invalid, "resumed")):
                change = f"sleep 1.2; cp {text} {policy}.new; mv {policy}.new {policy}"
                result = self.graft([PYTHON, "-c", TWICE, server.port, "localhost", change], policy)
                self.assertEqual(f"full\n{outcome}\n", result.out, result)
                policy = self.policy(("localhost", self.genuine.pin), sinks=sinks, name="changing.cfg")
            self.assertEqual(["PinMismatch", "PolicyRejected"], [event["event"] for event in self.events(events)])
            self.assertIn("changing.cfg:2", self.events(events)[1]["message"])
        events.unlink()
