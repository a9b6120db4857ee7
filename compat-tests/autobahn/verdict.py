"""Judges the report of an Autobahn run: prints what is not as it should be, and the counts.

Usage: verdict.py REPORTS. The exit code is 0 only if cases were run, none failed and none is
non-strict, in its behaviour or in how it closed.
"""

import json
import pathlib
import sys

PASSED = {"OK", "INFORMATIONAL"}
SKIPPED = {"UNIMPLEMENTED"}


def main(reports: pathlib.Path) -> int:
    cases = json.loads((reports / "index.json").read_text())["heliograph"]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, case in sorted(cases.items(), key=lambda item: case_number(item[0])):
        behaviours = {case["behavior"], case["behaviorClose"]}
        if behaviours <= PASSED:
            counts["passed"] += 1
        elif behaviours <= PASSED | SKIPPED:
            counts["skipped"] += 1
        else:
            counts["failed"] += 1
            print(f"{name}: {case['behavior']}, close {case['behaviorClose']}")
            report = json.loads((reports / case["reportfile"]).read_text())
            print(f"    {report['description']}\n    expected {report['expectation']}")
            print(f"    {report['result']} {report['resultClose']}")
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 0 if counts["passed"] and not counts["failed"] else 1


def case_number(name: str) -> list[int]:
    return [int(part) for part in name.split(".")]


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
