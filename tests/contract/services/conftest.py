# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[3]
SECONDS = 120
# A stack may run on this machine: the plan would find its ports taken.
PORTS = json.dumps({"qdrant_port": 27033, "beast_api_port": 27087})


@dataclass(frozen=True)
class Planned:
    """What `ansible-playbook --check --diff` came to."""

    code: int
    output: str
    events: tuple
    root: Path

    @property
    def shipment(self):
        return next(event["plan"] for event in self.events if "plan" in event)["shipment"]

    @property
    def failure(self):
        return next((event["msg"] for event in self.events if event["event"] == "failed"), "")


@pytest.fixture(scope="session")
def plan_at(tmp_path_factory):
    """Return a function that plans the default inventory for a root, as a user would by hand."""

    def run(root, *words, environ=None, locale="C.UTF-8", inventory="inventory/local"):
        aside = tmp_path_factory.mktemp("aside")
        reader, writer = os.pipe()
        argv = [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory]
        with subprocess.Popen(
            [*argv, "playbooks/site.yml", "--check", "--diff", "-e", PORTS, *words],
            cwd=CLONE,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(aside),
                "LC_ALL": locale,
                "BEAST_ROOT": str(root),
                "BEAST_PROGRESS": str(writer),
                "ANSIBLE_CALLBACKS_ENABLED": "beast_progress",
                "PYTHONDONTWRITEBYTECODE": "1",
                **(environ or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=(writer,),
        ) as process:
            os.close(writer)
            with os.fdopen(reader, encoding="utf-8") as lines:
                events = tuple(map(json.loads, lines))
            output = process.communicate(timeout=SECONDS)[0]
        return Planned(process.returncode, output, events, Path(root))

    return run
