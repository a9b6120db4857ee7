"""Judges the report of an Autobahn run: prints what is not as it should be, and the counts.

Usage: verdict.py REPORTS [NUMBER]. The exit code is 0 only if that many cases were run (without a
number: any), and each passed: none failed, was left out or is non-strict, in its behaviour or in
how it closed.
"""

import json
import pathlib
import sys

PASSED = {"OK", "INFORMATIONAL"}


def main(reports: pathlib.Path, expected: int | None) -> int:
    cases = json.loads((reports / "index.json").read_text()).get("heliograph", {})
    counts = {"passed": 0, "failed": 0}
    for name, case in sorted(cases.items(), key=lambda item: case_number(item[0])):
        behaviours = {case["behavior"], case["behaviorClose"]}
        if behaviours <= PASSED:
            counts["passed"] += 1
        else:
            counts["failed"] += 1
            print(f"{name}: {case['behavior']}, close {case['behaviorClose']}")
            report = json.loads((reports / case["reportfile"]).read_text())
            print(f"    {report['description']}\n    expected {report['expectation']}")
            print(f"    {report['result']} {report['resultClose']}")
    is_whole = len(cases) == expected if expected is not None else bool(cases)
    if not is_whole:
        print(f"{len(cases)} cases were run, not {expected if expected is not None else 'any'}")
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 0 if is_whole and not counts["failed"] else 1


def case_number(name: str) -> list[int]:
    return [int(part) for part in name.split(".")]


if __name__ == "__main__":
    number = int(sys.argv[2]) if len(sys.argv) > 2 else None
    sys.exit(main(pathlib.Path(sys.argv[1]), number))
