#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each check of the suite quotes the rule that it holds: the words must stand in the file that it names."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PORT = HERE.parents[1] / "port"
ROW = re.compile(r'\{("(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*),\s*("(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*),\s*"')


def text_of(literals):
    """The string of adjacent C literals."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).replace('\\"', '"')


def words(text):
    """Without comment marks, @p and punctuation of the layout: the words alone."""
    return re.sub(r"[^A-Za-z0-9_|]+", " ", re.sub(r"@[pc] |^\s*\*|/\*\*<?|`", " ", text, flags=re.MULTILINE)).strip()


def main():
    failed = checks = 0
    for source in sorted(HERE.glob("port_*.c")):
        table = source.read_text(encoding="utf-8").partition("_checks[] = {")[2]
        for row in ROW.finditer(table):
            checks += 1
            sentence, rule = text_of(row[1]), text_of(row[2])
            named = re.match(r"(port/README\.md|\w+\.h)", rule)
            quotes = re.findall(r'"([^"]+)"', rule)
            path = PORT / "README.md" if named and named[1].endswith(".md") else named and PORT / "include/sbs" / named[1]
            there = words(path.read_text(encoding="utf-8")) if path else ""
            for quote in quotes:
                if words(quote) not in there:
                    failed += 1
                    print(f"{source.name}: {sentence}: not in {path.name if path else rule}: {quote}")
            if not quotes and "table" not in rule:
                failed += 1
                print(f"{source.name}: {sentence}: quotes nothing: {rule}")
    print(f"{checks} rules, {failed} quoted wrongly")
    return 1 if failed or checks < 60 else 0


if __name__ == "__main__":
    sys.exit(main())
