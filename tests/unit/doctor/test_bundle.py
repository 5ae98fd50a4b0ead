# SPDX-License-Identifier: Apache-2.0
import json
import platform
import stat
import tarfile
from pathlib import Path

import pytest

from beast_ops import keys
from beast_ops.doctor import bundle
from beast_ops.doctor.redact import forms, secrets
from beast_ops.errors import BeastError
from beast_ops.health import report
from beast_ops.preflight import docker


@pytest.fixture(autouse=True)
def _docker(monkeypatch):
    monkeypatch.setattr(docker, "look", docker.Docker)


def opened(path):
    with tarfile.open(path) as archive:
        return {
            each.name.removeprefix("beast-support/"): archive.extractfile(each).read()
            for each in archive
        }


def planted(place):
    """Hide every secret in every form everywhere; return all those forms."""
    keys.rotate(place.secrets, "store/key")
    keys.keep_given(place.secrets, "mail/password", "0nly-I-know/this+one")
    (place.secrets / "ca").mkdir()
    (place.secrets / "ca" / "ca.key").write_text(
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n"
        "-----END PRIVATE KEY-----\n"
    )
    known = {form for each in secrets(place) if len(each) >= 8 for form in forms(each)}
    known = sorted(form for form in known if len(form) >= 8)
    everything = b"\n".join(known)
    for folder in ("logs", "config/store/abc", "receipts", "releases/1-0123456789ab"):
        path = place.root / folder
        path.mkdir(parents=True, exist_ok=True)
        (path / "planted.json").write_bytes(everything)
    for number, form in enumerate(known):
        name = form.decode("utf-8", "surrogateescape")
        if "/" not in name and "\0" not in name and len(form) < 200:
            (place.logs / f"{number}-{name}.log").write_bytes(b"x")
    return known


def test_secrets_planted_everywhere_are_nowhere_in_the_bundle(place, tmp_path):
    known = planted(place)
    target = tmp_path / "bundle.tar.gz"
    names = bundle.write(place, target)

    inside = opened(target)
    raw = b"\n".join([*inside.values(), *(name.encode() for name in inside)])
    assert len(known) > 50
    assert [] == [form for form in known if form in raw]
    assert set(names) == inside.keys()
    assert {"logs/planted.json", "config/store/abc/planted.json", "receipts/planted.json",
            "release/planted.json", "doctor.json", "host.json"} <= inside.keys()  # fmt: skip
    assert 0o600 == stat.S_IMODE(target.stat().st_mode)


def test_a_file_that_is_there_is_not_replaced(place, tmp_path):
    target = tmp_path / "mine"
    target.write_text("mine")

    with pytest.raises(BeastError, match="cannot write the bundle: File exists"):
        bundle.write(place, target)
    assert "mine" == target.read_text()


def test_what_cannot_be_had_does_not_stop_the_rest(place, tmp_path, monkeypatch):
    def refuse(_place):
        raise BeastError("not today")

    def fall(_place):
        raise RuntimeError("words that nobody judged")

    monkeypatch.setattr(bundle, "_drift", refuse)
    monkeypatch.setattr(report, "run", fall)
    bundle.write(place, tmp_path / "bundle")

    inside = opened(tmp_path / "bundle")
    assert b"could not be had: not today.\n" == inside["drift.json"]
    assert b"could not be had: RuntimeError\n" == inside["health.json"]
    assert json.loads(inside["versions.json"])["python"] == platform.python_version()


def test_half_a_line_is_left_out(tmp_path, monkeypatch):
    log = tmp_path / "log"
    log.write_text("first line\nsecond\nthird\n")
    monkeypatch.setattr(bundle, "LOG_BYTES", 16)

    assert b"second\nthird\n" == bundle.tail(log)


def test_containers_tell_what_they_wrote(place, tmp_path, monkeypatch):
    class Runtime:
        logs = staticmethod(lambda _place, _name, _lines: iter(["one", "two"]))
        status = staticmethod(lambda _place: [])

    (place.current / "compose.yml").write_text("services: {}\n")
    (place.config / "empty").mkdir(parents=True)
    (place.current / "folder").mkdir()
    (place.logs / "folder").mkdir()
    monkeypatch.setattr(bundle, "of", lambda _: Runtime)
    for name in ("_doctor", "_health", "_drift"):  # which would ask the Docker of this machine
        monkeypatch.setattr(bundle, name, lambda _: b"")
    bundle.write(place, tmp_path / "bundle")

    assert b"one\ntwo" == opened(tmp_path / "bundle")["logs/containers.log"]


def test_a_machine_that_tells_little_is_told_of_all_the_same(place, monkeypatch):
    def unknown(*_words, **_more):
        raise OSError(2, "no such file")

    monkeypatch.setattr(platform, "freedesktop_os_release", unknown)
    monkeypatch.setattr(Path, "read_text", unknown)
    found = bundle.host(place)

    assert ({"ID": platform.system()}, []) == (found["system"], found["memory"])
