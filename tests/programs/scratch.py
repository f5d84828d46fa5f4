"""Folders of the tests, which go when the test ends, also where that is by Ctrl-C or because it is told to end."""
import pathlib
import signal
import tempfile

for number in (signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_DFL:
        signal.signal(number, signal.default_int_handler)


def scratch(prefix, add_cleanup):
    """The path of a folder. add_cleanup: a test's or its class's; an interrupted one is tidied up by Python's end."""
    folder = tempfile.TemporaryDirectory(prefix=prefix)
    add_cleanup(folder.cleanup)
    return pathlib.Path(folder.name).resolve()
