# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.cards import read_card
from beast_ops.errors import BeastError
from beast_ops.release.build import Site, build, digest

CASES = sorted((Path(__file__).parents[2] / "cases/release").glob("*.yml"))
SITE = Site("beast", "embedded", "/r", "1", "v1", {})


def made(cards, site=SITE):
    return build([read_card(card) for card in cards], site)


def by_name(release):
    return {service.name: service for service in release.services}


def test_there_are_cases():
    assert len(CASES) > 15


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_cards_make_what_the_case_says(path):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    expected = case["expect"]
    assert expected.keys() <= {"error", "services", "environment", "handovers"}
    if "error" in expected:
        with pytest.raises(BeastError) as caught:
            made(case["given"])

        assert expected["error"] in caught.value.paragraph()
        return
    release = made(case["given"])
    services = by_name(release)
    if "services" in expected:
        assert expected["services"] == list(services)
    for name, variables in expected.get("environment", {}).items():
        found = {variable: services[name].environment.get(variable) for variable in variables}
        assert variables == found
    if "handovers" in expected:
        assert expected["handovers"] == [
            f"{item.reader}/{item.file}={item.owner}/{item.name}" for item in release.handovers
        ]


THREE = [
    {
        "name": name,
        "role": name,
        "port": port,
        "process": [name],
        "config": {"settings.json": {"port": port}, "x.yml": {"a": [1]}, "text": "as it is"},
        "secrets": {"key": {}},
        "volumes": {"shared": "/shared", f"own_{name}": "/own"},
        "offers": {f"x{name}": {"port": port, "key": "key"}},
        "wants": {"xa": {"url": "URL", "key": "URL_KEY_FILE"}} if name == "b" else {},
    }
    for name, port in (("a", 1), ("b", 2), ("c", 3))
]


def changed(one, other):
    before, after = by_name(one), by_name(other)
    return {name for name in before if before[name].change != after[name].change}


def test_the_same_cards_make_the_same_release():
    assert made(THREE) == made(json.loads(json.dumps(THREE)))


def test_the_order_of_keys_makes_no_difference():
    mixed = [dict(reversed(card.items())) for card in THREE]

    assert set() == changed(made(THREE), made(mixed))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"process": ["other"]}, {"b"}),
        ({"environment": {"X": "1"}}, {"b"}),
        ({"config": {"settings.json": {"port": 9}}}, {"b"}),
        ({"config": {}}, {"b"}),
        ({"health": {"path": "/new"}}, set()),
        ({"metrics": {"path": "/metrics"}}, set()),
        ({"volumes": {"more": "/more"}}, set()),
    ],
)
def test_one_changed_card_changes_one_service(said, expected):
    a, b, c = THREE

    assert expected == changed(made(THREE), made([a, {**b, **said}, c]))


def test_a_new_address_changes_who_wants_it_too():
    a, b, c = THREE
    moved = {**a, "port": 9, "config": {}, "offers": {"xa": {"port": 9, "key": "key"}}}

    assert {"a", "b"} == changed(made(THREE), made([moved, b, c]))


def test_a_rotation_changes_all_readers_and_nobody_else():
    rotated = dataclasses.replace(SITE, versions={"a/key": 2})

    assert {"a", "b"} == changed(made(THREE), made(THREE, rotated))


def test_a_secret_that_its_service_takes_while_it_runs_restarts_nothing():
    cards = [{**each} for each in THREE]
    owner = next(each for each in cards if "key" in each.get("secrets", {}))
    owner["secrets"] = {**owner["secrets"], "password": {"rotate": "api"}}
    rotated = dataclasses.replace(SITE, versions={f"{owner['name']}/password": 2})

    assert set() == changed(made(cards), made(cards, rotated))


def test_a_rotation_back_to_the_first_version_is_none():
    same = dataclasses.replace(SITE, versions={"a/key": 1, "gone/key": 7})

    assert set() == changed(made(THREE), made(THREE, same))


@pytest.mark.parametrize("said", [{"venv": "v2"}, {"root": "/other"}])
def test_what_all_depend_on_changes_all(said):
    assert {"a", "b", "c"} == changed(made(THREE), made(THREE, dataclasses.replace(SITE, **said)))


def test_other_data_are_no_other_settings():
    """A restore makes the very release that a deploy would make then."""
    assert set() == changed(made(THREE), made(THREE, dataclasses.replace(SITE, generation="2")))


def test_one_more_service_changes_no_other():
    more = {"name": "d", "role": "d", "port": 4, "process": ["d"]}

    assert set() == changed(made(THREE), made([*THREE, more]))


def test_configuration_is_named_by_its_content():
    release = made(THREE)
    folder = by_name(release)["a"].environment["BEAST_CONFIG"]

    assert folder.startswith("/r/config/a/")
    assert f"{folder.removeprefix('/r/config/')}/text" in release.config


def test_configuration_is_json_yaml_or_text_by_its_name():
    texts = {path.rpartition("/")[2]: text for path, text in made(THREE[:1]).config.items()}

    assert {"port": 1} == json.loads(texts["settings.json"])
    assert "a:\n- 1\n" == texts["x.yml"]
    assert "as it is" == texts["text"]


def test_volumes_are_named_once():
    assert {"own_a": "", "own_b": "", "own_c": "", "shared": ""} == made(THREE).volumes


def test_a_neighbour_is_not_run():
    neighbour = {"name": "n", "role": "n", "external": "http://x", "process": ["n"]}
    found = by_name(made([*THREE, neighbour]))["n"]

    assert (None, True, "http://x") == (found.process, found.external, found.address)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(JSON, JSON)
def test_equal_values_and_only_those_have_the_same_hash(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

    assert same == (digest(one) == digest(other))


def test_hashes_stay_what_they_were():
    # A new way of hashing would restart every service of every installation.
    assert "6ac990c840cd" == digest(["x", {"b": 1, "a": "ü"}])
