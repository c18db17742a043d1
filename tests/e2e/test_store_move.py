"""`ordergatectl store move`: a store with something in every table goes to PostgreSQL and back, is interrupted, and is refused."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from appliance import BUILD
from postgres_server import PostgresServer, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

MANY = 6000
TEXTS = ["", "просто текст", "it's \"quoted\"\t\n\\x00 \\N NULL", "🍅 x" * 300, "\x01\x7f", "A", "a", "ё", "é"]
NUMBERS = [0, 1, -1, 2**63 - 1, -(2**63), 1_700_000_000_123]


class Store:
    """A state directory, and the store in it as ordergatectl sees it."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.file = self.state / "ordergate.db"
        self.config = folder / "ordergate.conf"
        self.point_at("sqlite:ordergate.db")
        self.good("init")

    def point_at(self, url: str) -> None:
        self.config.write_text(f'store {{ url = "{url}" }}\n', encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        return [str(BUILD / "bin/ordergatectl"), "--config", str(self.config), "--state", str(self.state), *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False, timeout=300)

    def good(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def bad(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr


def tables(db: sqlite3.Connection) -> list[str]:
    return [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                                         " AND name NOT IN ('store_migrations', 'store_move') ORDER BY rowid")]


def value(kind: str, row: int, chance: random.Random) -> object:
    if kind == "INTEGER":
        return chance.choice([*NUMBERS, chance.getrandbits(62)])
    return chance.choice(TEXTS) if kind == "TEXT" else bytes(chance.randrange(256) for _ in range(row))


def fill(file: Path) -> None:
    """Something in every table: what may be null is at times; keys and references are good; rows at the end of a sequence are gone."""
    chance = random.Random(1)
    db = sqlite3.connect(file)
    for table in tables(db):
        columns = db.execute(f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}')").fetchall()
        unique = {db.execute(f"PRAGMA index_info('{index[1]}')").fetchall()[-1][2] for index in db.execute(f"PRAGMA index_list('{table}')")
                  if index[2]} | {[name for name, _, _, pk in columns if pk][-1]}
        refers = {row[3]: row[2:5:2] for row in db.execute(f"PRAGMA foreign_key_list('{table}')")}
        if any(name == "id" and "CHECK (id = 1)" in row[0] for name, *_ in columns
               for row in db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,))):
            continue
        for row in range(MANY if table in ("order_history", "orders") else 40):
            values = []
            for name, kind, not_null, pk in columns:
                if name in refers:
                    parent, key = refers[name]
                    values.append(db.execute(f"SELECT {key} FROM {parent} ORDER BY 1 LIMIT 1 OFFSET ?", (row % 40,)).fetchone()[0])
                elif name in unique:
                    values.append(1000 + row * 7 if kind == "INTEGER" else f"{chance.choice(TEXTS)}{row}")
                elif not not_null and not pk and chance.random() < 0.3:
                    values.append(None)
                elif name == "state" and kind == "INTEGER":
                    values.append(3)  # no lease
                elif name == "until_ms":
                    values.append(0)
                else:
                    values.append(value(kind, row, chance))
            db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", values)
    db.execute("DELETE FROM inbox WHERE id > 1100")  # the archive has these ids, so they must not come again
    db.commit()
    db.close()


def content(file: Path) -> dict[str, list[tuple[object, ...]]]:
    db = sqlite3.connect(file)
    rows = {table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in tables(db)}
    rows["sqlite_sequence"] = sorted(db.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    db.close()
    return rows


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    one = PostgresServer({"fsync": "off"})
    yield one
    one.close()


@pytest.fixture
def database(server: PostgresServer) -> Callable[[str], str]:
    def make(name: str) -> str:
        server.psql("postgres", f"CREATE DATABASE {name} TEMPLATE template0")
        return server.url(name)

    return make


@pytest.fixture
def store(folder: Path) -> Store:
    return Store(folder)


def test_there_and_back_everything_is_the_same(store: Store, database: Callable[[str], str], server: PostgresServer) -> None:
    fill(store.file)
    before = content(store.file)
    url = database("there")
    said = store.good("store", "move", "--to", url)
    assert f"{sum(map(len, before.values())) - len(before['sqlite_sequence'])} rows of {len(before) - 1} tables" in said
    assert server.psql("there", "SELECT nextval('inbox_id_seq')") == str(dict(before["sqlite_sequence"])["inbox"] + 1)  # type: ignore[operator]
    assert server.psql("there", "SELECT nextval('outbox_head_head_id_seq')") == "1274"
    assert server.psql("there", "SELECT encode(raw, 'hex') FROM quarantine WHERE id = 1014") == next(
        row[4].hex() for row in before["quarantine"] if row[0] == 1014)  # type: ignore[attr-defined]

    assert "has moved" in store.bad("status")
    with pytest.raises(sqlite3.IntegrityError, match="has moved"):
        sqlite3.connect(store.file).execute("UPDATE orders SET comment = ''")
    store.point_at(url)
    assert re.search(r"^id +1000$", store.good("queue", "inbox", "show", "1000"), re.M)
    store.good("store", "move", "--to", "sqlite:back.db")
    back = content(store.state / "back.db")
    sequences = dict(back.pop("sqlite_sequence"))
    assert back.pop("store_meta") == before["store_meta"]
    assert {name: rows for name, rows in before.items() if name not in ("sqlite_sequence", "store_meta")} == back
    for name, last in before["sqlite_sequence"]:
        assert sequences[name] in (last, last + 1), name  # one was taken above
    assert "has moved" in store.bad("status")
    with pytest.raises(RuntimeError, match="has moved"):
        server.psql("there", "UPDATE orders SET comment = ''")

    store.good("store", "reopen")
    server.psql("there", "UPDATE orders SET comment = ''")
    assert "is open" in store.bad("store", "reopen")


def test_whoever_is_killed_goes_on(store: Store, database: Callable[[str], str], server: PostgresServer) -> None:
    fill(store.file)
    before = content(store.file)
    url = database("killed")
    kills = 0
    for table in ("stores", "orders", "order_history"):
        process = subprocess.Popen(store.command("store", "move", "--to", url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            there = server.psql("killed", f"SELECT to_regclass('{table}') IS NOT NULL")
            if there == "t" and int(server.psql("killed", f"SELECT count(*) FROM {table}")) >= 40:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
        process.wait(60)
        if kills:
            assert int(server.psql("killed", "SELECT count(*) FROM order_history")) < MANY or table == "order_history"
            store.good("status")  # the source is as it was
            store.point_at(url)
            assert "has not ended" in store.bad("status")
            store.point_at("sqlite:ordergate.db")
    assert kills == 3
    store.good("store", "move", "--to", url)
    store.point_at(url)
    store.good("store", "move", "--to", "sqlite:back.db")
    after = content(store.state / "back.db")
    assert after == before


def test_on_the_way_back_too(store: Store, database: Callable[[str], str], server: PostgresServer) -> None:
    """The mover is killed, and then the server that is the source."""
    fill(store.file)
    before = content(store.file)
    url = database("back")
    store.good("store", "move", "--to", url)
    store.point_at(url)

    def interrupt(table: str, how: Callable[[subprocess.Popen[str]], None]) -> None:
        process = subprocess.Popen(store.command("store", "move", "--to", "sqlite:back.db"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        while f"copied {table}" not in process.stderr.readline():
            assert process.poll() is None
        how(process)
        process.stderr.close()
        assert process.wait(60) != 0

    def end_connections(_: subprocess.Popen[str]) -> None:
        server.psql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'back'")

    for table, how in (("stores", subprocess.Popen.kill), ("orders", end_connections)):
        interrupt(table, how)
        store.good("status")  # the source is as it was
        store.point_at("sqlite:back.db")
        assert "has not ended" in store.bad("status")
        store.point_at(url)
    store.good("store", "move", "--to", "sqlite:back.db")
    assert content(store.state / "back.db") == before


def test_a_source_that_changed_between_is_noticed(store: Store, database: Callable[[str], str], server: PostgresServer) -> None:
    fill(store.file)
    url = database("changed")
    process = subprocess.Popen(store.command("store", "move", "--to", url), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "copied orders" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    db = sqlite3.connect(store.file)
    db.execute("UPDATE orders SET comment = 'other' WHERE id = 1007")
    db.commit()
    db.close()
    assert "orders: source and target are not the same" in store.bad("store", "move", "--to", url)
    store.good("status")
    store.good("store", "move", "--to", url, "--anew")
    assert server.psql("changed", "SELECT comment FROM orders WHERE id = 1007") == "other"


def test_text_that_is_not_utf8_comes_repaired(store: Store, database: Callable[[str], str], server: PostgresServer) -> None:
    db = sqlite3.connect(store.file)
    db.execute("INSERT INTO counters VALUES (CAST(x'41ff42' AS TEXT), 7), (CAST(x'4300d0' AS TEXT), 8)")
    db.commit()
    db.close()
    done = store.run("store", "move", "--to", database("repaired"))
    assert done.returncode == 0, done.stderr
    assert "2 texts were not UTF-8" in done.stderr
    assert server.psql("repaired", "SELECT name FROM counters WHERE value IN (7, 8) ORDER BY value") == "A\ufffdB\nC\ufffd\ufffd"


@pytest.mark.parametrize(("sql", "said"), [
    ("INSERT INTO leases VALUES ('scheduler', 'there:1', 1, 99999999999999)", "scheduler: there:1 works in the source"),
    ("INSERT INTO inbox_head VALUES (1, 1, 2, 0, 'there:2', 1, 99999999999999)", "inbox: there:2 works in the source"),
    ("INSERT INTO processes VALUES ('b', 'hook', 1, 'there', 'hook-1@b:1', 7, '1.0', 0, unixepoch() * 1000)",
     "there: hook-1@b:1 works in the source"),
])
def test_who_holds_a_lease_is_not_robbed(store: Store, database: Callable[[str], str], sql: str, said: str) -> None:
    url = database(f"leased_{abs(hash(sql))}")
    db = sqlite3.connect(store.file)
    db.execute(sql)
    db.commit()
    assert said in store.bad("store", "move", "--to", url)
    store.good("status")
    db.execute("UPDATE store_meta SET held = 1")
    db.commit()
    assert said in store.bad("store", "move", "--to", url), "also when it is held: who works would wait for its lock"
    for table, column in (("leases", "until_ms"), ("inbox_head", "lease_until_ms"), ("processes", "seen_ms")):
        db.execute(f"UPDATE {table} SET {column} = 1")
    db.commit()
    db.close()
    store.good("store", "move", "--to", url)


def test_a_target_in_use_is_left_alone(store: Store, folder: Path, database: Callable[[str], str], server: PostgresServer) -> None:
    url = database("used")
    (folder / "other").mkdir()
    other = Store(folder / "other")
    other.good("store", "move", "--to", url)
    server.psql("used", "INSERT INTO quarantine (received_ms, channel, reason, raw) VALUES (1, '', '', '')")
    assert "in use" in store.bad("store", "move", "--to", url, "--anew")
    server.psql("used", "INSERT INTO store_move VALUES (1, 'target', 'somebody', 1)")
    assert "another installation" in store.bad("store", "move", "--to", url)
    assert "moved already" in other.bad("store", "move", "--to", database("third"))
    assert "same" in store.bad("store", "move", "--to", "sqlite:ordergate.db")
    assert store.run("store", "move").returncode == 2
    assert "nowhere" in store.bad("store", "move", "--to", "postgresql:///x?host=/nowhere")
    assert not os.path.exists(store.state / "nowhere")
    store.good("status")
