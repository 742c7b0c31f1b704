"""The documents tell the truth: the tour's commands run as printed, and what is named exists."""

import functools
import pathlib
import re
import subprocess
import sys

import pytest
from support import scratch
from support.platform import wait_for

ROOT = scratch.ROOT
sys.path.insert(0, str(ROOT / "tools/test"))
import tree  # noqa: E402

DEFAULT_ADDRESS = "http://127.0.0.1:8080"
OWN = ["README.md", "CONTRIBUTING.md", *sorted(name for name in tree.with_suffix(".md") if name.startswith("docs/"))]
ALL = [name for name in tree.with_suffix(".md") if not name.startswith("tests/")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
SOURCE_ENDINGS = (".cpp", ".hpp", ".py", ".sql", ".sh", ".md", ".cmake", ".html", ".txt", ".conf")
MADE_ELSEWHERE = ("build/", "var/")  # exist after the first build and start


# --- the tour -----------------------------------------------------------------------------


def tour_steps():
    """Each shell block of the tour with the output that is printed below it, if any."""
    section = re.search(r"^## Five minutes with curl$(.*?)^## ", tree.text("README.md"), re.MULTILINE | re.DOTALL)
    assert section, "README.md has no section 'Five minutes with curl'"
    steps = []
    for language, text in FENCE.findall(section.group(1)):
        if language == "sh":
            steps.append([text, ""])
        elif language == "json":
            steps[-1][1] += text
    return steps


def run_tour(address):
    """Runs the blocks in one shell, so that variables last; returns the output of each block."""
    mark = "-- next block --"
    blocks = [text for text, _ in tour_steps()]
    assert any(DEFAULT_ADDRESS in text for text in blocks), f"the tour does not name {DEFAULT_ADDRESS}"
    script = f"\necho '{mark}'\n".join(blocks).replace(DEFAULT_ADDRESS, address)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=scratch.clean_environment(), cwd=ROOT,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"a command of the tour failed ({done.returncode}):\n{done.stdout}\n{done.stderr}"
    return done.stdout.split(mark)


def squeezed(text):
    return re.sub(r"\s+", "", text)


def test_the_tour_runs_as_printed(platform, http):
    # The index is built within moments after the start; who reads the tour is slower.
    wait_for(lambda: http.get("/v1/search", params={"q": "lamp"}).status_code == 200, what="the search index")
    steps = tour_steps()
    assert len(steps) >= 6
    outputs = run_tour(platform.url)
    for (command, expected), output in zip(steps, outputs, strict=True):
        at = 0
        for piece in filter(None, map(squeezed, expected.split("…"))):
            found = squeezed(output).find(piece, at)
            assert found >= 0, f"{command}\nshould print {piece} but printed\n{output}"
            at = found + len(piece)


# --- what is named exists -------------------------------------------------------------------


def is_path(word):
    if not PATH.fullmatch(word) or word.startswith(MADE_ELSEWHERE):
        return False
    if "/" not in word:
        return (ROOT / word).exists() or word.endswith(".md")
    return (ROOT / word.split("/")[0]).exists() or word.endswith(SOURCE_ENDINGS)


def exists(word):
    return any(ROOT.glob(word.rstrip("/"))) if "*" in word else (ROOT / word).exists()


@pytest.mark.parametrize("name", OWN)
def test_paths_in_a_document_exist(name):
    words = [word.partition("::")[0] for word in CODE.findall(FENCE.sub("", tree.text(name)))]
    missing = [word for word in words if is_path(word) and not exists(word)]
    assert not missing, f"{name} names what does not exist: {missing}"


@pytest.mark.parametrize("name", ALL)
def test_links_in_a_document_lead_somewhere(name):
    targets = [target.partition("#")[0] for target in LINK.findall(tree.text(name)) if "://" not in target]
    missing = [target for target in targets if target and not (ROOT / name).parent.joinpath(target).exists()]
    assert not missing, f"{name} links to what does not exist: {missing}"


@functools.cache
def sources():
    return "\n".join(tree.text(name) for name in tree.files() if not name.endswith(".md"))


@pytest.mark.parametrize("name", OWN)
def test_tests_in_a_document_exist(name):
    """`tests/functional/test_cart.py::test_x` and `lib/events/outbox_test.cpp::TestName`."""
    for word in CODE.findall(tree.text(name)):
        file, separator, test = word.partition("::")
        if separator and pathlib.PurePath(file).suffix in (".py", ".cpp"):
            assert re.search(rf"\b{re.escape(test)}\b", tree.text(file)), f"{name}: {file} has no {test}"


@pytest.mark.parametrize("name", OWN)
def test_settings_in_a_document_exist(name):
    for setting in set(re.findall(r"\bSOUK_[A-Z_]*[A-Z]\b", tree.text(name))):
        assert re.search(rf"\b{setting}\b", sources()), f"{name}: {setting} is no setting and no macro"


def test_functions_on_the_way_of_a_request_stand_where_the_document_says():
    """A row of a table names files, and functions of those files with their parentheses."""
    rows = [line for line in tree.text("docs/follow-a-request.md").splitlines() if line.startswith("|")]
    checked = 0
    for row in rows:
        words = CODE.findall(row)
        text = "\n".join(tree.text(word) for word in words if is_path(word) and (ROOT / word).is_file())
        for function in re.findall(r"(\w+)\(\)", " ".join(words)):
            assert re.search(rf"\b{function}\b", text), f"no {function} in the files of this row: {row}"
            checked += 1
    assert checked >= 20


# --- words of the command line ----------------------------------------------------------------


def known_words():
    launcher = re.search(r"^case \$word in$(.*?)^esac$", tree.text("souk"), re.MULTILINE | re.DOTALL).group(1)
    words = set(re.findall(r"[a-z]+", " ".join(re.findall(r"^\s*([\w |-]+)\)", launcher, re.MULTILINE))))
    usage = subprocess.run([scratch.BINARY], env=scratch.clean_environment(), stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, check=False)
    assert usage.returncode == 2
    return words | {line.split()[0] for line in usage.stderr.splitlines()[1:] if line.strip()}


def test_every_word_of_the_command_line_is_known():
    words = known_words()
    assert {"up", "down", "status", "logs", "test", "migrate", "import", "version"} <= words
    for name in ALL:
        text = tree.text(name)
        said = set(re.findall(r"\./souk ([a-z][a-z-]*)", text)) | set(re.findall(r"`souk ([a-z][a-z-]*)", text))
        assert said <= words, f"{name} names words that do not exist: {sorted(said - words)}"
