"""Instructions, counted by valgrind's callgrind: the same from run to run, whatever else the machine does."""
import re

from world import Failed, call

TOOL = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--vgdb=no"]


def collected(done):
    """What callgrind says that it counted."""
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if not found:
        raise Failed(f"callgrind counted nothing: {done.stderr[-1000:]}")
    return int(found[1])


def whole(argv, env):
    """Instructions of a program from its start to its end."""
    return collected(call([*TOOL, *argv], env=env))


def steps(argv, env, count):
    """Instructions of the client's steps in `count` handshakes, the server's left out."""
    return collected(call([*TOOL, "--toggle-collect=bench_client_step", *argv], env=env, stdin=f"run {count}\n"))


def slope(argv, env, few, many):
    """Instructions of one handshake more, so that what is done once is left out; `few` 0: it is not."""
    once = steps(argv, env, few) if few > 0 else 0
    return (steps(argv, env, many) - once) / (many - few)
