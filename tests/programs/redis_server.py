"""A real redis-server on a Unix socket and a port of its own, with nothing on disk."""

import pathlib
import shutil
import socket
import subprocess
import tempfile


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """port and socket: where it listens. Stopped by stop(), and by the end of the test."""

    def __init__(self, test, password=None):
        folder = tempfile.mkdtemp(prefix="tlsgraft-redis-")
        test.addCleanup(shutil.rmtree, folder)
        self.socket = pathlib.Path(folder, "redis.sock")
        self.password = password
        self.port = free_port()
        self.folder = folder
        self.process = None
        test.addCleanup(self.stop)
        self.start()

    def start(self):
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket),
                 "--save", "", "--appendonly", "no", "--dir", self.folder]
        if self.password is not None:
            words += ["--requirepass", self.password]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if "ready to accept connections" in line.lower() and ("unix" in line or str(self.socket) in line):
                return
        raise AssertionError("redis-server did not start")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def cli(self, *words, text=True, stdin=None):
        login = [] if self.password is None else ["-a", self.password, "--no-auth-warning"]
        done = subprocess.run(["redis-cli", "-s", self.socket, *login, *words], check=True, stdout=subprocess.PIPE,
                              text=text, input=stdin)
        return done.stdout
