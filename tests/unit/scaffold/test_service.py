# SPDX-License-Identifier: Apache-2.0
import os
import shutil
from pathlib import Path

import pytest
import yaml

from beast_ops.cards import read_card
from beast_ops.errors import PreflightError, UsageError
from beast_ops.scaffold import service

CLONE = Path(__file__).parents[3]
PORTS = {"qdrant_port": 6333}
ROLES = frozenset({"qdrant", "beast_api", "host"})


@pytest.fixture
def clone(tmp_path):
    shutil.copytree(CLONE / "roles", tmp_path / "roles")
    return tmp_path


def draft(name, port=None):
    return service.draft(name, port, PORTS, ROLES)


@pytest.mark.parametrize(
    ("name", "role"), [("demo", "demo"), ("my-demo-2", "my_demo_2"), ("beast-x", "beast_x")]
)
def test_a_good_name_becomes_a_role(name, role):
    assert draft(name) == service.Draft(name, role, 8100)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Demo",
        "1demo",
        "de_mo",
        "demo-",
        "-demo",
        "de--mo",
        "d.emo",
        "../demo",
        "dëmo",
        "x" * 41,
    ],
)
def test_what_is_no_host_name_is_refused(name):
    with pytest.raises(UsageError, match="not a name"):
        draft(name)


@pytest.mark.parametrize(
    "name", ["qdrant", "qdrant-two", "hostess", "q", "beast-api", "beast-api-2"]
)
def test_no_name_begins_anothers(name):
    with pytest.raises(UsageError, match="begins the other"):
        draft(name)


@pytest.mark.parametrize("name", ["ansible", "ansible-x", "beast", "inventory", "supervisord"])
def test_names_with_another_meaning_are_refused(name):
    with pytest.raises(UsageError, match="means something else"):
        draft(name)


@pytest.mark.parametrize(
    ("port", "part"), [(80, "no root"), (70000, "no root"), (6333, "this port is qdrant_port")]
)
def test_ports_are_judged(port, part):
    with pytest.raises(UsageError, match=part):
        draft("demo", port)


def test_without_a_port_the_first_free_one_is_taken():
    taken = {"a_port": 8100, "b_port": 8101}

    assert service.draft("demo", None, taken, ROLES).port == 8102


def test_the_role_has_the_shape_of_the_others(clone):
    told = service.write(clone, "my-demo", 8111)

    ours = {path.relative_to(clone / "roles/my_demo") for path in files(clone / "roles/my_demo")}
    others = {path.relative_to(clone / "roles/qdrant") for path in files(clone / "roles/qdrant")}
    assert others <= ours
    assert "  - my_demo" in told
    assert "http://127.0.0.1:8111/" in told[-1]


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def load(path):
    return yaml.safe_load(path.read_text())


def test_the_card_is_a_card_and_settings_agree(clone):
    service.write(clone, "my-demo", 8111)
    role = clone / "roles/my_demo"
    options = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    text = (role / "vars/main.yml").read_text()
    for template in ("{{ my_demo_port }}", "{{ my_demo_port ~ '' }}"):
        text = text.replace(f'"{template}"', "8111" if "~" not in template else "'8111'")

    card = read_card(yaml.safe_load(text)["__my_demo_card"])

    assert (card.name, card.role, card.port) == ("my-demo", "my_demo", 8111)
    assert card.process[-2:] == ("my-demo", "8111")
    defaults = {name: option["default"] for name, option in options.items()}
    assert load(role / "defaults/main.yml") == defaults == {"my_demo_port": 8111}


def test_its_scenario_has_five_lines(clone):
    service.write(clone, "my-demo", 8111)

    lines = (clone / "molecule/my_demo/molecule.yml").read_text().splitlines()

    assert len(lines) == 5
    assert load(clone / "molecule/my_demo/molecule.yml") == {"scenario": {"name": "my_demo"}}


def test_nothing_is_left_unfilled(clone):
    service.write(clone, "demo")

    for path in [*files(clone / "roles/demo"), *files(clone / "molecule/demo")]:
        assert "$" not in path.read_text(), path
        assert path.suffix != ".template"


def test_the_same_name_twice_is_refused_and_nothing_changed(clone):
    service.write(clone, "demo")
    before = {path: path.read_bytes() for path in files(clone)}

    with pytest.raises(UsageError):
        service.write(clone, "demo")

    assert {path: path.read_bytes() for path in files(clone)} == before


def test_a_scenario_of_that_name_is_in_the_way(clone):
    (clone / "molecule/demo").mkdir(parents=True)

    with pytest.raises(UsageError, match="is there already"):
        service.write(clone, "demo")

    assert not (clone / "roles/demo").exists()


def test_the_second_half_failing_takes_back_the_first(clone, monkeypatch):
    rename = os.rename

    def fail(source, target):
        if "molecule" in str(target):
            raise OSError(28, "No space left on device", str(target))
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail)

    with pytest.raises(PreflightError, match="No space left"):
        service.write(clone, "demo")

    assert not (clone / "roles/demo").exists()
    assert sorted(path.name for path in clone.iterdir()) == ["molecule", "roles"]


def test_a_clone_that_cannot_be_written_is_said(clone, monkeypatch):
    def fail(**_words):
        raise PermissionError(13, "Permission denied", str(clone))

    monkeypatch.setattr(service.tempfile, "TemporaryDirectory", fail)

    with pytest.raises(PreflightError, match="Permission denied"):
        service.write(clone, "demo")


def test_ports_of_the_real_roles_are_known():
    assert service.declared_ports(CLONE)["qdrant_port"] == 6333
