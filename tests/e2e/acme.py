"""An ACME authority (RFC 8555), as much as certbot asks of one: signatures and nonces are checked, http-01 is asked for as a browser would."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def unquote(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def quote(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(jwk: dict) -> str:
    return quote(hashlib.sha256(json.dumps({key: jwk[key] for key in ("e", "kty", "n")}, sort_keys=True, separators=(",", ":")).encode()).digest())


class Authority:
    def __init__(self, folder: Path, port_of_challenges: int) -> None:
        """port_of_challenges stands for 80."""
        self.folder, self.port = folder, port_of_challenges
        self.days = 90
        self.issued: list[str] = []
        self.asked: list[tuple[str, int]] = []
        self._nonces: set[str] = set()
        self._keys: dict[str, dict] = {}
        self._orders: dict[str, dict] = {}
        self._lock = threading.Lock()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                        "-subj", "/CN=authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem"], check=True, capture_output=True)
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def reply(self, status: int, body: object, **headers: str) -> None:
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                kind = "application/pem-certificate-chain" if isinstance(body, str) else "application/json"
                for name, value in {"Replay-Nonce": authority.nonce(), "Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def do_GET(self) -> None:
                self.reply(200, {name: f"{authority.url}/{name}" for name in ("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")})

            do_HEAD = do_GET

            def do_POST(self) -> None:
                jws = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    status, body, headers = authority.answer(self.path, jws)
                except (AssertionError, KeyError, ValueError, OSError) as error:
                    status, body, headers = 400, {"type": "urn:ietf:params:acme:error:malformed", "detail": repr(error)}, {}
                self.reply(status, body, **headers)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def nonce(self) -> str:
        one = secrets.token_urlsafe(16)
        with self._lock:
            self._nonces.add(one)
        return one

    def open(self, path: str, jws: dict) -> tuple[dict, dict]:
        """What a message says, and the key of its sender; anything but ours is refused."""
        head = json.loads(unquote(jws["protected"]))
        with self._lock:
            assert head["nonce"] in self._nonces, "badNonce"
            self._nonces.remove(head["nonce"])
        assert head["alg"] == "RS256" and head["url"] == self.url + path, head
        jwk = head.get("jwk") or self._keys[head["kid"]]
        number = rsa.RSAPublicNumbers(int.from_bytes(unquote(jwk["e"]), "big"), int.from_bytes(unquote(jwk["n"]), "big"))
        number.public_key().verify(unquote(jws["signature"]), f"{jws['protected']}.{jws['payload']}".encode(), padding.PKCS1v15(), hashes.SHA256())
        return json.loads(unquote(jws["payload"]) or b"{}"), jwk

    def answer(self, path: str, jws: dict) -> tuple[int, object, dict[str, str]]:
        said, jwk = self.open(path, jws)
        _, what, *rest = path.split("/")
        if what == "newAccount":
            account = f"{self.url}/account/{thumbprint(jwk)}"
            self._keys[account] = jwk
            return 201, {"status": "valid"}, {"Location": account}
        if what == "newOrder":
            return self.new_order([one["value"] for one in said["identifiers"]])
        order = self._orders[rest[0]]
        if what == "finalize":
            assert all(order["proved"].values()), "orderNotReady"
            order["certificate"] = self.issue(unquote(said["csr"]))
        elif what == "certificate":
            return 200, order["certificate"], {}
        elif what == "challenge":
            self.try_challenge(order, rest[1], thumbprint(jwk))
            return 200, self.challenge(rest[0], rest[1]), {"Link": f'<{self.url}/authorization/{rest[0]}/{rest[1]}>;rel="up"'}
        elif what == "authorization":
            return 200, {"identifier": {"type": "dns", "value": rest[1]}, "status": "valid" if order["proved"][rest[1]] else "pending",
                         "challenges": [self.challenge(rest[0], rest[1])]}, {}
        return 200, self.order(rest[0]), {"Location": f"{self.url}/order/{rest[0]}"}

    def new_order(self, names: list[str]) -> tuple[int, object, dict[str, str]]:
        number = secrets.token_hex(4)
        self._orders[number] = {"tokens": {name: secrets.token_urlsafe(16) for name in names}, "proved": {name: False for name in names}, "certificate": ""}
        return 201, self.order(number), {"Location": f"{self.url}/order/{number}"}

    def order(self, number: str) -> dict:
        order = self._orders[number]
        state = "valid" if order["certificate"] else "ready" if all(order["proved"].values()) else "pending"
        return {"status": state, "identifiers": [{"type": "dns", "value": name} for name in order["proved"]],
                "authorizations": [f"{self.url}/authorization/{number}/{name}" for name in order["proved"]],
                "finalize": f"{self.url}/finalize/{number}", "certificate": f"{self.url}/certificate/{number}"}

    def challenge(self, number: str, name: str) -> dict:
        order = self._orders[number]
        return {"type": "http-01", "url": f"{self.url}/challenge/{number}/{name}", "token": order["tokens"][name],
                "status": "valid" if order["proved"][name] else "pending"}

    def try_challenge(self, order: dict, name: str, print_of_key: str) -> None:
        token = order["tokens"][name]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", f"/.well-known/acme-challenge/{token}", headers={"Host": name})
            answer = connection.getresponse()
            self.asked.append((name, answer.status))
            assert answer.read().decode().strip() == f"{token}.{print_of_key}", "unauthorized"
        finally:
            connection.close()
        order["proved"][name] = True

    def issue(self, csr: bytes) -> str:
        with self._lock:
            (self.folder / "csr").write_bytes(csr)
            done = subprocess.run(["openssl", "x509", "-req", "-inform", "DER", "-in", self.folder / "csr", "-CA", self.folder / "ca.pem", "-CAkey",
                                   self.folder / "ca.key", "-CAcreateserial", "-copy_extensions", "copyall", "-days", str(self.days)],
                                  check=True, capture_output=True, text=True)
            self.issued.append(done.stdout.strip())
            return done.stdout + (self.folder / "ca.pem").read_text()
