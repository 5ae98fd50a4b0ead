# SPDX-License-Identifier: Apache-2.0
"""The command line: serve, and the clients that talk to OLLAMA_HOST."""

import http.client
import json
import os
import sys
from typing import Any

from . import models, openai, server  # noqa: F401 - openai adds its routes

_PORT = 11434


def address() -> tuple[str, int]:
    """Return what OLLAMA_HOST says, as server and as client."""
    text = os.environ.get("OLLAMA_HOST", "127.0.0.1").removeprefix("http://").rstrip("/")
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return host or "0.0.0.0", int(port or _PORT)


def ask(method: str, path: str, body: Any = None) -> Any:
    """Return the answer of the server, or end as the client does without one."""
    host, port = address()
    try:
        line = http.client.HTTPConnection(
            "127.0.0.1" if host == "0.0.0.0" else host, port, timeout=30
        )
        line.request(method, path, json.dumps(body) if body is not None else None)
        answer = line.getresponse()
        data = answer.read()
    except OSError:
        sys.exit("Error: could not connect to ollama server, run 'ollama serve' to start it")
    documents = [json.loads(each) for each in data.splitlines() if each.strip()]
    for document in documents:
        if "error" in document:
            sys.exit(f"Error: {document['error']}")
    return documents[-1] if documents else {}


def main() -> None:
    """Do what the words say."""
    verb, *rest = sys.argv[1:] or ["help"]
    if verb == "serve":
        host, port = address()
        if not os.environ.get("OLLAMA_NOPRUNE"):
            models.prune()
        print(f'level=INFO msg="Listening on {host}:{port} (version {server.VERSION})"', flush=True)
        from common.service import serve

        serve(server.app, host, port)
    elif verb in {"list", "ls"}:
        print(f"{'NAME':<32}{'ID':<16}SIZE")
        for each in ask("GET", "/api/tags")["models"]:
            print(f"{each['name']:<32}{each['digest'][:12]:<16}{each['size']} B")
    elif verb == "ps":
        print(f"{'NAME':<32}{'ID':<16}PROCESSOR")
        for each in ask("GET", "/api/ps")["models"]:
            print(f"{each['name']:<32}{each['digest'][:12]:<16}100% CPU")
    elif verb == "pull" and rest:
        ask("POST", "/api/pull", {"model": rest[0]})
        print("success")
    elif verb == "rm" and rest:
        ask("DELETE", "/api/delete", {"model": rest[0]})
    elif verb in {"--version", "-v"}:
        print(f"ollama version is {server.VERSION}")
    else:
        sys.exit(f'Error: unknown command "{verb}" for "ollama"')


if __name__ == "__main__":
    main()
