"""Requests at the hook that are not whole, not clear or not quick."""

from __future__ import annotations

import json
import socket
import ssl
import statistics
import time

import pytest

from appliance import PATIENCE_S, SLACK, Appliance
from intake_checks import accepted, intake, kept, running, send, unique  # noqa: F401
from load import HOOK, order_body, rows

BODY_TIMEOUT_S = 10.0  # client_body_timeout of nginx


def speak(intake: Appliance) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", intake.port), timeout=30)
    return intake.tls().wrap_socket(plain, server_hostname="localhost")


def head(intake: Appliance, *lines: str) -> bytes:
    return "\r\n".join([f"POST {HOOK} HTTP/1.1", "Host: localhost", f"Client-Token: {intake.secret('hook-token')}", *lines,
                        "", ""]).encode()


def read_answer(connection: ssl.SSLSocket) -> tuple[int, bytes]:
    """The status of the next answer and its body, as far as the connection goes on until then."""
    text = b""
    while piece := connection.recv(65536):
        text += piece
        top, separator, body = text.partition(b"\r\n\r\n")
        length = [int(line.split(b":")[1]) for line in top.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if separator and length and len(body) >= length[0]:
            break
    return int(text.split(b" ")[1]), text.partition(b"\r\n\r\n")[2]


SMUGGLED = {
    "two equal lengths": ("Content-Length: %(n)d", "Content-Length: %(n)d"),
    "two lengths": ("Content-Length: %(n)d", "Content-Length: 5"),
    "a list of lengths": ("Content-Length: %(n)d, %(n)d",),
    "a length and chunks": ("Content-Length: %(n)d", "Transfer-Encoding: chunked"),
    "chunks and a length": ("Transfer-Encoding: chunked", "Content-Length: %(n)d"),
    "a length below nothing": ("Content-Length: -1",),
    "a length with a sign": ("Content-Length: +%(n)d",),
    "a length in hexadecimal": ("Content-Length: 0x10",),
    "a length beyond 64 bits": ("Content-Length: 99999999999999999999",),
    "two hosts": ("Host: elsewhere", "Content-Length: %(n)d"),
    "a header without a colon": ("Content-Length %(n)d",),
}


@pytest.mark.parametrize("case", SMUGGLED)
def test_ambiguous_framing_is_refused(intake: Appliance, case: str) -> None:
    body = json.dumps(order_body(unique())).encode()
    before = kept(intake)
    with speak(intake) as connection:
        connection.sendall(head(intake, *[line % {"n": len(body)} for line in SMUGGLED[case]]) + body)
        status, answer = read_answer(connection)
    assert status == 400 and json.loads(answer)["error"]["code"] == "bad_request", answer
    assert kept(intake) == before


def test_a_body_in_chunks_is_taken(intake: Appliance) -> None:
    body = json.dumps(order_body(unique())).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:1], body[1:99], body[99:]))
    with speak(intake) as connection:
        connection.sendall(head(intake, "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")
        status, answer = read_answer(connection)
    assert status == 200 and json.loads(answer)["status"] == "created"


def test_requests_on_one_connection_are_answered_in_turn(intake: Appliance) -> None:
    ids = [unique() for _ in range(20)]
    bodies = [json.dumps(order_body(order_id)).encode() for order_id in ids]
    numbers = []
    with speak(intake) as connection:
        connection.sendall(b"".join(head(intake, f"Content-Length: {len(body)}") + body for body in bodies))
        stream = connection.makefile("rb")
        for _ in ids:
            top = b""
            while not top.endswith(b"\r\n\r\n"):
                top += stream.readline()
            length = int(next(line for line in top.split(b"\r\n") if line.lower().startswith(b"content-length:")).split()[1])
            numbers.append(json.loads(stream.read(length))["number"])
    stored = dict(rows(intake, "SELECT external_id, number FROM order_identity"))
    assert numbers == [stored[order_id] for order_id in ids]


CUT_OFF = {"closed": None, "half closed": socket.SHUT_WR, "reset": "reset"}


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
@pytest.mark.parametrize("how", CUT_OFF)
def test_an_upload_that_is_cut_off_is_not_taken(intake: Appliance, how: str, chunked: bool) -> None:
    """It did not arrive, so the marketplace gets no answer and sends it again."""
    order_id = unique()
    body = json.dumps(order_body(order_id)).encode()
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body) + 10}"
    before = kept(intake)
    connection = speak(intake)
    connection.sendall(head(intake, framing) + (b"%x\r\n" % len(body) if chunked else b"") + body)
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if how == "half closed":
        connection.shutdown(socket.SHUT_WR)
        try:
            assert b" 200 " not in connection.recv(4096)
        except OSError:
            pass
    connection.close()
    accepted(send(intake, order_body(order_id)), "created")
    assert kept(intake) == (before[0] + 1, before[1])


def test_a_request_that_is_cut_off_behind_nginx_harms_no_worker(intake: Appliance) -> None:
    """As when nginx dies in the middle of passing it on."""
    body = json.dumps(order_body(unique())).encode()
    before = kept(intake)
    for number in range(1, 5):
        for end in (0, 10, 120, 400):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(intake.state / "run" / f"hook-{number}.sock"))
                connection.sendall((head(intake, f"Content-Length: {len(body)}") + body)[:end or 1])
    accepted(send(intake, order_body(unique())), "created")
    assert kept(intake) == (before[0] + 1, before[1])


def hook_connections(intake: Appliance) -> int:
    """Requests that are at a worker, by what the workers publish every second."""
    text = intake.request("GET", "/metrics").body.decode()
    return sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith("ordergate_http_in_flight") and 'service="hook"' in line)


def test_slow_uploads_hold_no_worker(intake: Appliance) -> None:
    """Forty senders that drip, one that stops in its body and one in its headers; others are served as always."""
    ids = [unique() for _ in range(40)]
    bodies = [json.dumps(order_body(order_id)).encode() for order_id in ids]
    stalled, headless = speak(intake), speak(intake)
    stalled.sendall(head(intake, "Content-Length: 100") + b"{")
    headless.sendall(head(intake)[:-2])
    stalled_at = time.monotonic()
    dripping = [speak(intake) for _ in ids]
    for connection, body in zip(dripping, bodies):
        connection.sendall(head(intake, f"Content-Length: {len(body)}"))
    times_s, at_workers = [], []
    for step in range(30):
        for connection, body in zip(dripping, bodies):
            connection.sendall(body[step:step + 1])
        began = time.monotonic()
        accepted(send(intake, order_body(unique())), "created")
        times_s.append(time.monotonic() - began)
        at_workers.append(hook_connections(intake))
        time.sleep(0.05)
    assert statistics.median(times_s) < 0.5 * SLACK, "other requests are as fast as ever"
    # Each worker publishes what it has at one moment, and that may be one of the others.
    assert max(at_workers) <= 4, "slow senders wait in nginx"
    for connection, body in zip(dripping, bodies):
        connection.sendall(body[30:])
    for connection in dripping:
        assert read_answer(connection)[0] == 200, "slow is no reason to lose an order"
        connection.close()
    for connection in (stalled, headless):
        connection.settimeout(BODY_TIMEOUT_S + PATIENCE_S)
        try:
            assert b" 200 " not in connection.recv(4096)
        except TimeoutError:
            pytest.fail("nginx waits for ever")
        except OSError:
            pass
        connection.close()
    assert stalled_at + BODY_TIMEOUT_S - 1 < time.monotonic()
