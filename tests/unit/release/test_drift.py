# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.drift import Difference, differences
from beast_ops.errors import NotDeployedError
from beast_ops.release.apply import apply
from beast_ops.runtime import control
from beast_ops.runtime.control import ProcessState


@pytest.fixture
def running(place, ship, fake, monkeypatch):
    """A release in force, and a list of what its runtime says runs."""
    apply(place, ship(), fake.hands)
    states = [ProcessState("qdrant", "running")]
    monkeypatch.setattr(control, "status", lambda _: states)
    return states


def test_what_is_as_it_was_does_not_differ(place, running):
    assert running
    assert [] == differences(place)


def test_files_that_were_edited_or_removed_are_named(place, running):
    assert running
    (place.current / "supervisord.conf").write_text("; mine")
    settings = next(place.config.glob("*/*/settings.json"))
    settings.unlink()

    assert [
        Difference("file", str(settings.relative_to(place.root)), "is missing"),
        Difference(
            "file", f"releases/{place.current.resolve().name}/supervisord.conf", "was edited"
        ),
    ] == differences(place)


def test_a_secret_that_is_missing_is_named_and_not_shown(place, running):
    assert running
    (place.secrets / "qdrant/api_key").unlink()

    assert [Difference("secret", "secrets/qdrant/api_key", "is missing")] == differences(place)


def test_services_that_do_not_run_or_are_not_ours_are_named(place, running):
    running[:] = [ProcessState("qdrant", "fatal"), ProcessState("stranger", "running")]

    assert [
        Difference("service", "qdrant", "is fatal"),
        Difference("service", "stranger", "is not of this release, and running"),
    ] == differences(place)


def test_without_a_release_there_is_nothing_to_compare(place):
    with pytest.raises(NotDeployedError):
        differences(place)


def test_a_lost_record_is_said_to_be_lost(place, running):
    assert running
    (place.current / "release.json").unlink()

    with pytest.raises(NotDeployedError, match="record"):
        differences(place)
