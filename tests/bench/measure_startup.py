"""3. Start-up: many processes of a program that ends at once, in turns with and without the library.

Found: startup.PROGRAM.VARIANT.ns, .added_ns (more than bare, of each turn), .beyond_empty_ns (more than an empty
preload), .faults (of pages), .instructions (callgrind's); curl.VARIANT.instructions, curl.pinned.ratio
"""
from callgrind import whole
from placement import cores, on
from servers import site
from world import ADDRESS, LAB, call, grafted, median, pins

EMPTY = LAB / "libbench_empty.so"


def measure(world):
    ours, servers = cores()
    with site(world, servers) as where:
        url = f"https://{ADDRESS}:{where.port}/"
        rule = f'domain = "{ADDRESS}"; keys = "{world.p256["server"].pin}";'
        ten, many = 10, world.scaled(10000, 100)
        policies = {"ten": world.policy("startup-ten", [rule, *pins(ten - 1)]),
                    "many": world.policy("startup-many", [rule, *pins(many - 1)]),
                    "one": world.policy("startup-one", [rule])}
        preloads = {"bare": {}, "empty": {"LD_PRELOAD": str(EMPTY)}, "tlsgraft": grafted(policies["ten"])}
        for name, argv, variants, count in (
                ("true", ["/bin/true"], preloads, world.scaled(2000, 20)),
                ("curl -V", ["/usr/bin/curl", "-V"], preloads, world.scaled(2000, 10)),
                ("curl -sk", ["/usr/bin/curl", "-sk", url],
                 {"bare": {}, "ten": grafted(policies["ten"]), "many": grafted(policies["many"])},
                 world.scaled(300, 5))):
            spawn(world, name, argv, variants, count, ours)
            starting(world, name, argv, variants)
        with_a_rule(world, url, policies["one"])


def spawn(world, name, argv, variants, count, core):
    """Whoever starts it and what is started take turns on one core: neither is moved to another, nor waits for it."""
    words = [" ".join(f"{key}={value}" for key, value in env.items()) or "-" for env in variants.values()]
    lines = call(on(core, [LAB / "bench_spawn", count, *words, "--", *argv])).stdout.splitlines()
    numbers = [[int(word) for word in line.split()] for line in lines]
    times = dict(zip(variants, numbers[::2]))
    for variant, faults in zip(variants, numbers[1::2]):
        found = f"startup.{name}.{variant}"
        world.found[f"{found}.ns"] = median(times[variant])
        world.found[f"{found}.faults"] = median(faults)
        world.found[f"{found}.added_ns"] = median(difference(times[variant], times["bare"]))
        if "empty" in times:
            world.found[f"{found}.beyond_empty_ns"] = median(difference(times[variant], times["empty"]))


def difference(values, others):
    return [one - other for one, other in zip(values, others)]


def starting(world, name, argv, variants):
    """What does not depend on what else the machine does."""
    for variant, env in variants.items():
        world.found[f"startup.{name}.{variant}.instructions"] = whole(argv, env)


def with_a_rule(world, url, policy):
    """A whole curl with one handshake. Its random numbers are its own, so the median of a few."""
    runs = {"bare": [], "pinned": []}
    for _turn in range(world.scaled(5, 1)):
        for variant, env in (("bare", {}), ("pinned", grafted(policy))):
            runs[variant].append(whole(["curl", "-sk", "-o", "/dev/null", url], env))
    for variant, counts in runs.items():
        world.found[f"curl.{variant}.instructions"] = median(counts)
    world.found["curl.pinned.ratio"] = median(runs["pinned"]) / median(runs["bare"])
