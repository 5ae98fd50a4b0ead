# SPDX-License-Identifier: Apache-2.0
"""Containers beside the stack: what Compose is told of them, and what it may not hear."""

import json

import pytest
import yaml

from beast_ops.backup import aside_containers
from beast_ops.backup.aside import Ground, sweep
from beast_ops.backup.stage import Stage, make_room
from beast_ops.cards import Services
from beast_ops.errors import CommandError
from beast_ops.place import Place
from beast_ops.testing import a_service

PROGRAM = """#!/usr/bin/env python3
import json, os, sys
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], sorted(os.environ)]) + "\\n")
sys.exit(3 if "up" in sys.argv and {refuses!r} else 0)
"""


class Engine:
    """An engine that runs one container aside for each service."""

    def aside(self, mark, service):
        return [f"{mark} {service}"]

    def address(self, container):
        assert container
        return "172.30.0.2"


@pytest.fixture
def ground(tmp_path):
    root, stage = tmp_path / "root", tmp_path / "root" / "data" / ".restore-2"
    release = root / "releases" / "1-a"
    for folder in (release, stage / "work"):
        folder.mkdir(parents=True)
    mounts = [
        {"type": "bind", "source": f"{root}/{source}", "target": f"/{source}"}
        for source in ("data/1/vectors", "secrets/store", "live/store")
    ]
    said = {
        "image": "made/store:1",
        "ports": ["127.0.0.1:6333:6333"],
        "restart": "unless-stopped",
        "volumes": mounts,
        "healthcheck": {"test": ["CMD", "true"]},
        "labels": {"org.ai-beast.root": str(root)},
    }
    (release / "compose.yml").write_text(yaml.safe_dump({"services": {"store": said}}))
    services = Services(
        project="beast",
        runtime="compose",
        root=str(root),
        data=f"{root}/data/1",
        domain=None,
        services=(a_service("store", "http://127.0.0.1:6333", inside="http://store:6333"),),
    )
    return Ground(Place(root), release, services, stage / "data", stage / "secrets", stage / "work")


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return what was asked of Docker, and of which environment; *refuses* has it start nothing."""
    log, folder = tmp_path / "asked", tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(aside_containers, "Engine", Engine)
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def begin(*, refuses=False):
        program = folder / "docker"
        program.write_text(PROGRAM.format(log=str(log), refuses=refuses))
        program.chmod(0o755)
        return lambda: [json.loads(line) for line in log.read_text().splitlines()]

    return begin


def test_settings_of_whoever_restores_do_not_lead_to_the_stack_that_runs(
    ground, asked, monkeypatch
):
    told = asked()
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "beast")
    monkeypatch.setenv("COMPOSE_FILE", "/somewhere/else.yml")
    with aside_containers.running(ground, list(ground.services)) as addresses:
        assert {"store": "http://172.30.0.2:6333"} == addresses

    for argv, environ in told():
        name = argv[argv.index("--project-name") + 1]
        assert name.startswith("beast-aside-")
        assert not [each for each in environ if each.startswith("COMPOSE_")]
    assert ["down", "up", "down"] == [
        next(word for word in argv if word in {"up", "down"}) for argv, _ in told()
    ]


def test_what_does_not_start_is_removed_all_the_same(ground, asked):
    told = asked(refuses=True)
    with (
        pytest.raises(CommandError, match="does not come up beside the stack"),
        aside_containers.running(ground, list(ground.services)),
    ):
        pass

    assert "down" in told()[-1][0]


def test_it_sees_other_data_and_secrets_and_nobody_sees_it(ground):
    said = aside_containers.described(ground, list(ground.services), "beast-aside-1")
    store = said["services"]["store"]

    assert [str(ground.data / "vectors"), str(ground.secrets / "store")] == [
        mount["source"] for mount in store["volumes"][:2]
    ]
    assert store["volumes"][2]["source"].endswith("/root/live/store")
    assert not {"ports", "restart"} & store.keys()
    assert said["networks"]["default"]["internal"]
    assert "beast-aside-1" == store["labels"]["org.ai-beast.aside"]
    assert "org.ai-beast.root" not in store["labels"]


def test_what_a_crash_left_is_removed_under_the_name_it_had(ground, asked):
    told = asked()
    with aside_containers.running(ground, list(ground.services)):
        pass
    folder = ground.place.root / "current"
    folder.mkdir()
    (folder / "services.json").write_text(ground.services.model_dump_json())

    sweep(ground.place)

    *_, (before, _), (after, environ) = told()
    assert "down" in after
    assert "--file" not in after
    assert before[before.index("--project-name") + 1] == after[after.index("--project-name") + 1]
    assert not [each for each in environ if each.startswith("COMPOSE_")]


def test_an_engine_that_was_away_for_a_moment_is_asked_again(ground, asked, tmp_path):
    asked()
    program, gone = tmp_path / "bin/docker", tmp_path / "gone"
    program.write_text(f"#!/bin/sh\n[ -e {gone} ] || {{ touch {gone}; exit 1; }}\n")
    folder = ground.place.root / "current"
    folder.mkdir()
    (folder / "services.json").write_text(ground.services.model_dump_json())

    sweep(ground.place)

    assert gone.exists()


def test_whoever_runs_on_what_was_staged_finds_all_its_volumes(tmp_path):
    """An archive has only those with something that cannot be made again."""
    data = tmp_path / "data"
    (data / "kept").mkdir(parents=True)
    (data / "kept" / "file").write_text("kept")
    stage = Stage(tmp_path, data, None, (), b"")
    service = a_service("store", "http://127.0.0.1:6333", volumes=("kept", "uploads"))
    make_room(stage, [service], {})

    assert "kept" == (data / "kept" / "file").read_text()
    assert 0o700 == (data / "uploads").stat().st_mode & 0o777
