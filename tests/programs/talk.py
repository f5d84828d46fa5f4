"""A Python host that shakes hands when it is told: talk.py PORT CA. Reads a word a line, answers with one.

go: a handshake. resume: one that offers the session of the one before. many: 32 threads at once. fork: one in a child.
The answer is `accepted`, `resumed`, `refused`, or for `many` how many were accepted.
"""
import os
import socket
import ssl
import sys
import threading

THREADS = 32


class Host:
    def __init__(self, port, ca):
        self.port = port
        self.context = ssl.create_default_context(cafile=ca)
        self.session = None

    def shake(self, session=None):
        with socket.create_connection(("127.0.0.1", self.port)) as plain:
            try:
                with self.context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                    secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    while secure.recv(4096):
                        pass
                    self.session = secure.session
                    return "resumed" if secure.session_reused else "accepted"
            except OSError as error:
                print(error, file=sys.stderr)
                return "refused"

    def many(self):
        outcomes = []
        together = threading.Barrier(THREADS)

        def one():
            together.wait()
            outcomes.append(self.shake())

        threads = [threading.Thread(target=one) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return str(outcomes.count("accepted"))

    def fork(self):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, self.shake().encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            return answer.read()

    def answer(self, word):
        if word == "many":
            return self.many()
        if word == "fork":
            return self.fork()
        return self.shake(self.session if word == "resume" else None)


host = Host(int(sys.argv[1]), sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    print(host.answer(line.strip()), flush=True)
