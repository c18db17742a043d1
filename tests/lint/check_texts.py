#!/usr/bin/env python3
"""Fail when a text for operators (tr, tr_n, N_) has no translation in one of po/*.po, when a reason that
common/app/reason.c lists is not said anywhere, or when it does not list one that people are shown."""
import pathlib
import re
import subprocess
import sys
import tempfile


# Whose errors become reasons that people read: everything that err_set() says there.
REASONS_OF = ("common/channel/kuper_in.c", "common/codec/json/json_scan.c", "common/domain/invoice/invoice_build.c",
              "common/domain/invoice/later_change.c", "common/domain/invoice/vat.c",
              "common/domain/settlement/market_row.c")
STRING = r'"(?:[^"\\]|\\.)*"'
CONVERSION = r"%[-0-9.*]*(?:ll|z|t|j)?[sdiuxc]"


def texts(source):
    """String literals, neighbours joined, conversions as {}."""
    for run in re.findall(rf"{STRING}(?:\s*{STRING})*", source.replace("'\"'", "")):
        yield re.sub(CONVERSION, "{}", "".join(part[1:-1] for part in re.findall(STRING, run)))


def is_mere_frame(text):
    """Other reasons, joined."""
    return not re.sub(r"\{\}|[: ]", "", text)


def reasons(root):
    """What reason.c lists and nobody says, and what people are shown and it does not list."""
    table = (root / "common/app/reason.c").read_text(encoding="utf-8")
    ours = {re.sub(r"\{[a-z]+\}", "{}", text) for text in re.findall(r'N_\("(.*)"\)', table.split("others[]")[0])}
    said = {text for folder in ("common", "services", "scheduler") for path in (root / folder).rglob("*.c")
            if path.name != "reason.c" for text in texts(path.read_text(encoding="utf-8"))}
    parts = {part for text in said for part in text.split(": ")}
    beginnings = {text[:end] for text in said for end in range(len(text)) if text[end:].replace("{}", "") == ""}
    yield from (f"reason.c: nobody says '{text}'" for text in sorted(ours - said - parts - beginnings - CONSTRUCTED))
    for name in REASONS_OF:
        source = (root / name).read_text(encoding="utf-8")
        for call in re.findall(rf"(?:err_set|err_wrap|refuse|refuse_at)\(([^;]*)\);", source):
            for text in texts(call):
                if "out of memory" not in text and text not in ours and not all(
                        part in ours or is_mere_frame(part) for part in text.split(": ")):
                    yield f"{name}: reason.c does not list '{text}'"


# In SQL and by its parts.
CONSTRUCTED = {"document {} of batch {} has no {}: {}"}


def untranslated(root, catalogue, template):
    """msgids of the sources that the catalogue lacks."""
    merged = subprocess.run(["msgmerge", "-q", "--no-fuzzy-matching", catalogue, template, "-o", "-"],
                            check=True, capture_output=True).stdout
    missing = subprocess.run(["msgattrib", "--untranslated", "--no-obsolete", "--no-wrap", "-"], check=True,
                             input=merged, capture_output=True).stdout.decode()
    return f"{catalogue.relative_to(root)} lacks:\n{missing}" if missing.strip() else ""


def problems(root):
    """One text per catalogue that is not whole."""
    sources = [str(path.relative_to(root)) for folder in ("common", "services", "scheduler")
               for path in sorted((root / folder).rglob("*.c"))]
    with tempfile.TemporaryDirectory() as folder:
        template = pathlib.Path(folder, "all.pot")
        subprocess.run(["xgettext", "--from-code=UTF-8", "-k", "-ktr", "-ktr_n:1,2", "-kN_", "-kctl_fail:3", "-kctl_say:1", "-kctl_note:1", "-o", template, *sources],
                       check=True, cwd=root)
        return [text for catalogue in sorted(root.glob("po/*.po")) if (text := untranslated(root, catalogue, template))]


if __name__ == "__main__":
    top = pathlib.Path(sys.argv[1]).resolve()
    found = [*problems(top), *reasons(top)]
    print("\n".join(found) or "texts: clean")
    sys.exit(1 if found else 0)
