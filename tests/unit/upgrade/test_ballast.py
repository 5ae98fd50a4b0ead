# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from beast_ops.place import Place
from beast_ops.upgrade import ballast


@pytest.fixture
def place(tmp_path):
    found = Place(tmp_path)
    found.run.mkdir()
    return found


def test_what_is_taken_has_blocks_of_its_own_and_is_given_back(place):
    ballast.take(place)
    (path,) = place.run.iterdir()
    assert path.stat().st_blocks * 512 >= ballast.BYTES

    ballast.drop(place)
    ballast.drop(place)
    assert [] == list(place.run.iterdir())


def test_where_there_is_no_room_nothing_is_left_of_it(place, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        ballast.take(place)

    assert [] == list(place.run.iterdir())
