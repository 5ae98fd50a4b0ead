# SPDX-License-Identifier: Apache-2.0
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beast_ops import keys
from beast_ops.cards import read_services
from beast_ops.clock import Clock
from beast_ops.doctor.model import Scene
from beast_ops.place import Place
from beast_ops.release.observe import Record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLOCK = Clock(now=lambda: NOW)
HANDOVERS = (("store", "key", "store", "key"), ("front", "store_key", "store", "key"))
FILLED = (("front", "users", "admin:{store_key|bcrypt}\n"),)


def service(name, **said):
    plain = {
        "name": name,
        "role": name,
        "address": None,
        "external": False,
        "optional": False,
        "process": ["python"],
        "environment": {},
        "volumes": [],
        "state": [],
        "secrets": {},
        "health": {},
        "metrics": None,
        "change": "0",
    }
    return {**plain, **said}


@pytest.fixture
def place(tmp_path):
    """An installation with two services, a release and its secrets; nothing runs."""
    found = Place(tmp_path / "root")
    folder = found.releases / "1-0123456789ab"
    folder.mkdir(parents=True)
    for each in (found.receipts, found.run, found.logs, found.data / "1" / "kept"):
        each.mkdir(parents=True)
    (found.venv / "abc").mkdir(parents=True)
    (found.venv / "abc" / "complete").touch()
    record = Record(content="0", venv="abc", generation="1", handovers=HANDOVERS, filled=FILLED)
    (folder / "release.json").write_text(record.model_dump_json())
    found.current.symlink_to(f"releases/{folder.name}")
    said = {
        "version": 2,
        "project": "beast",
        "runtime": "embedded",
        "root": str(found.root),
        "data": str(found.data / "1"),
        "services": [
            service("store", volumes=["kept"], secrets={"key": {}}),
            service("front"),
        ],
    }
    found.services.write_text(json.dumps(said))
    keys.hand_over(
        found.secrets,
        (keys.Handover(*each) for each in HANDOVERS),
        filled=[keys.FilledFile(*each) for each in FILLED],
    )
    return found


@pytest.fixture
def scene(place):
    """Return a maker of what the looks are made at; *said* alters the services."""

    def make(*, runtime="embedded", record=True, **said):
        content = json.loads(place.services.read_text())
        content["runtime"] = runtime
        for each in content["services"]:
            each.update(said)
        place.services.write_text(json.dumps(content))
        path = place.current / "release.json"
        known = Record.model_validate_json(path.read_bytes()) if record else None
        release = place.current.readlink().name
        return Scene(place, release, known, read_services(Path(place.services)), CLOCK)

    return make
