"""Stores and products from CSV files: what people see, and what a killed import leaves."""

from __future__ import annotations

import fcntl
import json
import subprocess
import time
from pathlib import Path

import pytest
from appliance import BIN, SLACK, Appliance, wait_until
from load import order_body
from stores import Store

PRODUCTS = "sku,name,barcodes,unit,piece_weight_g,vat_rate,tolerance_percent\n"
STORES = "id;name;time_zone;opening_hours;telegram_chat;integration_type\r\n"


class Desk:
    """ordergatectl on a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.data = Store(self.state)
        self.config = folder / "ordergate.conf"
        self.config.write_text(self.data.named_in(""), encoding="utf-8")
        assert self.run("init").returncode == 0

    def command(self, *words: str) -> list[str]:
        return [str(BIN / "ordergatectl"), "--state", str(self.state), "--config", str(self.config), *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120, check=False)

    def file(self, data: str | bytes, name: str = "file.csv") -> str:
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)

    def rows(self, sql: str) -> list[tuple]:
        return self.data.rows(sql)


@pytest.fixture
def desk(folder: Path) -> Desk:
    return Desk(folder)


def test_a_file_from_a_russian_spreadsheet_becomes_stores(desk: Desk) -> None:
    text = STORES + '1;"Магазин; № 1";Asia/Omsk;Пн-Пт 08:00-22:00;-100;5\r\n2;Второй;;;;\r\n'
    file = desk.file(text.encode("cp1251"))
    first = desk.run("store", "import", file)
    assert (first.returncode, first.stdout) == (0, "2 stores, 2 of them new or changed\n"), first.stderr
    stores = "SELECT id, name, time_zone, opening_hours, telegram_chat, integration_type, imported FROM stores ORDER BY id"
    assert desk.rows(stores) == [("1", "Магазин; № 1", "Asia/Omsk", "Пн-Пт 08:00-22:00", "-100", 5, 1),
                                 ("2", "Второй", "Europe/Moscow", "", "", 3, 1)]
    again = desk.run("store", "import", file)
    assert (again.returncode, again.stdout) == (0, "2 stores, 0 of them new or changed\n")
    one = desk.run("store", "import", desk.file("id,name,integration_type\n2,Второй,4\n"))
    assert (one.returncode, one.stdout) == (0, "1 stores, 1 of them new or changed\n")
    assert [row[:1] + row[5:6] for row in desk.rows(stores)] == [("1", 5), ("2", 4)]


def test_bad_rows_are_named_by_line_and_nothing_changes(desk: Desk) -> None:
    text = STORES + "1;a;Europe/Moskow;;;\r\n\r\n2;b;;9-17;;\r\n3;c;;;;9\r\n4;d;;;\r\n5;e;;;;\r\n"
    answer = desk.run("store", "import", desk.file(text))
    assert answer.returncode == 1 and answer.stdout == ""
    lines = [line.split(":", 2)[1:] for line in answer.stderr.splitlines()[:-1]]
    assert [int(line) for line, _ in lines] == [2, 4, 5, 6]
    assert "Europe/Moskow" in lines[0][1] and "9-17" in lines[1][1] and "integration_type" in lines[2][1]
    assert "5 fields instead of 6" in lines[3][1]
    assert answer.stderr.endswith("4 faults; nothing was changed\n")
    twice = desk.run("store", "import", desk.file("id,name\n1,a\n2,b\n1,c\n"))
    assert twice.returncode == 1 and ":4: id: '1' is there already in line 2" in twice.stderr
    assert desk.rows("SELECT count(*) FROM stores") == [(0,)]


def test_only_the_first_hundred_bad_rows_are_shown(desk: Desk) -> None:
    answer = desk.run("catalog", "import", desk.file("sku,name,vat_rate\n" + "1,a,18\n" * 250))
    assert answer.returncode == 1
    assert answer.stderr.count("vat_rate: '18'") == 100
    assert "250 faults, of which the first 100 are shown; nothing was changed" in answer.stderr


@pytest.mark.parametrize(("words", "code", "said"), [
    (["store", "import"], 2, "which file?"), (["catalog", "import", "a", "b"], 2, "one at a time"),
    (["catalog", "import", "/nowhere.csv"], 3, "/nowhere.csv"), (["catalog", "import", "/"], 1, "/"),
])
def test_a_file_that_is_not_there_is_told(desk: Desk, words: list[str], code: int, said: str) -> None:
    answer = desk.run(*words)
    assert answer.returncode == code and said in answer.stderr, answer


def test_a_file_without_its_columns_is_refused(desk: Desk) -> None:
    for text, said in (("", "the file is empty"), ("sku\n1\n", "'name' is missing"), ("sku,name,vat\n", "unknown column 'vat'")):
        answer = desk.run("catalog", "import", desk.file(text))
        assert answer.returncode == 1 and said in answer.stderr


@pytest.mark.parametrize("text", ["sku,name\n", "sku,name", "sku,name\n\n", "[]", "[ ]\n"])
def test_a_file_without_rows_does_not_empty_the_catalogue(desk: Desk, text: str) -> None:
    assert desk.run("catalog", "import", desk.file("sku,name\n9,a\n")).returncode == 0
    answer = desk.run("catalog", "import", desk.file(text))
    assert (answer.returncode, answer.stdout) == (1, "") and ":1: there are no rows" in answer.stderr, answer
    assert answer.stderr.endswith("nothing was changed\n")
    assert desk.rows("SELECT sku FROM products") == [("9",)]
    for kind, header in (("store", "id,name\n"), ("place", "sku,zone\n")):
        assert desk.run(kind, "import", desk.file(header)).returncode == 1


def test_the_file_becomes_the_whole_catalogue(desk: Desk) -> None:
    first = desk.file(PRODUCTS + '1,"Молоко, 1 л",4600000000017 46000024,шт,1030,10,\n2,Вода,,шт,,,5\n')
    assert desk.run("catalog", "import", first).stdout == "2 products are the catalogue now\n"
    assert "Молоко, 1 л" in desk.run("catalog", "show", "1").stdout
    again = desk.run("catalog", "import", first)
    assert (again.returncode, again.stdout) == (0, "2 products: this file is the catalogue already\n")
    assert desk.run("catalog", "import", desk.file(PRODUCTS + "2,Вода,,шт,,22,\n3,Соль,,шт,,,\n")).returncode == 0
    assert desk.run("catalog", "show", "1").returncode == 3
    assert desk.rows("SELECT sku, vat_rate FROM products ORDER BY sku") == [("2", "22"), ("3", "")]
    assert desk.rows("SELECT count(*) FROM product_barcodes") == [(0,)]


def test_products_that_contradict_each_other_are_refused(desk: Desk) -> None:
    assert desk.run("catalog", "import", desk.file("sku,name\n9,a\n")).returncode == 0
    answer = desk.run("catalog", "import", desk.file("sku,name,barcodes\n1,a,77 77 78\n2,b,077\n1,c,\n"))
    assert answer.returncode == 1
    assert ":3: barcodes: '077' is another product's" in answer.stderr and ":4: sku: '1' is there twice" in answer.stderr
    assert desk.rows("SELECT sku FROM products") == [("9",)]


def test_all_faults_are_told_at_once(desk: Desk) -> None:
    assert desk.run("catalog", "import", desk.file("sku,name\n9,a\n")).returncode == 0
    text = PRODUCTS + "1,a,77 78 4600000000010,,,,\n1,b,,,-5,99,abc\n2,c,078 077,,,99,\n2,d,,,,98,\n3,e\n3,f,,,,,\n"
    answer = desk.run("catalog", "import", desk.file(text))
    told = sorted(line.split(":", 1)[1] for line in answer.stderr.splitlines()[:-1])
    assert [" ".join(line.split(" ")[:3]) for line in told] == [
        "2: warning: barcodes:", "3: piece_weight_g: '-5'", "3: sku: '1'", "3: tolerance_percent: 'abc'", "3: vat_rate: '99'",
        "4: barcodes: '077'", "4: barcodes: '078'", "4: vat_rate: '99'", "5: sku: '2'", "5: vat_rate: '98'", "6: 2 fields"], told
    assert answer.returncode == 1 and answer.stderr.endswith("10 faults; nothing was changed\n")
    assert desk.rows("SELECT sku FROM products") == [("9",)]
    warned = desk.run("catalog", "import", desk.file("sku,name,barcodes\n1,a,4600000000010\n"))
    assert warned.returncode == 0 and ":2: warning: barcodes: the check digit of '4600000000010'" in warned.stderr
    assert desk.rows("SELECT sku FROM products") == [("1",)]


def test_a_killed_import_changes_nothing_and_leaves_no_rows_behind(desk: Desk) -> None:
    assert desk.run("catalog", "import", desk.file("sku,name\n9,a\n")).returncode == 0
    many = desk.file(PRODUCTS + "".join(f"{i},Товар {i},46{i:011d},шт,,10,\n" for i in range(60000)), "many.csv")
    process = subprocess.Popen(desk.command("catalog", "import", many), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: desk.rows("SELECT count(*) FROM products")[0][0] > 1000, 30, "the import is under way")
    finally:
        process.kill()
        process.communicate()
    assert desk.run("catalog", "show", "9").returncode == 0 and desk.run("catalog", "show", "1").returncode == 3
    assert desk.run("catalog", "import", desk.file("sku,name\n8,b\n")).returncode == 0
    assert desk.rows("SELECT sku FROM products") == [("8",)]
    assert desk.rows("SELECT count(*) FROM product_barcodes") == [(0,)]


def test_one_import_runs_at_a_time(desk: Desk) -> None:
    file = desk.file("sku,name\n8,b\n")
    with open(desk.state / "run" / "catalog-import-1.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = desk.run("catalog", "import", file)
    assert answer.returncode == 1 and "is already running" in answer.stderr
    assert desk.run("catalog", "import", file).returncode == 0


def products(count: int, word: str, first: int = 0) -> str:
    return PRODUCTS + "".join(f"{i},{word} {i},46{i:011d},шт,,10,\n" for i in range(first, first + count))


PUBLISHED = ("SELECT product_rows, (SELECT count(*) FROM products p WHERE p.generation = c.generation),"
             " (SELECT count(*) FROM product_barcodes b WHERE b.generation = c.generation),"
             " (SELECT count(DISTINCT substr(name, 1, 3)) FROM products p WHERE p.generation = c.generation) FROM catalogue_state c")


def test_orders_go_on_while_a_catalogue_is_replaced_and_nobody_sees_half_of_one(appliance: Appliance, folder: Path) -> None:
    """Imported, replaced, and replaced once more by an import that is killed; a million are the same, with more patience."""
    store = appliance.store()
    waits: list[float] = []

    def load(name: str, text: str, kill_at: int = 0) -> int:
        file = folder / f"{name}.csv"
        file.write_text(text, encoding="utf-8")
        with open(folder / "said.txt", "w+", encoding="utf-8") as said:
            process = subprocess.Popen([str(BIN / "ordergatectl"), "--state", str(appliance.state), "--config", str(appliance.config),
                                        "catalog", "import", str(file)],
                                       stdout=said, stderr=said)
            while process.poll() is None:
                began = time.monotonic()
                answer = appliance.hook(json.dumps(order_body(f"{name}-{len(waits)}")))
                waits.append(time.monotonic() - began)
                assert answer.status == 200, answer
                rows, *there, words = store.execute(PUBLISHED).fetchone()
                assert there == [rows, rows] and words == min(rows, 1), "one catalogue, and all of it"
                if kill_at and store.execute("SELECT count(*) FROM products").fetchone()[0] > kill_at:
                    process.kill()
            said.seek(0)
            assert process.returncode == (-9 if kill_at else 0), said.read()
        return store.execute(PUBLISHED).fetchone()[0]

    assert load("a", products(20_000, "Старый")) == 20_000
    assert load("b", products(18_000, "Новый", 5_000)) == 18_000
    assert load("c", products(20_000, "Ещё"), kill_at=22_000) == 18_000, "nothing has changed"
    assert load("d", products(1_000, "Ещё")) == 1_000
    assert store.execute("SELECT count(*) FROM products").fetchone() == (1_000,), "what was cut short is tidied up"
    assert len(waits) > 10 and max(waits) < 3 * SLACK
    acknowledged = store.execute("SELECT count(*) FROM inbox").fetchone()[0]
    assert acknowledged == len(waits)
    store.close()
