#!/usr/bin/python3
"""Stands for any of our programs: serves a UNIX socket, tells the supervisor that it is ready and alive, and misbehaves
as <folder of the program>/<service>-<instance>.json says. Installed as ordergate-NAME by test_supervisor.py.

    {"dies_after_s": 0}      exits with 1
    {"deaf": true}           ignores SIGTERM
    {"silent": true}         is ready and then says nothing more
    {"leaves_child": true}   starts a process of its own group that outlives it
    {"status": 503}          of every answer; default 200
    {"answer_after_s": 2}    each answer takes so long
    {"drops": true}          closes the connection instead of answering
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

NAME = Path(sys.argv[0]).name.removeprefix("ordergate-")
OPTIONS = dict(zip(sys.argv[1::2], sys.argv[2::2]))
SELF = f"{NAME}-{OPTIONS['--instance']}"
RUN = Path(OPTIONS["--state"]) / "run"


def behaviour() -> dict:
    path = Path(sys.argv[0]).parent / f"{SELF}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def say(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def answer(connection: socket.socket) -> None:
    """One request after another, each recorded in <run>/SELF.requests before it is answered."""
    data = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            head, data = data.split(b"\r\n\r\n", 1)
            headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            wanted = int(headers.get(b"content-length", 0))
            while len(data) < wanted:
                data += connection.recv(65536)
            body, data = data[:wanted], data[wanted:]
            with open(RUN / f"{SELF}.requests", "ab") as record:
                record.write(json.dumps({"at": time.time(), "head": head.decode(), "bytes": len(body)}).encode() + b"\n")
            now = behaviour()
            time.sleep(now.get("answer_after_s", 0))
            if now.get("drops"):
                return
            text = json.dumps({"by": SELF}).encode()
            connection.sendall(b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                               % (now.get("status", 200), len(text), text))
            if headers.get(b"connection") == b"close":
                return


def listen() -> None:
    path = RUN / f"{SELF}.sock"
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(128)
    while True:
        threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()


def main() -> None:
    now = behaviour()
    if "dies_after_s" in now:
        time.sleep(now["dies_after_s"])
        print(f"{SELF} gives up", file=sys.stderr)
        sys.exit(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if now.get("deaf") else lambda *_: sys.exit(0))
    signal.signal(signal.SIGHUP, lambda *_: print(f"{SELF} reloads", file=sys.stderr, flush=True))
    threading.Thread(target=listen, daemon=True).start()
    if now.get("leaves_child"):
        subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True)
    print(f"{SELF} begins", file=sys.stderr, flush=True)
    say("READY=1")
    while True:
        time.sleep(0.2)
        if not now.get("silent"):
            say("WATCHDOG=1")


main()
