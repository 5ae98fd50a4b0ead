# SPDX-License-Identifier: Apache-2.0
"""A new service is one role, its scenario, and one line; no other file knows of it."""

import re
import shutil

import pytest
import yaml

from beast_ops.declared import declared
from beast_ops.scaffold import service

NAME, ROLE = "zebra-crossing", "zebra_crossing"
SERVICES = "inventory/local/group_vars/all.yml"


@pytest.fixture(scope="module")
def grown(clone, tmp_path_factory):
    """A copy of the clone with one more service, and what was told about it."""
    copy = tmp_path_factory.mktemp("clone")
    for folder in ("roles", "inventory", "playbooks", "templates"):
        shutil.copytree(clone / folder, copy / folder)
    before = {path for path in copy.rglob("*") if path.is_file()}
    told = service.write(copy, NAME)
    return copy, before, told


def test_nothing_else_is_written_or_changed(grown, clone):
    copy, before, _ = grown
    new = {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()} - {
        path.relative_to(copy) for path in before
    }

    assert len(new) >= 5
    assert {("roles", ROLE), ("molecule", ROLE)} == {path.parts[:2] for path in new}
    for path in before:
        assert path.read_bytes() == (clone / path.relative_to(copy)).read_bytes()


def test_the_line_it_asks_for_is_the_only_one(grown):
    _, _, told = grown

    assert 1 == len([line for line in told if line.strip() == f"- {ROLE}"])
    assert SERVICES in "\n".join(told)


def test_no_file_of_the_project_names_a_service_that_could_be_added(sources):
    names = re.compile(rf"\b({NAME}|{ROLE})\b")

    assert ["tests/house/test_adding_a_service.py"] == [
        str(path) for path, text in sources.items() if names.search(text)
    ] or not any(names.search(text) for text in sources.values())


def test_its_settings_are_declared_and_its_card_is_one(grown):
    copy, _, _ = grown
    card = yaml.safe_load((copy / f"roles/{ROLE}/vars/main.yml").read_text())[f"__{ROLE}_card"]

    assert f"{ROLE}_port" in declared(copy)
    assert (NAME, ROLE) == (card["name"], card["role"])
