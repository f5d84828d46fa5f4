"""`tlsgraft doctor`, and that `tlsgraft run` refuses what it says no to: on real programs of every kind."""

import errno
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import unittest

from cli_bench import COMMAND, SCRIPTS, Bench
from lab import LAB, LabTest, run

TRUE = pathlib.Path("/bin/true")
SOURCE = SCRIPTS.parent


def holding(text):
    """The source of a program that holds a text."""
    return f'const char text[] = "{text}"; int main(void) {{ return text[0] == 0; }}'


class Programs(Bench):
    def test_no_tls_library(self):
        answer = self.assert_yes("/bin/true", "no TLS library at start", "may load one later")
        self.assertEqual((answer[0], answer[3]), ("/bin/true", ""))

    def test_curl(self):
        told = subprocess.run(["openssl", "version"], check=True, stdout=subprocess.PIPE, text=True).stdout
        version = re.findall(r"OpenSSL (\S+)", told)[-1]  # the last is that of the library
        answer = self.assert_yes("curl", f"it needs OpenSSL {version} (libssl.so.")
        self.assertRegex(answer[3], r"\blibssl\.so\.(1\.1|3|4)\b")

    def test_wget(self):
        answer = self.assert_no("wget", "GnuTLS", "linked with OpenSSL")
        self.assertEqual(answer[3], "libgnutls.so.30")

    def test_json(self):
        result = self.doctor("curl", "--json")
        answer = json.loads(result.stdout)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(list(answer), ["program", "governable", "reason", "libraries"])
        self.assertEqual((answer["program"], answer["governable"]), ("/usr/bin/curl", True))
        self.assertTrue(any(name.startswith("libssl.so.") for name in answer["libraries"]))
        result = self.call("doctor", "--json", "wget")
        answer = json.loads(result.stdout)
        self.assertEqual((result.returncode, answer["governable"]), (1, False))
        self.assertEqual(answer["libraries"], ["libgnutls.so.30"])

    def test_static(self):
        self.assert_no(self.touching("static", "-static")[0], "statically")
        self.assert_no(self.touching("static-pie", "-static-pie", "-fPIE")[0], "statically")

    def test_real_programs(self):
        for name, *texts in (("sudo", "setuid", "put tlsgraft-run after it"),
                             ("busybox", "statically", "shared libraries"),
                             ("java", "Java's own TLS (libjli.so)", "javax.net.ssl.trustStore")):
            with self.subTest(name=name):
                self.assert_no(name, *texts)

    def test_musl(self):
        source = "int main(void) { return 0; }"
        for name, flags, text in (("program", [], "musl (/lib/ld-musl-"), ("static", ["-static"], "statically")):
            path = self.folder / name
            subprocess.run(["musl-gcc", "-x", "c", "-", "-o", str(path), *flags], input=source.encode(), check=True)
            self.assert_no(path, text)

    def test_32_bit(self):
        program = self.compile("program", "void _start(void) { for (;;) ; }", "-m32", "-nostdlib", "-pie",
                               "-Wl,--dynamic-linker=/lib/ld-linux.so.2")
        self.assertIn(b"/lib/ld-linux.so.2", program.read_bytes())
        self.assert_no(program, "32-bit program", "use its 64-bit build")

    def test_dlopen(self):
        """Such a program needs no libssl at start, but names it."""
        source = '#include <dlfcn.h>\nint main(void) { return dlopen("libssl.so.3", RTLD_NOW) == 0; }'
        program = self.compile("program", source)
        answer = self.assert_yes(program, "no TLS library at start", "may load one later (it names libssl.so.3)")
        self.assertEqual(answer[3], "")
        self.assertEqual(self.run_program(program).returncode, 0)
        for text in ("libssl.so.", "libssl.so.3 is missing", "libssl.so"):
            answer = self.assert_yes(self.compile("other", holding(text)))
            self.assertNotIn("it names", answer[2])

    def test_setuid_and_setgid(self):
        program = shutil.copy("/bin/true", self.folder / "program")
        os.chmod(program, 0o4755)
        self.assert_no(program, "setuid")
        os.chmod(program, 0o2755)
        self.assert_no(program, "setgid")
        os.chmod(program, 0o2745)  # without the group's x the bit is about locking
        self.assert_yes(program)

    def test_file_capabilities(self):
        program = shutil.copy("/bin/true", self.folder / "program")
        try:  # net_bind_service, effective
            os.setxattr(program, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP):
                raise
            self.skipTest(f"file capabilities cannot be set here: {error}")
        self.assert_no(program, "file capabilities")

    def test_other_class_or_machine(self):
        original = TRUE.read_bytes()
        self.assert_no(self.write("bits", original[:4] + b"\x01" + original[5:]), "32-bit")
        self.assert_no(self.write("machine", original[:18] + b"\x08\x00" + original[20:]), "processor")
        self.assert_no(self.write("order", original[:5] + b"\x02" + original[6:]), "byte order")

    def test_damaged_files(self):
        original = TRUE.read_bytes()
        for length in (4, 5, 17, 19, 20, 40, 63, 64, 100, 300, 700, 5000, len(original) // 2):
            with self.subTest(length=length):
                self.assert_no(self.write(f"cut{length}", original[:length]), "")
        loader = b"/lib64/ld-linux-x86-64.so.2"
        if loader in original:  # its name does not end within its segment
            self.assert_no(self.write("name", original.replace(loader + b"\0", loader + b"x")), "its loader")
        # 0xff.. in each field of the ELF header and of the first program headers.
        for at in range(16, 64 + 5 * 56, 8):
            with self.subTest(at=at):
                image = original[:at] + b"\xff" * 8 + original[at + 8:]
                result = self.doctor(self.write(f"field{at}", image))
                self.assertIn(result.returncode, (0, 1, 3), result)

    def test_no_program(self):
        shared = self.library("shared.so")
        self.assert_no(shared, "statically")
        part = self.compile("part.o", "int none;", "-c")
        part.chmod(0o755)
        self.assert_no(part, "an ELF file, but no program")

    def test_not_there(self):
        for name in ("no-such-program", "/no/such/program", self.folder, self.policy):
            result = self.doctor(name)
            self.assertEqual((result.returncode, result.stdout), (3, ""), result)
            self.assertTrue(result.stderr.startswith("tlsgraft: "), result)

    def test_hostile_name(self):
        program = shutil.copy("/bin/true", self.folder / "a\x1b[31mb")
        result = self.doctor(program)
        self.assertEqual(result.returncode, 0)
        self.assertNotIn("\x1b", result.stdout)
        self.assertIn(r"a\x1b[31mb", result.stdout)
        self.assertEqual(json.loads(self.doctor(program, "--json").stdout)["program"], str(program))
        bidi = shutil.copy("/bin/true", self.folder / "a\u202eb\x9b\x7f")
        self.assertIn(r"a\xe2\x80\xaeb\xc2\x9b\x7f", self.doctor(bidi).stdout)
        answer = self.doctor(bidi, "--json").stdout
        self.assertIn(r"a\u202eb\u009b\u007f", answer)
        self.assertEqual(json.loads(answer)["program"], str(bidi))
        latin = shutil.copy("/bin/true", os.fsencode(self.folder / "caf") + b"\xe9")
        answer = self.call("doctor", "--json", os.fsdecode(latin))
        self.assertTrue(json.loads(answer.stdout)["program"].endswith(r"caf\xe9"), answer)

    def test_the_command_itself(self):
        self.assert_yes(COMMAND, "no TLS library")


class Loaders(Bench):
    """Other loaders are never run: musl's would run the program."""

    def assert_not_run(self, loader, *texts):
        stand_in, ran = self.touching("stand-in", "-static")
        subprocess.run([str(stand_in)], check=True)
        self.assertTrue(ran.exists(), "the stand-in must tell when it is run")
        ran.unlink()
        shutil.copy(stand_in, self.folder / loader)
        program = self.program("program", f"-Wl,--dynamic-linker={self.folder / loader}")
        self.assert_no(program, *texts)
        self.assertFalse(ran.exists(), "the loader was run")

    def test_musl(self):
        self.assert_not_run("ld-musl-x86_64.so.1", "musl")

    def test_musl_that_is_not_there(self):
        self.assert_no(self.program("program", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.9"), "musl")

    def test_another(self):
        self.assert_not_run("ld64-uClibc.so.1", "not glibc's")

    def test_glibc_by_name_only(self):
        self.assert_not_run("ld-linux-x86-64.so.2", "has the name of glibc's")

    def test_missing(self):
        program = self.program("program", "-Wl,--dynamic-linker=/lib/ld-linux-none.so.2")
        self.assertEqual(self.doctor(program).returncode, 3)
        result = self.run_program(program)
        self.assertEqual(result.returncode, 127)
        self.assertIn("/lib/ld-linux-none.so.2", result.stderr)


class Libraries(Bench):
    """By empty libraries of the names that count."""

    def test_origin_behind_a_symbolic_link(self):
        # The kernel tells the loader the real path, whatever the program was called by.
        (self.folder / "app/bin").mkdir(parents=True)
        (self.folder / "app/lib").mkdir()
        (self.folder / "elsewhere").mkdir()
        gnutls = self.library("app/lib/libgnutls.so.30", "-Wl,-soname,libgnutls.so.30")
        vendor = self.library("app/lib/libvendor.so", "-Wl,-soname,libvendor.so", "-Wl,--no-as-needed", gnutls,
                              "-Wl,-rpath,$ORIGIN")
        self.program("app/bin/program", "-Wl,--no-as-needed", vendor, "-Wl,-rpath,$ORIGIN/../lib",
                     "-Wl,-rpath-link", self.folder / "app/lib")
        (self.folder / "elsewhere/program").symlink_to("../app/bin/program")
        for path in ("app/bin/program", "elsewhere/program"):
            self.assert_no(self.folder / path, "GnuTLS")

    def test_governed(self):
        for soname in ("libssl.so.1.1", "libssl.so.3", "libssl.so.4"):
            with self.subTest(soname=soname):
                self.assertEqual(self.assert_yes(self.needing("program", soname), "OpenSSL")[3], soname)

    def test_not_governed(self):
        for soname, words in (("libgnutls.so.30", "GnuTLS"), ("libnss3.so", "NSS"), ("libssl3.so", "NSS"),
                              ("libmbedtls.so.14", "mbedTLS"), ("libwolfssl.so.35", "wolfSSL"),
                              ("libs2n.so.1", "s2n"), ("libtls.so.28", "LibreSSL"),
                              ("librustls.so.0.15", "rustls"), ("libjli.so", "Java's own TLS"),
                              ("libjvm.so", "Java's own TLS"), ("libssl.so.1.0.0", "OpenSSL 1.0"), ("libssl.so.1.0.2", "OpenSSL 1.0"),
                              ("libssl.so.10", "OpenSSL 1.0"), ("libssl.so.48", "LibreSSL"),
                              ("libssl.so.56", "LibreSSL"), ("libssl.so.5", "not known")):
            with self.subTest(soname=soname):
                answer = self.assert_no(self.needing("program", soname), words, soname)
                self.assertEqual(answer[3], soname)

    def test_real_libraries(self):
        for name, words in (("libmbedtls.so.14", "mbedTLS"), ("libwolfssl.so.35", "wolfSSL"), ("libnss3.so", "NSS")):
            program = self.program("program", "-Wl,--no-as-needed", f"-l:{name}")
            with self.subTest(name=name):
                self.assertEqual(self.assert_no(program, f"{words} ({name})")[3], name)

    def holding_library(self, name, text):
        self.compile(name, f'const char text[] = "{text}";', "-shared", "-fPIC", f"-Wl,-soname,{name}")

    def test_version(self):
        """That of the files which the program would load, and of the libcrypto where the libssl does not tell."""
        for line, holder, text, told in (("3", "libcrypto", "OpenSSL 3.9.8 1 Jan 2030", "3.9.8"),
                                         ("4", "libcrypto", "OpenSSL 4.1.0-beta1 12 Mar 2027", "4.1.0-beta1"),
                                         ("3", "libcrypto", "OpenSSL 3.0.99+quic 9 Dec 2030", "3.0.99+quic"),
                                         ("1.1", "libssl", "OpenSSL 1.1.1zz  11 Sep 2033", "1.1.1zz"),
                                         ("3", "libcrypto", "OpenSSL 3.9.8 or later", "3"),
                                         ("3", "libcrypto", "OpenSSL x.y.z 1 Jan 2030", "3"),
                                         ("3", "libcrypto", "OpenSSL 3.9.8 1 Jan", "3")):
            with self.subTest(text=text):
                program = self.needing("program", f"libssl.so.{line}", f"libcrypto.so.{line}")
                self.holding_library(f"{holder}.so.{line}", text)
                self.assert_yes(program, f"it needs OpenSSL {told} (libssl.so.{line})")
        # The libcrypto of another line says nothing.
        program = self.needing("program", "libssl.so.3", "libcrypto.so.4")
        self.holding_library("libcrypto.so.4", "OpenSSL 4.9.8 1 Jan 2030")
        self.assert_yes(program, "it needs OpenSSL 3 (libssl.so.3)")

    def test_version_across_a_border(self):
        """Of what is read at a time."""
        program = self.needing("program", "libssl.so.3", "libcrypto.so.3")
        library = self.folder / "libcrypto.so.3"
        image = library.read_bytes()
        image += b"\0" * ((1 << 20) - 40 - len(image))
        for shift in range(0, 45, 4):
            library.write_bytes(image + b"\0" * shift + b"OpenSSL 3.9.8 1 Jan 2030\0")
            self.assert_yes(program, "it needs OpenSSL 3.9.8 (libssl.so.3)")

    def test_no_tls(self):
        program = self.needing("program", "libnss_files.so.2", "libcrypto.so.3", "libgnutls.soft.so")
        self.assert_yes(program, "no TLS library")

    def test_both(self):
        answer = self.assert_yes(self.needing("program", "libgnutls.so.30", "libssl.so.3"),
                                 "OpenSSL 3 (libssl.so.3)", "GnuTLS (libgnutls.so.30) is not governed")
        self.assertEqual(answer[3], "libgnutls.so.30,libssl.so.3")

    def test_needed_by_another(self):
        self.needing("first", "libgnutls.so.30")
        linked = ("-Wl,--no-as-needed", f"-Wl,-rpath,{self.folder}")
        self.library("libmiddle.so", *linked, self.folder / "libgnutls.so.30", "-Wl,-soname,libmiddle.so")
        program = self.program("program", *linked, self.folder / "libmiddle.so")
        self.assert_no(program, "GnuTLS")

    def test_soname_decides_for_a_name_without_version(self):
        real = self.library("libssl.so", "-Wl,-soname,libssl.so")
        program = self.program("program", "-Wl,--no-as-needed", real, f"-Wl,-rpath,{self.folder}")
        self.assert_no(program, "not known")
        self.library("libssl.so", "-Wl,-soname,libssl.so.3")
        self.assert_yes(program, "OpenSSL 3")

    def test_missing_library_is_told(self):
        program = self.needing("program", "libssl.so.3", "libnone.so.1")
        (self.folder / "libnone.so.1").unlink()
        self.assert_yes(program, "libnone.so.1, which is not found")

    def test_linked_in(self):
        for side in ("client", "server"):
            self.assert_no(self.compile(side, holding(f"TLS 1.3, {side} CertificateVerify")),
                           "linked in statically")
        self.assert_yes(self.compile("other", holding("TLS 1.3, client")))

    def test_linked_in_of_tls_1_2(self):
        labels = ["client finished", "server finished", "key expansion"]
        self.assert_no(self.compile("all", holding("\\0".join(labels))), "linked in statically")
        for label in labels:
            rest = "\\0".join(other for other in labels if other != label)
            self.assert_yes(self.compile("some", holding(rest)), "no TLS library")

    def test_which_is_linked_in(self):
        tls = "TLS 1.3, client CertificateVerify"
        for text, words in ((f"{tls}\\0OpenSSL 1.1.1w  11 Sep 2023", "OpenSSL 1.1.1w"),
                            (f"{tls}\\0BoringSSL", "BoringSSL"), (f"{tls}\\0AWS-LC 1.9", "AWS-LC"), (tls, "which cannot be told"),
                            ("/cargo/rustls-0.20.8/src/conn.rs", "rustls")):
            with self.subTest(words=words):
                self.assert_no(self.compile("program", holding(text)), f"linked in statically ({words})")
        # Beside an OpenSSL that can be governed.
        self.needing("other", "libssl.so.3")
        linked = ("-Wl,--no-as-needed", self.folder / "libssl.so.3", f"-Wl,-rpath,{self.folder}")
        program = self.compile("both", holding("/cargo/rustls-0.20.8/src/conn.rs"), *linked)
        self.assert_yes(program, "it needs OpenSSL 3 (libssl.so.3); what it does through a TLS of its own, linked in "
                                 "statically (rustls), is not governed")
        # A package beside rustls, which programs with OpenSSL use too.
        self.assert_yes(self.compile("other", holding("/cargo/rustls-pemfile-1.0.2/src/lib.rs")))

    def test_real_openssl_linked_in(self):
        self.assert_no(LAB / "lab_hiding", "linked in statically (OpenSSL 3.")
        self.assert_yes(LAB / "lab_exporting", "it has OpenSSL 3.", "linked in, and exports it")

    def holding_beside(self, text, *sonames):
        """A program that needs a library which holds a text, and these."""
        program = self.needing("program", *sonames, "libvendor.so")
        self.holding_library("libvendor.so", text)
        return program

    def test_linked_in_to_a_library(self):
        for text in ("TLS 1.3, client CertificateVerify", "TLS 1.3, server CertificateVerify",
                     "/cargo/rustls-0.20.8/src/conn.rs"):
            answer = self.assert_no(self.holding_beside(text), "it needs libvendor.so (TLS linked in), and no libssl",
                                    "use a build of it with a shared OpenSSL")
            self.assertEqual(answer[3], "libvendor.so")
            answer = self.assert_yes(self.holding_beside(text, "libssl.so.3"), "it needs OpenSSL 3 (libssl.so.3); what "
                                     "it does through libvendor.so (TLS linked in) is not governed")
            self.assertEqual(answer[3], "libssl.so.3,libvendor.so")
        self.assert_yes(self.holding_beside("TLS 1.3, client"), "no TLS library")

    def test_linked_in_to_a_library_of_tls_1_2(self):
        """The labels may stand there for another reason, so beside an OpenSSL they tell nothing."""
        labels = ["client finished", "server finished", "key expansion"]
        self.assert_no(self.holding_beside("\\0".join(labels)), "libvendor.so (TLS linked in)")
        for label in labels:
            rest = "\\0".join(other for other in labels if other != label)
            self.assert_yes(self.holding_beside(rest), "no TLS library")
        answer = self.assert_yes(self.holding_beside("\\0".join(labels), "libssl.so.3"))
        self.assertEqual(answer[2:], ["it needs OpenSSL 3 (libssl.so.3)", "libssl.so.3"])

    def test_real_openssl_linked_in_to_a_library(self):
        """One that exports it is governed."""
        source = "int SSL_CTX_new(void); int vendor(void) { return SSL_CTX_new(); }"
        program = self.needing("program", "libvendor.so")
        archives = ("-l:libssl.a", "-l:libcrypto.a")
        for flags in (("-Wl,--exclude-libs,ALL", *archives),
                      ("-Wl,--whole-archive", *archives, "-Wl,--no-whole-archive")):
            self.compile("libvendor.so", source, "-shared", "-fPIC", "-Wl,-soname,libvendor.so", *flags)
            if "--whole-archive" in flags[0]:
                self.assert_yes(program, "it needs OpenSSL 3.", " (libvendor.so)")
            else:
                self.assert_no(program, "it needs libvendor.so (TLS linked in)")

    @staticmethod
    def functions():
        """What an OpenSSL must have to be governed."""
        table = (SOURCE / "policy/openssl.h").read_text()
        return ["SSL_CTX_new", "ERR_put_error", "ERR_add_error_data",
                *re.findall(r"F\(REQUIRED, [^\n]*?, (\w+), (?:NULL|\")", table)]

    def exporting(self, name, functions, *flags):
        source = "".join(f"void {function}(void) {{}}\n" for function in functions)
        return self.compile(name, source + holding("TLS 1.3, client CertificateVerify"), *flags)

    def test_linked_in_and_exported(self):
        functions = self.functions()
        self.assertIn("CRYPTO_new_ex_data", functions)
        self.assertIn("SSL_CTX_set_client_hello_cb", functions)
        answer = self.assert_yes(self.exporting("all", functions, "-rdynamic"), "OpenSSL linked in", "exports")
        self.assertEqual("", answer[3])
        self.assertEqual(0, self.run_program(self.folder / "all").returncode)
        # Exported to the linker only, and with one function less.
        self.assert_no(self.exporting("hidden", functions), "linked in statically")
        for missing in ("CRYPTO_get_ex_new_index", "SSL_CTX_set_client_hello_cb"):
            rest = [function for function in functions if function != missing]
            self.assert_no(self.exporting("part", rest, "-rdynamic"), f"exports it, but no {missing}")
        # Without its libssl part it may be anything.
        rest = [function for function in functions if not function.startswith("SSL_")]
        self.assert_no(self.exporting("crypto", rest, "-rdynamic"), "linked in statically")
        # A symbol that is no function.
        rest = [function for function in functions if function != "SSL_CTX_new"]
        source = "int SSL_CTX_new;" + "".join(f"void {function}(void) {{}}\n" for function in rest)
        self.assert_yes(self.compile("data", source + "int main(void) { return 0; }", "-rdynamic"), "no TLS library")

    def test_linked_in_and_exported_beside_another(self):
        self.needing("other", "libgnutls.so.30")
        functions = self.functions()
        program = self.exporting("both", functions, "-rdynamic", "-Wl,--no-as-needed", self.folder / "libgnutls.so.30",
                                 f"-Wl,-rpath,{self.folder}")
        self.assert_yes(program, "exports", "through GnuTLS (libgnutls.so.30) is not governed")

    def test_damaged_symbols(self):
        program = self.exporting("whole", ["SSL_CTX_new"], "-rdynamic").read_bytes()
        sections = struct.unpack_from("<Q", program, 0x28)[0]
        for at in range(sections, len(program), 8):
            damaged = self.write("damaged", program[:at] + b"\xff\xff\xff\xff\xff\xff\xff\x7f" + program[at + 8:])
            with self.subTest(at=at):
                self.assertEqual(1, self.doctor(damaged).returncode)

    def test_linked_in_across_a_border(self):
        # Across the border of what is read at a time.
        padding = b"\0" * ((1 << 20) - 40 - TRUE.stat().st_size)
        text = b"TLS 1.3, client CertificateVerify"
        for shift in range(0, 45, 4):
            program = TRUE.read_bytes() + padding + b"\0" * shift + text
            self.assert_no(self.write("border", program), "linked in statically")


@unittest.skipUnless(shutil.which("go"), "go is not installed")
class Go(Bench):
    def build(self, source, cgo, *flags):
        main = self.write("main.go", source)
        env = dict(os.environ, GOCACHE=str(self.folder / "cache"), GO111MODULE="off", CGO_ENABLED=cgo)
        command = ["go", "build", *flags, "-o", "program", str(main)]
        subprocess.run(command, check=True, env=env, cwd=self.folder)
        return self.folder / "program"

    def test_static(self):
        self.assert_no(self.build("package main\nfunc main() {}\n", "0"), "Go program", "stunnel")

    def test_dynamic(self):
        source = 'package main\n// int none;\nimport "C"\nfunc main() { C.none = 1 }\n'
        program = self.build(source, "1", "-ldflags=-linkmode=external")
        self.assertIn(b"ld-linux", program.read_bytes())
        self.assert_no(program, "Go program")
        # Without section headers: e_shoff, e_shnum and e_shstrndx are 0.
        image = bytearray(program.read_bytes())
        image[40:48] = bytes(8)
        image[60:64] = bytes(4)
        self.assert_no(self.write("stripped", bytes(image)), "Go program")


class ScriptFiles(Bench):
    def script(self, text, name="script"):
        return self.write(name, text)

    def test_shell(self):
        self.assert_yes(self.script("#!/bin/sh\n"), "a script run by /bin/sh:")
        self.assert_yes(self.script("#! \t /bin/sh -e \t\n"), "a script run by /bin/sh:")
        self.assert_yes(self.script("#!/bin/sh"), "a script run by /bin/sh:")

    def test_python(self):
        self.assert_yes(self.script("#!/usr/bin/python3\nimport ssl\n"), "a script run by /usr/bin/python3:")

    def test_without_a_first_line(self):
        for text in ("exit 5\n", "", "#!\nexit 5\n"):
            self.assert_yes(self.script(text), "a script run by /bin/sh:")
        self.assertEqual(self.run_program(self.script("exit 5\n")).returncode, 5)

    def test_ungovernable_interpreter(self):
        static, _ = self.touching("static", "-static")
        self.assert_no(self.script(f"#!{static}\n"), "statically", str(static))
        self.assert_no(self.script(f"#!{shutil.which('wget')} -q\n"), "GnuTLS")

    def test_script_run_by_a_script(self):
        static, _ = self.touching("static", "-static")
        inner = self.script(f"#!{static}\n", "inner")
        self.assert_no(self.script(f"#!{inner}\n"), f"{inner}, then {static}", "statically")

    def test_endless(self):
        script = self.folder / "script"
        result = self.run_program(self.script(f"#!{script}\n"))
        self.assertEqual(result.returncode, 126, result)

    def test_interpreter_not_there(self):
        script = self.script("#!/no/such/interpreter\n")
        self.assertEqual(self.doctor(script).returncode, 3)
        result = self.run_program(script)
        self.assertEqual(result.returncode, 127)
        self.assertIn("/no/such/interpreter", result.stderr)
        self.assertEqual(self.run_program(self.script(f"#!{self.policy}\n")).returncode, 126)

    def test_line_too_long(self):
        self.assert_yes(self.script("#!/bin/" + "x" * 300 + "\n"), "a script run by /bin/sh:")

    def test_env(self):
        for words in ("sh", "sh \t", "-S sh -e", "-Ssh -e", "-S A=b sh -e 'quoted word'", "-vS -- A=b sh",
                      "--split-string=sh -e", "-S -u OTHER sh", "-S PATH=/bin sh"):
            with self.subTest(words=words):
                script = self.script(f"#!/usr/bin/env {words}\n")
                self.assert_yes(script, "a script run by /usr/bin/env, then /", "/sh:")

    def test_env_that_starts_an_ungovernable_program(self):
        self.assert_no(self.script("#!/usr/bin/env wget\n"), "GnuTLS")
        self.touching("static", "-static")
        self.assert_no(self.script(f"#!/usr/bin/env -S PATH={self.folder} static\n"), "statically")

    def test_env_that_loses_us(self):
        for words in ("-i sh", "-S -i sh", "-S - sh", "-S -u LD_PRELOAD sh", "-S --unset=LD_PRELOAD sh",
                      "-S LD_PRELOAD= sh", "-S TLSGRAFT_POLICY=/x sh", "-S LD_LIBRARY_PATH=/x sh"):
            with self.subTest(words=words):
                self.assert_no(self.script(f"#!/usr/bin/env {words}\n"), "variables that governing needs")

    def test_env_started_by_env(self):
        curl = shutil.which("curl")
        self.assert_yes(self.script(f"#!/usr/bin/env -S env A=b /usr/bin/env -u OTHER {curl} -s\n"),
                        f"a script run by /usr/bin/env, then /usr/bin/env, then /usr/bin/env, then {curl}: it needs OpenSSL")
        self.assert_no(self.script("#!/usr/bin/env -S env wget\n"), "GnuTLS")
        for words in ("env -i", "/usr/bin/env -", "-v env -u LD_PRELOAD", "env env LD_PRELOAD="):
            self.assert_no(self.script(f"#!/usr/bin/env -S {words} {curl}\n"), "variables that governing needs")
        for words in ("env", "-S env", "-S env -S sh", "-S env 'sh'"):
            self.assert_no(self.script(f"#!/usr/bin/env {words}\n"), "cannot be told")
        self.touching("static", "-static")
        self.assert_no(self.script(f"#!/usr/bin/env -S PATH={self.folder}:/usr/bin env static\n"), "statically")
        env = shutil.copy(shutil.which("env"), self.folder / "env")
        os.chmod(env, 0o4755)
        self.assert_no(self.script(f"#!/usr/bin/env -S {env} sh\n"), "setuid")

    def test_env_that_cannot_be_followed(self):
        for words in ("", "-S", "A=b", "-S A=b", "-S --chdir=/ sh", '-S "sh"', "-S ${SHELL}", "-S s\\_h",
                      "-S # sh", "-S -u PATH sh", "-P /bin sh"):
            with self.subTest(words=words):
                self.assert_no(self.script(f"#!/usr/bin/env {words}\n"), "cannot be told")

    def test_env_and_nothing_found(self):
        self.assertEqual(self.run_program(self.script("#!/usr/bin/env no-such-program\n")).returncode, 127)
        self.assertEqual(self.run_program(self.script("#!/usr/bin/env sh -e\n")).returncode, 127)

    def test_env_itself_is_judged(self):
        env = shutil.copy(shutil.which("env"), self.folder / "env")
        os.chmod(env, 0o4755)
        self.assert_no(self.script(f"#!{env} sh\n"), "setuid")
        self.touching("env", "-static")  # a static env, as busybox's, passes LD_PRELOAD on
        self.assert_yes(self.script(f"#!{env} sh\n"))


class Node(LabTest):
    """Debian's, which loads a libssl with its libnode, or one that has OpenSSL linked in and exports it."""

    SCRIPT = """
        const [port, ca] = process.argv.slice(1);
        // Not by name: that may be ::1 first, where older ones give up.
        const options = {host: "127.0.0.1", servername: "localhost", port, ca: require("fs").readFileSync(ca)};
        require("https").get(options, answer => answer.pipe(process.stdout)).on("error", error => {
            console.error(error.code);
            process.exitCode = 9;
        });"""

    def fetch(self, server, policy):
        argv = ["node", "-e", self.SCRIPT, server.port, self.ca.certificate]
        return run([COMMAND, "run", "--policy", policy, "--", *argv])

    def test_what_doctor_says_holds(self):
        answer = json.loads(run([COMMAND, "doctor", "node", "--json"]).out)
        self.assertIs(answer["governable"], True, answer)
        path = os.path.realpath(shutil.which("node"))
        if run(["nm", "-D", "--defined-only", path]).out.find(" T SSL_CTX_new") >= 0:
            self.assertIn("linked in, and exports it", answer["reason"])
            self.assertEqual(answer["libraries"], [])
        else:
            self.assertTrue(any(name.startswith("libssl.so.") for name in answer["libraries"]), answer)
            for name in answer["libraries"]:
                self.assertIn(name, run(["ldd", path]).out)
        server = self.serve(self.genuine)
        self.assert_accepted(self.fetch(server, self.pinned(self.genuine)), server)
        refused = self.fetch(server, self.pinned(self.other))
        self.assert_no_data(refused, server)
        self.assertEqual(refused.status, 9, refused)
        self.assertIn("policy.cfg:4", refused.err)


if __name__ == "__main__":
    unittest.main()
