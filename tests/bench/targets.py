"""The targets, a row each, in the words of those who set them."""
import statistics
from dataclasses import dataclass
from typing import Callable

from variants import KINDS

SIDECARS = ("stunnel", "haproxy", "nginx")
MIB = 1024  # kB


@dataclass(frozen=True)
class Target:
    """measure: function of what was found -> a list of Part."""

    name: str
    target: str
    measure: Callable


@dataclass(frozen=True)
class Part:
    """shown: the value as it is printed. short: by how much it is missed, as it is printed; None: met."""

    shown: str
    short: str = None


def _part(value, limit, form, shown=None, at_least=False):
    short = limit - value if at_least else value - limit
    return Part(shown or form(value), form(short) if short > 0 else None)


def us(nanoseconds):
    return f"{nanoseconds / 1000:.1f} us"


def us2(nanoseconds):
    return f"{nanoseconds / 1000:.2f} us"


def ms(nanoseconds):
    return f"{nanoseconds / 1e6:.0f} ms"


def ns(nanoseconds):
    return f"{nanoseconds:.0f} ns"


def mib(kilobytes):
    return f"{kilobytes / MIB:.1f} MiB"


def allocations(count):
    return f"{count:.1f} allocations"


def times(ratio):
    return f"{ratio:.4f} x"


def times2(ratio):
    return f"{ratio:.3f} x"


def _policy_work(found):
    """The most of the two kinds of handshakes. What whole ones differ by is too uncertain to be judged."""
    work = max(found[f"handshake.{kind}.policy_ns"] for kind in KINDS)
    whole = max((f"handshake.{kind}.checked" for kind in KINDS), key=lambda name: found[f"{name}.work_ns"])
    ratio = max(found[f"handshake.{kind}.checked.ratio"] for kind in KINDS)
    beside = (f"a whole handshake with its client certificate: {us(found[f'{whole}.work_ns'])} more than bare, and "
              f"{us(found[f'{whole}.spread_ns'])} between parts of the run")
    return [_part(work, 2000, us2, f"{us2(work)} ({beside})"), _part(ratio, 1.005, times)]


def _curl(found):
    return [_part(found["curl.pinned.ratio"], 1.02, times)]


def _rounds(found, name, other, what):
    """How far the rounds are apart, in the ratio of two variants."""
    ratios = [one / two for one, two in zip(found[f"programs.{name}.{what}"], found[f"programs.{other}.{what}"])]
    low, _middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return f"half of the rounds: {low:.3f} to {high:.3f}"


def _rate(found):
    rate = {name: found[f"programs.{name}.rate"] for name in ("bare", "pinned", *SIDECARS)}
    best = max(SIDECARS, key=rate.get)
    to_bare, to_sidecar = rate["pinned"] / rate["bare"], rate["pinned"] / rate[best]
    beside_bare, beside_sidecar = (_rounds(found, "pinned", name, "rates") for name in ("bare", best))
    return [_part(to_bare, 0.99, times2, f"{times2(to_bare)} bare ({beside_bare})", at_least=True),
            _part(to_sidecar, 1.25, times2, f"{times2(to_sidecar)} the best sidecar ({beside_sidecar})", at_least=True)]


def _cpu(found):
    best = min((f"{name}-credential" for name in SIDECARS), key=lambda name: found[f"programs.{name}.cpu_ms"])
    ratio = found["programs.credential.cpu_ms"] / found[f"programs.{best}.cpu_ms"]
    return [_part(ratio, 0.8, times2, f"{times2(ratio)} ({_rounds(found, 'credential', best, 'cpus')})")]


def _without(found):
    added = found["startup.true.tlsgraft.beyond_empty_ns"]
    return [_part(added, 20000, us, f"empty preload + {us(added)}")]


def _with(found):
    added = found["startup.curl -V.tlsgraft.added_ns"]
    return [_part(added, 300000, us, f"bare + {us(added)}")]


def _lookup(found):
    worst = max(("hit", "wildcard", "miss"), key=lambda what: found[f"scale.100000.{what}_ns"])
    value = found[f"scale.100000.{worst}_ns"]
    return [_part(value, 200, ns, f"{ns(value)} ({worst})")]


def _loading(found):
    scale = "scale.100000"
    peak, kept = found[f"{scale}.peak_kb"], found[f"{scale}.kept_kb"]
    return [_part(found[f"{scale}.load_ns"], 150e6, ms),
            _part(peak, 64 * MIB, mib, f"{mib(peak)} at the peak"),
            _part(kept, 24 * MIB, mib, f"{mib(kept)} kept")]


def _connection(found):
    base = "memory.allocations.unmatched"
    count = found[f"{base}.all"]
    return [_part(found["memory.connection.bytes"], 512, lambda value: f"{value:.0f} bytes"),
            _part(count, 0, allocations, f"{allocations(count)} ({found[f'{base}.ours']:.1f} by the library itself)")]


TARGETS = [
    Target("policy work per full handshake (rule, pin, both expiry checks, cached)",
           "<= 2 us; instructions <= 1.005 x bare", _policy_work),
    Target("instructions of a whole `curl -sk` with one handshake, one pin rule", "<= 1.02 x bare", _curl),
    Target("handshakes/s through ab, pinned", ">= 0.99 x bare, and >= 1.25 x the best sidecar", _rate),
    Target("CPU per request, pinned + client certificate", "<= 0.8 x the best sidecar's client + sidecar", _cpu),
    Target("start-up of a program without libssl", "<= empty preload + 20 us", _without),
    Target("start-up of a program with libssl, 10 rules", "<= bare + 300 us", _with),
    Target("lookup at 100,000 rules, hit or miss", "<= 200 ns", _lookup),
    Target("loading 100,000 rules", "<= 150 ms, <= 64 MiB at the peak, <= 24 MiB kept", _loading),
    Target("a connection", "<= 512 bytes; no allocation on the path of a host without a rule", _connection),
]
