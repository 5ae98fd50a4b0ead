# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from beast_ops.doctor import releases
from beast_ops.doctor.model import scene as look
from beast_ops.place import Place
from beast_ops.release.observe import fingerprint


def ids(found):
    return [each.id for each in found]


def test_a_whole_release_gives_no_diagnosis(scene):
    here = scene()

    assert [] == [*releases.release(here), *releases.files(here), *releases.environment(here)]


def test_where_nothing_is_the_release_is_missing(tmp_path):
    here = look(Place(tmp_path / "nothing"))

    assert ["BEAST-D101"] == ids(releases.release(here))
    assert [] == [*releases.files(here), *releases.environment(here)]
    assert (False, ()) == (here.composed, here.ours)
    assert here.uid == tmp_path.stat().st_uid


def test_what_cannot_be_read_is_named(place):
    place.services.write_text("{")
    (damaged,) = releases.release(look(place))
    (place.current / "release.json").write_text("{")
    (lost,) = releases.release(look(place))

    assert ("BEAST-D102", "BEAST-D102") == (damaged.id, lost.id)
    assert damaged.evidence.startswith("services.json")
    assert lost.evidence.startswith("release.json")


def test_files_that_differ_are_named(scene, place):
    here = scene()
    (place.root / "a").write_text("other")
    right = fingerprint(place.services)
    files = {"a": "0", "b": "0", "current/services.json": right}
    record = here.record.model_copy(update={"files": files})

    assert ["a was edited", "b is missing"] == [
        each.evidence for each in releases.files(replace(here, record=record))
    ]


def test_an_environment_without_its_mark_is_found(scene, place):
    (place.venv / "abc" / "complete").unlink()

    assert ["BEAST-D104"] == ids(releases.environment(scene()))
