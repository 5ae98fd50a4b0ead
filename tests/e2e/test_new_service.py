# SPDX-License-Identifier: Apache-2.0
"""A new service costs one command and one line: it deploys, is watched, and goes again."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
SERVICES = "inventory/local/group_vars/all.yml"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Copy:
    """A copy of the clone with an installation of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "the clone"
        left_out = shutil.ignore_patterns(".git", ".venv", "out", "__pycache__", ".*_cache")
        shutil.copytree(CLONE, self.path, ignore=left_out)
        self.environ = {
            **os.environ,
            "BEAST_ROOT": str(folder / "root"),
            "PYTHONPATH": str(self.path),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def beast(self, *words, code=0):
        """Say *words* to the door of the copy and return what it printed."""
        done = self.python("-P", "-m", "beast_ops.cli", *words)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout

    def python(self, *words):
        return subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, timeout=300, check=False,
            cwd=self.path, env=self.environ, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def checks(self):
        report = json.loads(self.python("-P", "-m", "beast_ops.cli", "health", "--json").stdout)
        return {check["name"]: check["status"] for check in report["checks"]}

    def change_services(self, change) -> None:
        path = self.path / SERVICES
        path.write_text(change(path.read_text()))


@pytest.fixture
def copy(tmp_path):
    found = Copy(tmp_path)
    yield found
    found.python("-P", "-m", "beast_ops.cli", "down")


def answer(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as page:
        return page.status


@pytest.mark.needs("index")
def test_one_command_and_one_line_make_a_service_that_lives_and_goes(copy):
    port, vectors, api = free_port(), free_port(), free_port()

    told = copy.beast("new-service", "demo", "--port", str(port))
    line = next(line for line in told.splitlines() if line.startswith("  - "))
    copy.change_services(lambda text: text.replace("  - beast_api\n", f"  - beast_api\n{line}\n"))
    house = copy.python("-m", "pytest", "tests/house", "-q", "-p", "no:cacheprovider")
    assert house.returncode == 0, house.stdout

    copy.beast("deploy", "--set", f"qdrant_port={vectors}", "--set", f"beast_api_port={api}")

    assert answer(port) == 200
    assert copy.checks()["demo"] == "healthy"
    assert "demo " in copy.beast("status")

    copy.beast("stop", "demo")
    assert copy.checks()["demo"] == "unhealthy"
    copy.beast("start", "demo")

    copy.change_services(lambda text: text.replace(f"{line}\n", ""))
    copy.beast("deploy")

    with pytest.raises(urllib.error.URLError):
        answer(port)
    assert "demo" not in copy.checks()
    assert "demo" not in copy.beast("status")
