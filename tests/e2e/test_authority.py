"""`ordergatectl tls`: what docs/scale.md says makes certificates that tell edges from workers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance import BIN
from certificates import Authority

DOMAIN = "orders.example.test"


def run_tls(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "ordergatectl", "tls", *words], cwd=folder, capture_output=True, text=True, timeout=60)


def verified(authority: Authority, certificate: Path, purpose: str, *more: str) -> bool:
    return subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", authority.ca, "-purpose", purpose, *more, certificate],
                          capture_output=True, timeout=60).returncode == 0


def test_a_workers_certificate_is_no_edges_nor_the_other_way_round(folder: Path) -> None:
    ours, theirs = Authority(folder / "ours", DOMAIN), Authority(folder / "theirs", DOMAIN)
    worker, key = ours.issue("worker1", "serverAuth")
    edge, _ = ours.issue("edge1", "clientAuth")
    assert verified(ours, worker, "sslserver", "-verify_hostname", DOMAIN) and not verified(ours, worker, "sslclient")
    assert not verified(ours, worker, "sslserver", "-verify_hostname", "elsewhere.example.test")
    assert verified(ours, edge, "sslclient") and not verified(ours, edge, "sslserver")
    assert not verified(theirs, worker, "sslserver")
    assert [path.stat().st_mode & 0o777 for path in (key, ours.folder / "ca-key.pem")] == [0o600, 0o600]
    before = worker.read_bytes()
    ours.issue("worker1", "serverAuth")
    assert worker.read_bytes() != before and verified(ours, worker, "sslserver"), "issued again"


@pytest.mark.parametrize(("words", "said"), [
    (("ca",), "is there already"),
    (("issue", "a/b", "--for", "edge"), "the name of a machine"),
    (("issue", "ca", "--for", "edge"), "the name of a machine"),
    (("issue", "worker1", "--for", "worker"), "a domain"),
    (("issue", "worker1", "--for", "worker", "--domain", "a,IP:10.0.0.1"), "domains are names"),
    (("issue", "worker1", "--for", "edge", "--folder", "elsewhere"), "ordergatectl tls ca"),
])
def test_what_cannot_be_meant_is_refused_in_one_line(folder: Path, words: tuple[str, ...], said: str) -> None:
    authority = Authority(folder / "ours", DOMAIN)
    key = (authority.folder / "ca-key.pem").read_bytes()
    done = run_tls(authority.folder, *words)
    assert done.returncode in (1, 3) and said in done.stderr and len(done.stderr.strip().splitlines()) == 1, done
    assert (authority.folder / "ca-key.pem").read_bytes() == key
    assert sorted(path.name for path in authority.folder.iterdir()) == ["ca-key.pem", "ca.pem"]
