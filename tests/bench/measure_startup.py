"""3. Start-up: many processes of a program that ends at once, in turns with and without the library.

Found: startup.PROGRAM.VARIANT.ns, .added_ns (more than bare, of each turn), startup.PROGRAM.NAME.beyond_empty_ns;
curl.VARIANT.instructions, curl.pinned.ratio
"""
from callgrind import whole
from servers import site
from world import ADDRESS, LAB, call, grafted, median, pins

EMPTY = LAB / "libbench_empty.so"


def measure(world):
    with site(world) as where:
        url = f"https://{ADDRESS}:{where.port}/"
        rule = f'domain = "{ADDRESS}"; keys = "{world.p256["server"].pin}";'
        ten, many = world.scaled(10, 10), world.scaled(10000, 100)
        policies = {"ten": world.policy("startup-ten", [rule, *pins(ten - 1)]),
                    "many": world.policy("startup-many", [rule, *pins(many - 1)]),
                    "one": world.policy("startup-one", [rule])}
        preloads = {"bare": {}, "empty": {"LD_PRELOAD": str(EMPTY)}, "tlsgraft": grafted(policies["ten"])}
        spawn(world, "true", ["/bin/true"], preloads, world.scaled(2000, 20))
        spawn(world, "curl -V", ["/usr/bin/curl", "-V"], preloads, world.scaled(2000, 10))
        spawn(world, "curl -sk", ["/usr/bin/curl", "-sk", url],
              {"bare": {}, "ten": grafted(policies["ten"]), "many": grafted(policies["many"])},
              world.scaled(300, 5))
        instructions(world, url, policies["one"])


def spawn(world, name, argv, variants, count):
    words = [" ".join(f"{key}={value}" for key, value in env.items()) or "-" for env in variants.values()]
    lines = call([LAB / "bench_spawn", count, *words, "--", *argv]).stdout.splitlines()
    times = {variant: [int(word) for word in line.split()] for variant, line in zip(variants, lines)}
    for variant, values in times.items():
        found = f"startup.{name}.{variant}"
        world.found[f"{found}.ns"] = median(values)
        world.found[f"{found}.added_ns"] = median(difference(values, times["bare"]))
        if "empty" in times:
            world.found[f"{found}.beyond_empty_ns"] = median(difference(values, times["empty"]))


def difference(values, others):
    return [one - other for one, other in zip(values, others)]


def instructions(world, url, policy):
    """A whole curl with one handshake. Its random numbers are its own, so the median of a few."""
    runs = {"bare": [], "pinned": []}
    for _turn in range(world.scaled(5, 1)):
        for variant, env in (("bare", {}), ("pinned", grafted(policy))):
            runs[variant].append(whole(["curl", "-sk", "-o", "/dev/null", url], env))
    for variant, counts in runs.items():
        world.found[f"curl.{variant}.instructions"] = median(counts)
    world.found["curl.pinned.ratio"] = median(runs["pinned"]) / median(runs["bare"])
