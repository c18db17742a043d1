"""A marketplace's report against our documents, by the real programs on a store that the test fills."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from invoices import add_order, line, ms
from procedures import Installation
from texts import bad_texts, is_good

CONFIG = 'log { locale = "en" }\ninvoicing { default_vat = "20" formats = {"json"} }\n'
DAY = "2025-11-25"


@pytest.fixture
def place(folder: Path) -> Iterator[Installation]:
    made = Installation(folder, CONFIG)
    yield made
    made.end()


def sell(place: Installation, *amounts: str, day: str = DAY, first: int = 1) -> None:
    """One order each, H1 and so on, of that sum; with its document."""
    for number, amount in enumerate(amounts, first):
        add_order(place, number, "s1", ms(f"{day}T12:00"), line("a", "1", amount))
    place.run("invoicing")


def reconcile(place: Installation, text: str | bytes, *options: str, name: str = "report.csv", code: int = 0) -> tuple[str, str]:
    path = place.state.parent / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = subprocess.run(place.command("ordergatectl", "document", "reconcile", str(path), *options), capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def report(place: Installation) -> dict:
    """The last one."""
    body, = place.row("SELECT body FROM documents WHERE kind = 'report' ORDER BY id DESC LIMIT 1") or ("null",)
    return json.loads(body)


def findings(place: Installation) -> list[tuple]:
    return [(one["kind"], one["why"], one["order"], one.get("line")) for one in report(place)["findings"]]


def put(place: Installation, name: str, text: str) -> Path:
    """Into the folder, as a file that nobody writes any more."""
    folder = place.state / "import" / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))
    return path


def test_each_kind_of_difference_is_found_and_named(place: Installation) -> None:
    sell(place, "100.00", "200.00", "300.00", "400.00", "500.00")
    place.control("document", "return", "H5", "1=1", "--reason", "came back")
    add_order(place, 6, "s1", ms(f"{DAY}T13:00"), line("a", "1", "0.00"))  # blocked: no price
    add_order(place, 7, "s1", 0, line("a", "1", "10.00"), state="assembling")
    place.run("invoicing")
    out, _ = reconcile(place, "order_number,total,vat,status,date\n"
                              f"H1,100.00,16.67,delivered,{DAY}\n"      # as it is
                              f"H2,210.00,35.00,delivered,{DAY}\n"      # another sum
                              f"H3,300.00,27.27,delivered,{DAY}\n"      # another tax
                              f"H2,210.00,35.00,delivered,{DAY}\n"      # twice
                              f"H4,400.00,,cancelled,{DAY}\n"           # we have sold it
                              f"H6,60.00,,delivered,{DAY}\nH7,10.00,,delivered,{DAY}\nH9,10.00,,delivered,{DAY}\n")
    assert findings(place) == [
        ("different", "amount", "H2", 3), ("different", "vat", "H3", 4), ("duplicate", "twice", "H2", 5),
        ("different", "status", "H4", 6), ("missing", "blocked", "H6", 7), ("missing", "not-delivered", "H7", 8),
        ("missing", "unknown-order", "H9", 9)]
    made = report(place)
    assert made["counts"] == {"rows": 8, "orders": 7, "matched": 1, "missing": 3, "extra": 0, "different": 3, "duplicate": 1}
    assert made["findings"][0]["report"]["amount"], made["findings"][0]["ours"]["amount"] == ("210.00", "200.00")
    assert made["findings"][4]["detail"] == "line 1 (a) has no price"
    assert out == ("report REP-000001\norders: 7, missing here: 3, not in the report: 0, different: 3,"
                   " twice in the report: 1\n")
    place.control("verify")


def test_what_the_report_does_not_know_is_extra_within_its_days(place: Installation) -> None:
    sell(place, "1.00", "2.00", "3.00")
    sell(place, "4.00", day="2025-11-27", first=4)
    place.control("document", "return", "H3", "1=1", "--reason", "all of it: nothing is left to report")
    text = f"order;sum;date\nH1;1,00;{DAY}\n"
    reconcile(place, text)
    assert findings(place) == [("extra", "not-in-report", "H2", None)]
    reconcile(place, text, "--again", "--from", DAY, "--to", "2025-11-30")
    assert [one[2] for one in findings(place)] == ["H2", "H4"]
    reconcile(place, text, "--again", "--partial")
    assert findings(place) == [] and report(place)["period"]["partial"]
    reconcile(place, "order;sum\nH1;1,00\n")  # without days
    assert findings(place) == [] and report(place)["period"] == {"from": "", "to": "", "partial": True}


def test_a_return_is_reported_by_itself_or_off_its_order(place: Installation) -> None:
    sell(place, "100.00", "200.00")
    place.control("document", "return", "H1", "1=1", "--reason", "came back")
    back, = place.row("SELECT business_date FROM documents WHERE kind = 'return'")
    for text in (f"order;sum;date\nH1;100,00;{DAY}\nH2;200,00;{DAY}\n",                 # of that day, before the return
                 f"order;sum;date\nH1;100,00;{DAY}\nH1;-100,00;{DAY}\nH2;200,00;{DAY}\n",  # made later
                 f"order;sum;date\nH2;200,00;{DAY}\n",                                   # or without what is back
                 f"order;sum;date\nH1;-100,00;{back}\n"):                                # of the day of the return
        reconcile(place, text)
        assert findings(place) == []
    reconcile(place, f"order;sum;date\nH1;-90,00;{back}\n")
    assert findings(place) == [("different", "amount", "H1", 2)]
    assert report(place)["findings"][0]["ours"]["amount"] == "-100.00"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1251"])
def test_files_of_spreadsheets_are_read(place: Installation, encoding: str) -> None:
    sell(place, "1234.50", "20.00", "40.00")
    text = ("Отчёт о продажах за день\r\n\r\n№;Номер заказа;Дата доставки;СУММА ЗАКАЗА;НДС;Статус;Прочее\r\n"
            f"1;H1;25.11.2025 14:05;1\u00a0234,50;;Доставлен;x\r\n2;\"H2\";25.11.2025;20 руб.;3,33;ОТМЕНЁН;\r\n"
            "3;H3;25.11.2025;60,00;10,00;Выполнен;\r\n4;H3;25.11.2025;-20,00;-3,33;Возврат;\r\nИтого;;;1 294,50;;;\r\n")
    reconcile(place, text.encode(encoding))
    assert findings(place) == [("different", "status", "H2", 5)]


BAD = [
    ("", "the file is empty"), ("order,sum\n", "the report has no rows"),
    ("a,b\n1,2\n", "none of the first 20 rows names the columns"),
    ("order,sum,order\nH1,1,H1\n", "the column 'order' is there twice"),
    ("order,sum\nH1,1.234\nH2,x\n,5.00\nH3,1,2,3\n", "report.csv:2: sum: '1.234' is not a sum of money"),
    ("order,sum\nH1,x\nH2,x\n,5.00\n", "report.csv:4: the row names no order"),
    ("order,sum,status\nH1,1,lost\n", "report.csv:2: status: 'lost' is not known"),
    ("order,sum,date\nH1,1,31.02.2026\n", "report.csv:2: date: '31.02.2026' is neither"),
    ("order,sum\nH1,99999999999999999999\n", "report.csv:2: sum:"),
    ("order,sum\n\"H1,1\n", "report.csv:2: a quote is opened and never closed"),
    ("order,sum\n" + "H1,x\n" * 250, "250 bad rows; nothing was changed"),
]


def test_a_bad_file_changes_nothing_and_each_fault_has_its_line(place: Installation) -> None:
    for text, told in BAD:
        _, why = reconcile(place, text, code=1)
        assert told in why, (text[:80], why)
    assert why.count(" is not a sum of money") == 100, "the first hundred are told"
    assert place.rows("SELECT 1 FROM documents") == [] and place.rows("SELECT 1 FROM document_series") == []


def test_the_folder_is_emptied_and_a_file_is_known_again(place: Installation) -> None:
    sell(place, "100.00", "50.00")
    good = f"order,total,date\nH1,100.00,{DAY}\n"
    put(place, "day.csv", good)
    put(place, "again.csv", good)
    put(place, "bad.csv", "order,total\nH1,none\n")
    put(place, "half.csv.part", good)
    (place.state / "import/reports/link.csv").symlink_to("/etc/passwd")
    young = place.state / "import/reports/young.csv"
    young.write_text(good)
    assert place.run("settlement") == "reports=1 known=1 failed=1 differences=1"
    left = sorted(path.name for path in young.parent.iterdir() if path.is_file() or path.is_symlink())
    assert left == ["half.csv.part", "link.csv", "young.csv"]
    assert sorted(path.name[13:] for path in (young.parent / "done").iterdir()) == ["again.csv", "day.csv"]
    reason, = (young.parent / "failed").glob("*.reason.txt")
    assert reason.read_text() == "2: sum: 'none' is not a sum of money\n1 bad rows; nothing was changed\n"
    assert place.rows("SELECT outcome, name FROM market_reports ORDER BY id") == [("done", "REP-000001"), ("failed", "")]
    place.run("monitor")
    assert place.rows("SELECT rule, subject FROM alerts WHERE rule LIKE 'report-%' ORDER BY subject") == [
        ("report-differs", "REP-000001"), ("report-refused", "bad.csv")]
    assert place.run("settlement") == "reports=0 known=0 failed=0 differences=0"
    assert len(place.control("document", "reports").splitlines()) == 3
    place.control("verify")


def test_a_later_report_of_the_same_days_ends_the_alert(place: Installation) -> None:
    sell(place, "100.00", "50.00")
    put(place, "day.csv", f"order,total,date\nH1,100.00,{DAY}\n")
    place.run("settlement")
    place.run("monitor")
    put(place, "day-whole.csv", f"order,total,date\nH1,100.00,{DAY}\nH2,50.00,{DAY}\n")
    assert place.run("settlement") == "reports=1 known=0 failed=0 differences=0"
    place.run("monitor")
    assert place.rows("SELECT state FROM alerts WHERE rule = 'report-differs'") == [("resolved",)]


def test_names_of_files_and_words_of_people_that_are_no_utf8_stay_out_of_the_store(place: Installation) -> None:
    sell(place, "100.00")
    put(place, os.fsdecode(b"good-\xff\xd0.csv"), f"order,total,date\nH1,100.00,{DAY}\n")
    put(place, os.fsdecode("плохой".encode("cp1251") + b".csv"), "order,total\nH1,none\n")
    assert place.run("settlement") == "reports=1 known=0 failed=1 differences=0"
    assert place.rows("SELECT outcome, file_name FROM market_reports ORDER BY file_name") == [
        ("failed", "      .csv"), ("done", "good-  .csv")]
    done = subprocess.run([*place.command("ordergatectl", "document", "return", "H1", "1=1", "--reason"), b"\xff"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "is not UTF-8" in done.stderr) == (2, True)
    assert bad_texts(place.data) == []
    assert is_good("да".encode()) and not is_good(b"\xd0") and not is_good(b"a\0")


def test_a_report_is_handed_over_as_json_csv_and_html(place: Installation) -> None:
    sell(place, "100.00")
    reconcile(place, f"order,total,date\nH1,99.00,{DAY}\n<b>&,1.00,{DAY}\n")
    export = place.state / "export"
    rows = list(csv.DictReader(io.StringIO((export / "report-REP-000001.csv").read_text("utf-8-sig")), delimiter=";"))
    assert [(row["kind"], row["order"], row["report_sum"], row["our_sum"]) for row in rows] == [
        ("different", "H1", "99.00", "100.00"), ("missing", "<b>&", "1.00", "")]
    page = (export / "report-REP-000001.html").read_text("utf-8")
    assert "&lt;b&gt;&amp;" in page and "расхождение" in page and "<b>&" not in page
    assert json.loads((export / "report-REP-000001.json").read_text())["file"]["name"] == "report.csv"
    document, = place.row("SELECT id FROM documents WHERE kind = 'report'") or (0,)
    for form in ("json", "csv", "html"):
        path = place.state.parent / f"x.{form}"
        place.control("document", "export", str(document), str(path), "--format", form)
        assert path.read_bytes() == (export / f"report-REP-000001.{form}").read_bytes()
    refused = subprocess.run(place.command("ordergatectl", "document", "export", str(document), "/dev/null", "--format", "upd"),
                             capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "forms of a report are json csv html" in refused.stderr
