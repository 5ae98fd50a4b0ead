# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.cards import Health
from beast_ops.errors import CardError, NotDeployedError
from beast_ops.health import report
from beast_ops.health.model import Status
from beast_ops.place import Place
from beast_ops.testing import Canned, a_service, an_installation, fake_service, secrets


@pytest.fixture
def place(tmp_path):
    with fake_service({"/": Canned()}) as fake:
        yield an_installation(tmp_path / "r", a_service("s", fake.address, health=Health(path="/")))


def test_a_report_has_services_first_and_then_the_machine(place):
    assert ["s", "disk", "memory"] == [check.name for check in report.run(place).checks]


def test_the_gate_leaves_the_machine_out(place):
    found = report.gate(place)

    assert ["s"] == [check.name for check in found.checks]
    assert Status.HEALTHY is found.status


def test_behind_a_closed_door_neither_the_door_nor_who_measures_it_is_judged(tmp_path):
    door = a_service("door", "http://127.0.0.1:9", publish=({"port": 443, "target": 443},))
    measures = a_service("watch", "http://127.0.0.1:9", health=Health(path="/", deep="targets"))
    with fake_service({"/": Canned()}) as fake:
        plain = a_service("s", fake.address, health=Health(path="/"))
        shut = an_installation(tmp_path / "shut", plain, door, measures)

        assert ["s"] == [check.name for check in report.gate(shut, closed=True).checks]
        assert {"s", "door", "watch"} == {check.name for check in report.gate(shut).checks}


@pytest.mark.parametrize("look", [report.run, report.gate])
def test_nothing_deployed_is_said_so(look, tmp_path):
    with pytest.raises(NotDeployedError, match="no installation here"):
        look(Place(tmp_path))


@pytest.mark.parametrize("look", [report.run, report.gate])
def test_services_nobody_can_read_are_an_error(look, place):
    place.services.write_text("{}")

    with pytest.raises(CardError):
        look(place)


def test_a_key_that_cannot_be_read_is_left_to_the_service_to_refuse(tmp_path):
    key = report.keys_below(tmp_path)

    assert key(a_service("q", secrets=secrets("api_key"))) is None
    assert key(a_service("q")) is None
