# SPDX-License-Identifier: Apache-2.0
"""Which generations of data stay, and which go."""

import pytest

from beast_ops import receipts
from beast_ops.backup import generations
from beast_ops.place import Place
from beast_ops.receipts import Receipt
from beast_ops.release.observe import Record


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def release(place):
    """Return a maker of releases, each on a generation of data, proven or not."""

    def make(generation, outcome=None):
        number = len(list(place.releases.glob("*"))) + 1 if place.releases.exists() else 1
        name = f"{number}-a"
        folder = place.releases / name
        folder.mkdir(parents=True)
        record = Record(content="a", venv="v", generation=generation, handovers=())
        (folder / "release.json").write_text(record.model_dump_json())
        (place.data / generation / "box").mkdir(parents=True, exist_ok=True)
        if outcome:
            said = dict.fromkeys(("content", "started", "finished"), "")
            receipts.write(
                place.receipts,
                Receipt(
                    operation="restore", outcome=outcome, release=name, previous=None,
                    seconds=1.0, changed=(), checks=(), **said,
                ),
            )  # fmt: skip
        place.current.unlink(missing_ok=True)
        place.current.symlink_to(folder)
        return name

    return make


def test_the_generation_in_force_and_the_one_before_it_stay(place, release):
    for generation in ("1", "2", "3"):
        release(generation, "proven")

    assert ["1"] == generations.prune(place)

    assert [2, 3] == generations.numbers(place)


def test_what_a_killed_restore_filled_goes_and_the_one_in_force_before_stays(place, release):
    release("1", "proven")
    (place.data / "2" / "box").mkdir(parents=True)  # killed before its release landed
    release("3")  # killed before its release was in force
    release("4", "proven")

    assert {"2", "3"} == set(generations.prune(place))

    assert [1, 4] == generations.numbers(place)


def test_what_a_restore_left_that_did_not_hold_goes(place, release):
    release("1", "proven")
    release("2", "rolled back")
    place.current.unlink()
    place.current.symlink_to(place.releases / "1-a")

    assert ["2"] == generations.prune(place)


def test_a_volume_that_a_newer_generation_leads_to_stays(place, release):
    for generation in ("1", "2", "3"):
        release(generation, "proven")
    (place.data / "1" / "models").mkdir()
    (place.data / "3" / "models").symlink_to("../1/models")

    assert [] == generations.prune(place)

    assert ["models"] == [path.name for path in (place.data / "1").iterdir()]
