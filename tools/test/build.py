"""Configures and builds through tools/build, and knows which test programs there are."""

import functools
import json
import os
import re
import subprocess
import time

import tree

TIMEOUT_S = 3600


def _tools_build(preset, targets):
    environment = dict(os.environ, SOUK_NINJA_FLAGS="-k 0", CI="true")
    process = subprocess.Popen([tree.ROOT / "tools/build", preset, *targets], cwd=tree.ROOT, env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except BaseException:
        process.terminate()  # tools/build ends its compilers
        process.wait()
        raise
    return process.returncode, output


def configure(preset, report):
    """Brings build.ninja up to date. A failure is one failed case."""
    code, output = _tools_build(preset, ["build.ninja"])
    if code != 0:
        report.failed(f"configure {preset}", output)
    return code == 0


def build(preset, targets, report):
    """Builds the targets (None: all). A failure is one failed case with the compiler's words."""
    started = time.monotonic()
    code, output = _tools_build(preset, targets or [])
    seconds = time.monotonic() - started
    if code != 0:
        report.failed(f"build {preset}", output, seconds)
    else:
        report.passed(f"build {preset}", seconds)
    return code == 0


@functools.cache
def test_programs(preset):
    """Names of the programs in bin/ that end in _test. Asked of ninja, because the folder may
    hold programs that are no longer built."""
    listing = subprocess.run(["ninja", "-C", f"build/{preset}", "-t", "targets", "all"],
                             cwd=tree.ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r"^bin/(\w+_test):", listing, re.MULTILINE)))


def compile_commands(preset="release"):
    return json.loads((tree.ROOT / "build" / preset / "compile_commands.json").read_text())


def programs_of(sources):
    """The test programs that these source files are compiled into."""
    wanted = {str(tree.ROOT / name) for name in sources}
    targets = set()
    for command in compile_commands():
        target = re.search(r"-o \S*CMakeFiles/(\w+)\.dir/", command.get("command", ""))
        if command["file"] in wanted and target:
            targets.add(target.group(1))
    return sorted(targets & set(test_programs("release")))
