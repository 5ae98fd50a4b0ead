# SPDX-License-Identifier: Apache-2.0
"""What a container of ours asks itself, over and over: cheap, and with nothing but Python.

Run by its path, so that nothing else is imported:

    python -IS probe.py http PORT PATH
    python -IS probe.py worker DATABASE

It ends with 0 if the process is well, and else with 1 and a line that says why.
"""

import socket
import sqlite3
import sys
import time

SECONDS = 5.0
FRESH_SECONDS = 30.0  # workers report every 5 s


def http(port: str, path: str) -> str:
    """Ask *path* of this container's *port*; return what is wrong, or nothing."""
    request = f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", int(port)), SECONDS) as opened:
            opened.sendall(request.encode())
            line = opened.makefile("rb").readline(200)
    except OSError as failed:
        return f"{path} does not answer: {failed.strerror or failed}"
    words = line.split()
    return "" if words[1:2] == [b"200"] else f"{path} answered {line.decode('latin-1').strip()!r}"


def worker(database: str) -> str:
    """Look when a worker last gave a sign of life in *database*; return what is wrong."""
    try:
        opened = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=SECONDS)
        try:
            seen = opened.execute("SELECT max(seen) FROM workers").fetchone()[0]
        finally:
            opened.close()
    except sqlite3.Error as failed:
        return f"the job table cannot be read: {failed}"
    if seen is None:
        return "no worker reports itself"
    silent = time.time() - float(seen)
    return "" if silent <= FRESH_SECONDS else f"silent for {silent:.0f} s"


def main(words: list[str]) -> int:
    """Look as *words* say; return 0 if all is well."""
    way, *rest = words
    wrong = http(*rest) if way == "http" else worker(*rest)
    if wrong:
        print(wrong)  # noqa: T201 - `docker inspect` shows it
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
