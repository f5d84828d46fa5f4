"""5. Memory: of a process at rest, for each connection, and the allocations of a handshake.

Found: memory.rest.PROGRAM.rss_kb, .private_kb (added); memory.connection.bytes (the heap's), .rss_bytes;
memory.allocations.VARIANT.all (a handshake of the client, more than bare), .ours
"""
import contextlib
import pathlib
import subprocess

from variants import VARIANTS, command, environment, policies
from worker import Worker
from world import LAB, SANE, grafted, median, pins

COUNTER = LAB / "libbench_allocations.so"


def measure(world):
    made = policies(world, "tls13")
    chosen = {variant.name: variant for variant in VARIANTS}
    at_rest(world, chosen["bare"])
    connections(world, chosen, made)
    allocations(world, made)


def rollup(pid):
    """kB: what is resident, and what is this process's alone."""
    numbers = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        word, value, _unit = line.split()
        numbers[word] = int(value)
    return numbers["Rss:"], numbers["Private_Clean:"] + numbers["Private_Dirty:"]


def at_rest(world, variant):
    """`cat`, which has no libssl, and a client that has made its SSL_CTX and waits."""
    ten = grafted(world.policy("rest-ten", pins(10)))
    programs = {"without libssl": ["/bin/cat"], "with libssl": command(world, "tls13", variant)}
    for name, argv in programs.items():
        seen = {"bare": [], "tlsgraft": []}
        for _turn in range(world.scaled(11, 1)):
            for which, env in (("bare", {}), ("tlsgraft", ten)):
                seen[which].append(waiting(argv, env))
        for place, what in enumerate(("rss_kb", "private_kb")):
            added = median([one[place] for one in seen["tlsgraft"]]) - median([one[place] for one in seen["bare"]])
            world.found[f"memory.rest.{name}.{what}"] = added


def waiting(argv, env):
    """The memory of a program that has answered a line, and waits for the next one."""
    with subprocess.Popen(argv, env={**SANE, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          bufsize=1) as process:
        process.stdin.write("state\n")
        process.stdin.flush()
        process.stdout.readline()
        numbers = rollup(process.pid)
        process.stdin.close()
    return numbers


def connections(world, chosen, made):
    count = world.scaled(10000, 50)
    added = {}
    for name in ("bare", "pinned"):
        variant = chosen[name]
        with Worker(command(world, "tls13", variant), environment(variant, made)) as worker:
            worker.ask("open 100")
            before = worker.ask("state")
            worker.ask(f"open {count}")
            after = worker.ask("state")
            added[name] = ((after[0] - before[0]) / count, (after[1] - before[1]) * 1024 / count)
    world.found["memory.connections"] = count
    world.found["memory.connection.bare_bytes"] = added["bare"][0]
    world.found["memory.connection.bytes"] = added["pinned"][0] - added["bare"][0]
    world.found["memory.connection.rss_bytes"] = added["pinned"][1] - added["bare"][1]


def allocations(world, made):
    """Of one handshake once it has been done before, by handshakes that are all alike."""
    count = world.scaled(200, 20)
    each = {}
    for variant in VARIANTS:
        argv = command(world, "tls13", variant, "fixed")
        with contextlib.closing(Worker(argv, environment(variant, made, COUNTER))) as worker:
            worker.ask("run 20")
            before = worker.ask("state")
            worker.ask(f"run {count}")
            after = worker.ask("state")
            each[variant.name] = [(after[place] - before[place]) / count for place in (3, 4)]
    for variant in VARIANTS:
        if variant.baseline:
            found = f"memory.allocations.{variant.name}"
            world.found[f"{found}.all"] = each[variant.name][0] - each[variant.baseline][0]
            world.found[f"{found}.ours"] = each[variant.name][1]
