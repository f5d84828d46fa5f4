"""The TLS server of the programs, and the sidecars that speak TLS to it for a client that speaks plain HTTP."""
import contextlib
import os
import pathlib
import socket
from dataclasses import dataclass

from placement import on
from table_servers import listening
from world import ADDRESS

NAME = "localhost"  # in the server's certificate
PAGE = "hello"


@dataclass
class Site:
    """port: nginx with TLS. asking: the same, and it takes nobody without a client certificate."""

    port: int
    asking: int
    pid: int = None


@dataclass
class Sidecar:
    """plain: for HTTP in clear, led to Site.port. showing: the same to Site.asking, with a client certificate."""

    title: str
    pid: int
    plain: int
    showing: int


# One worker of each server: it has a core, or its share of one, and no more.
NGINX = """daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log stderr crit; {user}
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_timeout 0;
  client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
  fastcgi_temp_path {folder}/{name}.fastcgi; uwsgi_temp_path {folder}/{name}.uwsgi; scgi_temp_path {folder}/{name}.scgi;
{servers}}}
"""


def two_ports():
    """Two that are free, and not the same."""
    with socket.create_server((ADDRESS, 0)) as one, socket.create_server((ADDRESS, 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _nginx(world, name, servers):
    settings = world.folder / f"{name}.conf"
    # The worker of a master that root started has to read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    settings.write_text(NGINX.format(folder=world.folder, name=name, servers=servers, user=user))
    return ["nginx", "-e", "stderr", "-c", settings, "-p", world.folder]


@contextlib.contextmanager
def site(world, core=None):
    """core: the one that it runs on; None: any."""
    who = world.p256
    found = Site(*two_ports())
    common = (f"ssl_certificate {who['folder']}/server.pem; ssl_certificate_key {who['folder']}/server.key; "
              f"ssl_session_cache off; ssl_session_tickets off; location / {{ return 200 \"{PAGE}\"; }}")
    ask = f"ssl_verify_client on; ssl_client_certificate {who['root'].certificate};"
    servers = (f"  server {{ listen {ADDRESS}:{found.port} ssl; {common} }}\n"
               f"  server {{ listen {ADDRESS}:{found.asking} ssl; {ask} {common} }}\n")
    argv = on(core, _nginx(world, "site", servers))
    with listening(argv, found.port, log=world.folder / "site.log") as process:
        found.pid = process.pid
        yield found


@contextlib.contextmanager
def _run(title, argv, ports, world, core):
    with listening(on(core, argv), ports[1], log=world.folder / f"{title.split()[0]}.log") as process:
        yield Sidecar(title, process.pid, *ports)


def stunnel(world, where, core):
    who = world.p256
    ports = two_ports()
    services = "".join(
        f"[{name}]\nclient = yes\naccept = {ADDRESS}:{port}\nconnect = {ADDRESS}:{target}\nsessionResume = no\n"
        f"verifyChain = yes\nCAfile = {who['root'].certificate}\ncheckHost = {NAME}\n{more}"
        for name, port, target, more in (("plain", ports[0], where.port, ""),
                                         ("showing", ports[1], where.asking, f"cert = {who['pair']}\n")))
    settings = world.folder / "stunnel.conf"
    settings.write_text(f"foreground = yes\npid =\nsyslog = no\ndebug = 3\n{services}")
    return _run("stunnel (sessionResume = no)", ["stunnel", settings], ports, world, core)


def haproxy(world, where, core):
    who = world.p256
    ports = two_ports()
    verify = f"ssl verify required ca-file {who['root'].certificate} verifyhost {NAME} no-ssl-reuse"
    parts = "".join(
        f"listen {name}\n  bind {ADDRESS}:{port}\n  server one {ADDRESS}:{target} {verify}{more}\n"
        for name, port, target, more in (("plain", ports[0], where.port, ""),
                                         ("showing", ports[1], where.asking, f" crt {who['pair']}")))
    settings = world.folder / "haproxy.cfg"
    settings.write_text("global\n  nbthread 1\ndefaults\n  mode http\n  http-reuse never\n  timeout connect 10s\n"
                        f"  timeout client 10s\n  timeout server 10s\n{parts}")
    argv = ["haproxy", "-db", "-q", "-f", settings]
    return _run("HAProxy (no-ssl-reuse, http-reuse never)", argv, ports, world, core)


def nginx(world, where, core):
    who = world.p256
    ports = two_ports()
    verify = (f"proxy_ssl_verify on; proxy_ssl_trusted_certificate {who['root'].certificate}; proxy_ssl_name {NAME}; "
              "proxy_ssl_verify_depth 3; proxy_ssl_server_name on; proxy_ssl_session_reuse off;")
    key = (f"proxy_ssl_certificate {who['client'].certificate}; proxy_ssl_certificate_key {who['client'].key};")
    servers = "".join(
        f"  server {{ listen {ADDRESS}:{port}; "
        f"location / {{ proxy_pass https://{ADDRESS}:{target}; {verify} {more} }} }}\n"
        for port, target, more in ((ports[0], where.port, ""), (ports[1], where.asking, key)))
    return _run("nginx proxy_ssl (session reuse off)", _nginx(world, "proxy", servers), ports, world, core)


SIDECARS = {"stunnel": stunnel, "haproxy": haproxy, "nginx": nginx}


def family(pid):
    """The ids of a process and of all that it started."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def cpu_seconds(pid):
    """Of a process and of all that it started, those that ended included."""
    ticks = 0
    for who in family(pid):
        words = pathlib.Path(f"/proc/{who}/stat").read_text().rsplit(") ", 1)[1].split()
        ticks += sum(int(word) for word in words[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_kb(pid):
    """What is resident of a process and of all that it started; what they share counts once (Pss)."""
    total = 0
    for who in family(pid):
        for line in pathlib.Path(f"/proc/{who}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total
