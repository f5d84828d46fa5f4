"""The servers of the table of programs: one that remembers every connection, and the real ones of Debian."""
import contextlib
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import time

from lab import SANE, run
from server import PATIENCE, TlsServer

LOOPBACK = "127.0.0.1"


class Recorder(TlsServer):
    """A TLS server that tells of all its connections once the client is done.

    preamble: (what the client sends in clear, what is answered) before TLS begins. http: a request is answered; else
    the first bytes end the connection, where the client would wait for an answer for ever.
    """

    def __init__(self, chain, key, *, preamble=None, http=True, **options):
        self._preamble = preamble
        self._http = http
        self._last = None
        self._threads = []
        super().__init__(chain, key, **options)

    def _accept(self):
        while True:
            plain, who = self._socket.accept()
            if who == self._last:
                plain.close()
                return
            self._threads.append(self._start(plain))

    def serve(self, plain):
        if self._preamble is not None:
            asked, answer = self._preamble
            came = plain.recv(len(asked), socket.MSG_WAITALL)
            if came != asked:  # in clear, maybe; finish() misses this connection
                raise AssertionError(f"{came} came in the place of {asked}")
            plain.sendall(answer)
        return super().serve(plain)

    def _converse(self, secure, seen):
        if self._http:
            super()._converse(secure, seen)
        else:
            seen.data += secure.recv(65536)

    def finish(self):
        """Every connection, those that wait to be accepted included; the clients must have ended."""
        with socket.socket() as last:
            last.bind((LOOPBACK, 0))
            self._last = last.getsockname()
            last.connect((LOOPBACK, self.port))
            self._thread.join(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        self._socket.close()
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                seen = self._seen.get_nowait()
                if seen.done() and seen.exception() is None:
                    found.append(seen.result())
        if self._thread.is_alive() or len(found) != len(self._threads):
            raise AssertionError(f"{len(self._threads)} connections came, {len(found)} ended: {found}")
        return found

    def close(self):
        if self._thread.is_alive():
            self.finish()


def free_port():
    with socket.create_server((LOOPBACK, 0)) as listener:
        return listener.getsockname()[1]


def connected(where):
    """A connection to a port, or to a socket with a path."""
    if isinstance(where, int):
        return socket.create_connection((LOOPBACK, where), PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(str(where))
    except OSError:
        connection.close()
        raise
    return connection


def _answers(where):
    try:
        connected(where).close()
        return True
    except OSError:
        return False


@contextlib.contextmanager
def running(argv, ready, *, env=None, user=None, log):
    """A program that runs in the foreground, from when `ready()` is true until the block ends."""
    owner = {"user": user, "group": user, "extra_groups": []} if user else {}
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen([str(word) for word in argv], env={**SANE, **(env or {})}, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, cwd=pathlib.Path(log).parent, **owner)
    try:
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                words = pathlib.Path(log).read_text(encoding="utf-8", errors="replace")
                raise AssertionError(f"{argv}: does not serve (status {process.returncode}): {words}")
            time.sleep(0.02)  # no event tells that another process has begun to listen
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()


def listening(argv, where, **options):
    return running(argv, lambda: _answers(where), **options)


# The real ones. clients: the CA whose certificates clients must have; None: they need none.


@contextlib.contextmanager
def redis(folder, chain, key, clients=None):
    port = free_port()
    with listening(["redis-server", "--port", 0, "--tls-port", port, "--bind", LOOPBACK, "--tls-cert-file", chain,
                    "--tls-key-file", key, "--tls-ca-cert-file", clients or chain,
                    "--tls-auth-clients", "yes" if clients else "no", "--save", "", "--dir", folder], port,
                   log=folder / "redis.log"):
        yield port


@contextlib.contextmanager
def mosquitto(folder, chain, key, clients=None):
    port = free_port()
    settings = folder / "mosquitto.conf"
    demand = f"cafile {clients}\nrequire_certificate true\nuse_identity_as_username true\n" if clients else ""
    # root: else it would become mosquitto, which may not read the key.
    settings.write_text(f"user root\nallow_anonymous true\nlistener {port} {LOOPBACK}\ncertfile {chain}\n"
                        f"keyfile {key}\n{demand}")
    with listening(["mosquitto", "-c", settings], port, log=folder / "mosquitto.log"):
        yield port


@contextlib.contextmanager
def postgresql(folder, chain, key, clients=None):
    """Runs as postgres where we are root, whom PostgreSQL refuses."""
    port = free_port()
    home = folder / "postgresql"
    home.mkdir()
    copy = shutil.copy(key, home / "server.key")
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        for path in (home, copy):
            shutil.chown(path, user, user)
    programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    data = home / "data"
    enter = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user else []
    made = run([*enter, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], cwd=home)
    if made.status != 0:
        raise AssertionError(f"initdb: {made}")
    settings = {"port": port, "listen_addresses": LOOPBACK, "unix_socket_directories": home, "ssl": "on",
                "ssl_cert_file": chain, "ssl_key_file": copy, "fsync": "off"}
    if clients:
        settings["ssl_ca_file"] = clients
        (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all all trust clientcert=verify-ca\n")
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    asked = ["pg_isready", "-q", "-h", home, "-p", port]
    with running([programs / "postgres", "-D", data, *words], lambda: run(asked).status == 0, user=user,
                 log=folder / "postgresql.log"):
        yield port
