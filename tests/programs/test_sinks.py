"""Where events go: each sink, what it is when it fails, and who gets the event then."""
import contextlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess

from keys import Identity
from lab import CLIENTS, PYTHON, SANE, LabTest, main
from lab_store import Redis
from server import PATIENCE

CURL = next(client for client in CLIENTS if client.name == "curl")
NOBODY = 65534

# DIRECTORY SOCKET ARG...: runs a program where /dev has only what is needed, and SOCKET ("": none) as /dev/log.
NAMESPACE = """
set -e
dev=$1 log=$2
shift 2
mount -t tmpfs none "$dev"
for node in null zero full random urandom; do
    touch "$dev/$node"
    mount --bind "/dev/$node" "$dev/$node"
done
if [ -n "$log" ]; then
    touch "$dev/log"
    mount --bind "$log" "$dev/log"
fi
mount --rbind "$dev" /dev
exec "$@"
"""

# PORT: for each NAME on stdin a handshake with it.
NAMES = """
import socket, ssl, sys
context = ssl._create_unverified_context()
for name in iter(sys.stdin.readline, ""):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as plain, \\
            context.wrap_socket(plain, server_hostname=name.strip()):
        print("shaken", flush=True)
"""


class Syslog:
    """A syslog daemon: a socket of its kind, and what came."""

    def __init__(self, test, kind=socket.SOCK_DGRAM):
        self.path = test.lab / "log.socket"
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, kind)
        test.addCleanup(self.socket.close)
        self.socket.bind(str(self.path))
        self.path.chmod(0o666)
        self.socket.settimeout(PATIENCE)
        self.is_stream = kind == socket.SOCK_STREAM
        if self.is_stream:
            self.socket.listen()

    def message(self):
        if not self.is_stream:
            return self.socket.recv(1 << 20)
        client, _ = self.socket.accept()
        with client:
            parts = iter(lambda: client.recv(1 << 16), b"")
            return b"".join(parts)

    def event(self):
        """(priority, the rest before the event, the event) of the next message."""
        text = self.message()
        match = re.fullmatch(rb"<(\d+)>(.*?): ({.*})(\0?)", text, re.DOTALL)
        if match is None or bool(match[4]) != self.is_stream:
            raise AssertionError(f"no message of syslog: {text}")
        return int(match[1]), match[2].decode(), json.loads(match[3])

    def has_more(self):
        self.socket.setblocking(False)
        try:
            with contextlib.suppress(BlockingIOError):
                return bool(self.message())
            return False
        finally:
            self.socket.settimeout(PATIENCE)


class SinkTest(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.library = shutil.copy(cls.library, cls.lab)
        cls.dev = cls.lab / "dev"
        cls.dev.mkdir()

    def setUp(self):
        self.sink = self.lab / "events.jsonl"
        self.sink.unlink(missing_ok=True)

    def reporting(self, sinks=None, **more):
        """A policy of which every handshake with the server of serve_other() raises PinMismatch, and goes on."""
        path = self.pinned(self.genuine, mode="report", sinks=sinks, **more)
        path.chmod(0o644)
        return path

    def serve_other(self):
        return self.serve(self.other)

    def inside(self, policy, server, *, log=None, before=(), graft=True):
        """curl where /dev/log is the daemon `log`, or nothing."""
        words = CURL.argv(server.port, self.lab, self.ca.certificate)
        env = [f"LD_PRELOAD={self.library}", f"TLSGRAFT_POLICY={policy}"] if graft else []
        return self.bare(["unshare", "--mount", "--", "sh", "-c", NAMESPACE, "sh", self.dev,
                          log.path if log is not None else "", *before, "env", *env, *words])

    def shake(self, policy, **more):
        """One handshake, which goes on whatever becomes of the event."""
        with self.serve_other() as server:
            result = self.inside(policy, server, **more)
            self.assert_accepted(result, server)
            return result

    def lines(self, path=None):
        return [json.loads(line) for line in (path or self.sink).read_text().splitlines()]


class Sinks(SinkTest):
    def test_syslog_without_any_sink(self):
        log = Syslog(self)
        policy = self.reporting()
        result = self.shake(policy, log=log)
        priority, head, event = log.event()
        self.assertEqual(priority, 3 * 8 + 3)  # daemon, error
        self.assertRegex(head, r"^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123]\d \d\d:\d\d:\d\d "
                               r"tlsgraft\[\d+\]$")
        self.assertEqual((event["event"], event["domain"], event["policy"]), ("PinMismatch", "localhost", str(policy)))
        self.assertIn(f"tlsgraft[{event['pid']}]", head)
        self.assertFalse(log.has_more())
        self.assertIn("PinMismatch", result.err)

    def test_syslog_as_the_policy_says(self):
        log = Syslog(self)
        for facility, number in (("user", 1), ("authpriv", 10), ("local0", 16), ("local7", 23)):
            self.shake(self.reporting(f'syslog = "{facility}";'), log=log)
            self.assertEqual(log.event()[0], number * 8 + 3)
        self.shake(self.policy(("other.example", self.other.pin), mode="report", sinks='syslog = "daemon";',
                               extra='unmatched = "report";'), log=log)
        priority, _, event = log.event()
        self.assertEqual((priority, event["event"], event["level"]), (3 * 8 + 4, "PeerUnmatched", "warning"))
        self.assertFalse(log.has_more())

    def test_syslog_on_a_stream(self):
        log = Syslog(self, socket.SOCK_STREAM)
        self.shake(self.reporting(), log=log)
        self.assertEqual(log.event()[2]["event"], "PinMismatch")

    def test_an_event_that_is_too_long_for_syslog_is_cut(self):
        log = Syslog(self)
        keys = ",".join(f"sha256//{number:042d}A=" for number in range(9000))
        self.shake(self.policy(("*", keys), mode="report"), log=log)
        text = log.message()
        self.assertTrue(text.startswith(b"<27>") and b'{"event":"PinMismatch","level":"error"' in text, text[:200])
        self.assertFalse(text.endswith(b"}"))

    def test_no_syslog_at_all(self):
        result = self.shake(self.reporting())
        self.assertEqual([line.split(": ")[2] for line in result.err.splitlines()], ["PinMismatch"], result)
        result = self.shake(self.reporting('syslog = "daemon";'))
        self.assertIn("syslog: the event could not be written: /dev/log: ", result.err)
        self.assertEqual(len(result.err.splitlines()), 2, result)

    def test_a_warning_without_a_sink(self):
        """Where the policy names none, and there is no syslog, its trace is a line of the log, at its level."""
        soon = Identity(self.lab, "soon", issuer=self.ca, days=3)
        policy = self.policy(("localhost", soon.pin))
        with self.serve(soon) as server:
            result = self.inside(policy, server)
            self.assert_accepted(result, server)
            self.assertEqual(result.err, "")

    def test_a_warning_that_goes_nowhere(self):
        """No sink that the policy names takes it: the next use raises it again, until something does."""
        soon = Identity(self.lab, "soon", issuer=self.ca, days=3)
        policy = self.policy(("localhost", soon.pin), sinks=f'file = "{self.lab}/none/events";')
        with self.serve(soon) as server:
            for _ in range(2):
                result = self.inside(policy, server)
                self.assert_accepted(result, server)
                self.assertIn("error: CertificateExpiringSoon: the event went nowhere: no sink of the policy takes it, "
                              "and syslog does not take it: /dev/log: ", result.err)
            log = Syslog(self)
            self.inside(policy, server, log=log)
            result = self.inside(policy, server, log=log)
            self.assert_accepted(result, server)
            self.assertEqual(result.err, "")
        self.assertEqual(log.event()[2]["event"], "CertificateExpiringSoon")
        self.assertFalse(log.has_more())

    def test_files_that_take_nothing(self):
        """Syslog gets what no other sink takes, once."""
        log = Syslog(self)
        fifo, link, directory = self.lab / "fifo", self.lab / "link", self.lab / "directory"
        os.mkfifo(fifo)
        link.symlink_to(self.lab / "events.target")
        directory.mkdir()
        for path, words in ((self.lab / "none" / "events", "its directory does not exist"),
                            (fifo, "it is no regular file"), (link, "it is a symbolic link"),
                            (directory, "it is no regular file"), ("/dev/full", "it is no regular file")):
            with self.subTest(path=path):
                result = self.shake(self.reporting(f'file = "{path}";'), log=log)
                self.assertIn(f"{path}: the event could not be written: {words}", result.err)
                self.assertEqual(log.event()[2]["event"], "PinMismatch")
        self.assertFalse((self.lab / "events.target").exists())
        self.assertFalse(log.has_more())

    def test_the_others_get_what_one_does_not_take(self):
        log = Syslog(self)
        result = self.shake(self.reporting('file = "/dev/full"; stderr = true;'), log=log)
        self.assertIn('{"event":"PinMismatch"', result.err)
        self.assertFalse(log.has_more(), "one sink has taken it")

    def test_no_permission(self):
        log = Syslog(self)
        self.sink.touch(0o600)
        as_nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
        result = self.shake(self.reporting(f'file = "{self.sink}";'), log=log, before=as_nobody)
        self.assertIn(f"{self.sink}: the event could not be written: this user may not append to it", result.err)
        self.assertEqual(log.event()[2]["event"], "PinMismatch")
        self.sink.chmod(0o622)  # it may be written, and not be read
        self.shake(self.reporting(f'file = "{self.sink}";'), log=log, before=as_nobody)
        self.assertEqual([event["event"] for event in self.lines()], ["PinMismatch"])
        self.assertFalse(log.has_more())

    def test_made_for_its_owner_and_group(self):
        """Whatever the umask of the program is."""
        for mask in (0o000, 0o022, 0o077, 0o777):
            with self.subTest(umask=oct(mask)):
                self.sink.unlink(missing_ok=True)
                policy = self.reporting(f'file = "{self.sink}";')
                self.shake(policy, before=["sh", "-c", f'umask {mask:o} && exec "$@"', "sh"])
                self.assertEqual(oct(stat.S_IMODE(self.sink.stat().st_mode)), "0o640")
                self.assertEqual(len(self.lines()), 1)

    def test_file_size_limit(self):
        log = Syslog(self)
        policy = self.reporting(f'file = "{self.sink}";')
        self.sink.write_text('{"event":"before"}\n')
        for room in (0, 1, 100):
            size = self.sink.stat().st_size + room
            result = self.shake(policy, log=log, before=["prlimit", f"--fsize={size}"])
            self.assertIn("than this process may make a file", result.err)
            self.assertEqual(log.event()[2]["event"], "PinMismatch")
        self.shake(policy, log=log, before=["prlimit", "--fsize=100000"])
        self.assertEqual([event["event"] for event in self.lines()], ["before", "PinMismatch"])
        self.assertFalse(log.has_more())

    def test_full_disk(self):
        log = Syslog(self)
        folder = self.lab / "disk"
        folder.mkdir()
        sink = folder / "events.jsonl"
        policy = self.reporting(f'file = "{sink}";')
        # The file fills its first page but for a few bytes, so that a line would fit in part.
        prepare = """
            set -e
            disk=$1 full=$2 copy=$3
            shift 3
            mount -t tmpfs -o size=64k none "$disk"
            printf '{"event":"%04060d"}\\n' 0 >"$disk/events.jsonl"
            [ "$full" = no ] || head -c 100000 /dev/zero >"$disk/fill" 2>/dev/null || true
            "$@" || exit
            rm -f "$disk/fill"
            "$@" || exit
            cp "$disk/events.jsonl" "$copy"
        """
        for full in ("no", "yes"):
            with self.serve_other() as server:
                result = self.inside(policy, server, log=log, before=["sh", "-c", prepare, "sh", folder, full, self.sink])
                self.assert_accepted(result, server)
                self.assertIsNone(server.next().error)
            lines = self.lines()
            self.assertEqual([event["event"] for event in lines[1:]], ["PinMismatch"] * (2 if full == "no" else 1))
            if full == "yes":
                self.assertIn("its disk is full; make room there", result.err)
                self.assertEqual(log.event()[2]["event"], "PinMismatch")
            self.assertFalse(log.has_more())

    def test_half_a_line_is_left_alone(self):
        self.sink.write_text('{"event":"half')
        for _ in range(2):
            self.shake(self.reporting(f'file = "{self.sink}";'))
        first, *rest = self.sink.read_text().splitlines()
        self.assertTrue(first.startswith('{"event":"half'), first)
        self.assertEqual([json.loads(line)["event"] for line in rest], ["PinMismatch"] * 2)

    def test_rotated_while_the_program_runs(self):
        policy = self.policy((["**.lab.example"], self.genuine.pin), mode="report", sinks=f'file = "{self.sink}";')
        old = self.lab / "events.jsonl.1"
        env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(policy), "TLSGRAFT_LOG": "off"}
        with self.serve_other() as server, \
                subprocess.Popen([PYTHON, "-c", NAMES, str(server.port)], env=env, text=True, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE) as process:
            self.addCleanup(process.kill)
            for name in ("a.lab.example", "b.lab.example", "a.lab.example"):
                process.stdin.write(name + "\n")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline(), "shaken\n")
                if name.startswith("a") and not old.exists():
                    self.sink.rename(old)
            process.stdin.close()
        self.assertEqual([event["domain"] for event in self.lines(old)], ["a.lab.example"])
        self.assertEqual([event["domain"] for event in self.lines()], ["b.lab.example"])

    def test_many_processes_at_once(self):
        count = 20
        policy = self.reporting(f'file = "{self.sink}";')
        with self.serve_other() as server:
            words = CURL.argv(server.port, self.lab, self.ca.certificate)
            env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(policy), "TLSGRAFT_LOG": "off"}
            processes = [subprocess.Popen([str(word) for word in words], env=env, stdout=subprocess.DEVNULL)
                         for _ in range(count)]
            pids = {process.pid for process in processes}
            self.assertEqual({process.wait(PATIENCE) for process in processes}, {0})
        self.assertEqual({event["pid"] for event in self.lines()}, pids)
        self.assertEqual(len(self.lines()), count)


class Stream(SinkTest):
    def setUp(self):
        super().setUp()
        self.redis = Redis(self)

    def streaming(self, sinks="", more="", **options):
        return self.reporting(f'redis_stream = "lab:events"; {sinks}',
                              extra=f"store: {{ {self.redis.settings(more)} }}; {options.pop('extra', '')}", **options)

    def entries(self):
        """The events in the stream."""
        lines = self.redis.cli("XRANGE", "lab:events", "-", "+").splitlines()
        return [json.loads(line) for before, line in zip(lines, lines[1:]) if before == "event"]

    def test_all_kinds_of_events(self):
        seen = []
        self.shake(self.streaming())
        seen.append("PinMismatch")
        missing = self.policy(("localhost", "missing.pem"), mode="report", sinks='redis_stream = "lab:events";',
                              extra=f"store: {{ {self.redis.settings()} }};")
        self.shake(missing)
        seen += ["PinUnresolved", "PinMismatch"]
        unmatched = self.policy(("other.example", self.other.pin), sinks='redis_stream = "lab:events";',
                                extra=f'store: {{ {self.redis.settings()} }}; unmatched = "report";')
        self.shake(unmatched)
        seen.append("PeerUnmatched")
        with self.serve_other() as server:
            result = self.graft([self.lab / "lab_client", "--port", server.port, "--drive", "bio"], unmatched)
            self.assert_accepted(result, server)
        seen.append("PeerUnnamed")
        entries = self.entries()
        self.assertEqual(sorted(event["event"] for event in entries), sorted(seen))
        self.assertEqual({tuple(event)[:4] for event in entries}, {("event", "level", "message", "timestamp")})

    def test_its_length(self):
        add = "for number = 1, 400 do redis.call('XADD', KEYS[1], '*', 'event', '{}') end"
        self.redis.cli("EVAL", add, "1", "lab:events")
        self.shake(self.streaming("redis_stream_maxlen = 100;"))
        self.assertLess(int(self.redis.cli("XLEN", "lab:events")), 300)
        self.assertEqual(self.entries()[-1]["event"], "PinMismatch")

    def test_dead_or_silent(self):
        """Nothing waits for it longer than the store may take, and the others get the event."""
        log = Syslog(self)
        both = self.streaming(f'file = "{self.sink}";', "timeout_ms = 200;", name="both.cfg")
        alone = self.streaming("", "timeout_ms = 200;", name="alone.cfg")
        with self.redis.paused():
            result = self.shake(both, log=log)
            self.assertIn("lab:events: the event could not be written: a stream in Redis ", result.err)
            self.assertIn("it does not answer within 200 ms", result.err)
            self.assertEqual(len(self.lines()), 1)
            self.assertFalse(log.has_more())
            self.shake(alone, log=log)
            self.assertEqual(log.event()[2]["event"], "PinMismatch")
        self.redis.stop()
        result = self.shake(both, log=log)
        self.assertIn("nothing listens there; start it", result.err)
        self.assertEqual(len(self.lines()), 2)
        self.shake(alone, log=log)
        self.assertEqual(log.event()[2]["event"], "PinMismatch")
        self.assertFalse(log.has_more())


if __name__ == "__main__":
    main()
