"""2. Programs: ab, a new connection for each request, with tlsgraft and with what is used in its place.

Found: programs.VARIANT.rate (requests/s), .cpu_ms (a request, of client and sidecar), .p50, .p99 (ms), .memory_kb
(added to a bare client), .title; programs.VARIANT.rates, a number for each round
"""
import contextlib
import csv
import re
from dataclasses import dataclass, field

from servers import SIDECARS, cpu_seconds, resident_kb, site
from world import ADDRESS, COMMAND, LAB, Failed, call, grafted, median

REQUESTS, AT_ONCE = 2000, 4


@dataclass
class Trial:
    name: str
    title: str
    url: str
    words: list = field(default_factory=list)
    env: dict = field(default_factory=dict)
    pid: int = None  # of the sidecar
    runs: list = field(default_factory=list)


def measure(world):
    call([COMMAND, "doctor", "ab"])
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(site(world))
        trials = governed(world, where)
        for name, start in SIDECARS.items():
            sidecar = stack.enter_context(start(world, where))
            trials.append(Trial(name, sidecar.title, f"http://{ADDRESS}:{sidecar.plain}/", pid=sidecar.pid))
            trials.append(Trial(f"{name}-credential", f"{sidecar.title}, client certificate",
                                f"http://{ADDRESS}:{sidecar.showing}/", pid=sidecar.pid))
        rounds = world.scaled(7, 1)
        for turn in range(rounds):
            # Each round begins with another one, and what comes early in it is not always the same.
            start = turn % len(trials)
            for trial in trials[start:] + trials[:start]:
                trial.runs.append(run(world, trial))
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


def run(world, trial):
    """One run of ab: rate, CPU of client and sidecar in ms for each request, p50, p99, kB at the client's peak."""
    count = world.scaled(REQUESTS, 200)
    table, usage = world.folder / "ab.csv", world.folder / "ab.usage"
    before = cpu_seconds(trial.pid) if trial.pid else 0
    env = [f"{name}={value}" for name, value in trial.env.items()]
    argv = ["env", *env, "ab", "-q", "-n", count, "-c", AT_ONCE, "-e", table, *trial.words, trial.url]
    text = call([LAB / "bench_run", usage, *argv]).stdout
    after = cpu_seconds(trial.pid) if trial.pid else 0
    # All of them answered, and with a page: an error page of a sidecar has another length and status.
    if not re.search(rf"Complete requests: +{count}\nFailed requests: +0\n", text) or "Non-2xx" in text:
        raise Failed(f"{' '.join(map(str, argv))}: not every request succeeded: {text[-1500:]}")
    rows = {row["Percentage served"]: float(row["Time in ms"]) for row in csv.DictReader(table.open())}
    rate = float(re.search(r"Requests per second:\s+([\d.]+)", text)[1])
    own, peak = usage.read_text().split()
    return rate, (float(own) + after - before) * 1000 / count, rows["50"], rows["99"], int(peak)


def tell(world, trials):
    bare = median([run[4] for run in trials[0].runs])
    for trial in trials:
        rates, cpus, halves, nearly, peaks = zip(*trial.runs)
        found = f"programs.{trial.name}"
        world.found[f"{found}.title"] = trial.title
        world.found[f"{found}.rates"] = rates
        world.found[f"{found}.rate"] = median(rates)
        world.found[f"{found}.cpu_ms"] = median(cpus)
        world.found[f"{found}.p50"] = median(halves)
        world.found[f"{found}.p99"] = median(nearly)
        # A sidecar serves both of its trials at once, and is there beside a bare client.
        world.found[f"{found}.memory_kb"] = resident_kb(trial.pid) if trial.pid else median(peaks) - bare
