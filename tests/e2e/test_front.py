"""Two machines: an edge (nginx and nothing else of ours) in front of one that does the rest. Network namespaces stand for
the machines, with a cable between them; the callers are on the edge's."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from appliance import BIN, SLACK, Answer, Appliance, wait_until
from certificates import Authority
from netns import inside, ip, nginx, why_not

pytestmark = pytest.mark.skipif(why_not() != "", reason=why_not())


class Cable:
    """A namespace each for `edge` (10.77.0.1) and `shop` (10.77.0.2)."""

    def __init__(self) -> None:
        mark = uuid.uuid4().hex[:8]
        self.edge, self.shop = f"og-edge-{mark}", f"og-shop-{mark}"
        for name in (self.edge, self.shop):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", self.edge, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.shop)
        for name, address in ((self.edge, "10.77.0.1/24"), (self.shop, "10.77.0.2/24")):
            ip("-n", name, "address", "add", address, "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")

    def inside(self, name: str) -> AbstractContextManager[None]:
        """This thread, and what it starts, is on that machine."""
        return inside(name)

    def plug(self, state: str) -> None:
        ip("-n", self.shop, "link", "set", "cable", state)

    def remove(self) -> None:
        for name in (self.edge, self.shop):
            ip("netns", "delete", name)


class Edge:
    """nginx by itself, as ordergate-edge.service runs it."""

    def __init__(self, folder: Path, cable: Cable, config: str) -> None:
        self.cable, self.shop = cable, Appliance(folder)
        self.shop.write_config(f"http {{ port = {self.shop.port} }}\n{config}")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        state = self.shop.state
        ctl = [str(BIN / "ordergatectl"), "--state", str(state), "--config", str(self.shop.config)]
        for command in ("init", "render-nginx"):
            with self.cable.inside(self.cable.edge):
                done = subprocess.run([*ctl, command], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr
        run = state / "run" / "nginx"
        with self.cable.inside(self.cable.edge), open(self.shop.folder / "edge.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([nginx() or "", "-e", "stderr", "-p", str(run), "-c", str(run / "nginx.conf")], stderr=log)
        wait_until(self.answers, 10 * SLACK, "the edge answers")

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/nowhere").status == 404
        except OSError:
            return False

    def ask(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        with self.cable.inside(self.cable.edge):
            return self.shop.request(method, path, body, headers)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)


@pytest.fixture
def cable() -> Iterator[Cable]:
    one = Cable()
    try:
        yield one
    finally:
        one.remove()


@pytest.fixture
def behind(cable: Cable, make_appliance: Callable[..., Appliance]) -> Appliance:
    one = make_appliance('http { listen = "10.77.0.2" server_name = "orders.example.test" proxy_networks = "10.77.0.1" '
                         'hook_networks = "127.0.0.0/8" }\npool { hook = 2 assembly = 1 erp = 0 notifier = 0 }\n')
    with cable.inside(cable.shop):
        return one.start()


@pytest.fixture
def make_edge(cable: Cable, folder: Path, behind: Appliance) -> Iterator[Callable[..., Edge]]:
    made: list[Edge] = []

    def make(ca: Path | None = None) -> Edge:
        own = folder / f"edge{len(made)}"
        own.mkdir()
        ca = ca or behind.state / "tls" / "certificate.pem"
        made.append(Edge(own, cable, 'pool { hook = 0 assembly = 0 erp = 0 processor = 0 notifier = 0 }\nhttp { '
                                     f'server_name = "orders.example.test" upstream = "10.77.0.2:{behind.port}" upstream_ca = "{ca}" }}\n'))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def send(edge: Edge, behind: Appliance, name: str) -> Answer:
    body = {"event_type": "order.created", "timestamp": "2026-03-14T09:12:41+03:00", "payload": {
        "originalOrderId": name, "storeID": "1207", "positions": [
            {"id": "1", "originalQuantity": 1, "quantity": 1, "price": "89.90", "discountPrice": "89.90", "weight": "",
             "totalPrice": "89.90", "totalDiscountPrice": "89.90"}]}}
    return edge.ask("POST", "/sbermarket/orders/hook/", json.dumps(body),
                    {"Client-Token": behind.secret("hook-token"), "Content-Type": "application/json"})


def test_an_edge_passes_everything_to_the_machine_behind_it(make_edge: Callable[..., Edge], behind: Appliance) -> None:
    edge = make_edge()
    assert edge.ask("GET", "/healthz").status == 200
    answer = send(edge, behind, "F-1")  # and the networks of the hook are about the caller, not about the edge
    assert answer.status == 200, answer
    assert send(edge, behind, "F-1").json()["number"] == answer.json()["number"]
    listed = edge.ask("POST", "/sbermarket/orders/api/getOrders", '{"requestData":{"storeId":"1207"}}',
                      {"Client-Token": behind.secret("assembly-token")})
    assert listed.status == 200 and listed.json()["result"]["orders"][0]["externalId"] == "F-1", listed
    assert edge.ask("GET", "/metrics").status == 200


def test_a_cut_cable_is_a_503_and_over_when_it_is_back(cable: Cable, make_edge: Callable[..., Edge], behind: Appliance) -> None:
    edge = make_edge()
    assert send(edge, behind, "F-1").status == 200
    cable.plug("down")
    answer = send(edge, behind, "F-2")
    assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0, answer
    cable.plug("up")
    wait_until(lambda: send(edge, behind, "F-2").status == 200, 10 * SLACK, "the edge finds it again")
    numbers = {name: send(edge, behind, name).json()["number"] for name in ("F-1", "F-2")}
    assert len(set(numbers.values())) == 2, numbers


def test_an_edge_talks_to_nobody_but_the_machine_it_knows(make_edge: Callable[..., Edge], behind: Appliance, folder: Path) -> None:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=another", "-addext", "subjectAltName=DNS:orders.example.test", "-keyout", folder / "key.pem",
                    "-out", folder / "another.pem"], check=True, capture_output=True)
    edge = make_edge(folder / "another.pem")
    assert send(edge, behind, "F-1").status == 503
    with behind.store() as store:
        assert store.execute("SELECT count(*) FROM inbox").fetchone() == (0,)


def make_private(cable: Cable, make_appliance: Callable[..., Appliance], authority: Authority) -> Appliance:
    """A machine behind that wants to see an edge's certificate."""
    certificate, key = authority.issue("worker", "serverAuth")
    one = make_appliance('http { listen = "10.77.0.2" server_name = "orders.example.test" proxy_networks = "10.77.0.1" '
                         f'edge_ca = "{authority.ca}" tls_certificate = "{certificate}" tls_key = "{key}" }}\n'
                         'pool { hook = 1 assembly = 1 erp = 0 notifier = 0 }\n')
    with cable.inside(cable.shop):
        return one.start()


def curl(cable: Cable, behind: Appliance, path: str, *options: str | Path) -> str:
    """The status that a caller on the edge's machine gets from the one behind."""
    with cable.inside(cable.edge):
        done = subprocess.run(["curl", "-sk", "--path-as-is", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", *options,
                               f"https://10.77.0.2:{behind.port}{path}"], capture_output=True, text=True, timeout=60)
    return done.stdout


def test_a_machine_behind_answers_an_edge_of_ours_only(cable: Cable, make_appliance: Callable[..., Appliance],
                                                       folder: Path) -> None:
    ours, theirs = (Authority(folder / name, "orders.example.test") for name in ("ours", "theirs"))
    behind = make_private(cable, make_appliance, ours)
    edges = []
    for number, shown in enumerate((ours.issue("edge", "clientAuth"), None)):
        (folder / f"edge{number}").mkdir()
        certificate = f'upstream_certificate = "{shown[0]}" upstream_key = "{shown[1]}"' if shown else ""
        edges.append(Edge(folder / f"edge{number}", cable, 'pool { hook = 0 assembly = 0 erp = 0 processor = 0 notifier = 0 }\n'
                          f'http {{ server_name = "orders.example.test" upstream = "10.77.0.2:{behind.port}" '
                          f'upstream_ca = "{ours.ca}" {certificate} }}\n'))
    try:
        for edge in edges:
            edge.start()
        assert send(edges[0], behind, "F-1").status == 200
        assert edges[0].ask("GET", "/nowhere").status == 404
        refused = send(edges[1], behind, "F-2")
        assert refused.status == 403 and refused.json()["error"]["code"] == "forbidden"
    finally:
        for edge in edges:
            edge.stop()

    def shows(certificate: tuple[Path, Path]) -> list[str | Path]:
        return ["--cert", certificate[0], "--key", certificate[1]]

    hook = "/sbermarket/orders/hook/"
    assert curl(cable, behind, hook, *shows(ours.issue("edge2", "clientAuth"))) in ("401", "405")
    for path in (hook, "/assembly/", "/console/", "/erp/v1/orders", "/nowhere", "/.last", "/.probe", "/healthz/../assembly/",
                 "/healthz/..%2fassembly/", "/assembly/%20/healthz", "/assembly/%0a/healthz", "/console/healthz", "/erp/v1/metrics"):
        assert curl(cable, behind, path) == "403", path
    assert curl(cable, behind, "/.error/503") == "404"
    assert curl(cable, behind, "/healthz") == "200"
    assert curl(cable, behind, "/metrics") == "403", "its networks are its own"
    assert curl(cable, behind, hook, *shows(theirs.issue("edge", "clientAuth"))) == "400"
    assert curl(cable, behind, hook, *shows(ours.issue("worker2", "serverAuth"))) == "400", "a worker is no edge"
    with behind.store() as store:
        assert store.execute("SELECT external_id FROM inbox").fetchall() == [("F-1",)]
