"""What every measurement works with: the build, a folder with keys, policies, the numbers that were found."""
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
sys.path.insert(0, str(SOURCE / "tests/programs"))
os.environ.setdefault("TLSGRAFT_BUILD", str(SOURCE / "build-bench"))

from keys import NAMES, Identity, openssl  # noqa: E402
from lab import BUILD, COMMAND, DEFAULT_POLICY, LAB, LIBRARY, SANE  # noqa: E402

SERVER = "api.example.com"
ADDRESS = "127.0.0.1"


class Failed(Exception):
    """A benchmark cannot go on; the text says why, and what to do."""


def call(argv, *, env=None, stdin=None, timeout=600, status=(0,)):
    """What a program that must succeed prints on stdout; `.stderr` is not lost where it fails."""
    done = subprocess.run([str(word) for word in argv], env={**SANE, **(env or {})}, input=stdin, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL if stdin is None else None)
    if done.returncode not in status:
        raise Failed(f"{' '.join(map(str, argv))[:300]}: ended with {done.returncode}: {done.stderr[-2000:]}")
    return done


def median(values):
    return statistics.median(values)


class World:
    """folder: everything of one run is in it. quick: as little as proves that it works."""

    def __init__(self, folder, quick):
        self.folder = folder
        self.quick = quick
        self.folder.chmod(0o755)
        self.found = {}  # the results, by a name with dots
        if DEFAULT_POLICY.exists():
            raise Failed(f"{DEFAULT_POLICY}: is there, and would apply to what is measured without a policy; "
                         "move it away while this runs")
        self.p256 = self._identities("p256")
        self.rsa = self._identities("rsa")

    def scaled(self, count, quick):
        """How often: the second where it is only to be shown that it works."""
        return quick if self.quick else count

    def _identities(self, kind):
        """A server with a chain of three, and a client: files with the names that bench_handshake looks for."""
        place = self.folder / kind
        place.mkdir()
        root = Identity(place, "root", kind=kind, ca=True, subject="Bench Root")
        between = Identity(place, "between", kind=kind, ca=True, issuer=root, subject="Bench Intermediate", days=400)
        server = Identity(place, "leaf", kind=kind, issuer=between, names=f"DNS:{SERVER},{NAMES}", days=400)
        client = Identity(place, "client", kind=kind, issuer=root, names="DNS:client.example.com", days=400)
        (place / "server.pem").write_text(server.chain_with(between).read_text())
        (place / "server.key").write_text(server.key.read_text())
        pair = place / "pair.pem"
        pair.write_text(client.certificate.read_text() + client.key.read_text())
        pair.chmod(0o600)
        return {"folder": place, "root": root, "between": between, "server": server, "client": client, "pair": pair}

    def policy(self, name, rules, *, upstream=(), extra=""):
        """rules: of pinned_public_keys, upstream: of upstream_certificates, each the text between the braces."""
        lists = [f"  {setting} = (\n" + ",\n".join(f"    {{ {rule} }}" for rule in listed) + "\n  );\n"
                 for setting, listed in (("pinned_public_keys", rules), ("upstream_certificates", upstream)) if listed]
        path = self.folder / f"{name}.cfg"
        path.write_text(f"version = 1;\n{extra}\nsecurity: {{\n{''.join(lists)}}};\n")
        path.chmod(0o600)
        return path


def pins(count, start=0):
    """Rules for hosts that are not asked: host0.example.net and so on, each with another pin."""
    return [f'domain = "host{number}.example.net"; keys = "sha256//{pin_text(number)}";'
            for number in range(start, start + count)]


def pin_text(number):
    """43 characters of base64 and the `=`, another one for each number."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    digits = ""
    for _ in range(42):
        digits += alphabet[number % 64]
        number //= 64
    return f"{digits}A="


def grafted(policy=None, *more):
    """The environment of a program with the library, and with other preloads behind it."""
    preloads = " ".join(map(str, (LIBRARY, *more)))
    return {"LD_PRELOAD": preloads, **({} if policy is None else {"TLSGRAFT_POLICY": str(policy)})}
