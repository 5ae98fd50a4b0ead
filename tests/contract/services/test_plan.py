# SPDX-License-Identifier: Apache-2.0
"""What Ansible renders is what the library reads and what supervisord runs."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from beast_ops.cards import Services, read_services
from beast_ops.place import Place
from beast_ops.release.land import Shipment
from beast_ops.runtime.values import words

CLONE = Path(__file__).parents[3]
SCHEMA = json.loads((CLONE / "docs/reference/services.schema.json").read_text(encoding="utf-8"))
ROOTS = {
    "plain": "root",
    "odd": 'it\'s my "größe" 😀; #1 100%s %(here)s $HOME `id` \\ & {{ 7 * 7 }} {% raw %}',
}


@pytest.fixture(scope="module", params=ROOTS)
def planned(request, tmp_path_factory, plan_at):
    found = plan_at(tmp_path_factory.mktemp("place") / ROOTS[request.param])
    assert found.code == 0, found.output
    return found


@pytest.fixture(scope="module")
def services(planned, tmp_path_factory):
    path = tmp_path_factory.mktemp("read") / "services.json"
    path.write_text(planned.shipment["files"]["services.json"], encoding="utf-8")
    return read_services(path)


def test_a_plan_creates_nothing_where_it_looks(planned):
    assert not planned.root.exists()
    assert [] == list(planned.root.parent.iterdir())


def test_the_schema_accepts_what_was_rendered(planned):
    jsonschema.validate(json.loads(planned.shipment["files"]["services.json"]), SCHEMA)


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 99},
        {"version": "1"},
        {"services": {}},
        {"runtime": "magic"},
        {"project": "No Name"},
        {"more": 1},
    ],
)
def test_the_schema_refuses_what_the_library_refuses(damage, planned):
    found = {**json.loads(planned.shipment["files"]["services.json"]), **damage}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)
    with pytest.raises(ValueError, match="validation error"):
        Services.model_validate_json(json.dumps(found))


def test_the_services_are_those_of_the_inventory_in_its_order(services):
    said = yaml.safe_load((CLONE / "inventory/local/group_vars/all.yml").read_text())

    assert said["beast_services"] == [service.role for service in services]


def test_every_path_lies_below_the_root_as_it_was_chosen(planned, services):
    assert str(planned.root) == services.root
    paths = [
        value
        for service in services
        for name, value in service.environment.items()
        if not name.endswith("_URL")
        and not name.startswith("QDRANT_")  # its image reads these, and our own server does not
    ]

    assert len(paths) > 10
    assert all(Path(path).is_relative_to(planned.root) for path in paths)


def test_configuration_that_is_named_is_shipped(planned, services):
    folders = {
        service.environment["BEAST_CONFIG"].removeprefix(f"{planned.root}/config/")
        for service in services
        if "BEAST_CONFIG" in service.environment
    }

    assert folders == {path.rpartition("/")[0] for path in planned.shipment["config"]}
    assert len(folders) >= 3


def test_the_host_takes_what_is_shipped(planned):
    shipment = Shipment.model_validate_json(json.dumps(planned.shipment))

    assert {"services.json", "supervisord.conf"} == shipment.files.keys()


PARSER = """
import json, os, sys
from supervisor.options import ServerOptions
options = ServerOptions()
options.realize(["-c", sys.argv[1], "-n"])
print(json.dumps({
    program.name: [program.command, program.environment or {}, program.directory]
    for group in options.process_group_configs for program in group.process_configs
}))
"""


def test_supervisord_reads_the_very_words_it_shall_run(planned, services, tmp_path):
    for folder in ("logs", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / "supervisord.conf").write_text(
        planned.shipment["files"]["supervisord.conf"], encoding="utf-8"
    )
    place = Place(planned.root)
    python = place.venv / planned.shipment["venv"] / "bin" / "python"

    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", PARSER, "supervisord.conf"],
        cwd=tmp_path,
        env={**os.environ, "BEAST_SUPERVISOR": str(tmp_path / "s")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    running = [service for service in services if service.process]
    assert {service.name for service in running} == found.keys()
    for service in running:
        command, environment, directory = found[service.name]
        assert words(place, service, python) == shlex.split(command)
        assert ({}, "/") == (environment, directory)


def test_what_is_handed_over_is_what_services_look_for(planned, services):
    files = {f"{reader}/{file}" for reader, file, *_ in planned.shipment["handovers"]}
    looked = {
        value.removeprefix(f"{planned.root}/secrets/")
        for service in services
        for name, value in service.environment.items()
        if name.endswith("_KEY_FILE")
    }

    assert looked
    assert looked <= files


def test_every_rooms_settings_are_those_its_process_reads(planned):
    from beast_ops.api.settings import Settings as Api
    from beast_ops.ingest.settings import WorkerSettings as Worker
    from beast_ops.keeper.settings import KeeperSettings as Keeper
    from beast_ops.vectors.settings import Settings as Vectors

    texts = {path.split("/")[0]: text for path, text in planned.shipment["config"].items()}
    readers = {"beast-api": Api, "beast-worker": Worker, "qdrant": Vectors}
    readers["beast-keeper"] = Keeper
    assert readers.keys() == texts.keys()
    for name, model in readers.items():
        assert model.model_validate_json(texts[name])
