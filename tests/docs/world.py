"""The world that the pages talk about, for one page: servers with their names, a CA that everybody trusts, tlsgraft
in /opt/tlsgraft, no /etc/tlsgraft, and a user's home. It is made in namespaces of mounts and of the network of its own
(page.py is started in them), so that nothing of it is seen outside, and it ends with the process.
"""
import fcntl
import json
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "programs"))

from keys import Identity, openssl  # noqa: E402
from server import TlsServer  # noqa: E402

HOME = pathlib.Path("/home/me")
PREFIX = pathlib.Path("/opt/tlsgraft")
PATH = f"{PREFIX}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
VECTORS = TOP / "tests" / "vectors"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"

SERVERS = ("api.example.com", "partner.example")
PLAIN = "plain.example.com"  # speaks no TLS
REDIS = "redis.example.com"  # nothing runs there until a page's note says so


def run(*words, **more):
    """What a command printed; one that fails is an error that tells it."""
    result = subprocess.run(list(map(str, words)), check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, **more)
    if result.returncode != 0:
        raise RuntimeError(f"{result.args}: status {result.returncode}\n{result.stdout}")
    return result.stdout


def raise_loopback():
    """As `ip link set lo up`; SIOCSIFFLAGS with IFF_UP and IFF_RUNNING."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))


def copy_of_tree(place):
    """What a user has who cloned it: the tree without what was built in it."""
    place.mkdir(parents=True)
    packed = subprocess.Popen(["tar", "-C", str(TOP), "-c", "--exclude-vcs", "--exclude=./build*",
                               "--exclude=__pycache__", "."], stdout=subprocess.PIPE)
    run("tar", "-C", place, "-x", stdin=packed.stdout)
    if packed.wait() != 0:
        raise RuntimeError("the tree could not be copied")


class World:
    """`stage`: an empty folder. `build`: where tlsgraft was built. `home`: where the reader begins."""

    def __init__(self, stage, build):
        self._stage = pathlib.Path(stage)
        self._keys = self._stage / "keys"
        self._keys.mkdir()
        self._servers = {}
        self._made = 0
        self.home = HOME
        raise_loopback()
        self._ca = Identity(self._keys, "ca", ca=True, subject="Example Root CA")
        self._partner_ca = Identity(self._keys, "partner-ca", ca=True, subject="Partner CA")
        self._addresses = {name: f"127.0.1.{number}" for number, name in enumerate((*SERVERS, PLAIN, REDIS), start=1)}
        self._fill(build)
        # Last: what was read until now may lie below one of these.
        for place in ("etc", "opt", "home", "var/log"):
            run("mount", "--bind", self._stage / place, f"/{place}")
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        for name in SERVERS:
            self._show(name, self._identity(name))
        self._serve_plain()

    def _fill(self, build):
        for place in ("opt", "home/me", "var/log"):
            (self._stage / place).mkdir(parents=True)
        etc = self._stage / "etc"
        # Not every file is there for a user who is root in a namespace alone.
        subprocess.run(["cp", "-a", "/etc", str(etc)], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(etc / "tlsgraft", ignore_errors=True)
        hosts = "".join(f"{address} {name}\n" for name, address in self._addresses.items())
        (etc / "hosts").unlink(missing_ok=True)
        (etc / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n" + hosts)
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
        bundle = self._stage / BUNDLE
        bundle.parent.mkdir(parents=True, exist_ok=True)
        with open(bundle, "a", encoding="ascii") as file:
            file.write(self._ca.certificate.read_text())
        digest = openssl("x509", "-in", self._ca.certificate, "-noout", "-hash").decode().strip()
        shutil.copy(self._ca.certificate, bundle.parent / f"{digest}.0")
        run("cmake", "--install", build, "--prefix", self._stage / "opt" / "tlsgraft")

    def _identity(self, name, key=None, **more):
        self._made += 1
        return Identity(self._keys, f"{self._made}", issuer=self._ca, subject=name, names=f"DNS:{name}", given=key,
                        **more)

    def _show(self, name, identity, **more):
        if name in self._servers:
            self._servers[name].close()
        self._servers[name] = TlsServer(identity.certificate, identity.key, quiet=True, host=self._addresses[name],
                                        port=443, **more)

    def _serve_plain(self):
        """HTTP without TLS where TLS is expected."""
        (self._stage / "www").mkdir()
        self._plain = subprocess.Popen(
            ["/usr/bin/python3", "-m", "http.server", "443", "--bind", self._addresses[PLAIN], "--directory",
             str(self._stage / "www")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _serve_redis(self, _folder, password):
        """As it runs beside a gateway; all that it holds is in memory."""
        self._redis_password = password
        place = self._stage / "redis"
        place.mkdir()
        self._redis = subprocess.Popen(
            ["redis-server", "--bind", self._addresses[REDIS], "--requirepass", password, "--save", "",
             "--appendonly", "no", "--dir", str(place)], stdout=subprocess.PIPE, text=True)
        for line in self._redis.stdout:
            if "ready to accept connections" in line.lower():
                return
        raise RuntimeError("redis-server did not start")

    def happen(self, words, folder):
        """Something that a page's note tells. `folder`: that of the reader."""
        for pattern, act in self.EVENTS:
            told = re.fullmatch(pattern, words)
            if told:
                act(self, folder, *told.groups())
                return
        raise ValueError(f"'{words}' is nothing that world.py knows")

    def _show_another_key(self, _folder, name):
        self._show(name, self._identity(name))

    def _show_key(self, folder, name, key):
        self._show(name, self._identity(name, key=pathlib.Path(folder, key)))

    def _demand_certificate(self, _folder, name):
        self._show(name, self._identity(name), client_ca=self._partner_ca.certificate)

    def _sign(self, folder, name):
        """What comes back for a request that a reader has sent to the partner."""
        openssl("x509", "-req", "-in", pathlib.Path(folder, f"{name}.csr"), "-CA", self._partner_ca.certificate,
                "-CAkey", self._partner_ca.key, "-CAcreateserial", "-days", str(90 + self._made),
                "-out", pathlib.Path(folder, f"{name}.crt"))
        self._made += 1

    def _show_ending(self, _folder, name, days):
        self._show(name, self._identity(name, days=int(days)))

    def _put_policy(self, _folder, name):
        """In /etc, as an image has it."""
        place = pathlib.Path("/etc/tlsgraft")
        place.mkdir()
        identity = self._identity(name)
        self._show(name, identity)
        (place / "api.pem").write_bytes(openssl("x509", "-in", identity.certificate, "-noout", "-pubkey"))
        (place / "next.pem").write_bytes(
            openssl("x509", "-in", self._identity(name).certificate, "-noout", "-pubkey"))
        (place / "policy.cfg").write_text(
            "version = 1;\nsecurity: {\n  pinned_public_keys = (\n"
            f'    {{ domain = "{name}"; keys = [ "api.pem", "next.pem" ]; }}\n  );\n}};\n')

    def _stop_redis(self, _folder):
        self._redis.kill()
        self._redis.wait()

    def _register_vector(self, _folder, name):
        """What a Tyk Gateway does when a certificate is uploaded: SET and RPUSH."""
        vector = next(each for each in json.loads((VECTORS / "store.json").read_text()) if each["name"] == name)
        text = (VECTORS / vector["stored_file"]).read_text()
        for words in (("SET", vector["redis_key"], text),
                      ("RPUSH", vector["redis_index_key"], vector["redis_index_element"])):
            run("redis-cli", "-h", self._addresses[REDIS], "-a", self._redis_password, "--no-auth-warning", *words)

    def _put_libconfig(self, _folder):
        """A libconfig that a user built: Debian's own."""
        place = pathlib.Path("/opt/libconfig")
        for kind, file in (("lib", run("gcc", "-print-file-name=libconfig.a").strip()),
                           ("include", "/usr/include/libconfig.h")):
            (place / kind).mkdir(parents=True)
            shutil.copy(file, place / kind)

    EVENTS = (
        (r"(\S+) shows another key", _show_another_key),
        (r"(\S+) shows the key (\S+)", _show_key),
        (r"(\S+) demands a client certificate", _demand_certificate),
        (r"the partner signs (\S+)\.csr", _sign),
        (r"(\S+) shows a certificate that ends in (\d+) days", _show_ending),
        (r"a policy is in /etc/tlsgraft with the key of (\S+)", _put_policy),
        (r"redis\.example\.com runs Redis with the password (\S+)", _serve_redis),
        (r"Redis stops", _stop_redis),
        (r"a gateway registers the vector (\S+)", _register_vector),
        (r"/opt/libconfig has a libconfig", _put_libconfig),
    )
