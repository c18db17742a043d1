"""The supervisor with programs that misbehave on demand (fake_program.py), and the real nginx."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from appliance import BACK_S, BIN, SLACK, STOP_S, UP_LINE, Appliance, processes_of, wait_until, within
from fakes import SERVICES, Fakes

def run_to_end(shop: Appliance, seconds: float = 60.0) -> tuple[int, str]:
    done = subprocess.run(shop.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=seconds, check=False)
    return done.returncode, done.stdout


# --- starting and stopping


def test_everything_runs_once_it_says_so(shop: Appliance) -> None:
    shop.start()
    assert {service: sorted(shop.pids(service)) for service in SERVICES} == {
        "hook": [1, 2], "assembly": [1], "erp": [1], "processor": [1], "notifier": [1], "console": [1], "scheduler": [1]}
    assert shop.request("GET", "/healthz").json() == {"by": "console-1"}
    assert "hook-token" in shop.screen() and "assembly-token" in shop.screen()
    for secret in ("hook-token", "assembly-token", "console-admin-password", "erp-token", "probe-key"):
        assert shop.secret(secret) not in shop.screen() + shop.log()
        assert (shop.state / "secrets" / secret).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything(shop: Appliance, number: int) -> None:
    shop.start()
    assert shop.stop(number) == 0


def test_a_second_start_continues_with_the_same_secrets_and_certificate(shop: Appliance) -> None:
    shop.start().stop()
    kept = {path: path.read_bytes() for folder in ("secrets", "tls") for path in (shop.state / folder).iterdir()}
    assert len(kept) >= 6
    shop.start()
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_start_after_sigkill_of_the_supervisor_continues(shop: Appliance) -> None:
    for _ in range(2):
        shop.start().kill()
        within(lambda: not processes_of(shop.state), BACK_S * SLACK, "its children die with it")
    shop.start()


def test_a_start_after_sigkill_of_everything_continues(shop: Appliance) -> None:
    """The workers of nginx survive that, and have the port."""
    shop.start()
    workers = [pid for pid, arguments in processes_of(shop.state).items() if "worker" in arguments[0]]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    master = shop.pids("nginx")[1]
    shop.process.send_signal(signal.SIGSTOP)
    os.kill(master, signal.SIGKILL)
    shop.kill()
    assert set(workers) & set(processes_of(shop.state)), "nothing is left over: this test shows nothing"
    shop.start()
    assert not set(workers) & set(processes_of(shop.state))


def test_a_start_at_once_after_sigkill_of_the_supervisor_continues(shop: Appliance) -> None:
    shop.start().kill()
    shop.start()


def test_one_that_ignores_sigterm_is_killed_in_time(shop: Appliance, fakes: Fakes) -> None:
    fakes.set("processor-1", deaf=True)
    shop.start().stop(seconds=STOP_S)


def test_what_a_service_left_behind_is_ended_too(shop: Appliance, fakes: Fakes) -> None:
    fakes.set("scheduler-1", leaves_child=True)
    shop.start()
    assert any("sleep" in arguments[0] for arguments in processes_of(shop.state).values())
    shop.stop()


def test_a_request_under_way_is_answered_before_the_end(shop: Appliance, fakes: Fakes) -> None:
    shop.start()
    fakes.set("hook-1", answer_after_s=1)
    fakes.set("hook-2", answer_after_s=1)
    connection = shop.connection()
    connection.request("POST", "/sbermarket/orders/hook/", "{}")
    wait_until(lambda: list((shop.state / "run").glob("hook-?.requests")), 5, "the request is at the worker")
    shop.process.send_signal(signal.SIGTERM)
    assert connection.getresponse().status == 200
    assert shop.process.wait(STOP_S) == 0
    shop.process = None


# --- dying and coming back


def test_a_killed_worker_is_back_also_the_tenth_time(shop: Appliance) -> None:
    shop.start()
    for _ in range(10):
        old = shop.pids("hook")[2]
        os.kill(old, signal.SIGKILL)
        shop.wait_for_new("hook", 2, old)


def test_a_killed_nginx_is_back_and_serves(shop: Appliance) -> None:
    shop.start()
    for _ in range(3):
        old = shop.pids("nginx")[1]
        os.kill(old, signal.SIGKILL)
        shop.wait_for_new("nginx", 1, old)
        assert within(lambda: try_healthz(shop), BACK_S * SLACK, "nginx serves") == 200


def try_healthz(shop: Appliance) -> int | None:
    try:
        return shop.request("GET", "/healthz").status
    except OSError:
        return None


def test_one_that_dies_at_once_is_tried_with_growing_pauses(shop: Appliance, fakes: Fakes) -> None:
    fakes.set("notifier-1", dies_after_s=0)
    shop.launch()
    wait_until(lambda: shop.log().count("notifier-1 gives up") >= 3, 10, "it is tried again")
    time.sleep(3)  # the pauses are what is measured
    tries = shop.log().count("notifier-1 gives up")
    assert tries <= 15, shop.report()
    assert UP_LINE not in shop.screen()
    (fakes.folder / "notifier-1.json").unlink()
    within(lambda: UP_LINE in shop.screen(), BACK_S * SLACK, "it is up once the fault is gone")


def test_one_that_is_silent_is_killed_by_the_watchdog(shop: Appliance, fakes: Fakes) -> None:
    fakes.set("processor-1", silent=True)
    shop.start()
    old = shop.pids("processor")[1]
    (fakes.folder / "processor-1.json").unlink()
    os.kill(old, signal.SIGSTOP)
    shop.wait_for_new("processor", 1, old, 12 * SLACK)
    assert "process is stuck" in shop.log()


def test_a_supervisor_that_was_stopped_for_long_blames_nobody(shop: Appliance) -> None:
    shop.start()
    before = {service: shop.pids(service) for service in SERVICES}
    shop.process.send_signal(signal.SIGSTOP)
    time.sleep(11)  # longer than the watchdog's limit
    shop.process.send_signal(signal.SIGCONT)
    time.sleep(2)
    assert {service: shop.pids(service) for service in SERVICES} == before
    assert "process is stuck" not in shop.log()


# --- reloading


def test_sighup_reloads_nginx_and_every_service(shop: Appliance) -> None:
    shop.start()
    shop.write_config("pool { hook = 3 assembly = 1 }\nhttp { request_body_bytes = 2048 }\n")
    shop.process.send_signal(signal.SIGHUP)
    wait_until(lambda: sorted(shop.pids("hook")) == [1, 2, 3], 5 * SLACK, "the pool has grown")
    wait_until(lambda: shop.request("POST", "/sbermarket/orders/hook/", b"x" * 3000).status == 413, 5 * SLACK,
               "nginx has the new limit")
    assert all(f"{name} reloads" in shop.log() for name in ("hook-1", "hook-2", "console-1"))
    shop.write_config("pool { hook = 1 assembly = 1 }\n")
    shop.process.send_signal(signal.SIGHUP)
    wait_until(lambda: sorted(shop.pids("hook")) == [1], 5 * SLACK, "the pool has shrunk")
    time.sleep(0.5)
    assert sorted(shop.pids("hook")) == [1]


def test_a_wrong_configuration_is_not_loaded(shop: Appliance) -> None:
    shop.start()
    shop.write_config("http { colour = 1 }\n")
    shop.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "not reloaded" in shop.log(), 5 * SLACK, "the refusal is logged")
    assert shop.request("GET", "/healthz").status == 200


# --- one clear line


def test_a_port_in_use_is_one_line_and_nothing_is_started(shop: Appliance) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        shop.port = other.getsockname()[1]
        code, text = run_to_end(shop)
    assert code == 1
    assert len(text.splitlines()) == 1 and str(shop.port) in text and "--port" in text, text
    assert not (shop.state / "ordergate.db").exists()
    assert not processes_of(shop.state)


@pytest.mark.parametrize(("name", "text", "mode", "part"), [("hook-token", "word\n", 0o644, "chmod 600"), ("erp-token", "", 0o600, "empty")])
def test_a_token_that_no_pool_can_use_is_one_line(shop: Appliance, name: str, text: str, mode: int, part: str) -> None:
    secrets = shop.state / "secrets"
    secrets.mkdir(mode=0o700, parents=True)
    (secrets / name).write_text(text, encoding="utf-8")
    (secrets / name).chmod(mode)
    code, said = run_to_end(shop)
    assert code == 1 and len(said.splitlines()) == 1 and name in said and part in said, said
    assert not processes_of(shop.state)


def test_a_second_supervisor_on_the_same_state_is_refused(shop: Appliance) -> None:
    shop.start()
    before = {service: shop.pids(service) for service in SERVICES}
    code, text = run_to_end(shop)
    assert code == 1
    assert len(text.splitlines()) == 1 and f"pid {shop.process.pid}" in text, text
    assert {service: shop.pids(service) for service in SERVICES} == before


WRONG = {
    "a state directory that cannot be made": (["--state", "/proc/nowhere"], 1, "/proc/nowhere"),
    "a state directory that is a file": (["--state", "/etc/hostname"], 1, "/etc/hostname"),
    "a state directory with too long a path": (["--state", "/tmp/" + "x" * 120], 1, "characters"),
    "a configuration that is not there": (["--config", "/nowhere.conf"], 1, "/nowhere.conf"),
    "no port": (["--port", "0"], 2, "--port"),
    "no option": (["--colour", "red"], 2, "colour"),
    "a word too many": (["start"], 2, "--help"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_start_is_one_line(shop: Appliance, case: str) -> None:
    arguments, wanted, part = WRONG[case]
    shop.extra = arguments
    code, text = run_to_end(shop)
    shutil.rmtree("/tmp/" + "x" * 120, ignore_errors=True)
    assert code == wanted, text
    assert part in text and len(text.splitlines()) <= 2 - (wanted == 1), text


def test_a_wrong_configuration_is_one_line_with_its_place(shop: Appliance) -> None:
    shop.write_config("http {\n  port = 99999\n}\n")
    code, text = run_to_end(shop)
    assert code == 1
    line, = [number for number, words in enumerate(shop.config.read_text(encoding="utf-8").splitlines(), 1) if "99999" in words]
    assert len(text.splitlines()) == 1 and f"ordergate.conf:{line}:" in text and "http.port" in text, text


def test_a_state_directory_of_somebody_else_is_one_line(shop: Appliance) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    shop.state.mkdir(mode=0o755)
    os.chmod(shop.folder, 0o755)
    os.chmod(shop.folder.parent, 0o755)
    done = subprocess.run(shop.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False, user=65534, group=65534)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1 and str(shop.state) in done.stdout, done.stdout


def test_an_ordinary_user_can_run_it(shop: Appliance) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests have shown it")
    for path in (shop.folder.parent, shop.folder, shop.bin):
        os.chmod(path, 0o777)
    shop.launch(user=65534)
    wait_until(lambda: UP_LINE in shop.screen(), 20, "it is up")
    assert try_healthz(shop) == 200
    shop.stop()


# --- commands beside


def test_commands_run_beside_it_and_after_it_is_up_and_end_with_it(shop: Appliance, folder: Path) -> None:
    beside, then = folder / "beside", folder / "then"
    shop.extra = ["--beside", f"echo $$ > {beside}; exec sleep 1000",
                  "--then", f"echo later > {then}; echo the day begins; exec sleep 1000"]
    shop.start()
    wait_until(lambda: then.exists() and "the day begins" in shop.screen(), 5, "the second command runs")
    assert beside.exists()
    os.kill(int(beside.read_text()), signal.SIGTERM)
    time.sleep(1)
    sleeping = [pid for pid, arguments in processes_of(shop.state).items() if "sleep" in arguments[0]]
    assert len(sleeping) == 1, "a command that ended is not started again"
    shop.stop()


# --- the log


def test_the_log_is_kept_in_files_of_bounded_size(shop: Appliance) -> None:
    log = shop.state / "log"
    log.mkdir(parents=True)
    for name in ("ordergate.log", "access.log"):
        (log / name).write_bytes(b"old line of some length\n" * (11 * 1024 * 1024 // 24))
        for number in range(1, 5):
            (log / f"{name}.{number}").write_text(f"{name} {number}\n")
    shop.start()
    for name in ("ordergate.log", "access.log"):
        wait_until(lambda: (log / f"{name}.1").stat().st_size > 1_000_000, 5, f"{name} is rotated")
        assert [(log / f"{name}.{number}").read_text() for number in (2, 3, 4)] == [
            f"{name} {number}\n" for number in (1, 2, 3)]
        assert not (log / f"{name}.5").exists()
    assert shop.request("GET", "/nothing").status == 404
    wait_until(lambda: "/nothing" in (log / "access.log").read_text(), 10, "nginx writes the new file")
    assert shop.log().startswith("ts="), "a file begins with a whole line"


def test_verbose_shows_the_log_on_stderr(shop: Appliance) -> None:
    shop.extra = ["--verbose"]
    shop.start()
    assert "hook-1 begins" in shop.screen()


def test_the_rendered_configuration_can_be_looked_at(shop: Appliance) -> None:
    text = subprocess.run([*shop.command(), "--print-nginx"], capture_output=True, text=True, check=True).stdout
    assert f"listen 127.0.0.1:{shop.port} ssl http2;" in text
    assert (BIN / "ordergate-supervisor").exists()
