# SPDX-License-Identifier: Apache-2.0
import importlib.metadata
import json
import sys
import webbrowser
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from beast_ops import client
from beast_ops import deploy as ways
from beast_ops.cards import Health, Service, Services
from beast_ops.client.rooms import Rooms
from beast_ops.door import stack
from beast_ops.errors import NotDeployedError, UsageError
from beast_ops.health import report, show
from beast_ops.place import Place
from beast_ops.runtime import control
from beast_ops.runtime.control import ProcessState


def service(name, address=None):
    return Service(
        name=name, role=name.replace("-", "_"), address=address, external=False, optional=False,
        process=None, environment={}, volumes=(), state=(), secrets={},
        health=Health(deep="api" if name == "beast-api" else None),
        metrics=None, change="x",
    )  # fmt: skip


@pytest.fixture
def place(tmp_path):
    """Return a place with a release of two services in force."""
    found = Place(tmp_path)
    found.current.mkdir()
    services = Services(
        project="beast", runtime="embedded", root=str(tmp_path), data=str(tmp_path / "data/1"),
        services=(service("qdrant"), service("beast-api", "http://127.0.0.1:9999")),
    )  # fmt: skip
    found.services.write_text(services.model_dump_json())
    return found


@pytest.fixture
def calls(monkeypatch):
    """Record what the runtime is asked for."""
    made = []
    for name in ("start", "stop", "restart", "down"):
        monkeypatch.setattr(control, name, lambda *words, name=name: made.append((name, *words)))
    return made


def test_health_is_a_table_or_json_and_an_exit_code(place, monkeypatch, capsys):
    found = SimpleNamespace(exit_code=2, as_dict=lambda: {"status": "unhealthy"})
    monkeypatch.setattr(report, "run", lambda _place: found)
    monkeypatch.setattr(show, "table", lambda _report: "a table")

    assert stack.health(place, json=False) == 2
    assert capsys.readouterr().out == "a table\n"
    assert stack.health(place, json=True) == 2
    assert json.loads(capsys.readouterr().out) == {"status": "unhealthy"}


STATES = [
    ProcessState("qdrant", "running", 12, 59.9, 0),
    ProcessState("beast-worker", "fatal"),
    ProcessState("beast-api", "running", 13, 3700.0, 2),
]


def test_status_is_a_line_per_process(place, monkeypatch, capsys):
    monkeypatch.setattr(control, "status", lambda _place: STATES)

    stack.status(place, json=False)

    assert capsys.readouterr().out.splitlines() == [
        "qdrant        running   pid 12, up 59 s",
        "beast-worker  fatal",
        "beast-api     running   pid 13, up 1 h 1 min, 2 restarts",
    ]


def test_status_for_machines_has_every_field(place, monkeypatch, capsys):
    monkeypatch.setattr(control, "status", lambda _place: STATES[:1])

    stack.status(place, json=True)

    process = {
        "name": "qdrant",
        "state": "running",
        "pid": 12,
        "uptime_seconds": 59.9,
        "restarts": 0,
    }
    assert json.loads(capsys.readouterr().out) == {"root": str(place.root), "processes": [process]}


@pytest.mark.parametrize("verb", ["status", "logs", "change", "show_address"])
def test_without_an_installation_the_next_step_is_named(tmp_path, verb):
    words = {
        "status": {"json": False},
        "logs": {"service": None, "lines": 1, "follow": False},
        "change": {"verb": "stop", "service": None},
        "show_address": {"json": False},
    }[verb]

    with pytest.raises(NotDeployedError) as caught:
        getattr(stack, verb)(Place(tmp_path), **words)

    assert caught.value.hint == "Run: ./beast deploy"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (7320, "2 h 2 min"), (180000, "2 d 2 h")],
)
def test_times_are_told_in_the_two_units_that_matter(seconds, expected):
    assert expected == stack.duration(seconds)


@pytest.mark.parametrize("follow", [True, False])
def test_logs_are_passed_on_line_by_line(place, monkeypatch, capsys, follow):
    monkeypatch.setattr(control, "logs", lambda *words: iter(map(str, words[1:])))

    stack.logs(place, "qdrant", 7, follow=follow)

    assert capsys.readouterr().out.split() == ["qdrant", "7", str(follow)]


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_a_change_is_made_and_told(place, calls, capsys, verb):
    stack.change(place, verb, "qdrant")
    stack.change(place, verb, None)

    done = {"start": "started", "stop": "stopped", "restart": "restarted"}[verb]
    assert calls == [(verb, place, "qdrant"), (verb, place, None)]
    assert capsys.readouterr().out == f"qdrant {done}.\nAll services {done}.\n"


def test_down_says_how_to_come_back(place, calls, capsys):
    stack.down(place)

    assert calls == [("down", place)]
    assert "./beast deploy" in capsys.readouterr().out


@pytest.fixture
def coded(monkeypatch):
    """An API that gives out codes; returns what it was asked."""
    asked = []

    class Answering(Rooms):
        def call(self, request):
            asked.append((request.method, request.path))
            return {"code": "2345-6789", "expires_in": 600}

    monkeypatch.setattr(client, "connect", lambda _place: nullcontext(Answering()))
    return asked


def test_the_address_comes_with_a_code(place, capsys, coded):
    stack.show_address(place, json=False)
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        "http://127.0.0.1:9999/login",
        "Code: 2345-6789 (good once, for 10 minutes)",
    ]

    stack.show_address(place, json=True)
    expected = {"url": "http://127.0.0.1:9999/login", "code": "2345-6789", "expires_in": 600}
    assert json.loads(capsys.readouterr().out) == expected
    assert coded == [("POST", "/auth/codes")] * 2


@pytest.mark.usefixtures("coded")
def test_a_browser_opens_only_where_somebody_sees_it(place, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for terminal, display in ((True, ""), (False, ":0"), (True, ":0")):
        monkeypatch.setattr(sys.stdout, "isatty", lambda terminal=terminal: terminal, raising=False)
        monkeypatch.setenv("DISPLAY", display)
        stack.show_address(place, json=False)

    assert opened == ["http://127.0.0.1:9999/login"]  # the code stays out of it


def test_an_installation_without_an_api_has_no_address(place):
    text = place.services.read_text().replace('"api"', '"other"')
    place.services.write_text(text)

    with pytest.raises(UsageError, match="no API"):
        stack.address(place)


@pytest.fixture
def removed(monkeypatch):
    """Record removals instead of making them."""
    made = []

    def remove(_place, options, **words):
        made.append((options.inventory, words))
        return 0

    monkeypatch.setattr(ways, "remove", remove)
    return made


def test_removing_without_a_terminal_needs_a_yes(place, removed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))

    with pytest.raises(UsageError) as caught:
        stack.remove(place, stack.Removal("inventory/local", data=True))

    assert caught.value.hint == "Run: ./beast remove --data --yes"
    assert removed == []


def test_who_removes_on_another_host_reads_of_that_host(place, removed, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(UsageError) as caught:
        stack.remove(place, stack.Removal("inventory/server"))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda _prompt: "yes")
    stack.remove(place, stack.Removal("inventory/server"))

    assert "./beast remove --yes --inventory inventory/server" in caught.value.hint
    told = capsys.readouterr().out + caught.value.subject
    assert "inventory/server" in told
    assert str(place.root) not in told
    assert 1 == len(removed)


@pytest.mark.parametrize("asked", [{"yes": True}, {"dry_run": True}])
def test_nobody_is_asked_who_said_yes_or_only_looks(place, removed, asked):
    assert stack.remove(place, stack.Removal("here", **asked)) == 0

    assert removed == [("here", {"data": False, "dry_run": asked.get("dry_run", False)})]


@pytest.mark.parametrize(("answer", "done"), [("yes", 1), ("YES ", 1), ("y", 0), ("", 0)])
def test_on_a_terminal_only_a_whole_yes_removes(place, removed, monkeypatch, answer, done):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)

    if done:
        stack.remove(place, stack.Removal("here"))
    else:
        with pytest.raises(UsageError, match="not removed"):
            stack.remove(place, stack.Removal("here"))

    assert len(removed) == done


def test_render_names_what_it_wrote(place, monkeypatch, capsys, tmp_path):
    asked = []

    def render(_place, folder, options):
        asked.append((folder, options.sets))
        return [folder / "one", folder / "two"]

    monkeypatch.setattr(ways, "render", render)

    stack.render(place, str(tmp_path / "out"), "inventory/local", ["a=b"])

    assert asked == [(tmp_path / "out", ("a=b",))]
    assert capsys.readouterr().out == f"{tmp_path}/out/one\n{tmp_path}/out/two\n"


def test_the_versions_are_told(capsys):
    stack.version(json=True)
    found = json.loads(capsys.readouterr().out)
    stack.version(json=False)

    assert found["python"] == sys.version.split()[0]
    assert capsys.readouterr().out.startswith(f"AI Beast {found['ai-beast']}\nPython ")


def test_a_missing_ansible_is_no_reason_to_fail(monkeypatch, capsys):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)

    stack.version(json=False)

    assert "ansible-core not installed" in capsys.readouterr().out
