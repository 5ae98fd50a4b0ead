# SPDX-License-Identifier: Apache-2.0
"""The plan step changes nothing anywhere, and refuses what makes no sense before anything else."""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[3]


def listing(*folders):
    return {
        path: path.lstat().st_mtime_ns if not path.is_dir() else None
        for folder in folders
        for path in folder.rglob("*")
        if not {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"} & set(path.parts)
    }


def test_a_plan_leaves_no_trace_on_disk(tmp_path, plan_at):
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    parts = ("roles", "playbooks", "inventory", "templates")
    clone = [CLONE / part for part in parts]
    for folder in (home, temporary):
        folder.mkdir()
    before = listing(home, *clone)

    found = plan_at(
        home / "not yet" / ".beast", environ={"HOME": str(home), "TMPDIR": str(temporary)}
    )

    assert found.code == 0, found.output
    assert before == listing(home, *clone)
    assert {} == listing(temporary)


def test_the_diff_shows_everything_on_a_bare_machine_and_no_secret(tmp_path, plan_at):
    found = plan_at(tmp_path / "root")

    for name in ("services.json", "supervisord.conf", "qdrant/settings.json"):
        assert f"+++ after: {name}" in found.output
    assert "27033" in found.output
    assert "changed=" in found.output
    assert "hunter2" not in found.output


def test_a_plan_works_in_any_locale_ansible_takes(tmp_path, plan_at):
    found = plan_at(tmp_path / "größe", locale="C.UTF-8", environ={"LANG": "C", "LANGUAGE": "xx"})

    assert found.code == 0, found.output
    assert str(tmp_path / "größe") in json.dumps(found.shipment, ensure_ascii=False)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"qdrant_prot": 1}, ["not a setting", "qdrant_prot", "Did you mean qdrant_port?"]),
        ({"beast_servces": []}, ["not a setting", "beast_servces", "beast_services"]),
        ({"beast_api_token": "hunter2"}, ["not a setting", "beast_api_token"]),
        ({"qdrant_api_key": "hunter2"}, ["not a setting", "qdrant_api_key"]),
        ({"qdrant_port": "http"}, ["qdrant_port"]),
        ({"beast_runtime": "magic"}, ["embedded"]),
        ({"beast_project": "My Project"}, ["beast_project"]),
        ({"beast_root": "here"}, ["beast_root"]),
        ({"beast_services": ["nowhere"]}, ["nowhere"]),
        ({"beast_services": ["ollama"]}, ["nothing to run"]),
        ({"beast_services": ["beast_api"]}, ["wants vectors"]),
        ({"beast_api_port": 27033}, ["both want port 27033", "--set beast_api_port=NUMBER"]),
        ({"ollama_url": "http://me:hunter2@host"}, ["external", "ollama"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_makes_no_sense_is_refused_in_a_sentence(said, words, tmp_path, plan_at):
    found = plan_at(tmp_path / "root", "-e", json.dumps(said))

    assert found.code != 0
    for word in words:
        assert word in found.failure or word in found.output
    assert "Traceback" not in found.output
    assert "hunter2" not in found.failure
    assert not (tmp_path / "root").exists()


def test_a_port_that_is_taken_is_refused_before_anything_changes(tmp_path, plan_at):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = plan_at(tmp_path / "root", "-e", json.dumps({"qdrant_port": port}))

    assert found.code != 0
    assert f"Port {port}, which qdrant needs, cannot be used" in found.failure
    assert not (tmp_path / "root").exists()


def test_a_root_that_is_a_file_is_refused_before_anything_changes(tmp_path, plan_at):
    (tmp_path / "root").write_text("mine")

    found = plan_at(tmp_path / "root")

    assert f"{tmp_path / 'root'} is not a folder." in found.failure
    assert "mine" == (tmp_path / "root").read_text()


def test_settings_of_the_installation_win_over_the_inventory(tmp_path, plan_at):
    inventory = tmp_path / "inventory"
    shutil.copytree(CLONE / "inventory/local", inventory)
    with (inventory / "group_vars/all.yml").open("a") as more:
        more.write("qdrant_optimize_points: 111\nbeast_worker_batch: 7\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "settings.yml").write_text("qdrant_optimize_points: 222\n")

    found = plan_at(root, inventory=str(inventory))

    assert found.code == 0, found.output
    texts = {
        path.split("/")[0]: json.loads(text) for path, text in found.shipment["config"].items()
    }
    assert (222, 7) == (texts["qdrant"]["optimize_points"], texts["beast-worker"]["batch"])
    assert ["settings.yml"] == os.listdir(root)  # noqa: PTH208 - names are what is wanted


def test_a_misspelt_setting_of_the_installation_is_refused(tmp_path, plan_at):
    (tmp_path / "settings.yml").write_text("qdrant_prot: 1\n")

    assert "qdrant_prot" in plan_at(tmp_path).failure
