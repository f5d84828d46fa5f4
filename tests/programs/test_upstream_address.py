#!/usr/bin/env python3
"""Client certificates where no name is sure: behind a proxy, and where the program moves the bytes itself."""
import socket

from asking import AskingServer
from lab import LAB, PYTHON, REQUEST, main
from names import NamedMachine
from server import Listener
from test_corners import Proxy
from test_upstream import UpstreamTest

# PORT BYTES: says something and waits for that many bytes, as PostgreSQL's clients do, then TLS without a name.
AFTER_AN_ANSWER = """
import socket, ssl, sys
context = ssl._create_unverified_context()
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as plain:
    plain.sendall(b"request!")
    plain.recv(int(sys.argv[2]), socket.MSG_WAITALL)
    with context.wrap_socket(plain) as secure:
        secure.sendall(b"who\\n")
        print(secure.recv(100).decode())
"""

# TIMES PORT NAME [OTHER...]: memory BIOs on TIMES connections to api.lab, which are there before the first handshake and
# stay open; NAME (`-`: none) is sent. Before, each OTHER is connected to and stays open: HOST:PORT, or a path. `close`
# closes the one before it.
MEMORY = """
import socket, ssl, sys
others = []
for other in sys.argv[4:]:
    if other == "close":
        others.pop().close()
    elif other.startswith("/"):
        others.append(socket.socket(socket.AF_UNIX))
        others[-1].connect(other)
    else:
        host, port = other.split(":")
        others.append(socket.create_connection((host, int(port))))
context = ssl._create_unverified_context()
name = None if sys.argv[3] == "-" else sys.argv[3]
def do(plain, into, out, step):
    while True:
        try:
            done = step()
            plain.sendall(out.read())
            return done
        except ssl.SSLWantReadError:
            plain.sendall(out.read())
            into.write(plain.recv(65536))
plains = [socket.create_connection(("api.lab", int(sys.argv[2]))) for _ in range(int(sys.argv[1]))]
kept = []
for plain in plains:
    moved = (plain, ssl.MemoryBIO(), ssl.MemoryBIO())
    secure = context.wrap_bio(*moved[1:], server_hostname=name)
    kept.append(secure)
    do(*moved, secure.do_handshake)
    do(*moved, lambda: secure.write(b"who\\n"))
    print(do(*moved, lambda: secure.read(100)).decode().strip())
"""

# PORT [ANOTHER]: resolves api.lab, asks for ANOTHER in a way that tlsgraft does not see, and sends no name.
UNSEEN = """
import ctypes, socket, ssl, sys
class Request(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("service", ctypes.c_char_p), ("hints", ctypes.c_void_p),
                ("result", ctypes.c_void_p), ("unused", ctypes.c_int * 6)]
context = ssl._create_unverified_context()
with socket.create_connection(("api.lab", int(sys.argv[1]))) as plain:
    for name in sys.argv[2:]:
        request = Request(name.encode())
        assert ctypes.CDLL(None).getaddrinfo_a(0, (ctypes.POINTER(Request) * 1)(ctypes.pointer(request)), 1, None) == 0
        assert request.result
    with context.wrap_socket(plain) as secure:
        secure.sendall(b"who\\n")
        print(secure.recv(100).decode())
"""


class AnsweringServer(AskingServer):
    """Answers the first eight bytes in plain text."""

    def __init__(self, answer, *rest):
        self._answer = answer
        super().__init__(*rest)

    def serve(self, plain):
        plain.recv(8, socket.MSG_WAITALL)
        plain.sendall(self._answer)
        super().serve(plain)


class IdleServer(Listener):
    """Keeps what connects to it."""

    def serve(self, plain):
        plain.recv(1)


class Addresses(NamedMachine, UpstreamTest):
    hosts = NamedMachine.hosts + "::1 both.lab\n127.0.0.1 both.lab\n"

    def ours_for(self, *domains):
        return self.upstream(self.rule(domains, self.ours["rsa"]))

    def assert_shown(self, result):
        self.assertIn("ours-rsa", result.out, result)

    def assert_guessed(self, result, words):
        """Not shown, though there is a rule: the handshake is refused."""
        self.assertNotIn("ours-rsa", result.out, result)
        self.assertNotEqual(result.status, 0, result)
        self.assertIn(words, self.unavailable()[-1]["message"])

    def assert_nobody(self, result):
        self.assertEqual(result.out.strip(), "nobody", result)

    def proxy(self):
        proxy = Proxy()
        self.addCleanup(proxy.close)
        return proxy.port

    def test_what_is_behind_a_proxy_is_not_the_proxy(self):
        proxy = self.proxy()
        with self.s_server() as port:
            direct = ["curl", "-sSk", f"https://127.0.0.1:{port}/"]
            for rule, via in (("127.0.0.1", "127.0.0.1"), ("api.lab", "api.lab"), ("api.lab", "localhost")):
                with self.subTest(rule=rule, via=via):
                    policy = self.ours_for(rule)
                    curl = ["curl", "-sSk", "-x", f"http://{via}:{proxy}", f"https://127.0.0.2:{port}/"]
                    s_client = ["openssl", "s_client", "-quiet", "-noservername", "-proxy", f"{via}:{proxy}",
                                "-connect", f"127.0.0.2:{port}"]
                    for argv in (curl, s_client):
                        if via == "localhost":
                            self.assertNotIn("ours-rsa", self.on_named_machine(argv, policy, stdin=REQUEST).out)
                        else:
                            self.assert_guessed(self.on_named_machine(argv, policy, stdin=REQUEST),
                                                "may be that of a proxy")
            self.assert_shown(self.on_named_machine(direct, self.ours_for("127.0.0.1")))
            self.assert_shown(self.on_named_machine(curl, self.ours_for("*")))
            named = ["curl", "-sSk", "-x", f"http://127.0.0.1:{proxy}", f"https://api.lab:{port}/"]
            self.assert_shown(self.on_named_machine(named, self.ours_for("api.lab")))

    def test_one_byte_is_no_answer_of_a_proxy(self):
        for answer in (b"S", b"OK"):
            server = AnsweringServer(answer, self.genuine, self.ca)
            self.addCleanup(server.close)
            argv = [PYTHON, "-c", AFTER_AN_ANSWER, server.port, len(answer)]
            for rule in ("127.0.0.1", f"127.0.0.1:{server.port}"):
                with self.subTest(answer=answer, rule=rule):
                    result = self.graft(argv, self.ours_for(rule))
                    if len(answer) == 1:
                        self.assert_shown(result)
                    elif ":" in rule:
                        self.assert_nobody(result)
                    else:
                        self.assert_guessed(result, "may be that of a proxy")

    def memory(self, policy, *words, times=1):
        return self.on_named_machine([PYTHON, "-c", MEMORY, times, *words], policy)

    def test_connections_to_one_server_side_by_side(self):
        """What the first ones have heard is TLS, and no answer of a proxy."""
        port = self.asking()
        for name, domain in (("api.lab", f"api.lab:{port}"), ("-", "127.0.0.1"), ("-", f"127.0.0.1:{port}")):
            with self.subTest(domain=domain):
                result = self.memory(self.ours_for(domain), port, name, times=3)
                self.assertEqual(result.out.split(), ["ours-rsa"] * 3, result)

    def test_a_port_that_other_connections_leave_open(self):
        port = self.asking()
        idle = IdleServer(True, "127.0.0.2")
        self.addCleanup(idle.close)
        other = f"elsewhere.lab:{idle.port}"
        policy = self.ours_for(f"api.lab:{port}")
        self.assert_shown(self.memory(policy, port, "api.lab"))
        self.assert_shown(self.memory(policy, port, "api.lab", f"api.lab:{port}"))
        self.assert_shown(self.memory(policy, port, "api.lab", other, "close"))
        self.assert_nobody(self.memory(policy, port, "api.lab", other))
        self.assert_nobody(self.memory(policy, port, "api.lab", self.unix_socket()))
        self.assert_shown(self.memory(self.ours_for("api.lab"), port, "api.lab", other, self.unix_socket()))

    def test_an_address_that_is_verified_beside_a_name_tells_the_port(self):
        port = self.asking()
        for way in ("socket", "memory"):
            with self.subTest(way=way):
                argv = [LAB / "lab_verified", way, "unresolved.lab", "127.0.0.1", port]
                self.assert_shown(self.on_named_machine(argv, self.ours_for(f"unresolved.lab:{port}")))
                self.assert_nobody(self.on_named_machine(argv, self.ours_for(f"unresolved.lab:{port + 1}")))

    def unix_socket(self):
        path = self.lab / "socket"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        listener.listen()
        return path

    def test_an_address_that_other_connections_leave_open(self):
        port = self.asking()
        for rule in ("127.0.0.1", "api.lab", f"127.0.0.1:{port}"):
            with self.subTest(rule=rule):
                policy = self.ours_for(rule)
                self.assert_shown(self.memory(policy, port, "-"))
                self.assert_shown(self.memory(policy, port, "-", f"api.lab:{port}"))
                self.assert_shown(self.memory(policy, port, "-", self.unix_socket(), "close"))
                result = self.memory(policy, port, "-", self.unix_socket())
                if ":" in rule:
                    self.assert_nobody(result)
                else:
                    self.assert_guessed(result, "several connections of the program may be meant")

    def test_the_address_that_answers_of_two(self):
        with self.s_server() as port:
            for url in (f"https://both.lab:{port}/", f"https://localhost:{port}/"):
                argv = ["curl", "-sSk", url]
                self.assert_shown(self.on_named_machine(argv, self.ours_for(f"both.lab:{port}", f"localhost:{port}")))

    def test_a_resolver_whose_answers_are_not_seen(self):
        port = self.asking()
        policy = self.ours_for("api.lab")
        self.assert_shown(self.on_named_machine([PYTHON, "-c", UNSEEN, port], policy))
        self.assert_guessed(self.on_named_machine([PYTHON, "-c", UNSEEN, port, "second.lab"], policy),
                            "other names may lead there too")


if __name__ == "__main__":
    main()
