# SPDX-License-Identifier: Apache-2.0
"""Requests per second of /health/live: `python tests/bench/api_live.py [ROUNDS]`.

Peer: bare Starlette with one route and the same answer, on the same server flags. Both run as
processes of their own and are asked in turn, by `wrk` if it is installed, else by a client of
ours over raw sockets (16 connections either way; ours is slower than what it measures, so its
ratios lean towards 1 and only `wrk` decides). Target: at least 0.8 of the peer (median of
rounds).
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
TARGET = 0.8
WRK = os.environ.get("WRK") or shutil.which("wrk")
PATH = "/health/live"

PEER = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

async def live(_: Request) -> Response:
    return Response(b'{"status":"alive"}', media_type="application/json")

app = Starlette(routes=[Route("/health/live", live)])
uvicorn.run(
    app, port=int(sys.argv[1]), loop="uvloop", http="httptools", ws="none", lifespan="on",
    access_log=False, server_header=False, proxy_headers=False, backlog=2048, log_config=None,
)
"""


@contextmanager
def process(argv: list[str], port: int, environ: dict[str, str]) -> Iterator[str]:
    """Run a server and give its address."""
    running = subprocess.Popen(
        [sys.executable, *argv],
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
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


def rate(address: str) -> float:
    """Return the requests per second that *address* answers."""
    if WRK is None:
        return asyncio.run(by_sockets(address))
    argv = [WRK, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", f"{address}{PATH}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    return float(found[1]) if found else 0.0


async def by_sockets(address: str) -> float:
    host, port = address.removeprefix("http://").split(":")
    request = f"GET {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    until = time.perf_counter() + SECONDS

    async def ask() -> int:
        reader, writer = await asyncio.open_connection(host, int(port))
        count = 0
        while time.perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            count += 1
        writer.close()
        return count

    begun = time.perf_counter()
    counts = await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - begun)


def main(rounds: int = ROUNDS) -> dict[str, object]:
    """Return the figures."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        api = stack.enter_context(process(*ours(root)))
        port = free_port()
        peer = stack.enter_context(process(["-c", PEER, str(port)], port, {}))
        for address in (api, peer):
            rate(address)  # warm
        pairs = [(rate(api), rate(peer)) for _ in range(rounds)]
    ratio = statistics.median(one / other for one, other in pairs)
    return {
        "summary": {
            "live_per_second": round(statistics.median(one for one, _ in pairs)),
            "starlette_per_second": round(statistics.median(other for _, other in pairs)),
            "ratio": round(ratio, 3),
            "met": ratio >= TARGET,
        },
        "rounds": pairs,
        "client": "wrk" if WRK else "raw sockets",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("starlette", "uvicorn", "uvloop", "httptools")},
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS), indent=2))
