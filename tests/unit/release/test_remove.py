# SPDX-License-Identifier: Apache-2.0
import itertools
from pathlib import Path

import pytest

from beast_ops.errors import BusyError, CommandError, UsageError
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.release.apply import apply
from beast_ops.release.remove import KEPT, plan, remove

pytestmark = pytest.mark.usefixtures("runs")


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.fixture
def deployed(place, ship, fake):
    apply(place, ship(), fake.hands)
    (place.root / "settings.yml").write_text("qdrant_port: 1\n")
    (place.root / "evals").mkdir()
    (place.root / "evals" / "docs.yaml").write_text("questions: []\n")
    return place


def nothing(_place):
    pass


def entries(place):
    return set(names(place.root))


def test_data_keys_receipts_and_settings_stay(deployed):
    removal = remove(deployed, nothing, data=False)

    kept = {"data", "secrets", "receipts", "evals", "settings.yml"}
    assert kept == entries(deployed) == set(removal.kept)
    assert {"config", "current", "logs", "releases", "run", "venv"} == set(removal.gone)
    assert entries(deployed) <= KEPT


def test_everything_goes_when_told_so(deployed):
    removal = remove(deployed, nothing, data=True)

    assert () == removal.kept
    assert not deployed.root.exists()


def test_everything_goes_even_after_a_removal_that_kept_data(deployed):
    remove(deployed, nothing, data=False)

    remove(deployed, nothing, data=True)

    assert not deployed.root.exists()


@pytest.mark.parametrize("data", [False, True])
def test_the_second_time_nothing_is_left_to_do(data, deployed):
    remove(deployed, nothing, data=data)

    assert () == remove(deployed, nothing, data=data).gone


def test_a_plan_takes_nothing_and_is_what_happens(deployed):
    planned = plan(deployed, data=False)
    before = entries(deployed)

    assert before == entries(deployed)
    assert planned == remove(deployed, nothing, data=False)
    assert plan(deployed, data=True) == remove(deployed, nothing, data=True)


@pytest.mark.parametrize("data", [False, True])
def test_where_nothing_is_installed_nothing_is_touched(data, tmp_path):
    for name in ("run", "data", "config", "logs", "venv", "releases", "secrets", "current"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").touch()

    def fail(_place):
        raise AssertionError("nothing to stop")

    removal = remove(Place(tmp_path), fail, data=data)

    assert ((), ()) == (removal.gone, removal.kept)
    assert 8 == len(list(tmp_path.glob("*/mine")))


def test_a_root_that_is_not_there_is_not_made(tmp_path):
    remove(Place(tmp_path / "none"), nothing, data=True)

    assert [] == list(tmp_path.iterdir())


def test_what_is_not_ours_stays(deployed):
    (deployed.root / "notes.txt").touch()

    removal = remove(deployed, nothing, data=False)

    assert "notes.txt" in entries(deployed)
    assert "notes.txt" in removal.kept


def test_what_is_not_ours_keeps_everything_from_going(deployed):
    (deployed.root / "notes.txt").touch()
    before = entries(deployed)

    with pytest.raises(UsageError, match=r"not ours: notes\.txt"):
        remove(deployed, nothing, data=True)

    assert before == entries(deployed)


def test_what_a_crash_of_ours_left_is_ours(deployed):
    (deployed.root / ".current.4711").symlink_to("releases/1-x")
    (deployed.root / ".settings.yml.k2_x").touch()

    remove(deployed, nothing, data=True)

    assert not deployed.root.exists()


def test_everything_is_stopped_before_anything_goes(deployed):
    seen = []

    remove(deployed, lambda place: seen.append(place.services.exists()), data=False)

    assert [True] == seen


def test_what_cannot_be_stopped_is_not_removed(deployed):
    def fail(_place):
        raise CommandError("cannot be ended")

    with pytest.raises(CommandError):
        remove(deployed, fail, data=True)

    assert deployed.services.exists()


def test_another_operation_keeps_it_from_going(deployed):
    with lease(deployed.run, "deploy"), pytest.raises(BusyError, match="deploy"):
        remove(deployed, nothing, data=True)

    assert deployed.services.exists()


def test_links_are_removed_and_not_followed(deployed, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (deployed.root / "live").symlink_to(tmp_path / "precious")
    (deployed.data / "link").symlink_to(tmp_path / "precious")

    remove(deployed, nothing, data=True)

    assert (tmp_path / "precious/file").exists()


@pytest.mark.parametrize("name", ["data", "data/1", "data/1/vectors", "backups"])
def test_data_that_lies_elsewhere_is_not_said_to_be_removed(name, deployed, tmp_path):
    other = tmp_path / "other disk"
    path = deployed.root / name
    if path.exists():
        path.rename(other)
    (other / "more").mkdir(parents=True)
    path.symlink_to(other)
    (deployed.data / "inside").symlink_to("1")

    assert (str(other),) == plan(deployed, data=True).left
    assert () == plan(deployed, data=False).left

    assert (str(other),) == remove(deployed, nothing, data=True).left
    assert (other / "more").is_dir()
    assert not deployed.root.exists()


@pytest.mark.parametrize("data", [False, True])
def test_a_removal_that_died_is_ended_by_the_next(data, deployed, killed_at):
    for nth in itertools.count():
        if not killed_at(lambda: remove(deployed, nothing, data=data), nth):
            break
        assert data or (deployed.data / "1/vectors").is_dir()

    assert nth > 5
    if data:
        assert not deployed.root.exists() or entries(deployed) <= {"venv"}
    else:
        assert {"data", "secrets", "receipts", "evals", "settings.yml"} == entries(deployed)
