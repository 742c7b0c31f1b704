"""What one run of the tests covers: everything, one step, or what matches a name."""

import fnmatch
import functools
import re

import build
import functional
import lint
import programs
import tree

STEPS = ("lint", "build", "unit", *functional.FOLDERS, "asan", "tsan")
TEST_MACRO = re.compile(r"^\s*(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.MULTILINE)


class Selection:
    def __init__(self, name, long):
        self.name = name
        self.long = long
        self.everything = name is None
        self.step = name if name in STEPS or name in lint.names() else None

    # --- steps ------------------------------------------------------------------------

    def wants_check(self, check):
        return self.everything or self.step in ("lint", check)

    def wants_lint(self):
        return self.everything or self.step == "lint" or self.step in lint.names()

    def wants_binaries(self):
        """Whether a configured build is needed; the quick checks do without."""
        return self.step not in [check.name for check in lint.CHECKS]

    def step_is_sanitizer(self):
        return self.step in ("asan", "tsan") or self.step in lint.names()

    def sanitizers(self):
        if self.step in ("asan", "tsan"):
            return [self.step]
        if self.everything:
            return ["asan", "tsan"] if self.long else ["asan"]
        return []

    def wants_folder(self, folder):
        return self.everything or self.step == folder or bool(self.pytest_files(folder))

    # --- test programs ------------------------------------------------------------------

    @functools.cache
    def programs(self):
        """Test programs to run, each with its GoogleTest filter (None: all its tests)."""
        available = build.test_programs("release")
        if self.everything or self.step == "unit":
            return {name: None for name in available}
        if self.step:
            return {}
        chosen = {name: f"*{self.name}*" for name in build.programs_of(self._matching_sources())}
        chosen.update({name: None for name in available if self.name in name})
        return chosen

    def _matching_sources(self):
        return [name for name in tree.with_suffix(".cpp")
                if any(self._matches_gtest(*test) for test in TEST_MACRO.findall(tree.text(name)))]

    def _matches_gtest(self, suite, test):
        # The second half: parameterized tests are called Prefix/Suite.Test/0, typed ones Suite/0.Test.
        return fnmatch.fnmatchcase(f"{suite}.{test}", f"*{self.name}*") or (
            suite in self.name and f".{test}" in self.name)

    # --- pytest -------------------------------------------------------------------------

    def pytest_files(self, folder):
        files = functional.test_files(folder)
        if self.everything or self.step == folder:
            return files
        if self.step or folder == "split":  # a test is named once, and runs as one process
            return []
        # What parameters a test has only pytest knows: test[parameter] is looked for by the test's name.
        wanted = self.name.partition("[")[0] or self.name
        return [name for name in files if any(wanted in node for node in functional.node_ids(name))]

    def targets(self):
        """What ninja has to build for the chosen tests."""
        needed = [f"bin/{name}" for name in self.programs()]
        if any(self.wants_folder(folder) for folder in functional.FOLDERS):
            needed.append("souk")
        if self.step == "split":
            needed += [f"bin/{name}" for name in programs.OVER_THE_WIRE]
        if self.wants_folder("chaos"):
            needed.append("souk_seeded")
        return needed
