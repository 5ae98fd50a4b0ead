# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops import __version__
from beast_ops.errors import ConflictError, UsageError
from beast_ops.upgrade import breaking
from beast_ops.upgrade.breaking import CHANGES, Change, crossed, settle
from beast_ops.upgrade.ladder import number

RELEASE = "3-0123456789ab"


@pytest.fixture(autouse=True)
def _changes(monkeypatch):
    """Three changes, of which the last is still to come."""
    table = (
        Change("0.2.0", "the port moved", "tell your firewall"),
        Change("0.3.0", "a setting is gone", "take it out"),
        Change("0.5.0", "the future", "wait"),
    )
    monkeypatch.setattr(breaking, "CHANGES", table)
    monkeypatch.setattr(breaking, "__version__", "0.4.1")


def test_the_table_is_in_order_and_about_versions_that_are_there():
    versions = [number(each.version) for each in CHANGES]

    assert sorted(versions) == versions
    assert all(len(each) == 3 and each <= number(__version__) for each in versions)
    assert all(each.what and not each.what.endswith(".") for each in CHANGES)
    assert all(each.do and not each.do.endswith(".") for each in CHANGES)


@pytest.mark.parametrize(
    ("made", "versions"),
    [
        ("", ["0.2.0", "0.3.0"]),
        ("0.1.0", ["0.2.0", "0.3.0"]),
        ("0.2.0", ["0.3.0"]),
        ("0.2.9", ["0.3.0"]),
        ("0.3.0", []),
        ("0.4.1", []),
        ("0.10.0", []),
    ],
)
def test_what_lies_between_two_versions_is_crossed(made, versions):
    assert versions == [each.version for each in crossed(made)]


def test_each_change_is_named_with_what_to_do_and_the_flag():
    with pytest.raises(ConflictError) as refused:
        settle(RELEASE, "0.1.0", "")

    said = refused.value.paragraph()
    assert 64 == refused.value.exit_code
    assert f"Release {RELEASE} was made by version 0.1.0, " in said
    assert "(1) 0.2.0: the port moved. To do: tell your firewall." in said
    assert "(2) 0.3.0: a setting is gone. To do: take it out." in said
    assert "the future" not in said
    assert "Then run: ./beast deploy --acknowledge 0.3.0 " in said


def test_only_what_is_not_known_yet_is_asked_for():
    with pytest.raises(ConflictError) as refused:
        settle(RELEASE, "0.1.0", "0.2.0")

    assert "the port moved" not in str(refused.value)
    assert "(1) 0.3.0" in str(refused.value)


@pytest.mark.parametrize("known", ["0.3.0", "0.4.1"])
def test_what_is_known_goes_on_and_is_told(known):
    assert ("0.2.0", "0.3.0") == settle(RELEASE, "0.1.0", known)
    assert ("0.3.0",) == settle(RELEASE, "0.2.0", known)


@pytest.mark.parametrize(("release", "made"), [(RELEASE, "0.4.1"), (RELEASE, "0.9.0"), (None, "")])
@pytest.mark.parametrize("known", ["", "0.3.0"])
def test_where_nothing_is_crossed_nothing_is_asked(release, made, known):
    assert () == settle(release, made, known)


@pytest.mark.parametrize("known", ["0.5.0", "99", "all", "-"])
def test_nobody_knows_what_is_still_to_come(known):
    with pytest.raises(UsageError, match=r"0\.4\.1"):
        settle(RELEASE, "0.1.0", known)
