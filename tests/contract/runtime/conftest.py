# SPDX-License-Identifier: Apache-2.0
"""Installations in temporary folders, with a real supervisord and small real programs."""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jinja2
import pytest

from beast_ops.cards import Health, Service, Services
from beast_ops.place import Place
from beast_ops.runtime import control, leftovers
from beast_ops.runtime.values import values

TEMPLATE = Path(__file__).parents[3] / "templates/embedded/supervisord.conf.j2"
QUICKER = {"startsecs = 2": "startsecs = 1", "stopwaitsecs = 20": "stopwaitsecs = 4"}
PROGRAM = """
import json, os, pathlib, signal, sys, time
from beast_ops.runtime.child import settle

name, behaviour = sys.argv[1:3]
settle(name)
print(f"{name} is up", flush=True)
if behaviour == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if behaviour == "crash":
    sys.exit("no luck today")
if behaviour == "tell":
    told = {"environ": dict(os.environ), "argv": sys.argv, "cwd": os.getcwd()}
    pathlib.Path(sys.argv[3]).write_text(json.dumps(told))
if behaviour == "chatter":
    for number in range(int(sys.argv[3])):
        print(f"line {number:07d} " + "x" * 1000)
while True:
    time.sleep(1)
"""


class House:
    """One installation whose releases a test writes as it likes."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root)
        self.number = 0
        self.program = root.parent / "program.py"
        self.program.write_text(PROGRAM)
        for folder in (self.place.releases, self.place.run, self.place.logs, self.place.venv):
            folder.mkdir(parents=True)
        self.add_venv("one")

    def add_venv(self, name: str) -> None:
        (self.place.venv / name).symlink_to(sys.prefix)

    def service(self, name: str, behaviour: str = "stay", *more: str, **fields: object) -> Service:
        process = ("python", str(self.program), name, behaviour, *more)
        given = {"name": name, "role": name.replace("-", "_"), "process": process, "change": "1"}
        empty = {"environment": {}, "volumes": (), "state": (), "secrets": {}, "metrics": None}
        plain = {"address": None, "external": False, "optional": False, "health": Health()}
        return Service.model_validate({**empty, **plain, **given, **fields})

    def release(self, *services: Service, venv: str = "one") -> None:
        """Put a release of *services* in force, the way a deployment does."""
        self.number += 1
        folder = self.place.releases / str(self.number)
        folder.mkdir()
        root, data = str(self.place.root), str(self.place.data / "1")
        whole = Services(
            project="test", runtime="embedded", root=root, data=data, services=services
        )
        (folder / "services.json").write_text(whole.model_dump_json())
        (folder / "release.json").write_text(json.dumps({"venv": venv}))
        python = self.place.venv / venv / "bin/python"
        text = jinja2.Template(TEMPLATE.read_text(), undefined=jinja2.StrictUndefined).render(
            values(self.place, whole, python)
        )
        for slow, quick in QUICKER.items():
            assert slow in text
            text = text.replace(slow, quick)
        (folder / "supervisord.conf").write_text(text, encoding="utf-8")
        link = self.place.root / "next"
        link.symlink_to(folder)
        link.rename(self.place.current)

    def pids(self) -> dict[str, int | None]:
        return {state.name: state.pid for state in control.status(self.place)}

    def states(self) -> dict[str, str]:
        return {state.name: state.state for state in control.status(self.place)}


def eventually(question: Callable[[], object], seconds: float = 20) -> bool:
    """Return whether *question* is answered with yes within *seconds*."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def until() -> Callable[..., bool]:
    return eventually


@pytest.fixture
def build() -> Iterator[Callable[..., House]]:
    """Return a builder of installations in a short folder; all are taken down after the test."""
    base = Path(tempfile.mkdtemp(prefix="beast-"))
    built: list[House] = []

    def one(name: str = "root") -> House:
        built.append(House(base / name))
        return built[-1]

    yield one
    for house in built:
        control.down(house.place)
        assert set() == leftovers.find(house.place)
    shutil.rmtree(base)


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()
