"""The machine and the programs of a run, without a name or a path of it."""
import os
import pathlib
import re

from world import call


def _first(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else "not known"


def _version(*argv):
    done = call(argv)
    return (done.stdout or done.stderr).splitlines()[0]


def describe():
    """Rows of (what, which)."""
    cpu = pathlib.Path("/proc/cpuinfo").read_text()
    virtual = ", in a virtual machine" if re.search(r"^flags.*\bhypervisor\b", cpu, re.MULTILINE) else ""
    memory = int(_first(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())) / 1048576
    return [
        ("CPU", _first(r"^model name\s*:(.*)", cpu) + virtual),
        ("Cores", str(len(os.sched_getaffinity(0)))),
        ("Memory", f"{memory:.0f} GiB"),
        ("Kernel", f"{os.uname().sysname} {os.uname().release} {os.uname().machine}"),
        ("System", _first(r'^PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())),
        ("OpenSSL", _version("openssl", "version").split(" (")[0]),
        ("Programs", ", ".join([_version("ab", "-V").split(" <")[0].replace("This is ", ""),
                                " ".join(_version("curl", "-V").split()[:2]),
                                _version("nginx", "-v").replace("nginx version: ", ""),
                                " ".join(_version("haproxy", "-v").split()[:3]),
                                "stunnel " + _first(r"stunnel (\S+)", call(["stunnel", "-version"]).stderr),
                                _version("valgrind", "--version")])),
        ("Load before the run", f"{os.getloadavg()[0]:.1f}"),
    ]
