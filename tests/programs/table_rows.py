"""The programs of the table, a row each: unmodified, as Debian has them, with what each needs to be started."""
import pathlib
from dataclasses import dataclass
from typing import Callable, Optional

from lab import GREETING, PYTHON, REQUEST
from server import NO_CERTIFICATE
from table_servers import mosquitto, postgresql, redis


@dataclass(frozen=True)
class Place:
    """What a command is made of."""

    port: int
    ca: pathlib.Path
    folder: pathlib.Path  # the row's own

    @property
    def url(self):
        return f"https://localhost:{self.port}/"

    @property
    def address_url(self):
        """For programs that do not go on well after ::1, which localhost may be first."""
        return f"https://127.0.0.1:{self.port}/"

    @property
    def listen(self):
        """Where a daemon listens for clients in clear: a path, so that no port can be taken meanwhile."""
        return self.folder / "listen"


@dataclass(frozen=True)
class Program:
    """argv: function of Place. words: in what it prints, or in the daemon's answer, when all went well, whatever the
    page; None: the page is.

    refused: function of Result -> whether it ended as it does when its own TLS refuses a server.
    server: a real server for the right pin, for a program that speaks no HTTP. preamble: what comes before TLS in its
    protocol. check: function of Place -> a command that shows the effect on the real server, run as it is.
    subject: a regular expression for what the server's log, or else the program, tells where the server demands client
    certificates: the common name is the first group, empty where it is not told whose certificate was accepted, and
    not there where one was refused that had none.
    daemon: it serves at Place.listen, and is asked for a page there.
    examined: the file that doctor is asked about, where a program has others do its TLS. Where doctor says no, that
    is the cell, and `argv` need not be there.
    """

    name: str
    package: str
    argv: Optional[Callable] = None
    refused: Optional[Callable] = None
    words: Optional[str] = None  # a regular expression
    stdin: str = ""
    server: Optional[Callable] = None
    subject: Optional[str] = None
    preamble: Optional[tuple] = None
    check: Optional[Callable] = None
    daemon: bool = False
    examined: Optional[str] = None


def says(*words, status=None):
    """It prints one of the words, and ends with the status, or any other than 0."""
    def refused(result):
        right = result.status not in (0, None) if status is None else result.status == status
        return right and any(word in result.text for word in words)
    return refused


def _write(place, name, text):
    path = place.folder / name
    path.write_text(text)
    return path


HTTP_CLIENT = """
import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=context)
connection.request("GET", "/")
print(connection.getresponse().read().decode())
"""

ASYNCIO = """
import asyncio, ssl, sys
async def main():
    context = ssl.create_default_context(cafile=sys.argv[2])
    reader, writer = await asyncio.open_connection("localhost", int(sys.argv[1]), ssl=context)
    writer.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    print((await reader.read()).decode())
    writer.close()
asyncio.run(main())
"""

PERL = """
use IO::Socket::SSL;
my $server = IO::Socket::SSL->new(PeerHost => "localhost", PeerPort => $ARGV[0], SSL_ca_file => $ARGV[1])
    or die "no connection: $SSL_ERROR";
print $server "GET / HTTP/1.0\\r\\n\\r\\n";
print while <$server>;
"""

RUBY = """
require "net/http"
Net::HTTP.start("localhost", ARGV[0].to_i, use_ssl: true, ca_file: ARGV[1]) { |http| print http.get("/").body }
"""

PHP = """
$page = file_get_contents("https://localhost:$argv[1]/", false,
    stream_context_create(["ssl" => ["cafile" => $argv[2]]]));
if ($page === false) exit(1);
print $page;
"""

STUNNEL = """
foreground = yes
syslog = no
debug = err
pid =
[lab]
client = yes
accept = {place.listen}
connect = localhost:{place.port}
CAfile = {place.ca}
verifyChain = yes
checkHost = localhost
"""

# The workers become www-data, as Debian's do.
NGINX = """
user www-data;
pid {place.folder}/nginx.pid;
daemon off;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {place.folder}/body;
    proxy_temp_path {place.folder}/proxy;
    fastcgi_temp_path {place.folder}/fastcgi;
    scgi_temp_path {place.folder}/scgi;
    uwsgi_temp_path {place.folder}/uwsgi;
    server {{
        listen unix:{place.listen};
        location / {{
            proxy_pass https://localhost:{place.port};
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {place.ca};
        }}
    }}
}}
"""

HAPROXY = """
defaults
    mode http
    timeout connect 30s
    timeout client 30s
    timeout server 30s
    retries 0
frontend clients
    bind unix@{place.listen}
    default_backend lab
backend lab
    server lab 127.0.0.1:{place.port} ssl verify required ca-file {place.ca} sni str(localhost)
"""


def _nginx(place):
    settings = _write(place, "nginx.conf", NGINX.format(place=place))
    return ["nginx", "-p", place.folder, "-c", settings, "-e", "stderr"]


def _stunnel(place):
    return ["stunnel4", _write(place, "stunnel.conf", STUNNEL.format(place=place))]


def _haproxy(place):
    return ["haproxy", "-db", "-f", _write(place, "haproxy.cfg", HAPROXY.format(place=place))]


def _siege(place):
    settings = _write(place, "siegerc", "verbose = true\nparser = false\nlogging = false\njson_output = false\n")
    return ["siege", "-R", settings, "-c1", "-r1", place.address_url]


SSL_OF_THIS_CONNECTION = ("select 'TLS: ' || ssl || ' ' || coalesce(client_dn, 'nobody') from pg_stat_ssl "
                          "where pid = pg_backend_pid()")


def _psql(place):
    return ["psql", "-X", "-At", "-c", SSL_OF_THIS_CONNECTION,
            f"host=localhost port={place.port} user=postgres dbname=postgres sslmode=verify-full "
            f"sslrootcert={place.ca}"]


def _redis_cli(*words):
    return lambda place: ["redis-cli", "--tls", "--cacert", place.ca, "-h", "localhost", "-p", place.port, *words]


def _mosquitto(program, *words):
    return lambda place: [program, "-h", "localhost", "-p", place.port, "--cafile", place.ca, "-t", "lab", *words]


PROGRAMS = [
    Program("ab", "apache2-utils", lambda place: ["ab", "-n", 1, "-v", 4, place.address_url],
            says("SSL handshake failed", status=0)),
    Program("curl", "curl", lambda place: ["curl", "-sS", "--cacert", place.ca, place.url],
            says("SSL certificate problem", status=60)),
    Program("git", "git", examined="/usr/lib/git-core/git-remote-https"),
    Program("haproxy", "haproxy", _haproxy, says("503 Service Unavailable", status=0), daemon=True),
    Program("mosquitto_pub", "mosquitto-clients", _mosquitto("mosquitto_pub", "-d", "-q", 1, "-r", "-m", GREETING),
            says("A TLS error occurred", "Protocol error"), words="received PUBACK",
            server=mosquitto, check=_mosquitto("mosquitto_sub", "-C", 1),
            subject=rf"New client connected .* u'(.*)'\)|{NO_CERTIFICATE}"),
    Program("ncat", "ncat", lambda place: ["ncat", "--ssl-verify", "--ssl-trustfile", place.ca, "localhost",
                                           place.port], says("Input/output error"), stdin=REQUEST),
    Program("nginx proxy_ssl", "nginx", _nginx, says("502 Bad Gateway", status=0), daemon=True),
    Program("openssl s_client", "openssl",
            lambda place: ["openssl", "s_client", "-quiet", "-CAfile", place.ca, "-connect", f"localhost:{place.port}"],
            says("certificate verify failed"), stdin=REQUEST),
    Program("perl IO::Socket::SSL", "libio-socket-ssl-perl",
            lambda place: ["perl", "-e", PERL, place.port, place.ca], says("certificate verify failed")),
    Program("php streams", "php-cli", lambda place: ["php", "-r", PHP, "--", place.port, place.ca],
            says("certificate verify failed")),
    Program("psql", "postgresql-client-15", _psql, says("SSL error: certificate verify failed", status=2),
            words="TLS: true", server=postgresql, preamble=(b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"),
            subject="TLS: true /CN=(.*)|connection requires a valid client certificate"),
    Program("python3 asyncio", "python3", lambda place: [PYTHON, "-c", ASYNCIO, place.port, place.ca],
            says("CERTIFICATE_VERIFY_FAILED", status=1)),
    Program("python3 http.client", "python3", lambda place: [PYTHON, "-c", HTTP_CLIENT, place.port, place.ca],
            says("CERTIFICATE_VERIFY_FAILED", status=1)),
    Program("redis-cli", "redis-tools", _redis_cli("SET", "lab", GREETING), says("SSL_connect failed"),
            words="OK", server=redis, check=_redis_cli("GET", "lab"),
            subject=f"^()OK$|{NO_CERTIFICATE}"),
    Program("ruby net/http", "ruby", lambda place: ["ruby", "-e", RUBY, place.port, place.ca],
            says("certificate verify failed")),
    Program("siege", "siege", _siege, says("Failed to make an SSL connection", status=0), words="HTTP/1.[01] 200"),
    Program("socat", "socat", lambda place: ["socat", "-", f"OPENSSL:localhost:{place.port},cafile={place.ca}"],
            says("certificate verify failed"), stdin=REQUEST),
    Program("stunnel", "stunnel4", _stunnel, says("certificate verify failed", status=0), daemon=True),
    Program("w3m", "w3m", lambda place: ["w3m", "-dump_source", "-o", f"ssl_ca_file={place.ca}", "-o",
                                         "ssl_verify_server=1", place.url],
            says("certificate verify failed", status=0)),
    Program("wget", "wget"),
    Program("wrk", "wrk", lambda place: ["wrk", "-t", 1, "-c", 1, "-d", 1, place.url], says("0 requests in", status=0),
            words=r"requests in \S+ (?!0\.00B)\S+ read(?![\s\S]*Non-2xx)"),
]
