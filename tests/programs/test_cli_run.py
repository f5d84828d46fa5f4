"""`tlsgraft run`, `tlsgraft-run` and `tlsgraft-entrypoint`: how a program is started, and when not."""

import os
import shutil
import signal
import subprocess
import unittest

from cli_bench import COMMAND, LIBRARY, SCRIPTS, Bench

PIN = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
RULE = "version = 1;\nsecurity: {{ pinned_public_keys = ( {{ domain = \"a.example\"; keys = {keys}; }} ); }};\n"


class Start(Bench):
    """A program that is governed."""

    def test_status(self):
        self.assertEqual(self.run_program("true").returncode, 0)
        self.assertEqual(self.run_program("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(self.run_program("sh", "-c", "kill -TERM $$").returncode, -signal.SIGTERM)

    def test_words_and_streams(self):
        script = 'printf "<%s>" "$@"; cat; echo no >&2'
        result = self.run_program("--", "sh", "-c", script, "sh", "--policy", "", "a b", stdin=None, input="in")
        self.assertEqual((result.stdout, result.stderr), ("<--policy><><a b>in", "no\n"))
        self.assertEqual(self.run_program("printf", "%s", "--help").stdout, "--help")

    def test_name_stays(self):
        """argv[0] is as given, though the path that was judged is executed."""
        result = self.run_program("sh", "-c", 'tr "\\0" "\\n" </proc/$$/cmdline | head -1')
        self.assertEqual(result.stdout, "sh\n")

    def test_library_is_loaded(self):
        self.assertIn(str(LIBRARY), self.run_program("cat", "/proc/self/maps").stdout)

    def variables(self, *words, **more):
        lines = self.run_program(*words, "env", **more).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    def test_variables(self):
        variables = self.variables()
        self.assertEqual(variables["LD_PRELOAD"], str(LIBRARY))
        self.assertEqual(variables["TLSGRAFT_POLICY"], str(self.policy))
        self.assertNotIn("TLSGRAFT_PROGRAM", variables)
        expected = set(self.environment) | {"LD_PRELOAD", "TLSGRAFT_POLICY"}
        self.assertEqual(set(variables), expected)
        self.assertEqual(self.variables("--program", "billing")["TLSGRAFT_PROGRAM"], "billing")

    def test_program_name(self):
        """That of the environment, unless --program gives another."""
        inherited = {"TLSGRAFT_PROGRAM": "inherited"}
        self.assertEqual(self.variables(env=inherited)["TLSGRAFT_PROGRAM"], "inherited")
        self.assertEqual(self.variables("--program", "billing", env=inherited)["TLSGRAFT_PROGRAM"], "billing")
        self.assertEqual(self.variables("--program=a b")["TLSGRAFT_PROGRAM"], "a b")
        result = self.run_program("--program", "/opt/job", "true")
        self.assertEqual((result.returncode, result.stdout), (125, ""), result)
        self.assertIn("run: --program '/opt/job': it has a /, and is compared with the patterns that have none; give",
                      result.stderr)
        result = self.run_program("printf", "%s", "--program", "x")
        self.assertEqual((result.returncode, result.stdout), (0, "--programx"), result)

    def test_policy_becomes_absolute(self):
        """Links stay as they are: they may be turned to another policy later."""
        (self.folder / "link.cfg").symlink_to(self.policy)
        self.policy = "link.cfg"
        self.assertEqual(self.variables()["TLSGRAFT_POLICY"], str(self.folder / "link.cfg"))

    def test_policy_from_environment_and_before_the_command(self):
        result = self.call("run", "true", env={"TLSGRAFT_POLICY": str(self.policy)})
        self.assertEqual(result.returncode, 0, result)
        result = self.call("--policy", self.policy, "run", "printenv", "TLSGRAFT_POLICY",
                           env={"TLSGRAFT_POLICY": "/no/such"})
        self.assertEqual(result.stdout, f"{self.policy}\n", result)

    def test_preload_is_kept(self):
        one = self.library("one.so")
        two = self.library("two.so")
        for present, expected in ((f"{one}", f"{LIBRARY}:{one}"), (f"{one} {two}", f"{LIBRARY}:{one}:{two}"),
                                  (f"{one}:{LIBRARY}:{two}", f"{LIBRARY}:{one}:{two}"), ("", f"{LIBRARY}"),
                                  (f"{LIBRARY}", f"{LIBRARY}"), (f" :{LIBRARY} : {two}:", f"{LIBRARY}:{two}")):
            with self.subTest(present=present):
                self.assertEqual(self.variables(env={"LD_PRELOAD": present})["LD_PRELOAD"], expected)
        maps = self.run_program("cat", "/proc/self/maps", env={"LD_PRELOAD": str(one)}).stdout
        self.assertIn(str(one), maps)

    def test_search(self):
        """As execvp: on to the next directory where the first has something that is no program."""
        for name, mode, text in (("a", 0o644, "1"), ("b", 0o755, "2"), ("c", 0o755, "3")):
            (self.folder / name).mkdir()
            self.write(f"{name}/tool", f"#!/bin/sh\nexit {text}\n", mode)
        search = {"PATH": f"{self.folder}/none:{self.folder}/a:{self.folder}/b:{self.folder}/c"}
        self.assertEqual(self.run_program("tool", env=search).returncode, 2)
        self.assertEqual(self.run_program("tool", env={"PATH": f"{self.folder}/a"}).returncode, 126)
        self.assertEqual(self.run_program("tool", env={"PATH": ":/x"}, cwd=self.folder / "c").returncode, 3)
        self.assertEqual(self.run_program("c/tool").returncode, 3)
        self.assertEqual(self.run_program("-c/tool", env={}).returncode, 125)  # no such option
        (self.folder / "--c").mkdir()  # which the loader would take for an option
        shutil.copy(shutil.which("env"), self.folder / "--c" / "tool")
        self.assertEqual(self.run_program("--", "--c/tool").returncode, 0)
        self.assertEqual(self.run_program("tool", env={"PATH": "--c"}).returncode, 0)

    def test_not_found_and_not_executable(self):
        static, _ = self.touching("static", "-static")
        static.chmod(0o644)
        for word, status in (("no-such-program", 127), ("/no/such/program", 127), ("", 127), (self.folder, 126),
                             (self.policy, 126), (f"{self.policy}/below", 126), (static, 126)):
            with self.subTest(word=word):
                result = self.run_program(word)
                self.assertEqual(result.returncode, status, result)
                self.assertTrue(result.stderr.startswith(f"tlsgraft: {word}: "), result)

    def test_no_descriptor_is_left(self):
        listing = ("sh", "-c", "echo /proc/self/fd/*")
        bare = self.call(*listing[1:], command="/bin/sh")
        self.assertEqual(self.run_program(*listing).stdout, bare.stdout)

    def test_odd_surroundings(self):
        """SIGCHLD ignored; standard descriptors closed."""
        ignore = lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        self.assertEqual(self.run_program("true", preexec_fn=ignore).returncode, 0)
        for closed in ((0,), (1,), (2,), (0, 1), (0, 1, 2)):
            with self.subTest(closed=closed):
                shut = lambda closed=closed: [os.close(descriptor) for descriptor in closed]
                result = self.run_program("sh", "-c", "exit 7", preexec_fn=shut)
                self.assertEqual(result.returncode, 7, result)
                result = self.run_program("wget", preexec_fn=shut)
                self.assertEqual(result.returncode, 125, result)

    def test_loader_settings_do_not_disturb_the_proof(self):
        for name in ("LD_DEBUG", "LD_VERBOSE", "LD_WARN", "LD_SHOW_AUXV"):
            with self.subTest(name=name):
                result = self.call("-c", f'{name}=all exec "$0" "$@"', COMMAND, "run", "--policy", self.policy,
                                   "sh", "-c", "exit 7", command="/bin/sh")
                self.assertEqual(result.returncode, 7, result.stderr[-500:])


class Refusals(Bench):
    def test_program_is_not_started(self):
        program, ran = self.touching("static", "-static")
        self.assert_no(program, "statically")
        self.assertFalse(ran.exists())
        result = self.run_program("--allow-ungoverned", program)
        self.assertEqual(result.returncode, 0, result)
        self.assertRegex(result.stderr, r"^tlsgraft: warning: .*static: .*not governed.*statically")
        self.assertTrue(ran.exists())

    def test_usage(self):
        for words in ((), ("--bogus", "true"), ("--policy",), ("--policy", "", "true"),
                      ("--program", "", "true"), ("--",)):
            with self.subTest(words=words):
                result = self.call("run", *words)
                self.assertEqual((result.returncode, result.stdout), (125, ""), result)
                self.assertIn("run --help", result.stderr)

    def test_no_policy(self):
        if os.path.exists("/etc/tlsgraft/policy.cfg"):
            self.skipTest("this machine has a policy")
        result = self.call("run", "true")
        self.assertEqual(result.returncode, 125)
        for place in ("--policy", "TLSGRAFT_POLICY", "/etc/tlsgraft/policy.cfg"):
            self.assertIn(place, result.stderr)

    def assert_policy_refused(self, policy, text, env=None):
        words = ("--policy", policy) if policy is not None else ()
        for allow in ((), ("--allow-ungoverned",)):
            result = self.call("run", *words, *allow, "echo", "started", env=env)
            self.assertEqual((result.returncode, result.stdout), (125, ""), result)
            self.assertIn(text, result.stderr)

    def test_policy_that_cannot_be_read(self):
        self.assert_policy_refused("none.cfg", f"{self.folder}/none.cfg: No such file")
        self.assert_policy_refused(None, "/none.cfg: No such file", {"TLSGRAFT_POLICY": "/none.cfg"})
        self.assert_policy_refused(None, "not an absolute path", {"TLSGRAFT_POLICY": "policy.cfg"})

    def test_invalid_policy(self):
        policy = self.write("bad.cfg", "version = 1;\nmod = 1;\n", 0o600)
        self.assert_policy_refused(policy, f"{self.folder}/bad.cfg:2: mod:")

    def test_pem_without_a_key(self):
        text = "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----\\n"
        policy = self.write("pem.cfg", RULE.format(keys=f'"{text}"'), 0o600)
        self.assert_policy_refused(policy, f"{self.folder}/pem.cfg:2: keys:")

    def test_key_that_is_not_there_is_a_warning(self):
        self.policy = self.write("key.cfg", RULE.format(keys='"none.pem"'), 0o600)
        result = self.run_program("true")
        self.assertEqual(result.returncode, 0, result)
        self.assertRegex(result.stderr, r"^tlsgraft: warning: .*key\.cfg:2: ")


class Places(Bench):
    """The library is found from the command's own place."""

    def start(self, command, *words, **more):
        return self.call("run", "--policy", self.policy, *words, command=command, **more)

    def test_elsewhere(self):
        command = self.install("other")
        library = self.folder / "other" / "lib" / "tlsgraft" / "libtlsgraft.so"
        self.assertEqual(self.start(command, "printenv", "LD_PRELOAD").stdout, f"{library}\n")
        (self.folder / "link").symlink_to(command)
        self.assertEqual(self.start(self.folder / "link", "printenv", "LD_PRELOAD").stdout, f"{library}\n")

    def test_path_that_cannot_be_preloaded(self):
        for place, words in (("with space", "a space"), ("with:colon", "a colon"), ("with$dollar", "a '$'"),
                             ("with\ttab", "a control character")):
            with self.subTest(place=place):
                command = self.install(place)
                result = self.start(command, "true")
                self.assertEqual(result.returncode, 125, result)
                self.assertIn(words, result.stderr)
                self.assertEqual(self.call("doctor", "true", command=command).returncode, 1)
                result = self.start(command, "--allow-ungoverned", "env")
                self.assertEqual(result.returncode, 0, result)
                self.assertNotIn("LD_PRELOAD", result.stdout)

    def test_library_missing_or_damaged(self):
        command = self.install("other")
        library = self.folder / "other" / "lib" / "tlsgraft" / "libtlsgraft.so"
        whole = library.read_bytes()
        for content in (None, b"", b"text", whole[:100], whole[:3000]):
            with self.subTest(content=content and len(content)):
                library.unlink()
                if content is not None:
                    library.write_bytes(content)
                result = self.start(command, "echo", "started")
                self.assertEqual((result.returncode, result.stdout), (125, ""), result)
                self.assertIn("libtlsgraft.so", result.stderr)
                self.assertEqual(self.start(command, "no-such-program").returncode, 127)
                result = self.start(command, "--allow-ungoverned", "echo", "started")
                self.assertEqual((result.returncode, result.stdout), (0, "started\n"), result)
                library.touch()

    def test_library_that_needs_a_newer_system(self):
        """The loader lists such a library, and would then end the program: its complaint counts."""
        command = self.install("other")
        self.write("old", "OLD { global: none; };\n")
        self.write("new", "NEW { global: none; };\n")
        self.library("libdep.so", "-Wl,--version-script=new", "-Wl,-soname,libdep.so")
        self.compile("other/lib/tlsgraft/libtlsgraft.so", "extern int none; int *ours = &none;", "-shared",
                     "-fPIC", self.folder / "libdep.so", f"-Wl,-rpath,{self.folder}")
        self.assertEqual(self.start(command, "true").returncode, 0)
        self.library("libdep.so", "-Wl,--version-script=old", "-Wl,-soname,libdep.so")
        result = self.start(command, "true")
        self.assertEqual(result.returncode, 125, result)
        self.assertIn("version `NEW' not found", result.stderr)


class Wrappers(Bench):
    def setUp(self):
        super().setUp()
        self.command = self.install("prefix")
        self.bin = self.command.parent
        for name in ("tlsgraft-run", "tlsgraft-entrypoint"):
            shutil.copy(SCRIPTS / name, self.bin / name)
        self.environment["TLSGRAFT_POLICY"] = str(self.policy)

    def test_run(self):
        (self.folder / "link").symlink_to("prefix/bin/tlsgraft-run")
        for script in (self.bin / "tlsgraft-run", self.folder / "link", "prefix/bin/tlsgraft-run"):
            shell = 'echo "$TLSGRAFT_PROGRAM $1"; exit 7'
            result = self.call("--program", "x y", "--", "sh", "-c", shell, "sh", "a  b", command=script)
            self.assertEqual((result.returncode, result.stdout), (7, "x y a  b\n"), result)
        self.assertEqual(self.call("wget", command=self.bin / "tlsgraft-run").returncode, 125)

    def test_entrypoint(self):
        script = self.bin / "tlsgraft-entrypoint"
        result = self.call("printenv", "LD_PRELOAD", command=script)
        self.assertEqual(result.stdout, f"{self.folder}/prefix/lib/tlsgraft/libtlsgraft.so\n", result)
        self.assertEqual(self.call("sh", "-c", "exit 7", command=script).returncode, 7)
        self.assertEqual(self.call("wget", command=script).returncode, 125)
        self.assertEqual(self.call(command=script).returncode, 125)

    def test_entrypoint_is_stricter(self):
        self.policy.write_text(RULE.format(keys=f'[ "{PIN}", "none.pem" ]'))
        self.assertEqual(self.call("echo", "started", command=self.bin / "tlsgraft-run").returncode, 0)
        result = self.call("echo", "started", command=self.bin / "tlsgraft-entrypoint")
        self.assertEqual((result.returncode, result.stdout), (125, ""), result)
        self.assertIn("echo: not started", result.stderr)

    def test_entrypoint_has_help(self):
        script = self.bin / "tlsgraft-entrypoint"
        result = self.call("--help", command=script)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        self.assertIn("usage: tlsgraft-entrypoint ", result.stdout)
        self.assertIn("example", result.stdout)
        self.assertEqual(self.call("--", "sh", "-c", "exit 7", command=script).returncode, 7)
        for words, what in ((("--policy", self.policy, "true"), "it has no --policy; set TLSGRAFT_POLICY to the"),
                            ((f"--policy={self.policy}", "true"), "it has no --policy; set TLSGRAFT_POLICY to the"),
                            (("--program", "x", "true"), "'--program' is no option of it; usage: ")):
            result = self.call(*words, command=script)
            self.assertEqual((result.returncode, result.stdout), (125, ""), result)
            self.assertTrue(result.stderr.startswith(f"tlsgraft-entrypoint: {what}"), result)

    def test_a_policy_that_each_process_sees_otherwise(self):
        for path in ("/dev/stdin", "/proc/self/fd/0"):
            with open(self.policy) as policy:
                result = self.call("--policy", path, "--", "echo", "started", command=self.bin / "tlsgraft-run",
                                   stdin=policy)
            self.assertEqual((result.returncode, result.stdout), (125, ""), result)
            self.assertIn("another file in each process", result.stderr)

    def test_command_missing(self):
        self.command.unlink()
        for name in ("tlsgraft-run", "tlsgraft-entrypoint"):
            result = self.call("true", command=self.bin / name)
            self.assertEqual(result.returncode, 125)
            self.assertIn("not found", result.stderr)
        # Alone, as in the source tree: from PATH.
        search = {"PATH": f"{COMMAND.parent}:{self.environment['PATH']}"}
        result = self.call("sh", "-c", "exit 7", command=self.bin / "tlsgraft-run", env=search)
        self.assertEqual(result.returncode, 7, result)

    def test_installed_files_are_executable(self):
        for name in ("tlsgraft-run", "tlsgraft-entrypoint"):
            subprocess.run(["sh", "-n", str(SCRIPTS / name)], check=True)
            self.assertTrue(os.access(SCRIPTS / name, os.X_OK))


if __name__ == "__main__":
    unittest.main()
