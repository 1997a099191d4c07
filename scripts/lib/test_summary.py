#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Counts what meson's test log says, suite by suite.

    test_summary.py LABEL TALLY TESTLOG     prints LABEL's line, what failed and what was skipped; appends to TALLY
    test_summary.py --total TALLY           prints `N passed, N failed[, N skipped]`; exit 1 unless all is well

A GoogleTest program counts as its cases, any other program as one. A skipped case is never a passed one.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.skips += other.skips

    def line(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def gtest_count(stdout: str, name: str) -> Count | None:
    """The cases of one GoogleTest program, or None if the output has no closing summary."""
    ran = re.search(r"^\[==========\] (\d+) tests? from \d+ test suites? ran", stdout, re.M)
    if not ran:
        return None

    def total(word: str) -> int:
        found = re.search(rf"^\[ *{word} *\] (\d+) tests?", stdout, re.M)
        return int(found.group(1)) if found else 0

    # GTEST_BRIEF=1 leaves out the line that counts the failed ones.
    count = Count(passed=total("PASSED"), skipped=total("SKIPPED"))
    count.failed = int(ran.group(1)) - count.passed - count.skipped
    count.failures = [f"{name}: {case}" for case in dict.fromkeys(
        re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", stdout, re.M))]
    reasons = re.findall(r": Skipped\n+(.+)\n", stdout)
    count.skips = [f"{name}: {reason}" for reason in dict.fromkeys(reasons)]
    return count


def count_test(entry: dict) -> Count:
    name = entry["name"].split(" / ", 1)[-1]
    result, stdout, stderr = entry["result"], entry.get("stdout", ""), entry.get("stderr", "")
    cases = gtest_count(stdout, name)
    if cases and (result == "OK") == (cases.failed == 0):
        return cases
    if result == "OK":
        return Count(passed=1)
    if result == "SKIP":
        return Count(skipped=1, skips=[f"{name}: {last_line(stderr) or last_line(stdout) or 'no reason given'}"])
    return Count(failed=1, failures=[f"{name}: {result.lower()}, exit code {entry.get('returncode')}"])


def summarize(label: str, tally: Path, log: Path) -> None:
    count, seconds = Count(), 0.0
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    for line in lines:
        entry = json.loads(line)
        seconds += entry.get("duration") or 0.0
        count.add(count_test(entry))
    if not lines:
        count = Count(failed=1, failures=["meson left no test log: the suite did not run"])
    print(f"  {label:<26} {count.line():<40} {seconds:6.1f} s", flush=True)
    for failure in count.failures:
        print(f"      FAILED   {failure}")
    for skip in count.skips:
        print(f"      skipped  {skip}")
    with tally.open("a") as out:
        out.write(f"{count.passed} {count.failed} {count.skipped}\n")


def total(tally: Path) -> int:
    count = Count()
    for line in tally.read_text().splitlines():
        passed, failed, skipped = map(int, line.split())
        count.add(Count(passed, failed, skipped))
    print(count.line())
    return 0 if count.failed == 0 and count.passed > 0 else 1


if __name__ == "__main__":
    if sys.argv[1] == "--total":
        sys.exit(total(Path(sys.argv[2])))
    summarize(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
