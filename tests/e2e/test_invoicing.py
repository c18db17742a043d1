"""Sales documents, corrections and returns, by the real programs on a store that the test fills."""

from __future__ import annotations

import csv
import hashlib
import io
import random
import signal
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import closing
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from invoices import add_order, add_store, check_sums, configure, documents, exported, import_rates, line, ms, refuse, result, settings
from procedures import Installation

CML = "{urn:1C.ru:commerceml_2}"


@pytest.fixture
def place(folder: Path) -> Iterator[Installation]:
    made = Installation(folder, settings())
    yield made
    made.end()


# --- what is on a document


def test_lines_are_what_was_handed_over_at_its_own_price_and_rate(place: Installation) -> None:
    import_rates(place, milk="10", cheese="22", book="none", export="0")
    add_order(place, 1, "s1", ms("2026-03-10T12:00"),
              line("milk", "3", "79.90", picked=2, state="short"),
              line("cheese", "1", "119.99", 1000, picked_weight=955),
              line("gone", "2", "50.00", picked=0, state="short"),
              line("bread", "1", "40.00", picked=0, state="replaced"),
              line("book", "1", "45.50", replaces=4, full_price="50.00"),
              line("export", "1", "10.00"),
              total=Decimal("509.69"))
    assert place.run("invoicing") == result(made=1)
    document, = documents(place)
    assert [(one["sku"], one["quantity"], one.get("weight"), one["amount"], one["vatRate"], one["vat"])
            for one in document["lines"]] == [
        ("milk", 2, None, "159.80", 10, "14.53"), ("cheese", 1, 955, "114.59", 22, "20.66"),
        ("book", 1, None, "45.50", "none", "0.00"), ("export", 1, None, "10.00", 0, "0.00")]
    assert (document["total"], document["vat"], document["discount"]) == ("329.89", "35.19", "4.50")
    check_sums(document)


def test_what_cannot_be_invoiced_waits_with_its_reason_and_is_made_after_the_repair(place: Installation) -> None:
    configure(place, default_vat='""')
    day = ms("2026-03-10T12:00")
    add_order(place, 1, "s1", day, line("known", "1", "10.00"))
    add_order(place, 2, "s1", day, line("unknown", "1", "10.00"))
    add_order(place, 3, "s1", day, line("known", "1", "0.00"))
    add_order(place, 4, "s1", day, line("known", "1", "10.00"), total=Decimal("11.01"))
    add_order(place, 5, "s1", day, line("known", "1", "10.00"), total=Decimal("11.00"))
    add_order(place, 6, "s1", day, line("known", "1", "10.00", picked=0, state="short"))
    add_order(place, 7, "s1", 0, line("known", "1", "10.00"), state="canceled")
    import_rates(place, known="10")
    assert place.run("invoicing") == result(made=2, empty=1, blocked=3)
    assert place.run("invoicing") == result(blocked=3)
    assert place.rows("SELECT id, invoice_reason FROM orders WHERE invoice_state = 'blocked'") == [
        (2, "line 1 (unknown) has no VAT rate: import it with the catalogue, or set invoicing.default_vat"),
        (3, "line 1 (known) has no price"), (4, "the positions make 10.00, the marketplace's total is 11.01")]
    assert len(place.control("document", "blocked").splitlines()) == 4
    import_rates(place, known="10", unknown="22")
    assert place.run("invoicing") == result(made=1, blocked=2)
    assert place.rows("SELECT order_id, number FROM documents ORDER BY number") == [(1, 1), (5, 2), (2, 3)]
    place.control("verify")


def test_what_stands_in_the_order_can_be_repaired(place: Installation) -> None:
    day = ms("2026-03-10T12:00")
    add_order(place, 1, "s1", day, line("a", "2", "10.00"), line("b", "1", "0.00", 1000, picked_weight=900), total=Decimal("99.90"))
    add_order(place, 2, "s1", day, line("a", "1", "10.00"))
    place.change("UPDATE orders SET delivered_ms = 86400000, invoice_state = 'blocked' WHERE id = 2")
    add_order(place, 3, "s1", day, line("a", "1", "10.00"), total=Decimal("12.00"))
    add_order(place, 4, "s1", day, line("a", "1", "10.00"))
    add_order(place, 5, "s1", day, line("a", "1", "10.00"), state="assembled")
    assert place.run("invoicing") == result(made=1, blocked=3)
    for arguments, code, word in (
            (("H1", "2=0", "--reason", "x"), 2, "LINE=PRICE"), (("H1", "2=-1", "--reason", "x"), 2, "LINE=PRICE"),
            (("H1", "2=1.005", "--reason", "x"), 2, "LINE=PRICE"), (("H1", "2=79.90"), 2, "--reason"), (("H1", "--reason", "x"), 2, "--day"),
            (("H1", "9=1", "--reason", "x"), 3, "no line 9"), (("H1", "--total", "0", "--reason", "x"), 2, "no sum"),
            (("H2", "--day", "1970-01-02", "--reason", "x"), 2, "2026-03-10"), (("H2", "--day", "2999-01-01", "--reason", "x"), 2, "today"),
            (("H2", "--day", "10.03.2026", "--reason", "x"), 2, "YYYY-MM-DD"), (("H4", "1=9.00", "--reason", "x"), 1, "already"),
            (("H5", "1=9.00", "--reason", "x"), 1, "not delivered"), (("H9", "1=9.00", "--reason", "x"), 3, "no order")):
        returned, text = refuse(place, "document", "repair", *arguments)
        assert (returned, word in text) == (code, True), (arguments, returned, text)
    assert place.rows("SELECT count(*) FROM audit_log") == [(0,)] and place.run("invoicing") == result(blocked=3)
    said = place.control("document", "repair", "H1", "2=79.90", "--reason", "сайт не прислал цену")
    assert said == "the next run of invoicing makes the document\n"
    place.control("document", "repair", "H2", "--day", "2026-03-11", "--reason", "часы")
    place.control("document", "repair", "H3", "--total", "10.00", "--reason", "сумма")
    assert len(place.control("document", "blocked").splitlines()) == 4
    assert place.run("invoicing") == result(made=3)
    made = {document["order"]["externalId"]: document for document in documents(place)}
    assert (made["H1"]["total"], made["H1"]["lines"][1]["amount"], made["H1"]["discount"]) == ("91.91", "71.91", "0.00")
    assert (made["H2"]["date"], made["H2"]["lines"][0]["vatRate"], made["H3"]["total"]) == ("2026-03-11", 22, "10.00")
    (_, first), (_, second), (_, third) = place.rows(
        "SELECT order_id, detail FROM order_history WHERE kind = 'document repaired' ORDER BY order_id")
    assert '"from":"0.00","to":"79.90"' in first and "сайт не прислал цену" in first
    assert '"deliveredWas":"1970-01-02T00:00:00Z","day":"2026-03-11"' in second and '"totalWas":"12.00","total":"10.00"' in third
    assert place.rows("SELECT action, changed FROM audit_log") == [("document repair", 1)] * 3
    place.control("verify")


def test_the_day_is_that_of_the_store_and_the_rate_that_of_the_day(place: Installation) -> None:
    rows = [("Europe/Kaliningrad", "2025-12-31T23:59:58", "2025-12-31", 20),
            ("Europe/Moscow", "2025-12-31T23:59:59", "2025-12-31", 20), ("Europe/Moscow", "2026-01-01T00:00", "2026-01-01", 22),
            ("Asia/Novosibirsk", "2025-12-31T23:59:59", "2025-12-31", 20),
            ("Asia/Kamchatka", "2026-01-01T00:00:01", "2026-01-01", 22), ("Asia/Kamchatka", "2024-02-29T23:30", "2024-02-29", 20)]
    for number, (zone, local, _, _) in enumerate(rows, 1):
        add_store(place, f"s{number}", zone)
        add_order(place, number, f"s{number}", ms(local, zone), line("a", "1", "122.00"))
    assert place.run("invoicing") == result(made=len(rows))
    made = {document["order"]["storeId"]: (document["date"], document["lines"][0]["vatRate"]) for document in documents(place)}
    assert made == {f"s{number}": (date, rate) for number, (_, _, date, rate) in enumerate(rows, 1)}
    numbers = [document["number"] for document in sorted(documents(place), key=lambda one: one["order"]["deliveredAt"])]
    assert numbers == sorted(numbers), "the earlier delivery has the lower number"


def test_documents_of_a_closed_period_follow_the_policy(place: Installation) -> None:
    for policy, number in (("today", 1), ("original", 2)):
        configure(place, closed_until='"2025-12-31"', closed_documents=f'"{policy}"', series='"{year}-{store}"')
        add_order(place, number, "s/1", ms("2025-12-31T12:00"), line("a", "1", "120.00"))
        assert place.run("invoicing") == result(made=1)
    today, original = documents(place)
    assert today["date"] > "2026" and original["date"] == "2025-12-31"
    assert (today["series"], original["series"]) == (f"{today['date'][:4]}-s_1", "2025-s_1")
    for document in (today, original):
        assert document["shipmentDate"] == "2025-12-31" and document["lines"][0]["vatRate"] == 20


# --- later documents


def test_a_return_in_january_of_a_sale_in_december_keeps_its_rate(place: Installation) -> None:
    add_order(place, 1, "s1", ms("2025-12-30T12:00"), line("a", "3", "33.33"), line("b", "1", "100.00", 1000, picked_weight=777))
    assert place.run("invoicing") == result(made=1)
    assert place.control("document", "return", "H1", "1=1", "--reason", "брак").startswith("return OG-000002: 33.33")
    assert place.control("document", "correct", "1-1", "2=1/700", "--reason", "перевес").startswith("correction OG-000003: -7.70")
    assert place.control("document", "return", "1", "1=2", "2=1", "--reason", "отказ").startswith("return OG-000004: 136.66")
    assert place.run("invoicing") == result(exported=3)
    sale, first, correction, rest = documents(place)
    for later in (first, correction, rest):
        assert later["original"] == {"series": "OG", "number": 1, "date": "2025-12-30"}
        assert later["date"] > "2026" and later["shipmentDate"] == "2025-12-30"
        check_sums(later)
        for one in later["lines"]:
            assert one["vatRate"] == 20
            sign = -1 if later["kind"] == "return" else 1
            for key in ("amount", "vat"):
                assert Decimal(one["after"][key]) - Decimal(one["before"][key]) == sign * Decimal(one[key])
    assert (first["revision"], rest["revision"], correction["revision"]) == (1, 2, 1)
    assert correction["lines"][0]["weight"] == -77
    # Everything came back: nothing is left, to the kopeck.
    assert all(Decimal(one["after"][key]) == 0 for one in rest["lines"] for key in ("amount", "vat", "quantity"))
    for key in ("total", "vat"):
        assert Decimal(sale[key]) == Decimal(first[key]) + Decimal(rest[key]) - Decimal(correction[key])
    place.control("verify")


def test_a_return_is_numbered_where_its_own_day_is(place: Installation) -> None:
    configure(place, series='"A{year}"', after_delivery='"correct"')
    for number in (1, 2):
        add_order(place, number, "s1", ms("2025-12-31T12:00"), line("a", "3", "10.00"))
    assert place.run("invoicing") == result(made=2)
    place.control("document", "return", "H1", "1=1", "--reason", "брак")
    place.control("document", "correct", "H1", "1=1", "--reason", "счёт")
    say_later(place, 2, '[{"sku":"a","line":1,"quantity":1}]')
    place.run("invoicing")
    series = [(document["kind"], document["series"] == f"A{document['date'][:4]}", document["number"]) for document in documents(place)]
    assert series == [("sale", True, 1), ("sale", True, 2), ("return", True, 1), ("correction", True, 2), ("return", True, 3)]
    place.control("verify")


def test_a_change_that_makes_no_sense_is_refused_and_takes_no_number(place: Installation) -> None:
    add_order(place, 1, "s1", ms("2026-03-10T12:00"), line("a", "3", "10.00"))
    add_order(place, 2, "s1", ms("2026-03-10T12:00"), line("a", "3", "10.00", picked=0, state="short"))
    assert place.run("invoicing") == result(made=1, empty=1)
    for arguments, code, word in (
            (("return", "H1", "1=4", "--reason", "x"), 1, "can be returned"), (("return", "H1", "9=1", "--reason", "x"), 1, "no line 9"),
            (("return", "H1", "1=1", "1=1", "--reason", "x"), 1, "twice"), (("return", "H1", "1=0", "--reason", "x"), 1, "can be returned"),
            (("correct", "H1", "1=3", "--reason", "x"), 1, "does not change"), (("return", "H1", "1=1"), 2, "--reason"),
            (("return", "H1", "1:1", "--reason", "x"), 2, "LINE=QUANTITY"), (("return", "H9", "1=1", "--reason", "x"), 3, "no order"),
            (("return", "H2", "1=1", "--reason", "x"), 1, "no document yet")):
        returned, text = refuse(place, "document", *arguments)
        assert (returned, word in text) == (code, True), (arguments, returned, text)
    assert place.control("document", "return", "H1", "1=1", "--reason", "x").startswith("return OG-000002: 10.00")


def test_check_config_refuses_what_nobody_can_have_meant(place: Installation) -> None:
    place.write_config('invoicing { seller_inn = "7707083893" }\n')
    assert place.control("check-config") == "the configuration is good\n"
    for text, word in (('invoicing { seller_inn = "7707083894" }', "invoicing.seller_inn"),
                       ('channel kuper { buyer_inn = "500100732258" }', "channel.kuper.buyer_inn"),
                       ("job telegramm { every = 10s }", "job.telegramm: there is no program ordergate-telegramm")):
        place.write_config(text + "\n")
        code, said = refuse(place, "check-config")
        assert code == 1 and word in said, (code, said)


# --- properties


def random_basket(chance: random.Random) -> list[dict]:
    lines = []
    for place_no in range(chance.randint(1, 12)):
        price = str(Decimal(chance.randint(1, 300_000)) / 100)
        more = {"full_price": str(Decimal(price) + Decimal(chance.randint(0, 5_000)) / 100)}
        if chance.random() < 0.4:
            weight = chance.randint(50, 4_000)
            lines.append(line(f"r{chance.randint(0, 4)}", str(chance.randint(1, 3)), price, weight,
                              picked_weight=chance.randint(0, 2 * weight), **more))
        else:
            quantity = chance.randint(1, 9)
            lines.append(line(f"r{chance.randint(0, 4)}", str(quantity), price, picked=chance.randint(0, quantity), **more))
    return lines


def expected_amount(one: dict, key: str) -> Decimal:
    whole = one["quantity"] * Decimal(one[key])
    exact = whole * one["picked_weight"] / one["weight"] if one["weight"] else Decimal(one["picked"]) * Decimal(one[key])
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_thousands_of_baskets_add_up(place: Installation) -> None:
    chance = random.Random(20260101)
    import_rates(place, r0="22", r1="10", r2="0", r3="none", r4="5")
    baskets = {number: random_basket(chance) for number in range(1, 2001)}
    fill(place, baskets)
    line_text = place.run("invoicing")
    kept = documents(place)
    filled = {number for number, basket in baskets.items() if any(Decimal(one.get("picked", 1)) > 0 for one in basket)}
    assert line_text == result(made=len(filled), empty=len(baskets) - len(filled))
    assert sorted(document["number"] for document in kept) == list(range(1, len(filled) + 1))
    assert {int(document["order"]["externalId"][1:]) for document in kept} == filled
    for document in kept:
        check_sums(document)
        basket = baskets[int(document["order"]["externalId"][1:])]
        for one in document["lines"]:
            wanted = expected_amount(basket[one["line"] - 1], "price")
            assert Decimal(one["amount"]) == wanted
            assert Decimal(one.get("discount", 0)) == expected_amount(basket[one["line"] - 1], "full_price") - wanted
    check_csv(place, kept)
    check_commerceml(place, kept)


def fill(place: Installation, baskets: dict[int, list[dict]]) -> None:
    """As add_order() does it, but in one transaction."""
    changes: list[tuple] = []

    class Collector(Installation):
        def __init__(self) -> None:  # pylint: disable=super-init-not-called
            pass

        def change(self, sql: str, *values: object) -> None:
            changes.append((sql, values))

    for number, basket in baskets.items():
        add_order(Collector(), number, "s1", ms("2026-03-10T12:00") + number, *basket)
    with closing(place.data.open()) as store, store.transaction():
        for sql, values in changes:
            store.execute(sql, values)


def check_csv(place: Installation, kept: list[dict]) -> None:
    path, = exported(place, "documents-*.csv")
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and data.endswith(b"\r\n")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert len(rows) == sum(len(document["lines"]) for document in kept)
    assert sum(Decimal(row["amount"]) for row in rows) == sum(Decimal(document["total"]) for document in kept)
    assert sum(Decimal(row["net"]) + Decimal(row["vat"]) - Decimal(row["amount"]) for row in rows) == 0


def check_commerceml(place: Installation, kept: list[dict]) -> None:
    path, = exported(place, "documents-*.xml")
    found = ElementTree.parse(path).getroot().findall(CML + "Документ")
    assert len(found) == len(kept)
    for document, element in zip(kept, found):
        assert element.findtext(CML + "Сумма") == document["total"]
        goods = element.findall(f"{CML}Товары/{CML}Товар")
        assert sum(Decimal(one.findtext(CML + "Сумма")) for one in goods) == Decimal(document["total"])
        taxes = element.findall(f"{CML}Налоги/{CML}Налог/{CML}Сумма")
        assert sum(Decimal(one.text) for one in taxes) == Decimal(document["vat"])


# --- exactly once


def check_whole(places: list[Installation], count: int) -> None:
    """No gap and no double in numbers; every document is in one batch, and every file of a batch is what the store says."""
    place = places[0]
    assert place.rows("SELECT count(*), min(number), max(number), count(DISTINCT order_id), sum(CASE state WHEN 'exported' THEN 1 END)"
                      " FROM documents") == [(count, 1, count, count, count)]
    assert place.rows("SELECT count(*) FROM document_batches WHERE state <> 'done'") == [(0,)]
    files = {name: data for one in places for path in exported(one, "*") for name, data in [(path.name, path.read_bytes())]}
    known = place.rows("SELECT file_name, bytes, hash FROM document_files")
    assert {name for name, _, _ in known} == set(files)
    for name, size, digest in known:
        assert (len(files[name]), hashlib.sha256(files[name]).hexdigest()) == (size, digest), name
    numbers = [row["number"] for name, data in files.items() if name.endswith(".csv")
               for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";")]
    assert sorted(map(int, numbers)) == list(range(1, count + 1))
    place.control("verify")


def test_killed_at_any_moment_and_two_at_once_no_number_is_missing_or_double(place: Installation, folder: Path) -> None:
    """The second one as on another machine: the same store, a folder of its own."""
    count, chance = 800, random.Random(7)
    text = settings(formats='{"json", "csv", "commerceml", "upd"}') + (
        "" if place.data.on_server else f'store {{ url = "sqlite:{place.state}/ordergate.db" }}\n')
    place.write_config(text)
    (folder / "second").mkdir()
    other = Installation(folder / "second", text, place.data)
    fill(place, {number: [line("a", "1", "10.00")] for number in range(1, count + 1)})
    try:
        for _ in range(8):
            runs = [one.start("invoicing") for one in (place, other)]
            time.sleep(chance.uniform(0.0, 0.25))
            for run in runs:
                run.send_signal(signal.SIGKILL)
                run.wait()
        runs = [one.start("invoicing") for one in (place, other)]
        for run in runs:
            assert run.wait(timeout=120) == 0, place.log.read_text() + other.log.read_text()
        place.run("invoicing")
        check_whole([place, other], count)
    finally:
        other.end()


# --- what the marketplace says after the sale


def say_later(place: Installation, order: int, body: str, total: int = -1, at: int = 1) -> None:
    """As the processor keeps it."""
    place.change("INSERT INTO order_later_changes (order_id, event_ms, total_minor, body, state, created_ms)"
                 " VALUES (?, ?, ?, ?, CASE WHEN ? = '' THEN 'nothing' ELSE 'due' END, 1)", order, at, total, body, body)


def test_goods_that_the_marketplace_takes_off_later_become_a_return_or_an_alert(place: Installation) -> None:
    sold = ms("2026-03-10T12:00")
    for number in (1, 2):
        add_order(place, number, "s1", sold, line("a", "3", "10.00"), line("b", "1", "5.00"))
    add_order(place, 3, "s1", 0, line("a", "1", "10.00"), state="delivering")
    one_back = '[{"sku":"a","line":1,"quantity":2},{"sku":"b","line":2,"quantity":1,"same":true}]'
    for number in (1, 3):
        say_later(place, number, one_back, 2500)
    assert place.run("invoicing") == result(made=2) + " returned=0 told=1"
    assert place.rows("SELECT state FROM order_later_changes ORDER BY id") == [("told",), ("due",)]
    place.run("monitor")
    assert place.rows("SELECT rule, subject FROM alerts WHERE rule = 'order-changed'") == [("order-changed", "1-1")]
    assert "goods came back" in place.control("document", "changed")
    place.control("document", "leave", "H1", "--reason", "the buyer has them")
    assert place.rows("SELECT state FROM order_later_changes ORDER BY id") == [("settled",), ("due",)]

    configure(place, after_delivery='"correct"')
    say_later(place, 2, one_back, 2500)
    say_later(place, 2, one_back, 2500)
    assert place.run("invoicing") == result(exported=1) + " returned=1 told=0"
    made = documents(place)[-1]
    assert (made["kind"], made["total"], made["reason"], made["order"]["externalId"]) == ("return", "10.00", "order.updated", "H2")
    assert (made["lines"][0]["before"]["quantity"], made["lines"][0]["after"]["quantity"]) == (3, 2)
    assert place.run("invoicing") == result()
    place.control("verify")


def test_goods_that_were_refused_at_the_door_are_not_on_the_sale(place: Installation) -> None:
    configure(place, after_delivery='"correct"')
    for number in range(1, 6):
        codes = [("0104600000000015215A", "0104600000000015215A")] * (3 if number == 4 else 0)
        add_order(place, number, "s1", ms("2026-03-10T12:00"), line("a", "3", "10.00", full_price="12.00", codes=codes),
                  line("b", "1", "5.00"))
    one_back = '[{"sku":"a","line":1,"quantity":2},{"sku":"b","line":2,"quantity":1,"same":true}]'
    say_later(place, 1, one_back, 2500)
    say_later(place, 2, one_back, 2500)
    say_later(place, 2, "", 3500, at=2)  # and the buyer takes it all the same
    say_later(place, 3, '[{"sku":"a","line":1,"quantity":0},{"sku":"b","line":2,"quantity":0}]', 0)
    say_later(place, 4, one_back, 2500)  # of three marked ones, and nobody says which
    say_later(place, 5, one_back, 9900)  # a total that does not fit
    assert place.run("invoicing") == "made=4 empty=1 blocked=0 exported=5 returned=1 told=1"
    made = [(one["order"]["externalId"], one["kind"], one["total"], one["lines"][0]["quantity"]) for one in documents(place)]
    assert made == [("H1", "sale", "25.00", 2), ("H2", "sale", "35.00", 3), ("H4", "sale", "35.00", 3), ("H5", "sale", "35.00", 3),
                    ("H4", "return", "10.00", 1)]
    assert documents(place)[0]["lines"][0]["discount"] == "4.00", "of the two that were sold"
    assert place.rows("SELECT invoice_state FROM orders WHERE id = 3") == [("empty",)]
    assert place.rows("SELECT order_id, state FROM order_later_changes ORDER BY id") == [
        (1, "done"), (2, "done"), (2, "nothing"), (3, "done"), (4, "done"), (5, "told")]
    assert place.run("invoicing") == result()
    place.control("verify")


def test_a_run_says_in_the_history_how_far_it_is(place: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    for run, ended in ((1, None), (2, 5)):
        place.change("INSERT INTO job_runs (id, job, started_ms, ended_ms, outcome, detail, trigger, term)"
                     " VALUES (?, 'invoicing', 1, ?, 'running', 'as it was', 'test', 1)", run, ended)
        add_order(place, run, "s1", ms("2026-03-10T12:00"), line("a", "1", "10.00"))
        monkeypatch.setenv("ORDERGATE_RUN_ID", str(run))
        place.run("invoicing")
    assert place.rows("SELECT detail FROM job_runs ORDER BY id") == [("made=1 empty=0 blocked=0 so far",), ("as it was",)]
