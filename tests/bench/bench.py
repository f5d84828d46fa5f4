"""All measurements, and the report: see scripts/bench."""
import argparse
import contextlib
import json
import pathlib
import sys
import time

import machine
import measure_handshake
import measure_memory
import measure_programs
import measure_scale
import measure_startup
import report
from world import BUILD, Failed, World

from scratch import scratch

MEASUREMENTS = [("handshake", measure_handshake), ("programs", measure_programs), ("start-up", measure_startup),
                ("scale", measure_scale), ("memory", measure_memory)]


def main():
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=[name for name, _module in MEASUREMENTS])
    parser.add_argument("--output", type=pathlib.Path, default=BUILD / "BENCHMARKS.md")
    options = parser.parse_args()
    described = machine.describe()
    with contextlib.ExitStack() as stack:
        world = World(scratch("tlsgraft-bench-", stack.callback), options.quick)
        for name, module in MEASUREMENTS:
            if options.only not in (None, name):
                continue
            print(f"bench: {name} ...", end="", file=sys.stderr, flush=True)
            before = time.monotonic()
            module.measure(world)
            print(f" {time.monotonic() - before:.0f} s", file=sys.stderr)
        if options.only:
            print(json.dumps(world.found, indent=1))
            return
        text = report.document(world, described)
    options.output.write_text(text, encoding="utf-8")
    options.output.with_suffix(".json").write_text(json.dumps(world.found, indent=1) + "\n", encoding="utf-8")
    print(text)
    print(f"bench: the report is {options.output}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
