#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py UNREACHED JSON...: what gcovr counted, for people.

UNREACHED has a line for each line of code that no test reaches, `file | function | code |
reason`, the code without its indentation. It is given by its text, so that it stays found
when the lines above it move; where it is no longer, that is an error. Without a JSON file
nothing else is looked at.
"""
import json
import os
import re
import sys

LEAST = 95.0


def read_functions(name):
    """For each line the function that it is in, and its code."""
    lines, function = [], None
    with open(name, encoding="utf-8") as file:
        for text in file.read().splitlines():
            bare = re.sub(r"__attribute__\(\(.*?\)\)", "", text)
            # A definition begins in the first column, a call or a prototype does not look so.
            match = re.match(r"(?=[A-Za-z_])[^=;({]*?(\w+)\(", bare)
            if match and not bare.endswith(";"):
                function = match[1]
            lines.append((function, text.strip()))
    return lines


def read_reasons(path):
    """The reasons, and what is wrong with the list."""
    reasons, wrong, files = {}, [], {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.strip() or line.startswith("#"):
                continue
            # Code may have a bar of its own.
            name, function, rest = line.rstrip("\n").split(" | ", 2)
            code, reason = rest.rsplit(" | ", 1)
            if name not in files:
                files[name] = set(read_functions(name)) if os.path.exists(name) else set()
            if (function, code) not in files[name]:
                wrong.append(f"no such line: {name}: {function}: {code}")
            if (name, function, code) in reasons:
                wrong.append(f"twice: {name}: {function}: {code}")
            reasons[name, function, code] = reason
    return reasons, wrong


def main():
    reasons, wrong = read_reasons(sys.argv[1])
    print("\n".join(wrong), end="\n" if wrong else "")
    if len(sys.argv) == 2:
        return 1 if wrong else 0
    used, bad = set(), bool(wrong)
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
            source = read_functions(name)
            missing += [(name, number, *source[number - 1])
                        for number, count in sorted(lines.items()) if not count]

    print()
    for name, number, function, code in missing:
        reason = reasons.get((name, function, code))
        used.add((name, function, code))
        if not reason:
            bad = True
        print(f"{name}:{number}: {function}: {code}\n\t{reason or 'NO REASON GIVEN'}")
    for name, function, code in sorted(set(reasons) - used):
        if os.path.dirname(name) in folders:
            print(f"reached after all: {name}: {function}: {code}")

    print()
    for folder, (reached, lines) in folders.items():
        percent = 100 * reached / lines
        bad = bad or percent < LEAST
        print(f"{folder}: {reached} of {lines} lines, {percent:.1f} %")
    return 1 if bad else 0


sys.exit(main())
