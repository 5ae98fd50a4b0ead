# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from beast_ops.deploy import DeployOptions, deploy, plan, remove, render, verbs
from beast_ops.deploy.playbook import CLONE
from beast_ops.errors import BeastError, SettingsError, UsageError
from beast_ops.place import Place

pytestmark = pytest.mark.usefixtures("played")
SHIPMENT = {"files": {"services.json": "{}\n"}, "config": {"demo/0/settings.json": "ü\n"}}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "root")


@pytest.fixture
def played(monkeypatch):
    """Let playbooks tell what is given here, and remember them."""
    told = [
        {"event": "done", "task": "p : Plan", "plan": {"release": "1-a", "shipment": SHIPMENT}},
        {"event": "done", "task": "p : Remove | x", "gone": ["logs"], "kept": ["data"]},
        {"event": "ended", "hosts": {}},
        {"event": "exit", "code": 0},
    ]
    seen = []

    def run(playbook, log):
        draft = playbook.settings and playbook.settings.read_text()
        seen.append((playbook, draft))
        if log is not None:
            log.write(b"everything\n")
        yield from told

    monkeypatch.setattr(verbs, "run", run)
    monkeypatch.setattr("beast_ops.deploy.progress._show_health", lambda _: None)
    seen.append(told)
    return seen


def test_a_deploy_keeps_what_was_set(place, played):
    assert 0 == deploy(place, DeployOptions(sets=("qdrant_port=1",)))

    playbook, draft = played[1]
    assert ("site", False, place.root) == (playbook.name, playbook.check, playbook.root)
    assert "qdrant_port: 1" in draft
    assert "qdrant_port: 1" in (place.root / "settings.yml").read_text()


def test_a_deploy_that_sets_nothing_writes_no_settings(place, played):
    deploy(place, DeployOptions())

    assert played[1][0].settings is None
    assert not place.root.exists()


def test_a_deploy_that_fails_keeps_nothing(place, played):
    played[0][-2:] = [{"event": "failed", "msg": "no.", "task": "x"}, {"event": "exit", "code": 2}]

    with pytest.raises(BeastError, match="no"):
        deploy(place, DeployOptions(sets=("qdrant_port=1",)))

    assert not place.root.exists()


def test_a_word_that_is_no_setting_runs_nothing(place, played):
    for verb in (deploy, plan):
        with pytest.raises(SettingsError):
            verb(place, DeployOptions(sets=("qdrant_prot=1",)))

    assert 1 == len(played)


def test_a_plan_keeps_nothing(place, played, capsys):
    assert 0 == plan(place, DeployOptions(sets=("qdrant_port=1",)))

    assert played[1][0].check
    assert not place.root.exists()
    assert "Nothing to do: the machine matches the inventory.\n" == capsys.readouterr().out


def test_the_log_of_a_deploy_lies_with_the_others(place):
    place.logs.mkdir(parents=True)

    deploy(place, DeployOptions())

    (log,) = place.logs.iterdir()
    assert "everything\n" == log.read_text()
    assert log.name.endswith("-deploy.log")
    assert 0o600 == log.stat().st_mode & 0o777


def test_the_oldest_logs_of_operations_go(place, monkeypatch):
    monkeypatch.setattr(verbs, "KEPT_LOGS", 2)
    place.logs.mkdir(parents=True)
    (place.logs / "qdrant.log").touch()
    for day in (1, 2, 3):
        (place.logs / f"2026010{day}T120000.000000Z-deploy.log").touch()

    deploy(place, DeployOptions())

    names = sorted(path.name for path in place.logs.iterdir())
    assert ["20260103T120000.000000Z-deploy.log", "qdrant.log"] == [names[0], names[-1]]
    assert 3 == len(names)


def test_a_deploy_that_fails_has_a_log_too(place, played):
    place.logs.mkdir(parents=True)
    played[0][-1]["code"] = 2

    with pytest.raises(BeastError):
        deploy(place, DeployOptions())

    assert 1 == len(list(place.logs.iterdir()))


@pytest.mark.parametrize("verb", [deploy, plan])
def test_who_wants_to_see_everything_sees_it_and_gets_no_log(verb, place):
    place.logs.mkdir(parents=True)

    verb(place, DeployOptions(verbose=True))

    assert [] == list(place.logs.iterdir())


def test_rendered_files_lie_where_they_were_asked_for(place, tmp_path):
    written = render(place, tmp_path / "out", DeployOptions())

    assert ["config/demo/0/settings.json", "services.json"] == [
        str(path.relative_to(tmp_path / "out")) for path in written
    ]
    assert "ü\n" == written[0].read_text(encoding="utf-8")
    assert not place.root.exists()


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_removal_says_what_it_took(dry_run, place, played, capsys):
    assert 0 == remove(place, DeployOptions(), data=True, dry_run=dry_run)

    playbook = played[1][0]
    assert ("remove", dry_run, {"remove_data": True}) == (
        playbook.name,
        playbook.check,
        playbook.variables,
    )
    verb = "Would remove" if dry_run else "Removed"
    assert f"{verb} from {place.root}: logs.\n" in capsys.readouterr().out


def test_an_inventory_is_one_from_here_or_one_of_the_clone(place, played, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()

    plan(place, DeployOptions("mine"))
    plan(place, DeployOptions("inventory/local"))

    assert [str(tmp_path / "mine"), str(CLONE / "inventory/local")] == [
        playbook.inventory for playbook, _ in played[1:]
    ]
    assert Path(played[2][0].inventory).is_dir()


@pytest.mark.parametrize("act", [deploy, plan])
def test_an_inventory_that_is_nowhere_is_refused(place, played, act):
    with pytest.raises(UsageError, match="no such inventory"):
        act(place, DeployOptions("nowhere"))

    assert not played[1:]


@pytest.mark.parametrize("verb", [deploy, plan])
def test_what_is_acknowledged_goes_along(verb, place, played):
    verb(place, DeployOptions())
    verb(place, DeployOptions(acknowledge="0.2.0"))

    wished = [playbook.variables for playbook, _ in played[1:]]
    assert [{}, {"upgrade_wish": {"acknowledged": "0.2.0"}}] == wished


def test_an_upgrade_says_it_at_every_step():
    options = DeployOptions(acknowledge="0.2.0")

    assert {"upgrade_wish": {"look": True, "acknowledged": "0.2.0"}} == options.wish(look=True)
    assert {"upgrade_wish": {"look": True}} == DeployOptions().wish(look=True)
