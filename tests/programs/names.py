"""Who the peer is: the tests that make sense on each line of OpenSSL. For classes that are a LabTest."""
import socket

from lab import PYTHON, REQUEST, SOURCE, run
from test_corners import Proxy

# Names of this machine while a test runs.
HOSTS = """127.0.0.1 localhost api.lab second.lab a.example.com a.example.com.
127.0.0.2 elsewhere.lab
::1 six.lab
"""

# PORT EXPRESSION...: connects, then wraps the socket with each expression's keywords in turn.
CONNECT = """
import socket, ssl, sys
context = ssl._create_unverified_context()
host, port = sys.argv[1], int(sys.argv[2])
exec(sys.argv[3] if len(sys.argv) > 3 else "")
with socket.create_connection((host, port)) as plain, context.wrap_socket(plain) as secure:
    secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    while part := secure.recv(4096):
        sys.stdout.write(part.decode())
"""

# HOST PORT [HOST PORT [closed|replaced] [named]]: asyncio's memory BIOs. A plain connection to the second stays
# open meanwhile, or is closed before; `replaced`: something else has its descriptor. The name is sent if so wished.
STREAMS = """
import asyncio, ssl, sys
context = ssl._create_unverified_context()
async def main():
    host, port, *more = sys.argv[1:]
    others = [await asyncio.open_connection(more[0], int(more[1]))] if more else []
    if "closed" in more or "replaced" in more:
        others[0][1].close()
        await others[0][1].wait_closed()
    taken = open("/dev/null") if "replaced" in more else None
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context,
                                                   server_hostname=host if "named" in more else "")
    writer.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    print((await reader.read(4096)).decode())
    print((await reader.read(4096)).decode())
    for _, other in others:
        other.close()
asyncio.run(main())
"""

# PROXY-PORT PORT NAME RESOLVED: a CONNECT by hand.
TUNNEL = """
import socket, ssl, sys
proxy, port, name, resolved = sys.argv[1:]
if resolved == "resolved":
    socket.getaddrinfo(name, int(port))
context = ssl._create_unverified_context()
with socket.create_connection(("127.0.0.1", int(proxy))) as plain:
    plain.sendall(b"CONNECT %s:%s HTTP/1.0\\r\\n\\r\\n" % (name.encode(), port.encode()))
    plain.recv(4096)
    with context.wrap_socket(plain, server_hostname=name) as secure:
        secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        while part := secure.recv(4096):
            sys.stdout.write(part.decode())
"""

# PROXY-PORT PORT IDLE-PORT: memory BIOs through a proxy, after a plain connection to the name.
STREAM_TUNNEL = """
import asyncio, ssl, sys
proxy, port, idle = map(int, sys.argv[1:])
context = ssl._create_unverified_context()
async def main():
    _, before = await asyncio.open_connection("elsewhere.lab", idle)
    before.close()
    await before.wait_closed()
    taken = open("/dev/null")  # so that the descriptor is not used again
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
    writer.write(b"CONNECT elsewhere.lab:%d HTTP/1.0\\r\\n\\r\\n" % port)
    await reader.readuntil(b"\\r\\n\\r\\n")
    transport = await asyncio.get_running_loop().start_tls(
        writer.transport, writer.transport.get_protocol(), context, server_hostname="elsewhere.lab")
    transport.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    print((await reader.read(4096)).decode())
    print((await reader.read(4096)).decode())
asyncio.run(main())
"""

# PORT COUNT: connections that want the address 10.1.1.1 verified, which fails, and one that wants nothing.
ADDRESS_VERIFIED_BEFORE = """
import socket, ssl, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
def shake(context, name):
    with socket.create_connection(("127.0.0.1", port)) as plain, \\
            context.wrap_socket(plain, server_hostname=name) as secure:
        secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        return secure.recv(4096)
strict = ssl.create_default_context()
loose = ssl._create_unverified_context()
for _ in range(count):
    try:
        shake(strict, "10.1.1.1")
    except ssl.SSLCertVerificationError:
        print("failed")
    print("loose", len(shake(loose, None)) > 0)
"""

# PORT COUNT close|keep: memory BIOs on a connection to 127.0.0.2 after which COUNT others, to 127.0.0.1,
# were made.
STREAM_BEFORE_OTHERS = """
import asyncio, socket, ssl, sys
port, count = map(int, sys.argv[1:3])
context = ssl._create_unverified_context()
async def main():
    reader, writer = await asyncio.open_connection("127.0.0.2", port)
    idle = socket.create_server(("127.0.0.1", 0), backlog=count)
    others = []
    for _ in range(count):
        others.append(socket.create_connection(idle.getsockname()))
        if sys.argv[3] == "close":
            others.pop().close()
    transport = await asyncio.get_running_loop().start_tls(
        writer.transport, writer.transport.get_protocol(), context, server_hostname="")
    transport.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    print((await reader.read(4096)).decode())
    print((await reader.read(4096)).decode())
asyncio.run(main())
"""

# PORT: connects with a name, then without, and offers the first one's session.
NAMED_THEN_NOT = """
import socket, ssl, sys
context = ssl._create_unverified_context()
session = None
for name in ("localhost", None):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as plain, \\
            context.wrap_socket(plain, server_hostname=name, session=session) as secure:
        secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        while secure.recv(4096):
            pass
        session = secure.session
        print(name, "resumed" if secure.session_reused else "full", flush=True)
"""


class NamedMachine:
    """This machine, or a root, where names resolve as a test wishes. For classes that are a LabTest."""

    hosts = HOSTS

    def on_named_machine(self, argv, policy, *, env=None, **options):
        """Runs a program with the library, where the names of `hosts` resolve."""
        hosts = self.lab / "hosts"
        hosts.write_text(self.hosts)
        more = [f"{name}={value}" for name, value in (env or {}).items()]
        inside = ["sh", "-c", 'mount --bind "$0" /etc/hosts && exec env "$@"', hosts,
                  f"LD_PRELOAD={self.library}", f"TLSGRAFT_POLICY={policy}", "TLSGRAFT_LOG=info", *more, *argv]
        if self.root is None:
            return run(["unshare", "--mount", "--", *inside], **options)
        return run([SOURCE / "scripts/in-root", "--bind", self.lab, self.root, "env", *inside], **options)


class NameCases(NamedMachine):
    """A rule governs a connection if it refuses the wrong key and lets the right one through."""

    def assert_governed(self, argv, *domains, host="127.0.0.1", stdin="", how=None):
        """Each of the domains leads to a rule for what the function `argv` of a port calls."""
        for domain in domains:
            for identity in (self.genuine, self.other):
                with self.subTest(domain=domain, right=identity is self.genuine), \
                        self.serve(identity, host=host) as server:
                    policy = self.policy((domain.replace("PORT", str(server.port)), self.genuine.pin))
                    result = self.on_named_machine(argv(server.port), policy, stdin=stdin)
                    if identity is self.genuine:
                        self.assert_accepted(result, server)
                        if how is not None:
                            self.assertRegex(result.err, how.replace("PORT", str(server.port)))
                    else:
                        self.assert_no_data(result, server)
                        self.assertIn(f"{policy}:4", result.err, result)

    def assert_free(self, argv, *domains, host="127.0.0.1", stdin=""):
        """None of the domains leads to a rule."""
        with self.serve(self.other, host=host) as server:
            rules = [(domain.replace("PORT", str(server.port)), self.genuine.pin) for domain in domains]
            result = self.on_named_machine(argv(server.port), self.policy(*rules), stdin=stdin)
            self.assert_accepted(result, server)

    def proxy(self):
        proxy = Proxy()
        self.addCleanup(proxy.close)
        return proxy

    @staticmethod
    def curl(url, *options):
        return lambda port: ["curl", "-sSkg", "--http1.1", *(str(word).replace("PORT", str(port)) for word in options),
                             url.replace("PORT", str(port))]

    @staticmethod
    def connect(host, more=""):
        return lambda port: [PYTHON, "-c", CONNECT, host, port, more]

    @staticmethod
    def streams(*words):
        return lambda port: [PYTHON, "-c", STREAMS, *(port if word == "PORT" else word for word in words)]

    def s_client(self, *options, to="127.0.0.1"):
        return lambda port: ["openssl", "s_client", "-quiet", "-CAfile", self.ca.certificate, *options, "-connect",
                             f"{to}:{port}"]

    # curl

    def test_curl_to_an_address(self):
        self.assert_governed(self.curl("https://127.0.0.1:PORT/"), "127.0.0.1", "127.0.0.1:PORT", "[::ffff:7f00:1]",
                             how=r"127\.0\.0\.1 \(address\), port PORT: ")
        strict = self.curl("https://127.0.0.1:PORT/", "--cacert", self.ca.certificate)
        self.assert_governed(lambda port: [word.replace("-sSkg", "-sSg") for word in map(str, strict(port))],
                             "127.0.0.1")
        self.assert_free(self.curl("https://127.0.0.1:PORT/"), "127.0.0.1:1", "127.0.0.2", "localhost")

    def test_curl_to_a_name(self):
        self.assert_governed(self.curl("https://api.lab:PORT/"), "api.lab", "api.lab:PORT", "*.lab:PORT",
                             how=r"api\.lab \(sni\), port PORT: ")
        self.assert_free(self.curl("https://api.lab:PORT/"), "api.lab:1", "*:1", "127.0.0.1", "second.lab")

    def test_curl_to_a_name_in_capitals_with_a_final_dot(self):
        for options in ([], ["--resolve", "A.EXAMPLE.COM.:PORT:127.0.0.1"]):
            self.assert_governed(self.curl("https://A.EXAMPLE.COM.:PORT/", *options), "a.example.com",
                                 "A.Example.com.:PORT")
        self.assert_governed(self.curl("https://a.example.com:443/", "--connect-to", "::127.0.0.1:PORT"),
                             "a.example.com", "a.example.com:443")

    def test_curl_through_a_proxy(self):
        proxy = self.proxy()
        for at in ("127.0.0.1", "second.lab", "api.lab"):
            curl = self.curl("https://api.lab:PORT/", "-p", "-x", f"http://{at}:{proxy.port}")
            self.assert_governed(curl, "api.lab", "api.lab:PORT", "api.lab:1")

    def test_curl_that_tries_two_addresses(self):
        # Nobody listens on ::1.
        self.assert_governed(self.curl("https://both.lab:PORT/", "--resolve", "both.lab:PORT:[::1],127.0.0.1"),
                             "both.lab:PORT")

    def test_curl_to_an_ipv6_address(self):
        self.assert_governed(self.curl("https://[::1]:PORT/"), "[::1]", "[::1]:PORT", host="::1")
        self.assert_free(self.curl("https://[::1]:PORT/"), "[::2]", "127.0.0.1", "[::1]:1", host="::1")
        self.assert_governed(self.curl("https://[::ffff:127.0.0.1]:PORT/"), "127.0.0.1", "[::ffff:127.0.0.1]:PORT")

    def test_curl_to_the_unspecified_address(self):
        self.assert_governed(self.curl("https://0.0.0.0:PORT/"), "127.0.0.1", "127.0.0.1:PORT",
                             how=r"127\.0\.0\.1 \(address\), port PORT: ")
        self.assert_governed(self.curl("https://[::]:PORT/"), "[::1]", host="::1")

    # The resolver's answers

    def test_a_name_that_was_resolved_and_is_not_sent(self):
        for argv in (self.connect("api.lab"), self.streams("api.lab", "PORT")):
            self.assert_governed(argv, "api.lab", "api.lab:PORT", how=r"\(resolver\), port PORT: ")
            self.assert_governed(argv, "127.0.0.1", "127.0.0.1:PORT", how=r"\(address\), port PORT: ")
            self.assert_free(argv, "api.lab:1", "127.0.0.1:1", "second.lab", "elsewhere.lab")
        self.assert_governed(self.connect("six.lab"), "six.lab", "[::1]", host="::1")

    def test_the_last_name_that_led_to_an_address_counts(self):
        argv = self.connect("127.0.0.1", "[socket.gethostbyname(name) for name in ('api.lab', 'second.lab')]")
        self.assert_governed(argv, "second.lab", "127.0.0.1")
        self.assert_free(argv, "api.lab")

    def test_many_names_do_no_harm(self):
        many = "[socket.getaddrinfo('127.0.%d.%d' % (i, k), port) for i in range(9) for k in range(99)]"
        self.assert_governed(self.connect("api.lab", many), "api.lab")

    def test_an_address_in_another_notation_is_no_name(self):
        self.assert_governed(self.connect("127.1"), "127.0.0.1", how=r"127\.0\.0\.1 \(address\)")

    # Sockets

    def test_a_mapped_address(self):
        self.assert_governed(self.connect("::ffff:127.0.0.1"), "127.0.0.1", "127.0.0.1:PORT")

    def test_memory_bios_to_an_address(self):
        self.assert_governed(self.streams("127.0.0.1", "PORT"), "127.0.0.1", "127.0.0.1:PORT", "[::ffff:127.0.0.1]")
        self.assert_free(self.streams("127.0.0.1", "PORT"), "127.0.0.1:1")

    def test_memory_bios_beside_another_connection(self):
        with socket.create_server(("127.0.0.2", 0)) as idle, socket.create_server(("127.0.0.1", 0)) as near:
            two = self.streams("127.0.0.1", "PORT", "127.0.0.2", idle.getsockname()[1])
            self.assert_governed(two, "*", "*:PORT")
            self.assert_free(two, "127.0.0.1", "127.0.0.2")
            # Of one address and two ports the address is sure.
            near_by = self.streams("127.0.0.1", "PORT", "127.0.0.1", near.getsockname()[1])
            self.assert_governed(near_by, "127.0.0.1", "127.0.0.1:PORT", "127.0.0.1:1")
            named = self.streams("api.lab", "PORT", "second.lab", near.getsockname()[1], "named")
            self.assert_governed(named, "api.lab:PORT", "api.lab:1")
            alone = self.streams("api.lab", "PORT", "127.0.0.2", idle.getsockname()[1], "named")
            self.assert_governed(alone, "api.lab:PORT", how=r"\(sni\), port PORT")
            self.assert_free(alone, "api.lab:1")

    def test_memory_bios_after_another_connection(self):
        with socket.create_server(("127.0.0.2", 0)) as idle, socket.create_server(("127.0.0.1", 0)) as near:
            argv = self.streams("127.0.0.1", "PORT", "127.0.0.2", idle.getsockname()[1], "replaced")
            self.assert_governed(argv, "127.0.0.1", "127.0.0.1:PORT")
            # The same descriptor now goes to another port of the name.
            argv = self.streams("api.lab", "PORT", "api.lab", near.getsockname()[1], "closed", "named")
            self.assert_governed(argv, "api.lab:PORT")
            self.assert_free(argv, "api.lab:1")

    def test_memory_bios_before_many_other_connections(self):
        def argv(ending):
            return lambda port: [PYTHON, "-c", STREAM_BEFORE_OTHERS, port, 70, ending]

        self.assert_governed(argv("close"), "127.0.0.2", "127.0.0.2:PORT", host="127.0.0.2")
        # Of more that stay open than are remembered nothing is known.
        self.assert_governed(argv("keep"), "*", "*:PORT", host="127.0.0.2")
        self.assert_free(argv("keep"), "127.0.0.2", host="127.0.0.2")
        with self.serve(self.other, host="127.0.0.2") as server:
            policy = self.policy(("*", self.genuine.pin), ("127.0.0.1", self.genuine.pin, 'mode = "off";'))
            result = self.on_named_machine(argv("keep")(server.port), policy)
            self.assert_no_data(result, server)
            self.assertIn(f"{policy}:4", result.err, result)

    def test_a_proxy_of_a_name_that_was_resolved(self):
        proxy = self.proxy()

        def tunnel(name, resolved):
            return lambda port: [PYTHON, "-c", TUNNEL, proxy.port, port, name, resolved]

        for resolved in ("resolved", "not"):
            self.assert_governed(tunnel("elsewhere.lab", resolved), "elsewhere.lab", "elsewhere.lab:PORT",
                                 "elsewhere.lab:1")
        # The proxy's port is not the name's.
        with self.serve(self.other) as server:
            policy = self.policy(("elsewhere.lab", self.genuine.pin), (f"elsewhere.lab:{proxy.port}", self.other.pin))
            result = self.on_named_machine(tunnel("elsewhere.lab", "resolved")(server.port), policy)
            self.assert_no_data(result, server)

    def test_a_proxy_on_an_address_of_the_very_name(self):
        proxy = self.proxy()
        self.assert_governed(lambda port: [PYTHON, "-c", TUNNEL, proxy.port, port, "api.lab", "resolved"],
                             "api.lab:PORT", "api.lab:1", f"api.lab:{proxy.port}", "api.lab")

    def test_memory_bios_through_a_proxy_after_a_plain_connection(self):
        proxy = self.proxy()
        with socket.create_server(("127.0.0.2", 0)) as idle:
            self.assert_governed(
                lambda port: [PYTHON, "-c", STREAM_TUNNEL, proxy.port, port, idle.getsockname()[1]],
                "elsewhere.lab:PORT", "elsewhere.lab:1", "elsewhere.lab")

    # Sessions

    def test_the_name_of_a_session_that_is_not_sent(self):
        for tls in (12, 13):
            for right in (True, False):
                with self.subTest(tls=tls, right=right), self.serve(self.genuine, tls=tls) as server:
                    policy = self.policy(("localhost", self.genuine.pin),
                                         ("127.0.0.1", self.genuine.pin if right else self.other.pin))
                    result = self.on_named_machine([PYTHON, "-c", NAMED_THEN_NOT, server.port], policy)
                    self.assertIn("localhost full", result.out, result)
                    self.assertTrue(server.next().data, result)
                    if right:
                        self.assertIn("None resumed", result.out, result)
                        self.assertRegex(result.err, r"localhost \(sni\)(?s:.*)127\.0\.0\.1 \(address\), .*:5, admitted")
                    else:
                        self.assert_no_data(result, server)
                        self.assertIn(f"{policy}:5", result.err, result)

    # What the program verifies

    def test_a_name_that_is_verified_and_not_sent(self):
        argv = self.s_client("-noservername", "-verify_hostname", "localhost")
        self.assert_governed(argv, "localhost", "localhost:PORT", stdin=REQUEST, how=r"localhost \(verify-name\)")
        self.assert_free(argv, "127.0.0.1", stdin=REQUEST)

    def test_an_address_that_is_verified(self):
        argv = self.s_client("-noservername", "-verify_hostname", "localhost", "-verify_ip", "127.0.0.1")
        self.assert_governed(argv, "localhost", "127.0.0.1", stdin=REQUEST)

    def test_an_address_that_is_verified_beside_a_name_that_is_sent(self):
        # Nobody resolved the name, so its port is known by that address alone.
        argv = self.s_client("-servername", "unresolved.lab", "-verify_hostname", "unresolved.lab", "-verify_ip",
                             "127.0.0.1")
        self.assert_governed(argv, "unresolved.lab:PORT", stdin=REQUEST)
        self.assert_free(argv, "unresolved.lab:1", stdin=REQUEST)

    def test_both_names_when_another_is_verified_than_is_sent(self):
        argv = self.s_client("-servername", "a.example.com", "-verify_hostname", "localhost")
        self.assert_governed(argv, "a.example.com", "localhost", stdin=REQUEST)

    def test_a_name_that_an_earlier_connection_verified(self):
        with self.serve(self.other) as server:
            policy = self.policy(("10.1.1.1", self.genuine.pin))
            argv = [PYTHON, "-c", ADDRESS_VERIFIED_BEFORE, server.port, 40]
            result = self.on_named_machine(argv, policy, env={"SSL_CERT_FILE": str(self.ca.certificate)})
            self.assertEqual(40 * ["failed", "loose True"], result.out.splitlines(), result)

    def test_sni_that_is_an_address(self):
        for sni, domain in (("10.1.1.1", "10.1.1.1"), ("::2", "[::2]"), ("[::2]", "[::2]"),
                            ("10.1.1.1.", "10.1.1.1")):
            self.assert_governed(lambda port, sni=sni: [self.lab / "lab_client", "--port", port, "--sni", sni], domain)

    def test_a_name_that_is_verified_through_dlsym(self):
        def argv(port):
            return [self.lab / "lab_client", "--port", port, "--name", "localhost", "--ca", self.ca.certificate]

        self.assert_governed(argv, "localhost", "localhost:PORT")
        self.assert_governed(lambda port: [*argv(port), "--global"], "localhost")
        self.assert_free(argv, "127.0.0.1")
