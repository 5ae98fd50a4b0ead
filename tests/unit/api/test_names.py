# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.api.names import Named, own_addresses, own_names
from beast_ops.api.settings import Settings
from beast_ops.card_parts import Route
from beast_ops.cards import Health, Services
from beast_ops.errors import CardError, SettingsError
from beast_ops.testing import a_service

ADDRESS = "http://127.0.0.1:8787"


def contract(domain="example.org", *, route="api", inside="http://beast-api:8787"):
    service = a_service(
        "beast-api",
        ADDRESS,
        health=Health(deep="api"),
        inside=inside,
        route=Route(host=route, auth="own") if route else None,
    )
    return Services(
        project="beast",
        runtime="compose",
        root="/r",
        data="/r/1",
        domain=domain,
        services=(service,),
    )


def test_the_api_is_called_by_its_service_and_by_its_route():
    assert ("beast-api", "api.example.org") == own_names(contract())


def test_without_a_domain_the_route_is_below_localhost():
    assert ("beast-api", "api.localhost") == own_names(contract(None))


def test_without_route_and_containers_it_has_no_names():
    assert () == own_names(contract(route=None, inside=None))


def test_without_an_api_there_are_no_names():
    nobody = Services(project="b", runtime="compose", root="/r", data="/r/1", services=())

    assert () == own_names(nobody)


def test_our_own_names_are_added_to_those_of_the_settings():
    settings = Settings(allowed_hosts=("mine.example",), port=1)
    found = Named(lambda: settings, contract)()

    assert ("mine.example", "beast-api", "api.example.org") == found.allowed_hosts
    assert 1 == found.port


def test_in_a_container_the_host_may_ask_by_its_address(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "localhost")
    assert () == own_addresses()
    monkeypatch.setenv("BEAST_INSIDE", "1")

    assert "127.0.0.1" in own_addresses()
    assert set(own_addresses()) <= set(Named(Settings, contract)().allowed_hosts)


def test_a_container_whose_name_leads_nowhere_has_no_address(monkeypatch):
    monkeypatch.setenv("BEAST_INSIDE", "1")
    monkeypatch.setattr("socket.gethostname", lambda: "nowhere.invalid")

    assert () == own_addresses()


def test_they_follow_the_release_and_are_joined_once():
    settings, said = Settings(), [contract()]
    named = Named(lambda: settings, lambda: said[-1])
    first = named()

    assert first is named()
    said.append(contract("other.example"))
    assert "api.other.example" in named().allowed_hosts
    assert "api.example.org" not in named().allowed_hosts


def test_they_stay_while_nobody_can_read_the_release():
    settings, broken = Settings(), []

    def services():
        if broken:
            raise CardError("cannot read the services")
        return kept

    kept = contract()
    named = Named(lambda: settings, services)
    named()
    broken.append(True)

    assert "api.example.org" in named().allowed_hosts


def test_settings_nobody_can_read_are_an_error():
    def settings():
        raise SettingsError("cannot read")

    with pytest.raises(SettingsError):
        Named(settings, contract)()
