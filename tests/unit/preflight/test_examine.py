# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from beast_ops.preflight import examine, machine
from beast_ops.preflight.finding import Wish
from tests.unit.preflight.asking import ids, run, wish


def works(python):
    return not subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode


def pythons():
    """Every Python on this machine that is 3.8 or newer, by version."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for minor in range(8, 16):
        paths = [*sorted(home.glob(f"3.{minor}.*/bin/python3")), shutil.which(f"python3.{minor}")]
        found[f"3.{minor}"] = next((str(path) for path in paths if path and works(path)), None)
    return found


@pytest.mark.parametrize(("version", "python"), pythons().items(), ids=lambda value: str(value)[:4])
def test_it_runs_under_every_python_it_may_meet(version, python, tmp_path):
    if python is None:
        pytest.skip(f"no Python {version} on this machine")

    answer = run(python, wish(tmp_path, python="99.0"))

    assert ["python-too-old"] == [finding["id"] for finding in answer["blockers"]]
    assert f"Python is {version}; the stack needs 99.0 or newer." in answer["refusal"]


@pytest.mark.parametrize("python", list(filter(None, pythons().values())))
def test_every_check_runs_under_every_python_it_may_meet(python, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as more:
        taken, port = ["127.0.0.1"], server.getsockname()[1]
        with suppress(OSError):  # this machine has no IPv6
            more.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
            taken.append("::1")
        listens = [{"address": each, "port": port, "service": "a"} for each in taken]
        said = {"runtime": "compose", "subnet": "127.0.0.0/24", "images": ["a/b:1"], "gpu": True}
        answer = run(python, wish(tmp_path, listens=listens, now=1.0, limits={"a": 1}, **said))

    found = [finding["id"] for finding in answer["blockers"]]
    assert ["port-taken" for _ in taken] == [each for each in found if each == "port-taken"]
    assert "clock-wrong" in [finding["id"] for finding in answer["warnings"]]


def test_a_slow_engine_does_not_make_the_clock_look_wrong(programs, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "SKEW_SECONDS", 1.0)
    programs.runs("docker", "version", "/bin/sleep 1.5; echo 28.2.2")
    programs.answers("docker", "compose version", "2.26.1")
    asked = Wish(**wish(tmp_path / "r", runtime="compose", now=time.time()))

    assert "clock-wrong" not in ids(examine.examine(asked))


@pytest.mark.usefixtures("programs")
def test_containers_are_asked_for_more_than_processes(tmp_path):
    limits = {"a": 10**9}

    assert [] == ids(examine.examine(Wish(**wish(tmp_path / "r", limits=limits))))
    assert "memory-limit" in ids(
        examine.examine(Wish(**wish(tmp_path / "r", limits=limits, runtime="compose")))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', {"ID": "debian", "VERSION_ID": "12"}),
        ("NAME='A = B'\n\nnonsense\n", {"NAME": "A = B"}),
        ("", {}),
    ],
)
def test_a_system_is_what_it_says_of_itself(text, expected, tmp_path):
    (tmp_path / "os-release").write_text(text)

    assert expected == examine.system(tmp_path / "os-release")


def test_a_system_that_says_nothing_of_itself_is_unknown(tmp_path):
    assert {} == examine.system(tmp_path / "none")


def test_a_machine_that_carries_it_has_nothing_against_it(tmp_path):
    answer = run(sys.executable, wish(tmp_path / "not" / "there" / "yet"))

    assert {"blockers": [], "warnings": [], "refusal": ""} == answer
    assert [] == list(tmp_path.iterdir())


def test_all_blockers_are_told_at_once(tmp_path):
    (tmp_path / "file").touch()

    answer = run(sys.executable, wish(tmp_path / "file", python="99.1", disk_mib=10**9))

    assert ["python-too-old", "root-not-a-folder", "disk-full"] == [
        finding["id"] for finding in answer["blockers"]
    ]
    assert all(finding["message"] in answer["refusal"] for finding in answer["blockers"])


def test_examine_joins_all_checks(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = wish(
            tmp_path, ports={"b": server.getsockname()[1], "a": 1}, roles={"b": "b", "a": "a"}
        )
        found = ids(examine.examine(Wish(**asked)))

    assert found in (["port-taken"], ["port-taken", "port-taken"])


def test_main_prints_one_object(capsys, tmp_path):
    examine.main([json.dumps(wish(tmp_path))])

    assert {"blockers", "warnings", "refusal"} == json.loads(capsys.readouterr().out).keys()
