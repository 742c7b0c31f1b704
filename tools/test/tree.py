"""The checkout: its root and its files."""

import functools
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
GENERATED = ("build/", "var/", ".git/")


@functools.cache
def files():
    """Every file that is in the repository or about to be, as paths relative to ROOT."""
    # The checkout may belong to somebody else than root, who runs the tests.
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        names = [name for name in listing.stdout.split("\0") if name]
    else:  # an unpacked archive
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")]
    return sorted(name for name in set(names)
                  if not name.startswith(GENERATED) and (ROOT / name).is_file())


def with_suffix(*suffixes):
    return [name for name in files() if name.endswith(suffixes)]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")
