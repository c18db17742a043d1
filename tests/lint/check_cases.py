#!/usr/bin/env python3
"""Fail when a table of cases, tests/data/*_cases.txt, names a test that is not there."""
import pathlib
import re
import sys


def problems(root, table):
    """Rows are case | file | test, and what more the table says of the case."""
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#") or not line:
            continue
        where = f"{table.name}:{number}"
        fields = [field.strip() for field in line.split("|")]
        if len(fields) < 3 or not all(fields):
            yield f"{where}: not case | file | test"
        elif fields[1] != "-" and not (root / fields[1]).is_file():
            yield f"{where}: there is no {fields[1]}"
        elif fields[1] != "-" and not re.search(rf"\b{fields[2]}\b", (root / fields[1]).read_text(encoding="utf-8")):
            yield f"{where}: {fields[1]} has no {fields[2]}"


if __name__ == "__main__":
    top = pathlib.Path(sys.argv[1])
    found = [problem for table in sorted(top.glob("tests/data/*_cases.txt")) for problem in problems(top, table)]
    print("\n".join(found) or "cases: clean")
    sys.exit(1 if found else 0)
