#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts branches that no test takes, and those of them that are argued beside the code.

usage: tools/lib/branches.py FILE [UNARGUED]      FILE: what gcovr --json wrote

An argument is a comment with "not taken:" on the line of the branch or in the comment that ends above it. Each untaken
branch needs one, but for UNARGUED of them at most (default: none); and each argument needs an untaken branch.
"""
import json
import pathlib
import sys

MARK = "not taken:"


def argument_of(lines, number):
    """The line of the argument for the branches of line number (from 1); 0: none."""
    if MARK in lines[number - 1].lower():
        return number
    at = number - 1
    while at > 0 and (lines[at - 1].lstrip().startswith(("*", "/*")) or lines[at - 1].rstrip().endswith("*/")):
        if MARK in lines[at - 1].lower():
            return at
        if lines[at - 1].lstrip().startswith("/*"):
            break
        at -= 1
    return 0


def main():
    made = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    allowed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    branches = taken = argued = 0
    open_places, stale = [], []
    for file in made["files"]:
        lines = pathlib.Path(file["file"]).read_text(encoding="utf-8").splitlines()
        used = set()
        for line in file["lines"]:
            counts = [branch["count"] for branch in line.get("branches", [])]
            missed = counts.count(0)
            branches, taken = branches + len(counts), taken + len(counts) - missed
            if missed and (at := argument_of(lines, line["line_number"])):
                used.add(at)
                argued += missed
            elif missed:
                open_places.append((missed, f"{file['file']}:{line['line_number']}: {lines[line['line_number'] - 1].strip()}"))
        stale += [f"{file['file']}:{at}: {text.strip()}" for at, text in enumerate(lines, 1)
                  if MARK in text.lower() and at not in used]
    unargued = branches - taken - argued
    for missed, place in open_places:
        print(f"{missed} not taken, not argued: {place}")
    for place in stale:
        print(f"argued, and taken: {place}")
    print(f"{branches} branches, {taken} taken ({100 * taken / branches:.1f} %), {argued} argued, {unargued} neither")
    sys.exit(1 if stale or unargued > allowed or not branches else 0)


if __name__ == "__main__":
    main()
