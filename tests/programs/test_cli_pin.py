"""`tlsgraft pin`: of files, of servers of every kind, and what the policy says of these."""

import contextlib
import json
import os
import pathlib
import pty
import socket
import ssl
import subprocess
import unittest

from cli_bench import COMMAND, LIBRARY, Bench
from keys import Identity, openssl, pin_of
from lab import DEFAULT_POLICY, LabTest
from scratch import scratch
from server import PATIENCE, Listener, TlsServer

OTHER_PIN = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
USER = 65534


def hex_of(identity):
    return openssl("base64", "-d", "-A", "-in", identity.certificate.with_suffix(".pin")).hex()


def end_of(certificate):
    text = openssl("x509", "-in", certificate, "-noout", "-enddate", "-dateopt", "iso_8601").decode()
    return text.strip().removeprefix("notAfter=").replace(" ", "T")


class PinBench(Bench):
    """With a CA, an identity that it issued, and helpers to read what is printed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = scratch("tlsgraft-pin-", cls.addClassCleanup)
        cls.ca = Identity(cls.shared, "ca", subject="Lab CA", ca=True)
        cls.leaf = Identity(cls.shared, "leaf", issuer=cls.ca)
        cls.leaf.certificate.with_suffix(".pin").write_text(cls.leaf.pin.removeprefix("sha256//"))

    def setUp(self):
        super().setUp()
        self.assertFalse(DEFAULT_POLICY.exists(), "it would be the policy of these tests")

    def pin(self, *words, **more):
        return self.call("pin", *words, **more)

    def rows(self, *words, status=0, **more):
        """The fields of each line; nothing may be on stderr where it is well."""
        result = self.pin(*words, **more)
        self.assertEqual(result.returncode, status, result)
        if status == 0:
            self.assertEqual(result.stderr, "", result)
        return [line.split("\t") for line in result.stdout.splitlines()]

    def assert_error(self, result, status, *texts):
        self.assertEqual((result.returncode, result.stdout), (status, ""), result)
        self.assertRegex(result.stderr, r"^[^\n]*: [^\n]*; [^\n]*\n$")
        for text in texts:
            self.assertIn(text, result.stderr)


class PinFile(PinBench):
    def test_a_certificate(self):
        rows = self.rows(self.leaf.certificate)
        self.assertEqual(rows, [[self.leaf.pin, hex_of(self.leaf), end_of(self.leaf.certificate), "CN=leaf"]])

    def test_a_public_key(self):
        key = self.write("key.pub", openssl("pkey", "-in", self.leaf.key, "-pubout"))
        self.assertEqual(self.rows(key), [[self.leaf.pin, hex_of(self.leaf), "", ""]])
        self.assertEqual(json.loads(self.pin("--json", key).stdout), [{"pin": self.leaf.pin, "hex": hex_of(self.leaf)}])

    def test_many_blocks_with_text_between(self):
        public = openssl("pkey", "-in", self.ca.key, "-pubout").decode()
        parameters = openssl("ecparam", "-name", "prime256v1").decode()
        texts = ["the leaf\r\n", self.leaf.certificate.read_text().replace("\n", "\r\n"), "and its CA\n", public,
                 parameters, self.ca.certificate.read_text(), "the end"]
        rows = self.rows(self.write("many", "".join(texts)))
        self.assertEqual([row[0] for row in rows], [self.leaf.pin, self.ca.pin, self.ca.pin])
        self.assertEqual([row[3] for row in rows], ["CN=leaf", "", "CN=Lab CA"])

    def test_json(self):
        chain = self.leaf.chain_with(self.ca)
        result = self.pin(chain, "--json")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        entries = json.loads(result.stdout)
        self.assertEqual([list(entry) for entry in entries], [["pin", "hex", "not_after", "subject"]] * 2)
        self.assertEqual(entries[1]["pin"], self.ca.pin)
        self.assertEqual(entries[0]["not_after"], end_of(self.leaf.certificate))

    def test_what_is_no_pem_key_says_what_to_run(self):
        """And that command makes a file of which the pin is right."""
        key = self.leaf.key
        certificate = self.leaf.certificate
        public = self.write("public.pub", openssl("pkey", "-in", key, "-pubout"))
        rsa = Identity(self.folder, "rsa", kind="rsa")
        cases = {
            "private": (openssl("pkey", "-in", key), "holds a private key"),
            "both": (key.read_text() + certificate.read_text(), "holds a private key"),
            "private.der": (openssl("pkey", "-in", key, "-outform", "DER"), "is a private key in DER"),
            "certificate.der": (openssl("x509", "-in", certificate, "-outform", "DER"), "is DER"),
            "public.der": (openssl("pkey", "-pubin", "-in", public, "-outform", "DER"), "is DER"),
            "request": (openssl("req", "-new", "-key", key, "-subj", "/CN=x"), "certificate request"),
            "trusted": (openssl("x509", "-in", certificate, "-trustout"), "TRUSTED CERTIFICATE"),
            "pkcs7": (openssl("crl2pkcs7", "-nocrl", "-certfile", certificate), "PKCS #7"),
        }
        for name, (content, words) in cases.items():
            with self.subTest(name=name):
                self.convert(self.write(name, content), words, self.leaf.pin)
        rsa_public = openssl("rsa", "-in", rsa.key, "-RSAPublicKey_out")
        self.convert(self.write("rsa.pub", rsa_public), "RSA PUBLIC KEY", rsa.pin)
        self.convert(self.write("it's $(touch pwned) `touch pwned` \\\".pem", cases["private"][0]), "a private key",
                     self.leaf.pin)
        self.assertFalse((self.folder / "pwned").exists())

    def test_keys_of_openssh(self):
        for kind in ("rsa", "ecdsa"):
            key = self.folder / f"it's {kind}"
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key], check=True)
            result = self.pin(key)
            self.assert_error(result, 2, "holds a private key as OpenSSH writes it; allowed is the public key alone, ")
            command = result.stderr[result.stderr.index("ssh-keygen "):].strip()
            subprocess.run(["sh", "-c", command], check=True, stdin=subprocess.DEVNULL)
            self.assertRegex(self.rows(f"{key}.pem")[0][0], "^sha256//.{43}=$")

    def convert(self, path, words, pin):
        result = self.pin(path)
        self.assert_error(result, 2, f"{path}: ", words, "; allowed ", ": openssl ")
        command = result.stderr[result.stderr.index("openssl "):].strip()
        subprocess.run(["sh", "-c", command], check=True, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                       cwd=self.folder)
        self.assertEqual(self.rows(f"{path}.pem")[0][0], pin)

    def test_encrypted_key_and_pkcs12(self):
        encrypted = self.folder / "encrypted"
        openssl("pkey", "-in", self.leaf.key, "-aes128", "-passout", "pass:x", "-out", encrypted)
        self.assert_error(self.pin(encrypted), 2, "holds a private key", "openssl pkey -pubout -in ")
        bundle = self.folder / "bundle.p12"
        openssl("pkcs12", "-export", "-passout", "pass:x", "-in", self.leaf.certificate, "-inkey", self.leaf.key,
                "-out", bundle)
        self.assert_error(self.pin(bundle), 2, "PKCS #12", "openssl pkcs12 -nokeys -in ")

    def test_text_without_keys(self):
        for content, words in (("", "is empty"), ("0123\n", "no PEM block"), ("a\0b", "NUL"),
                               (openssl("ecparam", "-name", "prime256v1"), "no CERTIFICATE and no PUBLIC KEY")):
            self.assert_error(self.pin(self.write("text", content)), 2, words)

    def test_a_damaged_block_has_its_line(self):
        good = self.leaf.certificate.read_text()
        lines = good.count("\n")
        damaged = {good[:300]: "cut off", good.replace("\nM", "\n!", 1): "damaged", good + good[:300]: "cut off",
                   "-----BEGIN CERTIFICATE-----\nMCow\n-----END CERTIFICATE-----\n": "does not parse",
                   "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n": "does not parse"}
        for text, words in damaged.items():
            path = self.write("damaged.pem", text)
            line = lines + 1 if text.startswith(good) else 1
            result = self.pin(path, "--json")
            self.assert_error(result, 2, words)
            self.assertTrue(result.stderr.startswith(f"{path}:{line}: "), result)

    def test_files_of_other_kinds(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        self.assert_error(self.pin(fifo), 2, f"{fifo}: is a FIFO")
        self.assert_error(self.pin(self.folder), 2, "is a directory")
        self.assert_error(self.pin(self.write("huge", b"a" * (1 << 20) + b"a")), 2, "larger than 1048576 bytes")

    def test_files_that_cannot_be_read(self):
        secret = self.write("secret.pem", self.leaf.certificate.read_text(), 0)
        self.folder.chmod(0o711)
        command = self.folder / "tlsgraft"
        command.write_bytes(COMMAND.read_bytes())
        command.chmod(0o755)
        user = {"user": USER, "extra_groups": []} if os.geteuid() == 0 else {}
        self.assert_error(self.pin(secret, command=command, **user), 3, f"{secret}: cannot be read: Permission denied")
        for missing in ("none.pem", "none.crt", "none.cer", "none.der", "./none", "/none/none"):
            self.assert_error(self.pin(missing), 3, f"tlsgraft: {missing}: No such file or directory; check the path")

    def test_files_of_others_are_read(self):
        path = self.write("open.pem", self.leaf.certificate.read_text(), 0o666)
        self.assertEqual(self.rows(path)[0][0], self.leaf.pin)

    def test_subjects_do_not_reach_the_terminal_as_they_are(self):
        hostile = Identity(self.folder, "hostile", subject="a\x1b]0;x\x07\tb")
        for output in (self.pin(hostile.certificate).stdout, self.pin("--json", hostile.certificate).stdout,
                       self.on_terminal("pin", hostile.certificate)):
            self.assertFalse(set(map(chr, range(32))) & set(output) - set("\n\t\r"), repr(output))
            self.assertRegex(output, r"1B\]0.*;x")
        self.assertEqual(len(self.rows(hostile.certificate)[0]), 4)

    def test_subjects_do_not_change_how_they_are_read(self):
        """By characters that are not seen."""
        hidden = [*range(0x200b, 0x2010), *range(0x2028, 0x202f), *range(0x2060, 0x206a), 0x61c, 0xfeff]
        text = "".join(map(chr, hidden)) + "b\u00e9\u2027\u2030"
        certificate = self.folder / "hidden.pem"
        openssl("req", "-x509", "-key", self.leaf.key, "-utf8", "-subj", f"/CN={text}", "-out", certificate)
        for output in (self.pin(certificate).stdout, self.pin("--json", certificate).stdout):
            self.assertFalse(set(map(chr, hidden)) & set(output), repr(output))
            self.assertIn("b\u00e9\u2027\u2030", output)
        self.assertEqual(json.loads(self.pin("--json", certificate).stdout)[0]["subject"], f"CN={text}")

    def on_terminal(self, *words):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        with subprocess.Popen([COMMAND, *words], stdin=subprocess.DEVNULL, stdout=slave, cwd=self.folder):
            os.close(slave)
            output = b""
            with contextlib.suppress(OSError):
                while part := os.read(master, 65536):
                    output += part
        return output.decode()

    def test_on_a_terminal(self):
        self.assertRegex(self.on_terminal("pin", self.leaf.chain_with(self.ca)),
                         r"^pin:       sha256//\S+\r\nhex:       [0-9a-f]{64}\r\nnot after: \S+Z\r\n"
                         r"subject:   CN=leaf\r\n\r\npin:  (.|\n)*subject:   CN=Lab CA\r\n$")


class PinUsage(PinBench):
    def test_what_is_no_host(self):
        for text, words in (("https://example.com/", "is a URL"), ("a b", "no host can have"),
                            ("*.a.example", "pattern"), ("[::1", "brackets"), ("[::1]:0", "port"), ("[::1]x", "port"),
                            ("a:b", "port"),
                            ("a:", "port"), ("a:65536", "port"), ("a:1:2", "several colons"),
                            ("::1", "write [::1], or [::1]:443 with a port"),
                            ("::1:443", "write [::1]:443, or [::1:443] for the address alone"),
                            ("fe80::1%lo:443", "write [fe80::1%lo]:443"),
                            ("1:2:3:4:5:6:7:8:443", "write [1:2:3:4:5:6:7:8]:443"), ("1.2.3", "four numbers"),
                            ("1.2.3.256", "four numbers"), ("a..b", "empty label"), (".a", "empty label"),
                            ("m\u00fcller.example", "A-label"), ("a" * 64, "63 characters"), ("a." * 130, "253")):
            with self.subTest(text=text):
                self.assert_error(self.pin(text), 2, words)

    def test_options(self):
        for words in ((), ("",), ("a", "b"), ("--servername", "", "a"), ("--servername", "10.0.0.1", "a"),
                      ("--servername", "a b", "a"), ("--servername", "x", self.leaf.certificate),
                      ("--program", "x", self.leaf.certificate), ("--bogus", "a")):
            with self.subTest(words=words):
                self.assert_error(self.pin(*words), 2)


class Answer(Listener):
    """Speaks no TLS: sends this, at once or after the client's first bytes, and says goodbye."""

    def __init__(self, answer, at_once=False):
        self._answer = answer
        self._at_once = at_once
        super().__init__()

    def serve(self, plain):
        with contextlib.suppress(OSError):
            if not self._at_once:
                plain.recv(65536)
            plain.sendall(self._answer)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass


class Silent(Listener):
    """Never answers."""

    def serve(self, plain):
        with contextlib.suppress(OSError):
            while plain.recv(65536):
                pass


class Flood(Listener):
    """Answers with records that a client has to ignore, without end."""

    HELLO_REQUEST = bytes([22, 3, 3, 0, 4, 0, 0, 0, 0])

    def serve(self, plain):
        with contextlib.suppress(OSError):
            plain.recv(65536)
            while True:
                plain.sendall(self.HELLO_REQUEST * 5000)


class Switching(TlsServer):
    """Shows another identity to those who ask for `name`."""

    def __init__(self, identity, name, other):
        self._switch = name
        self._other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._other.load_cert_chain(other.certificate, other.key)
        super().__init__(identity.certificate, identity.key)
        self._context.sni_callback = self._choose

    def _choose(self, secure, name, _context):
        secure.lab_name = name
        if name == self._switch:
            secure.context = self._other


class ServerBench(PinBench):
    def serve(self, identity=None, chain=None, **options):
        identity = identity or self.leaf
        return self.run_server(TlsServer(chain or identity.certificate, identity.key, **options))

    def run_server(self, server):
        self.addCleanup(server.close)
        return server

    def s_server(self, *words):
        """`openssl s_server` on a port that the system chooses."""
        process = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", *map(str, words)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for line in process.stdout:
            if line.startswith("ACCEPT "):
                return int(line.rsplit(":", 1)[1])
        self.fail("openssl s_server does not start")

    def rule(self, settings, domain="localhost", before=""):
        """A policy of one rule, which stands on line 3."""
        self.policy.write_text(f'version = 1;\n{before}security: {{ pinned_public_keys = (\n'
                               f'{{ domain = "{domain}"; {settings} }} ); }};\n')
        return self.policy

    def judge(self, port, *words, host="localhost", **more):
        return self.call_with_policy(f"{host}:{port}", *words, **more)

    def call_with_policy(self, *words, **more):
        return self.call("--policy", self.policy, "pin", *words, **more)


class PinServer(ServerBench):
    def test_chain_leaf_first(self):
        server = self.serve(chain=self.leaf.chain_with(self.ca))
        rows = self.rows(f"localhost:{server.port}")
        self.assertEqual(rows, [[self.leaf.pin, hex_of(self.leaf), end_of(self.leaf.certificate), "CN=leaf"],
                                [self.ca.pin, rows[1][1], end_of(self.ca.certificate), "CN=Lab CA"]])
        seen = server.next()
        self.assertEqual((seen.sni, seen.error, seen.data), ("localhost", None, b""))
        entries = json.loads(self.pin("--json", f"localhost:{server.port}").stdout)
        self.assertEqual([list(entry) for entry in entries], [["pin", "hex", "not_after", "subject"]] * 2)

    def test_names_that_are_asked_for(self):
        server = self.serve()
        for host, words, name in (("localhost", (), "localhost"), ("127.0.0.1", (), None),
                                  ("127.0.0.1", ("--servername", "x.example."), "x.example")):
            self.rows(f"{host}:{server.port}", *words)
            self.assertEqual(server.next().sni, name)

    def test_servername(self):
        other = Identity(self.folder, "second")
        server = self.run_server(Switching(self.leaf, "second.example", other))
        self.assertEqual(self.rows(f"localhost:{server.port}")[0][0], self.leaf.pin)
        rows = self.rows(f"localhost:{server.port}", "--servername", "second.example")
        self.assertEqual(rows[0][0], other.pin)
        self.rule(f'keys = "{other.pin}";', "second.example", 'unmatched = "refuse"; ')
        self.assertEqual(self.judge(server.port, "--servername", "second.example").returncode, 0)
        self.assertEqual(self.judge(server.port).returncode, 1)

    def test_ipv6(self):
        server = self.serve(host="::1")
        self.assertEqual(self.rows(f"[::1]:{server.port}")[0][0], self.leaf.pin)
        self.rule(f'keys = "{OTHER_PIN}";', "[::1]")
        result = self.judge(server.port, host="[::1]")
        self.assertEqual(result.returncode, 1, result)
        self.assertTrue(result.stderr.startswith(f"tlsgraft: [::1]:{server.port}: would be refused: "), result)

    def test_files_and_hosts_of_one_name(self):
        server = self.serve()
        self.write("localhost", self.ca.certificate.read_text())
        self.assertEqual(self.rows("localhost")[0][0], self.ca.pin)
        self.assertEqual(self.rows(f"localhost:{server.port}")[0][0], self.leaf.pin)
        (self.folder / f"127.0.0.1:{server.port}").mkdir()
        self.assertEqual(self.rows(f"127.0.0.1:{server.port}")[0][0], self.leaf.pin)

    def test_servers_that_ask_for_a_certificate(self):
        server = self.serve(client_ca=self.ca.certificate, tls=13)
        self.assertEqual(self.rows(f"localhost:{server.port}")[0][0], self.leaf.pin)
        port = self.s_server("-cert", self.leaf.certificate, "-key", self.leaf.key, "-tls1_2", "-Verify", "1",
                             "-verify_return_error")
        result = self.pin(f"localhost:{port}")
        self.assertEqual(result.returncode, 0, result)
        self.assertTrue(result.stdout.startswith(self.leaf.pin), result)
        self.assertRegex(result.stderr, 'alert "handshake failure"; it may ask for a client certificate')

    def test_www_and_several_blocks(self):
        port = self.s_server("-cert", self.leaf.certificate, "-key", self.leaf.key, "-cert_chain",
                             self.ca.certificate, "-www")
        self.assertEqual([row[0] for row in self.rows(f"localhost:{port}")], [self.leaf.pin, self.ca.pin])

    def test_old_servers(self):
        key, certificate = self.folder / "old.key", self.folder / "old.pem"
        openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", key, "-out", certificate,
                "-subj", "/CN=old")
        port = self.s_server("-cert", certificate, "-key", key, "-tls1", "-cipher", "ALL:@SECLEVEL=0")
        strict = self.write("openssl.cnf", "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                            "MinProtocol = TLSv1.2\nCipherString = DEFAULT@SECLEVEL=3\n")
        for env in ({}, {"OPENSSL_CONF": str(strict)}):
            self.assertEqual(self.rows(f"localhost:{port}", env=env)[0][0], pin_of(certificate))
        self.rule('min_version = "1.2";')
        result = self.judge(port)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(f"would be refused: the connection is TLS 1.0, and the rule {self.policy}:3 asks for 1.2;",
                      result.stderr)

    def test_hostile_subjects(self):
        hostile = Identity(self.folder, "hostile", subject="a\x1b[2J\tb")
        server = self.serve(hostile)
        rows = self.rows(f"localhost:{server.port}")
        self.assertEqual(len(rows[0]), 4)
        self.assertNotIn("\x1b", "".join(rows[0]))


class PinNoServer(ServerBench):
    def test_no_connection(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.assert_error(self.pin(f"127.0.0.1:{port}"), 3, f"127.0.0.1:{port}: no connection: Connection refused; ")
        self.assert_error(self.pin("host.invalid"), 3, "host.invalid:443: the name does not resolve: ")

    def test_what_speaks_no_tls(self):
        http = self.run_server(Answer(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        self.assert_error(self.pin(f"localhost:{http.port}"), 3, "it does not speak TLS on that port, but plain HTTP")
        for answer, at_once in ((b"SSH-2.0-x\r\n", True), (b"220 mail.example ESMTP\r\n", True),
                                (b"<html></html>", False)):
            other = self.run_server(Answer(answer, at_once))
            self.assert_error(self.pin(f"localhost:{other.port}"), 3, "it does not speak TLS on that port; ")

    def test_closed(self):
        for server in (self.run_server(Answer(b"")), self.run_server(Answer(b"", at_once=True))):
            self.assert_error(self.pin(f"localhost:{server.port}"), 3, "it closed the connection when the TLS")

    def test_alerts(self):
        for alert, words in ((40, '"handshake failure"; try another --servername'),
                             (112, '"unrecognized name"; give the name that it has, with --servername'),
                             (80, '"internal error"; see what the log of the server says')):
            server = self.run_server(Answer(bytes([21, 3, 3, 0, 2, 2, alert])))
            self.assert_error(self.pin(f"localhost:{server.port}"), 3, f"it ended the handshake with the alert {words}")

    def test_silence(self):
        server = self.run_server(Silent())
        self.assert_error(self.pin(f"localhost:{server.port}"), 3, "no answer to the TLS handshake within 10 seconds; ")

    def test_answers_without_end(self):
        server = self.run_server(Flood())
        self.assert_error(self.pin(f"localhost:{server.port}"), 3, "the TLS handshake did not end within 10 seconds; ")


class PinVerdict(ServerBench):
    def setUp(self):
        super().setUp()
        self.server = self.serve(chain=self.leaf.chain_with(self.ca))

    def test_allowed(self):
        self.rule(f'keys = "{self.leaf.pin}";')
        result = self.judge(self.server.port)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        self.assertEqual([line.split("\t")[4] for line in result.stdout.splitlines()], ["allowed"] * 2)
        entries = json.loads(self.judge(self.server.port, "--json").stdout)
        self.assertEqual([list(entry) for entry in entries], [["pin", "hex", "not_after", "subject", "allowed"]] * 2)
        self.assertEqual([entry["allowed"] for entry in entries], [True, True])

    def test_refused(self):
        self.rule(f'keys = "{OTHER_PIN}";')
        result = self.judge(self.server.port)
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(result.stderr, f"tlsgraft: localhost:{self.server.port}: would be refused: the server's "
                         f"public key is not one that the rule {self.policy}:3 pins; if its key was changed on "
                         f"purpose, add {self.leaf.pin} to keys\n")
        self.assertEqual([line.split("\t")[4] for line in result.stdout.splitlines()], ["refused"] * 2)
        entries = json.loads(self.judge(self.server.port, "--json").stdout)
        self.assertEqual([entry["allowed"] for entry in entries], [False, False])

    def test_reported(self):
        self.rule(f'keys = "{OTHER_PIN}"; mode = "report";')
        result = self.judge(self.server.port)
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("\tallowed\n", result.stdout)
        place = f"tlsgraft: warning: localhost:{self.server.port}: "
        self.assertTrue(result.stderr.startswith(place + "would be reported, and let pass: "), result)

    def two_rules(self, here, elsewhere):
        """One for the port of the server, and one for another; a key each, or None."""
        rules = [f'{{ domain = "localhost:{port}"; keys = "{key}"; }}'
                 for port, key in ((self.server.port, here), (9, elsewhere)) if key]
        self.policy.write_text(f"version = 1;\nsecurity: {{ pinned_public_keys = ({', '.join(rules)}); }};\n")

    def test_rules_for_other_ports(self):
        """They count where the port is not known; what is told is what happens at the port that was given."""
        known = {(OTHER_PIN, self.leaf.pin): (1, "let pass"), (self.leaf.pin, OTHER_PIN): (0, None),
                 (OTHER_PIN, None): (1, None), (None, OTHER_PIN): (0, "refused: the server's public key"),
                 (None, self.leaf.pin): (0, None)}
        place = f"tlsgraft: warning: localhost:{self.server.port}: where the port of a connection is not known"
        for keys, (status, otherwise) in known.items():
            with self.subTest(keys=keys):
                self.two_rules(*keys)
                result = self.judge(self.server.port)
                self.assertEqual(result.returncode, status, result)
                self.assertIn("\tallowed\n" if status == 0 else "\trefused\n", result.stdout)
                warnings = [line for line in result.stderr.splitlines() if line.startswith(place)]
                self.assertEqual(len(warnings), 0 if otherwise is None else 1, result)
                self.assertIn(f"it would be {otherwise}" if otherwise else "", "".join(warnings))

    def test_the_port_of_another_name(self):
        """Of a server that is asked for another name than that of the host, the port is not the name's own."""
        self.two_rules(None, OTHER_PIN)
        for words, status in ((("--servername", "localhost"), 1), (("--servername", "LOCALHOST."), 1), ((), 0)):
            result = self.judge(self.server.port, *words, host="127.0.0.1")
            self.assertEqual((result.returncode, "would be refused" in result.stderr), (status, status == 1), result)
        for name in ("localhost", "LocalHost."):
            self.assertEqual(self.judge(self.server.port, "--servername", name).returncode, 0)

    def test_security_level(self):
        """A rule that has the certificate verified does so at the level that a program has which sets none."""
        weak = Identity(self.folder, "weak", kind="weak", issuer=self.ca)
        port = self.s_server("-cert", weak.certificate, "-key", weak.key, "-cipher", "ALL:@SECLEVEL=0")
        self.rule(f'verify = "require"; ca_file = "{self.ca.certificate}";')
        for level, status in ((2, 1), (0, 0)):
            settings = self.write("openssl.cnf", "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                                  f"CipherString = DEFAULT@SECLEVEL={level}\n")
            result = self.judge(port, env={"OPENSSL_CONF": str(settings)})
            self.assertEqual(result.returncode, status, result)
            self.assertEqual("key too weak" in result.stderr, status == 1, result)

    def test_unknown_servers(self):
        self.rule(f'keys = "{OTHER_PIN}";', "other.example", 'unmatched = "refuse"; ')
        result = self.judge(self.server.port)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn('no rule is for this server, and unmatched = "refuse"; ', result.stderr)
        self.assertEqual(self.judge(self.server.port, host="127.0.0.1").returncode, 0)
        self.rule(f'keys = "{OTHER_PIN}";', "other.example", 'unnamed = "refuse"; ')
        result = self.judge(self.server.port, host="127.0.0.1")
        self.assertEqual(result.returncode, 1, result)
        self.assertIn('unnamed = "refuse"; ', result.stderr)

    def test_sections(self):
        section = (f'programs = ( {{ name = "x"; match = [ "/opt/*", "billing" ]; pinned_public_keys = (\n'
                   f'{{ domain = "localhost"; keys = "{OTHER_PIN}"; }} ); }} );\n')
        self.policy.write_text("version = 1;\n" + section)
        for program, status in (("/opt/x", 1), ("billing", 1), ("/usr/bin/billing", 1), (None, 0)):
            words = () if program is None else ("--program", program)
            self.assertEqual(self.judge(self.server.port, *words).returncode, status, program)
        result = self.judge(self.server.port, "--program", "other")
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("no section of", result.stderr)
        self.assertIn(f"--program: the executable is not known, and may match the section x ({self.policy}:2), which",
                      result.stderr)
        script = self.write("job", "#!/usr/bin/python3\n")
        self.policy.write_text("version = 1;\n" + section.replace("/opt/*", str(script)))
        self.assertEqual(self.judge(self.server.port, "--program", script).returncode, 0)
        self.assertEqual(self.judge(self.server.port, "--program", script, "--program", "billing").returncode, 1)

    def test_policies(self):
        host = f"localhost:{self.server.port}"
        self.rule(f'keys = "{OTHER_PIN}";')
        self.assertEqual(self.pin(host, env={"TLSGRAFT_POLICY": str(self.policy)}).returncode, 1)
        self.assertEqual(self.pin(host, env={"TLSGRAFT_POLICY": "relative"}).returncode, 3)
        self.assertEqual(self.call("--policy", "none.cfg", "pin", host).returncode, 3)
        self.policy.write_text("version = 2;\n")
        result = self.judge(self.server.port)
        self.assertEqual((result.returncode, result.stdout), (2, ""), result)
        self.rule('keys = "gone.pem";')
        result = self.judge(self.server.port)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("gone.pem cannot be read", result.stderr)

    def test_our_own_library_is_left_out(self):
        """It would refuse the handshake by which the server is asked, even before the server is asked."""
        other = self.library("other.so")
        for settings, before in ((f'keys = "{OTHER_PIN}";', ""), ('keys = "gone.pem";', 'unmatched = "refuse"; ')):
            self.rule(settings, "localhost" if before == "" else "other.example", before)
            alone = self.judge(self.server.port, "--servername", "localhost", "--json")
            self.assertEqual(alone.returncode, 1, alone)
            for preload in (LIBRARY, f"{other}:{LIBRARY}", f"{LIBRARY} {other}"):
                env = {"LD_PRELOAD": str(preload), "TLSGRAFT_POLICY": str(self.policy)}
                for call in (self.pin, self.call_with_policy):
                    result = call(f"localhost:{self.server.port}", "--servername", "localhost", "--json", env=env)
                    self.assertEqual((result.returncode, result.stdout, result.stderr),
                                     (alone.returncode, alone.stdout, alone.stderr))


class PinTellsTheTruth(LabTest):
    """What it says of a policy is what happens to a program under it."""

    RULES = {
        "right": 'keys = "{leaf}";',
        "wrong": 'keys = "{other}";',
        "chain": 'keys = "{ca}"; target = "chain";',
        "wrong chain": 'keys = "{other}"; target = "chain";',
        "required": 'keys = "{leaf}"; verify = "require"; ca_file = "ca.pem";',
        "required, without the CA": 'keys = "{leaf}"; verify = "require";',
        "wrong CA": 'keys = "{leaf}"; verify = "require"; ca_file = "other.pem";',
        "pin": 'keys = "{leaf}"; verify = "pin";',
        "version": 'min_version = "1.3";',
        "off": 'keys = "{other}"; mode = "off";',
        "report": 'keys = "{other}"; mode = "report";',
        "expired, report": 'keys = "{other}"; expires = "2020-01-01";',
        "expired, refuse": 'keys = "{leaf}"; expires = "2020-01-01"; after_expiry = "refuse";',
        "PEM": 'keys = "genuine.pem";',
        "unresolved": 'keys = "gone.pem";',
    }

    def test_as_in_a_handshake(self):
        refused = set()
        for tls in (12, 13):
            server = self.serve(self.genuine, tls=tls)
            for name, settings in self.RULES.items():
                with self.subTest(name=name, tls=tls):
                    happens = self.compare(server.port, settings)
                    refused |= {(name, tls)} if happens else set()
        self.assertTrue({("wrong", 12), ("version", 12), ("wrong CA", 13), ("unresolved", 13)} <= refused)
        self.assertFalse({("right", 12), ("version", 13), ("chain", 12), ("required", 13)} & refused)

    def compare(self, port, settings):
        settings = settings.format(leaf=self.genuine.pin, other=self.other.pin, ca=self.ca.pin)
        policy = self.lab / "compared.cfg"
        policy.write_text("version = 1; security: { pinned_public_keys = (\n"
                          f'{{ domain = "localhost"; {settings} }} ); }};\n')
        policy.chmod(0o600)
        program = self.graft(["curl", "-sSk", f"https://localhost:{port}/"], policy, patience=PATIENCE)
        said = self.bare([COMMAND, "--policy", policy, "pin", f"localhost:{port}"])
        self.assertEqual(said.status, 0 if program.status == 0 else 1, (said, program))
        return program.status != 0


if __name__ == "__main__":
    unittest.main()
