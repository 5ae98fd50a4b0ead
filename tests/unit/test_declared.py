# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from beast_ops.declared import declared, refuse_unknown
from beast_ops.errors import BeastError, SettingsError

CLONE = Path(__file__).parents[2]
SPECS = """
argument_specs:
  main:
    options:
      demo_port: {type: int, default: 80, description: [One sentence., Another.]}
      demo_mode: {choices: [a, b], default: a}
      demo_given: {type: dict, required: true, description: Handed over by the playbook.}
"""
WHOLE = "__project_settings: {beast_root: {type: path, description: Where.}}"


@pytest.fixture
def clone(tmp_path):
    for path, text in {
        "roles/demo/meta/argument_specs.yml": SPECS,
        "roles/project/vars/main.yml": WHOLE,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_settings_are_what_roles_declare_and_the_installations_own(clone):
    assert {"demo_port", "demo_mode", "beast_root"} == declared(clone).keys()


def test_what_a_playbook_hands_over_is_no_setting(clone):
    assert "demo_given" not in declared(clone)


def test_a_setting_knows_type_choices_role_and_meaning(clone):
    port, mode = declared(clone)["demo_port"], declared(clone)["demo_mode"]

    assert ("int", "demo", "One sentence. Another.") == (port.type, port.role, port.description)
    assert ("str", ("a", "b")) == (mode.type, mode.choices)


def test_the_house_has_settings():
    found = declared(CLONE)

    assert {"qdrant_port", "beast_api_port", "beast_services", "host_disk_mib"} <= found.keys()
    assert all(setting.description for setting in found.values())


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["qdrant_port", "beast_root", "beast_api_hosts"],
        ["ansible_host", "inventory_dir", "groups", "other_port", "__qdrant_card"],
        ["qdrantish", "beastly"],
    ],
)
def test_settings_and_what_belongs_to_others_pass(names):
    refuse_unknown(CLONE, names, ["qdrant", "beast_api"])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("qdrant_prot", "Did you mean qdrant_port?"),
        ("beast_servces", "Did you mean beast_services?"),
        ("beast_xyzzy_plugh_foo", "See docs/reference/settings.md."),
        ("qdrant_", "Did you mean qdrant_port?"),
    ],
)
def test_a_misspelt_setting_is_refused_with_the_closest(name, hint):
    with pytest.raises(SettingsError) as caught:
        refuse_unknown(CLONE, [name, "qdrant_port"], ["qdrant"])

    assert [name, hint] == [caught.value.subject, caught.value.hint]


def test_settings_of_a_service_that_is_not_there_do_not_matter():
    refuse_unknown(CLONE, ["qdrant_prot"], ["ollama"])


def test_all_that_is_misspelt_is_named_at_once():
    with pytest.raises(SettingsError) as caught:
        refuse_unknown(CLONE, ["qdrant_zz", "beast_aa"], ["qdrant"])

    assert "beast_aa, qdrant_zz" == caught.value.subject


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "argument_specs: []", "a: b: c", "\t", "argument_specs: {main: 1}"]
)
def test_a_damaged_declaration_is_named(text, clone):
    path = clone / "roles/demo/meta/argument_specs.yml"
    path.write_text(text)

    with pytest.raises(BeastError, match="cannot read what a role declares") as caught:
        declared(clone)

    assert str(path) == caught.value.subject


def test_a_clone_without_its_middle_is_named(clone):
    (clone / "roles/project/vars/main.yml").unlink()

    with pytest.raises(BeastError, match="cannot read what a role declares"):
        declared(clone)


def test_a_declaration_runs_nothing(clone):
    (clone / "roles/demo/meta/argument_specs.yml").write_text("!!python/object/apply:os.abort []")

    with pytest.raises(BeastError):
        declared(clone)
