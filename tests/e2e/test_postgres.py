"""The store in PostgreSQL: an order's life, a server that dies under load, and what is said of one that will not do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import postgres_server
from appliance import BIN, SLACK, Appliance, free_port, wait_until
from load import Senders, check_no_loss, check_senders, check_store, ctl, order_body, rows, store_locked, wait_until_processed
from postgres_server import PostgresServer

pytestmark = pytest.mark.skipif(postgres_server.missing() is not None, reason=postgres_server.missing() or "")
SECRET = "tell-nobody-4711"
WATCHDOG_S = 10  # child.h
KILLS = int(os.environ.get("ORDERGATE_SERVER_KILLS", "4"))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    one = PostgresServer({"fsync": "off"})
    yield one
    one.close()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    one = PostgresServer({"fsync": "off"})
    yield one
    one.close()


def run_ctl(folder: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    config = folder / "one.conf"
    config.write_text(f'store {{ url = "{url}" }}\n', encoding="utf-8")
    return subprocess.run([BIN / "ordergatectl", "--config", config, "--state", folder / "state", *words],
                          capture_output=True, text=True, timeout=60, check=False)


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One clear line, and nothing secret in it."""
    assert done.returncode == 1, done
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert SECRET not in done.stderr + done.stdout


# --- what is wrong with a server

@pytest.mark.parametrize("url", [
    f"postgresql://ordergate:{SECRET}@[::1/ordergate",
    f"postgresql://ordergate:{SECRET}@/ordergate?no_such_setting=1",
    f"postgres://ordergate:{SECRET}@localhost/ordergate",
])
def test_a_wrong_url_is_one_line_without_its_password(folder: Path, url: str) -> None:
    refused(run_ctl(folder, url, "init"), "store")
    refused(run_ctl(folder, url, "check-config"), "store")


def test_a_server_that_is_not_there_is_named(folder: Path) -> None:
    refused(run_ctl(folder, f"postgresql://ordergate:{SECRET}@/ordergate?host={folder}", "init"), "PostgreSQL", str(folder))


def test_a_wrong_password_is_refused_and_not_shown(folder: Path, own_server: PostgresServer) -> None:
    own_server.psql("postgres", "CREATE ROLE walter LOGIN PASSWORD 'right'")
    (own_server.data / "pg_hba.conf").write_text("local all ordergate trust\nlocal all all scram-sha-256\n", encoding="ascii")
    own_server.psql("postgres", "SELECT pg_reload_conf()")
    url = f"postgresql://walter:{SECRET}@/ordergate?host={own_server.dir}"
    wait_until(lambda: "password" in run_ctl(folder, url, "init").stderr, 10 * SLACK, "passwords are asked for")
    refused(run_ctl(folder, url, "init"), "password authentication failed", "walter")


def test_missing_rights_are_named(folder: Path, server: PostgresServer) -> None:
    server.psql("postgres", "DROP ROLE IF EXISTS guest")
    server.psql("postgres", "CREATE ROLE guest LOGIN")
    refused(run_ctl(folder, server.url().replace("ordergate@", "guest@"), "init"), "permission denied")


@pytest.mark.parametrize("program", ["ordergate-hook", "ordergate-processor", "ordergate-supervisor"])
def test_who_may_only_read_does_not_start(folder: Path, server: PostgresServer, program: str) -> None:
    server.psql("postgres", "DROP DATABASE IF EXISTS shown_only")
    server.psql("postgres", "CREATE DATABASE shown_only")
    assert run_ctl(folder, server.url("shown_only"), "init").returncode == 0
    server.psql("shown_only", "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    url = server.url("shown_only").replace("ordergate@", "reader@")
    assert run_ctl(folder, url, "status").returncode == 0, "looking is no writing"
    words = ["--port", str(free_port())] if "supervisor" in program else ["--instance", "1"]
    refused(subprocess.run([BIN / program, "--config", folder / "one.conf", "--state", folder / "state", *words], capture_output=True,
                           text=True, timeout=60, check=False), "permission denied for inbox", "must own the tables")
    server.psql("shown_only", "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader")
    refused(run_ctl(folder, url, "migrate"), "permission denied for erp_feed_id_seq")
    server.psql("shown_only", "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO reader")
    assert run_ctl(folder, url, "migrate").returncode == 0
    server.psql("shown_only", "DROP OWNED BY reader; DROP ROLE reader")


def test_a_database_that_is_not_there_is_named(folder: Path, server: PostgresServer) -> None:
    refused(run_ctl(folder, server.url("nothing"), "init"), "nothing", "does not exist")


def test_a_database_without_a_store_asks_for_init(folder: Path, server: PostgresServer) -> None:
    server.psql("postgres", "CREATE DATABASE empty")
    (folder / "state").mkdir()
    refused(run_ctl(folder, server.url("empty"), "migrate"), "ordergatectl init")


def test_a_database_that_forgets_is_refused(folder: Path, server: PostgresServer) -> None:
    server.psql("postgres", "CREATE DATABASE forgetful")
    server.psql("postgres", "ALTER DATABASE forgetful SET synchronous_commit = off")
    refused(run_ctl(folder, server.url("forgetful"), "init"), "synchronous_commit")


def test_a_database_that_is_not_utf8_is_refused(folder: Path, server: PostgresServer) -> None:
    server.psql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    refused(run_ctl(folder, server.url("latin"), "init"), "LATIN1", "UTF8")


def test_a_store_of_a_newer_program_is_refused(folder: Path, server: PostgresServer) -> None:
    server.psql("postgres", "CREATE DATABASE newer")
    assert run_ctl(folder, server.url("newer"), "init").returncode == 0
    server.psql("newer", "UPDATE store_meta SET version = 900, min_reader = 900")
    refused(run_ctl(folder, server.url("newer"), "status"), "newer Ordergate")
    refused(run_ctl(folder, server.url("newer"), "migrate"), "newer Ordergate")


def test_a_standby_is_refused(folder: Path, server: PostgresServer) -> None:
    home = server.dir / "standby"
    server.run("pg_basebackup", "-D", home, "-h", server.dir, "-U", "ordergate", "-c", "fast", "-R", "--no-sync")
    (home / "socket").mkdir()
    if server.user:
        shutil.chown(home / "socket", server.user)
    standby = subprocess.Popen([postgres_server.BIN[0] / "postgres", "-D", home, "-c",
                                f"unix_socket_directories={home}/socket"], user=server.user, cwd=home,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"postgresql://ordergate@/ordergate?host={home}/socket"
        wait_until(lambda: "standby" in run_ctl(folder, url, "init").stderr, 30 * SLACK, "the standby is up")
        refused(run_ctl(folder, url, "init"), "hot standby")
    finally:
        standby.send_signal(signal.SIGQUIT)
        standby.wait(30)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def test_an_old_server_is_refused(folder: Path) -> None:
    """One that says it is 13.2, and speaks no further than that."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen(4)

    def greet() -> None:
        client, _ = listener.accept()
        client.recv(4096)
        hello = message(b"R", struct.pack("!I", 0))
        for name, value in ((b"server_version", b"13.2"), (b"server_encoding", b"UTF8"), (b"in_hot_standby", b"off"),
                            (b"default_transaction_read_only", b"off")):
            hello += message(b"S", name + b"\0" + value + b"\0")
        client.sendall(hello + message(b"Z", b"I"))
        while True:  # older ones are asked whether they are in recovery
            asked = client.recv(4096)
            if not asked or asked[:1] == b"X":
                break
            client.sendall(message(b"T", struct.pack("!H", 1) + b"a\0" + struct.pack("!IHIhih", 0, 0, 16, 1, -1, 0)) +
                           message(b"D", struct.pack("!HI", 1, 1) + b"f") + message(b"C", b"SELECT 1\0") + message(b"Z", b"I"))
        client.close()

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    refused(run_ctl(folder, f"postgresql://ordergate@/ordergate?host={folder}", "init"), "13.2", "too old", "15")
    thread.join(10)
    listener.close()


# --- TLS to the server

def make_certificate(folder: Path, name: str, host: str) -> Path:
    """Of a server on that host, by itself; its key beside it."""
    path = folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName={host}", "-keyout", path.with_suffix(".key"),
                    "-out", path], check=True, capture_output=True)
    return path


def test_only_the_server_whose_certificate_is_right_is_talked_to(folder: Path, own_server: PostgresServer) -> None:
    own, other = make_certificate(folder, "db", "IP:127.0.0.1"), make_certificate(folder, "elsewhere", "DNS:db.example.test")
    port = free_port()

    def serve(certificate: Path) -> None:
        for path in (certificate, certificate.with_suffix(".key")):
            copied = own_server.data / f"server{path.suffix}"
            copied.unlink(missing_ok=True)
            shutil.copy(path, copied)
            copied.chmod(0o600)
            if own_server.user:
                shutil.chown(copied, own_server.user)
        own_server.stop()
        own_server.set({"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.key", "listen_addresses": "127.0.0.1",
                        "port": port})
        own_server.port = port
        own_server.start()

    def url(root: Path) -> str:
        return f"postgresql://ordergate:{SECRET}@127.0.0.1:{port}/ordergate?sslmode=verify-full&sslrootcert={root}"

    serve(own)
    (own_server.data / "pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 trust\n", encoding="ascii")
    own_server.reload()
    wait_until(lambda: run_ctl(folder, url(own), "init").returncode == 0, 10 * SLACK, "it is taken")
    refused(run_ctl(folder, url(own).replace("verify-full", "disable"), "status"), "PostgreSQL", "no encryption")
    refused(run_ctl(folder, url(other), "status"), "PostgreSQL", "certificate verify failed")
    refused(run_ctl(folder, url(folder / "none.pem"), "status"), "PostgreSQL", "none.pem")
    serve(other)
    refused(run_ctl(folder, url(other), "status"), "PostgreSQL", "certificate", "127.0.0.1")
    assert run_ctl(folder, url(other).replace("verify-full", "verify-ca"), "status").returncode == 0


def test_the_password_is_not_in_what_init_says(folder: Path, server: PostgresServer) -> None:
    server.psql("postgres", "CREATE DATABASE shown")
    done = run_ctl(folder, server.url("shown").replace("ordergate@", f"ordergate:{SECRET}@"), "init")
    assert done.returncode == 0 and "postgresql://ordergate@/shown has schema" in done.stdout, done
    assert SECRET not in done.stdout + done.stderr
    assert "already" in run_ctl(folder, server.url("shown"), "init").stdout


def test_what_only_a_file_has_is_refused_in_one_line(folder: Path, server: PostgresServer) -> None:
    server.psql("postgres", "CREATE DATABASE whole")
    assert run_ctl(folder, server.url("whole"), "init").returncode == 0
    refused(run_ctl(folder, server.url("whole"), "backup", str(folder / "copy.db")), "pg_basebackup")
    refused(run_ctl(folder, server.url("whole"), "restore", str(folder / "copy.db")), "PostgreSQL")


# --- the appliance

def test_a_server_that_dies_again_and_again_loses_nothing(make_appliance: Callable[..., Appliance],
                                                          own_server: PostgresServer) -> None:
    appliance = make_appliance(database=own_server.database("own")).start(30 * SLACK)
    senders = Senders(appliance, pause_s=0.01).start()
    try:
        for kill in range(KILLS):
            senders.wait_for_more(20)
            own_server.stop(signal.SIGQUIT if kill % 2 == 0 else signal.SIGINT)
            time.sleep(0.3 * kill)
            own_server.start()
        senders.wait_for_more(20)
        senders.stop()
    finally:
        senders.abandon()
    wait_until_processed(appliance)
    check_senders(appliance, senders)
    check_store(appliance)
    check_no_loss(appliance)
    assert set(senders.statuses) <= {200, 503}, senders.statuses
    restarted = [line for line in appliance.screen().splitlines() if "restart" in line]
    assert not restarted, "the processes outlive their server"
    assert appliance.stop() == 0


def test_a_server_that_stands_still_is_given_up(make_appliance: Callable[..., Appliance],
                                                own_server: PostgresServer) -> None:
    """Stopped like a frozen machine, for longer than a watchdog's patience: requests are answered in their time, nobody is killed
    for waiting, and all goes on afterwards."""
    appliance = make_appliance(database=own_server.database("own")).start(30 * SLACK)
    senders = Senders(appliance, count=2, pause_s=0.01).start()
    try:
        senders.wait_for_more(10)
        before = {name: appliance.pids(name) for name in ("hook", "processor", "notifier", "scheduler", "console")}
        family = [own_server.process.pid, *own_server.children()]
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: senders.statuses[503] > 0 or senders.wrong, 20 * SLACK, "a hook says 503")
        time.sleep(1.6 * WATCHDOG_S)
        for pid in family:
            os.kill(pid, signal.SIGCONT)
        senders.wait_for_more(10)
        senders.stop()
    finally:
        senders.abandon()
    wait_until_processed(appliance)
    assert "is stuck" not in appliance.log()
    assert {name: appliance.pids(name) for name in before} == before
    check_senders(appliance, senders)
    assert ctl(appliance, "verify").returncode == 0
    assert rows(appliance, "SELECT count(*) FROM orders WHERE external_id = ?", "P0-000001") == [(1,)]
    assert appliance.stop() == 0


class Schema:
    """One of several in a database, each a store."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.server, self.name = server, name
        server.psql("ordergate", f"CREATE SCHEMA {name}")

    def url(self) -> str:
        return f"{self.server.url()}&options=-csearch_path%3D{self.name}"


def test_two_installations_in_one_database_do_not_wait_for_each_other(make_appliance: Callable[..., Appliance],
                                                                      own_server: PostgresServer) -> None:
    """How stores are parted among installations (docs/scale.md): each has a lock of all writers of its own."""
    north, south = (make_appliance(database=Schema(own_server, name)).start(30 * SLACK) for name in ("north", "south"))
    assert north.hook(json.dumps(order_body("N-1"))).status == 200
    with store_locked(north):
        assert south.hook(json.dumps(order_body("S-1"))).status == 200
        assert north.hook(json.dumps(order_body("N-2"))).status == 503
    wait_until(lambda: north.hook(json.dumps(order_body("N-3"))).status == 200, 30 * SLACK, "it goes on")
    for appliance, ids in ((north, {"N-1", "N-3"}), (south, {"S-1"})):
        wait_until_processed(appliance)
        assert ids <= {row[0] for row in rows(appliance, "SELECT external_id FROM orders")} <= ids | {"N-2"}
        check_store(appliance)
        assert appliance.stop() == 0
