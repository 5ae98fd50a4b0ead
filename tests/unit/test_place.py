# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from beast_ops.errors import NotDeployedError
from beast_ops.place import Place, installation


@pytest.mark.parametrize("environ", [{}, {"BEAST_ROOT": ""}])
def test_without_a_choice_it_is_a_folder_of_the_user(environ):
    assert Path("~/.beast").expanduser() == installation(environ).root


def test_a_tilde_is_the_users_home():
    assert Path("~/x").expanduser() == installation({"BEAST_ROOT": "~/x"}).root


@pytest.mark.parametrize("chosen", ["here", "./here", "here/", "here/../here"])
def test_a_relative_root_is_relative_to_where_one_stands(chosen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert tmp_path / "here" == installation({"BEAST_ROOT": chosen}).root


def test_a_link_the_user_chose_stays_as_chosen(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)

    assert tmp_path / "link" == installation({"BEAST_ROOT": str(tmp_path / "link")}).root


def test_everything_lies_below_the_root(tmp_path):
    place = Place(tmp_path)
    names = [name for name, kind in vars(Place).items() if isinstance(kind, property)]

    assert len(names) > 8
    assert all(getattr(place, name).is_relative_to(tmp_path) for name in names)


def test_a_place_without_a_release_says_what_to_type(tmp_path):
    with pytest.raises(NotDeployedError) as caught:
        Place(tmp_path).require_deployed()

    assert f"no installation here ({tmp_path}). Run: ./beast deploy" == caught.value.paragraph()


def test_a_link_that_leads_nowhere_is_no_installation(tmp_path):
    (tmp_path / "current").symlink_to("releases/1-x")

    with pytest.raises(NotDeployedError):
        Place(tmp_path).require_deployed()


def test_a_place_with_a_release_is_handed_back(tmp_path):
    place = Place(tmp_path)
    place.current.mkdir()
    place.services.write_text("{}")

    assert place is place.require_deployed()
