"""What the commands make of `upstream_certificates`: `policy check`, `cert usage` and `cert delete`; real stores."""

import json
import re
import subprocess
import unittest

from keys import Identity, openssl
from redis_server import Redis
from test_cli_cert import CASES, ORGANISATION, PUBLIC, SECRET, CertBench

RSA = CASES["rsa_pkcs1"]["cert_id"]
EC = CASES["ec_p256_sec1"]["cert_id"]


class UpstreamBench(CertBench):
    def upstream(self, *certificates, more="", settings="", store=None,
                 secret='private_certificate_encoding_secret_file = "secret";'):
        """A policy with a rule (line 3) that has these candidates."""
        store = store or f'path = "{self.place}";'
        listed = ", ".join(f'"{certificate}"' for certificate in certificates)
        self.policy = self.write("policy.cfg", f"""version = 1; organisation = "{ORGANISATION}"; store: {{ {store} }};
security: {{ {secret} upstream_certificates = (
{{ domain = [ "b.example", "a.example:8443" ]; certificate = [ {listed} ]; {settings} }}
); }}; {more}
""", 0o600)

    def check(self, status, *texts, lines=None):
        result = self.call("policy", "check", self.policy)
        self.assertEqual(result.returncode, status, result)
        for text in texts:
            self.assertIn(text, result.stderr)
        if lines is not None:
            self.assertEqual(len(result.stderr.splitlines()), lines, result.stderr)
        return result

    def both(self, name, *pieces, mode=0o600):
        texts = (piece if isinstance(piece, str) else piece.read_text() for piece in pieces)
        return self.write(name, "".join(texts), mode)


class Check(UpstreamBench):
    def setUp(self):
        super().setUp()
        self.own = Identity(self.folder, "own")

    def test_good(self):
        self.add(self.vector("rsa_pkcs1"))
        self.add(self.vector("ec_p256_sec1"))
        self.both("own.both.pem", self.own.certificate, self.own.key)
        in_place = (self.own.certificate.read_text() + self.own.key.read_text()).replace("\n", "\\n")
        self.upstream(f" {RSA}, {EC} ", "own.both.pem", in_place)
        result = self.check(0, lines=0)
        self.assertEqual(result.stdout, f"{self.policy}: 1 rule, 0 keys, 4 client certificates\n")
        self.upstream(RSA)
        self.assertEqual(self.check(0).stdout, f"{self.policy}: 1 rule, 0 keys, 1 client certificate\n")

    def test_the_key_of_a_file_may_be_encrypted_with_the_secret_of_the_store(self):
        encrypted = openssl("ec", "-in", self.own.key, "-aes256", "-passout", f"pass:{SECRET}").decode()
        self.assertIn("DEK-Info", encrypted)
        self.both("own.both.pem", self.own.certificate, encrypted)
        self.upstream("own.both.pem")
        self.check(0, lines=0)
        self.upstream("own.both.pem", secret="")
        self.check(2, f"{self.policy}:3: certificate: {self.folder}/own.both.pem ", "there is no secret",
                   "private_certificate_encoding_secret_file", lines=1)
        self.write("secret", "another\n", 0o600)
        self.upstream("own.both.pem")
        self.check(2, "the secret is wrong", lines=1)

    def test_records_that_cannot_be_presented(self):
        alone = self.add(self.own.certificate)
        self.add(self.vector("pub_rsa"))
        faults = {
            RSA: "has no such record; register it there with 'tlsgraft cert add'",
            PUBLIC: "is a public key; give a certificate",
            alone: "has no private key; ",
            "not-an-id": "a path has a / in it",
            RSA[len(ORGANISATION):]: f"begins with the organisation where there is one: {RSA}",
        }
        self.upstream(*faults)
        lines = self.check(2, lines=5).stderr.splitlines()
        for line, (name, words) in zip(lines, faults.items()):
            self.assertTrue(line.startswith(f'{self.policy}:3: certificate: "{name}": '), line)
            self.assertIn(words, line)
        self.upstream(RSA, settings='mode = "off";')
        self.check(0, lines=0)
        (self.place / f"{RSA}.pem").write_bytes((self.place / f"{alone}.pem").read_bytes())
        self.upstream(RSA)
        self.check(2, "holds something else than the record of this id", lines=1)

    def test_the_wrong_secret(self):
        self.add(self.vector("rsa_pkcs1"))
        self.write("secret", "another\n", 0o600)
        self.upstream(RSA)
        self.check(2, f'certificate: "{RSA}": ', "the secret is wrong", lines=1)

    def test_files_that_cannot_be_presented(self):
        other = Identity(self.folder, "other")
        self.both("mixed.pem", self.own.certificate, other.key)
        self.upstream("mixed.pem")
        self.check(2, f"{self.policy}:3: certificate: {self.folder}/mixed.pem ", "belongs to another certificate; ",
                   lines=1)
        reversed_ = self.both("reversed.pem", other.certificate, self.own.certificate, self.own.key)
        self.upstream("reversed.pem")
        line = len(other.certificate.read_text().splitlines()) + 1
        words = f"reversed.pem has a private key that belongs to the certificate at line {line}, and not to the first; " \
                "put that one first\n"
        self.check(2, words, lines=1)
        self.assertTrue(self.cert("add", reversed_).stderr.endswith(words))
        text = self.own.certificate.read_text()
        self.both("broken.pem", text.replace(text.splitlines()[2], "AAAA"), self.own.key)
        self.upstream("broken.pem")
        self.check(2, f"{self.policy}:3: certificate: {self.folder}/broken.pem ", "does not parse; ", lines=1)
        self.upstream("gone.pem")
        self.check(2, f"{self.policy}:3: certificate: {self.folder}/gone.pem cannot be read", lines=1)
        self.upstream("own.pem")
        self.check(2, "no private key; put the key behind it", lines=1)

    def obey(self, result):
        """Does what the message says; the file that this makes."""
        command = re.search(r"made by: (.*)", result.stderr).group(1)
        if "pkcs12" in command:
            command += " -passin pass:x"
        command = command.replace("pkey", "pkey -passin pass:phrase")
        subprocess.run(command, shell=True, check=True, cwd=self.folder, stderr=subprocess.PIPE)
        made = re.search(r"-out '([^']*)'", command)
        return made and made.group(1)

    def obey_whole(self, result):
        self.obey(result)
        return self.folder / "it's whole.pem.pem"

    def test_the_commands_that_messages_give_make_what_is_allowed(self):
        openssl("pkcs12", "-export", "-in", self.own.certificate, "-inkey", self.own.key, "-passout", "pass:x", "-out",
                self.folder / "own.p12")
        for name in ("own.p12", "./own.p12"):
            self.upstream(name)
            made = self.obey(self.check(2, "PKCS #12", lines=1))
            self.upstream(made)
            self.check(0, lines=0)
        openssl("x509", "-in", self.own.certificate, "-outform", "DER", "-out", self.folder / "own.der")
        self.upstream("./own.der")
        made = self.obey(self.check(2, "is a certificate in DER", lines=1))
        self.both("own.both.pem", self.folder / made, self.own.key)
        self.upstream("own.both.pem")
        self.check(0, lines=0)
        ca = Identity(self.folder, "ca", ca=True)
        chained = Identity(self.folder, "chained", issuer=ca)
        openssl("pkcs8", "-topk8", "-in", chained.key, "-passout", "pass:phrase", "-out", self.folder / "chained.p8")
        trusted = openssl("x509", "-in", chained.certificate, "-trustout", "-setalias", "mine").decode()
        for words, texts in (("encrypted with a passphrase (PKCS #8)",
                              (chained.certificate, self.folder / "chained.p8", ca.certificate)),
                             ("a TRUSTED CERTIFICATE block", (trusted, ca.certificate, chained.key))):
            self.both("it's whole.pem", *texts)
            self.upstream("it's whole.pem")
            made = self.obey_whole(self.check(2, words, lines=1))
            self.assertEqual(made.stat().st_mode & 0o777, 0o600)
            self.upstream(made)
            self.check(0, lines=0)
            blocks = re.findall(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n", made.read_text())
            self.assertEqual(blocks, [who.certificate.read_text() for who in (chained, ca)])
            made.unlink()

    def test_readers_are_a_warning(self):
        path = self.both("own.both.pem", self.own.certificate, self.own.key, mode=0o644)
        self.upstream("own.both.pem")
        self.check(0, f"{path} holds a private key, and is readable by others", f"run: chmod o-rwx '{path}'", lines=1)

    def test_expired(self):
        ca = Identity(self.folder, "ca", ca=True)
        old = [Identity(self.folder, name, issuer=ca, days=days) for name, days in (("old", 0), ("older", -1))]
        for identity in (*old, self.own):
            self.both(f"{identity.certificate.stem}.both.pem", identity.certificate, identity.key)
        self.upstream("old.both.pem")
        self.check(0, f"{self.policy}:3: certificate: the client certificate expired on 20", "get a new one", lines=1)
        self.upstream("older.both.pem", "old.both.pem")
        end = openssl("x509", "-in", old[0].certificate, "-noout", "-enddate", "-dateopt", "iso_8601").decode()
        self.check(0, f"all client certificates of the rule have expired, the last one on {end[9:19]}", lines=1)
        self.upstream("old.both.pem", "own.both.pem")
        self.check(0, f"{self.policy}:3: certificate: the client certificate {self.folder}/old.both.pem expired on 20",
                   "; another one of the rule is valid now: remove this one", lines=1)
        self.upstream("old.both.pem", settings='mode = "off";')
        self.check(0, lines=0)

    def test_near_the_end(self):
        ca = Identity(self.folder, "ca", ca=True)
        near = Identity(self.folder, "near", issuer=ca, days=5)
        path = self.both("near.both.pem", near.certificate, near.key)
        self.both("own.both.pem", self.own.certificate, self.own.key)
        self.upstream("near.both.pem")
        result = self.check(0, f"{self.policy}:3: certificate: the client certificate {path} expires (20", lines=1)
        self.assertRegex(result.stderr, r" is in [45] days\); get the one that comes after it, and name it here too\n$")
        self.upstream("near.both.pem", "own.both.pem")
        self.check(0, "another one of the rule lasts longer: remove this one when no server needs it", lines=1)
        self.add(path)
        listed = [self.cert("list").stdout.split("\t")[3]]
        told = re.search(r" is in (\d+) days", self.check(0).stderr).group(1)
        listed.append(self.cert("list").stdout.split("\t")[3])
        self.assertIn(told, listed, "as many days as everywhere")
        days = "TLSGRAFT_SECURITY_CERTIFICATEEXPIRYMONITOR_WARNINGTHRESHOLDDAYS"
        for threshold, lines in ((0, 0), (4, 0), (6, 1), (3650, 2)):
            self.environment[days] = str(threshold)
            self.check(0, lines=lines)
        self.upstream("near.both.pem", settings='mode = "off";')
        self.check(0, lines=0)


class Uses(UpstreamBench):
    def setUp(self):
        super().setUp()
        section = f'programs = ( {{ name = "billing"; match = "x"; upstream_certificates = ( {{ domain = "*"; ' \
                  f'certificate = "{RSA}"; }} );\n' \
                  f'pinned_public_keys = ( {{ domain = "c.example"; keys = "{RSA}"; }} ); }},\n' \
                  f'{{ name = "off"; match = "y"; upstream_certificates_disabled = true; upstream_certificates = ( ' \
                  f'{{ domain = "d.example"; certificate = "{RSA}"; }} ); }} );'
        self.upstream(EC, RSA, more=section)
        self.rows = [{"program": "billing", "domain": "c.example", "role": "pin", "rule": f"{self.policy}:5"},
                     {"domain": "a.example:8443", "role": "upstream", "rule": f"{self.policy}:3"},
                     {"domain": "b.example", "role": "upstream", "rule": f"{self.policy}:3"},
                     {"program": "billing", "domain": "*", "role": "upstream", "rule": f"{self.policy}:4"},
                     {"program": "off", "domain": "d.example", "role": "upstream", "rule": f"{self.policy}:6"}]

    def test_usage(self):
        result = self.cert("usage", RSA, "--json")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        self.assertEqual(json.loads(result.stdout), self.rows)
        self.assertEqual([line.split("\t") for line in self.cert("usage", RSA).stdout.splitlines()],
                         [[row.get("program", ""), row["domain"], row["role"], row["rule"]] for row in self.rows])
        self.assertEqual(json.loads(self.cert("usage", EC, "--json").stdout), self.rows[1:3])

    def test_a_file_is_no_record(self):
        own = Identity(self.folder, "own")
        identity = self.add(self.both("own.both.pem", own.certificate, own.key))
        self.upstream("own.both.pem")
        self.assert_error(self.cert("usage", identity), 1, "no rule of")
        self.assertEqual(self.cert("delete", identity).returncode, 0)

    def test_delete(self):
        self.add(self.vector("rsa_pkcs1"))
        self.add(self.vector("ec_p256_sec1"))
        refused = self.cert("delete", RSA)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""), refused)
        lines = refused.stderr.splitlines()
        self.assertEqual([re.match(r".*?:(\d+): ", line).group(1) for line in lines], ["5", "3", "4", "6"], lines)
        self.assertIn("in use by this rule, for a.example:8443; take it out of the rule before", lines[1])
        self.assert_error(self.cert("delete", EC), 1, f"{self.policy}:3: ", "in use")
        self.assertEqual(len(self.records()), 2)
        forced = self.cert("delete", EC, "--force")
        self.assertEqual(forced.returncode, 0, forced)
        self.assertIn("name another certificate in it", forced.stderr)
        self.assertEqual(list(self.records()), [f"{RSA}.pem"])


class InRedis(UpstreamBench):
    def test_check_and_delete(self):
        redis = Redis(self)
        self.upstream(RSA, EC, store=f'type = "redis"; address = "unix:{redis.socket}";')
        self.add(self.vector("rsa_pkcs1"))
        self.check(2, f'certificate: "{EC}": ', "has no such record", lines=1)
        self.add(self.vector("ec_p256_sec1"))
        self.check(0, lines=0)
        self.assert_error(self.cert("delete", RSA), 1, f"{self.policy}:3: ", "in use")
        redis.stop()
        self.check(3, f'{self.policy}:3: certificate: "{RSA}": ', lines=1)


if __name__ == "__main__":
    unittest.main()
