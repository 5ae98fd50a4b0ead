# SPDX-License-Identifier: Apache-2.0
import dataclasses
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from beast_ops import closed, receipts
from beast_ops.clock import SYSTEM
from beast_ops.errors import BusyError, CommandError, ServiceError, UnavailableError
from beast_ops.health.model import Status
from beast_ops.lease import lease
from beast_ops.release import force
from beast_ops.release.apply import apply
from beast_ops.release.force import last_proven, put_in_force
from beast_ops.release.hands import WAIT_SECONDS, Aim
from beast_ops.release.land import land, make_current
from beast_ops.release.observe import current_release, observe, read_record

pytestmark = pytest.mark.usefixtures("runs")


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def in_force(place):
    return (
        (place.current / "supervisord.conf").read_text()[2:-1] if current_release(place) else None
    )


def words(place):
    return [found.outcome for found in receipts.read_all(place.receipts)][::-1]


def test_a_release_is_put_in_force_and_proven(place, ship, fake):
    outcome = apply(place, ship(), fake.hands)

    assert ("one", ["proven"]) == (in_force(place), words(place))
    assert ["start one", "gate one", "boot=False one"] == fake.log
    assert (current_release(place), ("qdrant",), False) == (
        outcome.release,
        outcome.changed,
        outcome.already,
    )


def test_the_receipt_tells_all(place, ship, fake):
    first = apply(place, ship("one"), fake.hands).release
    apply(place, ship("two"), fake.hands)

    receipt = next(receipts.read_all(place.receipts))

    assert (current_release(place), first) == (receipt.release, receipt.previous)
    assert (ship("two").content, ("qdrant",), "") == (
        receipt.content,
        receipt.changed,
        receipt.message,
    )
    assert ["qdrant"] == [check["name"] for check in receipt.checks]
    assert 1.0 == receipt.seconds


def test_the_same_again_is_nothing_to_do(place, ship, fake):
    first = apply(place, ship(), fake.hands)
    fake.log.clear()

    again = apply(place, ship(), fake.hands)

    assert (first.release, True, ()) == (again.release, again.already, again.changed)
    assert ([], ["proven"]) == (fake.log, words(place))


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: (place.current / "supervisord.conf").write_text("edited"),
        lambda place: (place.current / "services.json").write_text("{"),
        lambda place: next(place.config.glob("*/*/*")).unlink(),
        lambda place: next(place.secrets.glob("*/*")).unlink(),
        lambda place: [path.unlink() for path in place.receipts.iterdir()],
    ],
    ids=["edited", "services", "config", "secret", "receipts"],
)
def test_what_is_damaged_is_put_in_force_again(damage, place, ship, fake):
    apply(place, ship(), fake.hands)
    damage(place)

    assert not apply(place, ship(), fake.hands).already
    assert "one" == in_force(place)
    assert apply(place, ship(), fake.hands).already


def test_degraded_is_well_enough(place, ship, fake):
    fake.status = Status.DEGRADED

    apply(place, ship(), fake.hands)

    assert ["proven"] == words(place)


def test_a_slow_start_is_waited_for(place, ship, fake):
    fake.status = Status.UNHEALTHY
    real = fake.hands.clock.sleep

    def heal(seconds):
        real(seconds)
        if fake.time > 30:
            fake.status = Status.HEALTHY

    hands = dataclasses.replace(fake.hands, clock=fake.hands.clock._replace(sleep=heal))
    apply(place, ship(), hands)

    assert ["proven"] == words(place)


@pytest.mark.parametrize("status", [Status.UNHEALTHY, Status.UNKNOWN])
def test_a_failed_first_deploy_stops_all_and_says_so(status, place, ship, fake):
    fake.status = status

    with pytest.raises(CommandError, match="did not prove itself: qdrant: as it is") as caught:
        apply(place, ship(), fake.hands)

    assert "Nothing is running now, and no data was removed." in caught.value.hint
    assert (None, ["failed"], "stop one") == (in_force(place), words(place), fake.log[-1])
    assert (place.data / "1" / "vectors").is_dir()


def test_the_gate_has_a_deadline(place, ship, fake):
    fake.bad.add("one")

    with pytest.raises(CommandError):
        apply(place, ship(), fake.hands)

    assert force.GATE_SECONDS <= fake.time <= force.GATE_SECONDS + 10


def test_what_does_not_prove_itself_goes_and_the_last_proven_comes_back(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    fake.bad.add("two")

    with pytest.raises(CommandError) as caught:
        apply(place, ship("two"), fake.hands)

    assert "The last proven release is in force again." in caught.value.hint
    assert ("one", ["proven", "rolled back"]) == (in_force(place), words(place))
    assert "gate one" == fake.log[-1]
    assert apply(place, ship("one"), fake.hands).already


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ServiceError("it does not stay up", subject="qdrant"), "it does not stay up (qdrant)."),
        (UnavailableError("not up in 90 s", subject="a"), "not up in 90 s (a)."),
        (OSError(28, "No space left on device", "/x"), "No space left on device (/x)."),
    ],
)
@pytest.mark.parametrize("step", ["start two", "gate two"])
def test_what_does_not_start_goes_likewise(step, error, said, place, ship, fake):
    apply(place, ship("one"), fake.hands)
    fake.fails[step] = error

    with pytest.raises(CommandError) as caught:
        apply(place, ship("two"), fake.hands)

    assert said.rstrip(".") in caught.value.paragraph()
    assert ("one", ["proven", "rolled back"]) == (in_force(place), words(place))
    assert said == next(receipts.read_all(place.receipts)).message


def test_the_last_proven_comes_back_even_past_one_that_was_never_judged(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    make_current(place, land(place, ship("killed")))  # a deploy that died here
    fake.bad.add("three")

    with pytest.raises(CommandError):
        apply(place, ship("three"), fake.hands)

    assert ("one", "rolled back") == (in_force(place), words(place)[-1])


def test_the_last_proven_comes_back_when_what_died_is_tried_again(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    make_current(place, land(place, ship("two")))  # a deploy that died here
    fake.bad.add("two")

    with pytest.raises(CommandError):
        apply(place, ship("two"), fake.hands)

    assert ("one", "rolled back") == (in_force(place), words(place)[-1])


def test_the_newest_proven_comes_back_and_not_one_that_failed_since(place, ship, fake):
    for text in ("one", "two"):
        apply(place, ship(text), fake.hands)
    make_current(place, f"1-{ship('one').content}")
    fake.bad.add("three")

    with pytest.raises(CommandError):
        apply(place, ship("three"), fake.hands)

    assert "two" == in_force(place)


@pytest.mark.parametrize("lost", ["release.json", "venv", "config"])
def test_a_proven_release_that_is_no_longer_whole_does_not_come_back(
    lost, place, ship, fake, environment
):
    apply(place, ship("one"), fake.hands)
    environment(place, "e" * 12)
    apply(place, ship("two", venv="e" * 12), fake.hands)
    if lost == "release.json":
        (place.current / "release.json").write_text("{")
    elif lost == "venv":
        (place.venv / ("e" * 12) / "complete").unlink()
    else:
        path = place.current / "services.json"
        path.write_text("{}")

    assert f"1-{ship('one').content}" == last_proven(place)


def test_when_even_the_last_proven_does_not_hold_nobody_says_it_does(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    fake.bad |= {"one", "two"}

    with pytest.raises(CommandError) as caught:
        apply(place, ship("two"), fake.hands)

    assert "does not hold either" in caught.value.hint
    assert ("one", ["proven", "failed"]) == (in_force(place), words(place))


def test_a_proven_release_that_fails_its_next_judgement_is_stopped(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    apply(place, ship("two"), fake.hands)
    next(place.secrets.glob("*/*")).unlink()
    fake.bad.add("two")

    with pytest.raises(CommandError, match="did not prove") as caught:
        apply(place, ship("two"), fake.hands)

    assert "Nothing is running now" in caught.value.hint
    assert ("two", "failed") == (in_force(place), words(place)[-1])


def test_what_cannot_even_be_stopped_is_still_told_in_a_receipt(place, ship, fake):
    fake.bad.add("one")
    fake.fails["stop"] = CommandError("cannot be ended")

    with pytest.raises(CommandError, match="did not prove itself"):
        apply(place, ship(), fake.hands)

    assert (None, ["failed"]) == (in_force(place), words(place))


def test_a_note_about_the_machines_start_is_handed_on(place, ship, fake):
    assert "a note" == apply(place, ship(boot=True), fake.hands).note


def test_a_proven_release_is_not_lost_because_it_will_not_start_with_the_machine(place, ship, fake):
    fake.fails["boot=True"] = CommandError("ended with 1: no bus", subject="systemctl")

    outcome = apply(place, ship(boot=True), fake.hands)

    assert "ended with 1: no bus (systemctl)." == outcome.note
    assert ["proven"] == words(place)


def test_an_interrupted_start_leaves_an_unproven_release_that_is_tried_again(place, ship, fake):
    fake.fails["start"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        apply(place, ship(), fake.hands)
    fake.fails.clear()

    assert not apply(place, ship(), fake.hands).already
    assert ("one", ["proven"]) == (in_force(place), words(place))


def test_first_all_behind_the_door_is_started_and_judged_then_the_door(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    fake.log.clear()

    def behind(step, answer):
        fake.log.append(f"{step} behind")
        return answer

    inner = (
        lambda _: behind("start", {"store"}),
        lambda found: behind("gate", fake.hands.gate(found)),
    )
    hands = dataclasses.replace(fake.hands, behind=inner)

    done = put_in_force(place, land(place, ship("two")), hands, Aim("upgrade", shut=True))

    assert ["start behind", "gate two", "gate behind", "start two", "gate two"] == fake.log
    assert ("qdrant", "store") == done.changed


def test_what_does_not_hold_behind_the_door_never_opens_it(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    fake.bad.add("two")
    hands = dataclasses.replace(fake.hands, behind=(lambda _: set(), fake.hands.gate))

    with pytest.raises(CommandError):
        put_in_force(place, land(place, ship("two")), hands, Aim("upgrade", shut=True))

    assert "start two" not in fake.log
    assert "one" == in_force(place)


def test_before_the_way_back_it_is_ended_and_on_it_room_is_made(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    fake.bad.add("two")
    came = []

    def leave():
        came.append(("leave", in_force(place)))
        return {"lost": "3 rows"}

    aim = Aim("upgrade", {"step": "x"}, leave=leave, back=lambda: came.append(in_force(place)))
    fake.log.clear()
    with pytest.raises(CommandError):
        put_in_force(place, land(place, ship("two")), fake.hands, aim)

    assert [("leave", "two"), "one"] == came
    assert {"step": "x", "lost": "3 rows"} == next(receipts.read_all(place.receipts)).details


def test_the_way_back_waits_for_an_engine_that_was_killed(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    away = UnavailableError("the engine does not answer")
    fake.fails |= {"start two": away, "start one": away}
    sleep = fake.hands.clock.sleep

    def come_back(seconds):
        sleep(seconds)
        if fake.time > 20:
            fake.fails.clear()

    hands = dataclasses.replace(fake.hands, clock=fake.hands.clock._replace(sleep=come_back))
    with pytest.raises(CommandError, match="does not answer") as caught:
        apply(place, ship("two"), hands)

    assert "The last proven release is in force again" in caught.value.hint
    assert 20 < fake.time < force.RETURN_SECONDS


def test_the_way_back_does_not_wait_for_ever(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    fake.fails |= {"start": UnavailableError("the engine does not answer")}

    with pytest.raises(CommandError) as caught:
        apply(place, ship("two"), fake.hands)

    assert "does not hold either" in caught.value.hint
    assert force.RETURN_SECONDS <= fake.time <= force.RETURN_SECONDS + 10
    assert "the engine" in next(receipts.read_all(place.receipts)).details["back"]


def test_a_proof_that_cannot_be_kept_is_none(place, ship, fake, monkeypatch):
    apply(place, ship("one"), fake.hands)
    write, full = receipts.write, OSError(28, "No space left on device", "/r")

    def once(*_):
        monkeypatch.setattr(receipts, "write", write)
        raise full

    monkeypatch.setattr(receipts, "write", once)
    with pytest.raises(CommandError, match="No space left"):
        apply(place, ship("two"), fake.hands)

    assert ("one", ["proven", "rolled back"]) == (in_force(place), words(place))


def test_a_full_disk_is_named_although_its_victims_do_not(place, ship, fake, monkeypatch):
    apply(place, ship("one"), fake.hands)
    fake.bad.add("two")
    monkeypatch.setattr(force.shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))

    with pytest.raises(CommandError, match="qdrant: as it is; no room is left on the disk"):
        apply(place, ship("two"), fake.hands)


def test_a_full_disk_does_not_hide_why_it_went(place, ship, fake, monkeypatch):
    apply(place, ship("one"), fake.hands)
    fake.bad.add("two")

    def full(*_):
        raise OSError(28, "No space left on device", "/r")

    monkeypatch.setattr(receipts, "write", full)
    with pytest.raises(CommandError, match="did not prove itself"):
        apply(place, ship("two"), fake.hands)

    assert "one" == in_force(place)


def test_what_is_proven_takes_what_it_is_given(place, ship, fake):
    shipment = ship(volumes={"jobs": ""})
    closed.close(place.data / "1")
    assert not closed.is_closed(place.data / "1")  # nobody would take anything there
    land(place, shipment)
    closed.close(place.data / "1")
    assert closed.is_closed(place.data / "1")

    apply(place, shipment, fake.hands)

    assert not closed.is_closed(place.data / "1")


def test_whoever_comes_second_waits_and_then_refuses(place, ship, fake):
    with lease(place.run, "drill"), pytest.raises(BusyError, match="drill"):
        apply(place, ship(), fake.hands)

    assert fake.time >= WAIT_SECONDS
    assert not place.releases.exists()


def test_two_at_once_come_one_after_the_other(place, ship, fake):
    inside, most = [], []

    def start(_place):
        inside.append(1)
        most.append(len(inside))
        inside.pop()
        return set()

    hands = dataclasses.replace(
        fake.hands,
        start=start,
        clock=SYSTEM,
    )
    results = []

    def act(text):
        results.append(apply(place, ship(text), hands).release)

    threads = [threading.Thread(target=act, args=(text,)) for text in ("one", "two", "one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 4 == len(results)
    assert {1} == set(most)
    assert in_force(place) in {"one", "two"}
    assert len(names(place.releases)) == len(words(place))


def test_models_are_there_before_a_release_is_judged(place, ship, fake):
    hands = dataclasses.replace(fake.hands, supply=lambda place: fake._do("supply", place) and None)

    apply(place, ship(), hands)

    assert ["start one", "supply one", "gate one"] == fake.log[:3]


def test_a_release_whose_models_cannot_be_had_is_taken_back_and_says_why(place, ship, fake):
    apply(place, ship("one"), fake.hands)

    def supply(place):
        if "two" in in_force(place):
            raise ServiceError("cannot fetch the model: no space left", subject="m")

    with pytest.raises(CommandError, match="cannot fetch the model: no space left"):
        apply(place, ship("two"), dataclasses.replace(fake.hands, supply=supply))

    assert ("one", ["proven", "rolled back"]) == (in_force(place), words(place))


def test_a_release_that_opens_an_undeclared_port_is_taken_back(place, ship, fake):
    apply(place, ship("one"), fake.hands)
    fake.open = {"two"}
    with pytest.raises(CommandError, match=r"0\.0\.0\.0:99 is open, by two"):
        apply(place, ship("two"), fake.hands)

    assert "rolled back" == next(receipts.read_all(place.receipts)).outcome
    assert "; one\n" == (place.current / "supervisord.conf").read_text()


def test_who_made_a_release_and_what_was_acknowledged_is_on_record(place, ship, fake):
    done = apply(place, ship(made="0.7.0", acknowledged=("0.6.0",)), fake.hands)

    assert "0.7.0" == observe(place).made
    assert "0.7.0" == read_record(place, done.release).made
    assert {"acknowledged": ["0.6.0"]} == next(receipts.read_all(place.receipts)).details

    apply(place, ship("two", made="0.7.0"), fake.hands)
    assert {} == next(receipts.read_all(place.receipts)).details
