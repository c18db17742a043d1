"""A certificate by ACME: systemd/certificate with Debian's certbot, an authority of our own, and the real nginx. Seconds, but certbot is there
for ./check full only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from acme import Authority
from appliance import BIN, ROOT, SLACK, free_port, wait_until
from fakes import POOLS, Fakes
from test_certificate import served

if shutil.which("certbot") is None:
    print("\nskipped: certbot is not installed", flush=True)
    pytest.skip("skipped: certbot is not installed", allow_module_level=True)


def test_certbot_gets_a_certificate_and_renews_it(make_appliance, fakes: Fakes, tmp_path: Path) -> None:
    port = free_port()
    base = f'{POOLS}http {{ server_name = "a.example b.example" redirect_port = {port} acme_folder = "{tmp_path}/www" }}\n'
    shop = make_appliance("", fakes.folder)
    base += f"http {{ port = {shop.port} }}\n"
    shop.write_config(base)
    shop.start()
    tools, settings = tmp_path / "tools", tmp_path / "settings" / "letsencrypt"
    for folder in (tools, settings, tmp_path / "authority"):
        folder.mkdir(parents=True)
    for name in ("ordergate-hook", "ordergatectl"):
        (tools / name).write_text(f'#!/bin/sh\nexec {BIN}/{name} --config {shop.config} "$@"\n')
        (tools / name).chmod(0o755)
    authority = Authority(tmp_path / "authority", port)
    (settings / "cli.ini").write_text(f"server = {authority.url}/directory\n")

    def renew() -> subprocess.CompletedProcess:
        return subprocess.run([ROOT / "systemd" / "certificate"], capture_output=True, text=True, timeout=60 * SLACK, env={
            **os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "ORDERGATE_STATE": str(shop.state),
            "XDG_CONFIG_HOME": str(tmp_path / "settings")})

    live = shop.state / "tls" / "acme" / "live" / "ordergate"
    try:
        authority.days = 2  # is due at once
        done = renew()
        assert done.returncode == 0, done.stdout + done.stderr
        assert authority.asked == [("a.example", 200), ("b.example", 200)]
        assert (live / "fullchain.pem").read_text().startswith(authority.issued[0])

        shop.write_config(f'{base}http {{ tls_certificate = "{live}/fullchain.pem" tls_key = "{live}/privkey.pem" }}\n')
        authority.days = 90
        done = renew()
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(authority.issued) == 2
        wait_until(lambda: served(shop) == authority.issued[1], 10 * SLACK, "the renewed one is served")

        done = renew()
        assert done.returncode == 0 and len(authority.issued) == 2, done
    finally:
        authority.stop()
