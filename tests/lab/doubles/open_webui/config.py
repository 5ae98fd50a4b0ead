# SPDX-License-Identifier: Apache-2.0
"""Settings: from the environment at the first start, from the database afterwards."""

import json
import os
import sqlite3
import sys
from pathlib import Path

BROKEN = "v0.11.2"
_KEPT = {
    "OLLAMA_BASE_URL": "http://localhost:11434",
    "OLLAMA_API_CONFIGS": "{}",
    "DEFAULT_USER_ROLE": "pending",
    "ENABLE_SIGNUP": "true",
    "ENABLE_OPENAI_API": "true",
    "OPENAI_API_BASE_URLS": "https://api.openai.com/v1",
    "OPENAI_API_KEYS": "",
}


def true(name: str, default: str = "false") -> bool:
    """Return whether a variable says yes."""
    return os.environ.get(name, default).strip().lower() == "true"


def database() -> sqlite3.Connection:
    """Return a connection to webui.db."""
    path = Path(os.environ.get("DATA_DIR", "/app/backend/data")) / "webui.db"
    line = sqlite3.connect(path, timeout=10)
    line.execute("create table if not exists config (id integer primary key, data text)")
    line.execute(
        "create table if not exists user "
        "(id text primary key, email text unique, name text, role text, salt blob, hash blob)"
    )
    return line


def refuse() -> None:
    """End where the real one does not start, either."""
    if os.environ.get("WEBUI_BUILD_VERSION") == BROKEN:
        sys.exit("ImportError: cannot import name 'Base' from partially initialized module")
    if true("WEBUI_AUTH", "true") and not secret():
        sys.exit("ValueError: Required environment variable not found. Terminating now.")
    if os.environ.get("VECTOR_DB", "chroma") == "qdrant" and not os.environ.get("QDRANT_URI"):
        sys.exit(
            "Exception: QDRANT_URI is not set. Please configure it in the environment variables."
        )
    fresh = not (Path(os.environ.get("DATA_DIR", "/app/backend/data")) / "webui.db").exists()
    engine = os.environ.get("RAG_EMBEDDING_ENGINE", "")
    if fresh and true("OFFLINE_MODE") and engine != "ollama":
        sys.exit(
            "OSError: we couldn't load the embedding model: outgoing traffic has been disabled"
        )


def secret() -> bytes:
    """Return the key that signs tokens."""
    found = os.environ.get("WEBUI_SECRET_KEY") or os.environ.get("WEBUI_JWT_SECRET_KEY") or ""
    return found.encode()


def settings() -> dict[str, str]:
    """Return the settings in force."""
    given = {name: os.environ.get(name) or default for name, default in _KEPT.items()}
    given["ENABLE_OPENAI_API"] = os.environ.get("ENABLE_OPENAI_API", "true")
    if given["OLLAMA_BASE_URL"] == "/ollama":
        given["OLLAMA_BASE_URL"] = "http://host.docker.internal:11434"
    if not true("ENABLE_PERSISTENT_CONFIG", "true"):
        return given
    with database() as line:
        row = line.execute("select data from config order by id desc limit 1").fetchone()
        if row:
            return {**given, **json.loads(row[0])}
        line.execute("insert into config (data) values (?)", [json.dumps(given)])
    return given


def keep(name: str, value: str) -> None:
    """Change a setting in the database."""
    with database() as line:
        found = {**settings(), name: value}
        line.execute("insert into config (data) values (?)", [json.dumps(found)])
