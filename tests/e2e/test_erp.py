"""The exchange with an ERP through nginx: pull, verdicts, uploads; every answer is held against the description."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from api_client import Shop, open_shop
from appliance import BIN, SLACK, Answer, wait_until
from invoices import BUYER, SELLER, add_order, line, ms
from jsonschema import Draft202012Validator, ValidationError
from openapi import Description

CONFIG = f"""
pool {{ hook = 1 assembly = 1 erp = 1 }}
telegram {{ base_url = "http://127.0.0.1:9" }}
erp {{ upload_bytes = 8388608 }}
invoicing {{ series = "OG" default_vat = "20" formats = {{"json", "upd", "html", "pdf"}} {SELLER} }}
{BUYER}"""
# These are brought about by test_erp_troubles.py.
NOT_TRIED = {429, 500, 507}
DAY = ms("2026-03-14T12:00:00")


class Erp:
    """An ERP, and the desk of the accountant beside it."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.appliance = shop.appliance
        self.state = shop.appliance.state
        self.described = Description()
        self.token = shop.appliance.secret("erp-token")
        self.orders = 1000

    def call(self, method: str, path: str, body: Any = None, token: str | None = None, checked: bool = True) -> Answer:
        data = body if isinstance(body, (bytes, str, type(None))) else json.dumps(body)
        headers = {} if token == "" else {"Authorization": f"Bearer {token or self.token}"}
        answer = self.appliance.request(method, f"/erp/v1{path}", data, headers, timeout=30)
        return self.described.check(method, f"/erp/v1{path}", answer) if checked else answer

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    # --- what add_order() wants of an installation

    def change(self, sql: str, *values: Any) -> None:
        self.appliance.change(sql, *values)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.shop.rows(sql)

    def deliver(self, count: int = 1) -> list[dict[str, Any]]:
        """Orders are delivered and invoiced; their documents."""
        after = self.get("/documents?limit=1000")["next"]
        for _ in range(count):
            self.orders += 1
            add_order(self, self.orders, "1207", DAY, line("1", "2", "10.50"), line("2", "1", "99.00", 950))
        subprocess.run([BIN / "ordergate-invoicing", "--state", self.state, "--config", self.appliance.config], check=True,
                       capture_output=True)
        made = self.get(f"/documents?after={after}")["documents"]
        assert len(made) == count
        return made

    def wait_for(self, upload: str, state: str, seconds: float = 20) -> dict[str, Any]:
        return wait_until(lambda: (got := self.get(f"/imports/{upload}"))["state"] == state and got, seconds * SLACK,
                          f"{upload} is {state}")


@pytest.fixture(scope="module")
def erp() -> Iterator[Erp]:
    with open_shop(CONFIG) as shop:
        yield Erp(shop)


# --- documents


def test_a_page_is_the_same_and_what_came_since(erp: Erp) -> None:
    erp.deliver(3)
    first = erp.get("/documents?after=0&limit=2")
    assert first["more"] and len(first["documents"]) == 2 and first["next"] == first["documents"][1]["seq"]
    made = erp.deliver()[0]
    assert erp.get("/documents?after=0&limit=2") == first
    rest = erp.get(f"/documents?after={first['next']}")
    assert rest["documents"][-1] == made and not rest["more"]
    assert made["total"] == made["document"]["total"] and made["orderNumber"] == f"1-{erp.orders}"
    empty = erp.get(f"/documents?after={rest['next']}")
    assert empty == {"documents": [], "next": rest["next"], "more": False}
    assert erp.get(f"/documents?after={10 ** 15}") == {"documents": [], "next": 10 ** 15, "more": False}


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=0", "limit=1e3", "after=", "after=99999999999999999999"])
def test_a_query_that_is_none_is_refused(erp: Erp, query: str) -> None:
    for path in ("/documents", "/orders"):
        assert erp.call("GET", f"{path}?{query}").status == 400


def test_a_document_has_its_files_and_its_verdict(erp: Erp) -> None:
    made = erp.deliver()[0]
    document = erp.get(f"/documents/{made['id']}")
    assert document["verdict"] == {"id": made["id"], "state": "none", "reason": "", "at": None}
    assert [file["format"] for file in document["files"]] == ["html", "pdf", "upd"]
    for file in document["files"]:
        answer = erp.call("GET", file["path"].removeprefix("/erp/v1"))
        exported = erp.state / "export" / file["name"]
        assert answer.status == 200 and answer.body == exported.read_bytes() and answer.headers["ETag"] == f'"{file["sha256"]}"'
        exported.unlink()
        assert erp.call("GET", file["path"].removeprefix("/erp/v1")).json()["error"]["code"] == "no_file"
    for path in ("/documents/999999", "/documents/999999.pdf", "/orders/1-999999", "/orders/%FF"):
        assert erp.call("GET", path).status == 404
    assert erp.call("GET", "/documents/1/x", checked=False).status == 404


def test_a_verdict_is_given_once(erp: Erp) -> None:
    yes, no = (made["id"] for made in erp.deliver(2))
    first = erp.call("POST", f"/documents/{yes}/ack").json()
    assert first["state"] == "acknowledged" and erp.call("POST", f"/documents/{yes}/ack", {}).json() == first
    conflict = erp.call("POST", f"/documents/{yes}/refuse", {"reason": "late"})
    assert conflict.status == 409 and conflict.json()["verdict"] == first
    refused = erp.call("POST", f"/documents/{no}/refuse", {"reason": "нет договора"}).json()
    assert refused["state"] == "refused" and refused["reason"] == "нет договора"
    assert erp.call("POST", f"/documents/{no}/refuse", {"reason": "other"}).json() == refused
    assert erp.call("POST", f"/documents/{no}/ack").status == 409
    for word, body in (("ack", "["), ("ack", "[]"), ("refuse", ""), ("refuse", {}), ("refuse", {"reason": " "}),
                       ("refuse", {"reason": 1}), ("refuse", {"reason": "x" * 512})):
        assert erp.call("POST", f"/documents/{no}/{word}", body).status == 400, (word, body)
    for word, body in (("ack", None), ("refuse", {"reason": "x"})):
        assert erp.call("POST", f"/documents/999999/{word}", body).status == 404
        assert erp.call("POST", f"/documents/{no}/{word}", "x" * 70000).status == 413
    history = erp.rows("SELECT actor, detail FROM order_history WHERE kind = 'erp' ORDER BY id")
    assert [json.loads(detail)["state"] for _, detail in history] == ["acknowledged", "refused"]


def test_a_refusal_is_told_and_repaired(erp: Erp) -> None:
    made = erp.deliver()[0]
    erp.call("POST", f"/documents/{made['id']}/refuse", {"reason": "no contract"})
    subprocess.run([BIN / "ordergate-monitor", "--state", erp.state, "--config", erp.appliance.config], check=True, capture_output=True)
    name = f"{made['series']}{made['number']}"
    alert = f"SELECT state FROM alerts WHERE rule = 'erp-refused' AND subject = '{name}' ORDER BY id DESC"
    assert erp.rows(alert)[0][0] == "firing"
    assert name in erp.shop.ctl("erp", "refused") and "no contract" in erp.shop.ctl("erp", "refused")
    after = erp.get("/documents?limit=1000")["next"]
    erp.shop.ctl("erp", "offer", str(made["id"]), "--reason", "the contract is there now")
    again = erp.get(f"/documents?after={after}")["documents"]
    assert [entry["id"] for entry in again] == [made["id"]] and again[0]["document"] == made["document"]
    assert erp.call("POST", f"/documents/{made['id']}/ack").json()["state"] == "acknowledged"
    subprocess.run([BIN / "ordergate-monitor", "--state", erp.state, "--config", erp.appliance.config], check=True, capture_output=True)
    assert erp.rows(alert)[0][0] == "resolved"
    assert name not in erp.shop.ctl("erp", "refused")


def test_a_correction_takes_the_place_of_what_was_refused(erp: Erp) -> None:
    made = erp.deliver()[0]
    erp.call("POST", f"/documents/{made['id']}/refuse", {"reason": "wrong quantity"})
    after = erp.get("/documents?limit=1000")["next"]
    erp.shop.ctl("document", "correct", made["orderNumber"], "1=1", "--reason", "counted again")
    correction, = erp.get(f"/documents?after={after}")["documents"]
    assert correction["kind"] == "correction"
    assert erp.call("POST", f"/documents/{correction['id']}/ack").status == 200
    assert erp.get(f"/documents/{made['id']}")["verdict"]["state"] == "replaced"


# --- orders


def test_steps_of_an_order_are_told_and_the_order_can_be_read(erp: Erp) -> None:
    after = erp.get("/orders?limit=1000")["next"]
    order = erp.shop.new_order()
    order.do("takeOrder")
    order.do("pickPosition", line=1, quantity=2, reason="not_found")
    told = erp.get(f"/orders?after={after}")["orders"]
    assert [(entry["orderNumber"], entry["state"]) for entry in told] == [
        (order.number, "accepted"), (order.number, "assembling")], "each step, and not each line"
    whole = erp.get(f"/orders/{order.number}")
    assert whole["state"] == "assembling" and [one["sku"] for one in whole["lines"]] == ["2001", "2002", "2003"]
    assert whole["lines"][0]["pickedQuantity"] == 2 and whole["lines"][1]["weight"] == 1000
    assert "Помидоры" not in json.dumps(whole, ensure_ascii=False), "what the customer wrote is nobody's business there"
    assert erp.call("GET", "/orders/9-999").status == 404


# --- who may ask


def test_the_token_is_asked_for(erp: Erp) -> None:
    for method, path in (("GET", "/documents"), ("GET", "/documents/1"), ("GET", "/documents/1.xml"), ("GET", "/documents/1.pdf"),
                         ("GET", "/documents/1.html"), ("POST", "/documents/1/ack"), ("POST", "/documents/1/refuse"),
                         ("GET", "/orders"), ("GET", "/orders/1"), ("PUT", "/catalog"), ("POST", "/catalog"), ("PUT", "/stores"),
                         ("POST", "/stores"), ("GET", "/imports/1"), ("GET", "/openapi.json")):
        body = "x" * 1000 if method != "GET" else None
        assert erp.call(method, path, body, token="").status == 401
        assert erp.call(method, path, body, token="wrong").status == 403
    assert list((erp.state / "incoming").iterdir()) == [] and erp.rows("SELECT * FROM erp_uploads") == []


def test_other_methods_are_named(erp: Erp) -> None:
    for method, path, allow in (("DELETE", "/documents", "GET, HEAD"), ("POST", "/documents/1", "GET, HEAD"),
                                ("GET", "/documents/1/ack", "POST"), ("GET", "/catalog", "PUT, POST"), ("POST", "/orders", "GET, HEAD")):
        answer = erp.call(method, path, checked=False)
        assert (answer.status, answer.headers["Allow"]) == (405, allow), (method, path)
    head = erp.call("HEAD", "/documents", checked=False)
    assert head.status == 200 and head.body == b""


# --- uploads

PRODUCTS = "sku,name,barcodes,unit,piece_weight_g,vat_rate,tolerance_percent\n"


def skus(erp: Erp) -> list[str]:
    return [sku for sku, in erp.rows("SELECT p.sku FROM products p JOIN catalogue_state s ON s.generation = p.generation ORDER BY sku")]


def test_a_catalogue_comes_as_csv_and_as_json(erp: Erp) -> None:
    csv = PRODUCTS + '1,"Молоко, 1 л",4600000000017,шт,1030,10,\n2,Вода,,шт,,,5\n'
    first = erp.call("PUT", "/catalog", csv.encode("cp1251"))
    assert (first.status, first.json()["changed"]) == (200, 2), first
    again = erp.call("PUT", "/catalog", csv.encode("cp1251"))
    assert (again.status, again.json()["changed"], again.json()["message"]) == (200, 0, "this file is the catalogue already")
    assert erp.rows("SELECT name FROM products WHERE sku = '1'") == [("Молоко, 1 л",)]
    rows = [{"sku": "3", "name": "Соль", "barcodes": ["77", "78"], "vat_rate": 20}, {"sku": "4", "name": "Сахар"}]
    assert erp.call("POST", "/catalog", rows).status == 200
    assert skus(erp) == ["3", "4"]
    lines = "\n".join(json.dumps(row) for row in rows[:1])
    assert erp.call("POST", "/catalog", lines).status == 200 and skus(erp) == ["3"]


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_every_fault_is_named_and_nothing_changes(erp: Erp, method: str) -> None:
    assert erp.call(method, "/catalog", "sku,name\n9,a\n").status == 200
    for body, want in (
            (PRODUCTS + "1,a,77,,,18,\n2,b,,,x,,\n3,c,,,,,\n", [(2, "vat_rate"), (3, "piece_weight_g")]),
            ("sku,name\n1,a\n1,b\n", [(3, "'1' is there twice")]), ("sku\n1\n", [(1, "'name' is missing")]), ("", [(1, "empty")]),
            ("sku,name\n", [(1, "there are no rows")]), ([], [(1, "there are no rows")]),
            ([{"sku": "1", "name": "a"}, {"sku": "2", "nam": "b"}], [(1, "unknown field 'nam'")]),
            ("[\n{\"sku\": \"1\", \"name\": \"a\"},\n{\"sku\": 2", [(3, "no JSON from here on")])):
        answer = erp.call(method, "/catalog", body)
        assert answer.status == 422, answer
        told = answer.json()["error"]["details"]
        assert [fault["line"] for fault in told] == [number for number, _ in want], told
        assert all(text in fault["message"] for fault, (_, text) in zip(told, want)), told
        assert skus(erp) == ["9"]
    both = erp.call(method, "/catalog", "sku,name,vat_rate\n1,a,99\n1,b,98\n").json()
    assert both["import"]["faultCount"] == 3 and both["error"]["message"] == "3 faults; nothing was changed"
    warned = erp.call(method, "/catalog", "sku,name,barcodes\n9,a,4600000000010\n").json()
    assert (warned["state"], warned["faultCount"], warned["message"]) == ("done", 0, "1 warnings: see faults")
    assert warned["faults"][0]["line"] == 2 and warned["faults"][0]["message"].startswith("warning: barcodes: ")
    many = erp.call(method, "/catalog", "sku,name,vat_rate\n" + "1,a,18\n" * 250).json()
    assert len(many["error"]["details"]) == 100 and many["import"]["faultCount"] == 250
    assert erp.call(method, "/stores", "id,name,time_zone\n1,a,Europe/Moskow\n").status == 422
    assert erp.call(method, "/stores", "id,name\n").status == erp.call(method, "/stores", []).status == 422
    assert erp.call(method, "/stores", 'id,name\n77,"Лавка"\n'.encode("cp1251")).json()["changed"] == (1 if method == "PUT" else 0)
    for path in ("/catalog", "/stores"):
        assert erp.call(method, path, b"x" * (8388608 + 1)).status == 413
    assert list((erp.state / "incoming").iterdir()) == []


def test_what_takes_long_is_answered_before_it_is_done(erp: Erp) -> None:
    """Somebody else imports: each of these waits, and all of them at once."""
    cases = [(method, path, body) for method in ("PUT", "POST")
             for path, body in (("/catalog", "sku,name\n5,e\n"), ("/stores", "id,name\n78,b\n"))]
    with ExitStack() as locks, ThreadPoolExecutor(len(cases)) as callers:
        for name in ("catalog-import", "store-import"):
            fcntl.flock(locks.enter_context(open(erp.state / "run" / f"{name}-1.lock", "w", encoding="utf-8")), fcntl.LOCK_EX)
        answers = list(callers.map(lambda case: erp.call(*case), cases))
    for answer in answers:
        assert answer.status == 202 and answer.headers["Location"] == f"/erp/v1/imports/{answer.json()['id']}"
        assert erp.wait_for(answer.json()["id"], "done")["rows"] == 1
    assert erp.call("GET", "/imports/x").status == 404


def test_a_killed_process_leaves_nothing_half_done(erp: Erp) -> None:
    assert erp.call("PUT", "/catalog", "sku,name\n9,a\n").status == 200
    many = PRODUCTS + "".join(f"{i},Товар {i},46{i:011d},шт,,10,\n" for i in range(40000))
    # In the middle of the body: as if it had never been sent.
    with socket.create_connection(("127.0.0.1", erp.appliance.port)) as plain:
        with erp.appliance.tls().wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(f"PUT /erp/v1/catalog HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {erp.token}\r\n"
                               f"Content-Length: {len(many.encode())}\r\n\r\n".encode() + many.encode()[:500000])
            pid = erp.appliance.pids("erp")[1]
            wait_until(lambda: any("/incoming/" in os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()), 10 * SLACK,
                       "the body is being written")
            os.kill(pid, signal.SIGKILL)
    erp.appliance.wait_for_new("erp", 1, pid)
    assert list((erp.state / "incoming").iterdir()) == [] and skus(erp) == ["9"]
    # In the middle of the import: the next process begins anew, and until then the old catalogue is whole.
    wait_until(lambda: erp.call("GET", "/openapi.json", checked=False).status == 200, 10 * SLACK, "the exchange is back")
    connection = erp.appliance.connection()
    connection.request("PUT", "/erp/v1/catalog", many.encode(), {"Authorization": f"Bearer {erp.token}"})
    wait_until(lambda: erp.rows("SELECT count(*) FROM products")[0][0] > 2000, 20 * SLACK, "the import is under way")
    pid = erp.appliance.pids("erp")[1]
    os.kill(pid, signal.SIGKILL)
    assert skus(erp) == ["9"]
    # Its process is gone: nginx says "send it again", as is described.
    lost = erp.described.check("PUT", "/erp/v1/catalog", Answer(connection.getresponse()))
    assert lost.status == 503
    connection.close()
    erp.appliance.wait_for_new("erp", 1, pid)
    upload, = erp.rows("SELECT name FROM erp_uploads ORDER BY id DESC LIMIT 1")[0]
    wait_until(lambda: erp.call("GET", "/openapi.json", checked=False).status == 200, 10 * SLACK, "the exchange is back")
    assert erp.wait_for(upload, "done", 60)["rows"] == 40000
    assert len(skus(erp)) == 40000 and list((erp.state / "incoming").iterdir()) == []


def test_files_that_nobody_will_import_are_swept(erp: Erp) -> None:
    """Of a process that died between the name of a file and its row, or between the end of an import and its removal."""
    incoming = erp.state / "incoming"
    old = time.time() - 2 * 24 * 3600
    for name, when in (("orphan", old), ("over", old), ("young", time.time())):
        (incoming / name).write_text("sku,name\n", encoding="utf-8")
        os.utime(incoming / name, (when, when))
    erp.change("INSERT INTO erp_uploads (name, kind, state, bytes, created_ms, ended_ms) VALUES ('over', 'catalog', 'done', 9, 1, 1)")
    with ExitStack() as locks:
        # One that is still to be imported, however old: nobody can yet.
        fcntl.flock(locks.enter_context(open(erp.state / "run" / "store-import-1.lock", "w", encoding="utf-8")), fcntl.LOCK_EX)
        waiting = erp.call("PUT", "/stores", "id,name\n79,c\n").json()["id"]
        os.utime(incoming / waiting, (old, old))
        pid = erp.appliance.pids("erp")[1]
        os.kill(pid, signal.SIGKILL)
        erp.appliance.wait_for_new("erp", 1, pid)
        wait_until(lambda: {path.name for path in incoming.iterdir()} == {"young", waiting}, 10 * SLACK, "the others are gone")
    wait_until(lambda: erp.call("GET", "/openapi.json", checked=False).status == 200, 10 * SLACK, "the exchange is back")
    assert erp.wait_for(waiting, "done")["rows"] == 1
    (incoming / "young").unlink()


def test_a_token_may_be_changed_without_a_refusal(erp: Erp) -> None:
    path = erp.state / "secrets" / "erp-token"
    path.write_text(f"new-token\n{erp.token}\n", encoding="utf-8")
    os.kill(erp.appliance.pids("erp")[1], signal.SIGHUP)
    wait_until(lambda: erp.call("GET", "/openapi.json", token="new-token").status == 200, 5 * SLACK, "the new token is known")
    assert erp.call("GET", "/openapi.json").status == 200
    path.write_text(f"{erp.token}\n", encoding="utf-8")
    os.kill(erp.appliance.pids("erp")[1], signal.SIGHUP)
    wait_until(lambda: erp.call("GET", "/openapi.json", token="new-token").status == 403, 5 * SLACK, "the other one is forgotten")


# --- the description itself


def test_every_route_and_status_was_seen(erp: Erp) -> None:
    assert erp.get("/openapi.json") == erp.described.spec
    described = {row for row in erp.described.routes() if row[2] not in NOT_TRIED and row[2] != 503}
    assert described - erp.described.seen == set()


def test_the_description_is_one_and_a_wrong_answer_is_found(erp: Erp) -> None:
    assert erp.described.spec["openapi"].startswith("3.1.")
    for schema in erp.described.spec["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    spec = json.loads(json.dumps(erp.described.spec))
    del spec["components"]["schemas"]["Documents"]["properties"]["more"]
    with pytest.raises(ValidationError):
        Description(spec).check("GET", "/erp/v1/documents", erp.call("GET", "/documents"))
    with pytest.raises(AssertionError):
        erp.described.path_of("/erp/v1/nowhere")
