# SPDX-License-Identifier: Apache-2.0
"""Changes of a running stack: what restarts, what comes back by itself, what stays."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from beast_ops.compose.identity import short
from tests.lab import galaxy
from tests.lab.shell import CLONE
from tests.lab.stack import ROOT

pytestmark = pytest.mark.needs("docker")


def restarted(stack, act):
    before = stack.started()
    done = act()
    after = stack.started()
    return done, {name for name in after if before.get(name) != after[name]}


def test_one_setting_of_one_service_restarts_that_service_alone(stack):
    done, names = restarted(stack, lambda: stack.beast("deploy", "--set", "qdrant_memory_mib=3000"))

    assert 0 == done.code, done.err
    assert {"qdrant"} == names


def test_a_service_more_restarts_neither_door_nor_monitoring(stack):
    services = list(stack_services(stack))
    stack.set(beast_services=[name for name in services if name != "cadvisor"])
    done, gone = restarted(stack, lambda: stack.beast("deploy"))
    assert 0 == done.code, done.err
    assert set() == gone
    assert "cadvisor" not in stack.containers()
    targets = stack.host("cat", f"{ROOT}/live/prometheus/scrape.yml")
    assert "cadvisor" not in targets

    stack.set(beast_services=services)
    done, names = restarted(stack, lambda: stack.beast("deploy"))

    assert 0 == done.code, done.err
    assert {"cadvisor"} == names


def stack_services(stack):
    import yaml

    said = yaml.safe_load((stack.folder / "group_vars/all.yml").read_text())
    return said["beast_services"]


def test_what_is_off_keeps_its_data_and_is_named(stack):
    services = list(stack_services(stack))
    stack.set(beast_services=[name for name in services if name != "grafana"])
    volume = stack.services()["grafana"]["volumes"][0]
    data = json.loads(stack.read("current/services.json"))["data"]
    done = stack.beast("deploy")
    routes = stack.host("cat", f"{ROOT}/live/traefik/dynamic.yml")

    assert 0 == done.code, done.err
    assert volume in done.out
    assert stack.tries("test", "-d", f"{data}/{volume}")
    assert "grafana" not in stack.containers()
    assert "grafana" not in routes
    assert not stack.tries("test", "-e", f"{ROOT}/live/grafana")

    stack.set(beast_services=services)
    assert 0 == stack.beast("deploy").code


def test_a_broken_rule_is_refused_before_anything_stops(stack):
    before = stack.started()
    release = stack.host("readlink", f"{ROOT}/current")
    done = stack.beast("deploy", "--set", "prometheus_interval=nonsense")

    assert 1 == done.code
    assert "prometheus refuses its configuration" in done.err
    assert before == stack.started()
    assert release == stack.host("readlink", f"{ROOT}/current")


def test_an_image_that_is_not_to_be_had_stops_nothing(stack):
    before = stack.started()
    done = stack.beast("deploy", "--set", "node_exporter_version=v0.0.1")

    assert 1 == done.code
    assert "node-exporter:v0.0.1" in done.err
    assert before == stack.started()


def test_a_service_that_never_gets_well_is_taken_back(stack):
    release = stack.host("readlink", f"{ROOT}/current")
    done = stack.beast("deploy", "--set", "open_webui_memory_mib=16")

    assert 1 == done.code
    assert "open-webui" in done.err
    assert "The last proven release is in force again" in done.err
    assert release == stack.host("readlink", f"{ROOT}/current")
    assert "rolled back" == stack.receipts()[-1]["outcome"]
    assert stack.gets_well()
    assert 0 == stack.beast("deploy").changed


def test_one_goes_back_by_hand_to_a_release_that_was_proven(stack):
    before = stack.host("readlink", f"{ROOT}/current")
    assert 0 == stack.beast("deploy", "--set", "qdrant_memory_mib=2900").code
    now = stack.host("readlink", f"{ROOT}/current")
    number = before.strip().rpartition("/")[2].partition("-")[0]
    done = stack.beast("rollback", "--to", number)

    assert now != before
    assert 0 == done.code, done.err
    assert before == stack.host("readlink", f"{ROOT}/current")
    assert 0 == stack.beast("deploy", "--set", "qdrant_memory_mib=3000").code


def test_a_deploy_puts_no_other_image_on_data(stack):
    before = stack.started()
    done = stack.beast("deploy", "--set", "grafana_version=13.1.0")

    assert 64 == done.code
    assert "upgrade" in done.err
    assert before == stack.started()


def test_a_tag_that_was_moved_is_drift_and_is_not_put_on_data(stack):
    assert (0, {}) == drifted(stack)
    name, runs = image_of(stack, "qdrant")
    other, before = image_of(stack, "node-exporter")[1], stack.started()
    stack.host("docker", "tag", other, name)
    try:
        code, found = drifted(stack)
        refused = stack.beast("deploy")
    finally:
        stack.host("docker", "tag", runs, name)

    assert (1, {"qdrant"}) == (code, set(found))
    assert f"runs {short(runs)}, and {name} is {short(other)} now" == found["qdrant"]
    assert 1 == refused.code
    assert f"docker tag {runs} {name}" in refused.err
    assert (0, {}) == drifted(stack)
    assert 0 == stack.beast("deploy").code
    assert before == stack.started()


def test_a_container_made_anew_under_a_moved_tag_is_drift_until_the_next_deploy(stack):
    name, runs = image_of(stack, "node-exporter")
    again = f"FROM {name}\nLABEL again=1\n".encode()
    stack.host("env", "DOCKER_BUILDKIT=0", "docker", "build", "--tag", name, "-", feed=again)
    now = stack.host("docker", "inspect", "--format", "{{.Id}}", name).strip()
    try:
        assert 0 == stack.beast("restart", "node-exporter").code
        code, found = drifted(stack)
        assert 0 == stack.beast("deploy").code
        assert (0, {}) == drifted(stack)
    finally:
        stack.host("docker", "tag", runs, name)
        deployed = stack.beast("deploy")

    assert (1, {"node-exporter"}) == (code, set(found))
    said = f"runs {short(now)}, and {name} was {short(runs)} when this was deployed"
    assert said == found["node-exporter"]
    assert 0 == deployed.code, deployed.err
    assert (0, {}) == drifted(stack)


def drifted(stack):
    """Return the exit code of `drift`, and what it says of each name."""
    done = stack.beast("drift", "--json")
    return done.code, {each["name"]: each["what"] for each in json.loads(done.out)["differences"]}


def image_of(stack, service):
    """Return the name and the id of the image that *service* runs."""
    found = stack.containers()[service]
    return found["Config"]["Image"], found["Image"]


def test_two_deploys_at_once_end_in_one_proven_release(stack):
    first = stack.start("deploy", "--set", "qdrant_memory_mib=2800")
    other = stack.start("deploy", "--set", "qdrant_memory_mib=2700")
    codes = {first.wait(900), other.wait(900)}
    first.communicate()
    other.communicate()

    assert codes <= {0, 75}
    assert 0 in codes
    assert "proven" == stack.receipts()[-1]["outcome"]
    assert 0 == stack.beast("deploy").code


def test_an_engine_that_dies_in_the_middle_leaves_a_state_the_next_deploy_understands(stack):
    running = stack.start("deploy", "--set", "qdrant_memory_mib=2600")
    stack.host("sh", "-c", "sleep 4; systemctl kill --signal=KILL docker; systemctl start docker")
    running.communicate(timeout=900)
    done = stack.beast("deploy")

    assert 0 == done.code, done.err
    assert stack.gets_well()
    assert 0 == stack.beast("deploy").changed


def test_the_stack_comes_back_with_the_machine(stack):
    from tests.lab import fleet

    fleet.reboot(stack.name)
    done = stack.beast("deploy")

    assert 0 == done.code, done.err
    assert stack.gets_well()


def test_a_new_service_is_one_folder_and_one_line_here_as_well(stack, tmp_path):
    """Made and deployed in a copy of the clone, for the role would stand in the way of others."""
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns(".git", ".venv", "out", "__pycache__", ".molecule")
    shutil.copytree(CLONE, clone, ignore=ignored)
    (clone / ".venv").symlink_to(CLONE / ".venv")
    python = [sys.executable, "-m", "beast_ops.cli"]
    subprocess.run([*python, "new-service", "zebra", "--port", "9444"], cwd=clone, check=True)
    services = list(stack_services(stack))
    stack.set(beast_services=[*services, "zebra"])
    environ = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(galaxy.collections())}
    deploy = [*python, "deploy", "--inventory", str(stack.folder)]
    _, names = restarted(
        stack, lambda: subprocess.run(deploy, cwd=clone, env=environ, check=True, timeout=600)
    )
    stack.set(beast_services=services)

    assert 0 == stack.beast("deploy").code
    assert "zebra" in names
    assert not names & {"traefik", "prometheus", "grafana", "qdrant", "ollama", "open-webui"}
