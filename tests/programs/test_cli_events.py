"""`tlsgraft events`: what it shows of real events and of damaged files, and that it follows a file that is rotated."""

import contextlib
import datetime
import json
import os
import pty
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import unittest

import redis_server
from cli_bench import COMMAND, Bench
from lab import CLIENTS, PATIENCE, LabTest, run

CURL = next(client for client in CLIENTS if client.name == "curl")
NOBODY = 65534

# PATH NAME COUNT: appends events, each by an open and a write of its own, as the library does.
APPEND = """
import os, sys
path, name, count = sys.argv[1:]
for number in range(int(count)):
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    os.write(file, b'{"event":"%s-%d"}\\n' % (name.encode(), number))
    os.close(file)
"""


class RealEvents(LabTest):
    def test_refusal_and_report(self):
        sink = self.lab / "sink.jsonl"
        settings = {"sinks": f'file = "{sink}";'}
        policy = self.pinned(self.other, **settings)
        server = self.serve(self.genuine)
        self.assert_refused(self.call(CURL, server.port, policy), server, CURL)
        report = self.pinned(self.other, mode="report", name="report.cfg", **settings)
        self.assert_accepted(self.call(CURL, server.port, report), server)

        shown = run([COMMAND, "--policy", policy, "events"])
        self.assertEqual((shown.status, shown.err), (0, ""), shown)
        rows = [line.split("\t") for line in shown.out.splitlines()]
        self.assertEqual([row[1:6] for row in rows],
                         [["error", "PinMismatch", f"localhost:{server.port}", mode, "mismatch"] for mode in ("enforce", "report")])
        told = self.events(sink)
        self.assertEqual([[row[0], row[6]] for row in rows],
                         [[event["timestamp"], event["message"]] for event in told])

        shown = run([COMMAND, "--policy", policy, "events", "--json"])
        self.assertEqual((shown.status, json.loads(shown.out)), (0, told), shown)

        for since, count in (("1h", 2), ("2999-01-01", 0)):
            shown = run([COMMAND, "--policy", policy, "events", "--since", since])
            self.assertEqual((shown.status, len(shown.out.splitlines())), (0, count), shown)


class EventBench(Bench):
    def setUp(self):
        super().setUp()
        self.sink = self.folder / "events.jsonl"
        self.name_sink("events.jsonl")

    def name_sink(self, path):
        self.policy.write_text(f'version = 1;\nevents: {{ file = "{path}"; }};\n')

    def put(self, *events, path=None):
        """Appends events, or lines as they are given."""
        lines = [event if isinstance(event, bytes) else (json.dumps(event) + "\n").encode() for event in events]
        with open(path or self.sink, "ab", buffering=0) as file:
            file.write(b"".join(lines))

    def show(self, *words, status=0, err="", **more):
        result = self.call("--policy", self.policy, "events", *words, **more)
        self.assertEqual((result.returncode, result.stderr), (status, err), result)
        return result.stdout

    def refuse(self, status, *words, **more):
        result = self.call("--policy", self.policy, "events", *words, **more)
        self.assertEqual((result.returncode, result.stdout), (status, ""), result)
        self.assertRegex(result.stderr, r"^tlsgraft: events: .*: .*; .*\n$")
        return result.stderr

    def names(self, *words, **more):
        return [line.split("\t")[2] for line in self.show(*words, **more).splitlines()]


class Columns(EventBench):
    def test_order_and_empty_columns(self):
        self.put({"event": "PinMismatch", "level": "error", "message": "why", "timestamp": "2026-11-22T10:00:00Z",
                  "domain": "a.example", "port": 443, "mode": "enforce", "reason": "mismatch"},
                 {"event": "PolicyRejected", "level": "error", "message": "m"},
                 {"domain": "b.example"}, {"port": 443}, {"domain": "2001:db8::1", "port": 8443},
                 {"peer_address": "192.0.2.1", "port": 443}, {},
                 {"event": 7, "level": None, "message": ["x"], "timestamp": {}, "port": "443"})
        self.assertEqual(self.show().splitlines(), [
            "2026-11-22T10:00:00Z\terror\tPinMismatch\ta.example:443\tenforce\tmismatch\twhy",
            "\terror\tPolicyRejected\t\t\t\tm", "\t\t\tb.example\t\t\t", "\t\t\t:443\t\t\t",
            "\t\t\t[2001:db8::1]:8443\t\t\t", "\t\t\t192.0.2.1:443\t\t\t", "\t\t\t\t\t\t", "\t\t\t\t\t\t"])

    def test_escaped(self):
        self.put({"message": "a\tb\nc\x1b[31m\x7f\u009b\u0000d é", "event": "\r"}, b'{"message":"\x7f \xc2\x9b"}\n')
        self.assertEqual(self.show(), "\t\t\\x0d\t\t\t\ta\\x09b\\x0ac\\x1b[31m\\x7f\\xc2\\x9b\\x00d é\n"
                         "\t\t\t\t\t\t\\x7f \\xc2\\x9b\n")

    def terminal(self, **env):
        reader, writer = pty.openpty()
        with os.fdopen(writer, "wb") as terminal:
            result = subprocess.run([COMMAND, "--policy", self.policy, "events"], stdout=terminal, check=False,
                                    env={**self.environment, **env}, stderr=subprocess.PIPE, timeout=PATIENCE)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        text = b""
        with os.fdopen(reader, "rb", buffering=0) as terminal, contextlib.suppress(OSError):
            while part := terminal.read(4096):
                text += part
        return text.decode().replace("\r\n", "\n")

    def test_terminal(self):
        self.put({"event": "A", "level": "error", "message": "first", "domain": "é.example"},
                 {"event": "B", "level": "warning", "message": "second", "domain": "e.example"}, {"event": "C"})
        text = self.terminal(TERM="xterm")
        self.assertEqual([text.count(f"\x1b[{code}m") for code in (31, 33, 0)], [2, 2, 4], text)
        self.assertNotIn("\t", text)
        for env in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}):
            plain = self.terminal(**env)
            self.assertNotIn("\x1b", plain)
            first, second, third = plain.splitlines()
            self.assertEqual(first.index("first"), second.index("second"))
            self.assertEqual(third.split(), ["-", "-", "C", "-", "-", "-", "-"])


class Json(EventBench):
    def test_objects_stand_as_they_were_found(self):
        objects = ['{"z":1,"a":123456789012345678901234567890,"z":2,"r":1.50}', '{ "b" : [ ] }',
                   '{"event":"\\u0000\\u00e9é"}']
        self.sink.write_text("\r\n".join(objects) + "\n")
        self.assertEqual(self.show("--json").split("\n"),
                         ["[", *[f"  {text}," for text in (objects[0] + " ", objects[1] + " ")],
                          f"  {objects[2]}", "]", ""])
        with self.follow("--json") as following:
            self.assertEqual([following.line() for _ in objects], [objects[0] + " ", objects[1] + " ", objects[2]])

    def test_nothing_that_a_terminal_obeys(self):
        self.put(b'{\r"a"\t:\r"\x7f\xc2\x80\xc2\x9b\xc2\xa0\\u001b"}\n')
        shown = self.show("--json")
        self.assertNotRegex(shown.replace("\n", ""), "[\x00-\x1f\x7f-\x9f]")
        self.assertEqual(json.loads(shown), [{"a": "\x7f\x80\x9b\xa0\x1b"}])

    def test_nothing_that_changes_how_it_is_read(self):
        text = "a\u202eb\u2066c\u200bd\ufeff\u2029"
        self.put({"message": "x"}, ('{"message":"%s é\u2030"}\n' % text).encode())
        shown = self.show("--json")
        self.assertIn('{"message":"a\\u202eb\\u2066c\\u200bd\\ufeff\\u2029 é\u2030"}', shown)
        self.assertEqual(json.loads(shown)[1], {"message": text + " é\u2030"})
        self.assertIn(r"a\xe2\x80\xaeb\xe2\x81\xa6c\xe2\x80\x8bd\xef\xbb\xbf\xe2\x80\xa9 é\u2030".replace("\\u2030", "\u2030"),
                      self.show())

    def test_none(self):
        self.sink.touch()
        self.assertEqual((self.show("--json"), self.show()), ("[]\n", ""))

    def follow(self, *words):
        return Following(self, *words)


class Damage(EventBench):
    def test_lines_that_are_no_objects(self):
        event = {"event": "good"}
        for junk in (b'{"event":"hal\n', b"\n", b"[]\n", b"7\n", b'"text"\n', b"\xff\xfe\n", b'{"a":"\xff"}\n', b"\0\n",
                     b'{"a":"\0"}\n', b'{"a":1}{"b":2}\n', b"[" * 5000 + b"\n", b'{"a":1e999\n',
                     b'{"a":1e999x}\n', b'{"a":+1e999}\n', b'[1e999]\n',
                     b'{"a":"' + b"x" * (4 << 20) + b'"}\n', b"x" * (9 << 20) + b"\n"):
            with self.subTest(junk=junk[:20]):
                self.sink.unlink(missing_ok=True)
                self.put(event, junk, event)
                words = f"tlsgraft: warning: events: {self.sink}:2: 1 line is no JSON object, and was left out; "
                self.assertEqual(self.names(err=words + "see what stands there\n"), ["good", "good"])

    def test_numbers_that_are_too_big(self):
        """They are left out of the columns, and nothing else is."""
        for number in ("1e999", "-1E+999", "1.5e9999", "123456789012345678901234567890", "-9223372036854775809",
                       "9" * 400, "9" * 400 + ".5"):
            with self.subTest(number=number):
                self.sink.unlink(missing_ok=True)
                line = ('{"a":%s,"port":443,"domain":"a.example","reason":"\\"1e999","b":[%s],"event":"1e999 %s"}'
                        % (number, number, number))
                self.put(line.encode() + b"\n", b'{"event":"x","port":%s}\n' % number.encode())
                self.assertEqual(self.show(), f'\t\t1e999 {number}\ta.example:443\t\t"1e999\t\n\t\tx\t\t\t\t\n')
                self.assertIn(f"  {line},\n", self.show("--json"))

    def test_one_warning_for_all(self):
        self.put({"event": "a"}, b"x\n", {"event": "b"}, b"y\n", b'{"event":"cut')
        result = self.call("--policy", self.policy, "events", "--json")
        self.assertEqual((result.returncode, json.loads(result.stdout)), (0, [{"event": "a"}, {"event": "b"}]), result)
        self.assertEqual(result.stderr.count("\n"), 1, result)
        self.assertIn(f"{self.sink}:2: 3 lines are no JSON objects", result.stderr)

    def test_last_line_without_its_line_break(self):
        self.put({"event": "a"}, b'{"event":"b"}')
        self.assertEqual(self.names(), ["a", "b"])

    def test_long_line(self):
        self.put({"event": "a"}, {"event": "long", "message": "x" * (1 << 20)}, {"event": "b"})
        rows = [line.split("\t") for line in self.show().splitlines()]
        self.assertEqual([(row[2], len(row[6])) for row in rows], [("a", 0), ("long", 1 << 20), ("b", 0)])

    def test_many_lines_in_little_memory(self):
        message = "x" * 1000
        with open(self.sink, "w", encoding="ascii") as file:
            for number in range(100_000):
                file.write(f'{{"event":"{number}","message":"{message}"}}\n')

        def little():
            resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))

        for words in ((), ("--json",)):
            with subprocess.Popen([COMMAND, "--policy", self.policy, "events", *words], stdout=subprocess.PIPE,
                                  preexec_fn=little) as process:
                lines = sum(1 for _ in process.stdout)
            self.assertEqual((process.returncode, lines), (0, 100_000 + 2 * len(words)))


class Since(EventBench):
    def stamped(self, *timestamps):
        self.sink.unlink(missing_ok=True)
        self.put(*[{"event": str(number), "timestamp": timestamp} for number, timestamp in enumerate(timestamps)])

    def test_times(self):
        self.stamped("2026-11-21T23:59:59Z", "2026-11-22T00:00:00Z", "2026-11-22T10:00:00Z",
                     "2026-11-22T10:00:00.25Z", "2026-11-22T12:00:00.5+02:00", "2026-11-22T10:00:01Z")
        for since, first in (("2026-11-22", 1), ("2026-11-22T00:00:00Z", 1), ("2026-11-22T10:00:00Z", 2),
                             ("2026-11-22t10:00:00z", 2), ("2026-11-22T11:30:00+01:30", 2),
                             ("2026-11-22T05:00:00-05:00", 2), ("2026-11-22T10:00:00.2Z", 3),
                             ("2026-11-22T10:00:00.2500000001Z", 3), ("2026-11-22T10:00:00.3Z", 4),
                             ("2026-11-22T09:59:60Z", 2), ("2026-11-22T10:00:01Z", 5), ("2026-11-23", 6),
                             ("0000-01-01", 0), ("9999-12-31", 6), ("999999999d", 0)):
            with self.subTest(since=since):
                self.assertEqual(self.names("--since", since), [str(number) for number in range(first, 6)])

    def test_how_long_ago(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        ages = [datetime.timedelta(**age) for age in ({"days": 8}, {"days": 6}, {"hours": 3}, {"hours": 1},
                                                      {"minutes": 10}, {"minutes": -10})]
        self.stamped(*[(now - age).strftime("%Y-%m-%dT%H:%M:%SZ") for age in ages])
        for since, first in (("7d", 1), ("48h", 2), ("2h", 3), ("30m", 4), ("3000s", 4), ("0s", 5)):
            self.assertEqual(self.names("--since", since), [str(number) for number in range(first, 6)], since)

    def test_units(self):
        """A unit that is a second too long or too short shows itself in thousands of them."""
        now = datetime.datetime.now(datetime.timezone.utc)
        for unit, count in (("seconds", 90_000), ("minutes", 9000), ("hours", 9000), ("days", 9000)):
            begin = now - datetime.timedelta(**{unit: count})
            self.stamped(*[(begin + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (-1, 1)])
            self.assertEqual(self.names("--since", f"{count}{unit[0]}"), ["1"], unit)

    def test_a_time_that_cannot_be_read_is_shown(self):
        self.stamped("2020-01-01T00:00:00Z", "yesterday", 7, None, "2020-02-30T00:00:00Z", "2020-01-01T00:00:00")
        self.put({"event": "6"})
        self.assertEqual(self.names("--since", "2026-01-01"), ["1", "2", "3", "4", "5", "6"])

    def test_what_is_no_time(self):
        for since in ("", "x", "yesterday", "5", "5w", "-5m", "5 m", "5mm", "m", "1.5h", "9999999999s", "2026",
                      "2026-11-31", "2026-11-22T10:00:00", "2026-11-22T10:00Z", "2026-11-22T24:00:00Z",
                      "2026-11-22T10:60:00Z", "2026-11-22T10:00:61Z", "2026-11-22T10:00:00.Z", "2026-11-22 10:00:00Z",
                      "2026-11-22T10:00:00+1", "2026-11-22T10:00:00+24:00", "2026-11-22T10:00:00Zx", "2026-11-22T"):
            with self.subTest(since=since):
                said = self.refuse(2, "--since", since)
                self.assertTrue(said.startswith(f"tlsgraft: events: --since '{since}': this is no time; allowed is"))


class Surroundings(EventBench):
    def test_help(self):
        result = self.call("events", "--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        self.assertIn("example:\n  tlsgraft events ", result.stdout)

    def test_usage(self):
        for words in (("--bogus",), ("--since",), ("events.jsonl",), ("a", "b")):
            result = self.call("--policy", self.policy, "events", *words)
            self.assertEqual((result.returncode, result.stdout), (2, ""), result)

    def test_policy(self):
        self.put({"event": "a"})
        result = self.call("events", env={"TLSGRAFT_POLICY": str(self.policy)})
        self.assertEqual((result.returncode, result.stdout), (0, "\t\ta\t\t\t\t\n"), result)
        for text in ("version = 1;\n", "version = 1; events: { stderr = true; };\n"):
            self.policy.write_text(text)
            self.assertIn(f"{self.policy}: it names no file for events, and no stream; add events: {{ file = ", self.refuse(2))
        self.policy.write_text("version = 2;\n")
        result = self.call("--policy", self.policy, "events")
        self.assertEqual((result.returncode, result.stdout), (2, ""), result)
        self.policy.unlink()
        result = self.call("--policy", self.policy, "events")
        self.assertEqual((result.returncode, result.stdout), (3, ""), result)

    def test_no_file_yet(self):
        err = f"tlsgraft: warning: events: {self.sink}: there is no such file: no event has been written yet\n"
        self.assertEqual((self.show(err=err), self.show("--json", err=err)), ("", "[]\n"))
        self.name_sink("none/events.jsonl")
        result = self.call("--policy", self.policy, "events")
        self.assertEqual((result.returncode, result.stdout), (0, ""), result)
        self.assertIn(f"there is no directory {self.folder}/none, so that no event can be written", result.stderr)

    def test_no_regular_file(self):
        for kind, make in (("FIFO", os.mkfifo), ("directory", os.mkdir),
                           ("symbolic link", lambda path: os.symlink(self.policy, path))):
            path = self.folder / kind.split(maxsplit=1)[0]
            make(path)
            self.name_sink(path.name)
            for words in ((), ("--follow",)):
                self.assertIn(f"{path}: it is a {kind}; ", self.refuse(3, *words))
        self.name_sink("/dev/null")
        self.assertIn("it is no regular file", self.refuse(3))

    def test_no_permission(self):
        self.folder.chmod(0o755)
        self.policy.chmod(0o644)
        self.put({"event": "a"})
        self.sink.chmod(0o600)
        command = self.install("place")
        for words in ((), ("--follow",)):
            said = self.refuse(3, *words, command=command, user=NOBODY, group=NOBODY)
            self.assertIn(f"{self.sink}: Permission denied; run this as a user who may read it", said)

    def test_full_disk(self):
        self.put({"event": "a"})
        for words in ("", "--follow", "--json"):
            result = self.call("-c", f'"$0" --policy "$1" events {words} >/dev/full', COMMAND, self.policy,
                               command="/bin/sh")
            self.assertEqual(result.returncode, 3, result)
            self.assertIn("stdout: the output could not be written", result.stderr)

    def test_no_inotify(self):
        self.put({"event": "a"})
        for function, error, cure in (("inotify_init1", "EMFILE", "max_user_instances"),
                                      ("inotify_add_watch", "ENOSPC", "max_user_watches")):
            # As the kernel does at its limits, which are those of a whole user.
            source = f"#include <errno.h>\nint {function}(void) {{ errno = {error}; return -1; }}"
            limited = self.compile("limited.so", source, "-shared", "-fPIC")
            result = self.call("--policy", self.policy, "events", "--follow", env={"LD_PRELOAD": str(limited)})
            self.assertEqual((result.returncode, result.stdout), (3, ""), result)
            self.assertIn(f"raise the sysctl fs.inotify.{cure}", result.stderr)


class Stream(EventBench):
    """The stream of Redis, which is read where the policy names no file."""

    def setUp(self):
        super().setUp()
        self.redis = redis_server.Redis(self, password="it's secret")
        self.name_stream()

    def name_stream(self, sinks="", password="it's secret"):
        self.write("password", password, 0o600)
        self.policy.write_text(
            f'version = 1; store: {{ type = "redis"; address = "127.0.0.1:{self.redis.port}"; timeout_ms = 5000;\n'
            f'password_file = "{self.folder}/password"; database = 3; }};\n'
            f'events: {{ redis_stream = "lab:events"; {sinks} }};\n')

    def add(self, *names, field="event", **more):
        for name in names:
            self.redis.cli("-n", "3", "XADD", "lab:events", "*", "other", "x", field, json.dumps({"event": name, **more}))

    def lost(self, why):
        return f"events: Redis 127.0.0.1:{self.redis.port}, stream lab:events: {why}"

    def test_more_than_fit_into_one_answer(self):
        long = "x" * (40 << 10)
        names = [f"e{number}" for number in range(70)]
        self.add(*names, message=long)
        rows = [line.split("\t") for line in self.show().splitlines()]
        self.assertEqual([row[2] for row in rows], names)
        self.assertEqual({row[6] for row in rows}, {long})
        self.assertEqual([event["event"] for event in json.loads(self.show("--json"))], names)

    def test_since(self):
        self.add("old", timestamp="2026-11-21T00:00:00Z")
        self.add("new", timestamp="2026-11-23T00:00:00Z")
        self.assertEqual(self.names("--since", "2026-11-22"), ["new"])

    def test_what_is_no_event(self):
        self.add("a")
        self.add("of another field", field="text")
        self.redis.cli("-n", "3", "XADD", "lab:events", "*", "event", "no JSON")
        self.add("b")
        result = self.call("--policy", self.policy, "events")
        self.assertEqual([line.split("\t")[2] for line in result.stdout.splitlines()], ["a", "b"])
        self.assertIn("stream lab:events:2: 2 lines are no JSON objects", result.stderr)

    def test_the_file_comes_first(self):
        self.name_stream(f'file = "{self.sink}";')
        self.add("in the stream")
        self.put({"event": "in the file"})
        self.assertEqual(self.names(), ["in the file"])

    def test_none_yet(self):
        err = "tlsgraft: warning: " + self.lost("there is no such stream: no event has been written yet\n")
        self.assertEqual((self.show(err=err), self.show("--json", err=err)), ("", "[]\n"))

    def test_not_reached(self):
        self.redis.cli("-n", "3", "SET", "lab:events", "x")
        self.assertIn("a key of the store holds something else", self.refuse(3))
        self.name_stream(password="wrong")
        self.assertIn("it refuses", self.refuse(3))
        self.redis.stop()
        for words in ((), ("--follow",)):
            self.assertIn(self.lost("nothing listens there; start it"), self.refuse(3, *words))

    def add_too_long(self):
        """An entry of more than may be read; its id."""
        return self.redis.cli("-n", "3", "-x", "XADD", "lab:events", "*", "event", stdin="x" * 1100000).strip()

    def left_out(self, entry):
        return self.lost(f"the entry {entry} is longer than 1 MiB, and was left out; ")

    def test_an_entry_that_is_too_long_hides_no_other(self):
        self.add("a", "b")
        entries = [self.add_too_long(), self.add_too_long()]
        self.add("c")
        result = self.call("--policy", self.policy, "events")
        self.assertEqual(([line.split("\t")[2] for line in result.stdout.splitlines()], result.returncode),
                         (["a", "b", "c"], 0), result)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 2, result)
        for line, entry in zip(lines, entries):
            self.assertIn(self.left_out(entry), line)
            self.assertTrue(line.endswith(f": XDEL lab:events {entry}"), line)
        result = self.call("--policy", self.policy, "events", "--json")
        self.assertEqual([event["event"] for event in json.loads(result.stdout)], ["a", "b", "c"])
        with Following(self) as following:
            self.assertEqual(following.names(3), ["a", "b", "c"])
            entry = self.add_too_long()
            self.add("d")
            self.assertEqual(following.name(), "d")
            for each in (*entries, entry):
                self.assertIn(self.left_out(each), following.error())

    def test_the_array_is_closed_where_redis_breaks_off(self):
        """A stand-in for Redis, which answers once, and then with what is no answer."""
        one = b"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$5\r\nevent\r\n$2\r\n{}\r\n"
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.policy.write_text(f'version = 1; store: {{ type = "redis"; address = '
                                   f'"127.0.0.1:{listening.getsockname()[1]}"; }}; events: {{ redis_stream = "s"; }};\n')

            def serve():
                link, _ = listening.accept()
                with link:
                    for answer in (one, b"?"):
                        link.recv(4096)
                        link.sendall(answer)
                    link.recv(4096)

            thread = threading.Thread(target=serve)
            thread.start()
            result = self.call("--policy", self.policy, "events", "--json")
            thread.join()
        self.assertEqual((json.loads(result.stdout), result.returncode), ([{}], 3), result)

    def test_follow(self):
        self.add("a")
        with Following(self) as following:
            self.assertEqual(following.name(), "a")
            for name in ("b", "c"):
                self.add(name)
                self.assertEqual(following.name(), name)
            self.add("d", "e")
            self.assertEqual(following.names(2), ["d", "e"])
            self.assertEqual(following.end(signal.SIGINT), (-signal.SIGINT, b""))

    def test_follow_while_redis_stops_and_starts(self):
        self.add("a")
        with Following(self) as following:
            self.assertEqual(following.name(), "a")
            self.redis.stop()
            self.assertIn(self.lost(""), following.error())
            self.redis.start()
            self.assertIn(self.lost("it is back"), following.error())
            self.add("b")
            self.assertEqual(following.name(), "b")

    def test_follow_before_the_first(self):
        with Following(self, "--json") as following:
            self.assertIn("waiting for the first", following.error())
            self.add("a")
            self.assertEqual(json.loads(following.line()), {"event": "a"})

    def test_closed_pipe(self):
        self.add("a", "b")
        words = '{ "$0" --policy "$1" events --follow; echo $? >&2; } | head -n 1'
        result = self.call("-c", words, COMMAND, self.policy, command="/bin/sh")
        self.assertEqual((result.stdout, result.stderr), ("\t\ta\t\t\t\t\n", f"{128 + signal.SIGPIPE}\n"), result)


class Following:
    """`tlsgraft events --follow`, whose lines are waited for."""

    def __init__(self, bench, *words):
        self.process = subprocess.Popen([COMMAND, "--policy", bench.policy, "events", "--follow", *words],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=bench.environment, bufsize=0)
        self.rest = {self.process.stdout: b"", self.process.stderr: b""}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def line(self, pipe=None):
        pipe = pipe or self.process.stdout
        while b"\n" not in self.rest[pipe]:
            if not select.select([pipe], [], [], PATIENCE)[0]:
                raise TimeoutError(f"no line came; there is {self.rest}")
            part = pipe.read(65536)
            if not part:
                raise EOFError(f"it has ended; there is {self.rest}, {self.process.communicate()}")
            self.rest[pipe] += part
        line, self.rest[pipe] = self.rest[pipe].split(b"\n", 1)
        return line.decode()

    def name(self):
        return self.line().split("\t")[2]

    def names(self, count):
        return [self.name() for _ in range(count)]

    def error(self):
        return self.line(self.process.stderr)

    def end(self, number):
        """It dies by the signal, and has said no more than was read."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        rest = b"".join(self.rest.values())
        return self.process.returncode, rest + out + err


class Follow(EventBench):
    def event(self, name):
        self.put({"event": name})

    def follow(self, *words):
        return Following(self, *words)

    def test_what_is_there_and_what_comes(self):
        self.event("a")
        self.event("b")
        with self.follow() as following:
            self.assertEqual(following.names(2), ["a", "b"])
            for name in "cde":
                self.event(name)
                self.assertEqual(following.name(), name)
            self.assertEqual(following.end(signal.SIGINT), (-signal.SIGINT, b""))

    def test_json_is_one_object_a_line(self):
        self.event("a")
        with self.follow("--json") as following:
            self.assertEqual(json.loads(following.line()), {"event": "a"})
            self.event("b")
            self.assertEqual(json.loads(following.line()), {"event": "b"})
            self.assertEqual(following.end(signal.SIGTERM), (-signal.SIGTERM, b""))

    def test_since_counts_for_what_comes_too(self):
        self.put({"event": "a", "timestamp": "2026-11-21T00:00:00Z"}, {"event": "b"})
        with self.follow("--since", "2026-11-22") as following:
            self.assertEqual(following.name(), "b")
            self.put({"event": "c", "timestamp": "2026-11-21T00:00:00Z"}, {"event": "d"})
            self.assertEqual(following.name(), "d")

    def test_half_lines(self):
        self.put({"event": "a"}, b'{"eve')
        with self.follow() as following:
            self.assertEqual(following.name(), "a")
            self.put(b'nt":"b"')
            self.put(b'}\n{"event"')
            self.assertEqual(following.name(), "b")
            self.put(b':"c"}\n')
            self.assertEqual(following.name(), "c")
            self.put(b'{"event":"junk\n')
            self.assertIn(f"{self.sink}:4: 1 line is no JSON object", following.error())
            self.assertEqual(following.end(signal.SIGTERM), (-signal.SIGTERM, b""))

    def test_renamed(self):
        self.event("a")
        with self.follow() as following:
            self.assertEqual(following.name(), "a")
            for turn in range(3):
                old = self.folder / f"events.jsonl.{turn}"
                self.sink.rename(old)
                self.put({"event": f"late {turn}"}, path=old)
                self.assertEqual(following.name(), f"late {turn}")
                self.event(f"new {turn}")
                self.assertEqual(following.name(), f"new {turn}")
                self.put({"event": f"later {turn}"}, path=old)
                self.assertEqual(following.name(), f"later {turn}")
                self.event(f"newer {turn}")
                self.assertEqual(following.name(), f"newer {turn}")

    def test_half_line_before_a_rotation(self):
        """It is told of once, when nobody can complete it any more."""
        self.put({"event": "a"}, b'{"event":"half')
        with self.follow() as following:
            self.assertEqual(following.name(), "a")
            self.sink.rename(self.folder / "1")
            self.event("b")
            self.assertEqual(following.name(), "b")
            self.sink.rename(self.folder / "2")
            self.event("c")
            self.assertEqual(following.name(), "c")
            self.assertIn(f"{self.sink}:2: 1 line is no JSON object", following.error())

    def test_cut_off(self):
        with self.follow() as following:
            self.assertIn("waiting for the first", following.error())
            self.event("the first one")
            self.event("the second one")
            self.assertEqual(following.names(2), ["the first one", "the second one"])
            for name in ("b", "a"):
                os.truncate(self.sink, 0)
                self.event(name)
                self.assertEqual(following.name(), name)
                self.event(f"longer than {name}")
                self.assertEqual(following.name(), f"longer than {name}")

    def test_cut_off_and_written_again(self):
        """Between two looks, and one byte shorter than before."""
        self.event("long")
        with self.follow() as following:
            self.assertEqual(following.name(), "long")
            following.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, following.process.pid, os.WSTOPPED)
            os.truncate(self.sink, 0)
            self.event("cut")
            following.process.send_signal(signal.SIGCONT)
            self.assertEqual(following.name(), "cut")

    def test_removed_and_made_again(self):
        self.event("a")
        with self.follow() as following:
            self.assertEqual(following.name(), "a")
            for name in "bc":
                self.sink.unlink()
                self.event(name)
                self.assertEqual(following.name(), name)

    def test_directory_that_is_not_there_yet(self):
        self.name_sink("one/two/events.jsonl")
        self.sink = self.folder / "one" / "two" / "events.jsonl"
        with self.follow() as following:
            self.assertIn(f"there is no directory {self.sink.parent}", following.error())
            self.sink.parent.mkdir(parents=True)
            self.event("a")
            self.assertEqual(following.name(), "a")
            (self.folder / "one").rename(self.folder / "old")
            self.sink.parent.mkdir(parents=True)
            self.event("b")
            self.assertEqual(following.name(), "b")
            self.sink.unlink()
            self.sink.parent.rmdir()
            self.sink.parent.parent.rmdir()
            self.sink.parent.mkdir(parents=True)
            self.event("c")
            self.assertEqual(following.name(), "c")

    def test_what_cannot_be_read_for_a_while(self):
        self.event("a")
        with self.follow() as following:
            self.assertEqual(following.name(), "a")
            self.sink.unlink()
            os.mkfifo(self.sink)
            self.assertIn(f"{self.sink}: it is a FIFO; ", following.error())
            self.sink.unlink()
            self.event("b")
            self.assertEqual(following.name(), "b")

    def test_mode_that_is_set_late(self):
        """As logrotate does: the file is made, then its mode and owner are set."""
        self.folder.chmod(0o755)
        self.policy.chmod(0o644)
        self.event("a")
        command = self.install("place")
        as_nobody = [command, "--policy", self.policy, "events", "--follow"]
        with subprocess.Popen(as_nobody, user=NOBODY, group=NOBODY, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            self.addCleanup(process.kill)
            timer = threading.Timer(PATIENCE, process.kill)
            timer.start()
            self.assertEqual(process.stdout.readline(), "\t\ta\t\t\t\t\n")
            self.sink.rename(self.folder / "old")
            os.close(os.open(self.sink, os.O_CREAT | os.O_WRONLY, 0o600))
            self.event("b")
            self.assertIn("Permission denied", process.stderr.readline())
            self.sink.chmod(0o644)
            self.assertEqual(process.stdout.readline(), "\t\tb\t\t\t\t\n")
            timer.cancel()
            process.kill()

    def test_directory_that_cannot_be_listed(self):
        self.folder.chmod(0o711)
        self.policy.chmod(0o644)
        self.put({"event": "a"})
        command = self.install("place")
        said = self.refuse(3, "--follow", command=command, user=NOBODY, group=NOBODY)
        self.assertIn("it cannot be watched: Permission denied; run this as a user who may list its directory", said)
        open_folder = self.folder / "open"
        open_folder.mkdir()
        self.name_sink("open/events.jsonl")
        (open_folder / "events.jsonl").write_text('{"event":"a"}\n')
        words = f'"{command}" --policy "{self.policy}" events --follow | head -n 1'
        result = self.call("-c", words, command="/bin/sh", user=NOBODY, group=NOBODY)
        self.assertEqual((result.returncode, result.stdout), (0, "\t\ta\t\t\t\t\n"), result)

    def test_closed_pipe(self):
        """It ends though no event comes any more."""
        self.event("a")
        self.event("b")
        for ignored in ("", "trap '' PIPE; "):
            words = f'{ignored}{{ "$0" --policy "$1" events --follow; echo $? >&2; }} | head -n 1'
            result = self.call("-c", words, COMMAND, self.policy, command="/bin/sh")
            self.assertEqual((result.stdout, result.stderr), ("\t\ta\t\t\t\t\n", f"{128 + signal.SIGPIPE}\n"), result)

    def test_many_writers_and_a_rotation(self):
        writers, each = 50, 40
        self.sink.touch()
        processes = []
        with self.follow() as following:
            for number in range(writers):
                processes.append(subprocess.Popen([sys.executable, "-ISc", APPEND, self.sink, str(number), str(each)]))
            names = following.names(writers * each // 2)
            self.sink.rename(self.folder / "old")
            names += following.names(writers * each - len(names))
            for process in processes:
                self.assertEqual(process.wait(PATIENCE), 0)
            self.assertEqual(sorted(names),
                             sorted(f"{number}-{count}" for number in range(writers) for count in range(each)))
            self.assertEqual(following.end(signal.SIGTERM), (-signal.SIGTERM, b""))

    def test_while_it_is_written_to(self):
        writers, each = 50, 40
        processes = [subprocess.Popen([sys.executable, "-ISc", APPEND, self.sink, str(number), str(each)])
                     for number in range(writers)]
        while not self.sink.exists() or any(process.poll() is None for process in processes):
            result = self.call("--policy", self.policy, "events", "--json")
            self.assertEqual(result.returncode, 0, result)
            json.loads(result.stdout)
        self.assertEqual(len(self.names()), writers * each)


if __name__ == "__main__":
    unittest.main()
