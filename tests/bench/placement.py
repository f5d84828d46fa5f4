"""Which core a program runs on."""
import os


def cores():
    """(the client's, the server's): the two that are the furthest apart, which share the least. None: there is one."""
    ours = sorted(os.sched_getaffinity(0))
    return (ours[-1], ours[0]) if len(ours) > 1 else (None, None)


def on(core, argv):
    """argv of a program that stays on a core, with all that it starts; None: wherever the system puts it."""
    return [*argv] if core is None else ["taskset", "-c", str(core), *argv]
