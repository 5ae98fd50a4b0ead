# SPDX-License-Identifier: Apache-2.0
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops.cards import Services
from beast_ops.compose import control
from beast_ops.compose.engine import Container
from beast_ops.errors import CommandError, NotDeployedError, ServiceError, UsageError
from beast_ops.place import Place
from beast_ops.testing import a_service

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def a_container(name, **said):
    plain = {
        "id": f"id-{name}",
        "service": name,
        "change": "0",
        "state": "running",
        "health": "",
        "image": f"made/{name}:1",
        "started": MOMENT,
        "restarts": 0,
        "code": 0,
        "image_id": f"sha256:made/{name}:1",
    }
    return Container(**{**plain, **said})


class Engine:
    """An engine with containers, and a Compose that does to them what it is told."""

    def __init__(self):
        self.found, self.did, self.written, self.images = {}, [], {}, []
        self.comes_up = lambda: None  # what happens while Compose works
        self.failure = ""
        self.moved = {}  # what names of images stand for, other than at first

    def image_id(self, reference):
        return self.moved.get(reference, f"sha256:{reference}")

    def has(self, *containers):
        self.found |= {each.service: each for each in containers}

    def begin(self, *names):
        for name in names:
            before = self.found.get(name) or a_container(name, started=None)
            started = (before.started or MOMENT) + timedelta(seconds=1)
            self.found[name] = dataclasses.replace(before, started=started, state="running")

    def containers(self, root):
        self.root = root
        return list(self.found.values())

    def logs(self, container, lines):
        return self.written.get(container, [])[-lines:]

    def kill(self, container, signal):
        self.did.append(f"{signal} {container}")

    def remove(self, container, seconds):
        assert seconds > 0
        self.did.append(f"remove {container}")
        self.found = {name: each for name, each in self.found.items() if each.id != container}

    def remove_networks(self, root):
        self.did.append(f"remove networks of {root}")

    def sweep_networks(self, root):
        self.swept = root

    def own_images(self, repository):
        return [each for each in self.images if each.startswith(f"{repository}:")]

    def remove_image(self, reference):
        self.did.append(f"remove {reference}")
        if reference == "ai-beast:busy":
            raise ServiceError("Docker refused", subject="in use")

    # What Compose does.
    def up(self, doubt, chosen=()):
        self.did.append(" ".join(("up", *chosen)))
        self.comes_up()
        if self.failure or doubt():
            raise CommandError(doubt() or self.failure, subject="docker compose up")

    def start(self, names):
        self.did.append(f"start {' '.join(names)}")

    def stop(self, names):
        self.did.append(f"stop {' '.join(names)}")

    def restart(self, names):
        self.did.append(f"restart {' '.join(names)}")


class Units:
    """A host with one unit, and what was done to it."""

    def __init__(self, did):
        self.did, self.fine = did, True
        self.absent = False

    def apply(self, place, services):
        del place
        return {each.name for each in services if each.place == "host"}

    def remove(self, place):
        del place
        self.did.append("remove units")

    def run(self, place, services):
        del place, services
        return self.fine

    def status(self, place, services):
        del place, services
        return [control.ProcessState("agent", "running")]

    def is_absent(self, service):
        return self.absent and service.optional

    def start(self, place, service):
        del place
        self.did.append(f"start unit {service.name}")

    stop = restart = start


@pytest.fixture
def engine(monkeypatch):
    found = Engine()
    monkeypatch.setattr(control, "Engine", lambda: found)
    monkeypatch.setattr(control, "project", lambda _: found)
    monkeypatch.setattr(control, "shim", Shim(found.did))
    return found


class Shim:
    def __init__(self, did):
        self.did = did

    def bring(self, place):
        del place

    def take_away(self, place):
        del place
        self.did.append("take the command away")


@pytest.fixture
def units(engine, monkeypatch):
    found = Units(engine.did)
    for name in ("apply", "remove", "run", "status", "is_absent", "start", "stop", "restart"):
        monkeypatch.setattr(control.units, name, getattr(found, name))
    return found


SERVICES = (
    a_service("store", image="made/store:1"),
    a_service("eye", image="made/eye:1", reload="HUP"),
    a_service("agent", process=("python",), place="host", optional=True),
    a_service("away", external=True),
)


@pytest.fixture
def place(tmp_path, units):
    """A release in force with live files for both containers."""
    assert units
    found = Place(tmp_path)
    release = found.releases / "1-a"
    for name in ("store", "eye"):
        (release / "live" / name).mkdir(parents=True)
        (release / "live" / name / "a.yml").write_text("one")
    services = Services(project="beast", runtime="compose", root="/r", data="/d", services=SERVICES)
    (release / "services.json").write_text(services.model_dump_json())
    found.current.symlink_to("releases/1-a")
    return found


def edit(place, name):
    (place.current / "live" / name / "a.yml").write_text("two")


def test_what_was_started_is_told_and_what_went_on_is_not(place, engine):
    engine.has(a_container("store"), a_container("eye"))
    engine.comes_up = lambda: engine.begin("store")

    assert {"store", "agent"} == control.apply(place)
    assert str(place.root) == engine.root


def test_a_container_that_was_made_anew_was_started(place, engine):
    engine.has(a_container("store"))
    engine.comes_up = lambda: engine.has(a_container("store", id="another"))

    assert "store" in control.apply(place)


def test_behind_a_closed_door_all_but_the_door_runs(place, engine):
    door = a_service("door", image="made/door:1", publish=({"port": 443, "target": 443},))
    services = Services(
        project="beast", runtime="compose", root="/r", data="/d", services=(*SERVICES, door)
    )
    (place.current / "services.json").write_text(services.model_dump_json())

    control.apply(place, closed=True)
    control.apply(place)

    assert ["up store eye", "up"] == [each for each in engine.did if each.startswith("up")]


def test_live_files_are_there_before_anything_starts(place, engine):
    seen = []
    engine.comes_up = lambda: seen.append((place.root / "live/eye/a.yml").read_text())

    control.apply(place)

    assert ["one"] == seen


def test_only_who_went_on_and_sees_other_files_is_told_to_read_them(place, engine):
    engine.comes_up = lambda: engine.begin("store", "eye")
    control.apply(place)
    engine.comes_up = lambda: None
    engine.did.clear()

    control.apply(place)
    assert ["up"] == engine.did

    edit(place, "store")  # which watches by itself
    edit(place, "eye")
    control.apply(place)
    assert ["up", "up", "HUP id-eye"] == engine.did


def test_who_starts_anew_reads_them_by_itself(place, engine):
    engine.comes_up = lambda: engine.begin("eye")

    control.apply(place)

    assert ["up"] == engine.did


def test_who_is_not_running_gets_no_signal(place, engine):
    engine.has(a_container("eye", state="exited"))

    control.apply(place)

    assert ["up"] == engine.did


def test_a_container_that_crashes_again_and_again_is_waited_for_no_longer(place, engine):
    crashing = a_container("eye", state="restarting", restarts=control.CRASHES, code=2)
    engine.comes_up = lambda: engine.has(crashing)
    engine.written["id-eye"] = ["starting", "error: no such file", "bye"]

    with pytest.raises(CommandError) as failed:
        control.apply(place)

    assert f"eye ended with 2 ({control.CRASHES} restarts): error: no such file" in str(
        failed.value
    )


def test_one_crash_is_not_the_end(place, engine):
    engine.comes_up = lambda: engine.has(a_container("eye", restarts=control.CRASHES - 1))

    assert "eye" in control.apply(place)


def test_what_a_container_went_through_before_is_no_reason(place, engine):
    engine.has(a_container("eye", restarts=9))
    engine.comes_up = lambda: engine.begin("store")

    assert {"store", "agent"} == control.apply(place)


def test_one_that_was_well_and_crashes_now_is_one(place, engine):
    engine.has(a_container("eye", restarts=9))
    engine.comes_up = lambda: engine.has(a_container("eye", restarts=9 + control.CRASHES))

    with pytest.raises(CommandError, match="eye"):
        control.apply(place)


def test_what_crashes_of_another_release_is_about_to_be_replaced(place, engine):
    engine.has(a_container("old", change="of another release", state="restarting", restarts=9))

    assert {"agent"} == control.apply(place)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"state": "exited", "code": 137}, "eye ended with 137"),
        ({"health": "unhealthy"}, "eye unhealthy"),
        ({"state": "running", "health": "healthy"}, "took too long"),
    ],
)
def test_what_did_not_come_up_is_named_or_else_what_compose_says(said, reason, place, engine):
    engine.failure = "took too long"
    engine.comes_up = lambda: engine.has(a_container("eye", **said))

    with pytest.raises(CommandError) as failed:
        control.apply(place)

    assert reason == str(failed.value)


def test_no_reason_shows_a_secret(place, engine):
    (place.secrets / "eye").mkdir(parents=True)
    (place.secrets / "eye/key").write_text("the-secret-of-the-eye")
    engine.failure = "took too long"
    engine.has(a_container("eye", state="exited", code=1))
    engine.written["id-eye"] = ["error: bad key the-secret-of-the-eye"]

    with pytest.raises(CommandError) as failed:
        control.apply(place)

    assert "eye ended with 1: error: bad key ***" == str(failed.value)
    assert "secret" not in failed.value.paragraph()


def test_images_of_ours_that_no_release_needs_go_and_others_stay(place, engine):
    (place.venv / "kept").mkdir(parents=True)
    engine.images = [f"ai-beast:{name}" for name in ("kept", "runs", "old", "busy")] + ["other:1"]
    engine.has(a_container("store", image="ai-beast:runs"))

    control.apply(place)

    assert ["up", "remove ai-beast:old", "remove ai-beast:busy"] == engine.did


def test_nothing_is_put_in_force_where_nothing_was_deployed(tmp_path, engine):
    with pytest.raises(NotDeployedError):
        control.apply(Place(tmp_path / "none"))

    assert [] == engine.did


def test_all_that_carries_our_label_goes_whatever_the_release_says(place, engine):
    engine.has(a_container("store"), a_container("old-one", state="exited"))

    control.down(place)

    assert [
        "remove units",
        "take the command away",
        "stop store",
        "remove id-store",
        "remove id-old-one",
        f"remove networks of {place.root}",
    ] == engine.did


def test_what_a_lost_release_left_goes_likewise(place, engine):
    place.current.unlink()
    engine.has(a_container("store"))

    control.down(place)

    assert "remove id-store" in engine.did
    assert not any(each.startswith("stop") for each in engine.did)


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([a_container("store"), a_container("eye", health="healthy")], True),
        ([a_container("store")], False),
        ([a_container("store"), a_container("eye"), a_container("more")], False),
        ([a_container("store"), a_container("eye", change="1")], False),
        ([a_container("store"), a_container("eye", state="exited")], False),
        ([a_container("store"), a_container("eye", health="starting")], False),
        ([a_container("store"), a_container("eye"), a_container("eye", id="twin")], False),
    ],
    ids=["all", "one less", "one more", "another", "ended", "starting", "a twin"],
)
def test_exactly_what_is_described_runs_or_not(containers, expected, place, engine, monkeypatch):
    monkeypatch.setattr(engine, "containers", lambda _: containers)
    services = control.read_services(place.services)

    assert expected == control.runs(place, services)


def test_what_runs_another_image_than_its_name_says_is_not_what_is_described(place, engine):
    engine.has(a_container("store"), a_container("eye"))
    services = control.read_services(place.services)
    assert control.runs(place, services)

    engine.moved["made/eye:1"] = "sha256:another"

    assert not control.runs(place, services)


def test_without_its_units_it_does_not_run(place, engine, units):
    engine.has(a_container("store"), a_container("eye"))
    units.fine = False

    assert not control.runs(place, control.read_services(place.services))


def test_all_that_is_ours_is_shown_in_start_order(place, engine):
    engine.has(
        a_container("stray", state="exited"),
        a_container("eye", health="unhealthy", restarts=2),
    )

    found = control.status(place)

    assert [
        ("store", "stopped", 0),
        ("eye", "unhealthy", 2),
        ("stray", "exited", 0),
        ("agent", "running", 0),
    ] == [(each.name, each.state, each.restarts) for each in found]
    assert found[1].uptime_seconds > 0
    assert found[2].uptime_seconds is None


def test_a_healthy_container_simply_runs(place, engine):
    engine.has(a_container("store", health="healthy"), a_container("eye", health="starting"))

    assert ["running", "starting"] == [each.state for each in control.status(place)[:2]]


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_one_service_is_acted_on_alone(verb, place, engine):
    act = getattr(control, verb)

    act(place, "eye")
    act(place, "agent")

    assert [f"{verb} eye", "start unit agent"] == engine.did


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_all_are_acted_on_at_once(verb, place, engine):
    getattr(control, verb)(place)

    assert [f"{verb} store eye", "start unit agent"] == engine.did


def test_a_host_without_systemd_does_without_its_units(place, engine, units):
    units.absent = True

    control.stop(place)

    assert ["stop store eye"] == engine.did


def test_to_start_all_is_to_apply(place, engine):
    control.start(place)

    assert ["up"] == engine.did


@pytest.mark.parametrize("name", ["nobody", "away"])
@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_what_does_not_run_here_is_named_with_what_does(verb, name, place, engine):
    with pytest.raises(UsageError) as refused:
        getattr(control, verb)(place, name)

    assert {"store", "eye", "agent"} == set(
        refused.value.hint.removeprefix("There are: ").split(", ")
    )
    assert [] == engine.did


def test_logs_are_those_of_one_or_of_all(place, engine):
    engine.has(a_container("store"), a_container("eye"))
    engine.written = {"id-store": ["s1"], "id-eye": ["e1", "e2"]}

    assert ["e2"] == list(control.logs(place, "eye", 1))
    assert ["store | s1", "eye   | e2"] == list(control.logs(place, lines=1))
    with pytest.raises(UsageError, match="nothing of this name"):
        control.logs(place, "nobody")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (a_container("store"), []),
        (a_container("store", image="made/store:2"), ["runs made/store:2 instead of made/store:1"]),
        (a_container("store", change="of somebody else"), ["runs with other settings"]),
        (a_container("stranger", image="x:1"), []),
    ],
)
def test_a_container_that_is_not_the_one_described_is_altered(found, said, engine, tmp_path):
    store = a_service("store", image="made/store:1", change="0")
    services = Services(
        project="p", runtime="compose", root="/r", data="/r/data/1", services=(store,)
    )
    engine.has(found)

    assert [("store", each) for each in said] == list(control.altered(Place(tmp_path), services))


def test_a_name_of_an_image_that_was_moved_is_noticed(place, engine):
    store = a_service("store", image="made/store:1", change="0")
    services = Services(
        project="p", runtime="compose", root="/r", data="/r/data/1", services=(store,)
    )
    (place.current / "images.json").write_text('{"store": "sha256:made/store:1"}')
    engine.has(a_container("store"))
    assert [] == list(control.altered(place, services))

    engine.moved["made/store:1"] = "sha256:another"
    assert ["runs made/store:1, and made/store:1 is another now"] == [
        how for _, how in control.altered(place, services)
    ]

    engine.has(a_container("store", image_id="sha256:another"))  # made anew since
    assert ["runs another, and made/store:1 was made/store:1 when this was deployed"] == [
        how for _, how in control.altered(place, services)
    ]


def test_networks_that_no_release_needs_go_after_all_are_up(place, engine):
    engine.comes_up = lambda: setattr(engine, "swept", "too early")

    control.apply(place)

    assert str(place.root) == engine.swept
