"""A UBL 2.1 invoice of a document, made from its JSON by nobody who wrote the document: what rules of others say of its sums.

Tax is inside of our prices, so a line's net is its amount less its tax, and its price that net for the quantity that is billed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from pathlib import Path
from typing import Any

READER = Path(__file__).resolve().parents[1] / "emulators" / "ubl_reader"
SPACES = {"cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
          "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
          "ubl": "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"}
KINDS = {"sale": "380", "return": "381", "correction": "384"}
CENT = Decimal("0.01")


def money(key: str, amount: Decimal) -> dict[str, str]:
    return {f"cbc:{key}": str(amount.quantize(CENT)), f"cbc:{key}@currencyID": "RUB"}


def category(rate: Any) -> dict[str, Any]:
    code = "E" if rate == "none" else "S" if rate else "Z"
    return {"cbc:ID": code, "cbc:Percent": str(0 if rate == "none" else rate)}


def party(of: dict[str, str], name: str) -> dict[str, Any]:
    scheme = {"cbc:CompanyID": "RU" + of["inn"], "cac:TaxScheme": {"cbc:ID": "VAT"}}
    return {"cac:Party": {
        "cbc:EndpointID": "4600000000008", "cbc:EndpointID@schemeID": "0088",
        "cac:PostalAddress": {"cbc:StreetName": of["address"] or "-", "cac:Country": {"cbc:IdentificationCode": "RU"}},
        "cac:PartyTaxScheme": [scheme] if name == "seller" else scheme,
        "cac:PartyLegalEntity": {"cbc:RegistrationName": of["name"] or name}}}


def line_of(one: dict[str, Any]) -> dict[str, Any]:
    net = Decimal(one["amount"]) - Decimal(one["vat"])
    weighed = "weight" in one
    quantity = Decimal(one["weight"]) / 1000 if weighed else Decimal(one["quantity"])
    unit = "KGM" if weighed else "EA"
    return {"cbc:ID": str(one["line"]), "cbc:InvoicedQuantity": str(quantity), "cbc:InvoicedQuantity@unitCode": unit,
            **money("LineExtensionAmount", net),
            "cac:Item": {"cbc:Name": one["name"] or one["sku"], "cac:SellersItemIdentification": {"cbc:ID": one["sku"]},
                         "cac:ClassifiedTaxCategory": {**category(one["vatRate"]), "cac:TaxScheme": {"cbc:ID": "VAT"}}},
            "cac:Price": {**money("PriceAmount", abs(net)), "cbc:BaseQuantity": str(abs(quantity)),
                          "cbc:BaseQuantity@unitCode": unit}}


def subtotal(lines: list[dict[str, Any]], rate: Any) -> dict[str, Any]:
    mine = [one for one in lines if one["vatRate"] == rate]
    tax = sum((Decimal(one["vat"]) for one in mine), Decimal(0))
    more = {"cbc:TaxExemptionReason": "not subject to the tax"} if rate == "none" else {}
    return {**money("TaxableAmount", sum((Decimal(one["amount"]) for one in mine), Decimal(0)) - tax), **money("TaxAmount", tax),
            "cac:TaxCategory": {**category(rate), **more, "cac:TaxScheme": {"cbc:ID": "VAT"}}}


def shadow(document: dict[str, Any]) -> dict[str, Any]:
    """In the JSON of @e-invoice-eu/core, keys in the sequence of UBL."""
    lines = document["lines"]
    total, vat = Decimal(document["total"]), Decimal(document["vat"])
    rates = list(dict.fromkeys(one["vatRate"] for one in lines))
    return {"ubl:Invoice": {
        "cbc:CustomizationID": "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
        "cbc:ProfileID": "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
        "cbc:ID": f"{document['series']}-{document['number']:06}", "cbc:IssueDate": document["date"],
        "cbc:DueDate": document["date"], "cbc:InvoiceTypeCode": KINDS[document["kind"]], "cbc:DocumentCurrencyCode": "RUB",
        "cbc:BuyerReference": document["order"]["externalId"],
        "cac:AccountingSupplierParty": party(document["seller"], "seller"),
        "cac:AccountingCustomerParty": party(document["buyer"], "the public"),
        "cac:TaxTotal": [{**money("TaxAmount", vat), "cac:TaxSubtotal": [subtotal(lines, rate) for rate in rates]}],
        "cac:LegalMonetaryTotal": {**money("LineExtensionAmount", total - vat), **money("TaxExclusiveAmount", total - vat),
                                   **money("TaxInclusiveAmount", total), **money("PayableAmount", total)},
        "cac:InvoiceLine": [line_of(one) for one in lines]}}


def add_element(parent: ElementTree.Element, key: str, value: Any, all_of: dict[str, Any]) -> None:
    for one in value if isinstance(value, list) else [value]:
        prefix, name = key.split(":")
        at = ElementTree.SubElement(parent, f"{{{SPACES[prefix]}}}{name}")
        for attribute, text in all_of.items():
            if attribute.startswith(f"{key}@"):
                at.set(attribute.split("@")[1], text)
        if isinstance(one, dict):
            fill(at, one)
        else:
            at.text = one


def fill(parent: ElementTree.Element, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if "@" not in key:
            add_element(parent, key, value, values)


def as_xml(made: dict[str, Any]) -> bytes:
    root = ElementTree.Element(f"{{{SPACES['ubl']}}}Invoice")
    fill(root, made["ubl:Invoice"])
    return ElementTree.tostring(root, "utf-8")


def check_rules(made: dict[str, Any]) -> None:
    """EN 16931: BR-CO-10, 13, 14, 15, 17 and BR-S-08, BR-Z-08, BR-E-08; Peppol's R120."""
    invoice = made["ubl:Invoice"]
    totals, tax = invoice["cac:LegalMonetaryTotal"], invoice["cac:TaxTotal"][0]
    nets = [Decimal(one["cbc:LineExtensionAmount"]) for one in invoice["cac:InvoiceLine"]]
    taxes = [Decimal(one["cbc:TaxAmount"]) for one in tax["cac:TaxSubtotal"]]
    assert sum(nets) == Decimal(totals["cbc:LineExtensionAmount"]) == Decimal(totals["cbc:TaxExclusiveAmount"])
    assert sum(taxes) == Decimal(tax["cbc:TaxAmount"])
    assert Decimal(totals["cbc:TaxExclusiveAmount"]) + Decimal(tax["cbc:TaxAmount"]) == Decimal(totals["cbc:TaxInclusiveAmount"])
    for one in tax["cac:TaxSubtotal"]:
        of = one["cac:TaxCategory"]
        mine = [Decimal(each["cbc:LineExtensionAmount"]) for each in invoice["cac:InvoiceLine"] if
                all(each["cac:Item"]["cac:ClassifiedTaxCategory"][key] == of[key] for key in ("cbc:ID", "cbc:Percent"))]
        assert sum(mine) == Decimal(one["cbc:TaxableAmount"])
        assert abs(Decimal(one["cbc:TaxableAmount"]) * Decimal(of["cbc:Percent"]) / 100 - Decimal(one["cbc:TaxAmount"])) <= 1
    for one, net in zip(invoice["cac:InvoiceLine"], nets, strict=True):
        price = one["cac:Price"]
        assert Decimal(one["cbc:InvoicedQuantity"]) * Decimal(price["cbc:PriceAmount"]) / Decimal(price["cbc:BaseQuantity"]) == net


def is_readable() -> bool:
    return shutil.which("node") is not None and (READER / "node_modules" / "@e-invoice-eu").is_dir()


def read_by_others(made: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What @e-invoice-eu/core makes of each: its xml, or why it refuses."""
    done = subprocess.run(["node", str(READER / "generate.mjs")], input="".join(json.dumps(one) + "\n" for one in made),
                          capture_output=True, text=True, timeout=120, check=True)
    return [json.loads(one) for one in done.stdout.splitlines()]
