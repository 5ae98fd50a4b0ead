# SPDX-License-Identifier: Apache-2.0
import inspect

import pytest

from beast_ops.compose import control as composed
from beast_ops.place import Place
from beast_ops.runtime import Runtime, control, of


@pytest.fixture
def place(tmp_path):
    """Two releases: the first of processes, the second of containers."""
    found = Place(tmp_path)
    for name, file in (("1-a", "supervisord.conf"), ("2-b", "compose.yml")):
        (found.releases / name).mkdir(parents=True)
        (found.releases / name / file).touch()
    return found


@pytest.mark.parametrize(("release", "expected"), [("1-a", control), ("2-b", composed)])
def test_a_release_says_what_runs_it(release, expected, place):
    place.current.symlink_to(f"releases/{release}")

    assert expected is of(place)


@pytest.mark.parametrize(("release", "expected"), [("1-a", control), ("2-b", composed)])
def test_one_that_is_named_counts_and_not_the_one_in_force(release, expected, place):
    place.current.symlink_to("releases/1-a" if release == "2-b" else "releases/2-b")

    assert expected is of(place, release)


def test_where_nothing_was_deployed_nothing_needs_an_engine(tmp_path):
    assert control is of(Place(tmp_path))


def test_containers_of_releases_that_are_not_in_force_any_more_are_found(place):
    assert composed is of(place)


@pytest.mark.parametrize("runtime", [control, composed])
def test_both_runtimes_can_do_the_same(runtime):
    verbs = [name for name in vars(Runtime) if not name.startswith("_")]

    assert len(verbs) > 8
    for name in verbs:
        wanted = list(inspect.signature(getattr(Runtime, name)).parameters)[1:]
        found = inspect.signature(getattr(runtime, name)).parameters
        assert wanted == [each for each in found if each in wanted], name
        assert all(
            each.default is not each.empty for each in found.values() if each.name not in wanted
        ), name
