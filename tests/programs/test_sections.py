"""Sections for programs: which one a program has, and that its rules come before the global ones."""
import os
import shutil
import sys

from lab import BUILD, GREETING, PYTHON, LabTest, main

RIGHT, WRONG = "right", "wrong"


class Sections(LabTest):
    def rules(self, kind, more=""):
        pin = {RIGHT: self.genuine, WRONG: self.other}[kind].pin
        return f'pinned_public_keys = ( {{ domain = "localhost"; keys = "{pin}"; {more} }} );'

    def write(self, overall, *sections):
        path = self.lab / "sections.cfg"
        text = ", ".join(f'{{ name = "s{number}"; match = [ "{match}" ]; {rules} }}'
                         for number, (match, rules) in enumerate(sections))
        path.write_text(f"version = 1; security: {{ {overall} }}; programs = ( {text} );\n")
        path.chmod(0o600)
        return path

    def fetch(self, policy, program="curl", wrapper=(), **env):
        with self.serve(self.genuine) as server:
            url = f"https://localhost:{server.port}/"
            argv = {"curl": ["/usr/bin/curl", "-sSk", url],
                    "python": [PYTHON, f"{self.lab}/fetch.py", "none", server.port, self.ca.certificate]}[program]
            result = (self.bare([*wrapper, *argv], env=env) if wrapper else self.graft(argv, policy, env=env))
            seen = server.next()
        return self.accepted(result, seen)

    def accepted(self, result, seen):
        accepted = GREETING in result.out
        self.assertEqual(accepted, seen.data.startswith(b"GET"), result)
        return accepted

    def test_the_first_that_matches(self):
        real = os.path.realpath(PYTHON)
        for match in ("curl", "cur?", "/usr/bin/curl", "/usr/*/curl", "*/curl*", "/usr/bin/*"):
            with self.subTest(match=match):
                matches = match != "*/curl*"  # FNM_PATHNAME: a * never stands for a /
                self.assertEqual(matches, self.fetch(self.write(self.rules(WRONG), (match, self.rules(RIGHT)))))
        with_two = self.write(self.rules(WRONG), ("curl", self.rules(RIGHT)), ("/usr/bin/curl", self.rules(WRONG)))
        self.assertTrue(self.fetch(with_two))
        for match in (os.path.basename(real), real):
            policy = self.write(self.rules(WRONG), (match, self.rules(RIGHT)))
            self.assertTrue(self.fetch(policy, "python"), match)
            self.assertFalse(self.fetch(policy, "curl"), match)

    def test_a_program_that_says_its_name(self):
        policy = self.write(self.rules(WRONG), ("billing", self.rules(RIGHT)))
        self.assertFalse(self.fetch(policy))
        self.assertTrue(self.fetch(policy, TLSGRAFT_PROGRAM="billing"))
        run = [BUILD / "bin/tlsgraft", "run", "--policy", policy]
        self.assertFalse(self.fetch(policy, wrapper=[*run, "--"]))
        self.assertTrue(self.fetch(policy, wrapper=[*run, "--program", "billing", "--"]))
        self.assertTrue(self.fetch(policy, "python", wrapper=[*run, "--program", "billing", "--"]))

    def test_one_whose_file_is_gone_before_it_loads_a_libssl(self):
        program = self.lab / "upgraded"
        shutil.copy(os.path.realpath(PYTHON), program)
        code = "import os, runpy, sys; os.unlink(sys.argv[1]); del sys.argv[:2]; runpy.run_path(sys.argv[0])"
        policy = self.write(self.rules(WRONG), (str(program), self.rules(RIGHT)))
        with self.serve(self.genuine) as server:
            argv = [program, "-c", code, program, f"{self.lab}/fetch.py", "none", server.port, self.ca.certificate]
            result = self.graft(argv, policy, env={"PYTHONHOME": sys.base_prefix})
            self.assertTrue(self.accepted(result, server.next()))

    def test_its_rules_beat_the_global_ones_even_less_specific_ones(self):
        wide = self.rules(RIGHT).replace("localhost", "*")
        self.assertTrue(self.fetch(self.write(self.rules(WRONG), ("curl", wide))))
        self.assertFalse(self.fetch(self.write(self.rules(RIGHT), ("curl", self.rules(WRONG)))))

    def test_what_it_does_not_say_the_global_ones_do(self):
        elsewhere = self.rules(WRONG).replace("localhost", "elsewhere.example")
        self.assertTrue(self.fetch(self.write(self.rules(RIGHT), ("curl", elsewhere))))
        self.assertFalse(self.fetch(self.write(self.rules(WRONG), ("curl", elsewhere))))

    def test_disabled_takes_away_its_own_rules_only(self):
        disabled = "certificate_pinning_disabled = true;"
        self.assertTrue(self.fetch(self.write(self.rules(RIGHT), ("curl", self.rules(WRONG) + disabled))))
        self.assertFalse(self.fetch(self.write(self.rules(WRONG), ("curl", self.rules(RIGHT) + disabled))))

    def test_an_exception_for_one_program(self):
        self.assertTrue(self.fetch(self.write(self.rules(WRONG), ("curl", self.rules(WRONG, 'mode = "off";')))))
        self.assertTrue(self.fetch(self.write(self.rules(WRONG), ("curl", self.rules(WRONG, 'mode = "report";')))))

    def test_a_rules_own_mode_beats_the_policys(self):
        for overall in ("report", "off"):
            policy = self.write(self.rules(WRONG, 'mode = "enforce";'), ("nobody", ""))
            policy.write_text(f'mode = "{overall}"; ' + policy.read_text())
            self.assertFalse(self.fetch(policy), overall)
            policy = self.write(self.rules(WRONG), ("nobody", ""))
            policy.write_text(f'mode = "{overall}"; ' + policy.read_text())
            self.assertTrue(self.fetch(policy), overall)


if __name__ == "__main__":
    main()
