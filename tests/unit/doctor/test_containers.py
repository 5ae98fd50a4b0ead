# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.doctor import containers
from beast_ops.preflight import docker
from beast_ops.preflight.docker import Docker


@pytest.fixture
def ids(scene, monkeypatch):
    """Return a maker of the ids that are found where this *docker* is."""

    def make(found, runtime="compose", **said):
        monkeypatch.setattr(docker, "look", lambda: found)
        return [each.id for each in containers.engine(scene(runtime=runtime, **said))]

    return make


def test_a_docker_that_is_well_gives_no_diagnosis(ids):
    assert [] == ids(Docker("/usr/bin/docker", "28.0.1", "2.30.1"))


def test_where_no_container_runs_nobody_asks_for_docker(ids):
    assert [] == ids(Docker(), runtime="embedded")


def test_an_engine_that_does_not_answer_is_found(ids):
    assert ["BEAST-D501"] == ids(Docker("/usr/bin/docker", silence="permission denied"))
    assert ["BEAST-D501"] == ids(Docker())


@pytest.mark.parametrize(("engine", "compose"), [("19.3", "2.30"), ("28.0", "2.5"), ("28.0", "")])
def test_an_old_docker_is_found(ids, engine, compose):
    assert ["BEAST-D502"] == ids(Docker("/usr/bin/docker", engine, compose))


def test_a_pair_that_is_known_to_be_bad_is_found_once_per_image_set(ids):
    found = ids(Docker("/usr/bin/docker", "29.0", "2.30"), image="traefik:v3.5.0")

    assert ["BEAST-D503"] == found
