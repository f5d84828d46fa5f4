"""Every client of each OpenSSL line, with the one portable build; see lines.py."""
from lab import main
from lines import VERSIONS, LineLab, suite


class Line(LineLab):
    """The matrix in one root."""

    def test_the_line_is_the_one_that_it_is_called(self):
        command = self.bare(["openssl", "version"]).out
        self.assertTrue(command.startswith(f"OpenSSL {VERSIONS[self.line]}"), command)
        server = self.serve(self.genuine)
        result = self.graft([self.lab / "lab_client", "--port", server.port], self.pinned(self.genuine))
        self.assertIn("openssl " + " ".join(command.split()[:2]), result.out, result)

    def test_right_pin_is_accepted(self):
        policy = self.pinned(self.genuine)
        for client in self.clients:
            with self.subTest(client=client.name), self.serve(self.genuine, greet=client.greet) as server:
                self.assert_accepted(self.call(client, server.port, policy), server)

    def test_wrong_pin_is_refused_and_nothing_is_sent(self):
        policy = self.pinned(self.genuine)
        for tls in (12, 13):
            for client in self.clients:
                with self.subTest(client=client.name, tls=tls), \
                        self.serve(self.other, greet=client.greet, tls=tls) as server:
                    result = self.call(client, server.port, policy)
                    self.assert_refused(result, server, client, f"{policy}:4")

    def test_an_impostor_that_appends_the_genuine_certificate_is_refused(self):
        policy = self.pinned(self.genuine)
        chain = self.other.chain_with(self.genuine, self.ca)
        for client in self.clients:
            with self.subTest(client=client.name), \
                    self.serve(self.other, chain, greet=client.greet) as server:
                self.assert_refused(self.call(client, server.port, policy), server, client, f"{policy}:4")

    def test_an_own_verify_callback_through_dlsym_is_called_and_governed(self):
        policy = self.pinned(self.genuine)
        argv = [self.lab / "lab_client", "--sni", "localhost", "--callback", "--port"]
        with self.serve(self.genuine) as server:
            result = self.graft([*argv, server.port], policy)
            self.assert_accepted(result, server)
            self.assertIn("callback calls 1 argument right", result.out, result)
        with self.serve(self.other) as server:
            result = self.graft([*argv, server.port], policy)
            self.assert_no_data(result, server)
            self.assertIn("callback calls 1 argument right", result.out, result)
            self.assertEqual(1, result.status, result)

    def test_report_mode_goes_on(self):
        policy = self.pinned(self.genuine, mode="report", sinks=f'file = "{self.lab}/events.jsonl";')
        log = self.lab / "events.jsonl"
        for client in self.clients:
            with self.subTest(client=client.name), self.serve(self.other, greet=client.greet) as server:
                log.unlink(missing_ok=True)
                self.assert_accepted(self.call(client, server.port, policy), server)
                self.assertEqual(["PinMismatch"], [event["event"] for event in self.events(log)])

    def test_an_invalid_policy_sends_nothing(self):
        policy = self.lab / "invalid.cfg"
        policy.write_text("version = 1;\nmoed = 1;\n")
        for client in self.clients:
            with self.subTest(client=client.name), self.count_bytes() as listener:
                result = self.call(client, listener.port, policy)
                self.assertEqual(0, listener.next(), f"bytes were sent, or it did not connect: {result}")
                self.assertRegex(result.err, r"invalid\.cfg:2: ")

    def test_without_a_policy_it_works(self):
        for client in self.clients:
            with self.subTest(client=client.name), self.serve(self.other, greet=client.greet) as server:
                self.assert_accepted(self.call(client, server.port, None), server)


def load_tests(loader, _tests, _pattern):
    return suite(loader, Line)


if __name__ == "__main__":
    main()
