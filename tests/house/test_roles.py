# SPDX-License-Identifier: Apache-2.0
"""Every role keeps the rules of the house."""

import re
from pathlib import Path

import pytest
import yaml

from beast_ops.cards import Card
from beast_ops.declared import declared

CLONE = Path(__file__).parents[2]
ROLES = sorted(path for path in (CLONE / "roles").iterdir() if path.is_dir())
SHARED = {"docker", "host", "project", "service"}
SERVICES = [role for role in ROLES if role.name not in SHARED]
SERVICE_LINES = 100


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def text(role, *suffixes):
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted(role.rglob("*"))
        if path.is_file() and path.suffix in suffixes
    )


def options(role):
    specs = load(role / "meta/argument_specs.yml")["argument_specs"]
    return {name: option for spec in specs.values() for name, option in spec["options"].items()}


def card(role):
    return load(role / "vars/main.yml")[f"__{role.name}_card"]


def each(roles):
    return pytest.mark.parametrize("role", roles, ids=lambda role: role.name)


def test_there_are_roles_to_guard():
    assert {"beast_api", "beast_worker", "ollama", "qdrant"} <= {role.name for role in SERVICES}
    assert SHARED <= {role.name for role in ROLES}


@each(ROLES)
def test_settings_are_declared_once_and_agree_in_names_and_values(role):
    given = {name: option for name, option in options(role).items() if not option.get("required")}

    assert {name: option["default"] for name, option in given.items()} == load(
        role / "defaults/main.yml"
    )
    assert all(option.get("description") for option in options(role).values())


@each(ROLES)
def test_defaults_are_of_the_type_they_declare(role):
    kinds = {"int": int, "float": float, "bool": bool, "list": list, "dict": dict}
    kinds |= {"str": str, "path": str}
    for name, option in options(role).items():
        if "default" in option:
            assert kinds[option["type"]] is type(option["default"]), name
            assert option["default"] in option.get("choices", [option["default"]]), name


@each(ROLES)
def test_the_same_setting_says_the_same_at_every_entry_point(role):
    specs = load(role / "meta/argument_specs.yml")["argument_specs"]
    for spec in specs.values():
        for name, option in spec["options"].items():
            assert option == options(role)[name]


@each(ROLES)
def test_every_entry_point_is_declared(role):
    files = {path.stem for path in (role / "tasks").glob("*.yml")} or {"main"}

    assert files == load(role / "meta/argument_specs.yml")["argument_specs"].keys()


def test_no_entry_point_is_named_with_a_suffix_which_would_skip_its_validation():
    named = [
        word
        for path in (*CLONE.glob("playbooks/*.yml"), *CLONE.glob("roles/**/*.yml"))
        for word in re.findall(r"tasks_from:\s*(\S+)", path.read_text(encoding="utf-8"))
    ]

    assert len(named) >= 3
    assert [] == [word for word in named if word.endswith((".yml", ".yaml"))]


def test_no_setting_could_belong_to_two_roles():
    owners = {
        name: [role.name for role in ROLES if name.startswith(f"{role.name}_")]
        for role in ROLES
        for name in options(role)
    }

    assert len(owners) > 15
    assert {} == {name: found for name, found in owners.items() if len(found) != 1}


def test_what_an_inventory_says_of_the_installation_belongs_to_no_role():
    whole = load(CLONE / "roles/project/vars/main.yml")["__project_settings"]

    assert len(whole) > 3
    assert all(name.startswith("beast_") for name in whole)
    assert not any(name.startswith(f"{role.name}_") for name in whole for role in ROLES)


def test_no_role_is_called_like_the_beginning_of_another():
    names = [role.name for role in ROLES]

    assert [] == [(a, b) for a in names for b in names if a != b and b.startswith(f"{a}_")]


@each(SERVICES)
def test_no_service_reads_what_belongs_to_another(role):
    own = text(role, ".yml", ".yaml", ".j2")
    others = {name for name, setting in declared(CLONE).items() if setting.role != role.name}
    others |= {f"__{other.name}_card" for other in ROLES if other != role}

    assert len(others) > 10
    assert [] == [name for name in sorted(others) if re.search(rf"\b{re.escape(name)}\b", own)]


@each(SERVICES)
def test_a_card_is_named_like_its_folder(role):
    assert role.name == card(role)["role"]
    assert role.name.replace("_", "-") == card(role)["name"]


@each(SERVICES)
def test_a_card_says_nothing_that_no_card_may_say(role):
    assert card(role).keys() <= Card.model_fields.keys()


@each(SERVICES)
def test_a_service_has_settings_and_a_card_and_no_tasks(role):
    parts = {path.name for path in role.iterdir()}

    assert (
        {"defaults", "meta", "vars"}
        <= parts
        <= {"defaults", "meta", "vars", "README.md", "templates", "files"}
    )


@each(SERVICES)
def test_a_service_is_small(role):
    lines = [line for line in text(role, ".yml").splitlines() if line.strip()]
    comments = [line for line in lines if line.lstrip().startswith(("#", "---"))]
    written = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    # Each setting takes its lines; what is fixed must stay small.
    assert len(lines) - len(comments) <= SERVICE_LINES + 5 * len(written)


@each(ROLES)
def test_what_is_private_and_what_is_public_is_seen_by_the_name(role):
    private = load(role / "vars/main.yml") if (role / "vars/main.yml").exists() else {}
    public = load(role / "defaults/main.yml")

    assert all(name.startswith(f"__{role.name}_") for name in private)
    assert all(name.startswith(f"{role.name}_") for name in public)


@each(SERVICES)
def test_an_image_has_a_version_that_an_updater_finds(role):
    given = load(role / "defaults/main.yml")
    lines = (role / "defaults/main.yml").read_text(encoding="utf-8").splitlines()
    images = [name for name in given if name.endswith("_image")]

    assert ("image" in card(role)) == bool(images)
    for image in images:
        version = image.removesuffix("image") + "version"
        above = lines[: next(i for i, line in enumerate(lines) if line.startswith(f"{version}:"))]

        assert "latest" not in str(given[version])
        assert f"# renovate: datasource=docker depName={given[image]}" in above[-3:]


INVENTORIES = sorted(path.parent for path in CLONE.glob("inventory/*/hosts.yml"))


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: path.name)
def test_an_inventory_knows_services_and_settings_that_exist(inventory):
    files = sorted(inventory.glob("*_vars/**/*.yml"))
    said = {name: value for path in files for name, value in load(path).items()}
    services = said["beast_services"]

    assert files
    assert set(services) <= {role.name for role in SERVICES}
    assert len(services) == len(set(services)) > 0
    assert said.keys() <= declared(CLONE).keys()


def test_there_is_the_inventory_the_verbs_take_by_themselves():
    assert "local" in [path.name for path in INVENTORIES]


def test_the_playbook_does_not_grow_with_the_services():
    site = (CLONE / "playbooks/site.yml").read_text(encoding="utf-8")

    assert [] == [role.name for role in SERVICES if role.name in site]
    assert len(site.splitlines()) <= 60


@pytest.mark.parametrize("shape", sorted((CLONE / "templates").rglob("*.j2")), ids=lambda p: p.name)
def test_a_shape_treats_all_services_alike(shape):
    written = shape.read_text(encoding="utf-8")
    names = {name for role in SERVICES for name in (role.name, card(role)["name"])}

    assert [] == [name for name in sorted(names) if re.search(rf"\b{name}\b", written)]
    assert len(written.splitlines()) <= 45
