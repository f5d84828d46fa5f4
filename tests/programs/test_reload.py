"""The policy changes under a program with eight threads that shake hands all the time.

Each text has its rule on a line of its own, and the library's log names the line for each connection: so it can be
told which text a connection was judged by. Each has a pattern too of which the library warns when it reads the text,
be it valid or not: so the next one is written when the log shows that this one was read, however slow all is.
"""
import contextlib
import json
import os
import re
import subprocess
import threading
import time

from lab import PYTHON, SANE, LabTest, main
from server import PATIENCE

TEXTS = 12
THREADS = 8
JUDGED = 2 * THREADS  # connections that are waited for under each text

# PORT THREADS: shakes hands until stdin ends, and prints how many connections were accepted and how many refused.
SHAKE = """
import collections, socket, ssl, sys, threading
port, threads = map(int, sys.argv[1:])
outcomes = collections.Counter()
ended = threading.Event()
def shake():
    context = ssl._create_unverified_context()
    while not ended.is_set():
        with socket.create_connection(("127.0.0.1", port)) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                    outcome = "accepted" if secure.recv(4096) else "empty"
            except ssl.SSLCertVerificationError:
                outcome = "refused"
        with lock:
            outcomes[outcome] += 1
lock = threading.Lock()
workers = [threading.Thread(target=shake) for _ in range(threads)]
for worker in workers: worker.start()
sys.stdin.read()
ended.set()
for worker in workers: worker.join()
print(dict(outcomes))
"""

ENTRY = re.compile(r"changing\.cfg:(?P<read>\d+): match: |(?P<changed>the policy has changed, and is in force)"
                   r"|changing\.cfg:(?P<judged>\d+), (?P<outcome>admitted|refused)$")


def is_valid(number):
    return number % 2 == 0


def outcome_of(number):
    return "admitted" if number % 4 == 0 else "refused"


class Reload(LabTest):
    def text(self, number):
        """Every second one is invalid; the others pin the right key and a wrong one in turn. Number N is on line N + 1."""
        pin = self.genuine.pin if outcome_of(number) == "admitted" else self.other.pin
        wrong = "" if is_valid(number) else "moed = 1; "
        return ("\n" * number + f'version = 1; {wrong}security: {{ pinned_public_keys = ( {{ domain = "localhost"; '
                f'keys = "{pin}"; }} ); }}; programs = ( {{ name = "none"; match = "no/program"; }} ); '
                f'events: {{ file = "{self.lab}/events.jsonl"; }};\n')

    def write(self, number):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(self.text(number))
        fresh.chmod(0o600)
        os.rename(fresh, self.path)

    @contextlib.contextmanager
    def shaking(self, port):
        """The client, and the lines of its log as they come; they end when it does."""
        env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(self.path), "TLSGRAFT_LOG": "info",
               "TLSGRAFT_LOG_FILE": str(self.log)}
        with open(self.lab / "stderr", "wb") as stderr, \
                subprocess.Popen([PYTHON, "-c", SHAKE, str(port), str(THREADS)], env=env, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr) as client, \
                subprocess.Popen(["tail", "-n", "+1", "-f", f"--pid={client.pid}", self.log], text=True,
                                 stdout=subprocess.PIPE) as tail:
            timer = threading.Timer(2 * PATIENCE, client.kill)
            timer.start()
            try:
                yield client, tail.stdout
            finally:
                timer.cancel()
                client.kill()
                tail.kill()

    def wait_for(self, lines, number):
        """Until this text was read, is in force if it is valid, and then connections were judged."""
        read = in_force = False
        judged = 0
        for line in lines:
            entry = ENTRY.search(line)
            if entry is None:
                continue
            read = read or entry["read"] == str(number + 1)
            in_force = in_force or number == 0 or not is_valid(number) or entry["changed"] is not None
            judged += bool(read and in_force and entry["judged"])
            if judged == JUDGED:
                return
        self.fail(f"the client has ended before text {number} was in use: {(self.lab / 'stderr').read_text()}")

    def test_each_connection_is_judged_by_a_valid_text(self):
        self.path = self.lab / "changing.cfg"
        self.log = self.lab / "log"
        self.log.touch()
        start = time.monotonic()
        self.write(0)
        with self.serve(self.genuine, quiet=True) as server, self.shaking(server.port) as (client, lines):
            self.wait_for(lines, 0)
            for number in range(1, TEXTS):
                self.write(number)
                self.wait_for(lines, number)
            elapsed = time.monotonic() - start
            out, _ = client.communicate(timeout=PATIENCE)
        self.assertEqual(0, client.returncode)
        self.assertEqual("", (self.lab / "stderr").read_text())
        entries = [entry for entry in map(ENTRY.search, self.log.read_text().splitlines()) if entry]
        read = [entry["read"] for entry in entries if entry["read"]]
        while read[:2] == ["1", "1"]:  # threads that come at once may each read the first
            read.pop(0)
        self.assertEqual([str(number + 1) for number in range(TEXTS)], read, "each is read once, in its turn")
        self.assertGreater(elapsed, TEXTS - 1, "it was looked at more than once a second")
        self.check_outcomes(json.loads(out.replace("'", '"')), entries)
        self.check_order(entries)
        rejected = [event for event in self.events(self.lab / "events.jsonl") if event["event"] == "PolicyRejected"]
        self.assertGreater(len(rejected), 0)
        self.assertTrue(rejected[0]["message"].startswith(f"{self.path}:2: moed: "), rejected)

    def check_outcomes(self, outcomes, entries):
        """Every connection of the client was judged, and ended so."""
        self.assertNotIn("refused before it began", self.log.read_text())
        self.assertEqual({"accepted", "refused"}, set(outcomes))
        for outcome, word in (("accepted", "admitted"), ("refused", "refused")):
            self.assertEqual(outcomes[outcome], sum(entry["outcome"] == word for entry in entries))

    def check_order(self, entries):
        """Nobody is judged by an invalid text, or goes back to one that was replaced."""
        now, coming, late = 0, None, 0
        for entry in entries:
            if entry["read"]:
                number = int(entry["read"]) - 1
                # Who asks just then has it before the log says so.
                coming = number if number > 0 and is_valid(number) else None
            elif entry["changed"]:
                now, coming, late = coming, None, 0
            else:
                number = int(entry["judged"]) - 1
                self.assertTrue(is_valid(number), "an invalid text took effect")
                self.assertEqual(outcome_of(number), entry["outcome"])
                if number not in (now, coming):
                    self.assertEqual(now - 2, number)
                    late += 1  # it had begun before; each thread has one connection at a time
                    self.assertLess(late, THREADS)


if __name__ == "__main__":
    main()
