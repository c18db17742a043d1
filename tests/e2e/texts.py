"""What a store's texts must be, whichever engine keeps them: UTF-8 without NUL."""

from __future__ import annotations

from stores import Store


def is_good(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in value


def bad_texts(store: Store) -> list[tuple[str, str, bytes]]:
    """Table, column and text of all that PostgreSQL would refuse."""
    octets = "convert_to({}, 'UTF8')" if store.on_server else "CAST({} AS BLOB)"
    texts = [(table, column) for table, columns in store.columns().items() for column, kind in columns if kind == "TEXT"]
    assert texts
    return [(table, column, value) for table, column in texts
            for value, in store.rows(f"SELECT {octets.format(column)} FROM {table} WHERE {column} IS NOT NULL") if not is_good(value)]
