# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops import keys, receipts
from beast_ops.errors import BusyError, CommandError, ConflictError, MissingError
from beast_ops.lease import lease
from beast_ops.release import adoption
from beast_ops.release.apply import apply
from beast_ops.release.observe import current_release
from beast_ops.release.rollback import choose, rollback

pytestmark = pytest.mark.usefixtures("runs")


@pytest.fixture
def deployed(place, ship, fake):
    """Three releases: two that are proven, and one that is not; the second is in force."""
    for text in ("one", "two"):
        apply(place, ship(text), fake.hands)
    fake.bad.add("three")
    with pytest.raises(CommandError):
        apply(place, ship("three"), fake.hands)
    fake.log.clear()
    return [f"{number}-{ship(text).content}" for number, text in enumerate(("one", "two"), 1)]


def test_without_a_name_it_is_the_proven_one_before(deployed, place, fake):
    outcome = rollback(place, "", fake.hands)

    assert deployed[0] == outcome.release == current_release(place)
    assert ["start one", "gate one"] == fake.log


def test_back_and_back_again_is_where_one_was(deployed, place, fake):
    for expected in (deployed[0], deployed[1], deployed[0]):
        assert expected == rollback(place, "", fake.hands).release


@pytest.mark.parametrize("number", [True, False])
def test_a_release_is_known_by_its_number_and_by_its_name(number, deployed, place, fake):
    wanted = "1" if number else deployed[0]

    assert deployed[0] == rollback(place, wanted, fake.hands).release


@pytest.mark.usefixtures("deployed")
def test_secrets_that_a_killed_restore_took_over_are_given_back_first(place, fake, tmp_path):
    before = (place.secrets / keys.MASTER).read_bytes()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / keys.MASTER).write_bytes(bytes(32))
    adoption.adopt(place, tmp_path / "others")

    rollback(place, "1", fake.hands)

    assert before == (place.secrets / keys.MASTER).read_bytes()


def test_a_receipt_tells_of_it(deployed, place, fake):
    rollback(place, "1", fake.hands)

    newest = next(receipts.read_all(place.receipts))
    assert ("rollback", "proven", deployed[0], deployed[1]) == (
        newest.operation,
        newest.outcome,
        newest.release,
        newest.previous,
    )


@pytest.mark.usefixtures("deployed")
def test_secrets_are_those_of_today_and_not_those_of_then(place, fake):
    path = place.secrets / "qdrant/api_key"
    before = path.read_text()
    keys.rotate(place.secrets, "qdrant/api_key")

    rollback(place, "", fake.hands)

    assert before != path.read_text()
    assert keys.value(place.secrets, "qdrant/api_key", 2) == path.read_text()


def test_a_release_that_does_not_hold_any_more_is_taken_back_again(deployed, place, fake):
    fake.bad.add("one")

    with pytest.raises(CommandError, match="did not prove itself"):
        rollback(place, "1", fake.hands)

    assert deployed[1] == current_release(place)
    assert "rolled back" == next(receipts.read_all(place.receipts)).outcome


def test_what_was_never_proven_is_refused_with_those_that_are(deployed, place, fake):
    with pytest.raises(ConflictError, match="never proved itself") as refused:
        rollback(place, "3", fake.hands)

    assert all(release in refused.value.hint for release in deployed)
    assert [] == fake.log


def test_what_is_not_there_is_named_with_what_is(deployed, place, fake):
    with pytest.raises(MissingError, match="no such release") as refused:
        rollback(place, "9", fake.hands)

    assert deployed[0] in refused.value.hint
    assert [] == fake.log


@pytest.mark.parametrize("wanted", ["", "1"])
def test_nothing_goes_back_where_nothing_was_deployed(wanted, place, fake):
    place.releases.mkdir(parents=True)

    with pytest.raises(MissingError):
        rollback(place, wanted, fake.hands)

    assert [] == fake.log


def test_a_single_release_has_none_before_it(place, ship, fake):
    apply(place, ship(), fake.hands)

    with pytest.raises(MissingError, match="no other release was proven"):
        choose(place, "")


@pytest.mark.parametrize("path", ["supervisord.conf", "services.json", "release.json", None])
def test_what_is_damaged_is_not_put_in_force(path, deployed, place, ship, fake):
    if path:
        (place.releases / deployed[0] / path).unlink()
    else:
        (place.venv / ship().venv / "complete").unlink()

    with pytest.raises(ConflictError, match="not whole any more"):
        rollback(place, "1", fake.hands)

    assert deployed[1] == current_release(place)
    assert [] == fake.log


@pytest.mark.usefixtures("deployed")
def test_a_release_on_other_data_is_left_to_a_restore(place, ship, fake):
    apply(place, ship("four", generation="2"), fake.hands)
    fake.log.clear()

    with pytest.raises(ConflictError, match="ran on other data") as refused:
        rollback(place, "1", fake.hands)

    assert "Restore" in refused.value.hint
    assert [] == fake.log


def test_whoever_comes_second_waits_and_then_refuses(deployed, place, fake):
    with lease(place.run, "deploy"), pytest.raises(BusyError):
        rollback(place, "1", fake.hands)

    assert deployed[1] == current_release(place)
