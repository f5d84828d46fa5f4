"""Two lines of OpenSSL in one process: this machine's, and 1.1.1 from bullseye's root."""
import os
import pathlib
import shutil
import subprocess

from lab import HERE, PYTHON, LabTest, main

COUNT = 1000
ROOTS = dict(pair.split("=", 1) for pair in os.environ.get("TLSGRAFT_ROOTS_READY", "").split(":") if pair)
# Loads the plugins in the order of its arguments, then uses them in turn: PORT, then PLUGIN FUNCTION ...
HOST = """
import ctypes, sys
port = int(sys.argv[1])
calls = []
for path, name in zip(sys.argv[2::2], sys.argv[3::2]):
    calls.append(getattr(ctypes.CDLL(path, mode=2), name))
for name in (b"localhost", b"free.example") * 2:
    for call in calls:
        call(port, name, 0)
ctypes.CDLL(None).fflush(None)
"""

# PORT LIBSSL...: no function is called by an object that is linked with OpenSSL.
POINTERS = """
import ctypes, socket, sys
from ctypes import c_char_p, c_void_p
port = int(sys.argv[1])
libraries = [ctypes.CDLL(path, mode=2) for path in sys.argv[2:]]
for library in libraries:
    for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(library, name).restype = c_void_p
for library in libraries:
    context = c_void_p(library.SSL_CTX_new(c_void_p(library.TLS_client_method())))
    for name in (b"localhost", b"free.example"):
        with socket.create_connection(("127.0.0.1", port)) as plain:
            ssl = c_void_p(library.SSL_new(context))
            library.SSL_set_fd(ssl, plain.fileno())
            library.SSL_set1_host(ssl, c_char_p(name))
            print(name.decode(), library.SSL_connect(ssl))
            library.SSL_free(ssl)
"""

# PORT-OF-GENUINE PORT-OF-OTHER COUNT, then PLUGIN FUNCTION twice: threads that use both at once.
THREADS = """
import ctypes, sys, threading
ports, count = [int(word) for word in sys.argv[1:3]], int(sys.argv[3])
calls = [getattr(ctypes.CDLL(path, mode=2), name) for path, name in zip(sys.argv[4::2], sys.argv[5::2])]
expected = []
def work(first):
    for number in range(first, count, 4):
        wrong = number // 4 % 2
        made = calls[number // 8 % 2](ports[wrong], b"localhost", 1)
        if made == (-1 if wrong else 1):
            expected.append(number)
        else:
            print("handshake", number, "answered", made)
threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("expected", len(expected), "of", count)
"""


class Two(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        libraries = pathlib.Path(ROOTS["bullseye"])
        for name in ("libssl.so.1.1", "libcrypto.so.1.1"):
            shutil.copy(next(libraries.glob(f"usr/lib/*/{name}")), cls.lab)
        cls.plugin("old", "./libssl.so.1.1", "./libcrypto.so.1.1", f"-Wl,-rpath,{cls.lab}")
        cls.plugin("new", "-lssl", "-lcrypto")
        # Linked with a libssl alone, which leaves SSL_set1_host by a jump into its libcrypto.
        cls.plugin("old_verify", "-DVERIFY", "./libssl.so.1.1", f"-Wl,--disable-new-dtags,-rpath,{cls.lab}")
        cls.plugin("new_verify", "-DVERIFY", "-lssl")

    @classmethod
    def plugin(cls, name, *libraries):
        subprocess.run(["gcc", "-shared", "-fPIC", f"-DCONNECT={name}_connect", "-o", f"lib{name}.so", HERE / "two.c",
                        *libraries], check=True, cwd=cls.lab)

    def use(self, server, *order):
        words = [word for name in order for word in (self.lab / f"lib{name}.so", f"{name}_connect")]
        return self.graft([PYTHON, "-c", HOST, server.port, *words], self.policy(("localhost", self.genuine.pin)))

    def test_each_is_governed_by_its_own_functions(self):
        self.check("old", "new")

    def test_each_tells_the_name_that_it_verifies(self):
        self.check("old_verify", "new_verify")

    def test_each_sets_its_name_through_a_pointer(self):
        with self.serve(self.other) as server:
            policy = self.policy(("localhost", self.genuine.pin))
            for order in (("libssl.so.1.1", "libssl.so.3"), ("libssl.so.3", "libssl.so.1.1")):
                paths = [name if name.endswith("3") else self.lab / name for name in order]
                result = self.graft([PYTHON, "-c", POINTERS, server.port, *paths], policy,
                                    env={"LD_LIBRARY_PATH": str(self.lab)})
                self.assertEqual(2 * ["localhost -1", "free.example 1"], result.out.splitlines(), result)

    def check(self, old, new):
        for order in ((old, new), (new, old)):
            versions = {old: "101", new: "300"}
            for identity, answer in ((self.genuine, 1), (self.other, -1)):
                with self.subTest(order=order, answer=answer), self.serve(identity) as server:
                    result = self.use(server, *order)
                    expected = [f"{versions[plugin]} {name} {outcome} seen"
                                for name, outcome in (("localhost", answer), ("free.example", 1)) * 2
                                for plugin in order]
                    self.assertEqual(expected, result.out.splitlines(), result)
                    seen = [server.next().data for _ in expected]
                    self.assertEqual(8 if answer == 1 else 4, sum(data.startswith(b"GET") for data in seen))

    def test_threads_that_use_both(self):
        words = [word for name in ("old", "new") for word in (self.lab / f"lib{name}.so", f"{name}_connect")]
        for order in (words, words[2:] + words[:2]):
            with self.subTest(order=order), self.serve(self.genuine) as genuine, self.serve(self.other) as other:
                result = self.graft([PYTHON, "-c", THREADS, genuine.port, other.port, COUNT, *order],
                                    self.policy(("localhost", self.genuine.pin)))
                self.assertIn(f"expected {COUNT} of {COUNT}\n", result.out, result)
                self.assertEqual(0, result.status, result)
                for server, data in ((genuine, b"GET"), (other, b"")):
                    seen = [server.next().data[:3] for _ in range(COUNT // 2)]
                    self.assertEqual([data] * (COUNT // 2), seen)


if __name__ == "__main__":
    main()
