"""clang-tidy over all C++ files, remembering by content which were clean."""

import functools
import hashlib
import os
import pathlib
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

import build
import tree

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "souk" / "tidy"
QUOTED_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def find():
    commands = {command["file"]: command for command in build.compile_commands()}
    # Not the tests: they are the slowest to check, and the sanitizers run them.
    sources = [name for name in tree.with_suffix(".cpp")
               if str(tree.ROOT / name) in commands and not name.endswith("_test.cpp")]
    CACHE.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = pool.map(lambda name: _check(name, commands[str(tree.ROOT / name)]), sources)
        return "\n".join(text for text in results if text)


def _check(name, command):
    stamp = CACHE / _key(name, command)
    if stamp.exists():
        stamp.touch()
        return ""
    result = subprocess.run(["clang-tidy-19", "-p", "build/release", "--quiet", "--warnings-as-errors=*", name],
                            cwd=tree.ROOT, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        stamp.touch()
        return ""
    errors = "\n".join(line for line in result.stderr.splitlines() if "error" in line)
    return result.stdout or errors or f"{name}: clang-tidy ended with {result.returncode}"


def _key(name, command):
    """A hash of all that the verdict depends on: the file, our headers, flags, settings, version."""
    digest = hashlib.sha256()
    arguments = command.get("command", "").replace(str(tree.ROOT), "")
    digest.update(f"{_version()}\0{arguments}\0{tree.text('.clang-tidy')}".encode())
    for file in sorted(_closure(name, tuple(_include_folders(command)))):
        digest.update(f"\0{file}\0{tree.text(file)}".encode())
    return digest.hexdigest()


@functools.cache
def _version():
    return subprocess.run(["clang-tidy-19", "--version"], capture_output=True, text=True, check=True).stdout


def _include_folders(command):
    words = shlex.split(command.get("command", ""))
    for word, following in zip(words, [*words[1:], ""]):
        folder = following if word in ("-I", "-isystem") else word[2:] if word.startswith("-I") else None
        if folder and folder.startswith(str(tree.ROOT)):
            yield os.path.relpath(folder, tree.ROOT)


@functools.cache
def _includes(name):
    return QUOTED_INCLUDE.findall(tree.text(name))


def _closure(name, folders):
    """The file and every header of ours that it includes, directly or not."""
    seen, queue = set(), [name]
    while queue:
        file = queue.pop()
        if file in seen:
            continue
        seen.add(file)
        for header in _includes(file):
            for folder in (os.path.dirname(file), *folders):
                candidate = os.path.normpath(os.path.join(folder, header))
                if (tree.ROOT / candidate).is_file():
                    queue.append(candidate)
                    break
    return seen
