"""The policy changes under a program with eight threads that shake hands all the time.

Each text has its rule on a line of its own, and the library's log names the line for each connection: so it can be
told which text a connection was judged by.
"""
import json
import os
import re
import threading
import time

from lab import PYTHON, LabTest, main

SECONDS = 20
EVERY = 0.05
THREADS = 8

# PORT THREADS SECONDS: prints how many connections were accepted and how many refused.
SHAKE = """
import collections, socket, ssl, sys, threading, time
port, threads, seconds = map(int, sys.argv[1:])
outcomes = collections.Counter()
end = time.monotonic() + seconds
def shake():
    context = ssl._create_unverified_context()
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", port)) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                    outcomes["accepted" if secure.recv(4096) else "empty"] += 1
            except ssl.SSLCertVerificationError:
                outcomes["refused"] += 1
workers = [threading.Thread(target=shake) for _ in range(threads)]
for worker in workers: worker.start()
for worker in workers: worker.join()
print(dict(outcomes))
"""


class Reload(LabTest):
    def text(self, number):
        """The text with this number: every second one is invalid; the others pin the right key and a wrong one in turn."""
        pin = self.genuine.pin if number % 4 == 0 else self.other.pin
        wrong = "moed = 1; " if number % 2 == 1 else ""
        return ("\n" * number + f'version = 1; {wrong}security: {{ pinned_public_keys = ( {{ domain = "localhost"; '
                f'keys = "{pin}"; }} ); }}; events: {{ file = "{self.lab}/events.jsonl"; }};\n')

    def write(self, number):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(self.text(number))
        fresh.chmod(0o600)
        os.rename(fresh, self.path)
        self.written.append((time.monotonic(), number))

    def rewrite(self):
        number = 0
        while not self.stop.wait(EVERY):
            number += 1
            self.write(number)

    def test_each_connection_is_judged_by_a_valid_text(self):
        self.path = self.lab / "changing.cfg"
        self.written = []
        self.stop = threading.Event()
        log = self.lab / "log"
        self.write(0)
        writer = threading.Thread(target=self.rewrite)
        with self.serve(self.genuine, quiet=True) as server:
            writer.start()
            result = self.graft([PYTHON, "-c", SHAKE, server.port, THREADS, SECONDS], self.path,
                                env={"TLSGRAFT_LOG": "info", "TLSGRAFT_LOG_FILE": str(log)}, patience=SECONDS + 60)
            self.stop.set()
            writer.join()
        self.assertEqual(0, result.status, result)
        outcomes = json.loads(result.out.replace("'", '"'))
        judged = [(int(line), outcome) for line, outcome in
                  re.findall(r"rule \S+:(\d+), (admitted|refused)", log.read_text())]
        self.assertEqual({"accepted", "refused"}, set(outcomes), result)
        for outcome, word in (("accepted", "admitted"), ("refused", "refused")):
            self.assertEqual(outcomes[outcome], sum(said == word for _, said in judged))
        for line, outcome in judged:
            self.assertEqual("admitted" if (line - 1) % 4 == 0 else "refused", outcome)
            self.assertEqual(0, (line - 1) % 2, "an invalid text took effect")
        texts = sorted({line for line, _ in judged})
        self.assertGreater(len(texts), 3)
        self.assertLessEqual(len(texts), SECONDS + 2, "it was looked at more than once a second")
        # Threads overlap, but nobody goes back to a text that was replaced a second ago.
        steps = [line for line, _ in judged]
        for at in range(THREADS, len(steps) - THREADS):
            self.assertGreaterEqual(max(steps[at:at + THREADS]), max(steps[:at], default=0))
        rejected = [event for event in self.events(self.lab / "events.jsonl") if event["event"] == "PolicyRejected"]
        looked_at = log.read_text().count("the policy has changed")
        self.assertGreater(len(rejected), 0)
        self.assertLessEqual(sum(1 + event.get("suppressed", 0) for event in rejected), SECONDS + 2 - looked_at)


if __name__ == "__main__":
    main()
