"""./up, and the whole appliance as it is delivered."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from appliance import BACK_S, BIN, BUILD, ROOT, SLACK, STOP_S, UP_S, Appliance, processes_of, wait_until, within

POOLS = {"hook": 4, "assembly": 4, "erp": 1, "processor": 1, "notifier": 1, "console": 1, "scheduler": 1}
MEMORY_MB = 80
ORDER = {"event_type": "order.created", "payload": {"originalOrderId": "H-1", "storeID": "1201", "positions": []}}


@pytest.fixture
def shop(make_appliance) -> Appliance:
    """Started by ./up, with the configuration of the contract."""
    shop = make_appliance()
    shop.by_up = True
    return shop


def is_sanitized() -> bool:
    return re.search(r"^SANITIZE:STRING=.", (BUILD / "CMakeCache.txt").read_text(), re.M) is not None


def number_of(answer) -> str:
    assert answer.status == 200, answer
    return answer.json()["number"]


# --- life

def test_an_up_to_date_tree_is_up_in_time_with_all_its_processes(shop: Appliance) -> None:
    subprocess.run(["cmake", "--build", BUILD, "--target", "programs"], check=True, stdout=subprocess.DEVNULL)
    shop.start(UP_S)
    assert {service: sorted(shop.pids(service)) for service in POOLS} == {
        service: list(range(1, count + 1)) for service, count in POOLS.items()}
    answer = shop.request("GET", "/healthz")
    assert answer.status == 200 and answer.json()["status"] == "ok", answer
    assert shop.stop(signal.SIGINT) == 0


def test_a_second_up_continues_where_the_first_stopped(shop: Appliance) -> None:
    first = number_of(shop.start().hook(json.dumps(ORDER)))
    shop.stop()
    assert number_of(shop.start().hook(json.dumps(ORDER))) == first
    shop.kill()
    assert number_of(shop.start().hook(json.dumps(ORDER))) == first


def test_each_killed_process_is_back_in_time(shop: Appliance) -> None:
    shop.start()
    for service in (*POOLS, "nginx"):
        old = shop.pids(service)[1]
        os.kill(old, signal.SIGKILL)
        shop.wait_for_new(service, 1, old)
    within(lambda: healthz(shop) == 200, BACK_S * SLACK, "all is well again")
    number_of(shop.hook(json.dumps(ORDER)))


def healthz(shop: Appliance) -> int:
    try:
        return shop.request("GET", "/healthz").status
    except OSError:
        return 0


def test_processes_that_wait_need_little_memory(shop: Appliance) -> None:
    if is_sanitized():
        pytest.skip("sanitizers need memory of their own")
    shop.start()
    number_of(shop.hook(json.dumps(ORDER)))
    time.sleep(3)  # what starting needs is given back
    kb = {}
    for pid, arguments in processes_of(shop.state).items():
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kb[" ".join(arguments)[:90]] = int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
    ours = sum(value for name, value in kb.items() if "nginx" not in name)
    assert 1000 < ours < MEMORY_MB * 1024, kb


def test_the_demo_plays_orders_and_leaves_nothing(shop: Appliance) -> None:
    if not (ROOT / "tests/emulators/telegram/node_modules").exists():
        pytest.skip("the Telegram double is not installed: ./check does it")
    shop.has_config = False
    shop.extra = ["--demo"]
    shop.start()
    wait_until(lambda: "A day of orders begins" in shop.screen(), 10, "the day begins")
    wait_until(lambda: stored(shop, "SELECT count(*) FROM outbox_archive") + stored(
        shop, "SELECT count(*) FROM outbox WHERE state = 3") > 3, 30 * SLACK, "notifications reach the marketplace")
    wait_until(lambda: stored(shop, "SELECT count(*) FROM orders WHERE state = 'assembling'"), 30 * SLACK, "pickers pick")
    doubles = [line[:3] for line in processes_of(shop.state).values() if "kuper" in line or line[0] == "node"]
    assert len(doubles) == 2, doubles
    shop.stop(signal.SIGINT)


def stored(shop: Appliance, question: str) -> int:
    store = shop.store()
    try:
        return store.execute(question).fetchone()[0]
    finally:
        store.close()


# --- what people see from outside

def test_health_names_what_is_missing_and_is_well_again(shop: Appliance) -> None:
    shop.start()
    shop.write_config("pool { hook = 5 }\n")
    os.kill(shop.pids("console")[1], signal.SIGHUP)  # only the console knows about the fifth
    answer = wait_until(lambda: (a := shop.request("GET", "/healthz")).status == 503 and a, 10, "it is noticed")
    assert answer.json()["status"] == "failing" and answer.json()["reasons"] == ["hook: 4 of 5 run"], answer
    assert str(shop.state) not in answer.body.decode()
    shop.process.send_signal(signal.SIGHUP)
    wait_until(lambda: healthz(shop) == 200, 10, "the supervisor starts the fifth")
    os.kill(shop.pids("scheduler")[1], signal.SIGSTOP)
    assert healthz(shop) == 200, "a stopped one is the watchdog's business"


def test_health_fails_while_the_store_is_away(shop: Appliance) -> None:
    shop.start()
    store = shop.state / "ordergate.db"
    os.kill(shop.pids("console")[1], signal.SIGKILL)
    store.rename(store.with_suffix(".away"))
    wait_until(lambda: healthz(shop) == 503, 10, "it is noticed")
    store.with_suffix(".away").rename(store)
    wait_until(lambda: healthz(shop) == 200, 10, "it is well again")


def test_metrics_are_those_of_every_process(shop: Appliance) -> None:
    shop.start()
    number_of(shop.hook(json.dumps(ORDER)))
    text = wait_until(lambda: (t := shop.request("GET", "/metrics").body.decode()) and
                      all(f'service="{name}"' in t for name in POOLS) and t, 10, "every service publishes")
    assert len(set(re.findall(r'service="hook",instance="(\d+)"', text))) == 4
    assert re.search(r"^# TYPE ordergate_http_requests_total counter$", text, re.M)


# --- one clear line

def run_up(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, list[str]]:
    done = subprocess.run([ROOT / "up", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
                          env={**os.environ, "ORDERGATE_BUILD": str(BUILD), **(environment or {})})
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("arguments", [["--colour"], ["--port"], ["--port", "x"], ["--port=70000"], ["now"]])
def test_wrong_arguments_are_one_line(arguments: list[str]) -> None:
    code, lines = run_up(*arguments)
    assert code == 2 and len(lines) == 1 and "--" in lines[0], lines


def test_a_port_in_use_is_one_line(shop: Appliance) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, lines = run_up("--no-install", f"--port={port}", "--state", str(shop.state))
    assert code == 1 and len(lines) == 1 and str(port) in lines[0], lines


def test_a_store_of_a_newer_version_is_one_line_and_stays_as_it_is(shop: Appliance) -> None:
    shop.start().stop()
    shop.change("UPDATE store_meta SET version = 900, min_reader = 900")
    code, lines = run_up("--no-install", "--port", str(shop.port), "--state", str(shop.state), "--config", str(shop.config))
    assert code == 1 and len(lines) == 1 and "900" in lines[0], lines
    assert stored(shop, "SELECT version FROM store_meta") == 900


def test_missing_packages_are_named_to_an_ordinary_user(folder: Path) -> None:
    """dpkg-query is asked, so one that knows nothing makes every library a missing one."""
    fake = folder / "dpkg-query"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    (folder / "id").write_text("#!/bin/sh\necho 1000\n")
    (folder / "id").chmod(0o755)
    code, lines = run_up("--state", str(folder / "state"), environment={"PATH": f"{folder}:{os.environ['PATH']}"})
    assert code == 1 and len(lines) == 1, lines
    assert "apt-get install" in lines[0] and "libmicrohttpd-dev" in lines[0], lines
    assert not (folder / "state").exists()


def test_a_signal_during_the_build_ends_the_build(folder: Path) -> None:
    build = folder / "build"
    with open(folder / "screen", "w") as screen:
        up = subprocess.Popen([ROOT / "up", "--no-install", "--state", folder / "state"], stdout=screen, stderr=screen,
                              env={**os.environ, "ORDERGATE_BUILD": str(build)})
    try:
        wait_until(lambda: list(build.glob("CMakeFiles/*.dir/common")), 60, "it builds")
        up.send_signal(signal.SIGTERM)
        assert up.wait(STOP_S) != 0
        wait_until(lambda: not processes_with(str(build)), STOP_S, "the tools are gone")
    finally:
        up.kill()
        up.wait()


def processes_with(text: str) -> list[str]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if text in line]


def test_the_programs_are_there() -> None:
    assert all((BIN / f"ordergate-{name}").exists() for name in (*POOLS, "supervisor"))
