#!/usr/bin/env python3
"""Fail when our C code calls a function that this project does not use."""
import pathlib
import re
import sys

BANNED = {
    "strcpy": "text_copy()", "strcat": "struct buf", "strncpy": "text_copy()",
    "strncat": "struct buf", "sprintf": "snprintf()", "vsprintf": "vsnprintf()",
    "strtok": "strtok_r() or a loop", "atoi": "text_to_i64()", "atol": "text_to_i64()",
    "atof": "the codecs", "strtod": "the codecs", "gmtime": "codec/time/timestamp.h",
    "localtime": "codec/time/timestamp.h", "ctime": "codec/time/timestamp.h",
    "mktemp": "mkstemp()", "tmpnam": "mkstemp()", "system": "posix_spawn()",
    "popen": "posix_spawn()", "alloca": "struct buf", "rand": "base/id.h",
    "cJSON_Parse": "json_doc_parse()", "cJSON_GetObjectItem": "json_get()",
    "setlocale": "app/locale.h",
}
CALL = re.compile(r"\b(" + "|".join(BANNED) + r")\s*\(")
COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.S)
EXEMPT = {("common/app/locale.c", "setlocale")}


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def main(root):
    bad = []
    for folder in ("common", "services", "scheduler", "tests"):
        for path in sorted((root / folder).rglob("*.[ch]")):
            rel = path.relative_to(root).as_posix()
            code = COMMENT.sub(blank, path.read_text(encoding="utf-8"))
            for number, line in enumerate(code.splitlines(), 1):
                for name in CALL.findall(line):
                    if (rel, name) not in EXEMPT:
                        bad.append(f"{rel}:{number}: {name}() is banned: use {BANNED[name]}")
    print("\n".join(bad) or "banned functions: clean")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
