# SPDX-License-Identifier: Apache-2.0
"""The smallest service: a page that says it is there.

Run as `python -m beast_ops.scaffold.hello NAME PORT`; stands in for a new service until its
own command takes its place.
"""

import os
import signal
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

from beast_ops.runtime.child import settle


class Page(BaseHTTPRequestHandler):
    """Answers `/` and `/healthz`, and nothing else."""

    def do_GET(self) -> None:
        """Answer a request."""
        known = self.path in ("/", "/healthz")
        body = b"ok\n" if known else b"there is only / and /healthz\n"
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Leave health checks out of the log."""


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM; *argv* are the name of the service and its port.

    It listens on loopback, or where the runtime says.
    """
    name, port = argv
    host = os.environ.get("BEAST_LISTEN") or "127.0.0.1"
    settle(name)
    signal.signal(signal.SIGTERM, _leave)
    with ThreadingHTTPServer((host, int(port)), Page) as server:
        server.serve_forever()
    return 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
