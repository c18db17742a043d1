"""How tests look into a store, and write past the writers: one text of SQL, with ? for values, for a file and for a database.

The text is what both engines understand: `ON CONFLICT DO NOTHING` for INSERT OR IGNORE, CASE for iif(), the table's name
before a column that ON CONFLICT counts up, now_ms() for unixepoch().
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import postgres_server

# What SQLite does by itself: the next row's number is past those that somebody chose.
GO_ON_AFTER = ("SELECT setval(CAST(s AS regclass), CAST(m AS bigint)) FROM (SELECT pg_get_serial_sequence('{table}', '{column}') AS s,"
               " (SELECT max({column}) FROM {table}) AS m) AS q WHERE s IS NOT NULL AND m IS NOT NULL")
# The writers' lock: common/store/engine/db_postgres.c.
LOCK = "SELECT pg_advisory_xact_lock(x'4f475752'::integer, hashtext(current_schema()))"

FILE_COLUMNS = ("SELECT t.name, c.name, c.type FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
                " AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid")
SERVER_COLUMNS = ("SELECT table_name, column_name, CASE data_type WHEN 'text' THEN 'TEXT' WHEN 'bytea' THEN 'BLOB' ELSE 'INTEGER' END"
                  " FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class FileConnection(sqlite3.Connection):
    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As a writer of the installation: nobody else writes meanwhile."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")


class ServerConnection:
    """As much of a sqlite3.Connection as tests use."""

    def __init__(self, url: str, read_only: bool) -> None:
        import psycopg2  # those who use files need no driver
        from psycopg2 import extensions

        self._connection = psycopg2.connect(url, connect_timeout=10)
        self._connection.set_session(readonly=read_only, autocommit=True)
        for name, oid, convert in (("whole", 1700, lambda text, _: text and int(text)),
                                   ("octets", 17, lambda text, _: text and bytes.fromhex(text[2:]))):
            extensions.register_type(extensions.new_type((oid,), name, convert), self._connection)

    def execute(self, sql: str, values: tuple[Any, ...] = ()) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(sql.replace("%", "%%").replace("?", "%s"), tuple(values))
        inserted = re.search(r"INSERT INTO (\w+) \(([\w, ]*)\)", sql)
        for column in {"id", "head_id"} & set(re.findall(r"\w+", inserted[2]) if inserted else ()):
            self._connection.cursor().execute(GO_ON_AFTER.format(table=inserted[1], column=column))
        return cursor

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            self.execute(LOCK)
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def __enter__(self) -> ServerConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()


Connection = FileConnection | ServerConnection


class Store:
    """Of one state directory: a file in it, or a database when the whole run keeps its stores in PostgreSQL."""

    def __init__(self, state: Path, database: postgres_server.PostgresDatabase | None = None) -> None:
        self.file = state / "ordergate.db"
        self.database = database or postgres_server.new_database()

    @property
    def on_server(self) -> bool:
        return self.database is not None

    def named_in(self, config: str) -> str:
        """The text of a configuration file that also says where the store is."""
        own = f'store {{ url = "{self.database.url()}" }}\n' if self.database else ""
        return config if own in config else own + config

    def _direct(self) -> str:
        """What we set for a session must not stay behind in a pooler."""
        return getattr(self.database, "direct_url", self.database.url)()

    def look(self) -> Connection:
        """A connection that can only read; the caller closes it."""
        if self.database:
            return ServerConnection(self._direct(), read_only=True)
        return sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=5, factory=FileConnection, isolation_level=None)

    def open(self) -> Connection:
        """One that writes, which no program of ours allows. A file's log is left alone, as everybody outside must; while
        this is open nobody is the last one, who would checkpoint it."""
        if self.database:
            return ServerConnection(self._direct(), read_only=False)
        connection = sqlite3.connect(self.file, timeout=10, factory=FileConnection, isolation_level=None)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(self.look()) as store:
            return store.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        found = self.rows(sql, *values)
        return found[0] if found else None

    def columns(self) -> dict[str, list[tuple[str, str]]]:
        """Name and type of the columns of every table; types in SQLite's words."""
        found: dict[str, list[tuple[str, str]]] = {}
        for table, column, kind in self.rows(SERVER_COLUMNS if self.on_server else FILE_COLUMNS):
            found.setdefault(table, []).append((column, kind))
        return found

    def change(self, sql: str, *values: Any) -> None:
        with closing(self.open()) as store, store.transaction():
            store.execute(sql, values)
