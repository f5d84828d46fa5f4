"""Unmodified programs, the right and the wrong server: the table of docs/PROGRAMS.md, which is made here."""
import concurrent.futures
import re
import types
from collections import namedtuple

from keys import Identity
from lab import BUILD, COMMAND, SOURCE, LabTest, main, run
from redis_server import Redis
from table_columns import COLUMNS, Trial, cells, install
from table_rows import PROGRAMS

WRITTEN = BUILD / "PROGRAMS.md"
KEPT = SOURCE / "docs/PROGRAMS.md"
AHEAD = 3  # rows that are tried at a time
SECRET = 'private_certificate_encoding_secret = "of the table";'
Client = namedtuple("Client", "policy subject")  # a policy, and the common name that it chooses
HEADING = """# Programs

Each program is Debian 12's own, unmodified, and is started with `tlsgraft-run`: against the server whose key the policy
pins it does its work (right pin), and against another, whose certificate it would accept by itself, it ends with an
error of its own and not one byte of application data arrives (wrong pin). Both hold too where the policy pins the id
of the server's certificate, which `tlsgraft cert add` put into a Redis (pin by id).

Against servers that demand a client certificate, of which no option of the program speaks, it does its work with the
one that the policy chose, whose subject the server told, and without tlsgraft it is refused (client certificate). They
are nginx and `openssl s_server`, with TLS 1.2 and 1.3, with and without CA names, and for programs that do not speak
HTTP their own: mosquitto, PostgreSQL, Redis (which tells no subject; another server does). Certificate and key are in
a file, or encrypted in a Redis; the policy names a second candidate beside them that the server would not take.

`scripts/test` tries all of them and makes this table of what it saw, also how tlsgraft knew the peer's name, and by
which function of OpenSSL, over what, the program's handshakes begin; do not edit it.
"""


def document(rows):
    """Markdown; the same rows give the same text."""
    head = ["Program", "Package", "Peer is known by", "Entry point", *COLUMNS]
    table = [head, ["---"] * len(head), *rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]
    return HEADING + "\n" + "\n".join(lines) + "\n"


class Table(LabTest):
    """A test for each row, and one for the document; a row is tried once for both."""

    maxDiff = None
    known = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tlsgraft_run = install(cls.lab / "tlsgraft")
        cls.chains = {identity: identity.chain_with(cls.ca) for identity in (cls.genuine, cls.other)}
        # With an organisation, so that nothing but the record tells the pin.
        redis = Redis(types.SimpleNamespace(addCleanup=cls.addClassCleanup))
        cls.settings = f'organisation = "lab"; store: {{ type = "redis"; address = "127.0.0.1:{redis.port}"; }};'
        cls.by_key = cls.pinned(cls.genuine)
        cls.by_id = cls.policy((["localhost", "127.0.0.1"], cls.stored(cls.genuine.certificate)),
                               extra=cls.settings, name="by-id.cfg")
        cls.clients = {"by file": cls.client_by_file(), "by id": cls.client_by_id()}
        # The next rows are tried while the test of one waits for it.
        cls.pool = concurrent.futures.ThreadPoolExecutor(AHEAD)
        cls.addClassCleanup(cls.pool.shutdown, cancel_futures=True)

    @classmethod
    def stored(cls, pem):
        """Puts a PEM file into the Redis; its id."""
        store = cls.policy(("unused.example", cls.genuine.pin), extra=cls.settings, security=SECRET, name="store.cfg")
        added = run([COMMAND, "--policy", store, "cert", "add", pem])
        if added.status != 0:
            raise AssertionError(f"cert add: {added}")
        return added.out.splitlines()[-1]

    @classmethod
    def candidates(cls, kind, decoy_days):
        """PEM files: a certificate of a CA that no server of the table trusts, and the one to be chosen."""
        stranger = Identity(cls.lab, f"stranger-{kind}", subject="Another CA", ca=True)
        decoy = Identity(cls.lab, f"decoy-{kind}", kind, issuer=stranger, days=decoy_days)
        chosen = Identity(cls.lab, f"chosen-{kind}", kind, issuer=cls.ca, days=30)
        return [decoy.with_key(), chosen.with_key()]

    @classmethod
    def presenting(cls, certificates, name):
        return cls.pinned(cls.genuine, upstream=[(["localhost", "127.0.0.1"], certificates)], extra=cls.settings,
                          security=SECRET, name=name)

    @classmethod
    def client_by_file(cls):
        """The other candidate expires later, so that it is the CA's name that decides."""
        return Client(cls.presenting(cls.candidates("rsa", 60), "client-by-file.cfg"), "chosen-rsa")

    @classmethod
    def client_by_id(cls):
        """The other candidate expires earlier, so that the choice is the same where no CA names are sent."""
        stored = [cls.stored(pem) for pem in cls.candidates("p256", 10)]
        return Client(cls.presenting(stored, "client-by-id.cfg"), "chosen-p256")

    def row(self, program):
        """Its cells; raises if it failed. The next rows are tried meanwhile."""
        first = PROGRAMS.index(program)
        for one in PROGRAMS[first:first + AHEAD]:
            if one.name not in self.known:
                self.known[one.name] = self.pool.submit(lambda one=one: cells(Trial(one, self)))
        return self.known[program.name].result()

    def test_the_document(self):
        rows = []
        for program in PROGRAMS:
            with self.subTest(program=program.name):
                rows.append(self.row(program))
        self.assertEqual(len(rows), len(PROGRAMS), "not every row has its cells")
        WRITTEN.write_text(document(rows), encoding="utf-8")
        kept = KEPT.read_text(encoding="utf-8") if KEPT.exists() else ""
        self.assertEqual(kept, document(rows), f"it differs from what was seen; to take it over: cp {WRITTEN} {KEPT}")


def _add(program):
    def test(self):
        self.row(program)
    setattr(Table, "test_row_" + re.sub(r"\W+", "_", program.name).lower(), test)


for _program in PROGRAMS:
    _add(_program)

if __name__ == "__main__":
    main()
