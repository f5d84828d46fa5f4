"""Pins by id in programs that know nothing of a store: a real Redis, a directory, and servers that misbehave."""
import shutil
import subprocess

from keys import Identity, fingerprint_of
from lab import CLIENTS, LAB, main
from lab_store import FakeRedis, Redis, StoreTest, certificate_record, public_record
from server import PATIENCE

BY_NAME = {client.name: client for client in CLIENTS}
CLIENTS_HERE = [BY_NAME[name] for name in ("curl", "curl -k", "python default", "lab_client write")]
CURL = BY_NAME["curl"]
HOSTS = 200


class Once(StoreTest):
    """Programs that start, shake hands once and end."""

    def outcome(self, policy, identity, client=CURL, **options):
        """True: accepted. False: refused with the program's own error, and no application data left it."""
        with self.serve(identity, **options) as server:
            result = self.call(client, server.port, policy)
            if result.status == 0:
                self.assert_accepted(result, server)
                return True
            self.assert_refused(result, server, client)
            return False

    def assert_pins(self, policy, right=True, client=CURL):
        """The genuine server passes (unless not `right`), the other never does."""
        self.assertEqual(right, self.outcome(policy, self.genuine, client), self.events(self.sink))
        self.assertFalse(self.outcome(policy, self.other, client))


class InRedis(Once):
    def test_public_keys_and_certificates(self):
        redis = Redis(self)
        for record in (public_record(self.genuine), certificate_record(self.genuine)):
            policy = self.keyed(redis.put(record), redis.settings())
            for client in CLIENTS_HERE:
                with self.subTest(record=record[1][:26], client=client.name):
                    self.assert_pins(policy, client=client)
        self.assertEqual([], self.unresolved())
        self.assertEqual({"mismatch"}, self.reasons())

    def test_the_event_has_the_pin_of_the_record(self):
        redis = Redis(self)
        policy = self.keyed(redis.put(certificate_record(self.genuine)), redis.settings())
        self.assertFalse(self.outcome(policy, self.other))
        event, = self.events(self.sink)
        self.assertEqual([[self.other.pin], [self.genuine.pin]], [event["presented"], event["expected"]])

    def test_several_ids_of_which_some_are_there(self):
        redis = Redis(self)
        there = redis.put(certificate_record(self.genuine))
        missing = certificate_record(self.ca)[0]
        policy = self.keyed(f"org{missing}, {there}", redis.settings())
        self.assert_pins(policy)
        self.assert_unresolved(missing, "has no such record; register it")

    def test_a_record_that_is_not_there(self):
        redis = Redis(self)
        missing = "org" + certificate_record(self.genuine)[0]
        self.assert_pins(self.keyed(missing, redis.settings()), right=False)
        self.assert_unresolved(missing, f"Redis 127.0.0.1:{redis.port} has no such record")
        self.assertEqual({"unresolved"}, self.reasons())

    def test_another_key_of_the_rule_counts(self):
        redis = Redis(self)
        missing = "org" + certificate_record(self.ca)[0]
        self.assert_pins(self.keyed(f"{missing}, {self.genuine.pin}", redis.settings()))
        self.assert_unresolved(missing, "has no such record")

    def test_digits_are_the_pin_where_there_is_no_such_record(self):
        redis = Redis(self)
        policy = self.keyed(public_record(self.genuine)[0], redis.settings())
        self.assert_pins(policy)
        self.assertEqual([], self.unresolved())
        redis.stop()
        self.assert_pins(policy, right=False)
        self.assert_unresolved(public_record(self.genuine)[0], "nothing listens there")

    def test_report_changes_nothing(self):
        redis = Redis(self)
        policy = self.keyed("org" + "a" * 64, redis.settings(), mode="report")
        self.assertTrue(self.outcome(policy, self.genuine))
        self.assertEqual({"report"}, {event["mode"] for event in self.unresolved()})

    def test_nothing_listens(self):
        redis = Redis(self)
        there = redis.put(certificate_record(self.genuine))
        policy = self.keyed(there, redis.settings())
        redis.stop()
        self.assert_pins(policy, right=False)
        self.assert_unresolved(there, "nothing listens there; start it")

    def test_it_does_not_answer(self):
        redis = Redis(self)
        there = redis.put(certificate_record(self.genuine))
        policy = self.keyed(there, redis.settings("timeout_ms = 50;"))
        with redis.paused():
            self.assert_pins(policy, right=False)
        self.assert_unresolved(there, "within 50 ms")
        refused = [event["message"] for event in self.events(self.sink) if event["event"] == "PinMismatch"]
        self.assertIn("can be read, for the certificate store did not answer: Redis", refused[0])

    def test_a_unix_socket(self):
        redis = Redis(self)
        there = redis.put(certificate_record(self.genuine))
        self.assert_pins(self.keyed(there, redis.settings(address=f"unix:{redis.socket}")))

    def test_passwords(self):
        redis = Redis(self, password="open sesame")
        there = redis.put(certificate_record(self.genuine))
        file = self.lab / "redis-password"
        for password, right, words in (("open sesame\n", True, None), ("shut", False, "refuses"),
                                       (None, False, "wants a password")):
            with self.subTest(password=password):
                self.sink.unlink(missing_ok=True)
                more = ""
                if password is not None:
                    file.write_text(password)
                    file.chmod(0o600)
                    more = f'password_file = "{file}";'
                self.assert_pins(self.keyed(there, redis.settings(more)), right)
                if words is not None:
                    self.assert_unresolved(there, words)
                self.assertNotIn("sesame", self.sink.read_text())

    def test_records_that_were_swapped(self):
        redis = Redis(self)
        for record_of in (public_record, certificate_record):
            genuine, other = record_of(self.genuine), record_of(self.other)
            with self.subTest(record=genuine[1][:26]):
                self.sink.unlink(missing_ok=True)
                redis.put(genuine, other[1])
                policy = self.keyed(genuine[0], redis.settings())
                self.assert_pins(policy, right=False)
                self.assert_unresolved(genuine[0], "holds something else than the record of this id")
                self.assertEqual({"unresolved"}, self.reasons())
                # Nor is a certificate that comes later in the text the one that is meant.
                redis.put(genuine, other[1] + "\n" + genuine[1])
                self.assert_pins(policy, right=False)

    def test_what_is_no_record(self):
        redis = Redis(self)
        there = certificate_record(self.genuine)[0]
        policy = self.keyed(there, redis.settings())
        for text in ("", "nonsense", "-----BEGIN CERTIFICATE-----\n", "x" * (2 << 20)):
            with self.subTest(text=text[:30]):
                redis.put((there, "-"), text) if len(text) < 1000 and text else self.put_long(redis, there, text)
                self.assert_pins(policy, right=False)
        redis.delete(there)
        redis.cli("RPUSH", f"cert-raw-{there}", "of another type")
        self.sink.unlink()
        self.assert_pins(policy, right=False)
        self.assert_unresolved(there, "holds something else than the record of this id")

    @staticmethod
    def put_long(redis, record_id, text):
        subprocess.run(["redis-cli", "-s", redis.socket, "-x", "SET", f"cert-raw-{record_id}"], input=text.encode(),
                       check=True, stdout=subprocess.DEVNULL)


class Chains(Once):
    def test_the_key_of_an_issuer(self):
        redis = Redis(self)
        strange_ca = Identity(self.lab, "strange-ca", subject="Lab CA", ca=True)
        stranger = Identity(self.lab, "stranger", issuer=strange_ca)
        there = redis.put(certificate_record(self.ca))
        policy = self.keyed(there, redis.settings(), 'target = "chain";')
        client = BY_NAME["curl -k"]
        for chain in (self.genuine.chain_with(self.ca), self.genuine.certificate):
            with self.subTest(chain=chain.name):
                self.assertTrue(self.outcome(policy, self.genuine, client, chain=chain))
        for chain in (stranger.chain_with(self.ca), stranger.certificate):
            with self.subTest(chain=chain.name):
                self.assertFalse(self.outcome(policy, stranger, client, chain=chain))
        redis.put((there, ""), certificate_record(strange_ca)[1])
        self.assertFalse(self.outcome(policy, stranger, client))

    def test_what_a_record_has_proved_goes_with_it(self):
        redis = Redis(self)
        there = redis.put(certificate_record(self.ca))
        policy = self.keyed(there, redis.settings("cache_seconds = 0;"), 'target = "chain";')
        with self.talker(policy, tls=12) as host:
            self.assertEqual(["accepted", "resumed"], [host.ask(), host.ask("resume")])
            redis.delete(there)
            self.assertEqual("refused", host.ask("resume"))


class InADirectory(Once):
    def setUp(self):
        super().setUp()
        self.store = self.lab / "certs"
        self.store.mkdir(exist_ok=True)
        self.addCleanup(shutil.rmtree, self.store)
        self.settings = f'path = "{self.store}";'

    def put(self, record, text=None):
        path = self.store / f"{record[0]}.pem"
        path.write_text(text or record[1])
        path.chmod(0o644)
        return record[0]

    def test_there_and_not(self):
        record = certificate_record(self.genuine)
        policy = self.keyed("org" + record[0], self.settings)
        self.assert_pins(policy, right=False)
        self.assert_unresolved(record[0], f"directory {self.store} has no such record")
        self.put(("org" + record[0], record[1]))
        self.assert_pins(policy)

    def test_swapped_and_unreadable(self):
        there = self.put(certificate_record(self.genuine), certificate_record(self.other)[1])
        policy = self.keyed(there, self.settings)
        self.assert_pins(policy, right=False)
        self.assert_unresolved(there, "holds something else than the record of this id")
        self.sink.unlink()
        self.put(certificate_record(self.genuine))
        (self.store / f"{there}.pem").chmod(0o666)
        self.assert_pins(policy, right=False)
        self.assert_unresolved(there, "holds something else than the record of this id")

    def test_deleted_under_a_running_program(self):
        there = self.put(certificate_record(self.genuine))
        with self.talker(self.keyed(there, self.settings + "cache_seconds = 1;")) as host:
            self.assertEqual("accepted", host.ask())
            (self.store / f"{there}.pem").unlink()
            host.ask_until("refused")
            self.put(certificate_record(self.genuine))
            host.ask_until("accepted")


class Running(StoreTest):
    """A program that goes on, while the store changes under it."""

    def started(self, cache, *, more="", identity=None):
        self.redis = Redis(self)
        # With an organisation: without one the digits would be the pin, once the record is gone.
        self.record = ("org" + certificate_record(self.genuine)[0], certificate_record(self.genuine)[1])
        self.there = self.redis.put(self.record)
        settings = self.redis.settings(f"cache_seconds = {cache}; timeout_ms = 1000; {more}")
        return self.talker(self.keyed(self.there, settings), identity)

    def test_a_hundred_handshakes_cost_one_read(self):
        for prefetch in ("true", "false"):
            with self.subTest(prefetch=prefetch), self.started(300, more=f"prefetch = {prefetch};") as host:
                self.assertEqual({"accepted"}, {host.ask() for _ in range(100)})
                self.assertEqual(1, self.redis.reads())

    def test_a_hundred_refusals_cost_one_read(self):
        with self.started(300, identity=self.other) as host:
            self.assertEqual({"refused"}, {host.ask() for _ in range(100)})
            self.assertEqual(1, self.redis.reads())

    def test_threads_that_come_at_once(self):
        with self.started(300, more="prefetch = false;") as host:
            self.assertEqual("32", host.ask("many"))
            self.assertLessEqual(self.redis.reads(), 32)
            reads = self.redis.reads()
            self.assertEqual("32", host.ask("many"))
            self.assertEqual(reads, self.redis.reads())

    def test_without_a_cache_each_handshake_reads_once(self):
        with self.started(0) as host:
            before = self.redis.reads()
            self.assertEqual({"accepted"}, {host.ask() for _ in range(20)})
            self.assertEqual(before + 20, self.redis.reads())
            self.redis.delete(self.there)
            self.assertEqual("refused", host.ask())
            self.redis.put(self.record)
            self.assertEqual("accepted", host.ask())

    def test_deleted(self):
        with self.started(1) as host:
            self.assertEqual("accepted", host.ask())
            self.redis.delete(self.there)
            host.ask_until("refused")
            self.assertEqual({"unresolved"}, self.reasons())
            self.redis.put(self.record)
            host.ask_until("accepted")

    def test_swapped(self):
        with self.started(1) as host:
            self.assertEqual("accepted", host.ask())
            self.redis.put((self.there, ""), certificate_record(self.other)[1])
            host.ask_until("refused")
            self.assert_unresolved(self.there, "holds something else")

    def test_stopped_and_started_again(self):
        with self.started(1) as host:
            self.assertEqual("accepted", host.ask())
            self.redis.stop()
            host.ask_until("refused")
            self.assert_unresolved(self.there, "nothing listens there")
            self.redis.start()
            self.redis.put(self.record)
            host.ask_until("accepted")

    def test_paused(self):
        with self.started(0) as host:
            with self.redis.paused():
                self.assertEqual(["refused", "refused"], [host.ask(), host.ask()])
            host.ask_until("accepted")

    def test_stopped_before_the_program_starts(self):
        self.redis = Redis(self)
        there = self.redis.put(certificate_record(self.genuine))
        policy = self.keyed(there, self.redis.settings())
        self.redis.stop()
        with self.talker(policy) as host:
            self.assertEqual("refused", host.ask())
            self.redis.start()
            self.redis.put(certificate_record(self.genuine))
            host.ask_until("accepted")

    def test_stopped_after_the_prefetch(self):
        with self.started(300) as host:
            self.redis.stop()
            self.assertEqual(["accepted", "accepted", "32"], [host.ask(), host.ask("fork"), host.ask("many")])

    def test_stale(self):
        with self.started(1, more="stale_seconds = 1000;") as host:
            self.assertEqual("accepted", host.ask())
            self.redis.stop()
            while not self.unresolved():
                self.assertEqual("accepted", host.ask())
            self.assertEqual({"accepted"}, {host.ask() for _ in range(20)})
            self.assert_unresolved(self.there, "counts only for 'stale_seconds' more")
            self.assertEqual({"report"}, {event["mode"] for event in self.unresolved()})
            self.assertEqual(set(), self.reasons())
            self.redis.start()  # it is empty now, and answers
            host.ask_until("refused")

    def test_the_policy_changes(self):
        with self.started(300) as host:
            self.assertEqual("accepted", host.ask())
            settings = self.redis.settings("cache_seconds = 300; timeout_ms = 1000;")
            self.redis.stop()
            # What is known goes on to be, and a new id cannot be read.
            self.keyed(f"org{'a' * 64}, {self.there}", settings)
            while not self.unresolved():
                self.assertEqual("accepted", host.ask())
            self.keyed(f"org{'a' * 64}", settings)
            self.assertEqual({"accepted"}, host.ask_until("refused"))


def drip(connection):
    connection.sendall(b"$100\r\n")
    connection.settimeout(0.02)
    while True:
        connection.sendall(b"x")
        try:
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            pass


def once(data):
    return lambda connection: connection.sendall(data)


def and_wait(data):
    def answer(connection):
        connection.sendall(data)
        connection.settimeout(PATIENCE)
        while connection.recv(65536):
            pass
    return answer


class Hostile(StoreTest):
    """Nothing that a server of this kind does passes, hangs, or takes memory."""

    ANSWERS = {
        "drip": (drip, "within 100 ms"),
        "2^40": (and_wait(b"$1099511627776\r\nxxxx"), ""),
        "silence": (and_wait(b""), "within 100 ms"),
        "error": (once(b"-ERR what ever\r\n"), "it answers with an error: ERR what ever"),
        "nonsense": (and_wait(b"HTTP/1.0 400 Bad Request\r\n\r\n"), "nonsense"),
        "nested": (and_wait(b"*1\r\n" * 100000), ""),
        "closes": (once(b"$100\r\nxxxx"), "in the middle of an answer"),
        "closes at once": (once(b""), "closed the connection"),
        "control characters": (once(b"-ERR \x1b[31m\r\n"), "it answers with an error"),
    }

    def test_each(self):
        there = certificate_record(self.genuine)[0]
        for name, (answer, words) in self.ANSWERS.items():
            with self.subTest(answer=name):
                self.sink.unlink(missing_ok=True)
                fake = FakeRedis(self, answer)
                # A busy machine may be slow; only where the server keeps silent is the end of the time meant.
                limit = 100 if "100 ms" in words else 10000
                store = fake.settings(f"timeout_ms = {limit}; cache_seconds = 0; prefetch = false;")
                with self.talker(self.keyed(there, store)) as host:
                    self.assertEqual("refused", host.ask())
                    self.assertTrue(fake.left.acquire(timeout=PATIENCE), "the connection was left open")
                self.assert_unresolved(there, words)
                self.assertNotIn("\x1b", self.sink.read_text())
                with self.talker(self.keyed(f"{there}, {self.genuine.pin}", store)) as host:
                    self.assertEqual("accepted", host.ask())


class Hosts(StoreTest):
    """The hosts of test_hosts.py, with their pin in a store."""

    STATES = ("plain", "threads", "forks", "vforks", "small-stacks", "signals-restart", "signals-interrupt", "closes",
              "closes-standard", "no-standard-error")

    def assert_expected(self, state, policy):
        result = self.graft([LAB / "lab_hosts", state, "pinned", HOSTS, self.lab], policy)
        self.assertIn(f"expected {HOSTS} of {HOSTS}\n", result.out, result)
        self.assertEqual(0, result.status, result)

    def test_each_reads_at_every_handshake(self):
        redis = Redis(self)
        there = redis.put(certificate_record(self.genuine))
        policy = self.keyed(there, redis.settings("cache_seconds = 0; timeout_ms = 10000;"))
        for state in self.STATES:
            with self.subTest(state=state):
                before = redis.reads()
                self.assert_expected(state, policy)
                # One for the start, and one for each; threads may share what one of them read meanwhile.
                self.assertGreater(redis.reads(), before + HOSTS // 2)
                if state == "plain":
                    self.assertEqual(before + 1 + HOSTS, redis.reads())

    def test_each_reads_once(self):
        redis = Redis(self)
        there = redis.put(certificate_record(self.genuine))
        policy = self.keyed(there, redis.settings())
        for state in self.STATES:
            with self.subTest(state=state):
                before = redis.reads()
                self.assert_expected(state, policy)
                self.assertEqual(before + 1, redis.reads())

    def test_those_that_cannot_reach_it_any_more(self):
        """cache_seconds = 0: what was prefetched would count for no handshake, if the store was only down."""
        redis = Redis(self)
        record = certificate_record(self.genuine)
        redis.put(record)
        certs = self.lab / "certs"
        certs.mkdir()
        (certs / f"{record[0]}.pem").write_text(record[1])
        (certs / f"{record[0]}.pem").chmod(0o640)
        stores = [f'path = "{certs}";', redis.settings(address=f"unix:{redis.socket}"), redis.settings()]
        for store in stores:
            for state in ("chroot", "seccomp"):
                with self.subTest(store=store, state=state):
                    self.assert_expected(state, self.keyed(record[0], store + "cache_seconds = 0;"))

    def test_that_they_cannot_is_why(self):
        """The same host, without a prefetch, has nothing to be served from."""
        redis = Redis(self)
        there = redis.put(certificate_record(self.genuine))
        policy = self.keyed(there, redis.settings("prefetch = false;"))
        result = self.graft([LAB / "lab_hosts", "seccomp", "nobody", HOSTS, self.lab], policy)
        self.assertIn(f"expected {HOSTS} of {HOSTS}\n", result.out, result)


if __name__ == "__main__":
    main()
