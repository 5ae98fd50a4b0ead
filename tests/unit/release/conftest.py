# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import os
import signal
import sys
import warnings

import pytest

from beast_ops.clock import SYSTEM, Clock
from beast_ops.health.model import Check, Report, Status
from beast_ops.place import Place
from beast_ops.release.hands import Hands
from beast_ops.release.land import Shipment
from beast_ops.testing import a_service

VENV = "0123456789ab"


@pytest.fixture
def place(tmp_path):
    """An empty root with the stack's environment, as it is when a release arrives."""
    found = Place(tmp_path / "root")
    make_venv(found, VENV)
    return found


def make_venv(place, name):
    (place.venv / name).mkdir(parents=True)
    (place.venv / name / "complete").touch()


@pytest.fixture
def environment():
    """Return a function that makes another environment of the stack."""
    return make_venv


@pytest.fixture
def ship(place):
    """Return a function that makes a shipment: one service whose settings say *text*."""

    def make(text="one", **said):
        config = f"qdrant/{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        service = a_service(
            "qdrant",
            process=("python",),
            environment={"BEAST_CONFIG": str(place.config / config)},
            volumes=("vectors",),
        )
        services = {
            "version": 1,
            "project": "beast",
            "runtime": "embedded",
            "root": str(place.root),
            "data": str(place.data / said.get("generation", "1")),
            "services": [service.model_dump(mode="json")],
        }
        plain = {
            "content": hashlib.sha256(f"all of {text}".encode()).hexdigest()[:12],
            "venv": VENV,
            "generation": "1",
            "boot": False,
            "files": {"services.json": json.dumps(services), "supervisord.conf": f"; {text}\n"},
            "config": {f"{config}/settings.json": json.dumps(text)},
            "volumes": {"vectors": ""},
            "handovers": (("qdrant", "api_key", "qdrant", "api_key"),),
            "versions": {},
        }
        return Shipment(**{**plain, **said})

    return make


class FakeHands:
    """A runtime that runs what it is told, and judges as it is told."""

    def __init__(self):
        self.time = 0.0
        self.log = []
        self.bad = set()  # texts of releases that do not prove themselves
        self.open = set()  # texts of releases that open a port
        self.fails = {}  # what to raise, by step
        self.status = Status.HEALTHY
        clock = Clock(now=SYSTEM.now, monotonic=lambda: self.time, sleep=self._sleep)
        self.hands = Hands(
            self._prepare, self._start, self._stop, self._gate, self._exposed, self._boot, clock
        )

    def _sleep(self, seconds):
        self.time += seconds

    def _do(self, step, place):
        said = (
            (place.current / "supervisord.conf").read_text()[2:-1] if place.current.exists() else ""
        )
        self.log.append(f"{step} {said}".strip())
        for trigger in (step, f"{step} {said}"):
            if trigger in self.fails:
                raise self.fails[trigger]
        return said

    def _prepare(self, place, release):
        text = (place.releases / release / "supervisord.conf").read_text()[2:-1]
        if f"prepare {text}" in self.fails:
            raise self.fails[f"prepare {text}"]

    def _start(self, place):
        self._do("start", place)
        return {"qdrant"}

    def _stop(self, place):
        self._do("stop", place)

    def _gate(self, place):
        self.time += 1
        said = self._do("gate", place)
        status = Status.UNHEALTHY if said in self.bad else self.status
        check = Check("qdrant", status, "as it is", {}, 1.0)
        return Report(SYSTEM.now(), (check,))

    def _exposed(self, place):
        said = (place.current / "supervisord.conf").read_text()[2:-1]
        return [f"0.0.0.0:99 is open, by {said}"] if said in self.open else []

    def _boot(self, place, wanted):
        self._do(f"boot={wanted}", place)
        return "a note" if wanted else ""


@pytest.fixture
def fake():
    return FakeHands()


@pytest.fixture
def runs(monkeypatch):
    """Let everything that a release describes run, without a supervisord."""
    from beast_ops.cards import read_services
    from beast_ops.runtime import control

    def status(place):
        names = [service.name for service in read_services(place.services) if service.process]
        return [control.ProcessState(name, "running") for name in names]

    monkeypatch.setattr(control, "status", status)


@pytest.fixture
def killed_at():
    """Return a function that does *act* in a child, killed just before its nth change on disk.

    It returns whether the child was killed; without, all of *act* was done.
    """
    changes = ("os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.chmod")

    def run(act, nth):
        left = nth

        def hook(event, arguments):
            nonlocal left
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
            if event in changes or writes:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # workers of xdist have threads
            child = os.fork()
        if not child:
            try:
                sys.addaudithook(hook)
                act()
                os._exit(0)
            finally:
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, -signal.SIGKILL)
        return code != 0

    return run
