# SPDX-License-Identifier: Apache-2.0
"""What Ansible renders for a server is what Docker Compose accepts, and as closed as we say."""

import json
import re
import subprocess

import pytest
import yaml

from beast_ops.cards import Services
from beast_ops.release.land import Shipment

ROOTS = {"plain": "root", "odd": 'it\'s my "größe"; #1 $HOME ${X} `id` \\ {{ 7 * 7 }}'}
EMBEDDED = "qdrant/"  # whose settings are those of our own server, which no container runs
LOOPBACK = re.compile(r"127\.0\.0\.1:\d+:\d+")


@pytest.fixture(scope="module", params=ROOTS)
def planned(request, tmp_path_factory, plan_at):
    """A root and the shipment that is planned for it."""
    root = tmp_path_factory.mktemp("place") / ROOTS[request.param]
    return root, plan_at(root)


@pytest.fixture(scope="module")
def files(planned):
    return planned[1]["files"]


@pytest.fixture(scope="module")
def services(files):
    return Services.model_validate_json(files["services.json"])


@pytest.fixture(scope="module")
def described(files):
    """The services of the Compose file, by name."""
    return yaml.safe_load(files["compose.yml"])["services"]


def test_a_plan_creates_nothing_where_it_looks(planned):
    assert not planned[0].exists()


def test_exactly_the_containers_of_the_contract_are_described(described, services):
    assert [each.name for each in services if each.contained] == list(described)
    assert len(described) > 8


@pytest.mark.needs("docker")
def test_compose_accepts_it_and_understands_every_path_as_it_was_chosen(planned, files, tmp_path):
    root, shipment = planned
    (tmp_path / "compose.yml").write_text(files["compose.yml"], encoding="utf-8")
    argv = ["docker", "compose", "--project-directory", tmp_path, "--file", "compose.yml"]

    done = subprocess.run(
        [*argv, "config", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["services"]
    mounted = {
        mount["source"].replace("$$", "$")  # which is how Compose prints a dollar sign
        for service in found.values()
        for mount in service["volumes"]
    }
    assert {
        f"{root}/secrets/{reader}" for reader, *_ in shipment["handovers"] if reader in found
    } <= mounted
    assert {
        f"{root}/config/{path.rpartition('/')[0]}"
        for path in shipment["config"]
        if not path.startswith(EMBEDDED) and path.partition("/")[0] in found
    } <= mounted


def test_every_container_has_limits_and_may_do_little(described):
    for name, found in described.items():
        assert re.fullmatch(r"\d+m", found["mem_limit"]), name
        assert found["cpus"] > 0, name
        assert found["pids_limit"] > 0, name
        assert ["no-new-privileges:true"] == found["security_opt"], name
        assert ["ALL"] == found["cap_drop"], name


def test_every_container_writes_logs_that_end(described):
    for found in described.values():
        assert {"max-size", "max-file"} == found["logging"]["options"].keys()


def handed(described, folder, **environment):
    """Return what Open WebUI's own start script gets from our command, as the shell makes it."""
    (folder / "start.sh").write_text("env\n")
    (folder / "environment").write_text("OPENAI_API_KEYS='a-key'\n")
    (folder / "models_token").write_text("its-own")
    seen = {key: value.replace("/run/secrets/", f"{folder}/") for key, value in environment.items()}
    [*shell, script] = [part.replace("$$", "$") for part in described["open-webui"]["command"]]
    done = subprocess.run(
        [*shell, script.replace("/run/secrets/", f"{folder}/")],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **seen},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines())


def test_open_webui_chats_with_documents_through_the_api(described, tmp_path):
    found = described["open-webui"]["environment"]
    seen = handed(described, tmp_path, **found)

    assert "http://beast-api:8787/v1" == seen["OPENAI_API_BASE_URLS"]
    assert "True" == seen["ENABLE_OPENAI_API"]
    assert "a-key" == seen["OPENAI_API_KEYS"]
    assert found["OLLAMA_BASE_URL"] == seen["RAG_OLLAMA_BASE_URL"]


def test_open_webui_shows_its_own_token_for_models(described, tmp_path):
    found = described["open-webui"]["environment"]
    seen = handed(described, tmp_path, **found)

    assert "/run/secrets/models_token" == found["MODELS_KEY_FILE"]
    assert "http://beast-gateway:11435" == found["OLLAMA_BASE_URL"]
    assert {"0": {"key": "its-own"}} == json.loads(seen["OLLAMA_API_CONFIGS"])
    assert "its-own" == seen["RAG_OLLAMA_API_KEY"]


def test_open_webui_shows_none_where_nobody_asks(described, tmp_path):
    found = {**described["open-webui"]["environment"]}
    del found["MODELS_KEY_FILE"]

    assert (
        not {"OLLAMA_API_CONFIGS", "RAG_OLLAMA_API_KEY"}
        & handed(described, tmp_path, **found).keys()
    )


def test_the_model_server_is_in_a_network_that_only_the_gateway_joins(files, described):
    within = {
        name: [who for who, each in described.items() if name in each.get("networks", ["default"])]
        for name in yaml.safe_load(files["compose.yml"])["networks"]
    }

    assert ["ollama", "beast-gateway"] == within["models"]
    assert {*described} - {"ollama"} == {*within["default"]}


def test_who_uses_models_shows_a_token_of_its_own_and_the_gateway_knows_it(planned, described):
    clients = described["beast-gateway"]["environment"]["BEAST_CLIENTS"].split(",")
    handed_over = {tuple(each) for each in planned[1]["handovers"]}

    assert {"beast-worker=admin", "beast-api=admin", "open-webui=write"} == set(clients)
    for name in (each.partition("=")[0] for each in clients):
        file = f"client_{name.replace('-', '_')}"
        assert ("beast-gateway", file, name, "models_token") in handed_over
        assert (name, "models_token", name, "models_token") in handed_over


def test_open_webui_asks_nobody_else_where_there_is_no_api(described, tmp_path):
    found = dict(described["open-webui"]["environment"])
    del found["BEAST_API_URL"]

    assert "" == handed(described, tmp_path, **found)["ENABLE_OPENAI_API"]


def test_open_webui_shows_the_api_a_token_of_its_own_that_may_only_read(planned, described):
    shipment = planned[1]
    texts = {(reader, file): text for reader, file, text in shipment["filled"]}

    assert "OPENAI_API_KEYS='{api_token}'" in texts["open-webui", "environment"]
    handed_over = [tuple(each) for each in shipment["handovers"]]
    assert ("beast-api", "client_open_webui", "open-webui", "api_token") in handed_over
    assert "open-webui=read" == described["beast-api"]["environment"]["BEAST_CLIENTS"]
    assert [] == [each for each in handed_over if each[2:] == ("beast-api", "token")][1:]


def test_only_the_front_door_is_open_to_others(described, services):
    published = {each.name for each in services if each.publish}

    assert {"traefik"} == published
    for name, found in described.items():
        ports = found.get("ports", [])
        beyond = [port for port in ports if not LOOPBACK.fullmatch(port)]
        assert len(services.service(name).publish) == len(beyond)


def test_every_image_names_a_version(described):
    for found in described.values():
        tag = found["image"].partition("@")[0].rpartition(":")[2]

        assert tag not in {"", "latest"}
        assert "/" not in tag
        assert re.search(r"\d", tag)


def test_every_container_looks_at_itself(described):
    without = [name for name, found in described.items() if "healthcheck" not in found]

    assert [] == without


def test_nobody_is_privileged_without_a_reason(described, inventory):
    breaks = {
        name
        for name, found in described.items()
        if found.get("privileged") or found.get("pid") or not found["read_only"]
    }
    reasons = {
        card["name"]
        for card in (inventory.value(f"__{role}_card") for role in inventory.roles)
        if card.get("exceptions")
    }

    assert breaks <= reasons


@pytest.mark.parametrize("leftover", ["{%", "%}", "__", "AnsibleUndefined"])
def test_nothing_of_templates_is_left(leftover, files):
    # Qdrant's variables have two underscores, and so have meta labels of Prometheus.
    known = re.compile(r"\b(QDRANT__\w+|GF_\w+|__(address|meta|metrics|name)\w*)")
    for name, text in files.items():
        if name.startswith("live/") and "/dashboards/" in name:
            continue  # taken as they are: braces are Grafana's
        assert leftover not in known.sub("", text), name


def test_nothing_of_the_root_is_taken_for_a_template(planned, files):
    assert str(planned[0]) == json.loads(files["services.json"])["root"]


def test_the_host_takes_what_is_shipped(planned):
    shipment = Shipment.model_validate_json(json.dumps(planned[1]))

    assert {"services.json", "compose.yml"} <= shipment.files.keys()
    assert "supervisord.conf" not in shipment.files


def test_every_volume_and_every_reader_has_an_owner(planned, described):
    shipment = planned[1]

    assert set(described) == shipment["owners"].keys()
    assert all(re.fullmatch(r"\d+:\d+", owner) for owner in shipment["owners"].values())
    mounted = {
        mount["source"].rpartition("/")[2]
        for found in described.values()
        for mount in found.get("volumes", [])
        if "/data/1/" in mount["source"]
    }
    assert mounted <= shipment["volumes"].keys()
    assert mounted
