"""2. Programs: ab, a new connection for each request, with tlsgraft and with what is used in its place.

A client and its sidecar share a core: what they need together is what either costs, and no second core stands idle
that would do the sidecar's work beside the client's. The server has another one.

Found: programs.VARIANT.rate (requests/s), .cpu_ms (a request, of client and sidecar), .p50, .p99 (ms), .memory_kb
(added to a bare client), .share (of their core that client and sidecar had), .server_ms (the server's CPU a
request), .server_share (of its core), .title;
programs.VARIANT.rates and .cpus, a number for each round; programs.placed
"""
import contextlib
import csv
import re
from dataclasses import dataclass, field

from placement import cores, on
from servers import SIDECARS, cpu_seconds, resident_kb, site
from world import ADDRESS, COMMAND, LAB, Failed, call, grafted, median

REQUESTS, AT_ONCE, ROUNDS = 2000, 4, 11


@dataclass
class Run:
    """cpu_ms: a request, of client and sidecar; server_ms: of the server. peak_kb: resident, the client's."""

    rate: float
    cpu_ms: float
    p50: float
    p99: float
    peak_kb: int
    server_ms: float


@dataclass
class Trial:
    name: str
    title: str
    url: str
    words: list = field(default_factory=list)
    env: dict = field(default_factory=dict)
    pid: int = None  # of the sidecar
    runs: list = field(default_factory=list)

    def each(self, what):
        return [getattr(run, what) for run in self.runs]


def measure(world):
    call([COMMAND, "doctor", "ab"])
    ours, servers = cores()
    world.found["programs.placed"] = ours is not None
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(site(world, servers))
        trials = governed(world, where)
        for name, start in SIDECARS.items():
            sidecar = stack.enter_context(start(world, where, ours))
            trials.append(Trial(name, sidecar.title, f"http://{ADDRESS}:{sidecar.plain}/", pid=sidecar.pid))
            trials.append(Trial(f"{name}-credential", f"{sidecar.title}, client certificate",
                                f"http://{ADDRESS}:{sidecar.showing}/", pid=sidecar.pid))
        for turn in range(world.scaled(ROUNDS, 1)):
            # Each round begins with another one, and what comes early in it is not always the same.
            start = turn % len(trials)
            for trial in trials[start:] + trials[:start]:
                trial.runs.append(run(world, trial, ours, where.pid))
        tell(world, trials)


def governed(world, where):
    who = world.p256
    pinned = f'domain = "{ADDRESS}"; keys = "{who["server"].pin}";'
    plain, asking = f"https://{ADDRESS}:{where.port}/", f"https://{ADDRESS}:{where.asking}/"
    trials = [Trial("bare", "ab, bare", plain),
              Trial("pinned", "ab, pinned", plain, env=grafted(world.policy("ab-pinned", [pinned]))),
              Trial("bare-credential", "ab, bare, client certificate of its own (`-E`)", asking,
                    words=["-E", str(who["pair"])])]
    upstream = [f'domain = "{ADDRESS}"; certificate = "{who["pair"]}";']
    policy = world.policy("ab-credential", [pinned], upstream=upstream)
    return [*trials, Trial("credential", "ab, pinned, client certificate", asking, env=grafted(policy))]


def run(world, trial, core, server):
    """One run of ab."""
    count = world.scaled(REQUESTS, 200)
    table, usage = world.folder / "ab.csv", world.folder / "ab.usage"
    pids = [server] + ([trial.pid] if trial.pid else [])
    before = [cpu_seconds(pid) for pid in pids]
    env = [f"{name}={value}" for name, value in trial.env.items()]
    argv = ["env", *env, "ab", "-q", "-n", count, "-c", AT_ONCE, "-e", table, *trial.words, trial.url]
    text = call([LAB / "bench_run", usage, *on(core, argv)]).stdout
    server_took, *sidecar_took = [cpu_seconds(pid) - one for pid, one in zip(pids, before)]
    # All of them answered, and with a page: an error page of a sidecar has another length and status.
    if not re.search(rf"Complete requests: +{count}\nFailed requests: +0\n", text) or "Non-2xx" in text:
        raise Failed(f"{' '.join(map(str, argv))}: not every request succeeded: {text[-1500:]}")
    rows = {row["Percentage served"]: float(row["Time in ms"]) for row in csv.DictReader(table.open())}
    rate = float(re.search(r"Requests per second:\s+([\d.]+)", text)[1])
    own, peak = usage.read_text().split()
    return Run(rate, (float(own) + sum(sidecar_took)) * 1000 / count, rows["50"], rows["99"], int(peak),
               server_took * 1000 / count)


def tell(world, trials):
    bare = median(trials[0].each("peak_kb"))
    for trial in trials:
        found = f"programs.{trial.name}"
        world.found[f"{found}.title"] = trial.title
        world.found[f"{found}.rates"] = trial.each("rate")
        world.found[f"{found}.cpus"] = trial.each("cpu_ms")
        for what in ("rate", "cpu_ms", "p50", "p99", "server_ms"):
            world.found[f"{found}.{what}"] = median(trial.each(what))
        world.found[f"{found}.share"] = median([run.cpu_ms * run.rate / 1000 for run in trial.runs])
        world.found[f"{found}.server_share"] = median([run.server_ms * run.rate / 1000 for run in trial.runs])
        # A sidecar serves both of its trials at once, and is there beside a bare client.
        added = resident_kb(trial.pid) if trial.pid else median(trial.each("peak_kb")) - bare
        world.found[f"{found}.memory_kb"] = added
