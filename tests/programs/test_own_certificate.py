"""Programs that have a client certificate of their own, where the policy has another for the server."""
import itertools

import table_demanding
from keys import Identity
from lab import PYTHON, REQUEST, LabTest, main
from scratch import scratch

FETCH = """
import ssl, sys, urllib.request
port, ca, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(certificate, key)
print(urllib.request.urlopen(f"https://localhost:{port}/", context=context).read().decode())
"""

CLIENTS = {
    "curl": lambda port, ca, own: ["curl", "-sS", "--cacert", ca, "--cert", own.certificate, "--key", own.key,
                                   f"https://localhost:{port}/"],
    "python": lambda port, ca, own: [PYTHON, "-c", FETCH, port, ca, own.certificate, own.key],
    "s_client": lambda port, ca, own: ["openssl", "s_client", "-quiet", "-CAfile", ca, "-cert", own.certificate, "-key",
                                       own.key, "-connect", f"localhost:{port}"],
}


class Own(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owns = [Identity(cls.lab, f"own-{kind}", kind, issuer=cls.ca) for kind in ("p256", "rsa")]
        cls.chosen = Identity(cls.lab, "chosen", "rsa", issuer=cls.ca)
        cls.pem = cls.chosen.with_key()

    def rule(self, settings):
        return self.pinned(self.genuine, upstream=[("localhost", self.pem, settings)])

    def assert_shown(self, expected, start):
        """expected: the common name for each of the program's own. start: function of the words, to run them."""
        for (name, client), own, tls in itertools.product(CLIENTS.items(), self.owns, ("-tls1_2", "-tls1_3")):
            with self.subTest(client=name, own=own.certificate.stem, tls=tls):
                demanding = table_demanding.s_server(tls, "-CAfile")
                with demanding(scratch("tlsgraft-own-", self.addCleanup), self.genuine.certificate, self.genuine.key,
                               self.ca.certificate) as server:
                    result = start(client(server.port, self.ca.certificate, own), stdin=REQUEST)
                self.assertRegex(result.out, server.page, result)
                self.assertEqual([expected(own)], server.told(result.out), result)

    def test_without_tlsgraft_it_is_shown(self):
        self.assert_shown(lambda own: own.certificate.stem, self.bare)

    def test_it_is_replaced(self):
        policy = self.rule("")
        self.assert_shown(lambda own: "chosen", lambda argv, **options: self.graft(argv, policy, **options))

    def test_it_is_kept_where_the_rule_says_so(self):
        policy = self.rule("keep_program_certificate = true;")
        self.assert_shown(lambda own: own.certificate.stem,
                          lambda argv, **options: self.graft(argv, policy, **options))


if __name__ == "__main__":
    main()
