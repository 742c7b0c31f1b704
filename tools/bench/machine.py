"""The machine and the processes: what a number was measured on, and what it cost."""

import os
import pathlib
import platform
import re
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def describe():
    """What a reader must know of the machine to place the numbers."""
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return {
        "cores": os.cpu_count(),
        "processor": model[1] if model else platform.machine(),
        "memory_gib": round(int(memory[1]) / 2**20, 1),
        "kernel": platform.release(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "postgresql": _first_line("/usr/lib/postgresql/15/bin/postgres", "--version"),
        "redis": _first_line("redis-server", "--version").split(" sha=")[0],
        "nginx": _first_line("/usr/sbin/nginx", "-v"),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def tree_of(pid):
    """The process and those that it started, and theirs."""
    found = [pid]
    for each in found:
        for task in pathlib.Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                pass
    return found


def cpu_seconds(pid):
    """Processor time of a process, of those that it started, and of those of them that have ended."""
    ticks = 0
    for number, each in enumerate(tree_of(pid)):
        try:
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
        if number == 0:
            ticks += int(fields[13]) + int(fields[14])
    return ticks / TICKS


def memory_mib(pid, what="Rss"):
    """Resident memory of a process and those that it started; `Pss` counts what they share once."""
    kib = 0
    for each in tree_of(pid):
        try:
            text = pathlib.Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        kib += int(re.search(rf"^{what}:\s*(\d+)", text, re.MULTILINE)[1])
    return kib / 1024


def threads(pid):
    return sum(len(list(pathlib.Path(f"/proc/{each}/task").iterdir())) for each in tree_of(pid))


def wait_until_quiet(pids, limit_s=30.0):
    """Waits until the processes use less than 5 % of one core; returns how long that took."""
    started = time.monotonic()
    before = sum(map(cpu_seconds, pids))
    while time.monotonic() - started < limit_s:
        time.sleep(0.4)
        now = sum(map(cpu_seconds, pids))
        if now - before <= 0.02:
            break
        before = now
    return time.monotonic() - started
