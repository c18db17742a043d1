"""A certificate by ACME: systemd/certificate with a certbot that is not certbot, and the real nginx."""

from __future__ import annotations

import os
import ssl
import subprocess
import time
from pathlib import Path

from appliance import BIN, ROOT, SLACK, Appliance, free_port, wait_until
from fakes import POOLS, Fakes

# What certbot does when there is something to renew: puts the pair in place and calls the hook.
CERTBOT = """#!/bin/sh
set -eu
printf '%s\\n' "$*" >>"$CALLS"
while [ $# -gt 0 ]; do
	case $1 in
	--config-dir) live=$2/live/ordergate ;;
	--deploy-hook) hook=$2 ;;
	esac
	shift
done
mkdir -p "$live"
cp "$PAIR/fullchain.pem" "$live/fullchain.pem"
cp "$PAIR/privkey.pem" "$live/privkey.pem"
exec $hook
"""


def make_pair(folder: Path, name: str) -> Path:
    pair = folder / name
    pair.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-keyout", pair / "privkey.pem", "-out", pair / "fullchain.pem"],
                   check=True, capture_output=True)
    return pair


def served(shop: Appliance) -> str:
    return ssl.get_server_certificate(("127.0.0.1", shop.port)).strip()


def test_a_renewed_certificate_is_served_and_a_bad_one_is_not(make_appliance, fakes: Fakes, tmp_path: Path) -> None:
    port = free_port()
    base = f'{POOLS}http {{ server_name = "a.example b.example" redirect_port = {port} acme_folder = "{tmp_path}/www" }}\n'
    shop = make_appliance("", fakes.folder)
    base += f"http {{ port = {shop.port} }}\n"
    shop.write_config(base)
    shop.start()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("certbot", CERTBOT),
                       ("ordergate-hook", f'#!/bin/sh\nexec {BIN}/ordergate-hook --config {shop.config} "$@"\n'),
                       ("ordergatectl", f'#!/bin/sh\nexec {BIN}/ordergatectl --config {shop.config} "$@"\n')):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    def renew(pair: Path) -> subprocess.CompletedProcess:
        return subprocess.run([ROOT / "systemd" / "certificate"], capture_output=True, text=True, timeout=60, env={
            **os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "ORDERGATE_STATE": str(shop.state), "PAIR": str(pair),
            "CALLS": str(tmp_path / "calls")})

    first, second = make_pair(tmp_path, "first"), make_pair(tmp_path, "second")
    self_made = served(shop)
    done = renew(first)
    assert done.returncode == 0, done
    call = (tmp_path / "calls").read_text()
    assert "-d a.example -d b.example" in call and f"--webroot-path {tmp_path}/www" in call, call
    assert served(shop) == self_made, "not configured yet"

    live = shop.state / "tls" / "acme" / "live" / "ordergate"
    shop.write_config(f'{base}http {{ tls_certificate = "{live}/fullchain.pem" tls_key = "{live}/privkey.pem" }}\n')
    for pair in (first, second):
        done = renew(pair)
        assert done.returncode == 0, done
        wait_until(lambda: served(shop) == (pair / "fullchain.pem").read_text().strip(), 10 * SLACK, f"{pair.name} is served")
    assert not (shop.state / "run" / "nginx" / "last-answers").exists()

    mixed = make_pair(tmp_path, "mixed")
    (mixed / "privkey.pem").write_bytes((first / "privkey.pem").read_bytes())
    done = renew(mixed)
    assert done.returncode != 0 and "nginx refuses" in done.stderr, done
    time.sleep(1)
    assert served(shop) == (second / "fullchain.pem").read_text().strip()


def test_without_a_folder_for_answers_it_says_what_to_do(make_appliance, fakes: Fakes, tmp_path: Path) -> None:
    (tmp_path / "ordergate-hook").write_text(f'#!/bin/sh\n: >{tmp_path}/c\nexec {BIN}/ordergate-hook --config {tmp_path}/c "$@"\n')
    (tmp_path / "ordergate-hook").chmod(0o755)
    done = subprocess.run([ROOT / "systemd" / "certificate"], capture_output=True, text=True,
                          env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1 and "http.acme_folder" in done.stderr
