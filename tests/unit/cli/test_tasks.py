# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[3]
HEAVY = (
    "alembic", "ansible", "asyncio", "cryptography", "docker", "fastapi", "httpx", "jinja2",
    "orjson", "pydantic", "qdrant_client", "qdrant_edge", "rich", "sqlalchemy", "sqlite3",
    "stamina", "uvicorn", "yaml",
)  # fmt: skip
# What DESIGN §6 has of the first slice.
VERBS = {
    "bench", "deploy", "down", "health", "ingest", "lint", "logs", "new-service", "open", "plan",
    "remove", "render", "restart", "search", "start", "status", "stop", "test", "version",
}  # fmt: skip


@pytest.mark.parametrize("module", ["tasks", "beast_ops.cli"])
def test_naming_the_verbs_imports_nothing_heavy(module):
    code = (
        "import sys, invoke.program; before = set(sys.modules)\n"  # Invoke itself needs yaml
        f"import {module}; print(*set({HEAVY!r}) & (set(sys.modules) - before))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        cwd=CLONE, env={**os.environ, "PYTHONPATH": str(CLONE)},
    )  # fmt: skip

    assert done.stdout.split() == []


def invoke(*words):
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        capture_output=True, text=True, timeout=60, check=False, cwd=CLONE,
        env={**os.environ, "BEAST_ROOT": "/nowhere"},
    )  # fmt: skip


def test_invoke_lists_the_same_verbs():
    names = {line.split()[0] for line in invoke("--list").stdout.splitlines() if line[:2] == "  "}

    assert names >= VERBS


def test_invoke_runs_them_and_ends_as_invoke_does():
    assert invoke("version").stdout.startswith("AI Beast")

    refused = invoke("status")

    assert refused.returncode == 64
    assert refused.stderr.startswith("no installation here (/nowhere)")
    assert invoke("search").returncode == 1
