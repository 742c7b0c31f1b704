"""Throw-away SOUK_HOME folders with engines of their own, copied from a prepared one."""

import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = ROOT / "build/release/bin/souk"
ENGINES = ROOT / "deploy/local/engines"


def new_folder():
    # Named after this process, so that the runner can clear up after a killed one;
    # open, because the engines run as users of their own.
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"souk-test-{os.getpid()}-"))
    folder.chmod(0o755)
    return folder


def engines(word, home):
    """Says `start`, `stop`, `status` or `env` to the engine starter; returns what it prints."""
    done = subprocess.run([ENGINES, word, home], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"engines {word}: {done.stderr.strip()}")
    return done.stdout


def engine_pids(home):
    """{"postgres": id or None, "redis": id or None}"""
    words = (line.split() for line in engines("status", home).splitlines())
    return {name: int(pid[0]) if pid else None for name, *pid in words}


def engine_environment(home):
    return dict(line.split("=", 1) for line in engines("env", home).splitlines())


def clean_environment():
    """The caller's environment without any setting of Souk's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SOUK_")}


def run_binary(home, *words, env=None, timeout_s=300):
    """Runs one command of the binary on the engines of `home`."""
    environment = {**clean_environment(), **engine_environment(home), **(env or {})}
    return subprocess.run([BINARY, *words], env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout_s, check=False)


class Templates:
    """Prepared folders, made once a session: starting a fresh database is a copy."""

    def __init__(self):
        self._folders = {}

    def copy(self, demo):
        if demo not in self._folders:
            self._folders[demo] = self._prepare(demo)
        home = new_folder()
        subprocess.run(["cp", "-a", "--reflink=auto", f"{self._folders[demo]}/.", home], check=True)
        return home

    def remove(self):
        for folder in self._folders.values():
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _prepare(demo):
        home = new_folder()
        try:
            engines("start", home)
            for word in ("migrate", "demo") if demo else ("migrate",):
                done = run_binary(home, word)
                if done.returncode != 0:
                    raise RuntimeError(f"souk {word} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
        finally:
            engines("stop", home)
        return home
