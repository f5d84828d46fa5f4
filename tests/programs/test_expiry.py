"""The expiry monitor with real clients: one event for one certificate, however many processes use it."""
import pathlib
import subprocess
import time

from keys import Identity, fingerprint_of
from lab import SANE, LabTest, main, run
from redis_server import Redis, free_port
from server import PATIENCE

FAKETIME = "/usr/$LIB/faketime/libfaketime.so.1"  # the loader's own word for the folder of its architecture
NOBODY = 65534
SOON, EXPIRED = "CertificateExpiringSoon", "CertificateExpired"
AT_ONCE = 20
YEAR = 31536000

NGINX = """
user root;
pid {folder}/nginx.pid;
daemon off;
error_log stderr;
events {{ }}
http {{
    access_log off;
    {temporary}
{servers}
}}
"""
SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {identity.certificate};
        ssl_certificate_key {identity.key};
        location / {{ return 200; }}
    }}
"""


class ExpiryTest(LabTest):
    """One nginx, with a port for each certificate: of three days, another of three days, and one that has expired."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.soon = Identity(cls.lab, "soon", issuer=cls.ca, days=3)
        cls.other_soon = Identity(cls.lab, "other-soon", issuer=cls.ca, days=3)
        cls.expired = Identity(cls.lab, "expired", issuer=cls.ca, days=-1)
        cls.far = Identity(cls.lab, "far", issuer=cls.ca, days=300)
        cls.ports = {who: free_port() for who in (cls.soon, cls.other_soon, cls.expired, cls.far)}
        temporary = " ".join(f"{name}_temp_path {cls.lab}/{name};"
                             for name in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi"))
        servers = "".join(SERVER.format(port=port, identity=who) for who, port in cls.ports.items())
        settings = cls.lab / "nginx.conf"
        settings.write_text(NGINX.format(folder=cls.lab, temporary=temporary, servers=servers))
        nginx = subprocess.Popen(["nginx", "-p", cls.lab, "-c", settings, "-e", "stderr"], env=SANE,
                                 stderr=subprocess.DEVNULL)
        cls.addClassCleanup(nginx.wait)
        cls.addClassCleanup(nginx.terminate)
        cls.wait_until(lambda: run(cls.curl(cls.far)).status == 0)

    @staticmethod
    def wait_until(condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("it did not come about")
            time.sleep(0.01)

    def setUp(self):
        self.place = self.lab / self.id().rsplit(".", 1)[-1]
        self.place.mkdir()
        self.sink = self.place / "events.jsonl"
        self.state = self.place / "state"

    def configure(self, *, store="", mode="enforce", **cooldowns):
        """A policy without any rule, whose state directory and events are this test's own."""
        monitor = " ".join(f"{name}_cooldown_seconds = {seconds};" for name, seconds in cooldowns.items())
        path = self.place / "policy.cfg"
        path.write_text(f'version = 1;\nmode = "{mode}";\nunnamed = "allow";\n{store}\n'
                        f"security: {{ certificate_expiry_monitor: {{ {monitor} }}; }};\n"
                        f'events: {{ file = "{self.sink}"; state_directory = "{self.state}"; }};\n')
        return path

    @classmethod
    def curl(cls, who, *options):
        return ["curl", "-sS", "-o", "/dev/null", "--cacert", cls.ca.certificate, *options,
                f"https://localhost:{cls.ports[who]}/"]

    def use(self, who, policy, *options, **more):
        """A handshake that goes well."""
        result = self.graft(self.curl(who, *options), policy, **more)
        self.assertEqual(result.status, 0, result)
        return result

    def use_at(self, when, who, policy, *options):
        """The same, at another time of the process's clock."""
        preload = f"{self.library} {FAKETIME}"
        return self.use(who, policy, "-k", *options, env={"LD_PRELOAD": preload, "FAKETIME": when})

    def use_often(self, who, policy, times):
        """Twenty at a time."""
        words = [*map(str, self.curl(who)[:-1]), f"https://localhost:{self.ports[who]}/N"]
        result = self.graft(["xargs", "-P", str(AT_ONCE), "-I", "N", *words], policy, patience=300,
                            stdin="\n".join(map(str, range(times))))
        self.assertEqual(result.status, 0, result)
        self.assertEqual(result.text, "")

    def seen(self):
        return [event["event"] for event in self.events(self.sink)]

    def redis(self):
        server = Redis(self)
        return server, f'store: {{ type = "redis"; address = "unix:{server.socket}"; timeout_ms = 5000; }};'


class Across(ExpiryTest):
    """Many processes, programs and users."""

    def test_of_a_thousand_runs_one_tells(self):
        policy = self.configure()
        self.use_often(self.soon, policy, 1000)
        self.assertEqual(self.seen(), [SOON])
        self.use_at("+2d", self.soon, policy)
        self.use_at("+2d", self.soon, policy)
        self.assertEqual(self.seen(), [SOON, SOON])

    def test_of_many_runs_one_tells_with_redis(self):
        server, store = self.redis()
        policy = self.configure(store=store)
        digest = fingerprint_of(self.soon.certificate)
        self.use_often(self.soon, policy, 200)
        self.assertEqual(self.seen(), [SOON])
        keys = [f"tlsgraft:cooldown:{kind}:{digest}" for kind in ("check", SOON)]
        self.assertEqual(set(server.cli("keys", "*").split()), set(keys))
        for key in keys:
            server.cli("pexpire", key, "1")
            self.wait_until(lambda key=key: server.cli("exists", key) == "0\n")
        self.use(self.soon, policy)
        self.use(self.soon, policy)
        self.assertEqual(self.seen(), [SOON, SOON])
        self.assertFalse(self.state.exists())

    def test_a_dead_redis_leaves_it_to_the_state_directory(self):
        server, store = self.redis()
        server.stop()
        policy = self.configure(store=store)
        for _ in range(3):
            self.assertEqual(self.use(self.soon, policy).text, "")
        self.assertEqual(self.seen(), [SOON])

    def test_two_programs_tell_once(self):
        policy = self.configure()
        self.use(self.soon, policy)
        result = self.graft(["openssl", "s_client", "-CAfile", self.ca.certificate, "-connect",
                             f"127.0.0.1:{self.ports[self.soon]}"], policy)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.seen(), [SOON])
        self.assertEqual(self.events(self.sink)[0]["program"], "/usr/bin/curl")

    def use_as_nobody(self, policy):
        result = self.graft(["setpriv", "--reuid", str(NOBODY), "--clear-groups", *self.curl(self.soon)], policy)
        self.assertEqual(result.status, 0, result)
        return result

    def open_to_all(self, policy):
        policy.chmod(0o644)
        self.sink.touch()
        self.sink.chmod(0o666)

    def test_two_users_tell_once_each(self):
        policy = self.configure()
        self.open_to_all(policy)
        for _ in range(2):
            self.use(self.soon, policy)
            self.use_as_nobody(policy)
        self.assertEqual(self.seen(), [SOON, SOON])
        self.assertEqual({path.name: (path.stat().st_uid, oct(path.stat().st_mode)) for path in self.state.iterdir()},
                         {"0": (0, "0o40700"), str(NOBODY): (NOBODY, "0o40700")})

    def test_two_users_tell_once_in_all_with_redis(self):
        server, store = self.redis()
        server.socket.chmod(0o777)
        pathlib.Path(server.folder).chmod(0o755)
        policy = self.configure(store=store)
        self.open_to_all(policy)
        self.use(self.soon, policy)
        self.use_as_nobody(policy)
        self.assertEqual(self.seen(), [SOON])

    def test_what_others_plant_does_not_silence(self):
        policy = self.configure()
        self.open_to_all(policy)
        self.use(self.soon, policy)
        pathlib.Path(self.state, str(NOBODY)).symlink_to(self.state / "0")
        result = self.use_as_nobody(policy)
        self.assertEqual(self.seen(), [SOON, SOON])
        self.assertEqual(result.err.count("cannot share its cooldowns: "), 1, result)
        self.assertIn("or a link, which is not followed; remove it", result.err)

    def test_where_nothing_can_be_written(self):
        policy = self.configure()
        self.open_to_all(policy)
        result = self.use_as_nobody(policy)
        self.assertEqual(self.seen(), [SOON])
        self.assertIn("run as root: install -d -m 1777", result.err)


class Told(ExpiryTest):
    """What is told, and of which certificates."""

    def test_an_expired_server_that_the_program_accepts(self):
        policy = self.configure(mode="off")
        self.use(self.expired, policy, "-k")
        self.assertEqual(self.seen(), [EXPIRED])
        event = self.events(self.sink)[0]
        self.assertEqual(list(event)[:11], ["event", "level", "message", "timestamp", "cert_id", "cert_name",
                                            "expired_at", "days_since_expiry", "cert_role", "domain", "program"])
        self.assertEqual((event["level"], event["message"], event["cert_id"], event["cert_name"], event["cert_role"],
                          event["domain"], event["days_since_expiry"]),
                         ("error", "Certificate expired is expired since 1 days",
                          fingerprint_of(self.expired.certificate), "expired", "server", "localhost", 1))

    def test_the_address_and_the_port(self):
        policy = self.configure()
        self.graft(["openssl", "s_client", "-servername", "localhost", "-connect",
                    f"127.0.0.1:{self.ports[self.soon]}"], policy)
        event = self.events(self.sink)[0]
        self.assertEqual((event["domain"], event["port"], event["peer_address"]),
                         ("localhost", self.ports[self.soon], "127.0.0.1"))

    def test_soon_does_not_hold_back_expired(self):
        policy = self.configure(event=YEAR)
        self.use(self.soon, policy)
        self.use_at("+4d", self.soon, policy)
        self.use_at("+5d", self.soon, policy)
        self.assertEqual(self.seen(), [SOON, EXPIRED])

    def test_a_clock_that_goes_backwards_ends_cooldowns(self):
        policy = self.configure()
        self.use_at("+1d", self.soon, policy)
        self.use(self.soon, policy)
        self.assertEqual(self.seen(), [SOON, SOON])

    def test_two_certificates_do_not_hold_each_other_back(self):
        policy = self.configure()
        for who in (self.soon, self.other_soon, self.soon, self.other_soon):
            self.use(who, policy)
        self.assertEqual([event["cert_name"] for event in self.events(self.sink)], ["soon", "other-soon"])

    def test_one_that_is_valid_for_long_leaves_nothing(self):
        policy = self.configure()
        self.use(self.far, policy)
        self.assertEqual(self.seen(), [])
        self.assertFalse(self.state.exists())
        self.use_at("+271d", self.far, policy)
        self.assertEqual(self.seen(), [SOON])

    def test_resumed_sessions(self):
        policy = self.configure(check=0, event=0)
        self.graft(["openssl", "s_client", "-tls1_2", "-reconnect", "-connect",
                    f"127.0.0.1:{self.ports[self.soon]}"], policy)
        self.assertEqual(self.seen(), 6 * [SOON])
        self.assertFalse(self.state.exists())


if __name__ == "__main__":
    main()
