"""Counts test cases and prints them: a line a program, failures in full, one closing line."""

import threading
from dataclasses import dataclass


@dataclass
class Case:
    name: str
    outcome: str  # passed, failed, skipped
    detail: str = ""  # output of a failure, reason of a skip


class Report:
    def __init__(self):
        self._cases = []
        self._lock = threading.Lock()

    def program(self, title, cases, seconds):
        """One compact line for a program and its cases, then its failures in full."""
        count = {kind: sum(case.outcome == kind for case in cases) for kind in ("passed", "failed", "skipped")}
        parts = [f"{number} {kind}" for kind, number in count.items() if number or kind == "passed"]
        with self._lock:
            self._cases += cases
            mark = "FAIL" if count["failed"] else "ok"
            print(f"{mark:<4}  {title:<44} {', '.join(parts):<32} {seconds:6.1f} s", flush=True)
            for case in cases:
                if case.outcome == "failed":
                    self._print_failure(case)

    def passed(self, name, seconds=0.0):
        self.program(name, [Case(name, "passed")], seconds)

    def failed(self, name, output, seconds=0.0):
        self.program(name, [Case(name, "failed", output)], seconds)

    def skipped(self, name, reason):
        self.program(name, [Case(name, "skipped", reason)], 0.0)

    def note(self, text):
        print(f"      {text}", flush=True)

    @staticmethod
    def _print_failure(case):
        print(f"\n----- failed: {case.name}")
        print(case.detail.rstrip() or "(no output)")
        print(f"----- end of {case.name}\n", flush=True)

    def close(self, seconds, name):
        """Prints what was skipped and what failed, then the closing line; returns the exit code."""
        by_outcome = {kind: [case for case in self._cases if case.outcome == kind]
                      for kind in ("passed", "failed", "skipped")}
        print(f"\n{seconds:.0f} seconds")
        for case in by_outcome["skipped"]:
            print(f"skipped: {case.name}: {case.detail}")
        for case in by_outcome["failed"]:
            print(f"failed: {case.name}")
        if not self._cases:
            print(f"nothing matches {name}" if name else "nothing was run")
        print(", ".join(f"{len(cases)} {kind}" for kind, cases in by_outcome.items()), flush=True)
        return 0 if by_outcome["passed"] and not by_outcome["failed"] else 1
