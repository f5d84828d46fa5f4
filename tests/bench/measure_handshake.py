"""1. The handshake: CPU time by turns, and instructions by callgrind.

Found: handshake.KIND.VARIANT.ns, .work_ns (more than the baseline, of many turns), .instructions, .ratio
"""
import contextlib

from callgrind import slope
from variants import KINDS, VARIANTS, command, environment, policies
from worker import Worker
from world import median

BATCH = 20


def measure(world):
    for kind in KINDS:
        made = policies(world, kind)
        times(world, kind, made)
        instructions(world, kind, made)


def times(world, kind, made):
    """All variants run side by side; each does a few handshakes, then the next one, again and again."""
    seen = {variant.name: [] for variant in VARIANTS}
    every = {variant.name: [] for variant in VARIANTS}
    with contextlib.ExitStack() as stack:
        workers = {variant.name: stack.enter_context(Worker(command(world, kind, variant), environment(variant, made)))
                   for variant in VARIANTS}
        for name in workers:
            workers[name].ask(f"run {world.scaled(50, 2)}")  # it resumes from the second on, and its memory is warm
        for turn in range(world.scaled(150, 3)):
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
            world.found[f"{found}.work_ns"] = median([one - other for one, other in pairs])


def instructions(world, kind, made):
    for variant in VARIANTS:
        found = f"handshake.{kind}.{variant.name}"
        count = slope(command(world, kind, variant, "fixed"), environment(variant, made),
                      world.scaled(10, 0), world.scaled(60, 2))
        world.found[f"{found}.instructions"] = count
        if variant.baseline:
            base = world.found[f"handshake.{kind}.{variant.baseline}.instructions"]
            world.found[f"{found}.ratio"] = count / base
