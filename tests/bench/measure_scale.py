"""4. Scale: large policies, large stores.

Found: scale.RULES.load_ns, .peak_kb, .kept_kb, .hit_ns, .wildcard_ns, .miss_ns; store.KIND.list_s, .check_s,
store.records
"""
import contextlib
import random
import time
import types

from redis_server import Redis
from world import COMMAND, LAB, Failed, call, median, pin_text

SIZES = (10, 1000, 10000, 100000)


def measure(world):
    for rules in SIZES:
        policies(world, rules)
    stores(world)


def policies(world, rules):
    """Half of the rules are for a name, half for all names below one; each has another pin."""
    names = [f"host{number}.example.net" for number in range(rules // 2)]
    groups = [f"group{number}.example.org" for number in range(rules - rules // 2)]
    domains = names + [f"*.{group}" for group in groups]
    order = random.Random(1)
    order.shuffle(domains)
    policy = world.policy(f"scale-{rules}", [f'domain = "{domain}"; keys = "sha256//{pin_text(number)}";'
                                             for number, domain in enumerate(domains)])
    asked = {"hit": names, "wildcard": [f"www.{group}" for group in groups],
             "miss": [f"www{number}.nobody.example" for number in range(rules // 2)]}
    files = {}
    for what, listed in asked.items():
        order.shuffle(listed)
        files[what] = world.folder / f"names-{rules}-{what}"
        files[what].write_text("".join(f"{name}\n" for name in listed))
    runs = []
    for _turn in range(world.scaled(7, 1)):
        runs.append([line.split() for line in call([LAB / "bench_lookup", policy, *files.values()]).stdout.splitlines()])
    found = f"scale.{rules}"
    for place, name in enumerate(("load_ns", "peak_kb", "kept_kb")):
        world.found[f"{found}.{name}"] = median([int(run[0][place]) for run in runs])
    for place, what in enumerate(asked):
        for run in runs:
            matched, count = int(run[place + 1][0]), int(run[place + 1][1])
            if matched != (0 if what == "miss" else count):
                raise Failed(f"{what}: {matched} of {count} names found a rule among {rules}")
        world.found[f"{found}.{what}_ns"] = median([float(run[place + 1][2]) for run in runs])


def stores(world):
    with contextlib.ExitStack() as stack:
        redis = Redis(types.SimpleNamespace(addCleanup=stack.callback))
        settings = {"directory": f'type = "directory"; path = "{world.folder}/store";',
                    "redis": f'type = "redis"; address = "127.0.0.1:{redis.port}";'}
        (world.folder / "store").mkdir(exist_ok=True)
        for kind, setting in settings.items():
            # All records at once, on a machine that may be slow.
            store(world, kind, f'organisation = "bench"; store: {{ {setting} timeout_ms = 10000; }};')


def store(world, kind, settings):
    count = world.scaled(10000, 50)
    empty = world.policy(f"{kind}-empty", ['domain = "*"; min_version = "1.0";'], extra=settings)
    ids = call([LAB / "bench_records", empty, count]).stdout.split()
    policy = world.policy(f"{kind}-full", [f'domain = "host{number}.example.net"; keys = "{which}";'
                                           for number, which in enumerate(ids)], extra=settings)
    world.found["store.records"] = count
    turns = world.scaled(3, 1)
    listed, seconds = timed([COMMAND, "--policy", policy, "cert", "list"], turns)
    if len(listed.splitlines()) != count:
        raise Failed(f"cert list: {len(listed.splitlines())} lines for {count} records")
    world.found[f"store.{kind}.list_s"] = seconds
    _text, world.found[f"store.{kind}.check_s"] = timed([COMMAND, "policy", "check", policy], turns)


def timed(argv, turns):
    """What it prints, and the median of the seconds it takes."""
    seconds = []
    for _turn in range(turns):
        before = time.monotonic()
        text = call(argv).stdout
        seconds.append(time.monotonic() - before)
    return text, median(seconds)
