"""1. The handshake: CPU time by turns, instructions by callgrind, and the questions to policy/ by themselves.

Found: handshake.KIND.VARIANT.ns, .work_ns (more than the baseline, of many turns), .spread_ns (between the thirds
of the turns), .instructions, .ratio; handshake.KIND.policy_ns
"""
import contextlib

from callgrind import slope
from placement import cores, on
from variants import KINDS, VARIANTS, command, environment, policies
from worker import Worker
from world import LAB, SERVER, call, median

BATCH, TURNS = 5, 600


def measure(world):
    for kind in KINDS:
        made = policies(world, kind)
        times(world, kind, made)
        instructions(world, kind, made)
        questions(world, kind, made)


def times(world, kind, made):
    """All variants run side by side; each does a few handshakes, then the next one, again and again.

    On one core, so that they have the same caches and the same clock.
    """
    seen = {variant.name: [] for variant in VARIANTS}
    every = {variant.name: [] for variant in VARIANTS}
    with contextlib.ExitStack() as stack:
        workers = {variant.name: stack.enter_context(Worker(on(cores()[0], command(world, kind, variant)),
                                                            environment(variant, made)))
                   for variant in VARIANTS}
        for name in workers:
            workers[name].ask(f"run {world.scaled(50, 2)}")  # it resumes from the second on, and its memory is warm
        for turn in range(world.scaled(TURNS, 3)):
            order = VARIANTS[turn % len(VARIANTS):] + VARIANTS[:turn % len(VARIANTS)]
            for variant in order:
                got = workers[variant.name].ask(f"run {BATCH}")
                seen[variant.name].append(median(got))
                every[variant.name] += got
    for variant in VARIANTS:
        found = f"handshake.{kind}.{variant.name}"
        world.found[f"{found}.ns"] = median(every[variant.name])
        if variant.baseline:
            # In one turn both met the same machine.
            pairs = zip(seen[variant.name], seen[variant.baseline])
            differences = [one - other for one, other in pairs]
            world.found[f"{found}.work_ns"] = median(differences)
            third = len(differences) // 3
            parts = [median(differences[start:start + third]) for start in (0, third, 2 * third)]
            world.found[f"{found}.spread_ns"] = max(parts) - min(parts)


def instructions(world, kind, made):
    for variant in VARIANTS:
        found = f"handshake.{kind}.{variant.name}"
        count = slope(command(world, kind, variant, "fixed"), environment(variant, made),
                      world.scaled(10, 0), world.scaled(60, 2))
        world.found[f"{found}.instructions"] = count
        if variant.baseline:
            base = world.found[f"handshake.{kind}.{variant.baseline}.instructions"]
            world.found[f"{found}.ratio"] = count / base


def questions(world, kind, made):
    """Rule, pin and expiry by themselves: of a whole handshake they are less than what two of them differ by."""
    version, folder, _title = KINDS[kind]
    argv = on(cores()[0], [LAB / "bench_policy_work", world.scaled(500, 10), made["checked"], version,
                           world.folder / folder, SERVER])
    # Several processes: each has the certificates elsewhere in memory, and another moment of the machine.
    runs = [call(argv).stdout.split() for _turn in range(world.scaled(9, 1))]
    world.found[f"handshake.{kind}.policy_ns"] = median([float(word) for words in runs for word in words])
