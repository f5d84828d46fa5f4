"""What was found, as Markdown: the targets, then a table for each measurement."""
import re

from targets import TARGETS, mib, ms, ns, times, us, us2
from variants import KINDS, VARIANTS
from world import HERE, Failed

HEADING = """# Benchmarks

What tlsgraft costs, measured by `scripts/bench`, which makes this page; do not edit it. All of it was measured in one
run, what is compared in turns; numbers are medians. A ratio of instructions is of callgrind's counts, which do not
depend on what else the machine does; times do.
"""
EXPLANATIONS = HERE / "explanations.md"
SERVER_IS_BUSY, HAD_THEIR_CORE = 0.9, 0.95  # of a core


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def explanations():
    """By row."""
    text = EXPLANATIONS.read_text(encoding="utf-8")
    found = {name: " ".join(words.split()) for name, words in
             re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)}
    unknown = set(found) - {target.name for target in TARGETS}
    if unknown:
        raise Failed(f"{EXPLANATIONS.name}: no row has the name: {', '.join(sorted(unknown))}")
    return found


def verdict(parts):
    short = [part.short for part in parts if part.short]
    return "met" if not short else "missed by " + "; ".join(short)


def targets(world):
    """The table of targets, and why some are missed."""
    rows, missed = [], []
    for target in TARGETS:
        parts = target.measure(world.found)
        result = "" if world.quick else verdict(parts)
        rows.append([target.name, target.target, "; ".join(part.shown for part in parts), result])
        if result.startswith("missed"):
            missed.append(target.name)
    known = explanations()
    why = "".join(f"\n**{name}**: {known.get(name, 'no explanation is written yet.')}\n" for name in missed)
    return table(["What", "Target", "Measured", "Verdict"], rows) + why


def handshakes(world, kind):
    found = world.found
    base = f"handshake.{kind}"
    rows = []
    for variant in VARIANTS:
        name = f"{base}.{variant.name}"
        work = ""
        if variant.baseline:
            work = f"{us(found[f'{name}.work_ns'])} (differs by {us(found[f'{name}.spread_ns'])})"
        ratio = times(found[f"{name}.ratio"]) if variant.baseline else ""
        rows.append([variant.title, us(found[f"{name}.ns"]), work, f"{found[f'{name}.instructions']:,.0f}", ratio])
    return table(["Variant", "Time", "More than bare", "Instructions", "Ratio to bare"], rows)


def trials(found):
    return [key.split(".")[1] for key in found if key.startswith("programs.") and key.endswith(".title")]


def placement(found):
    """Where the programs ran, and whether the server kept them waiting."""
    if not found["programs.placed"]:
        return ("This machine has one core, which all of them share, the server too: so a sidecar is a smaller part of "
                "the whole than where the server has a core of its own.")
    busiest = max(trials(found), key=lambda name: found[f"programs.{name}.server_share"])
    share = found[f"programs.{busiest}.server_share"]
    had = min(found[f"programs.{name}.share"] for name in trials(found))
    waits = ("so it kept nobody waiting" if share < SERVER_IS_BUSY else
             "so the server kept the client waiting, and the rates are partly the server's")
    alone = "" if had > HAD_THEIR_CORE else (
        " Something else ran there too, so the rates depend on how the system divides a core, and the CPU a request "
        "is what tells.")
    return ("ab and its sidecar share one core, and the server has another one: a host that is busy has no idle core "
            "which would do the sidecar's work beside the client's. So each of them has one worker. The server's core "
            f"was busy for {share:.0%} of the time at most ({found[f'programs.{busiest}.title']}), {waits}. Client and "
            f"sidecar had {had:.0%} of theirs at least.{alone}")


def programs(world):
    found = world.found
    names = trials(found)
    bare = found["programs.bare.rate"]
    rows = []
    for name in names:
        one = {what: found[f"programs.{name}.{what}"] for what in
               ("title", "rate", "cpu_ms", "memory_kb", "p50", "p99", "server_ms", "server_share")}
        rows.append([one["title"], f"{one['rate']:.0f}", times(one["rate"] / bare), f"{one['cpu_ms']:.3f}",
                     mib(one["memory_kb"]), f"{one['p50']:.2f}", f"{one['p99']:.2f}",
                     f"{one['server_ms']:.3f} ({one['server_share']:.0%} of its core)"])
    return table(["Variant", "Requests/s", "Ratio to bare", "CPU-ms a request", "Memory added", "p50 ms", "p99 ms",
                  "The server's CPU-ms a request"], rows)


STARTUPS = [
    ("`/bin/true`", "true", [("bare", "bare"), ("empty", "an empty preload"), ("tlsgraft", "tlsgraft, 10 rules")]),
    ("`curl -V`", "curl -V", [("bare", "bare"), ("empty", "an empty preload"), ("tlsgraft", "tlsgraft, 10 rules")]),
    ("`curl -sk`, one handshake", "curl -sk",
     [("bare", "bare"), ("ten", "tlsgraft, 10 rules"), ("many", "tlsgraft, 10,000 rules")]),
]


def startup(world):
    found = world.found
    rows = []
    for title, name, listed in STARTUPS:
        bare = {what: found[f"startup.{name}.bare.{what}"] for what in ("ns", "faults", "instructions")}
        for variant, words in listed:
            key = f"startup.{name}.{variant}"
            one = {what: found[f"{key}.{what}"] for what in bare}
            faults, instructions = (one[what] - bare[what] for what in ("faults", "instructions"))
            more = [us(found[f"{key}.added_ns"]), f"{faults:.0f}", f"{instructions:,}"]
            if variant == "bare":
                more = [""] * len(more)
            rows.append([title, words, us(one["ns"]), more[0], times(one["ns"] / bare["ns"]), f"{one['faults']:.0f}",
                         more[1], f"{one['instructions']:,}", more[2]])
    return table(["Program", "Variant", "Time", "More than bare", "Ratio to bare", "Page faults", "More",
                  "Instructions", "More"], rows)


def scale(world):
    found = world.found
    sizes = [key.split(".")[1] for key in found if key.startswith("scale.") and key.endswith(".load_ns")]
    rows = []
    for size in sizes:
        one = f"scale.{size}"
        lookups = [f"{ns(found[f'{one}.{what}_ns'])} ({1e3 / found[f'{one}.{what}_ns']:.1f} M/s)"
                   for what in ("hit", "wildcard", "miss")]
        rows.append([f"{int(size):,}", f"{found[f'{one}.load_ns'] / 1e6:.1f} ms", mib(found[f"{one}.peak_kb"]),
                     mib(found[f"{one}.kept_kb"]), *lookups])
    return table(["Rules", "Loading", "Memory at the peak", "Memory kept", "Lookup, hit", "Lookup, wildcard hit",
                  "Lookup, miss"], rows)


def stores(world):
    rows = [[title, f"{world.found[f'store.{kind}.list_s']:.2f} s", f"{world.found[f'store.{kind}.check_s']:.2f} s"]
            for kind, title in (("directory", "directory"), ("redis", "Redis"))]
    return table(["Store", "`tlsgraft cert list`", "`tlsgraft policy check`"], rows)


def memory(world):
    found = world.found
    rows = []
    for name in ("without libssl", "with libssl"):
        one = f"memory.rest.{name}"
        rows.append([f"a process at rest, {name}", f"{found[f'{one}.private_kb']:.0f} KiB of its own, "
                     f"{found[f'{one}.rss_kb']:.0f} KiB resident"])
    rows.append([f"an open connection, of {found['memory.connections']:,}",
                 f"{found['memory.connection.bytes']:.0f} bytes of the heap ({found['memory.connection.bare_bytes']:.0f} "
                 f"are OpenSSL's), {found['memory.connection.rss_bytes']:.0f} bytes resident"])
    return table(["What", "Added"], rows)


def allocations(world):
    found = world.found
    rows = [[variant.title, f"{found[f'memory.allocations.{variant.name}.all']:.1f}",
             f"{found[f'memory.allocations.{variant.name}.ours']:.1f}"]
            for variant in VARIANTS if variant.baseline]
    return table(["Variant", "More than bare, a handshake", "By the code of the library itself"], rows)


def document(world, machine):
    note = "\nThis was a quick run: it shows that everything runs, and its numbers mean nothing.\n" if world.quick else ""
    parts = [HEADING + note, "## The machine\n", table(["What", "Which"], machine), "## Targets\n", targets(world)]
    for kind, (_version, _folder, title) in KINDS.items():
        parts += [f"## Handshake, {title}\n",
                  "The client's side of one, over memory BIOs, a chain of three verified: CPU time, which is all the "
                  "time there is, for nothing waits. What is more than bare is of turns side by side on one core, and how "
                  "much it differs between the thirds of the run tells how far it is to be trusted; the resumed ones "
                  "and those with a client certificate have a bare one of their own.\n", handshakes(world, kind),
                  "Rule, pin and both expiry checks by themselves, called as often as in one handshake: "
                  f"{us2(world.found[f'handshake.{kind}.policy_ns'])}.\n"]
    parts += ["## Programs\n",
              "`ab -n 2000 -c 4`, a new connection for each request, to nginx with TLS 1.3, all on this machine. The "
              "sidecars verify the same server, and ab speaks plain HTTP to them. CPU and memory are of client and "
              f"sidecar. {placement(world.found)}\n", programs(world),
              "## Start-up\n", "From posix_spawn(3) to the end of the process, on one core, in turns. Page faults are "
              "those that need no disk; instructions are callgrind's, of a whole run, without the kernel's.\n",
              startup(world),
              "A whole `curl -sk` with one handshake: "
              f"{world.found['curl.bare.instructions']:,.0f} instructions bare, "
              f"{world.found['curl.pinned.instructions']:,.0f} with one pin rule.\n",
              "## Scale\n", "Half of the rules are for a name, half are wildcards. A lookup is from the text of a name "
              "to the rule.\n", scale(world),
              f"With {world.found['store.records']:,} records, each named by a rule:\n", stores(world),
              "## Memory\n", memory(world),
              "Calls of malloc, calloc and realloc on the client's side of a handshake:\n", allocations(world)]
    return "\n".join(parts)
