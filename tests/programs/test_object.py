"""One self-contained object: it needs libc and nothing else, and exports the interposed names only."""
import os
import pathlib
import re
import unittest

from lab import BUILD, SOURCE, main, run

PORTABLE = os.environ.get("TLSGRAFT_OBJECT") == "portable"
TREE = pathlib.Path(os.environ.get("TLSGRAFT_PORTABLE", SOURCE / "build-portable")) if PORTABLE else BUILD
LIBRARY = pathlib.Path(os.environ.get("TLSGRAFT_LIBRARY", TREE / "lib/tlsgraft/libtlsgraft.so"))
COMMAND = TREE / "bin/tlsgraft"
# Before 2.34 these were objects of their own; later glibc has them in libc.
LIBC = {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
OLD_LIBC = {"libpthread.so.0", "libdl.so.2", "librt.so.1"}
GLIBC = (2, 28)  # the oldest that the portable build must run with


def tool(*argv):
    result = run(argv)
    assert result.status == 0, result
    return result.out


def exports_map():
    """The names in the global section of the version script."""
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", (SOURCE / "preload/exports.map").read_text(), flags=re.S)
    section = re.search(r"global:(.*?)(local:|\})", text, flags=re.S).group(1)
    return {name.strip() for name in section.split(";") if name.strip()}


class Object(unittest.TestCase):
    def needed(self, path):
        return set(re.findall(r"\(NEEDED\).*\[(.*)\]", tool("readelf", "-dW", path)))

    def test_libc_is_all_that_is_needed(self):
        allowed = LIBC | (OLD_LIBC if PORTABLE else set())
        for path in (LIBRARY, COMMAND):
            with self.subTest(path=path.name):
                self.assertIn("libc.so.6", self.needed(path))
                self.assertEqual(set(), self.needed(path) - allowed)

    def test_the_interposed_names_are_all_that_is_exported(self):
        names = set()
        for line in tool("nm", "-D", "--defined-only", LIBRARY).splitlines():
            name, _, version = line.split()[-1].partition("@")
            self.assertEqual("", version, "a program's reference to the name would not find it")
            names.add(name)
        self.assertEqual(sorted(exports_map()), sorted(names))
        self.assertIn("CRYPTO_new_ex_data", names)

    def test_nothing_is_asked_of_openssl_by_the_loader(self):
        # A reference that must be bound would keep the object from loading where there is no libssl.
        for line in tool("nm", "-D", "--undefined-only", LIBRARY).splitlines():
            with self.subTest(symbol=line.strip()):
                self.assertRegex(line, r"@GLIBC_|\b[wv] ")

    def test_no_text_relocations(self):
        for path in (LIBRARY, COMMAND):
            self.assertNotIn("TEXTREL", tool("readelf", "-dW", path))

    def test_the_stack_is_not_executable(self):
        for path in (LIBRARY, COMMAND):
            stack = re.search(r"GNU_STACK.*", tool("readelf", "-lW", path)).group(0)
            self.assertNotIn("RWE", stack)

    @unittest.skipUnless(PORTABLE, "another build may need the glibc that it was built with")
    def test_no_glibc_symbol_is_newer_than_the_oldest_release(self):
        for path in (LIBRARY, COMMAND):
            versions = {tuple(map(int, found.split(".")))
                        for found in re.findall(r"GLIBC_(\d+(?:\.\d+)+)", tool("readelf", "-VW", path))}
            self.assertTrue(versions)
            self.assertLessEqual(max(versions), GLIBC, path.name)


if __name__ == "__main__":
    main()
