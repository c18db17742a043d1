"""Files of documents: what their schemas say, one after another byte for byte, and what cannot be made."""

from __future__ import annotations

import csv
import io
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from invoices import add_order, configure, documents, exported, import_rates, line, ms, refuse, result, settings
from procedures import Installation

SCHEMAS = Path(__file__).resolve().parents[2].parent / "shared" / "schemas"
CML = "{urn:1C.ru:commerceml_2}"
ALL_FORMATS = '"json", "csv", "commerceml", "upd", "html", "pdf"'


@pytest.fixture
def place(folder: Path) -> Iterator[Installation]:
    made = Installation(folder, settings())
    yield made
    made.end()


def fill_for_forms(place: Installation, year: int) -> None:
    import_rates(place, milk="10", cheese="22", book="none")
    codes = [("01046012345678902112345abcde", "01046012345678902112345abcde\x1d93cryp"), ("0104601234567890215x<&>yz", "0104601234567890215x<&>yz\x1d93t")]
    add_order(place, 1, "s1", ms(f"{year}-03-10T12:00"),
              line("milk", "2", "79.90", codes=codes, name='Молоко "Домик" <3,2%> & сливки; 1\x07л'),
              line("cheese", "2", "119.99", 1000, picked_weight=955, full_price="139.99"), line("book", "1", "45.50"))
    add_order(place, 2, "s1", ms(f"{year}-03-11T12:00"), *(line("cheese", "1", f"{number}.37", name=f"Товар номер {number}, "
              "название которого длиннее одной строки таблицы") for number in range(1, 81)))


def validate(schema: str, *paths: Path) -> None:
    if not (SCHEMAS / schema).exists():
        pytest.skip(f"NOT VALIDATED: there is no {SCHEMAS / schema}")
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", str(SCHEMAS / schema), *map(str, paths)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def later_documents(place: Installation) -> None:
    place.control("document", "return", "H1", "1=1", "--reason", "брак <упаковки>")
    place.control("document", "correct", "H1", "2=2/900", "3=0", "--reason", "пересчёт")


def test_commerceml_is_what_its_schema_says(place: Installation) -> None:
    fill_for_forms(place, 2026)
    place.run("invoicing")
    later_documents(place)
    place.write_config(place.config.read_text() + 'channel kuper { scheme = "commission" buyer_inn = "" buyer_kpp = "" }\n')
    add_order(place, 3, "s1", ms("2026-03-12T12:00"), line("milk", "1", "10.00"))
    place.run("invoicing")
    operations = [element.findtext(CML + "ХозОперация") for path in exported(place, "documents-*.xml")
                  for element in ElementTree.parse(path).getroot().findall(CML + "Документ")]
    assert operations == ["Отпуск товара", "Отпуск товара", "Возврат товара", "Прочие", "Отчет о продажах комиссионного товара"]
    validate("commerceml-2.10.xsd", *exported(place, "documents-*.xml"))


@pytest.mark.parametrize("encoding", ["UTF-8", "windows-1251"])
def test_upd_is_what_its_schema_says(place: Installation, encoding: str) -> None:
    configure(place, formats='{"upd"}', upd_version='"5.02"', upd_encoding=f'"{encoding}"')
    fill_for_forms(place, 2025)
    place.run("invoicing")
    paths = exported(place, "ON_NSCHFDOPPR_*.xml")
    assert len(paths) == 2 == len(exported(place, "*"))
    found = {}
    for path in paths:
        assert path.read_bytes().startswith(f'<?xml version="1.0" encoding="{encoding}"?>'.encode())
        root = ElementTree.fromstring(path.read_bytes())
        assert root.get("ИдФайл") == path.stem
        found[root.find("Документ/СвСчФакт").get("НомерДок")] = root
    first = found["OG-000001"]
    assert [code.text for code in first.iter("КИЗ")] == ["01046012345678902112345abcde", "0104601234567890215x<&>yz"]
    assert [one.get("НалСт") for one in first.iter("СведТов")] == ["10%", "20%", "без НДС"]
    assert [(one.get("КолТов"), one.get("НаимЕдИзм")) for one in first.iter("СведТов")] == [("2", "шт"), ("0.955", "кг"), ("1", "шт")]
    for root in found.values():
        total = root.find("Документ/ТаблСчФакт/ВсегоОпл")
        goods = list(root.iter("СведТов"))
        assert sum(Decimal(one.get("СтТовУчНал")) for one in goods) == Decimal(total.get("СтТовУчНалВсего"))
        assert sum(Decimal(one.get("СтТовБезНДС")) for one in goods) == Decimal(total.get("СтТовБезНДСВсего"))
        assert (Decimal(total.get("СтТовУчНалВсего")) - Decimal(total.get("СтТовБезНДСВсего"))
                == Decimal(total.findtext("СумНалВсего/СумНал")))
    validate("ON_NSCHFDOPPR_1_997_01_05_02_01.xsd", *paths)


def test_upd_of_today_says_5_03_and_22_percent(place: Installation) -> None:
    configure(place, formats='{"upd"}')
    fill_for_forms(place, 2026)
    place.run("invoicing")
    root = ElementTree.parse(next(path for path in exported(place, "*") if "_1_0_0_0_0_00" in path.name)).getroot()
    assert root.get("ВерсФорм") == "5.03" and root.find("Документ").get("Функция") == "СЧФДОП"
    assert [one.get("НалСт") for one in root.iter("СведТов")] == ["10%", "22%", "без НДС"]


def test_a_form_that_cannot_be_made_does_not_stop_its_batch(place: Installation) -> None:
    configure(place, formats='{"csv", "html", "upd"}')
    fill_for_forms(place, 2026)
    export = place.state / "export"
    away = place.state / "away"
    export.rename(away)
    export.write_text("")  # documents are made, and no file can be written
    place.run("invoicing", code=1)
    export.unlink()
    away.rename(export)
    place.change("UPDATE document_batches SET state = 'sealed', sealed_ms = created_ms, formats = 'csv html upd',"
                 " upd_version = '5.03', upd_encoding = 'none'")
    made, = place.row("SELECT count(*) FROM documents WHERE kind = 'sale'")
    assert made > 0
    assert f"exported={made}" in place.run("invoicing")
    assert len(exported(place, "*.html")) == made and len(exported(place, "*.csv")) == 1 and exported(place, "*.xml") == []
    assert place.row("SELECT state FROM document_batches") == ("done",)
    blocked = place.control("document", "blocked")
    assert blocked.count("of batch 1 has no upd: xml: cannot begin in none") == made
    code, why = refuse(place, "document", "rebuild", "1")
    assert code == 1 and "has no upd" in why
    place.change("UPDATE document_batches SET upd_encoding = 'UTF-8'")
    place.control("document", "rebuild", "1")
    assert len(exported(place, "*.xml")) == made
    assert place.row("SELECT count(*) FROM document_files WHERE format = 'upd' AND error = '' AND bytes > 0") == (made,)
    assert "has no upd" not in place.control("document", "blocked")


def test_the_decimal_comma_is_a_setting(place: Installation) -> None:
    configure(place, formats='{"csv"}', csv_decimal_comma="true")
    fill_for_forms(place, 2026)
    place.run("invoicing")
    path, = exported(place, "*")
    row = next(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), delimiter=";"))
    assert (row["amount"], row["name"]) == ("159,80", 'Молоко "Домик" <3,2%> & сливки; 1\x07л')


def test_files_can_be_made_again_byte_for_byte(place: Installation) -> None:
    configure(place, formats=f"{{{ALL_FORMATS}}}")
    fill_for_forms(place, 2026)
    assert place.run("invoicing") == result(made=2)
    later_documents(place)
    assert place.run("invoicing") == result(exported=2)
    files = {path.name: path.read_bytes() for path in exported(place, "*")}
    assert len(files) == 2 * 3 + 2 * 3 + 2 * 2, sorted(files)
    # Whatever the configuration and the orders have become.
    place.write_config('invoicing { series = "X" formats = {"json"} seller_name = "Other" signer = "B" upd_encoding = "windows-1251" }\n')
    place.change("UPDATE order_lines SET name = 'other', discount_price_minor = 1")
    for path in exported(place, "*"):
        path.unlink()
    for batch in ("1", "2"):
        place.control("document", "rebuild", batch)
    assert {path.name: path.read_bytes() for path in exported(place, "*")} == files
    single = place.state.parent / "single"
    for form, pattern in (("upd", "ON_*_1_0_0_0_0_00.xml"), ("pdf", "sale-OG-000001.pdf"), ("html", "sale-OG-000001.html")):
        path, = exported(place, pattern)
        place.control("document", "export", "1", str(single), "--format", form)
        assert single.read_bytes() == path.read_bytes(), form


def test_a_file_that_would_be_another_is_told(place: Installation) -> None:
    add_order(place, 1, "s1", ms("2026-03-10T12:00"), line("a", "1", "10.00"))
    place.run("invoicing")
    before = {path.name: path.read_bytes() for path in exported(place, "*")}
    place.change("UPDATE documents SET body = replace(body, '10.00', '11.00')")
    code, text = refuse(place, "document", "rebuild", "1")
    assert code == 1 and "is not what it was" in text
    assert {path.name: path.read_bytes() for path in place.state.joinpath("export").iterdir()} == before, "nothing took its place"


def test_what_is_still_the_same_is_written_beside_what_is_not(place: Installation) -> None:
    """A later version may draw a page in another way; that is no reason to be without the other files."""
    configure(place, formats='{"json", "csv", "html"}')
    for number in (1, 2):
        add_order(place, number, "s1", ms("2026-03-10T12:00"), line("a", "1", "10.00"))
    place.run("invoicing")
    before = {path.name: path.read_bytes() for path in exported(place, "*")}
    place.change("UPDATE document_files SET hash = 'another' WHERE file_name = 'sale-OG-000002.html'")
    for path in exported(place, "*"):
        path.unlink()
    code, text = refuse(place, "document", "rebuild", "1")
    assert code == 1 and "sale-OG-000002.html is not what it was" in text and "1 of 4 files" in text, text
    del before["sale-OG-000002.html"]
    assert {path.name: path.read_bytes() for path in exported(place, "*")} == before


def test_a_folder_that_cannot_be_written_fails_the_run_and_loses_nothing(place: Installation) -> None:
    add_order(place, 1, "s1", ms("2026-03-10T12:00"), line("a", "1", "10.00"))
    folder = place.state / "export"
    (folder / ".documents-000001.json.tmp").mkdir()
    assert place.run("invoicing", code=1).startswith("made=1 empty=0 blocked=0 exported=0")
    assert place.rows("SELECT state FROM documents") == [("made",)]
    (folder / ".documents-000001.json.tmp").rmdir()
    assert place.run("invoicing") == result(exported=1)
    assert len(exported(place, "documents-000001.*")) == 3
