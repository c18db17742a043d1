#!/usr/bin/env python3
"""Fail when tests/e2e/engines.py does not say what is so: each entry names a test that is there, each file that it does not
exclude is run on both engines by ctest, and nobody opens SQLite's file but those it names."""
import pathlib
import re
import sys

# They look into files, or are what looks.
OPENERS = {"stores.py", "test_schemas.py", "test_store_move.py", "test_restore.py", "test_procedures.py"}


def entries(engines, files):
    for name, why in {**engines.ONLY_SQLITE, **engines.OWN_SERVER}.items():
        file, _, test = name.partition("::")
        if file not in files:
            yield f"engines.py: there is no {file}"
        elif test and f"def {test}(" not in files[file]:
            yield f"engines.py: {file} has no {test}"
        elif test and file in engines.ONLY_SQLITE:
            yield f"engines.py: {name}: the whole file is named"
        if len(why.split()) < 4:
            yield f"engines.py: {name}: why?"


def registered(engines, files, cmake):
    """What ctest leaves out is what engines.py leaves out."""
    found = re.search(r'EXCLUDE REGEX "test_\(([\w|]+)\)\\\\.py"\)\nforeach', cmake)
    left_out = {f"test_{short}.py" for short in found[1].split("|")} if found else set()
    wanted = {name for name in {*engines.ONLY_SQLITE, *engines.OWN_SERVER} if "::" not in name}
    for file in sorted(left_out ^ wanted):
        yield f"{file}: cmake/tests.cmake and engines.py do not agree"


def problems(root):
    folder = root / "tests" / "e2e"
    sys.path.insert(0, str(folder))
    import engines
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    yield from entries(engines, files)
    yield from registered(engines, files, (root / "cmake" / "tests.cmake").read_text(encoding="utf-8"))
    for name, text in sorted(files.items()):
        if re.search(r"\bsqlite3\b", text) and name not in OPENERS:
            yield f"{name}: opens SQLite by itself: see stores.py"


if __name__ == "__main__":
    found = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "engines: clean")
    sys.exit(1 if found else 0)
