# SPDX-License-Identifier: Apache-2.0
import io
import json
import sys
from pathlib import Path

import pytest

from beast_ops import deploy as ways
from beast_ops import keys
from beast_ops.cards import Secret
from beast_ops.deploy import elsewhere, giving
from beast_ops.door import secrets
from beast_ops.errors import CommandError, MissingError, SettingsError, UsageError
from beast_ops.secrets import rotation
from beast_ops.secrets.rotation import Proof
from beast_ops.testing import a_service, an_installation

KEY = "store/api_key"


@pytest.fixture
def place(tmp_path):
    """An installation of one service with two secrets."""
    service = a_service("store", secrets={"api_key": Secret(), "mail": Secret(given=True)})
    found = an_installation(tmp_path / "root", service)
    found.secrets.mkdir()
    (found.secrets / "master.key").write_bytes(bytes(32))
    return found


@pytest.fixture
def screen(monkeypatch):
    """Say whether somebody sees the output."""
    return lambda *, seen: monkeypatch.setattr(sys.stdout, "isatty", lambda: seen)


def test_a_list_has_names_and_no_values(place, capsys):
    secrets.show_all(place, json=False)
    told = capsys.readouterr().out
    secrets.show_all(place, json=True)
    listed = json.loads(capsys.readouterr().out)["secrets"]

    assert ["store/api_key", "restart", "version", "1"] == told.splitlines()[0].split()[:4]
    assert ["store/mail", "given"] == told.splitlines()[1].split()[:2]
    assert [KEY, "store/mail"] == [each["name"] for each in listed]
    assert keys.value(place.secrets, KEY, 1) not in told + json.dumps(listed)


def test_a_secret_is_shown_where_somebody_sees_it(place, screen, capsys):
    screen(seen=True)

    secrets.show(place, KEY, yes=False)

    assert f"{keys.value(place.secrets, KEY, 1)}\n" == capsys.readouterr().out


def test_a_secret_goes_nowhere_else_unless_that_is_said(place, screen, capsys):
    screen(seen=False)
    with pytest.raises(UsageError, match="on a terminal only") as refused:
        secrets.show(place, KEY, yes=False)
    before = capsys.readouterr().out

    secrets.show(place, KEY, yes=True)

    assert f"If that is meant, run: ./beast secrets.show {KEY} --yes" == refused.value.hint
    assert ("", f"{keys.value(place.secrets, KEY, 1)}\n") == (before, capsys.readouterr().out)


def test_a_secret_that_is_not_there_is_named(place):
    with pytest.raises(MissingError, match="no such secret"):
        secrets.show(place, "store/nothing", yes=True)


@pytest.fixture
def typed(monkeypatch):
    """Put a line on standard input."""

    def typing(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return typing


def test_a_given_secret_is_read_from_standard_input_and_not_repeated(place, typed, capsys):
    typed("hunter2\n")

    secrets.keep(place, "store/mail", "")

    assert "hunter2" == (place.secrets / "given/store/mail").read_text()
    told = capsys.readouterr()
    assert "hunter2" not in told.out + told.err
    assert "./beast deploy" in told.out


def test_on_a_terminal_it_is_asked_for_without_echo(place, typed, monkeypatch):
    typed("seen\n")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"unseen, asked by {prompt}")

    secrets.keep(place, "store/mail", "")

    assert "unseen, asked by store/mail: " == (place.secrets / "given/store/mail").read_text()


@pytest.mark.parametrize("name", ["mail", "store/", "/mail", "../x/y", "store/a/b", "Store/mail"])
def test_what_is_no_name_is_refused_before_anything_is_asked(name, place):
    with pytest.raises(UsageError, match="not the name of a secret"):
        secrets.keep(place, name, "")

    assert not (place.secrets / "given").exists()


def test_with_an_inventory_it_is_kept_there(place, typed, monkeypatch):
    kept = []
    monkeypatch.setattr(giving, "give_there", lambda *words: kept.append(words))
    typed("hunter2\n")

    secrets.keep(place, "store/mail", "inventory/server")

    assert [(place, "inventory/server", "store/mail", "hunter2")] == kept
    assert not (place.secrets / "given").exists()


@pytest.fixture
def played(monkeypatch):
    """Let one playbook run, which ends as it is told; give what it was."""
    seen = []

    def playing(*events):
        def run(playbook, _log):
            seen.append((playbook, Path(playbook.variables["secret_file"]).read_text()))
            yield from events

        monkeypatch.setattr(giving, "run", run)
        monkeypatch.setattr(giving, "found", lambda chosen: f"/{chosen}")
        return seen

    return playing


def test_a_secret_travels_in_a_file_that_is_gone_afterwards(place, played):
    seen = played({"event": "exit", "code": 0})

    giving.give_there(place, "inv", "store/mail", "hunter2")

    (playbook, held), *_ = seen
    assert ("secret", "/inv", "hunter2") == (playbook.name, playbook.inventory, held)
    assert "hunter2" not in " ".join(playbook.argv())
    assert not Path(playbook.variables["secret_file"]).exists()


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([{"event": "failed", "msg": "No space  left"}], "No space left"),
        ([], "the host did not answer"),
    ],
)
def test_a_host_that_does_not_take_it_is_told(events, reason, place, played):
    played(*events, {"event": "exit", "code": 2})

    with pytest.raises(CommandError, match=reason):
        giving.give_there(place, "inv", "store/mail", "hunter2")


def test_an_empty_secret_is_not_sent(place):
    with pytest.raises(SettingsError, match="not empty"):
        giving.give_there(place, "inv", "store/mail", " ")


@pytest.fixture
def steps(monkeypatch):
    """Record the steps of a rotation; each ends as *codes* say."""
    done, codes = [], {}

    def there(_place, inventory, words):
        done.append((inventory, *words))
        return codes.get(words[-1], 0)

    def deploying(_place, options):
        done.append(("deploy", options.inventory))
        if "deploy" in codes:
            raise codes["deploy"]
        return 0

    monkeypatch.setattr(elsewhere, "run_there", there)
    monkeypatch.setattr(ways, "deploy", deploying)
    monkeypatch.setattr(rotation, "begin", lambda _place, name: done.append(("begin", name)) or 2)
    monkeypatch.setattr(
        rotation,
        "prove",
        lambda _place, name: (
            done.append(("prove", name)) or Proof(name, 2, new_opens=True, old_opens=False)
        ),
    )
    return done, codes


def test_a_rotation_here_begins_deploys_and_proves(place, steps, capsys):
    assert 0 == secrets.rotate(place, KEY, secrets.HERE, "")

    assert [("begin", KEY), ("deploy", secrets.HERE), ("prove", KEY)] == steps[0]
    assert [
        f"{KEY} has version 2 now.",
        f"{KEY}: the old one is refused, version 2 opens.",
    ] == capsys.readouterr().out.splitlines()


def test_a_rotation_elsewhere_takes_its_steps_on_that_host(place, steps):
    assert 0 == secrets.rotate(place, KEY, "inv", "")

    words = ("inv", "secrets.rotate", KEY, "--step")
    assert [(*words, "begin"), ("deploy", "inv"), (*words, "prove")] == steps[0]


@pytest.mark.parametrize("step", ["begin", "prove"])
def test_one_step_alone(step, place, steps):
    secrets.rotate(place, KEY, secrets.HERE, step)

    assert [(step, KEY)] == steps[0]


def test_a_step_nobody_knows_is_refused(place, steps):
    with pytest.raises(UsageError, match="no such step"):
        secrets.rotate(place, KEY, secrets.HERE, "undo")

    assert [] == steps[0]


def test_what_is_refused_there_is_not_deployed(place, steps):
    steps[1]["begin"] = 64

    assert 64 == secrets.rotate(place, KEY, "inv", "")
    assert 1 == len(steps[0])


def test_a_deploy_that_fails_says_that_the_new_version_counts(place, steps):
    steps[1]["deploy"] = CommandError("no", subject="1-a", hint="See: ./beast logs")

    with pytest.raises(CommandError) as failed:
        secrets.rotate(place, KEY, secrets.HERE, "")

    assert "See: ./beast logs The new version of store/api_key counts all the same" in str(
        failed.value.hint
    )


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (None, None, "nobody knows how to try it"),
        (True, None, "there is no older one"),
        (True, False, "the old one is refused, version 2 opens"),
    ],
)
def test_a_proof_says_no_more_than_was_seen(new, old, said, place, monkeypatch, capsys):
    monkeypatch.setattr(rotation, "prove", lambda _place, name: Proof(name, 2, new, old))

    secrets.rotate(place, KEY, secrets.HERE, "prove")

    assert said in capsys.readouterr().out
