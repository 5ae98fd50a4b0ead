# SPDX-License-Identifier: Apache-2.0
import itertools
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from beast_ops import keys, receipts
from beast_ops.cards import read_services
from beast_ops.clock import SYSTEM
from beast_ops.errors import BeastError, TransientError
from beast_ops.release.land import KEPT_RELEASES, land, make_current, prune, withdraw
from beast_ops.release.observe import current_release, is_intact, read_record

AN_HOUR_LATER = SYSTEM._replace(now=lambda: SYSTEM.now() + timedelta(hours=1, minutes=1))


def a_receipt(release, outcome):
    return receipts.Receipt(
        operation="deploy",
        outcome=outcome,
        release=release,
        content="a",
        previous=None,
        started="",
        finished="",
        seconds=1.0,
        changed=(),
        checks=(),
    )


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def put_in_force(place, shipment):
    release = land(place, shipment)
    make_current(place, release)
    return release


def whole(place):
    """Return what the release in force says, after checking that all it names is there."""
    record = read_record(place, current_release(place))
    services = read_services(place.services)
    assert is_intact(place, record)
    assert len(record.files) == 3
    for service in services:
        assert names(service.environment["BEAST_CONFIG"]) != []
    assert not keys.missing(place.secrets, (keys.Handover(*item) for item in record.handovers))
    assert (place.current / "venv" / "complete").exists()
    return (place.current / "supervisord.conf").read_text()


def test_a_release_has_all_it_names(place, ship):
    release = put_in_force(place, ship())

    assert f"1-{ship().content}" == release
    assert "; one\n" == whole(place)
    assert (place.data / "1" / "vectors").is_dir()


def test_nothing_but_the_owner_may_look(place, ship):
    before = os.umask(0o077)  # as the host's side of a deploy does
    try:
        put_in_force(place, ship())
    finally:
        os.umask(before)

    ours = [
        path for path in place.root.rglob("*") if path.relative_to(place.root).parts[0] != "venv"
    ]
    assert len(ours) > 15
    assert [] == [path for path in ours if path.lstat().st_mode & 0o077 and not path.is_symlink()]


def test_to_land_puts_nothing_in_force(place, ship):
    land(place, ship())

    assert current_release(place) is None


def test_the_same_release_lands_once(place, ship):
    first = put_in_force(place, ship())

    assert first == land(place, ship())
    assert [first] == names(place.releases)


def test_another_release_has_the_next_number(place, ship):
    for number, text in enumerate(("one", "two", "one"), 1):
        release = put_in_force(place, ship(text))

        assert f"{number}-{ship(text).content}" == release


def test_numbers_are_numbers_and_count_what_is_there(place, ship):
    for name in ("2-aa", "10-bb", ".11-cc", "notes", "12"):
        (place.releases / name).mkdir(parents=True)

    assert land(place, ship()).startswith("11-")


@pytest.mark.parametrize("name", ["services.json", "supervisord.conf", "release.json"])
@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_a_damaged_release_is_written_anew(name, content, place, ship):
    first = put_in_force(place, ship())
    (place.current / name).unlink()
    if content is not None:
        (place.current / name).write_bytes(content)

    second = put_in_force(place, ship())

    assert first != second
    assert "; one\n" == whole(place)


@pytest.mark.parametrize("content", [None, b"", b"edited"])
def test_damaged_configuration_is_written_anew(content, place, ship):
    put_in_force(place, ship())
    (path,) = place.config.glob("qdrant/*/settings.json")
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    put_in_force(place, ship())

    assert '"one"' == path.read_text()
    assert "; one\n" == whole(place)


def test_a_rotation_meanwhile_asks_to_try_again(place, ship):
    place.secrets.mkdir(parents=True)
    (place.secrets / "versions").write_text("qdrant/api_key 2\n")

    with pytest.raises(TransientError, match="a secret was rotated"):
        land(place, ship())

    assert not place.releases.exists()


def test_a_damaged_master_key_lands_nothing(place, ship):
    place.secrets.mkdir(parents=True)
    (place.secrets / "master.key").write_bytes(b"short")

    with pytest.raises(BeastError, match="the master key has 5 bytes"):
        land(place, ship())

    assert [] == names(place.releases)


def test_without_a_release_in_force_a_withdrawal_does_nothing(place):
    withdraw(place)

    assert current_release(place) is None


def test_a_withdrawn_release_stays_but_is_not_in_force(place, ship):
    release = put_in_force(place, ship())

    withdraw(place)

    assert current_release(place) is None
    assert [release] == names(place.releases)


def test_a_death_between_any_two_steps_leaves_a_whole_release_in_force(place, ship, killed_at):
    put_in_force(place, ship("old"))
    text = ""

    for nth in itertools.count():
        killed = killed_at(lambda: put_in_force(place, ship("new")), nth)
        text = whole(place)

        assert text in {"; old\n", "; new\n"}
        if not killed:
            break

    assert nth > 15
    assert "; new\n" == text
    prune(place)
    assert [] == [name for name in names(place.releases) if name.startswith(".")]


def test_a_death_on_the_first_landing_is_repaired_by_the_next(place, ship, killed_at):
    for nth in itertools.count():
        killed = killed_at(lambda: put_in_force(place, ship()), nth)
        if not killed:
            break
        assert current_release(place) is None or "; one\n" == whole(place)

    assert nth > 15
    assert "; one\n" == whole(place)


def make_many(place, ship, count):
    for number in range(count):
        put_in_force(place, ship(str(number)))


def test_the_newest_releases_stay_with_all_they_name(place, ship):
    make_many(place, ship, KEPT_RELEASES + 3)

    prune(place)

    assert KEPT_RELEASES == len(names(place.releases))
    assert KEPT_RELEASES == len(list(place.config.glob("*/*")))
    for release in names(place.releases):
        make_current(place, release)
        whole(place)


def test_an_old_release_in_force_stays(place, ship):
    old = put_in_force(place, ship("old"))
    make_many(place, ship, KEPT_RELEASES + 1)
    make_current(place, old)

    prune(place)

    assert "; old\n" == whole(place)
    assert KEPT_RELEASES + 1 == len(names(place.releases))


def test_releases_are_counted_by_number_and_not_by_letter(place, ship):
    make_many(place, ship, 12)

    prune(place)

    numbers = sorted(int(name.split("-")[0]) for name in names(place.releases))
    assert [8, 9, 10, 11, 12] == numbers


def test_environments_that_no_release_names_go(place, ship, environment):
    environment(place, "f" * 12)
    put_in_force(place, ship())

    prune(place, AN_HOUR_LATER)

    assert [ship().venv] == names(place.venv)


def test_a_young_environment_may_be_that_of_a_deploy_under_way(place, ship, environment):
    environment(place, "f" * 12)
    put_in_force(place, ship())

    prune(place)

    assert {"f" * 12, ship().venv} == set(names(place.venv))


def test_the_newest_proven_releases_stay_however_many_failed_since(place, ship):
    releases = [put_in_force(place, ship(str(number))) for number in range(9)]
    for release in releases[:3]:
        receipts.write(place.receipts, a_receipt(release, "proven"))
    for release in releases[3:]:
        receipts.write(place.receipts, a_receipt(release, "failed"))

    prune(place)

    assert {*releases[1:3], *releases[4:]} == set(names(place.releases))


def test_an_environment_that_is_being_made_stays(place, ship):
    (place.venv / ("e" * 12)).mkdir()
    put_in_force(place, ship())

    prune(place)

    assert {"e" * 12, ship().venv} == set(names(place.venv))


@pytest.fixture
def damaged(place, ship, environment):
    """Return a function that damages a file of a kept release beside things no one names."""

    def make(name, content):
        environment(place, "f" * 12)
        make_many(place, ship, 3)
        path = place.releases / f"1-{ship('0').content}" / name
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        (place.config / "qdrant" / "unnamed").mkdir()

    return make


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"files": [{}]}', b"\xff"])
def test_nothing_goes_that_a_release_without_a_record_may_name(content, place, damaged):
    damaged("release.json", content)

    prune(place, AN_HOUR_LATER)

    assert (place.venv / ("f" * 12)).exists()
    assert 4 == len(list(place.config.glob("*/*")))


@pytest.mark.parametrize("content", [None, b"", b"\xff"])
def test_the_record_alone_says_what_a_release_names(content, place, damaged):
    damaged("services.json", content)

    prune(place, AN_HOUR_LATER)

    assert not (place.venv / ("f" * 12)).exists()
    assert 3 == len(list(place.config.glob("*/*")))


@pytest.mark.parametrize("spelling", ["{root}/", "{root}//", "{root}/../root"])
def test_configuration_is_known_by_its_hash_however_the_root_is_spelled(spelling, place, ship):
    shipment = ship()
    services = json.loads(shipment.files["services.json"])
    variables = services["services"][0]["environment"]
    variables["BEAST_CONFIG"] = variables["BEAST_CONFIG"].replace(
        str(place.root), spelling.format(root=place.root)
    )
    files = {**shipment.files, "services.json": json.dumps(services)}
    put_in_force(place, ship(files=files))

    prune(place)

    assert "; one\n" == whole(place)


def test_without_environments_there_is_nothing_to_prune(place, ship):
    put_in_force(place, ship())
    (place.venv / ship().venv / "complete").unlink()
    (place.venv / ship().venv).rmdir()
    place.venv.rmdir()

    prune(place)

    assert 1 == len(names(place.releases))


def test_a_death_while_pruning_leaves_a_whole_release_in_force(place, ship, killed_at):
    make_many(place, ship, KEPT_RELEASES + 2)

    for nth in itertools.count():
        killed = killed_at(lambda: prune(place), nth)

        assert f"; {KEPT_RELEASES + 1}\n" == whole(place)
        if not killed:
            break

    assert nth > 3
    assert KEPT_RELEASES == len(names(place.releases)) == len(list(place.config.glob("*/*")))


CONTAINER = {
    "owners": {"qdrant": "4711:4712"},
    "volumes": {"vectors": "4711:4712"},
    "filled": (("qdrant", "env", "KEY={api_key}"),),
}


def mode(path):
    return path.stat().st_mode & 0o777


def test_containers_of_other_users_read_configuration_whatever_the_umask(place, ship):
    before = os.umask(0o077)
    try:
        land(place, ship(**CONTAINER))
    finally:
        os.umask(before)

    (path,) = place.config.glob("qdrant/*/settings.json")
    assert (0o644, 0o755) == (mode(path), mode(path.parent))
    assert (place.run / "agent").is_dir()
    assert 0o700 == mode(place.secrets / "qdrant")
    assert 0o600 == mode(place.secrets / "qdrant/api_key")


def test_processes_of_our_own_need_no_open_configuration(place, ship):
    land(place, ship())

    (path,) = place.config.glob("qdrant/*/settings.json")
    assert 0o600 == mode(path)
    assert not (place.run / "agent").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_data_and_secrets_belong_to_the_user_of_their_container(place, ship):
    land(place, ship(**CONTAINER))

    given = [place.data / "1/vectors", *(place.secrets / "qdrant").iterdir()]
    assert {(4711, 4712)} == {(path.stat().st_uid, path.stat().st_gid) for path in given}
    assert 3 == len(given)


def test_files_of_secrets_are_filled_in_on_the_host_alone(place, ship):
    release = put_in_force(place, ship(**CONTAINER))

    secret = keys.read_secret(place.secrets / "qdrant/api_key")
    assert f"KEY={secret}" == (place.secrets / "qdrant/env").read_text()
    kept = [path for path in (place.releases / release).rglob("*") if path.is_file()]
    assert len(kept) > 2
    assert [] == [path for path in kept if secret in path.read_text()]
