#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py UNREACHED JSON...: what gcovr counted, for people.

UNREACHED has a line for each line of code that no test reaches, `file | code | reason`, the
code without its indentation. It is given by its text, so that it stays found when the lines
above it move.
"""
import json
import os
import sys

LEAST = 95.0


def read_reasons(path):
    reasons = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                # Code may have a bar of its own.
                name, rest = line.rstrip("\n").split(" | ", 1)
                code, reason = rest.rsplit(" | ", 1)
                reasons[name, code] = reason
    return reasons


def main():
    reasons = read_reasons(sys.argv[1])
    used, bad = set(), False
    folders, missing = {}, []

    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        for entry in sorted(report["files"], key=lambda entry: entry["file"]):
            name = entry["file"]
            lines = {line["line_number"]: line["count"] for line in entry["lines"]
                     if not line.get("gcovr/noncode")}
            reached = sum(1 for count in lines.values() if count)
            total = folders.setdefault(os.path.dirname(name), [0, 0])
            total[0] += reached
            total[1] += len(lines)
            print(f"{name:32} {reached:5} of {len(lines):5}  {100 * reached / max(len(lines), 1):6.1f} %")
            with open(name, encoding="utf-8") as file:
                source = file.read().splitlines()
            missing += [(name, number, source[number - 1].strip())
                        for number, count in sorted(lines.items()) if not count]

    print()
    for name, number, code in missing:
        reason = reasons.get((name, code))
        used.add((name, code))
        if not reason:
            bad = True
        print(f"{name}:{number}: {code}\n\t{reason or 'NO REASON GIVEN'}")
    for name, code in sorted(set(reasons) - used):
        print(f"reached after all, or gone: {name}: {code}")

    print()
    for folder, (reached, lines) in folders.items():
        percent = 100 * reached / lines
        bad = bad or percent < LEAST
        print(f"{folder}: {reached} of {lines} lines, {percent:.1f} %")
    return 1 if bad else 0


sys.exit(main())
