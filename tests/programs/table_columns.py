"""The columns of the table of programs: what is tried with each row.

A column is a function of a Trial: it returns what stands in the cell, or raises AssertionError. What a trial learns on
the way (how the peer is known, where handshakes begin) is kept in it for the columns that tell of it.
"""
import concurrent.futures
import contextlib
import itertools
import json
import re
import shutil

import table_demanding
from lab import COMMAND, GREETING, LAB, LIBRARY, REQUEST, SANE, SOURCE, Result, run
from table_rows import Place
from table_servers import Recorder, connected, listening

ENTRY = LAB / "libtable_entry.so"
HOW = {"sni": "SNI", "verify-name": "name to verify", "bio": "connect BIO", "resolver": "resolver",
       "address": "address"}


def install(folder):
    """tlsgraft as it is installed, with the library that is tested; the path of tlsgraft-run."""
    for place in ("bin", "lib/tlsgraft"):
        (folder / place).mkdir(parents=True)
    for path in (COMMAND, SOURCE / "scripts/tlsgraft-run"):
        shutil.copy(path, folder / "bin")
    shutil.copy(LIBRARY, folder / "lib/tlsgraft/libtlsgraft.so")
    return folder / "bin/tlsgraft-run"


def _must(right, what, *seen):
    if not right:
        raise AssertionError("\n".join([what, *map(str, seen)]))


def _shared(path):
    """A file for a daemon's worker to write to, whoever that is."""
    path.touch()
    path.chmod(0o666)
    return path


class Trial:
    """A program, and what is known of it. lab: the LabTest that has the identities, the policies and the chains."""

    def __init__(self, program, lab):
        self.program = program
        self.lab = lab
        self.folder = lab.lab / re.sub(r"\W+", "-", program.name)
        self.folder.mkdir()
        self.peer = set()
        self.entry = set()

    def place(self, name, port):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Place(port, self.lab.ca.certificate, folder)

    def recorder(self, identity):
        """A recording server, which closes with the block."""
        return contextlib.closing(Recorder(self.lab.chains[identity], identity.key, preamble=self.program.preamble,
                                           http=self.program.server is None))

    def execute(self, place, start, env):
        """Runs the program, or a daemon for one request. start: the words before its own."""
        argv = [*start, *self.program.argv(place)]
        env = {"HOME": str(place.folder), **env}
        if not self.program.daemon:
            return run(argv, env=env, stdin=self.program.stdin, cwd=place.folder)
        log = place.folder / "daemon.log"
        with listening(argv, place.listen, env=env, log=log), connected(place.listen) as client:
            client.sendall(REQUEST.encode())
            answer = b""
            with contextlib.suppress(ConnectionResetError):  # as stunnel ends one whose server is refused
                while part := client.recv(65536):
                    answer += part
        return Result(0, answer.decode(), log.read_text(encoding="utf-8", errors="replace"))

    def grafted(self, place, policy):
        """Runs it under a policy. Returns how it ended, and what the log tells: (name, how, rule, outcome) each."""
        log = _shared(place.folder / "log")
        result = self.execute(place, [self.lab.tlsgraft_run, "--policy", policy, "--"],
                              {"TLSGRAFT_LOG": "info", "TLSGRAFT_LOG_FILE": str(log)})
        told = re.findall(r"connection to (\S+) \((\S+)\), port [^:]*: rule (\S+), (\w+)$", log.read_text(), re.M)
        return result, told

    def doctors_no(self):
        """Why it cannot be governed, or None; tlsgraft-run must say the same."""
        program = self.program.examined or shutil.which(self.program.name.split()[0], path=SANE["PATH"])
        _must(program is not None, f"{self.program.package}: not installed; run scripts/install-packages test")
        answer = run([COMMAND, "doctor", "--json", program])
        _must(answer.status in (0, 1), "doctor", answer)
        answer = json.loads(answer.out)
        if answer["governable"]:
            return None
        refused = run([self.lab.tlsgraft_run, "--policy", self.lab.by_key, "--", program])
        _must(refused.status == 125 and answer["reason"] in refused.err, "it was started all the same", refused)
        return answer["reason"]


def _reply_of(trial, result, page=GREETING):
    return re.search(trial.program.words or page, result.out)


def _works(trial, policy, name):
    """With the server that is pinned the program does its work. Returns how the peer's names were found.

    name: of the run, and its folder.
    """
    program, genuine = trial.program, trial.lab.genuine
    if program.server is None:
        with trial.recorder(genuine) as server:
            result, told = trial.grafted(trial.place(name, server.port), policy)
            seen = server.finish()
        _must(any(one.data.startswith(b"GET / HTTP/1.") for one in seen), "no request came", seen, result)
    else:
        with program.server(trial.place(name, 0).folder, trial.lab.chains[genuine], genuine.key) as port:
            place = trial.place(name, port)
            result, told = trial.grafted(place, policy)
            if program.check is not None:
                effect = run(program.check(place))
                _must(GREETING in effect.out, "it had no effect on the server", effect, result)
    _must(result.status == 0 and _reply_of(trial, result), "it did not do its work", result, told)
    _must(told and {(rule, outcome) for _, _, rule, outcome in told} == {(f"{policy}:4", "admitted")},
          "not admitted by the rule", told, result)
    return {HOW[how] for _, how, _, _ in told}


def _is_fooled(trial):
    """Without tlsgraft the wrong server gets the program's data: so the refusal is not the program's own."""
    with trial.recorder(trial.lab.other) as server:
        place = trial.place("control", server.port)
        entry = _shared(place.folder / "entry")
        result = trial.execute(place, [], {"LD_PRELOAD": str(ENTRY), "TABLE_ENTRY": str(entry)})
        seen = server.finish()
    _must(any(one.data for one in seen), "even without tlsgraft no data came", seen, result)
    trial.entry = {tuple(line.split("\t")) for line in entry.read_text().splitlines()}
    _must(trial.entry, "no handshake was seen to begin", result)


def _refuses(trial, policy, name):
    """With a server that is not pinned it fails in a way of its own, and no data leaves."""
    with trial.recorder(trial.lab.other) as server:
        result, told = trial.grafted(trial.place(name, server.port), policy)
        seen = server.finish()
    _must(seen, "it did not connect", result)
    _must(all(one.data == b"" for one in seen), "application data arrived", seen, result)
    _must(trial.program.refused(result) and not _reply_of(trial, result), "not its own way to fail", result)
    _must(told and {(rule, outcome) for _, _, rule, outcome in told} == {(f"{policy}:4", "refused")},
          "not refused by the rule", told, result)


def right_pin(trial):
    """The server that is pinned."""
    trial.peer = _works(trial, trial.lab.by_key, "right")
    return "yes"


def wrong_pin(trial):
    """A server that is not pinned, with a certificate that the program itself would accept."""
    _is_fooled(trial)
    _refuses(trial, trial.lab.by_key, "wrong")
    return "yes"


def pin_by_id(trial):
    """Both servers, where the policy names the record of the right one's certificate."""
    _works(trial, trial.lab.by_id, "id-right")
    _refuses(trial, trial.lab.by_id, "id-wrong")
    return "yes"


def _demanding(program):
    """The servers that demand a client certificate from a program: (name, its context manager, the policy) each."""
    if program.server is not None:
        yield program.server.__name__, table_demanding.own(program), "by id"
        for tls in (12, 13):
            yield "recorder", table_demanding.recorder(tls, program.preamble), "by id"
        return
    yield "nginx", table_demanding.nginx, "by file"
    for tls in ("-tls1_2", "-tls1_3"):
        yield "s_server", table_demanding.s_server(tls, "-CAfile"), "by file"  # which sends the CA's name
        yield "s_server", table_demanding.s_server(tls, "-verifyCAfile"), "by id"


def _is_asked(trial, number, name, start, policy):
    """Refused as it is, and with tlsgraft it is served, with the certificate that the policy chose."""
    lab, (settings, chosen) = trial.lab, trial.lab.clients[policy]
    folder = trial.place(f"client-{number}", 0).folder
    with start(folder, lab.chains[lab.genuine], lab.genuine.key, lab.ca.certificate) as server:
        bare = trial.execute(trial.place(f"client-{number}-bare", server.port), [], {})
        result, _ = trial.grafted(trial.place(f"client-{number}-grafted", server.port), settings)
    told = [chosen if subject == "" else subject for subject, _ in itertools.groupby(server.told(result.out))]
    _must(told == [None, chosen], f"{name}, {policy}: the clients were {told}", bare, result)
    if server.answers:
        _must(not _reply_of(trial, bare, server.page), f"{name}: it was served without a certificate", bare)
        # No word of the status: where the server closes first, ncat gets what it asked for and fails at times.
        _must(_reply_of(trial, result, server.page), f"{name}, {policy}: it was not served", result)


def client_certificate(trial):
    """Servers that demand a client certificate, of which the program knows nothing."""
    demanding = list(_demanding(trial.program))
    with concurrent.futures.ThreadPoolExecutor(len(demanding)) as pool:
        for one in [pool.submit(_is_asked, trial, number, *what) for number, what in enumerate(demanding)]:
            one.result()
    return "yes"


COLUMNS = {"Right pin": right_pin, "Wrong pin": wrong_pin, "Pin by id, from Redis": pin_by_id,
           "Client certificate from the policy": client_certificate}


def cells(trial):
    """All of a row."""
    facts = [trial.program.name, trial.program.package]
    reason = trial.doctors_no()
    if reason is not None:
        return [*facts, "-", "-", *[f"no: {reason}" for _ in COLUMNS]]
    _must(trial.program.argv is not None, "doctor says that it can be governed: give the row a command")
    results, failures = [], []
    for name, column in COLUMNS.items():
        try:
            results.append(column(trial))
        except AssertionError as failure:
            failures.append(f"{name}: {failure}")
    _must(not failures, f"{trial.program.name}:", *failures)
    entries = [f"`{function}`, {bio}" for function, bio in sorted(trial.entry)]
    return [*facts, ", ".join(sorted(trial.peer)), "; ".join(entries), *results]
