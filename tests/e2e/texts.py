"""What a store's texts must be, whichever engine keeps them: UTF-8 without NUL."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def is_good(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in value


def bad_texts(file: Path) -> list[tuple[str, str, bytes]]:
    """Table, column and text of all that PostgreSQL would refuse."""
    db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    columns = db.execute("SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
                         " WHERE t.type = 'table' AND c.type = 'TEXT'").fetchall()
    db.text_factory = bytes
    found = [(table, column, value) for table, column in columns
             for value, in db.execute(f'SELECT CAST("{column}" AS BLOB) FROM "{table}" WHERE "{column}" IS NOT NULL') if not is_good(value)]
    db.close()
    return found
