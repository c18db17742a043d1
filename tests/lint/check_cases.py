#!/usr/bin/env python3
"""Fail when tests/data/hard_cases.txt names a test that is not there."""
import pathlib
import re
import sys


def problems(root):
    for number, line in enumerate((root / "tests/data/hard_cases.txt").read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#") or not line:
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 3 or not all(fields):
            yield f"line {number}: not case | file | test"
        elif fields[1] != "-" and not (root / fields[1]).is_file():
            yield f"line {number}: there is no {fields[1]}"
        elif fields[1] != "-" and not re.search(rf"\b{fields[2]}\b", (root / fields[1]).read_text(encoding="utf-8")):
            yield f"line {number}: {fields[1]} has no {fields[2]}"


if __name__ == "__main__":
    found = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "cases: clean")
    sys.exit(1 if found else 0)
