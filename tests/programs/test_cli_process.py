"""`tlsgraft doctor --pid`: real processes, each of which says when it is ready and waits until its stdin ends."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

from cli_bench import COMMAND, LIBRARY, Bench

PYTHON = "/usr/bin/python3"
NOBODY = 65534
DEFAULT_POLICY = pathlib.Path("/etc/tlsgraft/policy.cfg")
WAIT = "print('ready', flush=True); input()"
WAITING = 'int main(void) { puts("ready"); fflush(stdout); return getchar(); }'


class Processes(Bench):
    @contextlib.contextmanager
    def process(self, *words, env=None, **more):
        """Its number, and the line that it said."""
        with subprocess.Popen([str(word) for word in words], env=dict(self.environment, **(env or {})),
                              cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              **more) as process:
            try:
                line = process.stdout.readline()
                self.assertTrue(line.startswith("ready"), "it did not start")
                yield process.pid, line.split()
            finally:
                process.kill()

    def grafted(self, *words, command=COMMAND, **more):
        return self.process(command, "run", "--policy", self.policy, "--", *words, **more)

    def python(self, source, **more):
        return self.grafted(PYTHON, "-c", source, **more)

    def ask(self, pid, status, *texts, **more):
        """The answer of --json, which has these texts in its reason; that of the line is the same."""
        result = self.call("doctor", "--pid", pid, "--json", **more)
        self.assertEqual((result.returncode, result.stderr), (status, ""), result)
        answer = json.loads(result.stdout)
        self.assertEqual((answer["pid"], answer["loaded"]), (pid, status == 0))
        for text in texts:
            self.assertIn(text, answer["reason"])
        line = self.call("doctor", "--pid", pid, **more)
        self.assertEqual((line.returncode, line.stderr), (status, ""), line)
        expected = [str(pid), answer.get("program", ""), "yes" if answer["loaded"] else "no",
                    answer.get("policy", ""), answer["reason"], ",".join(answer["libraries"])]
        self.assertEqual(line.stdout, "\t".join(expected) + "\n")
        return answer

    def assert_unknown(self, pid, *texts, **more):
        result = self.call("doctor", "--pid", pid, **more)
        self.assertEqual((result.returncode, result.stdout), (3, ""), result)
        self.assertRegex(result.stderr, rf"^tlsgraft: --pid {pid}: .*; .*\n$")
        for text in texts:
            self.assertIn(text, result.stderr)

    def openssl(self):
        """What doctor says of the libssl that Python loads."""
        version = subprocess.run([PYTHON, "-c", "import ssl; print(ssl.OPENSSL_VERSION.split()[1])"], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout.strip()
        return f"it has loaded OpenSSL {version} (libssl.so."


class Loaded(Processes):
    def test_loaded(self):
        with self.python(f"import ssl; {WAIT}") as (pid, _):
            answer = self.ask(pid, 0, f"{LIBRARY} is loaded; ", self.openssl())
        self.assertEqual(list(answer), ["pid", "program", "loaded", "policy", "reason", "libraries"])
        self.assertEqual(answer["program"], os.path.realpath(PYTHON))
        self.assertEqual(answer["policy"], str(self.policy))
        self.assertRegex(" ".join(answer["libraries"]), r"^libssl\.so\.\S+$")

    def test_without_tls(self):
        with self.grafted("sh", "-c", "echo ready; read line") as (pid, _):
            answer = self.ask(pid, 0, "it has loaded no TLS library so far")
        self.assertEqual(answer["libraries"], [])

    def test_other_tls_beside_it(self):
        self.needing("other", "libgnutls.so.30")
        program = self.compile("program", f"#include <stdio.h>\n{WAITING}", "-Wl,--no-as-needed",
                               self.folder / "libgnutls.so.30", "-l:libssl.so.3", f"-Wl,-rpath,{self.folder}")
        with self.grafted(program) as (pid, _):
            self.ask(pid, 0, "it has loaded OpenSSL 3",
                     "; what it does through GnuTLS (libgnutls.so.30) is not governed")

    def test_openssl_in_the_executable(self):
        """node's own, or Debian's, which loads a libssl."""
        with self.grafted("node", "-e", "console.log('ready'); process.stdin.resume()") as (pid, _):
            answer = self.ask(pid, 0)
            self.assertRegex(answer["reason"], r"; it has (OpenSSL \S+ linked in, and exports it|loaded OpenSSL )")

    def test_version_is_that_of_the_loaded_file(self):
        """Not that of the file which took its place; without privileges the old one cannot be reached any more."""
        def version(name, number):
            self.compile(name, f'const char text[] = "OpenSSL {number} 1 Jan 2030";', "-shared", "-fPIC",
                         "-Wl,-soname,libcrypto.so.3")
        self.folder.chmod(0o755)
        self.library("libssl.so.3", "-Wl,-soname,libssl.so.3")
        version("libcrypto.so.3", "3.8.1")
        version("new", "3.9.2")
        program = self.compile("program", f"#include <stdio.h>\n{WAITING}", "-Wl,--no-as-needed",
                               self.folder / "libssl.so.3", self.folder / "libcrypto.so.3",
                               f"-Wl,-rpath,{self.folder}")
        with self.process(program, env={"LD_PRELOAD": str(LIBRARY)}, user=NOBODY) as (pid, _):
            self.ask(pid, 0, "it has loaded OpenSSL 3.8.1 (libssl.so.3)", user=NOBODY)
            (self.folder / "new").rename(self.folder / "libcrypto.so.3")
            self.ask(pid, 0, "it has loaded OpenSSL 3.8.1 (libssl.so.3)")
            self.ask(pid, 0, "it has loaded OpenSSL 3 (libssl.so.3)", user=NOBODY)

    def test_not_root(self):
        """Without the privileges that lead to files by map_files."""
        self.folder.chmod(0o755)
        with self.process(PYTHON, "-c", f"import ssl; {WAIT}", user=NOBODY,
                          env={"LD_PRELOAD": str(LIBRARY), "TLSGRAFT_POLICY": str(self.policy)}) as (pid, _):
            self.ask(pid, 0, "is loaded", self.openssl(), user=NOBODY)

    def test_replaced(self):
        """As an upgrade does."""
        command = self.install("prefix")
        library = self.folder / "prefix/lib/tlsgraft/libtlsgraft.so"
        with self.grafted("sh", "-c", "echo ready; read line", command=command) as (pid, _):
            self.assertNotIn("replaced", self.ask(pid, 0, command=command)["reason"])
            shutil.copy(library, self.folder / "new.so")
            (self.folder / "new.so").rename(library)
            self.ask(pid, 0, f"{library} is loaded, but that file was replaced", "start the program again",
                     command=command)

    def test_another_installation(self):
        command = self.install("prefix")
        with self.grafted("sh", "-c", "echo ready; read line", command=command) as (pid, _):
            self.ask(pid, 0, "/prefix/lib/tlsgraft/libtlsgraft.so is loaded, which is not the library of this command, "
                             f"{LIBRARY}")


class Policies(Processes):
    def preloaded(self, **env):
        return self.process("sh", "-c", "echo ready; read line", env={"LD_PRELOAD": str(LIBRARY), **env})

    def test_removed(self):
        with self.grafted("sh", "-c", "echo ready; read line") as (pid, _):
            self.policy.unlink()
            answer = self.ask(pid, 0, "its policy is not there now", f"tlsgraft policy check {self.policy}")
            self.assertEqual(answer["policy"], str(self.policy))

    def test_relative(self):
        with self.preloaded(TLSGRAFT_POLICY="policy.cfg") as (pid, _):
            self.assertEqual(self.ask(pid, 0, "not an absolute path")["policy"], "policy.cfg")

    def test_default(self):
        with self.preloaded() as (pid, _):
            if DEFAULT_POLICY.exists():
                self.assertEqual(self.ask(pid, 0)["policy"], str(DEFAULT_POLICY))
            else:
                answer = self.ask(pid, 0, f"{DEFAULT_POLICY} is not there, so no policy is in force")
                self.assertNotIn("policy", answer)

    def test_environment_written_over(self):
        """As daemons do that show what they are at."""
        source = f"""if True:
            start, end = map(int, open("/proc/self/stat").read().split()[49:51])
            with open("/proc/self/mem", "r+b", buffering=0) as memory:
                memory.seek(start)
                memory.write(bytes(end - start))
            {WAIT}"""
        with self.python(source) as (pid, _):
            answer = self.ask(pid, 0, "is loaded", "which policy it was started with cannot be told")
            self.assertNotIn("policy", answer)

    def test_another_root(self):
        root = self.folder / "root"
        root.mkdir()
        with self.python(f"import os; os.chroot('{root}'); {WAIT}") as (pid, _):
            answer = self.ask(pid, 0, "in its own root there is no such policy")
            self.assertEqual(answer["policy"], str(self.policy))
            inside = root / self.policy.relative_to("/")
            inside.parent.mkdir(parents=True)
            shutil.copy(self.policy, root / "real.cfg")
            inside.symlink_to("/real.cfg")  # which leads nowhere outside
            self.ask(pid, 0, f"its policy is a file in its own root: /proc/{pid}/root{self.policy}")


class NotLoaded(Processes):
    def test_linked_in_to_a_library(self):
        source = f"#include <stdio.h>\n{WAITING}"
        for other in ((), ("-l:libssl.so.3",)):
            vendor = self.compile("libvendor.so", 'const char text[] = "TLS 1.3, client CertificateVerify";', "-shared",
                                  "-fPIC", "-Wl,-soname,libvendor.so")
            program = self.compile("program", source, "-Wl,--no-as-needed", vendor, *other, f"-Wl,-rpath,{self.folder}")
            with self.process(program) as (pid, _):
                if other:
                    self.ask(pid, 1, "; it has loaded OpenSSL 3",
                             "; what it does through libvendor.so (TLS linked in) is not governed")
                else:
                    self.ask(pid, 1, "; it has loaded libvendor.so (TLS linked in), and no libssl")

    def test_started_without(self):
        with self.process("sh", "-c", "echo ready; read line") as (pid, _):
            answer = self.ask(pid, 1, "it was started without the library", "no TLS library so far",
                              "; start it again, with tlsgraft-run")
            self.assertNotIn("policy", answer)
        with self.process(PYTHON, "-c", f"import ssl; {WAIT}") as (pid, _):
            self.ask(pid, 1, "it was started without the library", self.openssl())

    def test_other_tls(self):
        self.needing("other", "libgnutls.so.30")
        program = self.compile("program", f"#include <stdio.h>\n{WAITING}", "-Wl,--no-as-needed",
                               self.folder / "libgnutls.so.30", f"-Wl,-rpath,{self.folder}")
        with self.process(program) as (pid, _):
            answer = self.ask(pid, 1, "it has loaded GnuTLS (libgnutls.so.30)", "linked with OpenSSL")
            self.assertNotIn("start it again", answer["reason"])
            self.assertEqual(answer["libraries"], ["libgnutls.so.30"])

    def test_tls_linked_in(self):
        source = f'#include <stdio.h>\nconst char text[] = "/cargo/rustls-0.20.8/src/conn.rs";\n{WAITING}'
        with self.process(self.compile("program", source)) as (pid, _):
            answer = self.ask(pid, 1, "it brings its own TLS, linked in statically (rustls)", "stunnel")
            self.assertNotIn("start it again", answer["reason"])

    def test_static(self):
        program = self.compile("program", f"#include <stdio.h>\n{WAITING}", "-static")
        with self.process(program, env={"LD_PRELOAD": str(LIBRARY)}) as (pid, _):
            self.ask(pid, 1, "the library is not loaded: it is linked statically")

    def test_another_file_of_the_name(self):
        other = self.library("libtlsgraft.so")
        for path in (other, "/no/such/libtlsgraft.so"):
            with self.process("sh", "-c", "echo ready; read line", env={"LD_PRELOAD": str(path)},
                              stderr=subprocess.DEVNULL) as (pid, _):
                self.ask(pid, 1, "though LD_PRELOAD names a libtlsgraft.so")

    def test_mapped_only_to_be_read(self):
        source = f"""if True:
            import mmap
            file = open("{LIBRARY}", "rb")
            mapping = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            {WAIT}"""
        with self.process(PYTHON, "-c", source) as (pid, _):
            self.ask(pid, 1, "it was started without the library")

    def test_setuid(self):
        self.folder.chmod(0o755)
        program = self.compile("program", f"#include <stdio.h>\n{WAITING}")
        program.chmod(0o4755)
        with self.process(program, env={"LD_PRELOAD": str(LIBRARY)}, user=NOBODY) as (pid, _):
            self.ask(pid, 1, "the library is not loaded: it is setuid")
            program.chmod(0o755)
            self.ask(pid, 1, "as the loader ignores LD_PRELOAD where a program is started with more rights")
        program.chmod(0o4755)
        with self.process(program, user=NOBODY) as (pid, _):
            program.chmod(0o755)
            answer = self.ask(pid, 1, "as the loader ignores LD_PRELOAD where a program is started with more rights")
            self.assertNotIn("without the library", answer["reason"])


class Unknown(Processes):
    def test_ended(self):
        child = subprocess.Popen(["true"])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self.assert_unknown(child.pid, "the process has ended")
        child.wait()
        self.assert_unknown(child.pid, "there is no such process")

    def test_ending(self):
        """Its memory is gone before it is, and much memory takes its time; never is it said not to be loaded."""
        source = """if True:
            import mmap
            memory = mmap.mmap(-1, 300 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            memory.madvise(mmap.MADV_NOHUGEPAGE)
            for page in range(0, len(memory), mmap.PAGESIZE):
                memory[page] = 1
            print('ready', flush=True)
            input()"""
        with self.python(source) as (pid, _):
            self.ask(pid, 0)
            os.kill(pid, signal.SIGKILL)
            while True:
                result = self.call("doctor", "--pid", pid)
                if result.returncode == 3:
                    break
                self.assertEqual(result.returncode, 0, result)
            self.assertIn("the process has ended; name one that runs", result.stderr)

    def test_without_the_right_to_trace(self):
        """As root in a container is."""
        with self.process("sh", "-c", "echo ready; read line", user=NOBODY) as (pid, _):
            result = self.call("--bounding-set", "-sys_ptrace", COMMAND, "doctor", "--pid", pid, command="setpriv")
        self.assertEqual((result.returncode, result.stdout), (3, ""), result)
        self.assertIn("that takes CAP_SYS_PTRACE: in a container, start that with --cap-add SYS_PTRACE", result.stderr)

    def test_thread(self):
        source = f"""if True:
            import threading
            wait = threading.Event()
            thread = threading.Thread(target=wait.wait, daemon=True)
            thread.start()
            print('ready', thread.native_id, flush=True)
            input()"""
        with self.process(PYTHON, "-c", source) as (pid, words):
            self.assert_unknown(words[1], f"it is a thread of the process {pid}; name that")

    def test_of_another_user(self):
        with self.process("sh", "-c", "echo ready; read line") as (pid, _):
            self.assert_unknown(pid, "Permission denied; run as root", user=NOBODY)

    def test_thread_of_the_kernel(self):
        try:
            kernel = pathlib.Path("/proc/2/comm").read_text() == "kthreadd\n"
        except FileNotFoundError:
            kernel = False
        if not kernel:
            self.skipTest("no thread of the kernel is to be seen here")
        answer = self.ask(2, 1, "a thread of the kernel")
        self.assertNotIn("program", answer)

    def test_usage(self):
        for words in (("--pid",), ("--pid", ""), ("--pid", "0"), ("--pid", "-1"), ("--pid", "+1"), ("--pid", " 1"),
                      ("--pid", "1x"), ("--pid", "x"), ("--pid", "99999999999999999999"), ("--pid", "4294967297"),
                      ("--pid", os.getpid(), "true"), ("true", "--pid", os.getpid()), ("--json",)):
            with self.subTest(words=words):
                result = self.call("doctor", *words)
                self.assertEqual((result.returncode, result.stdout), (2, ""), result)
                self.assertRegex(result.stderr, r"^tlsgraft: .*; .*\n$")


if __name__ == "__main__":
    unittest.main(module=sys.modules["__main__"])
