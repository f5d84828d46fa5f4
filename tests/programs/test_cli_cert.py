"""`tlsgraft cert`: the certificate store as its users meet it, in a directory and in a real Redis."""

import base64
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import subprocess
import unittest

from cli_bench import COMMAND, Bench
from keys import Identity, fingerprint_of, openssl
from lab import LabTest
from redis_server import Redis
from server import PATIENCE

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"
CASES = {case["name"]: case for case in json.loads((VECTORS / "store.json").read_text())}
GOOD = [case for case in CASES.values() if "stored_file" in case]
ORGANISATION = "5e9d9544a1dcd60001d0ed20"
SECRET = "352d20ee67be67f6340b4c0605b044b7"
SHOWN = ["id", "fingerprint", "has_private", "subject_cn", "issuer_cn", "dns_names", "not_before", "not_after", "is_ca",
         "key_type", "pin", "days_remaining", "chain_length"]
CHAIN = CASES["chain_with_key"]["cert_id"]
PUBLIC = CASES["pub_rsa"]["cert_id"]


def read_pty(master):
    """What is written to a terminal until its other end is closed."""
    output = b""
    while select.select([master], [], [], 60)[0]:
        try:
            output += os.read(master, 65536)
        except OSError:
            break
    os.close(master)
    return output.decode()


class CertBench(Bench):
    """A policy with an organisation, a secret and a store: a directory, unless the test says otherwise."""

    def setUp(self):
        super().setUp()
        self.place = self.folder / "certs"
        self.secret = self.write("secret", SECRET + "\n", 0o600)
        self.set_policy()

    def set_policy(self, rules="", organisation=ORGANISATION, store=None, more=""):
        store = store or f'path = "{self.place}";'
        self.policy = self.write("policy.cfg", f"""version = 1; organisation = "{organisation}"; store: {{ {store} }};
security: {{ private_certificate_encoding_secret_file = "secret"; pinned_public_keys = (
{rules}
); }}; {more}
""", 0o600)

    def cert(self, *words, **more):
        return self.call("--policy", self.policy, "cert", *words, **more)

    def add(self, path, *words, status=0, **more):
        result = self.cert("add", path, *words, **more)
        self.assertEqual(result.returncode, status, result)
        return result.stdout.strip()

    def vector(self, name, suffix="in"):
        text = (VECTORS / f"{name}.{suffix}.pem").read_text()
        return self.write(f"{name}.{suffix}.pem", text, 0o600)

    def records(self):
        return {path.name: path.read_bytes() for path in self.place.iterdir()} if self.place.exists() else {}

    def assert_error(self, result, status, *texts):
        self.assertEqual((result.returncode, result.stdout), (status, ""), result)
        self.assertRegex(result.stderr, r"^[^\n]*: [^\n]*; [^\n]*\n$")
        for text in texts:
            self.assertIn(text, result.stderr)

    def show(self, identity, **more):
        result = self.cert("show", identity, "--json", **more)
        self.assertEqual(result.returncode, 0, result)
        return json.loads(result.stdout)


class Add(CertBench):
    def test_vectors(self):
        for case in GOOD:
            with self.subTest(name=case["name"]):
                result = self.cert("add", self.vector(case["name"]))
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, case["cert_id"] + "\n", ""))
                path = self.place / (case["cert_id"] + ".pem")
                ours, theirs = path.read_text(), (VECTORS / case["stored_file"]).read_text()
                self.assertEqual(ours.partition("DEK-Info")[0], theirs.partition("DEK-Info")[0])
                self.assertEqual(path.stat().st_mode & 0o777, 0o640 if case["has_private"] else 0o644)
                if case["has_private"]:
                    self.assert_key(ours, case["plaintext_key_der_sha256"])

    def assert_key(self, text, digest):
        """Decrypted by hand it is the DER of the input, and the openssl command reads the block."""
        block = text[text.index("-----BEGIN ENCRYPTED"):]
        vector = bytes.fromhex(re.search("AES-256-CBC,([0-9a-f]{32})\n\n", block).group(1))
        key = part = b""
        while len(key) < 32:
            part = hashlib.md5(part + SECRET.encode() + vector[:8]).digest()
            key += part
        cipher = self.write("cipher", base64.b64decode("".join(block.split("\n\n")[1].splitlines()[:-1])))
        der = openssl("enc", "-d", "-aes-256-cbc", "-K", key.hex(), "-iv", vector.hex(), "-in", cipher)
        self.assertEqual(hashlib.sha256(der).hexdigest(), digest)
        block = self.write("block.pem", block, 0o600)
        certificate = self.write("certificate.pem", text)
        self.assertEqual(openssl("pkey", "-in", block, "-passin", f"pass:{SECRET}", "-pubout"),
                         openssl("x509", "-in", certificate, "-noout", "-pubkey"))

    def test_what_the_gateway_stored_is_read(self):
        self.place.mkdir()
        for case in GOOD:
            with self.subTest(name=case["name"]):
                (self.place / (case["cert_id"] + ".pem")).write_bytes((VECTORS / case["stored_file"]).read_bytes())
                result = self.cert("show", case["cert_id"], "--json")
                self.assertEqual((result.returncode, result.stderr), (0, ""), result)
                shown = json.loads(result.stdout)
                self.assertEqual(list(shown), SHOWN if case["name"] != "pub_rsa" else ["id", "pin", "key_type"])
                pin = bytes.fromhex(case["spki_sha256_pin"])
                self.assertEqual(shown["pin"], "sha256//" + base64.b64encode(pin).decode())

    def test_refused(self):
        leaf = Identity(self.folder, "leaf")
        other = Identity(self.folder, "other")
        both = other.certificate.read_text() + leaf.key.read_text()
        public = openssl("pkey", "-in", leaf.key, "-pubout").decode()
        cases = {
            "bad_two_keys": ((VECTORS / "bad_two_keys.in.pem").read_text(), "more than one private key"),
            "bad_expired": ((VECTORS / "bad_expired.in.pem").read_text(), "expired certificate"),
            "mismatch": (both, "does not match the first certificate"),
            "key alone": (leaf.key.read_text(), "private key alone"),
            "two": (public + public, "several public keys"),
            "together": (public + leaf.certificate.read_text(), "public key and a certificate together"),
            "DER": (openssl("x509", "-in", leaf.certificate, "-outform", "DER"), "openssl x509 -inform DER"),
            "nothing": ("hello\n", "no PEM block"),
            "empty": ("", "is empty"),
            "long": ("x" * (1 << 20) + "\n", "longer than 1 MiB"),
        }
        for name, (content, words) in cases.items():
            with self.subTest(name=name):
                self.assert_error(self.cert("add", self.write("input", content, 0o600)), 2, words)
                self.assertEqual(self.records(), {})
        encrypted = openssl("pkey", "-in", leaf.key, "-aes128", "-passout", "pass:x").decode()
        result = self.cert("add", self.write("input", leaf.certificate.read_text() + encrypted, 0o600))
        self.assert_error(result, 2, "encrypted", "openssl pkey")
        self.assert_error(self.cert("add", "none.pem"), 3, "none.pem", "No such file")
        self.assert_error(self.cert("add", self.folder), 3, "directory")
        self.assert_error(self.cert("add"), 2, "no FILE")
        for organisation in ("a/b", "..", ".a", "x" * 10000):
            self.assert_error(self.cert("add", leaf.certificate, "--org", organisation), 2, "--org")
        self.assertEqual(self.records(), {})

    def test_without_a_secret(self):
        self.policy.write_text(f'version = 1; store: {{ path = "{self.place}"; }};\n')
        result = self.cert("add", self.vector("ec_p256_sec1"))
        self.assert_error(result, 2, "no secret", "private_certificate_encoding_secret_file",
                          "TLSGRAFT_SECURITY_PRIVATECERTIFICATEENCODINGSECRET")
        env = {"TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET": SECRET}
        self.assertEqual(self.add(self.vector("ec_p256_sec1"), env=env), CASES["ec_p256_sec1"]["bare_id"])

    def test_there_already(self):
        path = self.vector("rsa_pkcs1")
        identity = self.add(path)
        before = self.records()
        self.assert_error(self.cert("add", path), 1, f"Certificate with {identity} id already exists")
        self.assert_error(self.cert("add", path, "--replace"), 1, f"Certificate with {identity} id already exists",
                          "has its private key")
        self.assertEqual(self.records(), before)

    def test_replace_completes(self):
        leaf = Identity(self.folder, "leaf")
        whole = self.write("whole.pem", leaf.certificate.read_text() + leaf.key.read_text(), 0o600)
        identity = self.add(leaf.certificate)
        self.assert_error(self.cert("add", whole), 1, "already exists; it has no private key: add it with --replace")
        self.assert_error(self.cert("add", leaf.certificate, "--replace"), 1, "already exists", "private key")
        self.assertFalse(self.show(identity)["has_private"])
        self.assertEqual(self.add(whole, "--replace"), identity)
        self.assertTrue(self.show(identity)["has_private"])
        path = self.place / f"{identity}.pem"
        self.assertEqual(path.stat().st_mode & 0o777, 0o640)
        path.write_text("swapped\n")
        for more in ([], ["--replace"]):
            self.assert_error(self.cert("add", whole, *more), 1, "already exists, but it is refused: it holds no",
                              f"cert delete --force {identity}', and add it again")

    def test_replace_tells_of_a_shorter_chain(self):
        ca = Identity(self.folder, "ca", ca=True)
        leaf = Identity(self.folder, "leaf", issuer=ca)
        whole = self.write("whole.pem", leaf.certificate.read_text() + leaf.key.read_text(), 0o600)
        self.add(self.write("chain.pem", leaf.certificate.read_text() + ca.certificate.read_text()))
        result = self.cert("add", whole, "--replace")
        self.assertEqual(result.returncode, 0, result)
        self.assertIn(f"the record {result.stdout.strip()} had 2 certificates, and has 1 of this file now", result.stderr)

    def test_two_completions_at_once(self):
        """What one has completed the other does not replace."""
        other = Identity(self.folder, "other")
        for number in range(10):
            leaf = Identity(self.folder, f"leaf{number}")
            alone = leaf.certificate.read_text() + leaf.key.read_text()
            paths = [self.write("alone.pem", alone, 0o600),
                     self.write("more.pem", alone + other.certificate.read_text(), 0o600)]
            self.add(leaf.certificate)
            both = [subprocess.Popen([COMMAND, "--policy", self.policy, "cert", "add", "--replace", path],
                                     env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    for path in paths]
            ends = [(one.communicate(timeout=60)[1], one.returncode) for one in both]
            self.assertEqual(sorted(status for _, status in ends), [0, 1], ends)

    def test_stdin_organisation_and_readers(self):
        leaf = Identity(self.folder, "leaf")
        text = "a leaf\r\n" + leaf.certificate.read_text().replace("\n", "\r\n")
        fingerprint = fingerprint_of(leaf.certificate)
        self.assertEqual(self.add("-", input=text, stdin=None), ORGANISATION + fingerprint)
        self.assertEqual(self.add("-", "--org", "other", input=text, stdin=None), "other" + fingerprint)
        self.assertEqual(self.add("-", "--org", "", input=text, stdin=None), fingerprint)
        whole = self.write("whole.pem", leaf.certificate.read_text() + leaf.key.read_text(), 0o644)
        result = self.cert("add", whole, "--org", "third")
        self.assertEqual((result.returncode, result.stdout), (0, "third" + fingerprint + "\n"))
        self.assertIn("warning: cert add: ", result.stderr)
        self.assertIn("anyone may read it; chmod 600", result.stderr)

    def test_two_at_once(self):
        path = self.vector("chain_with_key")
        words = [COMMAND, "--policy", self.policy, "cert", "add", path]
        both = [subprocess.Popen(words, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for _ in range(2)]
        statuses = sorted(one.communicate(timeout=60) and one.returncode for one in both)
        self.assertEqual(statuses, [0, 1])
        self.assertEqual(list(self.records()), [f"{CHAIN}.pem"])

    def test_without_a_policy(self):
        """The defaults apply, so the store is asked for in its usual place."""
        result = self.call("cert", "show", "0" * 64)
        self.assert_error(result, 1, "/etc/tlsgraft/certs")
        result = self.call("cert", "usage", "0" * 64)
        self.assert_error(result, 1, "there is no policy")


class Show(CertBench):
    def test_kinds_of_keys(self):
        kinds = {
            "RSA-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            "RSA-PSS-2048": ["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
            "EC-P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "EC-P-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
            "EC-P-521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
            "EC-secp256k1": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
            "Ed25519": ["-algorithm", "ED25519"],
            "Ed448": ["-algorithm", "ED448"],
            "X25519": ["-algorithm", "X25519"],
        }
        for kind, words in kinds.items():
            with self.subTest(kind=kind):
                key = self.folder / "key.pem"
                openssl("genpkey", *words, "-out", key)
                public = self.write("public.pem", openssl("pkey", "-in", key, "-pubout"))
                shown = self.show(self.add(public))
                self.assertEqual(list(shown), ["id", "pin", "key_type"])
                self.assertEqual(shown["key_type"], kind)

    def test_lines(self):
        ca = Identity(self.folder, "ca", subject="Lab CA", ca=True)
        leaf = Identity(self.folder, "leaf", issuer=ca, names="DNS:one.example,DNS:two.example,IP:10.0.0.1", days=10)
        identity = self.add(leaf.chain_with(ca))
        result = self.cert("show", identity)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        self.assertEqual([row[0] for row in rows], SHOWN[:6] + ["dns_names"] + SHOWN[6:])
        self.assertEqual([row[1] for row in rows if row[0] == "dns_names"], ["one.example", "two.example"])
        found = dict(rows)
        self.assertEqual((found["subject_cn"], found["issuer_cn"], found["pin"]), ("leaf", "Lab CA", leaf.pin))
        self.assertEqual((found["chain_length"], found["is_ca"]), ("2", "no"))
        self.assertIn(found["days_remaining"], ("9", "10"))
        self.assertTrue(self.show(self.add(ca.certificate))["is_ca"])

    def test_hostile_names(self):
        leaf = Identity(self.folder, "leaf", subject="a\x1b[31m\x07b", names="DNS:x\x1b[2J")
        identity = self.add(leaf.certificate)
        for words in (("show", identity), ("list",)):
            result = self.cert(*words)
            self.assertEqual(result.returncode, 0, result)
            self.assertNotIn("\x1b", result.stdout)
            self.assertIn("\\x1b[31m" if words[0] == "show" else "1B[31m", result.stdout)
        self.assertEqual(self.show(identity)["subject_cn"], "a\x1b[31m\x07b")

    def test_wrong_secret(self):
        self.add(self.vector("chain_with_key"))
        variable = "TLSGRAFT_SECURITY_PRIVATECERTIFICATEENCODINGSECRET"
        for env, origin in (({variable: "wrong"}, f"the variable {variable}"), ({}, "policy.cfg:2")):
            if not env:
                self.secret.write_text("wrong")
            result = self.cert("show", CHAIN, "--json", env=env)
            self.assertEqual(result.returncode, 0, result)
            self.assertEqual(json.loads(result.stdout)["subject_cn"], "leaf.chain.vector.test")
            self.assertIn("the secret is wrong", result.stderr)
            self.assertIn(origin, result.stderr.partition("It may come from")[0])
            for place in ("security.private_certificate_encoding_secret ", "private_certificate_encoding_secret_file",
                          variable, "TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET"):
                self.assertIn(place, result.stderr)
            self.assertNotIn("wrong", result.stderr.replace("secret is wrong", ""))

    def test_refused(self):
        self.place.mkdir()
        swapped = self.place / f"{CHAIN}.pem"
        swapped.write_text((VECTORS / "rsa_pkcs1.stored.pem").read_text())
        self.assert_error(self.cert("show", CHAIN), 1, "swapped")
        self.assert_error(self.cert("show", PUBLIC), 1, "no such record", str(self.place))
        self.assert_error(self.cert("show", PUBLIC[-64:]), 1, f"try {PUBLIC}")
        fingerprint = ":".join(PUBLIC[-64:][i:i + 2] for i in range(0, 64, 2))
        self.assert_error(self.cert("show", fingerprint), 2, "colons")
        for command in ("show", "delete", "usage"):
            for identity in ("a/b", "../x", "..", "", "x" * 10000, "a\tb"):
                self.assert_error(self.cert(command, identity), 2, "this is no id")
            self.assert_error(self.cert(command), 2, "no ID")


    def test_what_stands_before_a_public_key(self):
        """What the record was found to be is what is printed, however its first line looks to others."""
        text = (VECTORS / "pub_rsa.stored.pem").read_bytes()
        self.place.mkdir()
        for before in (b"\xef\xbb\xbf", b"a\0b\n", b"-----BEGIN \n"):
            with self.subTest(before=before):
                (self.place / f"{PUBLIC}.pem").write_bytes(before + text)
                self.assertEqual(list(self.show(PUBLIC)), ["id", "pin", "key_type"])
                shown = json.loads(self.cert("list", "--json").stdout)
                self.assertEqual(shown, [self.show(PUBLIC)])
                self.assertIn("\tRSA-2048\n", self.cert("list").stdout)


class List(CertBench):
    def fill(self):
        return [self.add(self.vector(name)) for name in ("rsa_pkcs1", "pub_rsa", "chain_with_key")]

    def test_order_and_broken_ones(self):
        identities = self.fill()
        (self.place / f"{identities[0]}.pem").write_text("broken\n")
        os.utime(self.place / f"{identities[0]}.pem", (0, 0))
        result = self.cert("list")
        self.assertEqual(result.returncode, 0, result)
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        self.assertEqual([row[0] for row in rows], identities)
        self.assertEqual([len(row) for row in rows], [5, 5, 5])
        self.assertRegex(rows[0][4], "^broken: it ")
        self.assertEqual(rows[1][1:], ["", "", "", "RSA-2048"])
        self.assertEqual((rows[2][1], rows[2][4]), ("CN=leaf.chain.vector.test", "EC-P-256 private"))
        self.assertIn("1 of 3 records cannot be used", result.stderr)
        shown = json.loads(self.cert("list", "--json").stdout)
        self.assertEqual([entry["id"] for entry in shown], identities)
        self.assertEqual(list(shown[0]), ["id", "broken"])
        self.assertEqual(shown[2], self.show(identities[2]))
        self.assertEqual(json.loads(self.cert("list", "--org", "none", "--json").stdout), [])
        self.assert_error(self.cert("list", "x"), 2, "'x' is too much")

    def test_one_that_cannot_be_read(self):
        """Whether it is broken is not known, so nobody is told to delete it."""
        identities = self.fill()
        (self.place / f"{identities[0]}.pem").chmod(0o666)
        (self.place / f"{identities[1]}.pem").unlink()
        (self.place / f"{identities[1]}.pem").mkdir()
        result = self.cert("list")
        self.assertEqual(result.returncode, 0, result)
        kinds = {line.split("\t")[0]: line.split("\t")[4] for line in result.stdout.splitlines()}
        self.assertRegex(kinds[identities[0]], "^broken: .*is writable by others.*; run: chmod go-w")
        self.assertRegex(kinds[identities[1]], r"^broken: .*\.pem is a directory; remove it")
        self.assertIn("2 of 3 records cannot be read; the list tells why", result.stderr)
        self.assertNotIn("cert delete", result.stderr)
        self.assert_error(self.cert("delete", identities[1]), 3, ".pem is a directory; remove it")
        self.assert_error(self.cert("add", self.vector("pub_rsa")), 1, "already exists", ".pem is a directory; remove it")

    def test_places_that_are_no_directory(self):
        for make, words in ((lambda: self.place.write_text("x"), "it is not a directory; set 'path'"),
                            (lambda: self.place.symlink_to("nowhere"), "it is a symbolic link to nothing; make the directory")):
            make()
            for command in (["add", self.vector("pub_rsa")], ["list"], ["show", PUBLIC], ["delete", PUBLIC]):
                self.assert_error(self.cert(*command), 3, words)
            self.place.unlink()

    def test_terminal(self):
        ca = Identity(self.folder, "ca", ca=True)
        leaf = Identity(self.folder, "leaf", issuer=ca, days=3)
        self.add(leaf.certificate)
        past = Identity(self.folder, "past", issuer=ca, days=-1).certificate
        (self.place / f"{ORGANISATION}{fingerprint_of(past)}.pem").write_text(past.read_text())
        threshold = "TLSGRAFT_SECURITY_CERTIFICATEEXPIRYMONITOR_WARNINGTHRESHOLDDAYS"
        for env, colour, past in (({"TERM": "xterm"}, 33, True), ({"TERM": "xterm", "NO_COLOR": "1"}, None, False),
                                  ({"TERM": "xterm", threshold: "1"}, None, True)):
            master, slave = pty.openpty()
            with subprocess.Popen([COMMAND, "--policy", self.policy, "cert", "list"], stdout=slave, stderr=slave,
                                  env=dict(self.environment, **env)):
                os.close(slave)
                output = read_pty(master)
            found = re.search("\x1b\\[(\\d+)m    [23]\x1b\\[0m", output)
            self.assertEqual(int(found[1]) if found else None, colour, output)
            self.assertEqual(re.search("\x1b\\[31m   -1\x1b\\[0m", output) is not None, past, output)
            self.assertIn("CN=leaf", output)


class Rules(CertBench):
    """What `cert usage`, `cert delete`, `policy check` and `policy explain` make of a rule with an id."""

    def rules(self, keys=PUBLIC, **more):
        self.set_policy(f'{{ domain = [ "b.example", "a.example:8443" ]; keys = "{keys}"; }}', **more)

    def check(self, status, *texts, env=None):
        result = self.call("policy", "check", self.policy, env=env)
        self.assertEqual(result.returncode, status, result)
        for text in texts:
            self.assertIn(text, result.stderr)
        return result

    def test_usage(self):
        section = f'programs = ( {{ name = "billing"; match = "x"; pinned_public_keys = ( {{ domain = "*"; keys = ' \
                  f'"{PUBLIC}"; }} ); }},\n{{ name = "off"; match = "y"; certificate_pinning_disabled = true; ' \
                  f'pinned_public_keys = ( {{ domain = "c.example"; keys = "{PUBLIC}"; }} ); }} );'
        self.rules(more=section)
        rows = [{"domain": "a.example:8443", "role": "pin", "rule": f"{self.policy}:3"},
                {"domain": "b.example", "role": "pin", "rule": f"{self.policy}:3"},
                {"program": "billing", "domain": "*", "role": "pin", "rule": f"{self.policy}:4"},
                {"program": "off", "domain": "c.example", "role": "pin", "rule": f"{self.policy}:5"}]
        result = self.cert("usage", PUBLIC, "--json")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        self.assertEqual(json.loads(result.stdout), rows)
        self.assertEqual([list(row) for row in json.loads(result.stdout)][2], ["program", "domain", "role", "rule"])
        lines = self.cert("usage", PUBLIC).stdout.splitlines()
        self.assertEqual([line.split("\t") for line in lines],
                         [[row.get("program", ""), row["domain"], row["role"], row["rule"]] for row in rows])
        self.assert_error(self.cert("usage", CHAIN), 1, "no rule of")
        self.assertEqual(self.cert("usage", CHAIN, "--json").stdout, "[]\n")

    def test_a_store_whose_name_does_not_resolve(self):
        self.rules(store='type = "redis"; address = "store.invalid:6379";')
        self.check(3, f"{self.policy}:", 'address: "store.invalid:6379" cannot be resolved', "its name has no address")

    def test_digits_alone(self):
        """They are an id where there is no organisation, in either case of the letters; else the pin."""
        bare = PUBLIC[-64:]
        for organisation, keys, status in (("", bare, 0), ("", bare.upper(), 0), (ORGANISATION, bare, 1)):
            self.rules(keys=keys, organisation=organisation)
            self.assertEqual(self.cert("usage", bare).returncode, status, (organisation, keys))

    def test_delete(self):
        self.add(self.vector("pub_rsa"))
        self.rules()
        before = self.records()
        result = self.cert("delete", PUBLIC)
        self.assert_error(result, 1, f"{self.policy}:3: ", "in use", "--force")
        self.assertEqual(self.records(), before)
        result = self.cert("delete", PUBLIC, "--force")
        self.assertEqual((result.returncode, result.stdout), (0, ""), result)
        self.assertIn(f"{self.policy}:3: ", result.stderr)
        self.assertEqual(self.records(), {})
        self.assert_error(self.cert("delete", PUBLIC, "--force"), 1, "no such record")
        other = self.add(self.vector("rsa_pkcs1"))
        result = self.cert("delete", other)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        self.assertEqual(self.records(), {})

    def test_check(self):
        self.rules()
        self.check(2, f"{self.policy}:3: keys: ", PUBLIC, "no such record", "tlsgraft cert add")
        self.add(self.vector("pub_rsa"))
        self.check(0, "one key only")
        (self.place / f"{PUBLIC}.pem").write_text((VECTORS / "rsa_pkcs1.stored.pem").read_text())
        self.check(2, f"{self.policy}:3: keys: ", "something else than the record")
        self.rules(keys="a/../b")
        self.check(2, f"{self.policy}:3: ")

    def test_check_warns_of_expiry(self):
        ca = Identity(self.folder, "ca", ca=True)
        leaf = Identity(self.folder, "leaf", issuer=ca, days=3)
        identity = self.add(leaf.certificate)
        self.rules(keys=identity)
        result = self.check(0, f"{self.policy}:3: keys: the certificate in {identity} expires")
        self.assertRegex(result.stderr, r" is in [23] days\)")  # 3 in the second in which it was made

    def test_store_that_does_not_answer(self):
        self.rules(store=f'type = "redis"; address = "unix:{self.folder}/none.sock";')
        self.check(3, f"{self.policy}:3: keys: ", "no such socket")
        result = self.call("--policy", self.policy, "policy", "explain", "b.example")
        self.assertEqual(result.returncode, 3, result)
        self.assertIn("unresolved\t" + PUBLIC, result.stdout)
        self.assertEqual(self.call("--policy", self.policy, "policy", "explain", "other.example").returncode, 1)
        for words in (("add", self.vector("pub_rsa")), ("show", PUBLIC), ("list",), ("delete", PUBLIC, "--force")):
            self.assert_error(self.cert(*words), 3, "none.sock")

    def test_explain(self):
        self.rules()
        result = self.call("--policy", self.policy, "policy", "explain", "b.example", "--json")
        self.assertEqual(json.loads(result.stdout)["pin_rule"]["unresolved"][0]["key"], PUBLIC)
        self.add(self.vector("pub_rsa"))
        pin = self.show(PUBLIC)["pin"]
        result = self.call("--policy", self.policy, "policy", "explain", "b.example", "--json")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        rule = json.loads(result.stdout)["pin_rule"]
        self.assertEqual((rule["pins"], rule["ids"]), ([pin], [{"id": PUBLIC, "pin": pin}]))
        result = self.call("--policy", self.policy, "policy", "explain", "b.example")
        self.assertIn(f"pin\t{pin}\t{PUBLIC}\n", result.stdout)


class InRedis(CertBench):
    def setUp(self):
        super().setUp()
        self.redis = Redis(self, password="wonder")
        self.write("password", "wonder\n", 0o600)
        self.set_policy(store=f'type = "redis"; address = "unix:{self.redis.socket}"; password_file = "password";')
        self.index = f"cert-{ORGANISATION}-index"

    def elements(self):
        return self.redis.cli("LRANGE", self.index, "0", "-1").split()

    def test_vectors(self):
        for case in GOOD:
            with self.subTest(name=case["name"]):
                self.assertEqual(self.add(self.vector(case["name"])), case["cert_id"])
                ours = self.redis.cli("--raw", "GET", case["redis_key"])
                theirs = (VECTORS / case["stored_file"]).read_text()
                self.assertEqual(ours.partition("DEK-Info")[0].rstrip(), theirs.partition("DEK-Info")[0].rstrip())
                self.assertEqual(self.elements()[-1], case["redis_index_element"])
                self.redis.cli("SET", case["redis_key"], theirs)
                result = self.cert("show", case["cert_id"])
                self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        self.assertEqual(self.redis.cli("TYPE", self.index).strip(), "list")
        rows = [line.split("\t")[0] for line in self.cert("list").stdout.splitlines()]
        self.assertEqual(rows, [case["cert_id"] for case in GOOD])

    def test_what_is_sent(self):
        """As the gateway does it: EXISTS, SET, RPUSH; and LREM, DEL."""
        words = ["redis-cli", "-s", self.redis.socket, "-a", "wonder", "--no-auth-warning", "MONITOR"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as monitor:
            self.assertEqual(monitor.stdout.readline().strip(), "OK")
            self.add(self.vector("pub_rsa"))
            self.assertEqual(self.cert("delete", PUBLIC).returncode, 0)
            self.redis.cli("ECHO", "the end")
            sent = []
            for line in monitor.stdout:
                if "the end" in line:
                    break
                sent.append(line.split('"')[1].upper())
            monitor.kill()
        order = [word for word in sent if word in ("EXISTS", "MULTI", "SET", "RPUSH", "LREM", "DEL", "EXEC")]
        self.assertEqual(order[:5], ["EXISTS", "MULTI", "SET", "RPUSH", "EXEC"])
        self.assertEqual(sorted(order[5:]), sorted(["MULTI", "LREM", "DEL", "EXEC"]))

    def test_refusals_change_nothing(self):
        identity = self.add(self.vector("rsa_pkcs1"))
        before = self.redis.cli("GET", f"cert-raw-{identity}"), self.elements()
        self.assertEqual(self.add(self.vector("rsa_pkcs1"), status=1), "")
        for name in ("bad_two_keys", "bad_expired"):
            self.add(self.vector(name), status=2)
        self.assertEqual((self.redis.cli("GET", f"cert-raw-{identity}"), self.elements()), before)
        self.assertEqual(len(self.redis.cli("KEYS", "*").split()), 2)

    def test_two_at_once(self):
        path = self.vector("chain_with_key")
        words = [COMMAND, "--policy", self.policy, "cert", "add", path]
        both = [subprocess.Popen(words, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for _ in range(2)]
        self.assertEqual(sorted(one.communicate(timeout=60) and one.returncode for one in both), [0, 1])
        self.assertEqual(self.elements(), [f"raw-{CHAIN}"])

    test_two_completions_at_once = Add.test_two_completions_at_once

    def test_ed25519(self):
        leaf = Identity(self.folder, "leaf", kind="ed25519")
        whole = self.write("whole.pem", leaf.certificate.read_text() + leaf.key.read_text(), 0o600)
        result = self.cert("add", whole)
        self.assertEqual((result.returncode, result.stdout.strip()), (0, ORGANISATION + fingerprint_of(leaf.certificate)))
        self.assertIn("Ed25519", result.stderr)

    def test_broken_ones_do_not_end_the_list(self):
        identities = [self.add(self.vector(name)) for name in ("rsa_pkcs1", "pub_rsa", "chain_with_key")]
        self.redis.cli("DEL", f"cert-raw-{identities[0]}")
        self.redis.cli("DEL", f"cert-raw-{identities[1]}")
        self.redis.cli("RPUSH", f"cert-raw-{identities[1]}", "x")
        result = self.cert("list")
        self.assertEqual(result.returncode, 0, result)
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        self.assertEqual([row[0] for row in rows], identities)
        self.assertEqual([row[4].startswith("broken: ") for row in rows], [True, True, False])
        self.assertIn("the index names it", rows[0][4])
        self.assertRegex(rows[1][4], "^broken: .*; ")
        self.assertIn("1 of 3 records cannot be used; delete", result.stderr)
        self.assertIn("1 of 3 records cannot be read; the list", result.stderr)

    def test_what_only_the_index_names_is_deleted(self):
        stays = self.add(self.vector("pub_rsa"))
        gone, another = ORGANISATION + "1" * 64, "other" + "2" * 64
        for identity in (gone, another, "foo"):
            self.redis.cli("RPUSH", self.index, f"raw-{identity}")
            result = self.cert("delete", identity)
            self.assertEqual((result.returncode, result.stdout), (0, ""), result)
            self.assertIn(f"cert delete: {identity}: there was no such record", result.stderr)
            self.assertEqual(self.elements(), [f"raw-{stays}"])
            self.assert_error(self.cert("delete", identity), 1, "no such record")

    def test_wrong_password(self):
        self.write("password", "wrong\n", 0o600)
        self.assert_error(self.cert("list"), 3, "password")


class Pinned(LabTest):
    """`tlsgraft pin HOST` asks the store as a program does, and tells what happens to it."""

    def test_as_in_a_handshake(self):
        policy = self.lab / "id.cfg"
        port = self.serve(self.genuine).port
        for name, identity, status in (("right", self.genuine, 0), ("wrong", self.other, 1), ("absent", None, 1)):
            with self.subTest(name=name):
                certificate = "0" * 64 if identity is None else fingerprint_of(identity.certificate)
                policy.write_text(f'version = 1; organisation = "lab"; store: {{ path = "{self.lab}/certs"; }};\n'
                                  'security: { pinned_public_keys = (\n'
                                  f'{{ domain = "localhost"; keys = "lab{certificate}"; }} ); }};\n')
                policy.chmod(0o600)
                if identity is not None:
                    added = self.bare([COMMAND, "--policy", policy, "cert", "add", identity.certificate])
                    self.assertEqual(added.status, 0, added)
                said = self.bare([COMMAND, "--policy", policy, "pin", f"localhost:{port}"])
                self.assertEqual(said.status, status, said)
                program = self.graft(["curl", "-sSk", f"https://localhost:{port}/"], policy, patience=PATIENCE)
                self.assertEqual(program.status == 0, status == 0, program)


class Help(Bench):
    def test_each_command(self):
        for command in ("add", "show", "list", "delete", "usage"):
            result = self.call("cert", command, "--help")
            self.assertEqual((result.returncode, result.stderr), (0, ""), result)
            for text in (f"cert {command}", "example:\n", "status: "):
                self.assertIn(text, result.stdout)
            self.assertLessEqual(max(map(len, result.stdout.splitlines())), 160)
        result = self.call("cert")
        self.assertEqual(result.returncode, 2, result)


if __name__ == "__main__":
    unittest.main()
