# SPDX-License-Identifier: Apache-2.0
"""The scenario `full` sets every option of every service to something else than its default."""

from pathlib import Path

import yaml

from beast_ops.declared import declared

CLONE = Path(__file__).parents[2]
FOLDER = CLONE / "molecule/full"


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


OPTIONS = {name: each for name, each in declared(CLONE).items() if each.role != "project"}
ROLES = {each.role for each in OPTIONS.values()}
SET, LEFT = read(FOLDER / "vars/settings.yml"), read(FOLDER / "vars/left_alone.yml")


def pinned(name):
    return name.endswith(("_image", "_version"))


def test_every_service_takes_part():
    assert {"ollama", "qdrant", *(FOLDER / "needs.txt").read_text().split()} == ROLES - {
        "docker",
        "host",
    }


def test_every_option_is_set_or_left_alone_for_a_reason():
    assert len(OPTIONS) > 80
    assert {name for name in OPTIONS if not pinned(name)} == SET.keys() | LEFT.keys() - {"images"}
    assert not SET.keys() & LEFT.keys()
    assert all(LEFT.values())


def test_every_option_is_other_than_its_default():
    assert [] == [name for name, value in SET.items() if value == OPTIONS[name].default]
