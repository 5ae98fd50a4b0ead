# SPDX-License-Identifier: Apache-2.0
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.cards import Card, Health, Service, Services, read_card, read_services
from beast_ops.errors import CardError, NotDeployedError
from beast_ops.testing import a_service, an_installation

LEAST = {"name": "demo", "role": "demo"}


@pytest.mark.parametrize("name", ["a", "open-webui", "n8n", "a1-2b", "a" * 40])
def test_a_name_is_a_dns_label(name):
    assert name == read_card({**LEAST, "name": name}).name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "A",
            "1a",
            "-a",
            "a-",
            "a--b",
            "a_b",
            "a b",
            "a\n",
            "a.b",
            "a/b",
            "..",
            "ä",
            "a" * 41,
        ),
        *(None, 1, ["a"], {"a": 1}),
    ],
)
def test_what_is_no_dns_label_is_no_name(name):
    with pytest.raises(CardError, match="name: "):
        read_card({**LEAST, "name": name})


@pytest.mark.parametrize("card", [None, [], "card", 1, {}, {"name": "a"}, {"role": "a"}])
def test_what_is_no_card_is_refused(card):
    with pytest.raises(CardError, match=r"required|dictionary"):
        read_card(card)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"prot": 1}, "prot: Extra"),
        ({"port": 0}, "port: "),
        ({"port": 65536}, "port: "),
        ({"port": "http"}, "port: "),
        ({"port": 1.5}, "port: "),
        ({"environment": {"lower": "x"}}, "environment.lower"),
        ({"environment": {"A=B": "x"}}, "environment.A=B"),
        ({"environment": {"A": 1}}, "environment.A"),
        ({"config": {"../x": {}}}, "config.../x"),
        ({"config": {".hidden": {}}}, "config..hidden"),
        ({"config": {"a/b": {}}}, "config.a/b"),
        ({"volumes": {"../x": "/x"}}, "volumes.../x"),
        ({"volumes": {"x": "x"}}, "volumes.x"),
        ({"volumes": ["x"]}, "volumes: "),
        ({"volumes": "jobs"}, "volumes: "),
        ({"secrets": {"api key": {}}}, "secrets.api key"),
        ({"secrets": {"api_key": {"rotate": "daily"}}}, "secrets.api_key.rotate"),
        ({"secrets": {"api_key": {"value": "hunter2"}}}, "secrets.api_key.value"),
        ({"health": {"seconds": 0}}, "health.seconds"),
        ({"health": {"seconds": float("nan")}}, "health.seconds"),
        ({"state": [{"how": "magic", "volume": "a", "set": "a"}]}, "state.0.how"),
        ({"wants": {"models": {"url": "URL", "key": "API_KEY"}}}, "must end in _FILE"),
        ({"offers": {"models": {"port": 1, "scheme": "ftp"}}}, "offers.models.scheme"),
        ({"process": "sleep 1"}, "process: "),
        ({"process": []}, "process: "),
        ({"external": "not an address"}, "external: "),
        ({"external": "ftp://host"}, "external: "),
        ({"external": "http://"}, "external: "),
        ({"external": "http://host:http"}, "external: "),
        ({"external": "http://[bad"}, "external: "),
        ({"external": "http://a b/"}, "external: "),
        ({"external": "http://me:hunter2@host"}, "external: "),
        ({"external": "http://host/?key=hunter2"}, "external: "),
    ],
)
def test_what_a_card_may_not_say_is_named_and_not_shown(said, field):
    with pytest.raises(CardError) as caught:
        read_card({**LEAST, **said})

    assert field in str(caught.value)
    assert "hunter2" not in caught.value.paragraph()
    assert "card of demo" == caught.value.subject


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:11434", "https://models.example/ollama/", "http://[::1]:1/x"]
)
def test_an_address_outside_is_one_of_http(address):
    assert address == read_card({**LEAST, "external": address}).external


def test_numbers_may_come_as_text_for_templates_make_them():
    assert 80 == read_card({**LEAST, "port": "80"}).port


def test_a_card_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        read_card(LEAST).name = "other"


def test_cards_do_not_share_what_they_did_not_say():
    one, other = read_card(LEAST), read_card(LEAST)
    one.environment["A"] = "1"

    assert {} == other.environment


def written(path, *services, **said):
    plain = {
        "version": 1,
        "project": "beast",
        "runtime": "embedded",
        "root": "/r",
        "data": "/r/data/1",
        "services": [service.model_dump(mode="json") for service in services],
    }
    path.write_text(json.dumps({**plain, **said}))
    return path


def test_services_come_back_in_start_order(tmp_path):
    path = written(tmp_path / "s.json", a_service("b"), a_service("a"))

    found = read_services(path)

    assert ["b", "a"] == [service.name for service in found]
    assert "a" == found.service("a").name


def test_a_service_nobody_runs_is_named_with_those_that_run(tmp_path):
    found = read_services(written(tmp_path / "s.json", a_service("a"), a_service("b")))

    with pytest.raises(CardError, match="no such service") as caught:
        found.service("c")

    assert "There are: a, b" == caught.value.hint


@pytest.mark.parametrize("version", [0, 3, 99])
@pytest.mark.parametrize("more", [{}, {"colour": "red"}, {"services": {"a": "other shape"}}])
def test_another_version_is_named_whatever_else_it_says(version, more, tmp_path):
    path = written(tmp_path / "s.json", version=version, **more)

    with pytest.raises(CardError, match=rf"written as version {version}, readable are \[1, 2\]"):
        read_services(path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '"x"', "1", '{"version": "1"}', '{"version": null}']
)
def test_a_damaged_file_is_refused(content, tmp_path):
    (tmp_path / "s.json").write_text(content)

    with pytest.raises(CardError) as caught:
        read_services(tmp_path / "s.json")

    assert "Run: ./beast deploy" == caught.value.hint
    assert str(tmp_path / "s.json") == caught.value.subject


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x00"])
def test_bytes_are_refused(content, tmp_path):
    (tmp_path / "s.json").write_bytes(content)

    with pytest.raises(CardError, match="Invalid JSON"):
        read_services(tmp_path / "s.json")


@pytest.mark.parametrize("path", [".", "none"])
def test_a_file_that_cannot_be_read_is_refused(path, tmp_path):
    with pytest.raises(CardError, match="cannot read the services: "):
        read_services(tmp_path / path)


TEXT = st.text(st.characters(codec="utf-8"), max_size=10)


@given(
    environment=st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,5}", fullmatch=True), TEXT),
    process=st.none() | st.lists(TEXT, min_size=1, max_size=3).map(tuple),
)
def test_what_is_written_is_what_is_read(environment, process):
    service = a_service("a", environment=environment, process=process)
    written = Services(project="b", runtime="embedded", root="/", data="/d", services=(service,))

    assert written == Services.model_validate_json(written.model_dump_json())


def test_a_service_says_of_its_card_all_but_how_it_was_made():
    ours = set(Service.model_fields)

    assert {"address", "change", "inside", "ports"} == ours - set(Card.model_fields)
    assert Health() == read_card(LEAST).health


def test_the_api_is_known_by_its_check_and_not_by_its_name(tmp_path):
    place = an_installation(
        tmp_path,
        a_service("beast-api", "http://127.0.0.1:1"),
        a_service("away", health=Health(deep="api")),
        a_service("front", "http://127.0.0.1:2", health=Health(deep="api")),
    )

    assert "front" == read_services(place.services).api().name


def test_without_an_api_it_says_what_to_do(tmp_path):
    place = an_installation(tmp_path, a_service("beast-api", "http://127.0.0.1:1"))

    with pytest.raises(NotDeployedError, match="has no API") as refused:
        read_services(place.services).api()

    assert str(tmp_path) == refused.value.subject


def test_every_field_of_a_card_is_explained():
    page = (Path(__file__).parents[2] / "docs/reference/cards.md").read_text(encoding="utf-8")

    assert set(Card.model_fields) == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
