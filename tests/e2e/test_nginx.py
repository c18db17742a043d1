"""What the real nginx does with our configuration, with workers that are not ours (fake_program.py) behind it."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import BIN, Appliance, free_port, wait_until
from fakes import POOLS, Fakes

HOOK = "/sbermarket/orders/hook/"


def seen(shop: Appliance, instance: str) -> list[dict]:
    path = shop.state / "run" / f"{instance}.requests"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def hooks_seen(shop: Appliance) -> int:
    return sum(len(seen(shop, f"hook-{number}")) for number in (1, 2, 3))


def raw(shop: Appliance, text: bytes, tls: bool = True) -> bytes:
    """Everything that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", shop.port), timeout=15) as plain:
        with shop.tls().wrap_socket(plain, server_hostname="localhost") if tls else plain as connection:
            connection.sendall(text)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
    return answer


# --- who answers what

ROUTES = [
    ("POST", HOOK, "hook"), ("POST", "/sbermarket/orders/hook", "hook"), ("POST", HOOK + "?source=1", "hook"),
    ("POST", "/sbermarket/orders/api/getOrders", "assembly-1"), ("GET", "/assembly/", "assembly-1"),
    ("GET", "/assembly/app.js", "assembly-1"), ("GET", "/console/", "console-1"), ("POST", "/console/login", "console-1"),
    ("GET", "/erp/v1/documents", "erp-1"), ("PUT", "/erp/v1/catalog", "erp-1"), ("GET", "/healthz", "console-1"), ("GET", "/metrics", "console-1"),
]


def test_each_path_goes_to_its_pool(shop: Appliance) -> None:
    shop.start()
    for method, path, by in ROUTES:
        answer = shop.request(method, path, "{}" if method == "POST" else None)
        assert answer.status == 200, (path, answer)
        assert answer.json()["by"].startswith(by), (path, answer)
    heads = [entry["head"] for entry in seen(shop, "hook-1") + seen(shop, "hook-2")]
    assert all(head.startswith(f"POST {HOOK}") for head in heads), "the hook sees one spelling of its path"


NOWHERE = ["/", "/sbermarket/", "/sbermarket/orders/hook/x", "/sbermarket/orders/hookx", "/erp/v2/", "/healthz/", "/metricsx",
           "/.error/503", "/assembly/../x", "/console/..%2fmetrics/../x"]


def test_all_other_paths_are_not_found(shop: Appliance) -> None:
    shop.start()
    for path in NOWHERE:
        answer = shop.request("GET", path)
        assert answer.status == 404 and answer.json()["error"]["code"] == "not_found", (path, answer)
        assert answer.headers["Content-Type"] == "application/json"


# --- workers that are away

def test_a_worker_that_refuses_connections_is_passed_over(shop: Appliance) -> None:
    shop.start()
    (shop.state / "run" / "hook-1.sock").unlink()
    for _ in range(50):
        answer = shop.request("POST", HOOK, "{}")
        assert answer.status == 200 and answer.json()["by"] == "hook-2"


def test_all_workers_away_is_a_503_and_over_as_soon_as_one_is_back(shop: Appliance) -> None:
    shop.start()
    sockets = [shop.state / "run" / f"hook-{number}.sock" for number in (1, 2)]
    for path in sockets:
        path.rename(path.with_suffix(".away"))
    for _ in range(5):
        answer = shop.request("POST", HOOK, "{}")
        assert answer.status == 503 and answer.json()["error"]["code"] == "unavailable", answer
        assert int(answer.headers["Retry-After"]) > 0
    sockets[1].with_suffix(".away").rename(sockets[1])
    assert shop.request("POST", HOOK, "{}").status == 200, "nginx must not have written its workers off"


def test_a_notification_is_given_to_two_workers_at_most(make_appliance, fakes: Fakes) -> None:
    shop = make_appliance(POOLS.replace("hook = 2", "hook = 3"), fakes.folder)
    shop.start()
    fakes.set("hook-1", drops=True)
    for _ in range(10):
        answer = shop.request("POST", HOOK, "{}")
        assert answer.status == 200 and answer.json()["by"] in ("hook-2", "hook-3")
    for number in (2, 3):
        fakes.set(f"hook-{number}", drops=True)
    before = hooks_seen(shop)
    for count in range(1, 6):
        answer = shop.request("POST", HOOK, "{}")
        assert answer.status == 503 and "Retry-After" in answer.headers, answer
        assert hooks_seen(shop) == before + 2 * count, "one that kills its worker must not kill all of them"


def test_a_call_that_was_sent_is_not_sent_again(make_appliance, fakes: Fakes) -> None:
    shop = make_appliance(POOLS.replace("assembly = 1", "assembly = 2"), fakes.folder)
    shop.start()
    for instance in ("assembly-1", "assembly-2"):
        fakes.set(instance, drops=True)
    assert shop.request("POST", "/sbermarket/orders/api/takeOrder", "{}").status == 503
    assert len(seen(shop, "assembly-1")) + len(seen(shop, "assembly-2")) == 1


def test_a_hook_that_does_not_answer_is_passed_over(shop: Appliance, fakes: Fakes) -> None:
    shop.start()
    fakes.set("hook-1", answer_after_s=30)
    for _ in range(4):
        answer = shop.request("POST", HOOK, "{}")
        assert answer.status == 200 and answer.json()["by"] == "hook-2"


def test_hooks_that_do_not_answer_are_a_503_after_three_seconds(shop: Appliance, fakes: Fakes) -> None:
    shop.start()
    for number in (1, 2):
        fakes.set(f"hook-{number}", answer_after_s=30)
    began = time.monotonic()
    answer = shop.request("POST", HOOK, "{}")
    assert answer.status == 503 and answer.json()["error"]["code"] == "unavailable"
    assert 2.5 < time.monotonic() - began < 25, "long before they would have"
    assert hooks_seen(shop) == 2


def test_an_answer_of_a_worker_is_passed_on_as_it_is(shop: Appliance, fakes: Fakes) -> None:
    shop.start()
    for status in (400, 403, 404, 413, 503):
        for number in (1, 2):
            fakes.set(f"hook-{number}", status=status)
        answer = shop.request("POST", HOOK, "{}")
        assert answer.status == status and answer.json()["by"].startswith("hook-"), answer


# --- what nginx refuses by itself

def test_a_body_over_the_limit_is_refused_without_the_worker(shop: Appliance) -> None:
    shop.start()
    answer = shop.request("POST", HOOK, b"x" * (2 * 1024 * 1024))
    assert answer.status == 413 and answer.json()["error"]["code"] == "too_large", answer
    assert shop.request("POST", HOOK, b"x" * (1024 * 1024)).status == 200
    assert hooks_seen(shop) == 1
    chunked = raw(shop, b"POST " + HOOK.encode() + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n" + b"40000\r\n" + b"x" * 0x40000 + b"\r\n" +
                  b"100000\r\n" + b"x" * 0x100000 + b"\r\n0\r\n\r\n")
    assert b" 413 " in chunked.split(b"\r\n")[0] and b'"too_large"' in chunked


REFUSED = {
    "no HTTP at all": (b"hello\r\n\r\n", 400, "bad_request"),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, "bad_request"),
    "a length and chunks": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                            400, "bad_request"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
    "a long path": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
    "a long header": (b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
    "a coding that nobody knows": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "bad_request"),
    "another HTTP": (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 400, "bad_request"),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405, "method_not_allowed"),
}


def test_what_is_no_request_is_answered_in_our_form(shop: Appliance) -> None:
    shop.start()
    for case, (sent, status, code) in REFUSED.items():
        head, _, body = raw(shop, sent).partition(b"\r\n\r\n")
        assert f" {status} ".encode() in head.split(b"\r\n")[0], (case, head)
        assert b"Content-Type: application/json" in head, (case, head)
        assert json.loads(body)["error"]["code"] == code, (case, body)
    head, _, body = raw(shop, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", tls=False).partition(b"\r\n\r\n")
    assert b" 400 " in head and json.loads(body)["error"]["message"] == "this port speaks HTTPS"


POST = b"POST " + HOOK.encode() + b" HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
# What one server may read as one request and the next one as two, or as another one. None of it is a worker's business.
SMUGGLED = {
    "two equal lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 44\r\n\r\n{}",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and something else": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "something else": POST + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
    "chunks in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "a chunk's size that is none": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "a chunk's size below nothing": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "a chunk's size with 0x": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk's size beyond 64 bits": CHUNKED + b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a chunk that is longer than it says": CHUNKED + b"2\r\n{}{}\r\n0\r\n\r\n",
    "a folded header": POST + b"Content-Length: 2\r\nX-A: b\r\n c\r\n\r\n{}",
    "a header that is folded at once": POST.replace(b"\r\nHost", b"\r\n Host") + b"Content-Length: 2\r\n\r\n{}",
    "NUL in a header": POST + b"X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in the path": POST.replace(b"/hook/", b"/hook/\0") + b"Content-Length: 2\r\n\r\n{}",
    "NUL in the path, escaped": POST.replace(b"/hook/", b"/hook/%00") + b"Content-Length: 2\r\n\r\n{}",
    "two hosts": POST + b"Host: b\r\nContent-Length: 2\r\n\r\n{}",
    "a host with a path": POST.replace(b"Host: a", b"Host: a/b") + b"Content-Length: 2\r\n\r\n{}",
    "another scheme": POST.replace(b"POST /", b"POST ftp:/") + b"Content-Length: 2\r\n\r\n{}",
    "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "headers without an end": POST + b"X-A: " + b"b" * 40000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "many headers": POST + b"".join(b"X-%d: %s\r\n" % (n, b"b" * 1000) for n in range(40)) + b"Content-Length: 2\r\n\r\n{}",
}


@pytest.fixture(scope="module")
def many_cases(tmp_path_factory) -> Iterator[Appliance]:
    """One shop for all of them: each looks at what is new."""
    folder = Path(tempfile.mkdtemp(prefix="og-"))
    one = Appliance(folder, POOLS, Fakes(folder / "bin").folder)
    try:
        yield one.start()
    finally:
        one.destroy()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("case", SMUGGLED)
def test_a_request_with_two_readings_reaches_no_worker(many_cases: Appliance, case: str) -> None:
    before = hooks_seen(many_cases)
    try:
        answer = raw(many_cases, SMUGGLED[case].replace(b"Host: a\r\n", b"Host: a\r\nConnection: close\r\n", 1))
    except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
        answer = b""  # closed while we still send is an answer, too
    statuses = [line.split(b" ")[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    assert hooks_seen(many_cases) == before, answer
    assert len(statuses) <= 1 and all(status[:1] == b"4" for status in statuses), answer


# What has one reading goes on, and in one form only.
PLAIN = {
    "an absolute address": POST.replace(b"POST ", b"POST https://a") + b"Content-Length: 2\r\n\r\n{}",
    "a body in chunks": CHUNKED + b"2\r\n{}\r\n0\r\nX-Trailer: t\r\n\r\n",
    "an underscore in a header's name": POST + b"Content_Length: 44\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("case", PLAIN)
def test_a_worker_sees_one_form_of_a_request(many_cases: Appliance, case: str) -> None:
    before = hooks_seen(many_cases)
    answer = raw(many_cases, PLAIN[case].replace(b"Host: a\r\n", b"Host: a\r\nConnection: close\r\n", 1))
    assert b" 200 " in answer.split(b"\r\n")[0], answer
    assert hooks_seen(many_cases) == before + 1
    newest = max(seen(many_cases, "hook-1")[-1:] + seen(many_cases, "hook-2")[-1:], key=lambda entry: entry["at"])
    lines = newest["head"].lower().split("\r\n")
    assert lines[0] == f"post {HOOK} http/1.1" and newest["bytes"] == 2
    assert [line for line in lines if line.startswith("content-length")] == ["content-length: 2"]
    assert not [line for line in lines if line.startswith(("transfer-encoding", "content_length", "x-trailer"))]


def test_a_slow_sender_waits_in_nginx_and_not_in_a_worker(shop: Appliance) -> None:
    shop.start()
    slow = []
    for _ in range(40):
        connection = shop.tls().wrap_socket(socket.create_connection(("127.0.0.1", shop.port)), server_hostname="localhost")
        connection.sendall(b"POST " + HOOK.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        slow.append(connection)
    assert shop.request("POST", HOOK, "{}").status == 200
    assert hooks_seen(shop) == 1
    for connection in slow:
        connection.close()


def test_too_many_requests_of_one_address_are_told_so(make_appliance, fakes: Fakes) -> None:
    shop = make_appliance(POOLS + "http { requests_per_second = 5 }\n", fakes.folder).start()
    answers = [shop.request("POST", HOOK, "{}") for _ in range(40)]
    refused = [answer for answer in answers if answer.status != 200]
    assert 11 <= 40 - len(refused) <= 30, [answer.status for answer in answers]
    for answer in refused:
        assert answer.status == 429 and answer.json()["error"]["code"] == "too_many_requests", answer
        assert answer.headers["Retry-After"] == "1"


def test_only_the_named_networks_may_call(make_appliance, fakes: Fakes) -> None:
    shop = make_appliance(POOLS + 'http { hook_networks = "10.0.0.0/8" trusted_networks = "10.0.0.0/8" }\n', fakes.folder)
    shop.start()
    for path in (HOOK, HOOK.rstrip("/"), "/metrics"):
        answer = shop.request("POST", path, "{}")
        assert answer.status == 403 and answer.json()["error"]["code"] == "forbidden", (path, answer)
    assert hooks_seen(shop) == 0
    assert shop.request("GET", "/healthz").status == 200
    shop.write_config(POOLS + 'http { hook_networks = "127.0.0.1 10.0.0.0/8" }\n')
    shop.process.send_signal(signal.SIGHUP)
    wait_until(lambda: shop.request("POST", HOOK, "{}").status == 200, 10, "the new networks are in force")


def test_a_bad_configuration_never_replaces_a_good_one(shop: Appliance) -> None:
    shop.start()
    file = shop.state / "run" / "nginx" / "nginx.conf"
    good = file.read_bytes()
    broken = shop.folder / "certificate.pem"
    broken.write_text("no certificate")
    bad = shop.folder / "bad.conf"
    for text, reason in ((f'http {{ tls_certificate = "{broken}" tls_key = "{broken}" }}', "nginx refuses"),
                         ('http { hook_client_ca = "/nowhere.pem" }', "nowhere.pem"), ("http { port = 0 }", "http.port")):
        bad.write_text(text)
        done = subprocess.run([BIN / "ordergatectl", "--config", bad, "--state", shop.state, "render-nginx", "--check"],
                              capture_output=True, text=True)
        assert done.returncode == 1 and reason in done.stderr and len(done.stderr.splitlines()) == 1, done
        assert file.read_bytes() == good
    assert shop.request("POST", HOOK, "{}").status == 200


# --- the connection

def test_tls_is_modern_and_http_2_is_offered(shop: Appliance) -> None:
    shop.start()
    offered = shop.tls()
    offered.set_alpn_protocols(["h2", "http/1.1"])
    with offered.wrap_socket(socket.create_connection(("127.0.0.1", shop.port)), server_hostname="localhost") as connection:
        assert connection.selected_alpn_protocol() == "h2"
        assert connection.version() == "TLSv1.3"
    old = shop.tls()
    with pytest.warns(DeprecationWarning):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        old.wrap_socket(socket.create_connection(("127.0.0.1", shop.port)), server_hostname="localhost")
    answer = shop.request("GET", "/healthz")
    assert answer.headers["Server"] == "nginx", "the version is nobody's business"


def test_plain_http_is_there_only_when_it_is_configured(make_appliance, fakes: Fakes) -> None:
    port = free_port()
    shop = make_appliance(POOLS + f"http {{ plain_port = {port} }}\n", fakes.folder).start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(3):
        connection.request("POST", HOOK, "{}")
        assert connection.getresponse().read()
    connection.close()
    assert hooks_seen(shop) == 3


def test_a_request_keeps_a_harmless_name_and_gets_one_otherwise(shop: Appliance) -> None:
    shop.start()
    for given, kept in (("order-12345.A_b", True), ("short", False), ("a" * 65, False), ('quo"te-and-more', False)):
        shop.request("GET", "/healthz", headers={"X-Request-ID": given})
        head = seen(shop, "console-1")[-1]["head"].lower()
        name = next(line for line in head.split("\r\n") if line.startswith("x-request-id: ")).split(" ", 1)[1]
        assert (name == given.lower()) == kept, (given, name)
        assert kept or len(name) == 32


def test_redirect_acme_balancer_and_client_certificates(make_appliance, fakes: Fakes, tmp_path) -> None:
    challenge = tmp_path / "acme" / ".well-known" / "acme-challenge" / "token"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("token.thumbprint")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=marketplace", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "ca.pem"],
                   check=True, capture_output=True)
    port = free_port()
    shop = make_appliance(POOLS + f"""http {{
        redirect_port = {port} hsts = 1d acme_folder = "{tmp_path}/acme" hook_client_ca = "{tmp_path}/ca.pem"
        proxy_networks = "127.0.0.0/8" hook_networks = "10.1.2.0/24" }}
    """, fakes.folder).start()

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for path, status, text in (("/assembly/?a=1", 308, None), (HOOK, 308, None), ("/.well-known/acme-challenge/token", 200, "token.thumbprint"),
                               ("/.well-known/acme-challenge/none", 404, None)):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        assert answer.status == status, (path, body)
        assert text is None or body == text
        if status == 308:
            assert answer.headers["Location"] == f"https://127.0.0.1:{shop.port}{path}"
    connection.close()
    assert hooks_seen(shop) == 0, "nothing that came in clear goes on"
    assert shop.request("GET", "/healthz").headers["Strict-Transport-Security"] == "max-age=86400"

    def call(address: str, certificate: bool) -> int:
        context = shop.tls()
        if certificate:
            context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
        secure = http.client.HTTPSConnection("127.0.0.1", shop.port, context=context, timeout=10)
        secure.request("POST", HOOK, "{}", {"X-Forwarded-For": address})
        status = secure.getresponse().status
        secure.close()
        return status

    assert call("10.1.2.3", True) == 200
    assert call("10.1.2.3", False) == 403, "without a certificate"
    assert call("10.9.9.9", True) == 403, "an address that the balancer saw and nobody allowed"
    assert hooks_seen(shop) == 1
    assert "x-forwarded-for: 10.1.2.3" in (seen(shop, "hook-1") + seen(shop, "hook-2"))[0]["head"].lower()


# --- the access log

def test_the_access_log_has_every_problem_and_no_secret(shop: Appliance, fakes: Fakes) -> None:
    shop.start()
    headers = {"Client-Token": "secret-one"}
    assert shop.request("POST", HOOK + "?key=secret-two", '{"phone":"secret-three"}', headers).status == 200
    for number in (1, 2):
        fakes.set(f"hook-{number}", status=403)
    assert shop.request("POST", HOOK + "?key=secret-two", '{"phone":"secret-three"}', headers).status == 403
    assert shop.request("POST", "/sbermarket/orders/api/getOrder?key=secret-two", "{}", headers).status == 200
    assert shop.request("GET", "/nowhere?key=secret-two").status == 404
    shop.stop()
    text = (shop.state / "log" / "access.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert sorted((line["method"], line["path"], line["status"]) for line in lines) == [  # each process of nginx has a buffer
        ("GET", "/nowhere", 404), ("POST", "/sbermarket/orders/api/getOrder", 200), ("POST", HOOK, 403)]
    assert "secret" not in text + shop.log()
