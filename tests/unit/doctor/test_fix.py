# SPDX-License-Identifier: Apache-2.0
import os
from types import SimpleNamespace

import pytest

from beast_ops.doctor import fix as fixing
from beast_ops.doctor import table
from beast_ops.errors import BusyError, UnavailableError
from beast_ops.lease import lease


def test_exactly_what_is_called_fixable_has_a_fix():
    assert {each.id for each in table.CHECKS.values() if each.fixable} == fixing.FIXES.keys()


def test_nothing_to_mend_needs_no_lease(place):
    with lease(place.run, "deploy"):
        assert [] == fixing.fix(place, [table.DISK.found("full")])


def test_nothing_is_mended_while_another_is_at_it(place):
    with lease(place.run, "deploy"), pytest.raises(BusyError):
        fixing.fix(place, [table.STOPPED.found("")])


def test_leftovers_go_and_all_else_stays(place):
    gone = [place.releases / ".2-abc", place.data / ".2"]
    for path in gone:
        path.mkdir()
        os.utime(path, (0, 0), follow_symlinks=False)
    link = place.data / ".link"
    link.symlink_to(place.secrets)
    os.utime(link, (0, 0), follow_symlinks=False)

    assert ["BEAST-D404: removed data/.2, data/.link, releases/.2-abc."] == fixing.fix(
        place, [table.LEFTOVER.found("")]
    )
    assert not any(os.path.lexists(path) for path in (*gone, link))
    assert place.secrets.is_dir()
    assert (place.data / "1" / "kept").is_dir()
    assert ["BEAST-D404: removed nothing."] == fixing.fix(place, [table.LEFTOVER.found("")])


def test_data_is_given_to_its_user(place, monkeypatch):
    given = []
    owner = [(place.data / "1" / "kept", (4711, 1)), (place.data / "gone", (1, 1))]
    monkeypatch.setattr(fixing.machine, "data_owners", lambda _: owner)
    monkeypatch.setattr(fixing.os, "chown", lambda *words, **_: given.append(words))

    fixing.fix(place, [table.DATA_OWNER.found("")])
    assert [(place.data / "1" / "kept", 4711, 1)] == given


def test_what_cannot_be_mended_is_said(place, monkeypatch):
    def refuse(_place):
        raise UnavailableError("nobody answers")

    def deny(*_words, **_more):
        raise PermissionError(1, "not permitted", "kept")

    monkeypatch.setattr(fixing, "of", lambda _: SimpleNamespace(start=refuse))
    monkeypatch.setattr(fixing.machine, "data_owners", deny)
    found = [table.DATA_OWNER.found(""), table.STOPPED.found("")]

    assert [
        "BEAST-D403: could not be mended: not permitted (kept).",
        "BEAST-D301: could not be mended: nobody answers.",
    ] == fixing.fix(place, found)


def test_services_are_started(place, monkeypatch):
    begun = []
    monkeypatch.setattr(fixing, "of", lambda _: SimpleNamespace(start=begun.append))

    assert ["BEAST-D301: all services were started."] == fixing.fix(
        place, [table.STOPPED.found("")]
    )
    assert [place] == begun


def test_without_a_record_nobody_knows_the_secrets(place):
    (place.current / "release.json").unlink()
    (place.secrets / "master.key").unlink()

    assert ["BEAST-D202: secrets are closed to others.",
            "BEAST-D204: nobody knows any more what was handed over."] == fixing.fix(
        place, [table.SECRET_FILE.found(""), table.OPEN_SECRETS.found("")]
    )  # fmt: skip
