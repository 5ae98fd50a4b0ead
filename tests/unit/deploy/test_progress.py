# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
import yaml

from beast_ops.deploy import progress
from beast_ops.deploy.progress import Progress
from beast_ops.errors import BeastError, CommandError, TransientError
from beast_ops.place import Place
from beast_ops.testing import Canned, a_service, an_installation, fake_service

CASES = sorted((Path(__file__).parents[2] / "cases/progress").glob("*.yml"))
CLONE = Path(__file__).parents[3]


def test_there_are_cases():
    assert len(CASES) >= 8


def ended(shown, events):
    """Take all *events*; return paragraph and exit code if they end in an error."""
    try:
        for event in events:
            shown.take(event)
    except BeastError as failed:
        return failed.paragraph(), failed.exit_code


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_playbook_is_told_as_the_case_says(path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "_show_health", lambda _: None)
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    given, expected = case["given"], case["expect"]
    shown = Progress(Path("/r"), says_steps=given["show"] == "end")
    show = {
        "end": lambda: shown.show_end(Place(Path("/r"))),
        "plan": shown.show_plan,
        "removal": lambda: shown.show_removal(dry_run=given.get("dry_run", False)),
    }[given["show"]]

    said = ended(shown, given["events"]) or show()

    assert said == ((expected["error"], expected["exit"]) if "error" in expected else None)

    assert expected.get("text", "") == capsys.readouterr().out


def test_every_step_that_is_told_is_a_task():
    files = CLONE.glob("roles/*/tasks/*.yml")
    names = {task["name"] for path in files for task in yaml.safe_load(path.read_text())}

    assert progress.STEPS.keys() <= names
    assert any(name.startswith("Apply | Ship") for name in names)
    assert any(name.startswith("Remove |") for name in names)


def test_an_event_nobody_knows_is_passed_over():
    Progress(Path("/r")).take({"event": "new"})


@pytest.mark.parametrize("code", [1, 2, 4, 250])
def test_a_playbook_that_ends_badly_without_a_word_says_how_to_see_more(code):
    with pytest.raises(CommandError, match=f"ansible-playbook ended with {code}") as caught:
        Progress(Path("/r")).take({"event": "exit", "code": code})

    assert "--verbose" in caught.value.hint


def test_the_end_of_a_deploy_tells_health_address_and_what_to_type(tmp_path, capsys):
    from beast_ops.cards import Health

    with fake_service({"/": Canned(), "/health/ready": Canned({})}) as fake:
        api = a_service("demo", fake.address, health=Health(path="/", deep="api"))
        shown = Progress(tmp_path)
        shown.plan = {"release": "1-a"}

        shown.show_end(an_installation(tmp_path / "r", api))

    said = capsys.readouterr().out
    assert "Nothing to do: release 1-a is in force, proven and running.\nchanged=0\n" in said
    assert f"answers at {fake.address}. Next:\n  ./beast ingest FOLDER" in said


def test_what_a_removal_left_elsewhere_is_said(capsys):
    shown = progress.Progress(Path("/r"))
    shown.take({"event": "done", "task": "p : Remove | x", "gone": ["data"], "left": ["/big"]})

    shown.show_removal(dry_run=False)

    assert capsys.readouterr().out.splitlines() == [
        "Removed from /r: data.",
        "Only the link to /big goes; its data stays, delete it yourself.",
    ]


def test_a_removal_right_after_a_deploy_is_told_as_such(tmp_path, capsys):
    shown = Progress(tmp_path)
    shown.plan = {"release": "1-a", "here": True, "root": str(tmp_path)}

    with pytest.raises(TransientError, match="removed right after"):
        shown.show_end(Place(tmp_path))

    assert "Nothing to do" in capsys.readouterr().out
