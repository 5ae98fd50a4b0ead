# SPDX-License-Identifier: Apache-2.0
"""Requests per second of the API's routes: `python tests/bench/api_live.py [ROUNDS]`.

Peer: bare Starlette with routes that give the same answers, of the same bytes (the figures
written anew each time), on the same server flags. Both run as processes of their own and are
asked in turn, by `wrk` if it is installed, else by a client of ours over raw sockets (16
connections either way; ours is slower than what it measures, so its ratios lean towards 1 and
only `wrk` decides). Targets, of the peer (median of rounds): /health/live and /metrics 0.9, a
typed route 0.4, a cached one 0.7.
"""

import asyncio
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

from beast_ops import http
from beast_ops.cards import Health
from beast_ops.testing import a_service, an_installation, free_port

ROUNDS = 7
SECONDS = 2
CONNECTIONS = 16
ROUTES = {  # path, with which token, least share of the peer
    "live": ("/health/live", "", 0.9),
    "metrics": ("/metrics", "b", 0.9),
    "typed": ("/session", "a", 0.4),
    "cached": ("/jobs", "a", 0.7),
}
WRK = os.environ.get("WRK") or shutil.which("wrk")
PATH = "/health/live"

PEER = """
import json
import sys
import uvicorn
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def route(path, body, kind):
    if path == "/metrics":  # written anew for each who asks, as a scrape has to be
        registry, gauges = CollectorRegistry(), {}
        for family in text_string_to_metric_families(body.decode()):
            for sample in family.samples:
                name, labels = sample.name, sample.labels
                if name not in gauges:
                    gauges[name] = Gauge(name, family.documentation, [*labels], registry=registry)
                (gauges[name].labels(**labels) if labels else gauges[name]).set(sample.value)

        async def answer(_: Request) -> Response:
            return Response(generate_latest(registry), media_type=kind)
    else:
        async def answer(_: Request) -> Response:
            return Response(body, media_type=kind)

    return Route(path, answer)

answers = json.loads(sys.stdin.read())
app = Starlette(routes=[route(path, body.encode(), kind) for path, (body, kind) in answers.items()])
uvicorn.run(
    app, port=int(sys.argv[1]), loop="uvloop", http="httptools", ws="none", lifespan="on",
    access_log=False, server_header=False, proxy_headers=False, backlog=2048, log_config=None,
)
"""


@contextmanager
def process(argv: list[str], port: int, environ: dict[str, str], told: str = "") -> Iterator[str]:
    """Run a server, which reads what it is *told*, and give its address."""
    running = subprocess.Popen(
        [sys.executable, *argv],
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert running.stdin is not None
        running.stdin.write(told)
        running.stdin.close()
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        with http.client(address) as client:
            while not answers(client):
                if time.monotonic() > deadline or running.poll() is not None:
                    raise RuntimeError(f"{argv} does not serve")
                time.sleep(0.05)
        yield address
    finally:
        running.kill()
        running.wait()


def answers(client: http.Client) -> bool:
    try:
        return client.get(PATH).is_success
    except http.RequestError:
        return False


def ours(
    root: Path, vectors: str | None = None, key: str = "k"
) -> tuple[list[str], int, dict[str, str]]:
    """Return how the API is started; without *vectors* its store is away, and it lives on."""
    port = free_port()
    place = an_installation(
        root,
        a_service("beast-api", f"http://127.0.0.1:{port}", health=Health(path=PATH)),
        secrets={"beast-api/token": "a", "beast-api/metrics_token": "b", "beast-api/key": key},
    )
    place.config.mkdir()
    (place.config / "settings.json").write_text(json.dumps({"port": port}))
    environ = {
        "BEAST_ROOT": str(root),
        "BEAST_SERVICES": str(place.services),
        "BEAST_DATA": str(place.data / "1"),
        "BEAST_CONFIG": str(place.config),
        "BEAST_SECRETS": str(place.secrets / "beast-api"),
        "BEAST_VECTORS_URL": vectors or f"http://127.0.0.1:{free_port()}",
        "BEAST_VECTORS_KEY_FILE": str(place.secrets / "beast-api" / "key"),
    }
    return ["-m", "beast_ops.api"], port, environ


def rate(address: str, path: str = PATH, token: str = "") -> float:
    """Return the requests per second that *address* answers."""
    if WRK is None:
        return asyncio.run(by_sockets(address, path, token))
    header = ["-H", f"Authorization: Bearer {token}"] if token else []
    argv = [WRK, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", *header, f"{address}{path}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    return float(found[1]) if found else 0.0


async def by_sockets(address: str, path: str, token: str) -> float:
    host, port = address.removeprefix("http://").split(":")
    shown = f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{shown}\r\n".encode()
    until = time.perf_counter() + SECONDS

    async def ask() -> int:
        reader, writer = await asyncio.open_connection(host, int(port))
        count = 0
        while time.perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            length = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            count += 1
        writer.close()
        return count

    begun = time.perf_counter()
    counts = await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - begun)


def answered(address: str) -> dict[str, tuple[str, str]]:
    """Return what each route answers, and as what."""
    found = {}
    for path, token, _ in (*ROUTES.values(), *ROUTES.values()):  # twice: figures come with asking
        with http.client(address) as client:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            answer = client.get(path, headers=headers)
            found[path] = (answer.text, answer.headers["content-type"])
    return found


def main(rounds: int = ROUNDS) -> dict[str, object]:
    """Return the figures."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        api = stack.enter_context(process(*ours(root)))
        time.sleep(3)  # until the figures were filled for the first time
        told = json.dumps(answered(api))
        port = free_port()
        peer = stack.enter_context(process(["-c", PEER, str(port)], port, {}, told))
        pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in ROUTES}
        for _ in range(rounds + 1):
            for name, (path, token, _) in ROUTES.items():
                pairs[name].append((rate(api, path, token), rate(peer, path, token)))
    summary = {}
    for name, (_, _, least) in ROUTES.items():
        both = pairs[name][1:]  # the first round warms
        ratio = statistics.median(one / other for one, other in both)
        summary[name] = {
            "per_second": round(statistics.median(one for one, _ in both)),
            "starlette_per_second": round(statistics.median(other for _, other in both)),
            "ratio": round(ratio, 3),
            "target": least,
            "met": ratio >= least,
        }
    return {
        "summary": summary,
        "rounds": pairs,
        "client": "wrk" if WRK else "raw sockets",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("starlette", "uvicorn", "uvloop", "httptools")},
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS), indent=2))
