# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.errors import BeastError
from beast_ops.place import Place
from beast_ops.release.apply import apply
from beast_ops.release.land import land, make_current
from beast_ops.release.observe import Observed, observe

pytestmark = pytest.mark.usefixtures("runs")


@pytest.fixture
def deployed(place, ship, fake):
    apply(place, ship(), fake.hands)
    return place


def test_where_nothing_is_nothing_is_seen(place):
    assert Observed() == observe(place)


def test_a_deployed_release_is_seen_whole(deployed, ship):
    found = observe(deployed)

    assert (f"1-{ship().content}", ship().content, "1") == (
        found.release,
        found.content,
        found.generation,
    )
    assert {"services.json", "supervisord.conf", "qdrant/settings.json"} == found.files.keys()
    assert "; one\n" == found.files["supervisord.conf"]
    assert found.settled


def test_what_is_seen_goes_over_the_wire(deployed):
    found = observe(deployed)

    assert found == Observed.model_validate(json.loads(found.model_dump_json()), strict=False)


def test_no_secret_goes_over_the_wire(deployed):
    secrets = [path.read_bytes() for path in deployed.secrets.rglob("*") if path.is_file()]

    assert len(secrets) == 2
    assert not any(secret in observe(deployed).model_dump_json().encode() for secret in secrets)


def test_looking_changes_nothing(deployed):
    def state():
        return {path: path.lstat().st_mtime_ns for path in deployed.root.rglob("*")}

    before = state()
    observe(deployed)

    assert before == state()


def test_what_was_never_proven_is_not_settled(place, ship):
    make_current(place, land(place, ship()))

    assert not observe(place).settled


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff", b'{"version": 9}'])
@pytest.mark.parametrize("name", ["services.json", "release.json", "supervisord.conf"])
def test_damage_is_seen_and_not_stumbled_over(name, content, deployed):
    (deployed.current / name).unlink()
    if content is not None:
        (deployed.current / name).write_bytes(content)

    found = observe(deployed)

    assert not found.settled
    assert "1" == found.generation


def test_a_link_that_leads_nowhere_is_no_release(deployed):
    deployed.current.unlink()
    deployed.current.symlink_to("releases/9-gone")

    assert Observed() == observe(deployed)


def test_a_folder_in_the_place_of_the_link_is_no_release(place):
    place.current.mkdir()

    assert Observed() == observe(place)


def test_the_data_generation_survives_a_lost_record(place, ship, fake):
    apply(place, ship(generation="7"), fake.hands)
    (place.current / "release.json").unlink()

    assert "7" == observe(place).generation


def test_what_a_removal_kept_is_of_the_newest_generation(place):
    for name in ("2", "10", "9", ".11", "notes"):
        (place.data / name).mkdir(parents=True)

    assert "10" == observe(place).generation


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: next(place.secrets.glob("*/*")).unlink(),
        lambda place: next(place.config.glob("*/*/*")).write_text("edited"),
        lambda place: next(place.venv.glob("*/complete")).unlink(),
        lambda place: next(place.receipts.glob("*")).write_text("{"),
    ],
    ids=["secret", "config", "venv", "receipt"],
)
def test_what_is_not_as_it_was_is_not_settled(damage, deployed):
    damage(deployed)

    assert not observe(deployed).settled


def test_a_damaged_list_of_rotations_stops_everything(deployed):
    (deployed.secrets / "versions").write_text("nonsense\n")

    with pytest.raises(BeastError, match="versions"):
        observe(deployed)


def test_a_root_that_is_a_file_or_of_somebody_else_is_left_to_the_preflight(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert Observed() == observe(Place(tmp_path / "file"))

    def refuses(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("beast_ops.keys.versions", refuses)
    assert Observed() == observe(Place(tmp_path / "other"))


def test_what_a_crash_left_in_a_folder_is_not_configuration(deployed):
    folder = next(deployed.config.glob("*/*"))
    (folder / ".settings.json.abc").write_text("half")

    assert observe(deployed).settled
    assert 3 == len(observe(deployed).files)


def test_bytes_in_a_file_are_shown_as_such(deployed):
    next(deployed.config.glob("*/*/*")).write_bytes(b"\xff")

    assert "\ufffd" == observe(deployed).files["qdrant/settings.json"]


@pytest.mark.parametrize("states", [[], ["stopped"], ["running", "running"], ["fatal"]])
def test_what_does_not_run_as_described_is_not_settled(states, deployed, monkeypatch):
    from beast_ops.runtime import control

    found = [control.ProcessState(f"qdrant{'x' * n}", state) for n, state in enumerate(states)]
    monkeypatch.setattr(control, "status", lambda _: found)

    assert not observe(deployed).settled


def test_a_runtime_that_does_not_answer_is_not_settled(deployed, monkeypatch):
    from beast_ops.runtime import control

    def silent(_):
        raise BeastError("no")

    monkeypatch.setattr(control, "status", silent)

    assert not observe(deployed).settled
