# SPDX-License-Identifier: Apache-2.0
"""The real Open WebUI as a process, with the environment that our card gives its container."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from beast_ops import http
from tests.e2e.knowledge import secret
from tests.e2e.stack import HERE, Installation, free_port

START_SECONDS = 180
EMAIL, PASSWORD = "admin@localhost", "a-password-of-the-test"


@dataclass(frozen=True)
class Webui:
    """A running Open WebUI, and the token of its administrator."""

    url: str
    token: str

    def client(self) -> http.Client:
        """Return a client of its API that may do everything."""
        return http.client(self.url, headers={"authorization": f"Bearer {self.token}"}, seconds=120)


def environment(stack: Installation, models: str, folder: Path, token: str = "") -> dict[str, str]:
    """Return what the container gets from its card, with the addresses of this machine.

    *token* is what is shown for *models*, as the command of the card shows it.
    """
    card = yaml.safe_load((HERE / "roles/open_webui/vars/main.yml").read_text(encoding="utf-8"))
    plain = card["__open_webui_house"] | card["__open_webui_manners"]
    plain |= card["__open_webui_documents"]
    fixed = {name: value for name, value in plain.items() if "{{" not in value}
    shown = {"OLLAMA_API_CONFIGS": json.dumps({"0": {"key": token}}), "RAG_OLLAMA_API_KEY": token}
    return {
        **fixed,
        **(shown if token else {}),
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATA_DIR": str(folder),
        "OFFLINE_MODE": "True",
        "HF_HUB_OFFLINE": "1",
        "WEBUI_SECRET_KEY": "a-key-of-the-test",
        "WEBUI_ADMIN_EMAIL": EMAIL,
        "WEBUI_ADMIN_NAME": "Administrator",
        "WEBUI_ADMIN_PASSWORD": PASSWORD,
        "WEBUI_SESSION_COOKIE_SECURE": "False",
        "CORS_ALLOW_ORIGIN": "*",
        "RAG_EMBEDDING_MODEL": "nomic-embed-text",
        "OLLAMA_BASE_URL": models,
        "RAG_OLLAMA_BASE_URL": models,
        "QDRANT_URI": f"http://127.0.0.1:{stack.settings['qdrant_port']}",
        "QDRANT_API_KEY": secret(stack, "qdrant/api_key"),
        "ENABLE_OPENAI_API": "True",
        "OPENAI_API_BASE_URLS": f"{stack.api}/v1",
        "OPENAI_API_KEYS": secret(stack, "beast-api/token"),
    }


@contextmanager
def running(stack: Installation, models: str, folder: Path, token: str = "") -> Iterator[Webui]:
    """Run it until it answers, and log in."""
    port, log = free_port(), folder / "log"
    program = os.environ["BEAST_OPEN_WEBUI"]
    argv = [program, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("w") as told:
        process = subprocess.Popen(
            argv,
            env=environment(stack, models, folder, token),
            cwd=folder,
            stdout=told,
            stderr=told,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        yield Webui(url, _token(url, process, log))
    finally:
        process.terminate()
        process.wait(30)


def _token(url: str, process: subprocess.Popen, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    with http.client(url, seconds=10) as client:
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()[-3000:]
            try:
                if client.get("/health").is_success:
                    break
            except http.RequestError:
                time.sleep(0.5)
        answer = client.post(
            "/api/v1/auths/signin", json={"email": EMAIL, "password": PASSWORD}, timeout=60
        )
    assert answer.is_success, f"{answer.text}\n{log.read_text()[-3000:]}"
    return answer.json()["token"]
