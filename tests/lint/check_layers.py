#!/usr/bin/env python3
"""Fail when a file includes a layer or a foreign header that it may not see.

MAY_SEE is the architecture; README.md shows the same table.
"""
import pathlib
import re
import sys

PURE = {"base", "codec", "domain"}
MAY_SEE = {
    "base": {"base"},
    "codec": {"base", "codec"},
    "domain": PURE,
    "store": PURE | {"store"},
    "net": {"base", "codec", "net"},
    "channel": PURE | {"channel"},
    "flow": PURE | {"store", "channel", "flow"},
    "app": {"base", "codec", "net", "store", "app"},
    "document": PURE | {"store", "app", "document"},
}
ONLY_IN = {  # foreign headers behind one door each (path below common/)
    "sqlite3.h": {"store/engine/db_sqlite.c", "store/engine/wal_file.c", "store/engine/wal_file.h"},
    "libpq-fe.h": {"store/engine/db_postgres.c", "store/engine/pg_link.c", "store/engine/pg_link.h"},
    "microhttpd.h": {f"net/server/{name}" for name in ("http_server.c", "http_drain.c", "http_server_private.h")},
    "curl/curl.h": {"net/client/curl_once.c", "net/client/http_client.c", "net/client/smtp_client.c"},
    "zint.h": {"codec/barcode/barcode_svg.c"},
    "cjson/cJSON.h": {"codec/json/json_doc.c", "codec/json/json_arena.c"},
    "confuse.h": {"app/config/config.c"},
    "libxml/xmlwriter.h": {"document/form/xml_out.c"},
    "cairo-pdf.h": {"document/form/page_out.c"},
    "pango/pangocairo.h": {"document/form/page_out.c"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def check_common(root):
    for path in sorted((root / "common").rglob("*.[ch]")):
        rel = path.relative_to(root / "common").as_posix()
        layer = rel.split("/")[0]
        for kind, name in includes(path):
            if kind == '"' and name.split("/")[0] not in MAY_SEE[layer]:
                yield f"common/{rel}: layer {layer} must not include {name}"
            if name in ONLY_IN and rel not in ONLY_IN[name]:
                yield f"common/{rel}: {name} belongs to {sorted(ONLY_IN[name])}"


def check_services(root):
    folders = [*(root / "services").glob("*/"), root / "scheduler"]
    for folder in folders:
        own = {p.relative_to(folder).as_posix() for p in folder.rglob("*.h")}
        for path in sorted(folder.rglob("*.[ch]")):
            rel = path.relative_to(root).as_posix()
            for kind, name in includes(path):
                if name in ONLY_IN:
                    yield f"{rel}: {name} belongs to {sorted(ONLY_IN[name])}"
                if kind == '"' and name not in own and name.split("/")[0] not in MAY_SEE:
                    yield f"{rel}: {name} is neither common/ nor of this folder"


def main(root):
    breaches = [*check_common(root), *check_services(root)]
    print("\n".join(breaches) or "layers: clean")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
