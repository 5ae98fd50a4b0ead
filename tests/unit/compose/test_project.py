# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from beast_ops.compose.project import Project, project
from beast_ops.errors import CommandError
from beast_ops.place import Place


class Compose:
    """Writes down what it is asked, and fails with what it is told."""

    def __init__(self, failure=""):
        self.asked, self.failure = [], failure

    def run(self, argv, *, seconds=60):
        assert seconds > 0
        self.asked.append(list(argv))
        if self.failure:
            raise CommandError(self.failure, subject=argv[0])
        return ""

    def watch(self, argv, doubt, *, seconds):
        doubted = doubt()
        self.run(argv, seconds=seconds)
        if doubted:
            raise CommandError(doubted, subject=argv[0])


@pytest.fixture
def place(tmp_path):
    found = Place(tmp_path / "root")
    (found.releases / "1-a").mkdir(parents=True)
    (found.releases / "1-a/compose.yml").touch()
    found.current.symlink_to("releases/1-a")
    return found


def words(place, act, failure=""):
    compose = Compose(failure)
    act(Project(place, place.releases / "1-a", compose))
    (argv,) = compose.asked
    return argv


def test_only_files_that_are_there_are_named_and_the_users_own_is_the_last(place):
    folder = place.releases / "1-a"
    asked = Project(place, folder, Compose()).argv("config")

    assert ["docker", "compose", "--project-directory", str(place.root)] == asked[:4]
    assert ["--file", f"{folder}/compose.yml", "config"] == asked[4:]

    for path in (folder / "compose.host.yml", place.root / "override.yml"):
        path.touch()

    files = ("compose.yml", "compose.host.yml")
    assert [
        *(word for file in files for word in ("--file", f"{folder}/{file}")),
        *("--file", f"{place.root}/override.yml", "config"),
    ] == Project(place, folder, Compose()).argv("config")[4:]


def test_to_judge_is_to_read_and_no_more(place):
    assert ["config", "--quiet"] == words(place, Project.judge)[-2:]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            lambda project: project.up(str),
            {"--detach", "--remove-orphans", "--no-build", "--wait", "--wait-timeout"},
        ),
        (lambda project: project.start(["a", "b"]), {"--no-deps", "--no-build", "--wait"}),
        (
            lambda project: project.restart(["a", "b"]),
            {"--no-deps", "--no-build", "--wait", "--force-recreate"},
        ),
    ],
)
def test_what_starts_neither_fetches_nor_builds_and_is_waited_for(act, said, place):
    asked = words(place, act)

    assert said <= set(asked)
    assert "never" == asked[asked.index("--pull") + 1]


def test_one_or_several_are_named_last(place):
    assert ["stop", "a", "b"] == words(place, lambda project: project.stop(["a", "b"]))[-3:]
    assert ["--wait", "a"] == words(place, lambda project: project.start(["a"]))[-2:]


def test_some_services_alone_are_named_last(place):
    argv = words(place, lambda found: found.up(lambda: "", ["qdrant", "grafana"]))

    assert ["qdrant", "grafana"] == argv[-2:]


def test_doubt_ends_the_waiting(place):
    with pytest.raises(CommandError, match="eye ended with 1"):
        words(place, lambda project: project.up(lambda: "eye ended with 1"))


NOISE = """ended with 1: time="2026-01-01" level=warning msg="obsolete"
 Network beast  Creating
 Container beast-a-1  Started
service "a" has neither an image nor a build context
"""


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (Project.judge, "Compose refuses the release: service"),
        (lambda project: project.up(str), "^service"),
        (lambda project: project.start(["a"]), "did not start: service"),
        (lambda project: project.stop(["a"]), "did not stop: service"),
        (lambda project: project.restart(["a"]), "did not start again: service"),
    ],
)
def test_a_failure_says_what_compose_complains_of_without_its_progress(act, said, place):
    with pytest.raises(CommandError, match=said) as failed:
        words(place, act, NOISE)

    assert "Container" not in str(failed.value)
    assert "ended with" not in str(failed.value)


def test_where_there_is_nothing_but_progress_it_is_better_than_nothing(place):
    with pytest.raises(CommandError, match="Container beast-a-1  Error"):
        words(place, Project.judge, "ended with 1: Container beast-a-1  Error\n")


def test_it_is_the_release_in_force_or_the_one_that_is_named(place):
    (place.releases / "2-b").mkdir()

    assert os.path.realpath(place.releases / "1-a") == str(project(place).folder)
    assert place.releases / "2-b" == project(place, "2-b").folder


def test_compose_sees_of_our_environment_only_how_the_engine_is_reached(place, monkeypatch):
    monkeypatch.setenv("COMPOSE_FILE", "/other.yml")
    monkeypatch.setenv("DOCKER_HOST", "unix:///other.sock")
    runner = project(place).runner

    told = runner.run(["/usr/bin/env"])

    assert "DOCKER_HOST=unix:///other.sock" in told.splitlines()
    assert "COMPOSE_FILE" not in told
