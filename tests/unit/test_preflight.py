# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from beast_ops import preflight
from beast_ops.preflight import Wish, check_disk, check_memory, check_port, check_python, check_root
from beast_ops.release import remove
from beast_ops.release.build import HASH_CHARACTERS
from beast_ops.testing import free_port

SCRIPT = Path(preflight.__file__)
NOBODY = 65534
EVERYWHERE = "0.0.0.0"  # noqa: S104 - where somebody else's server listens


def wish(root, **said):
    plain = {
        "root": str(root),
        "python": "3.8",
        "disk_mib": 1,
        "memory_mib": 1,
        "ports": {},
        "roles": {},
    }
    return {**plain, **said}


def ids(findings):
    return [finding.id for finding in findings]


def run(python, asked, **options):
    done = subprocess.run(
        [python, str(SCRIPT), json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        **options,
    )
    assert "" == done.stderr
    return json.loads(done.stdout)


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


@pytest.mark.parametrize("least", ["3.11", "3.8", "3"])
def test_versions_are_numbers_and_not_text(least):
    wanted = tuple(int(part) for part in least.split("."))

    assert [] == list(check_python(wanted, (3, 13)))


def test_an_older_python_is_refused():
    assert ["python-too-old"] == ids(check_python((3, 11), (3, 9)))


def root_findings(root):
    return ids(check_root(root, preflight.nearest(root)))


def test_a_folder_of_ours_and_one_to_be_made_are_welcome(tmp_path):
    assert [] == root_findings(tmp_path)
    assert [] == root_findings(tmp_path / "a/b/c")
    assert [] == root_findings(tmp_path / "with space and ü%")


def test_a_link_to_a_folder_is_a_folder(tmp_path):
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real").mkdir()

    assert [] == root_findings(tmp_path / "link")
    assert [] == root_findings(tmp_path / "link" / "new")


@pytest.mark.parametrize("below", ["", "/new"])
def test_a_file_in_the_way_is_refused(below, tmp_path):
    (tmp_path / "file").touch()

    assert ["root-not-a-folder"] == root_findings(Path(f"{tmp_path}/file{below}"))


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_link_to_nothing_or_to_itself_is_refused(target, tmp_path):
    (tmp_path / "link").symlink_to(target)

    assert ["root-not-a-folder"] == root_findings(tmp_path / "link")


@pytest.mark.parametrize("names", [["a", "b"], ["data", "notes.txt"], ["run", "venv", "Music"]])
def test_a_folder_full_of_other_things_is_refused(names, tmp_path):
    for name in names:
        (tmp_path / name).mkdir()

    assert ["root-in-use"] == root_findings(tmp_path)


@pytest.mark.parametrize(
    "names",
    [["settings.yml"], ["data/1", "secrets"], [".DS_Store", "lost+found"], ["a", "run/lease"]],
)
def test_a_folder_with_things_of_ours_is_welcome(names, tmp_path):
    for name in names:
        (tmp_path / name).mkdir(parents=True)

    assert [] == root_findings(tmp_path)


def test_what_is_ours_is_what_a_removal_takes():
    assert remove.OURS | {"lost+found"} == preflight.OURS
    assert remove.TRACES == preflight.TRACES
    assert "[0-9a-f]" * HASH_CHARACTERS == preflight.HASH


@pytest.mark.needs("root")
def test_a_root_of_somebody_else_is_refused_even_for_root(tmp_path):
    os.chown(tmp_path, NOBODY, NOBODY)

    assert ["root-of-another"] == root_findings(tmp_path)


@pytest.mark.needs("root")
@pytest.mark.parametrize("below", ["root", "root/new"])
def test_a_folder_one_may_not_write_is_refused(below, outside):
    answer = as_nobody(outside, outside / below, 0o755)

    assert ["root-of-another" if below == "root" else "root-not-writable"] == answer


@pytest.mark.needs("root")
@pytest.mark.parametrize("below", ["root/new", "link"])
def test_a_folder_one_may_not_even_enter_is_refused_without_a_traceback(below, outside):
    (outside / "link").symlink_to(outside / "root" / "inside")
    (outside / "root" / "inside").mkdir(parents=True)

    answer = as_nobody(outside, outside / below, 0o700)

    assert answer in (["root-not-writable"], ["root-not-a-folder"])


@pytest.fixture
def outside():
    """Return a folder that everybody may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(outside, asked, mode):
    """Ask as a user that owns nothing; *outside* lets it pass, `root` in it has *mode*."""
    (outside / "root").mkdir(exist_ok=True)
    (outside / "root").chmod(mode)
    shutil.copy(SCRIPT, outside / "preflight.py")
    (outside / "preflight.py").chmod(0o644)
    done = subprocess.run(
        ["/usr/bin/python3", str(outside / "preflight.py"), json.dumps(wish(asked))],
        capture_output=True,
        text=True,
        check=False,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
    )
    assert "" == done.stderr
    return [finding["id"] for finding in json.loads(done.stdout)["blockers"]]


@pytest.mark.parametrize(
    ("free", "expected"),
    [(99, ["disk-full"]), (100, ["disk-short"]), (199, ["disk-short"]), (200, [])],
)
def test_a_disk_is_full_short_or_neither(free, expected, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=free * preflight.MIB)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: usage)

    found = list(check_disk(tmp_path, 100))

    assert expected == ids(found)
    assert ["disk-full" == finding.id for finding in found] == [f.blocks for f in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MemTotal: 9 kB\nMemAvailable:  1023 kB\n", ["memory-short"]),
        ("MemAvailable:  1048576 kB\n", []),
        ("MemTotal: 9 kB\n", []),
        ("MemAvailable: lots\n", []),
        ("nonsense", []),
        ("", []),
    ],
)
def test_memory_is_short_or_unknown_or_enough(text, expected, tmp_path):
    (tmp_path / "meminfo").write_text(text)

    found = list(check_memory(tmp_path / "meminfo", 1024))

    assert expected == ids(found)
    assert not any(finding.blocks for finding in found)


def test_without_proc_nothing_is_said_of_memory(tmp_path):
    assert [] == list(check_memory(tmp_path / "none", 1024))


def port_findings(port, ours=()):
    return list(check_port("qdrant", "qdrant", port, set(ours)))


def test_a_free_port_is_welcome_even_just_after_a_server_left():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # whoever closes first leaves a dying connection behind

    assert [] == port_findings(port)


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), (EVERYWHERE, socket.AF_INET), ("::", socket.AF_INET6)],
)
def test_a_port_somebody_listens_on_is_refused(host, family):
    with socket.create_server(
        (host, 0), family=family, dualstack_ipv6=family == socket.AF_INET6
    ) as server:
        port = server.getsockname()[1]

        (finding,) = port_findings(port)

    assert ("port-taken", True) == (finding.id, finding.blocks)
    assert f"Port {port}, which qdrant needs, cannot be used: " in finding.message
    assert "--set qdrant_port=NUMBER" in finding.hint


@pytest.mark.needs("root")
def test_a_port_one_may_not_use_is_refused(tmp_path):
    unprivileged = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if unprivileged < 2:
        pytest.skip("every port is free for everybody here")
    script = tmp_path / "p.py"
    shutil.copy(SCRIPT, script)

    text = (
        f"import os, p; os.setuid({NOBODY}); print(next(p.check_port('a', 'a', 1, set())).message)"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-c", text],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "Port 1, which a needs, cannot be used: Permission denied.\n" == done.stdout


def marked(run_folder, pid):
    run_folder.mkdir(exist_ok=True)
    (run_folder / "qdrant.json").write_text(json.dumps({"pid": pid, "started": "x"}))
    return preflight.own_sockets(run_folder)


def test_a_port_our_own_process_listens_on_is_no_obstacle(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = marked(tmp_path / "run", os.getpid())

        assert [] == port_findings(server.getsockname()[1], ours)


def test_a_port_is_ours_even_if_somebody_uses_its_number_on_another_address(tmp_path):
    port = free_port()
    with (
        socket.create_server(("127.0.0.2", port)),
        socket.create_server(("127.0.0.1", port)),
        socket.create_server(("127.0.0.3", port)),
    ):
        everything = marked(tmp_path / "run", os.getpid())
        ours = everything & preflight.listeners(port)

        assert 1 == len(preflight.listeners(port))
        assert [] == port_findings(port, ours)


OTHER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
input()
"""


def test_what_only_another_address_of_ours_holds_is_not_ours(tmp_path):
    port = free_port()
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            OTHER,
            str(port),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with other, socket.create_server(("127.0.0.2", port)):
        other.stdout.readline()
        found = port_findings(port, marked(tmp_path / "run", os.getpid()))
        other.communicate(b"\n")

    assert ["port-taken"] == ids(found)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"pid": "x"}', '{"pid": null}', '{"pid": 4194999}']
)
def test_a_damaged_mark_owns_nothing(text, tmp_path):
    (tmp_path / "a.json").write_text(text)

    assert set() == preflight.own_sockets(tmp_path)


def test_without_marks_nothing_is_ours(tmp_path):
    assert set() == preflight.own_sockets(tmp_path / "none")


def test_examine_joins_all_checks(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = wish(
            tmp_path, ports={"b": server.getsockname()[1], "a": 1}, roles={"b": "b", "a": "a"}
        )
        found = ids(preflight.examine(Wish(**asked)))

    assert found in (["port-taken"], ["port-taken", "port-taken"])


def test_main_prints_one_object(capsys, tmp_path):
    preflight.main([json.dumps(wish(tmp_path))])

    assert {"blockers", "warnings", "refusal"} == json.loads(capsys.readouterr().out).keys()
