# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from beast_ops import __version__
from beast_ops.errors import (
    BeastError,
    CardError,
    CommandError,
    ConflictError,
    SettingsError,
    UsageError,
)
from beast_ops.release import remote
from beast_ops.release.controller import Site, draft, plan
from beast_ops.release.images import Wish
from beast_ops.release.land import Shipment
from beast_ops.release.observe import Observed
from beast_ops.release.remote import host_command, read_answer
from beast_ops.upgrade import breaking
from beast_ops.upgrade.breaking import Change

SITE = Site("beast", "embedded", "/r", boot=False)
CARD = {
    "name": "demo",
    "role": "demo",
    "port": 80,
    "process": ["python", "-m", "demo"],
    "config": {"settings.json": {"port": 80}},
    "secrets": {"key": {}},
    "volumes": {"jobs": "/jobs"},
}
FILES = {"supervisord.conf": "; one\n"}


def made(seen=None, cards=(CARD,), site=SITE, venv="v" * 12):
    seen = seen or {}
    return plan(draft(cards, site, venv, seen), FILES, seen)


def settled(planned):
    """What the host says of a release that is in force and proven."""
    names = {
        "/".join((path.split("/")[0], path.split("/")[2])): text
        for path, text in planned.release.config.items()
    }
    return Observed(
        release=f"1-{planned.content}",
        content=planned.content,
        files={**planned.files, **names},
        settled=True,
    ).model_dump(mode="json")


def test_on_a_bare_host_everything_is_new():
    planned = made()

    assert planned.changes
    assert ["demo/settings.json", "services.json", "supervisord.conf"] == [
        change["after_header"] for change in planned.diff()
    ]
    assert {""} == {change["before"] for change in planned.diff()}


def test_what_is_in_force_and_proven_is_nothing_to_do():
    again = made(settled(made()))

    assert not again.changes
    assert [] == again.diff()


def test_what_is_not_settled_is_something_to_do_without_a_diff():
    again = made({**settled(made()), "settled": False})

    assert again.changes
    assert [] == again.diff()


def test_a_file_that_went_is_in_the_diff():
    seen = settled(made())
    seen["files"]["old/settings.json"] = "gone\n"

    assert [("gone\n", "")] == [(each["before"], each["after"]) for each in made(seen).diff()]


@pytest.mark.parametrize(
    "change",
    [
        {"site": dataclasses.replace(SITE, boot=True)},
        {"venv": "w" * 12},
        {"cards": [{**CARD, "volumes": {"other": "/other"}}]},
        {"cards": [{**CARD, "secrets": {"other": {}}}]},
    ],
    ids=["boot", "venv", "volumes", "secrets"],
)
def test_what_no_file_shows_is_a_change_as_well(change):
    assert made().content != made(**change).content


def test_a_shipment_is_what_the_host_takes():
    shipped = json.dumps(made().as_dict()["shipment"])

    assert made().content == Shipment.model_validate_json(shipped).content


def test_later_tasks_learn_ports_and_roles():
    neighbour = {"name": "n", "role": "n", "external": "http://x:1"}
    found = made(cards=[CARD, neighbour]).as_dict()

    assert {"demo": 80} == found["ports"]
    assert {"demo": "demo", "n": "n"} == found["roles"]


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ({"runtime": "swarm"}, "beast_runtime"),
        ({"project": "My Project"}, "beast_project"),
        ({"project": ""}, "beast_project"),
        ({"project": "a\n"}, "beast_project"),
        ({"root": "here"}, "beast_root: here"),
        ({"root": "~/x"}, "beast_root: ~/x"),
    ],
)
def test_an_installation_that_makes_no_sense_is_refused_by_the_name_of_the_setting(said, subject):
    with pytest.raises(SettingsError) as caught:
        made(site=dataclasses.replace(SITE, **said))

    assert subject == caught.value.subject


@pytest.mark.parametrize("root", ["/r/", "//r", "/r//", "/x/../r"])
def test_one_place_has_one_spelling(root):
    assert made().content == made(site=dataclasses.replace(SITE, root=root)).content


@pytest.mark.parametrize("card", [None, [], "x", {}, {"name": "x"}])
def test_a_card_that_is_none_is_refused(card):
    with pytest.raises(CardError):
        made(cards=[card])


JUDGED = CARD | {"judge": "beast_ops.vectors.settings:Settings"}


def test_settings_a_service_would_refuse_are_refused_before_anything_changes():
    card = JUDGED | {"config": {"settings.json": {"port": 80, "optimize_points": 0}}}

    with pytest.raises(SettingsError, match="optimize_points") as caught:
        made(cards=[card])

    assert "settings of demo" == caught.value.subject
    assert "roles/demo/defaults/main.yml" in caught.value.hint


def test_settings_a_service_takes_pass():
    assert made(cards=[JUDGED]).changes
    assert made(cards=[JUDGED | {"config": {}}]).changes


@pytest.mark.parametrize("judge", ["beast_ops.nowhere:Settings", "beast_ops.vectors.settings:No"])
def test_a_judge_nobody_knows_is_the_cards_fault(judge):
    with pytest.raises(CardError, match="no model"):
        made(cards=[JUDGED | {"judge": judge}])


@pytest.mark.parametrize("seen", [{"more": 1}, {"versions": []}, {"settled": []}])
def test_a_host_of_another_version_is_named_so(seen):
    with pytest.raises(CommandError, match="speaks otherwise"):
        made(seen)


@pytest.mark.parametrize(
    ("code", "stdout", "error"),
    [
        (1, '{"error": "no.", "exit": 1}', CommandError),
        (64, '{"error": "no.", "exit": 64}', BeastError),
        (75, '{"error": "no.", "exit": 75}', BeastError),
        (1, "", CommandError),
        (127, "sh: not found", CommandError),
        (0, "", CommandError),
        (0, "[]", CommandError),
        (0, "1", CommandError),
    ],
)
def test_a_bad_answer_is_an_error_with_the_hosts_exit_code(code, stdout, error):
    with pytest.raises(error) as caught:
        read_answer("apply", code, stdout, "")

    assert (code if code in (64, 75) else 1) == caught.value.exit_code


def test_what_the_host_complained_of_is_told():
    with pytest.raises(CommandError, match="the host could not apply: boom bang"):
        read_answer("apply", 1, "", "boom\n  bang\n")


def test_an_answer_is_the_last_line():
    assert {"a": 1} == read_answer("observe", 0, 'Welcome!\n{"a": 1}\n', "")


ODD = "with space 'quote' \"double\" $HOME `id` ; ü % \\"


def python_at(root, name, said):
    """Put a Python that says *said* and its words where an environment has it."""
    folder = root / "venv" / name
    (folder / "bin").mkdir(parents=True)
    (folder / "complete").touch()
    (folder / "bin/python").write_text(f'#!/bin/sh\necho {said} "$@"\n')
    (folder / "bin/python").chmod(0o700)


def ask(root, transport="local"):
    line = host_command(["observe"], str(root), "new", transport)
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_newest_environment_is_asked(tmp_path):
    root = tmp_path / ODD
    python_at(root, "old", "old")
    (root / "current").mkdir()
    (root / "current/venv").symlink_to("../venv/old")

    assert f"old -I -m beast_ops.release observe {root}" == ask(root)

    python_at(root, "new", "new")
    assert ask(root).startswith("new -I ")

    (root / "venv/new/complete").unlink()
    assert ask(root).startswith("old -I ")


def test_on_another_host_without_any_nothing_stands(tmp_path):
    (tmp_path / ODD / "data").mkdir(parents=True)  # that of somebody else

    assert "{}" == ask(tmp_path / ODD, "ssh")


def test_on_another_host_a_removal_may_have_left_what_nobody_there_can_read(tmp_path):
    (tmp_path / ODD / "secrets").mkdir(parents=True)
    (tmp_path / ODD / "secrets/master.key").touch()

    assert remote.is_blind(json.loads(ask(tmp_path / ODD, "ssh")))


def test_on_this_host_without_any_we_ask_ourselves(tmp_path):
    assert Observed() == Observed.model_validate_json(ask(tmp_path / ODD))


def test_the_line_that_makes_an_environment_keeps_its_words():
    line = remote.environment_command("/p y", f"/{ODD}", "v", ["/w heel", "/lo ck"], "uv")

    assert [f"/{ODD}", "v", "uv", "/w heel", "/lo ck"] == shlex.split(line)[-5:]
    assert "PYTHONPATH=/w heel" in shlex.split(line)


def test_packages_are_installed_by_the_program_beside_us():
    beside = Path(sys.executable).with_name("uv")

    assert (str(beside) if beside.exists() else "") == remote.installer("local")
    assert "" == remote.installer("ssh")


COMPOSED = Site("beast", "compose", "/r", boot=False)
KEEPS = {
    "name": "store",
    "role": "store",
    "image": "made/store:1",
    "user": "1:1",
    "volumes": {"vectors": "/v"},
    "state": [{"how": "volume", "volume": "vectors", "set": "all"}],
}


def runs_already(**said):
    """What the host says where the store with *said* runs already."""
    return settled(made(cards=[{**KEEPS, **said}], site=COMPOSED))


def test_another_image_is_not_put_on_data_that_is_there():
    with pytest.raises(UsageError) as refused:
        made(runs_already(), [{**KEEPS, "image": "made/store:2"}], COMPOSED)

    assert "store runs made/store:1 and keeps data" in str(refused.value)
    assert "made/store:2" in str(refused.value)
    assert "./beast upgrade --service store" in refused.value.hint


def test_another_digest_is_another_image():
    with pytest.raises(UsageError):
        made(runs_already(), [{**KEEPS, "digest": f"sha256:{'a' * 64}"}], COMPOSED)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({}, {"resources": {"memory_mib": 99}}),
        ({"state": []}, {"state": [], "image": "made/store:2"}),
        ({"name": "other"}, {"image": "made/store:2"}),
        ({}, {"external": "http://x", "image": "made/store:2"}),
        ({"image": None, "ours": True}, {"image": None, "ours": True}),
    ],
    ids=["the same", "another limit", "no data", "new", "elsewhere", "ours"],
)
def test_all_else_may_change(before, after):
    other = {"name": "more", "role": "more", "image": "made/more:1", "user": "1:1"}

    assert made(runs_already(**before), [{**KEEPS, **after}, other], COMPOSED, "w" * 12).changes


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}'])
def test_where_nothing_readable_runs_every_image_is_free(text):
    seen = Observed(files={"services.json": text}).model_dump(mode="json")

    assert made(seen, [{**KEEPS, "image": "made/store:2"}], COMPOSED).changes


def test_the_release_of_containers_is_a_compose_file_and_what_is_live():
    eye = {
        "name": "eye",
        "role": "eye",
        "image": "made/eye:1",
        "user": "1:1",
        "live_path": "/etc/eye",
        "live": {"eye.yml": "eye.yml.j2"},
        "gathers": ["alerts"],
        "alerts": ["own.yml"],
        "values": {"days": 2},
    }
    found = draft([eye, KEEPS], COMPOSED, "v" * 12, {})

    assert {"compose.yml", "live/eye/eye.yml"} == set(found.shapes)
    assert (None, "compose.yml.j2") == (
        found.shapes["compose.yml"].role,
        found.shapes["compose.yml"].template,
    )
    assert {"days": 2} == found.shapes["live/eye/eye.yml"].variables["values"]
    assert {"live/eye/rules/eye-own.yml": ("eye", "own.yml")} == dict(found.copies)


def test_our_own_services_see_the_contract_among_their_live_files():
    ours = {"name": "api", "role": "api", "ours": True, "user": "1:1", "process": ["x"]}
    planned = made(cards=[ours, KEEPS], site=COMPOSED)

    assert planned.files["services.json"] == planned.files["live/api/services.json"]
    assert "live/store/services.json" not in planned.files


@pytest.mark.parametrize("domain", ["", "A.example", "a..b", "-a.example", "a.example.", "a b"])
def test_what_is_no_domain_is_refused(domain):
    with pytest.raises(SettingsError) as refused:
        made(cards=[KEEPS], site=dataclasses.replace(COMPOSED, domain=domain))

    assert "beast_domain" == refused.value.subject


@pytest.mark.parametrize("domain", [None, "localhost", "ai.example.org", "a-1.b"])
def test_what_is_a_domain_is_taken(domain):
    site = dataclasses.replace(COMPOSED, domain=domain)

    assert domain == made(cards=[KEEPS], site=site).release.services.domain


def test_what_a_version_changed_is_acknowledged_or_refused(monkeypatch):
    monkeypatch.setattr(breaking, "CHANGES", (Change(__version__, "it moved", "look"),))
    seen = {**settled(made()), "made": "0.0.1"}
    with pytest.raises(ConflictError, match="it moved"):
        made(seen)

    wish = Wish(acknowledged=__version__)
    shipment = plan(draft([CARD], SITE, "v" * 12, seen), FILES, seen, wish).as_dict()["shipment"]

    assert (__version__, [__version__]) == (shipment["made"], shipment["acknowledged"])
    assert [] == made({**seen, "made": __version__}).as_dict()["shipment"]["acknowledged"]
