"""Two lines of OpenSSL in one process: this machine's, and 1.1.1 from bullseye's root."""
import os
import pathlib
import shutil
import subprocess

from lab import HERE, PYTHON, LabTest, main

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
        call(port, name)
ctypes.CDLL(None).fflush(None)
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

    @classmethod
    def plugin(cls, name, *libraries):
        subprocess.run(["gcc", "-shared", "-fPIC", f"-DCONNECT={name}_connect", "-o", f"lib{name}.so", HERE / "two.c",
                        *libraries], check=True, cwd=cls.lab)

    def use(self, server, *order):
        words = [word for name in order for word in (self.lab / f"lib{name}.so", f"{name}_connect")]
        return self.graft([PYTHON, "-c", HOST, server.port, *words], self.policy(("localhost", self.genuine.pin)))

    def test_each_is_governed_by_its_own_functions(self):
        for order in (("old", "new"), ("new", "old")):
            versions = {"old": "101", "new": "300"}
            for identity, answer in ((self.genuine, 1), (self.other, -1)):
                with self.subTest(order=order, answer=answer), self.serve(identity) as server:
                    result = self.use(server, *order)
                    expected = [f"{versions[plugin]} {name} {outcome} seen"
                                for name, outcome in (("localhost", answer), ("free.example", 1)) * 2
                                for plugin in order]
                    self.assertEqual(expected, result.out.splitlines(), result)
                    seen = [server.next().data for _ in expected]
                    self.assertEqual(8 if answer == 1 else 4, sum(data.startswith(b"GET") for data in seen))


if __name__ == "__main__":
    main()
