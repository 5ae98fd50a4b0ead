# SPDX-License-Identifier: Apache-2.0
"""The command `traefik`: serve, `healthcheck`, `version`."""

import asyncio
import http.client
import signal
import sys
from pathlib import Path

from . import VERSION
from .config import Static, find_static, read_static
from .door import Door
from .schema import ConfigError

PING_SECONDS = 5


def main(words: list[str]) -> int:
    """Do what *words* say and return the exit code."""
    verb = words[0] if words and not words[0].startswith("-") else ""
    if verb == "version":
        print(f"Version:      {VERSION}\nCodename:     double")
        return 0
    given = next(
        (w.partition("=")[2] for w in words if w.lower().startswith("--configfile=")), None
    )
    try:
        path = find_static(given)
        static = read_static(path)
    except ConfigError as wrong:
        print(f"ERR Command error: error: {wrong}", file=sys.stderr, flush=True)
        return 1
    if verb == "healthcheck":
        return healthcheck(static)
    if verb:
        print(f"ERR Command error: command not found: {verb}", file=sys.stderr)
        return 1
    return asyncio.run(serve(static, path))


def healthcheck(static: Static) -> int:
    """Ask the running Traefik how it is, as the static file says where."""
    ping = static.section("ping")
    if ping is None:
        print("Error calling healthcheck: please enable `ping` to use health check")
        return 1
    entry = static.entries.get(ping.get("entryPoint", "traefik"))
    if entry is None:
        print("Error calling healthcheck: ping: missing entry point")
        return 1
    asked = http.client.HTTPConnection(entry.host or "localhost", entry.port, timeout=PING_SECONDS)
    try:
        asked.request("HEAD", "/ping")
        status = asked.getresponse().status
    except OSError as wrong:
        print(f"Error calling healthcheck: {wrong}")
        return 1
    if status != 200:
        print(f"Bad healthcheck status: {status}")
        return 1
    print(f"OK: http://{entry.address}/ping")
    return 0


async def serve(static: Static, path: Path) -> int:
    """Serve until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"INF Traefik version {VERSION} (double), configuration {path}", flush=True)
    try:
        await Door(static).run(stop)
    except OSError as wrong:
        print(f"ERR Command error: {wrong}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
