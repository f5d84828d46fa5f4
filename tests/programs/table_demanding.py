"""Servers that demand a client certificate, for the table of programs.

Each is a context manager of a Demanding. What it says of its clients is known when the block has ended, and read from
what the server itself wrote.
"""
import contextlib
import re
import signal

from lab import GREETING
from server import NO_CERTIFICATE, PATIENCE
from table_servers import LOOPBACK, Recorder, free_port, listening, running

NGINX = """
user www-data;
pid {folder}/nginx.pid;
daemon off;
events {{ }}
http {{
    log_format client '$ssl_client_verify $ssl_client_s_dn';
    access_log {log} client;
    server {{
        listen {host}:{port} ssl;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_client_certificate {ca};
        ssl_verify_client on;
        location / {{
            return 200 "{greeting}\\n";
        }}
    }}
}}
"""


class Demanding:
    """told: function of what the client printed -> each connection in the order in which they came: the common name of
    the client's certificate ("": it had one, which is all that is told), or None if it had none and was refused for
    that. Known when the server has ended.
    page: a regular expression for what a client prints that was served. answers: whether it serves clients at all.
    """

    def __init__(self, port, told, page=GREETING, answers=True):
        self.port = port
        self.told = told
        self.page = page
        self.answers = answers


def _subjects(text, pattern):
    """The subjects in a log. pattern: the first group is the subject; it is not there where one was refused."""
    return [match[1] for match in re.finditer(pattern, text, re.M)]


def _read(log):
    return log.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def nginx(folder, chain, key, ca):
    """It shakes hands with anyone, and answers 400 to who has no certificate. It sends the CA's name."""
    port, log, settings = free_port(), folder / "access.log", folder / "demanding.conf"
    settings.write_text(NGINX.format(folder=folder, log=log, host=LOOPBACK, port=port, chain=chain, key=key, ca=ca,
                                     greeting=GREETING))
    with listening(["nginx", "-p", folder, "-c", settings, "-e", "stderr"], port,
                   log=folder / "nginx.log") as process:
        yield Demanding(port, lambda _: _subjects(_read(log), r"^(?:NONE|SUCCESS CN=(\S+))"))
        process.send_signal(signal.SIGQUIT)  # it writes down all that it has served, and ends
        process.wait(PATIENCE)


def s_server(tls, trust):
    """openssl s_server. tls, trust: the options for the version, and for the CA's file.

    Its answer is a page that tells the subject of the client's certificate.
    """
    @contextlib.contextmanager
    def started(folder, chain, key, ca):
        log, listens = folder / "s_server.log", r"^ACCEPT \S+:(\d+)$"
        argv = ["openssl", "s_server", "-accept", f"{LOOPBACK}:0", "-www", "-cert", chain, "-key", key, "-Verify", 2,
                "-verify_return_error", tls, trust, ca]
        with running(argv, lambda: _subjects(_read(log), listens), log=log):
            yield Demanding(*_subjects(_read(log), listens),
                            lambda _: _subjects(_read(log), rf"^depth=0 CN ?= ?(\S+)$|{NO_CERTIFICATE}"),
                            page=r"Subject: CN ?= ?\S+")
    return started


def recorder(tls, preamble):
    """A server that ends each connection at the first bytes. It sends no CA names."""
    @contextlib.contextmanager
    def started(_folder, chain, key, ca):
        seen = []
        with contextlib.closing(Recorder(chain, key, preamble=preamble, http=False, tls=tls, client_ca=ca)) as server:
            yield Demanding(server.port, lambda _: [one.client_name for one in seen],
                            answers=False)
            seen += [one for one in server.finish() if one.client_name or NO_CERTIFICATE in one.error]
    return started


def own(program):
    """The program's real server."""
    @contextlib.contextmanager
    def started(folder, chain, key, ca):
        with program.server(folder, chain, key, ca) as port:
            yield Demanding(port, lambda printed: _subjects(
                _read(folder / f"{program.server.__name__}.log") + printed, program.subject))
    return started
