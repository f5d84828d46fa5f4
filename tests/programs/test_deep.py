"""OpenSSL whose calls nobody can interpose: loaded with RTLD_DEEPBIND, or in an executable that exports it.

With TLSGRAFT_LINE, the tests of RTLD_DEEPBIND run in the Debian root of that line, with the portable build; see
test_lines.py for the variables.
"""
import os
import pathlib
import platform
import shutil
import subprocess
import unittest

import lab
from lab import COMMAND, HERE, LAB, SOURCE, LabTest, main, run

ROOTS = dict(pair.split("=", 1) for pair in os.environ.get("TLSGRAFT_ROOTS_READY", "").split(":") if pair)
PORTABLE = pathlib.Path(os.environ.get("TLSGRAFT_PORTABLE", SOURCE / "build-portable"))
LINE = os.environ.get("TLSGRAFT_LINE")
NUMBERS = {"bullseye": "1.1", "bookworm": "3", "trixie": "3", "sid": "3", "sid-ssl4": "4"}
DRIVES = ("connect", "handshake", "write", "read", "bio")


class Governed(LabTest):
    """The questions that are asked of each way to load OpenSSL."""

    def setUp(self):
        self.log = self.lab / "events.jsonl"
        self.log.unlink(missing_ok=True)
        self.settled = self.pinned(self.genuine, sinks=f'file = "{self.log}";')

    def start(self, words, server, drive, *more, policy=None, env=None):
        argv = [*words, "--port", server.port, "--sni", "localhost", "--drive", drive, *more]
        return self.graft(argv, policy or self.settled, env=env)

    def names(self):
        return [event["event"] for event in self.events(self.log)]

    def check(self, words, *, env=None, drives=DRIVES, native=True, more=()):
        """native: a refusal is a handshake that failed; else the connection is cut at the handshake's end."""
        for drive in drives:
            greet = drive == "read"
            with self.subTest(drive=drive, pin="right"), self.serve(self.genuine, greet=greet) as server:
                self.assert_accepted(self.start(words, server, drive, *more, env=env), server)
                self.assertEqual([], self.names())
            for tls in (12, 13):
                with self.subTest(drive=drive, pin="wrong", tls=tls), \
                        self.serve(self.other, greet=greet, tls=tls) as server:
                    result = self.start(words, server, drive, *more, env=env)
                    self.assert_no_data(result, server)
                    self.assertEqual(1, result.status, result)
                    self.assertIn(f"{self.settled}:4", result.text, result)
                    self.assertIn("certificate verify failed", result.out, result)
                    self.assertEqual(["PinMismatch"], self.names(), result)
                    if native:
                        self.assertNotIn("connected", result.out, result)
                self.log.unlink(missing_ok=True)

    def check_callbacks(self, words, *, env=None):
        with self.serve(self.genuine) as server:
            result = self.start(words, server, "connect", "--callback", "--info", env=env)
            self.assert_accepted(result, server)
            self.assertIn("info getter", result.out, result)
            self.assertIn("callback calls 1 argument right", result.out, result)
            self.assertRegex(result.out, r"info calls \d+ starts 1 dones 1\b", result)
        self.check(words, env=env, native=False, more=("--callback", "--info"))

    def check_settings(self, words):
        """One call too many of OpenSSL before the program's own would read the configuration then."""
        configuration = self.lab / "openssl.cnf"
        configuration.write_text("openssl_conf = conf\n[conf]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n"
                                 "[tls]\nMinProtocol = TLSv1.3\n")
        for tls, status in ((12, 1), (13, 0)):
            with self.subTest(tls=tls), self.serve(self.genuine, tls=tls) as server:
                result = self.start(words, server, "connect", env={"LAB_CONF": str(configuration)})
                self.assertEqual(status, result.status, result)

    def check_broken_policy(self, words, *, env=None, drives=("connect", "write"), more=()):
        policy = self.lab / "broken.cfg"
        policy.write_text("version = 1;\nmoed = 1;\n")
        policy.chmod(0o600)
        for drive in drives:
            with self.subTest(drive=drive), self.count_bytes() as listener:
                result = self.start(words, listener, drive, *more, policy=policy, env=env)
                self.assertEqual(0, listener.next(), f"bytes were sent, or it did not connect: {result}")
                self.assertIn("broken.cfg:2: ", result.err, result)


class Deep(Governed):
    """RTLD_DEEPBIND: as a plugin that is linked with OpenSSL, or a libssl that is used by dlsym alone."""

    line = LINE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.line is None:
            cls.host, cls.plugin, cls.libssl = LAB / "lab_deep", LAB / "liblab_deep_plugin.so", "libssl.so.3"
            return
        cls.root = ROOTS[cls.line]
        cls.libssl = f"libssl.so.{NUMBERS[cls.line]}"
        library = lab.LIBRARY if "TLSGRAFT_LIBRARY" in os.environ else PORTABLE / "lib/tlsgraft/libtlsgraft.so"
        cls.library = pathlib.Path(shutil.copy(library, cls.lab / "libtlsgraft.so"))
        cls.build(NUMBERS[cls.line])

    @classmethod
    def build(cls, number):
        """On the oldest glibc; the libraries that the plugin names are empty ones, and found in the root."""
        cls.host, cls.plugin = cls.lab / "deep", cls.lab / "plugin.so"
        for name in ("deep.c", "deep.h", "deep_plugin.c", "linked.h", "session.c", "session.h", "options.c"):
            shutil.copy(HERE / name, cls.lab)
        (cls.lab / "none").mkdir()
        (cls.lab / "none.c").write_text("")
        script = f"""set -e; cd {cls.lab}
        gcc -D_GNU_SOURCE -O2 -o deep deep.c session.c options.c -ldl
        for name in ssl crypto; do
            gcc -shared -o none/lib$name.so -Wl,-soname,lib$name.so.{number} none.c
        done
        gcc -D_GNU_SOURCE -O2 -fPIC -shared -o plugin.so deep_plugin.c session.c -Lnone -Wl,--no-as-needed -lssl -lcrypto
        """
        built = run([SOURCE / "scripts/in-root", "--bind", cls.lab, ROOTS["bullseye"], "sh", "-c", script])
        assert built.status == 0, built

    def words(self, mode, what):
        return [self.host, mode, what]

    def test_through_dlsym(self):
        for mode in ("now-local", "lazy-local", "now-global"):
            with self.subTest(mode=mode):
                self.check(self.words(mode, self.libssl))

    def test_in_the_place_of_what_was_unloaded(self):
        for what in (self.libssl, self.plugin):
            with self.subTest(what=what):
                self.check(self.words("now-local-after", what), drives=("connect",))

    def test_plugin_that_begins_when_it_is_called(self):
        for mode in ("now-local", "lazy-local", "now-global"):
            with self.subTest(mode=mode):
                self.check(self.words(mode, self.plugin))

    def test_plugin_whose_constructor_makes_the_context(self):
        for mode in ("now-local", "lazy-local"):
            with self.subTest(mode=mode):
                self.check(self.words(mode, self.plugin), env={"LAB_EARLY": "context"}, native=False)

    def test_plugin_whose_constructor_makes_the_connection(self):
        self.check(self.words("now-local", self.plugin), env={"LAB_EARLY": "connection"}, native=False)

    def test_an_early_context_keeps_the_programs_callbacks(self):
        self.check_callbacks(self.words("now-local", self.plugin), env={"LAB_EARLY": "context"})

    def test_the_programs_callbacks_are_called(self):
        for what in (self.libssl, self.plugin):
            with self.subTest(what=what):
                self.check_callbacks(self.words("now-local", what))

    def test_an_early_context_is_governed_at_each_connection(self):
        words = self.words("now-local", self.plugin)
        for early in ("context", "connection"):
            with self.subTest(early=early), self.serve(self.other) as server:
                result = self.start(words, server, "connect", "--count", 20, env={"LAB_EARLY": early})
                self.assertIn("answered 0 of 20", result.out, result)
                self.assertEqual([b""] * 20, [server.next().data for _ in range(20)])

    def test_a_session_resumed_on_an_early_context_is_judged(self):
        # A resumed handshake makes no SSL_SESSION and verifies nothing.
        env = {"LAB_EARLY": "context", "LAB_RESUME": "free.example"}
        for drive in ("connect", "write"):
            with self.subTest(drive=drive), self.serve(self.other, tls=13) as server:
                argv = [*self.words("now-local", self.plugin), "--count", 2, "--sni", "localhost", "--drive", drive,
                        "--port", server.port]
                result = self.graft(argv, None, env=env)
                self.assertIn("reused 1", result.out, result)
                self.assertIn("answered 2 of 2", result.out, result)
                self.assertEqual(2, sum(server.next().data.startswith(b"GET") for _ in range(2)))
                result = self.graft(argv, self.settled, env=env)
                self.assertIn("answered 1 of 2", result.out, result)
                self.assertEqual([True, False], [server.next().data.startswith(b"GET") for _ in range(2)])

    def test_what_cannot_be_governed_is_told_once(self):
        (self.lab / "strange.c").write_text("void SSL_CTX_new(void) {} void lab_plugin_run(void) {}")
        strange = self.lab / "strange.so"
        enter = [] if self.root is None else [SOURCE / "scripts/in-root", "--bind", self.lab, ROOTS["bullseye"]]
        built = run([*enter, "gcc", "-shared", "-fPIC", "-o", strange, self.lab / "strange.c"])
        self.assertEqual(0, built.status, built)
        self.graft([*self.words("now-local", strange), "--port", 1], self.settled)
        self.assertEqual(["Ungoverned"], self.names())
        self.assertIn("strange.so has no ", self.events(self.log)[0]["message"])

    def test_the_settings_that_a_program_makes_count(self):
        for what in (self.libssl, self.plugin):
            with self.subTest(what=what):
                self.check_settings(self.words("now-local", what))

    def test_without_a_valid_policy_nothing_leaves(self):
        self.check_broken_policy(self.words("now-local", self.libssl))
        self.check_broken_policy(self.words("now-local", self.plugin))
        self.check_broken_policy(self.words("now-local", self.plugin), env={"LAB_EARLY": "context"})

    def test_an_early_connection_without_a_valid_policy_sends_no_data(self):
        policy = self.lab / "broken.cfg"
        policy.write_text("version = 1;\nmoed = 1;\n")
        policy.chmod(0o600)
        for drive in DRIVES:
            with self.subTest(drive=drive), self.serve(self.genuine, greet=drive == "read") as server:
                result = self.start(self.words("now-local", self.plugin), server, drive, policy=policy,
                                    env={"LAB_EARLY": "connection"})
                self.assert_no_data(result, server)
                self.assertIn("broken.cfg:2: ", result.err, result)

    def test_an_early_connection_is_compared_with_a_key_in_a_file(self):
        # It is read when the first handshake begins.
        policy = self.policy((["localhost"], str(self.genuine.certificate)), name="file.cfg")
        for early in ("context", "connection"):
            for identity in (self.genuine, self.other):
                with self.subTest(early=early, identity=identity.certificate.name), self.serve(identity) as server:
                    result = self.start(self.words("now-local", self.plugin), server, "connect", policy=policy,
                                        env={"LAB_EARLY": early})
                    if identity is self.genuine:
                        self.assert_accepted(result, server)
                    else:
                        self.assert_no_data(result, server)
                        self.assertIn("PinMismatch", result.err, result)

    def test_without_a_policy_it_works(self):
        for what, early in ((self.libssl, {}), (self.plugin, {}), (self.plugin, {"LAB_EARLY": "context"})):
            with self.subTest(what=what, **early), self.serve(self.other) as server:
                argv = [*self.words("now-local", what), "--port", server.port]
                self.assert_accepted(self.graft(argv, None, env=early), server)


class Exported(Governed):
    """OpenSSL in the executable itself, which exports it."""

    def test_exported(self):
        self.check([LAB / "lab_exporting"])
        self.check_broken_policy([LAB / "lab_exporting"])

    def test_the_programs_callbacks_are_called(self):
        self.check_callbacks([LAB / "lab_exporting"])

    def test_the_settings_that_a_program_makes_in_main_count(self):
        self.check_settings([LAB / "lab_exporting"])

    def test_without_a_policy_it_works(self):
        with self.serve(self.other) as server:
            self.assert_accepted(self.graft([LAB / "lab_exporting", "--port", server.port], None), server)

    def test_a_library_that_has_openssl_in_it(self):
        """Linked with it, and loaded later; the calls within it are bound by the linker."""
        library = self.whole("libwhole.so")
        for mode in ("now-shallow", "now-shallow-again"):
            with self.subTest(mode=mode):
                self.check([LAB / "lab_deep", mode, library], drives=("connect", "write"))
        self.check([self.linked_with(library)], drives=("connect", "write"))

    @unittest.skipUnless(platform.machine() == "x86_64", "the addresses are those of x86_64")
    def test_a_library_that_lies_below_its_addresses_in_the_file(self):
        """There is room for one of two at the end of the address space; what the loader adds to the other's addresses
        is negative."""
        high = "-Wl,-Ttext-segment=0x7ffffff00000"
        source = self.lab / "high.c"
        source.write_text("int high = 1;\n")
        first = self.lab / "libhigh.so"
        self.compile("-shared", "-fPIC", high, "-o", first, source)
        linked = self.linked_with("-Wl,--no-as-needed", first, self.whole("libhighwhole.so", high))
        self.check([linked], drives=("connect", "write"))

    def compile(self, *words):
        built = run(["gcc", *words])
        self.assertEqual(0, built.status, built)

    def whole(self, name, *options):
        """A library with all of OpenSSL in it."""
        archives = [subprocess.run(["gcc", f"-print-file-name={archive}"], capture_output=True, text=True,
                                   check=True).stdout.strip() for archive in ("libssl.a", "libcrypto.a")]
        library = self.lab / name
        self.compile("-shared", "-Wl,-Bsymbolic", *options, "-o", library, "-Wl,--whole-archive", *archives,
                     "-Wl,--no-whole-archive")
        return library

    def linked_with(self, *libraries):
        linked = self.lab / "linked"
        sources = [HERE / name for name in ("linked.c", "session.c", "options.c")]
        self.compile("-D_GNU_SOURCE", "-o", linked, *sources, *libraries, f"-Wl,-rpath,{self.lab}")
        return linked

    def test_the_command_knows_it(self):
        result = self.bare([COMMAND, "doctor", LAB / "lab_exporting"])
        self.assertEqual(0, result.status, result)
        self.assertIn("exports", result.out, result)
        with self.serve(self.other) as server:
            argv = [COMMAND, "run", "--policy", self.settled, "--", LAB / "lab_exporting", "--port", server.port,
                    "--sni", "localhost"]
            self.assert_no_data(self.bare(argv), server)
        result = self.bare([COMMAND, "doctor", LAB / "lab_hiding"])
        self.assertEqual(1, result.status, result)
        self.assertIn("linked in statically", result.out, result)


class Lookup(LabTest):
    """dlsym(3) itself says what it says without the library."""

    def test_dlsym_means_what_it_meant(self):
        behind = LAB / "liblab_lookup_next.so"
        bare = self.bare([LAB / "lab_lookup"], env={"LD_PRELOAD": str(behind)})
        self.assertIn("next ", bare.out, bare)
        self.assertIn("undefined symbol: no_such_function", bare.out, bare)
        for policy in (None, self.pinned(self.genuine)):
            env = {"LD_PRELOAD": f"{self.library}:{behind}"}
            grafted = self.graft([LAB / "lab_lookup"], policy, env=env)
            self.assertEqual((bare.status, bare.out, bare.err), (grafted.status, grafted.out, grafted.err))

    def beside(self, other):
        """LD_PRELOAD with another object, in either order."""
        return [f"{self.library}:{other}", f"{other}:{self.library}"]

    def test_a_preload_that_owns_strcmp_and_looks_for_the_next_one(self):
        policy = self.pinned(self.genuine)
        for preload in self.beside(LAB / "liblab_lookup_strcmp.so"):
            env = {"LD_PRELOAD": preload}
            with self.subTest(preload=preload):
                result = self.graft(["/bin/true"], policy, env=env)
                self.assertEqual((0, ""), (result.status, result.text), result)
            for program in ("lab_client", "lab_linked"):
                argv = [LAB / program, "--sni", "localhost", "--port"]
                with self.subTest(preload=preload, program=program):
                    with self.serve(self.genuine) as server:
                        self.assert_accepted(self.graft([*argv, server.port], policy, env=env), server)
                    with self.serve(self.other) as server:
                        result = self.graft([*argv, server.port], policy, env=env)
                        self.assert_no_data(result, server)
                        self.assertIn(f"{policy}:4", result.err, result)

    def test_a_sanitizer_that_is_preloaded(self):
        """It looks for libc's functions while it starts, strcmp(3) among them."""
        runtime = run(["gcc", "-print-file-name=libasan.so"]).out.strip()
        if not os.path.isabs(runtime):
            self.skipTest("gcc has no runtime of AddressSanitizer")
        env = {"ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}
        for preload in self.beside(os.path.realpath(runtime)):
            with self.subTest(preload=preload):
                result = self.graft(["/bin/true"], self.pinned(self.genuine), env={**env, "LD_PRELOAD": preload})
                self.assertEqual((0, ""), (result.status, result.text), result)


def load_tests(loader, tests, _pattern):
    return tests if LINE is None else loader.loadTestsFromTestCase(Deep)


if __name__ == "__main__":
    main()
