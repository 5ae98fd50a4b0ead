# SPDX-License-Identifier: Apache-2.0
"""Every setting does something, and restarts nobody but the service it belongs to."""

import json
from pathlib import Path

import pytest
import yaml

from beast_ops.declared import declared
from beast_ops.errors import BeastError

CLONE = Path(__file__).parents[3]
CASES = yaml.safe_load((CLONE / "tests/cases/compose/settings.yml").read_text(encoding="utf-8"))
REFUSED = yaml.safe_load((CLONE / "tests/cases/compose/refused.yml").read_text(encoding="utf-8"))
ROLES = yaml.safe_load((CLONE / "inventory/server/group_vars/all.yml").read_text())[
    "beast_services"
]
SETTINGS = {name: each for name, each in declared(CLONE).items() if each.role in ROLES}


@pytest.fixture(scope="module")
def drafted(inventory):
    """Return a function that returns the draft with some settings given, made once."""
    known = {}

    def find(given):
        key = json.dumps(given, sort_keys=True)
        if key not in known:
            known[key] = inventory.draft(**given)
        return known[key]

    return find


NAMED = {
    "beast_api_access": {"guesses": 3},
    "beast_api_limits": {"search": 3},
    "beast_api_rerank": {"candidates": 20},
    "beast_worker_tasks": {"steps": 13},
}


def other(setting, value):
    """Return another value of the same kind."""
    if setting.choices:
        return next(choice for choice in setting.choices if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if setting.name in NAMED:
        return NAMED[setting.name]
    return {**value, "more": "/more"} if isinstance(value, dict) else [*value, "more"]


def all_of(draft):
    """Return everything that a draft comes to."""
    release = draft.release
    return (release.services, release.config, release.definitions, release.given, draft.shapes)


def changes(draft):
    return {each.role: each.change for each in draft.release.services}


def test_what_is_said_of_settings_is_said_of_those_there_are():
    assert CASES.keys() <= SETTINGS.keys()
    assert all(case["why"] for case in CASES.values())
    assert len(SETTINGS) > 80


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_restarts_its_own_service_and_nobody_it_need_not(name, inventory, drafted):
    setting, case = SETTINGS[name], CASES.get(name, {})
    given = case.get("given", {})
    value = case.get("to", other(setting, inventory.value(name, **given)))
    before = drafted(given)

    after = inventory.draft(**{**given, name: value})

    restarted = {role for role, change in changes(after).items() if change != changes(before)[role]}
    assert set(case.get("restarts", [setting.role])) == restarted
    assert all_of(before) != all_of(after), "it does nothing"


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: " ".join(case["given"]))
def test_what_cannot_work_is_refused_before_anything_changes(case, inventory):
    assert case["given"].keys() <= SETTINGS.keys()
    assert case["why"]

    with pytest.raises(BeastError) as refused:
        inventory.draft(**case["given"])

    assert case["says"] in refused.value.paragraph()
    assert "hunter2" not in refused.value.paragraph()


def test_tasks_see_their_folders_to_read_and_their_sandbox_to_write(inventory):
    bounds = {"folders": ["/srv/notes", "/srv/papers"], "sandbox": "/srv/drafts"}
    given = {"beast_worker_tasks": bounds, "beast_worker_folders": ["/srv/notes"]}

    found = inventory.draft(**given).release.definitions["beast-worker"]["volumes"]

    seen = {each["target"]: each.get("read_only", False) for each in found}
    assert [True, True, False] == [seen[f"/srv/{name}"] for name in ("notes", "papers", "drafts")]
    assert len(seen) == len(found), "nothing is mounted twice"
