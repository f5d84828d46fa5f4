"""The variants of one handshake, and what a client is started with for each."""
from dataclasses import dataclass
from typing import Optional

from world import LAB, SERVER, grafted, pins

KINDS = {"tls13": ("1.3", "p256", "TLS 1.3, P-256"), "tls12": ("1.2", "rsa", "TLS 1.2, RSA-2048")}


@dataclass(frozen=True)
class Variant:
    """baseline: the variant that it is compared with. words: of bench_handshake. env: None without the library."""

    name: str
    title: str
    baseline: Optional[str] = None
    words: tuple = ()
    policy: Optional[str] = None  # a key of policies(); "none": the library without a policy


VARIANTS = [
    Variant("bare", "bare"),
    Variant("loaded", "preloaded without policy", "bare", policy="none"),
    Variant("unmatched", "10 rules, none matching", "bare", policy="unmatched"),
    Variant("pinned", "pinned", "bare", policy="pinned"),
    Variant("chain", "`chain`", "bare", policy="chain"),
    Variant("resumed-bare", "bare, resumed", words=("resume",)),
    Variant("resumed", "pinned, resumed", "resumed-bare", ("resume",), "pinned"),
    Variant("mutual-bare", "bare, with a client certificate of its own", words=("mutual", "own")),
    Variant("credential", "client certificate from the cache", "mutual-bare", ("mutual",), "credential"),
    Variant("checked", "pinned with both expiry checks", "mutual-bare", ("mutual",), "checked"),
]


def policies(world, kind):
    """The policies for the server of one kind, by name."""
    who = getattr(world, KINDS[kind][1])
    pinned = f'domain = "{SERVER}"; keys = "{who["server"].pin}";'
    chain = (f'domain = "{SERVER}"; keys = "{who["between"].pin}"; target = "chain"; '
             f'ca_file = "{who["root"].certificate}";')
    upstream = [f'domain = "{SERVER}"; certificate = "{who["pair"]}";']
    return {"unmatched": world.policy(f"{kind}-unmatched", pins(10)),
            "pinned": world.policy(f"{kind}-pinned", [pinned]),
            "chain": world.policy(f"{kind}-chain", [chain]),
            "credential": world.policy(f"{kind}-credential", pins(1), upstream=upstream),
            "checked": world.policy(f"{kind}-checked", [pinned], upstream=upstream)}


def command(world, kind, variant, *words):
    """argv of the client."""
    version, folder, _title = KINDS[kind]
    return [str(LAB / "bench_handshake"), *variant.words, *words, version, str(world.folder / folder), SERVER]


def environment(variant, made, *preloads):
    if variant.policy is None:
        return {"LD_PRELOAD": " ".join(map(str, preloads))} if preloads else {}
    return grafted(None if variant.policy == "none" else made[variant.policy], *preloads)
