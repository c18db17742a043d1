# SPDX-License-Identifier: MIT
"""A new program on an old store."""
import pathlib
import re
import sqlite3
import subprocess

from conftest import ROOT


def old_store(path: pathlib.Path) -> int:
    """A store as the schema was before its last migration. Its version."""
    files = sorted((ROOT / "schema" / "sqlite").glob("[0-9]*.sql"))[:-1]
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    for file in files:
        db.executescript(file.read_text())
    version = int(re.match(r"\d+", files[-1].name).group())
    db.execute("UPDATE store_meta SET version = ?", (version,))
    db.execute("INSERT INTO counters VALUES ('marker', 42)")
    db.commit()
    db.close()
    return version


def ctl(build: pathlib.Path, state: pathlib.Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([build / "bin" / "ordergatectl", "--state", state, *words], capture_output=True, text=True)


def version_of(path: pathlib.Path) -> int:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    assert db.execute("SELECT value FROM counters WHERE name = 'marker'").fetchone() == (42,)
    return db.execute("SELECT version FROM store_meta").fetchone()[0]


def test_a_backup_is_taken_before_a_migration_and_only_then(build: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "backup").mkdir()
    old = old_store(tmp_path / "ordergate.db")
    done = ctl(build, tmp_path, "init")
    assert done.returncode == 0, done.stderr
    copies = list((tmp_path / "backup").iterdir())
    assert [version_of(copy) for copy in copies] == [old]
    assert version_of(tmp_path / "ordergate.db") == old + 1
    assert ctl(build, tmp_path, "migrate").returncode == 0
    assert list((tmp_path / "backup").iterdir()) == copies


def test_without_a_backup_there_is_no_migration(build: pathlib.Path, tmp_path: pathlib.Path) -> None:
    old = old_store(tmp_path / "ordergate.db")
    (tmp_path / "backup").write_text("no folder")
    done = ctl(build, tmp_path, "migrate")
    assert done.returncode == 1
    assert "backup" in done.stderr
    assert version_of(tmp_path / "ordergate.db") == old


def test_a_store_may_be_an_empty_file_of_the_group(build: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """As systemd/init makes it: what SQLite puts beside it has its mode."""
    store = tmp_path / "ordergate.db"
    store.touch()
    store.chmod(0o660)
    assert ctl(build, tmp_path, "init").returncode == 0
    assert not list((tmp_path / "backup").iterdir())
    for path in tmp_path.glob("ordergate.db*"):
        assert path.stat().st_mode & 0o777 == 0o660, path.name
