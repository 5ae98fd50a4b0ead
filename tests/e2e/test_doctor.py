# SPDX-License-Identifier: Apache-2.0
"""Every diagnosis an embedded installation can have: provoked, found by its id, undone."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import tarfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beast_ops.doctor.redact import forms, secrets
from beast_ops.place import Place
from tests.e2e.stack import await_true

LONG_AGO = time.time() - 86400


def diagnoses(stack, *words):
    """Return what the doctor finds, by id, and assert that its exit code says the same."""
    done = stack.run("doctor", "--json", *words)
    found = done.json["diagnoses"]
    problems = any(each["severity"] == "problem" for each in found)
    assert int(problems) == done.code, done.err
    return {each["id"]: each for each in found}


@contextlib.contextmanager
def aside(path):
    """Take *path* away for a while."""
    away = path.with_name(f"{path.name}.away")
    path.rename(away)
    try:
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        away.rename(path)


@contextlib.contextmanager
def text(path, content):
    """Let *path* hold *content* for a while."""
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(content)
    try:
        yield
    finally:
        path.unlink() if before is None else path.write_bytes(before)


@contextlib.contextmanager
def mode(path, bits):
    """Let *path* have other permissions for a while."""
    before = path.stat().st_mode & 0o777
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


def receipt(stack, operation, days):
    """Write that *operation* succeeded *days* days ago; return its file."""
    when = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    said = {**stack.receipts()[0], "operation": operation, "outcome": "done", "release": ""}
    path = stack.root / "receipts" / f"20260101T000000.000000Z-{operation}.json"
    return text(path, json.dumps({**said, "started": when, "finished": when}).encode())


def test_a_healthy_installation_has_no_diagnosis(stack):
    done = stack.run("doctor")

    assert (0, "Nothing is wrong.\n") == (done.code, done.out)


def test_where_nothing_is_deployed_the_doctor_says_so(installation):
    nothing = installation()

    assert ["BEAST-D101"] == list(diagnoses(nothing))
    assert not nothing.root.exists()


def test_a_release_that_is_not_in_force_is_found(stack):
    with aside(stack.root / "current"):
        assert "BEAST-D101" in diagnoses(stack)


def test_a_lost_record_is_found(stack):
    with aside(stack.root / "current" / "release.json"):
        assert "BEAST-D102" in diagnoses(stack)


def test_an_edited_file_is_found(stack):
    path = stack.root / "current" / "supervisord.conf"
    with text(path, path.read_bytes() + b"; mine\n"):
        found = diagnoses(stack)["BEAST-D103"]

    assert found["evidence"].endswith("supervisord.conf was edited")


def test_an_unfinished_environment_is_found(stack):
    with aside(stack.root / "current" / "venv" / "complete"):
        assert "BEAST-D104" in diagnoses(stack)


def test_a_damaged_master_key_is_found(stack):
    with text(stack.root / "secrets/master.key", b"short"):
        assert "5 bytes" in diagnoses(stack)["BEAST-D201"]["evidence"]
    with aside(stack.root / "secrets/master.key"):
        assert "not there" in diagnoses(stack)["BEAST-D201"]["evidence"]


def test_an_open_master_key_is_found_and_closed(stack):
    key = stack.root / "secrets/master.key"
    key.chmod(0o644)

    assert "BEAST-D202" in diagnoses(stack)
    assert {} == diagnoses(stack, "--fix")
    assert 0o600 == key.stat().st_mode & 0o777


def test_damaged_versions_are_found(stack):
    with text(stack.root / "secrets/versions", b"what is this\nqdrant/api_key 1\n"):
        assert "line 1" in diagnoses(stack)["BEAST-D203"]["evidence"]


@pytest.mark.parametrize("harm", ["gone", "edited", "open"])
def test_a_wrong_secret_is_found_and_handed_over_again(stack, harm):
    path = stack.root / "secrets/qdrant/api_key"
    before = path.read_bytes()
    {
        "gone": path.unlink,
        "edited": lambda: path.write_bytes(b"mine"),
        "open": lambda: path.chmod(0o644),
    }[harm]()

    assert "BEAST-D204" in diagnoses(stack)
    assert {} == diagnoses(stack, "--fix")
    assert before == path.read_bytes()


def test_a_stopped_service_is_found_and_started(stack):
    stack.must("stop", "beast-worker")

    assert "beast-worker" == diagnoses(stack)["BEAST-D301"]["subject"]
    assert not {"BEAST-D301", "BEAST-D302"} & diagnoses(stack, "--fix").keys()
    assert "beast-worker" in stack.pids()
    await_true(lambda: not diagnoses(stack))


def test_a_service_whose_port_another_holds_crashes_and_both_are_found(stack):
    stack.must("stop", "qdrant")
    with socket.create_server(("127.0.0.1", stack.settings["qdrant_port"])):
        stack.run("start", "qdrant")
        found = diagnoses(stack)
    stack.must("start")
    await_true(lambda: not diagnoses(stack))

    assert "qdrant" == found["BEAST-D302"]["subject"]
    assert f"(process {os.getpid()})" in found["BEAST-D304"]["evidence"]


def test_a_dead_supervisord_is_found_and_replaced(stack):
    os.kill(stack.supervisord(), signal.SIGKILL)

    assert "BEAST-D305" in await_true(lambda: diagnoses(stack))
    diagnoses(stack, "--fix")
    assert stack.is_up()
    await_true(lambda: not diagnoses(stack))


def test_a_service_that_hangs_is_found(stack):
    vectors = stack.pids()["qdrant"]
    os.kill(vectors, signal.SIGSTOP)
    try:
        found = stack.run("doctor", "--json").json["diagnoses"]
    finally:
        os.kill(vectors, signal.SIGCONT)
    await_true(lambda: not diagnoses(stack))

    assert ("BEAST-D306", "qdrant") in {(each["id"], each["subject"]) for each in found}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_data_folder_of_another_user_is_found_and_given_back(stack):
    services = json.loads((stack.root / "current/services.json").read_text())
    ours = [each for each in services["services"] if not each["external"]]
    folder = Path(services["data"]) / next(each for each in ours if each["volumes"])["volumes"][0]
    os.chown(folder, 64123, 64123)

    assert folder.name in diagnoses(stack)["BEAST-D403"]["evidence"]
    assert {} == diagnoses(stack, "--fix")
    assert os.geteuid() == folder.stat().st_uid


def test_what_was_left_unfinished_is_found_and_removed(stack):
    left = [stack.root / name for name in ("releases/.7-abc", "data/.2", "venv/0123456789ab")]
    for path in left:
        path.mkdir()
        os.utime(path, (LONG_AGO, LONG_AGO))
    found = stack.run("doctor", "--json")

    assert 0 == found.code
    assert {"BEAST-D404"} == {each["id"] for each in found.json["diagnoses"]}
    assert {} == diagnoses(stack, "--fix")
    assert not any(path.exists() for path in left)


def test_an_operation_that_never_ends_is_found_and_nothing_is_mended_meanwhile(stack):
    path = stack.root / "run/lease"
    owner = {"operation": "drill", "pid": 1, "host": "here", "since": "2026-01-01T00:00:00+00:00"}
    with text(path, json.dumps(owner).encode()), path.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        found = diagnoses(stack)
        with mode(stack.root / "secrets/master.key", 0o640):
            refused = stack.run("doctor", "--fix")

    assert found["BEAST-D405"]["evidence"].startswith("drill")
    assert 75 == refused.code


def test_old_backups_and_old_drills_are_found(stack):
    with receipt(stack, "backup", 3):
        assert {"BEAST-D701"} == diagnoses(stack).keys()
    with receipt(stack, "backup", 1):
        assert {} == diagnoses(stack)
        with receipt(stack, "drill", 9):
            assert {"BEAST-D702"} == diagnoses(stack).keys()


def test_a_look_that_fails_does_not_stop_the_others(stack):
    with aside(stack.root / "receipts"):
        (stack.root / "receipts").write_text("no folder")
        found = diagnoses(stack)
        (stack.root / "receipts").unlink()

    assert set() == found.keys() - {"BEAST-D001"}


def test_a_bundle_of_a_running_installation_holds_no_secret(stack, tmp_path):
    place = Place(stack.root)
    known = {form for each in secrets(place) if len(each) >= 8 for form in forms(each)}
    known = [form for form in known if len(form) >= 8]
    log = stack.root / "logs/planted.log"
    with text(log, b"\n".join(known)):
        done = stack.must("support-bundle", "--to", str(tmp_path / "bundle.tar.gz"))

    with tarfile.open(tmp_path / "bundle.tar.gz") as archive:
        inside = {each.name: archive.extractfile(each).read() for each in archive}
    assert 0o600 == (tmp_path / "bundle.tar.gz").stat().st_mode & 0o777
    assert {"doctor.json", "health.json", "release/services.json", "host.json"} <= {
        name.removeprefix("beast-support/") for name in inside
    }
    assert [] == json.loads(inside["beast-support/doctor.json"])
    assert [] == [(name, form) for name, text in inside.items() for form in known if form in text]
    assert "Look at it before you send it" in done.out
