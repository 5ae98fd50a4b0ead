# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.cards import Services
from beast_ops.compose import units
from beast_ops.errors import CommandError, NotDeployedError
from beast_ops.place import Place
from beast_ops.testing import a_service

AGENT = a_service("agent", process=("{python}", "-m", "beast_ops.agent"), place="host")
OTHER = a_service("other", process=("/bin/other", "50% $x"), place="host")
CONTAINER = a_service("store", image="made/store:1")
NAME = "beast-agent.service"


class Systemctl:
    """A systemd that remembers what runs, and what it was asked to change."""

    def __init__(self):
        self.asked, self.running, self.failing = [], set(), set()

    def __call__(self, *words):
        verb, name = words[0], words[-1]
        if verb == "show":
            return "active\n" if name in self.running else "inactive\n"
        self.asked.append(" ".join(words))
        if f"{verb} {name}" in self.failing:
            raise CommandError("ended with 1: Job failed", subject="systemctl")
        if verb in {"start", "restart"}:
            self.running.add(name)
        if verb in {"stop", "disable"}:
            self.running.discard(name)
        return ""


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    found = Systemctl()
    (tmp_path / "units").mkdir()
    (tmp_path / "booted").mkdir()
    monkeypatch.setattr(units, "FOLDER", tmp_path / "units")
    monkeypatch.setattr(units, "LISTENS", tmp_path / "booted")
    monkeypatch.setattr(units, "_systemctl", found)
    return found


@pytest.fixture
def place(tmp_path):
    return deployed(tmp_path / "root")


def deployed(root):
    """A place whose release in force has an environment, in which a unit's Python lies."""
    found = Place(root)
    for folder in (found.current, found.venv / "v1/bin"):
        folder.mkdir(parents=True)
    (found.current / "release.json").write_text('{"venv": "v1"}')
    (found.venv / "v1/bin/python").touch()
    return found


def released(*services):
    return Services(project="beast", runtime="compose", root="/", data="/d", services=services)


def written():
    return {path.name: path.read_text() for path in units.FOLDER.iterdir()}


def test_only_what_runs_on_the_host_becomes_a_unit(place, systemctl):
    assert {"agent"} == units.apply(place, released(CONTAINER, AGENT))
    assert [NAME] == list(written())
    assert ["daemon-reload", f"enable {NAME}", f"restart {NAME}"] == systemctl.asked


def test_a_unit_says_whose_it_is_and_what_it_runs(place, systemctl):
    units.apply(place, released(OTHER))

    text = written()["beast-other.service"]
    assert text.startswith(f"# Written by the deploy of {place.root}; ")
    (command,) = (line for line in text.splitlines() if line.startswith("ExecStart="))
    assert "50%% $$x" in command  # neither percent nor dollar sign means anything to systemd
    assert "UMask=0077" in text
    assert "enable beast-other.service" in systemctl.asked


def test_the_same_again_restarts_nothing_but_starts_what_was_stopped(place, systemctl):
    units.apply(place, released(AGENT))
    systemctl.asked.clear()

    assert set() == units.apply(place, released(AGENT))
    assert [f"enable {NAME}", f"start {NAME}"] == systemctl.asked


@pytest.mark.usefixtures("systemctl")
def test_a_unit_that_was_edited_is_written_anew_and_restarted(place):
    units.apply(place, released(AGENT))
    path = units.FOLDER / NAME
    path.write_text(f"{path.read_text()}# by hand\n")

    assert {"agent"} == units.apply(place, released(AGENT))
    assert "by hand" not in path.read_text()


def test_what_the_release_has_not_any_more_goes(place, systemctl):
    units.apply(place, released(AGENT, OTHER))
    systemctl.asked.clear()

    units.apply(place, released(AGENT))

    assert [NAME] == list(written())
    assert "disable --now beast-other.service" == systemctl.asked[0]


def test_units_of_others_stay(place, systemctl):
    (units.FOLDER / "theirs.service").write_text("[Service]\n")
    units.apply(deployed(place.root / "more"), released(OTHER))
    units.apply(place, released(AGENT))

    units.remove(place)

    assert {"theirs.service", "beast-other.service"} == set(written())
    assert {"beast-other.service"} == systemctl.running


def test_a_unit_that_does_not_start_fails_the_release(place, systemctl):
    systemctl.failing.add(f"restart {NAME}")

    with pytest.raises(CommandError, match="Job failed"):
        units.apply(place, released(AGENT))


@pytest.mark.parametrize("optional", [False, True])
def test_without_systemd_only_what_is_optional_may_be_missing(optional, place, systemctl):
    units.LISTENS.rmdir()
    services = released(AGENT.model_copy(update={"optional": optional}))

    if optional:
        assert set() == units.apply(place, services)
        assert {} == written()
    else:
        with pytest.raises(CommandError, match="no systemd runs here"):
            units.apply(place, services)
    assert optional == units.run(place, services)
    assert optional == (not units.status(place, services))
    assert [] == systemctl.asked


def test_they_run_if_exactly_they_run(place, systemctl):
    services = released(AGENT, CONTAINER)
    assert not units.run(place, services)

    units.apply(place, services)
    assert units.run(place, services)
    assert not units.run(place, released(AGENT, OTHER))
    assert not units.run(place, released(CONTAINER))

    systemctl.running.clear()
    assert not units.run(place, services)


def test_an_edited_unit_does_not_run_as_described(place, systemctl):
    units.apply(place, released(AGENT))
    path = units.FOLDER / NAME
    path.write_text(path.read_text().replace("Restart=always", "Restart=no"))

    assert {NAME} == systemctl.running
    assert not units.run(place, released(AGENT))


def test_each_says_how_it_is(place, systemctl):
    services = released(AGENT, OTHER, CONTAINER)
    units.apply(place, services)
    systemctl.running.discard("beast-other.service")

    assert [("agent", "running"), ("other", "stopped")] == [
        (each.name, each.state) for each in units.status(place, services)
    ]


@pytest.mark.parametrize("act", [units.start, units.stop, units.restart])
def test_one_is_started_stopped_and_restarted_by_its_name(act, place, systemctl):
    units.apply(place, released(AGENT, OTHER))
    systemctl.asked.clear()

    act(place, AGENT)

    assert [f"{act.__name__} {NAME}"] == systemctl.asked


def test_one_that_was_never_deployed_is_named(place, systemctl):
    with pytest.raises(NotDeployedError):
        units.start(place, AGENT)

    assert [] == systemctl.asked
