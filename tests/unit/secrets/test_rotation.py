# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest

from beast_ops import keys
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import (
    BusyError,
    CommandError,
    ConflictError,
    MissingError,
    ServiceError,
    UnavailableError,
)
from beast_ops.lease import lease
from beast_ops.secrets.rotation import begin, prove

from .conftest import derived

KEY, PASSWORD = "qdrant/api_key", "open-webui/admin_password"


@pytest.fixture
def hasty():
    """A clock on which a second passes at each look."""
    moments = itertools.count()
    return Clock(now=SYSTEM.now, monotonic=lambda: float(next(moments)), sleep=lambda _: None)


def test_a_new_version_counts_and_is_brought_by_the_next_deploy(install, qdrant):
    place = install(qdrant)

    assert 2 == begin(place, KEY)

    assert {KEY: 2} == keys.versions(place.secrets)
    assert not (place.secrets / "qdrant").exists()


def test_each_rotation_goes_on_from_the_last(install, qdrant):
    place = install(qdrant)

    assert [2, 3, 4] == [begin(place, KEY) for _ in range(3)]


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("open-webui/secret_key", "is encrypted with it", "would be lost"),
        ("open-webui/mail_password", "is yours", "secrets.set open-webui/mail_password"),
    ],
)
def test_what_does_not_rotate_is_refused_with_the_reason(name, reason, hint, install, webui):
    place = install(webui)

    with pytest.raises(ConflictError, match=reason) as refused:
        begin(place, name)

    assert 64 == refused.value.exit_code
    assert hint in refused.value.hint
    assert {} == keys.versions(place.secrets)


def test_a_secret_nobody_has_is_refused(install, qdrant):
    with pytest.raises(MissingError, match="no such secret"):
        begin(install(qdrant), "qdrant/nothing")


def test_a_rotation_waits_for_other_operations(install, qdrant, hasty):
    place = install(qdrant)

    with lease(place.run, "deploy"), pytest.raises(BusyError):
        begin(place, KEY, hasty)

    assert {} == keys.versions(place.secrets)


def test_a_password_is_changed_in_the_service_then_in_the_files(install, webui, application):
    place = install(webui, filled=[("open-webui", "environment", "P='{admin_password}'")])
    keys.keep_given(place.secrets, "open-webui/mail_password", "m")
    (place.secrets / "open-webui").mkdir()
    (place.secrets / "open-webui/admin_email").write_text("admin@localhost")

    assert 2 == begin(place, PASSWORD)

    assert derived(PASSWORD, 2) == application.password
    assert f"P='{application.password}'" == (place.secrets / "open-webui/environment").read_text()


@pytest.fixture
def emailed(install, webui):
    """An installation of the application whose administrator's address is known."""
    place = install(webui)
    (place.secrets / "open-webui").mkdir()
    (place.secrets / "open-webui/admin_email").write_text("admin@localhost")
    keys.keep_given(place.secrets, "open-webui/mail_password", "m")
    return place


def test_a_change_that_was_interrupted_is_gone_on_with(emailed, application):
    application.password = derived(PASSWORD, 2)  # the service has it, the versions do not say so

    assert 2 == begin(emailed, PASSWORD)


def test_a_password_that_somebody_changed_there_is_not_ours_to_rotate(emailed, application):
    application.password = "hunter2"

    with pytest.raises(ServiceError, match="somebody changed it there"):
        begin(emailed, PASSWORD)

    assert {} == keys.versions(emailed.secrets)


def test_a_service_that_refuses_the_new_one_keeps_the_old(emailed, application):
    application.status = 400

    with pytest.raises(ServiceError, match="answered 400 to a new password") as refused:
        begin(emailed, PASSWORD)

    assert {} == keys.versions(emailed.secrets)
    assert derived(PASSWORD, 2) not in refused.value.paragraph()


def test_a_service_of_which_nobody_knows_how_is_told(install, qdrant):
    service = qdrant.model_copy(
        update={
            "secrets": {"api_key": qdrant.secrets["api_key"].model_copy(update={"rotate": "api"})}
        }
    )

    with pytest.raises(ServiceError, match="no way to change this by its API"):
        begin(install(service), KEY)


@pytest.mark.parametrize("name", [KEY, "qdrant/read_only_key"])
def test_a_proof_is_that_the_new_one_opens_and_the_old_one_does_not(name, install, qdrant, store):
    place = install(qdrant)
    begin(place, name)
    store.good = {derived(name, 2)}

    proof = prove(place, name)

    assert (2, True, False, True) == (
        proof.version,
        proof.new_opens,
        proof.old_opens,
        proof.holds,
    )


@pytest.mark.parametrize(
    ("good", "complaint"), [((1,), "the new one is refused"), ((1, 2), "the old one still opens")]
)
def test_what_did_not_take_is_told_after_a_while(good, complaint, install, qdrant, store, hasty):
    place = install(qdrant)
    begin(place, KEY)
    store.good = {derived(KEY, version) for version in good}

    with pytest.raises(CommandError, match=complaint) as failed:
        prove(place, KEY, hasty)

    assert not any(derived(KEY, version) in failed.value.paragraph() for version in (1, 2))


def test_a_proof_waits_for_a_service_that_is_started_anew(install, qdrant, store):
    place = install(qdrant)
    begin(place, KEY)
    store.good = {derived(KEY, 1)}

    def restart(_):
        store.good = {derived(KEY, 2)}

    proof = prove(place, KEY, Clock(now=SYSTEM.now, monotonic=SYSTEM.monotonic, sleep=restart))

    assert proof.holds
    assert proof.new_opens


def test_a_proof_of_a_service_that_is_away_fails_after_a_while(install, qdrant, hasty):
    place = install(qdrant.model_copy(update={"address": "http://127.0.0.1:9"}))

    with pytest.raises(UnavailableError):
        prove(place, KEY, hasty)


def test_without_an_older_one_there_is_nothing_that_must_be_refused(install, qdrant, store):
    store.good = {derived(KEY, 1)}

    proof = prove(install(qdrant), KEY)

    assert (True, None) == (proof.new_opens, proof.old_opens)


def test_a_login_is_proven_too(emailed):
    begin(emailed, PASSWORD)

    proof = prove(emailed, PASSWORD)

    assert (True, False) == (proof.new_opens, proof.old_opens)


def test_what_nobody_knows_how_to_try_is_not_called_proven(emailed):
    proof = prove(emailed, "open-webui/secret_key")

    assert (None, None) == (proof.new_opens, proof.old_opens)
