# SPDX-License-Identifier: Apache-2.0
"""The model server behind its gateway: nobody else reaches it, and all who may get their answers.

The stack is deployed without the gateway first, as by a release from before it, and goes back
there in the end.
"""

import json

import pytest

from tests.lab import fleet
from tests.lab.known import answers, put_in, unwell
from tests.lab.stack import DOMAIN, fresh

pytestmark = pytest.mark.needs("docker")

NAME = "gateway"
BEFORE = ["traefik", "ollama", "qdrant", "beast_worker", "beast_api"]
WITH = [*BEFORE[:3], "beast_gateway", *BEFORE[3:]]
IMAGE = "traefik:v3.7.11"  # any with Python in the lab
WRITES, OTHER = "llama3.2:latest", "qwen3:8b"
# Says the status with which an address answers, or that nobody does.
ASK = """
import json, ssl, sys, urllib.error, urllib.request
url, token, body = json.loads(sys.argv[1])
headers = {"content-type": "application/json"}
if token:
    headers["authorization"] = f"Bearer {token}"
WHOEVER = ssl._create_unverified_context()
data = json.dumps(body).encode() if body is not None else None
try:
    asked = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(asked, timeout=8, context=WHOEVER) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as refused:
    print(refused.code, refused.read().decode())
except OSError as failed:
    print("nobody", failed)
"""


@pytest.fixture(scope="module")
def before(lab, tmp_path_factory):
    """A small stack without the gateway that knows something."""
    assert lab
    made = fresh(NAME, tmp_path_factory.mktemp("inventory"), bare=False)
    made.set(beast_services=BEFORE, ollama_models=[WRITES, OTHER])
    done = made.beast("deploy")
    assert 0 == done.code, done.err
    put_in(made, "The kingfisher waits at the weir every morning.")
    yield made
    fleet.remove(NAME)


def ask(stack, url, token=None, body=None, network="beast"):
    """Return what a container in *network*, which is none of ours, is answered."""
    argv = ["docker", "run", "--rm", "--network", network, "--entrypoint", "python3"]
    argv += ["--add-host", f"models.{DOMAIN}:{stack.address()}", IMAGE]
    said = stack.host(*argv, "-c", ASK, json.dumps([url, token, body]))
    status, _, answer = said.partition(" ")
    return status, answer


def place(stack):
    """Return every address the model server could have for other containers."""
    found = stack.containers()["ollama"]["NetworkSettings"]["Networks"]
    inner = [each["IPAddress"] for each in found.values()]
    gateways = stack.host("docker", "network", "inspect", "beast", "--format", FORM).split()
    hosts = ["ollama", *inner, *gateways, "172.17.0.1", stack.address()]
    return [f"http://{host}:11434/api/version" for host in hosts]


FORM = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"


def made_token(stack, name, *words):
    return stack.host("beast", "tokens.create", name, *words).split()[0]


def test_without_the_gateway_everybody_reaches_the_model_server(before):
    assert "200" == ask(before, "http://ollama:11434/api/tags")[0]
    assert "forward" == before.services()["ollama"]["route"]["auth"]


@pytest.fixture(scope="module")
def stack(before):
    """The same stack with the gateway."""
    known = answers(before)
    before.set(beast_services=WITH)
    done = before.beast("deploy")
    assert 0 == done.code, done.err
    assert known == answers(before)
    assert {} == unwell(before)
    return before


def test_then_nothing_is_left_to_do(stack):
    assert 0 == stack.beast("drift").code
    again = stack.beast("deploy")

    assert (0, 0) == (again.code, again.changed)


def test_the_model_server_is_in_one_network_with_the_gateway_alone(stack):
    found = {
        name: sorted(each["NetworkSettings"]["Networks"])
        for name, each in stack.containers().items()
    }

    assert ["beast-models"] == found["ollama"]
    assert {"beast-gateway", "ollama"} == {
        name for name, networks in found.items() if "beast-models" in networks
    }


def test_from_another_container_the_model_server_is_not_to_be_reached(stack):
    found = {url: ask(stack, url)[0] for url in place(stack)}

    assert len(found) > 4
    assert {"nobody"} == {*found.values()}, found
    # That way of asking does reach it, where it is.
    assert "200" == ask(stack, "http://ollama:11434/api/version", network="beast-models")[0]


def test_through_the_gateway_it_is_by_who_may(stack):
    url = "http://beast-gateway:11435"
    token = made_token(stack, "pupil", "--scope", "write", "--models", "llama3.2")
    chat = {"model": WRITES, "messages": [{"role": "user", "content": "hello"}], "stream": False}

    assert "401" == ask(stack, f"{url}/api/tags")[0]
    assert "401" == ask(stack, f"{url}/api/tags", "a-guess")[0]
    status, listed = ask(stack, f"{url}/api/tags", token)
    assert "200" == status
    assert [WRITES] == [each["name"] for each in json.loads(listed)["models"]]
    assert "200" == ask(stack, f"{url}/api/chat", token, chat)[0]
    assert "403" == ask(stack, f"{url}/api/chat", token, {**chat, "model": OTHER})[0]
    assert "403" == ask(stack, f"{url}/api/pull", token, {"model": WRITES})[0]
    assert "404" == ask(stack, f"{url}/api/unknown", token, {})[0]
    stack.host("beast", "tokens.revoke", "pupil")
    assert "401" == ask(stack, f"{url}/api/tags", token)[0]


def test_the_front_door_leads_there_and_asks_nobody_else(stack):
    token = made_token(stack, "outside", "--scope", "read")
    url = f"https://models.{DOMAIN}/api/tags"

    assert "401" == ask(stack, url)[0]
    assert "200" == ask(stack, url, token)[0]


def test_ours_reach_models_through_the_gateway(stack):
    shown = json.loads(stack.host("beast", "models.list", "--json"))
    assert {WRITES, OTHER} <= {each["name"] for each in shown["models"]}

    stack.host("beast", "models.pull", "all-minilm", seconds=180)
    listed = stack.host("beast", "models.list", "--json")
    assert "all-minilm:latest" in listed
    stack.host("beast", "models.rm", "all-minilm")
    assert "all-minilm:latest" not in stack.host("beast", "models.list", "--json")


def test_health_is_seen_on_the_host_and_through_the_gateway(stack):
    key = stack.secret("beast-api/token")
    status, answer = ask(stack, "http://beast-api:8787/health", key)
    inside = {each["name"]: each for each in json.loads(answer)["checks"]}

    assert "200" == status
    assert "healthy" == stack.health()["ollama"] == stack.health()["beast-gateway"]
    assert "healthy" == inside["ollama"]["status"], inside["ollama"]
    assert "http://beast-gateway:11435" == inside["ollama"]["details"]["address"]


def test_a_rotated_token_of_a_service_goes_on_working(stack):
    done = stack.beast("secrets.rotate", "beast-worker/models_token")

    assert 0 == done.code, done.err
    assert {} == unwell(stack)
    stack.host("beast", "models.pull", "all-minilm", seconds=180)
    stack.host("beast", "models.rm", "all-minilm")


def test_the_audit_agrees(stack):
    done = stack.beast("audit", "--json")

    assert 0 == done.code, done.out


def test_it_goes_back_to_before(stack):
    known = answers(stack)
    stack.set(beast_services=BEFORE)
    done = stack.beast("deploy")

    assert 0 == done.code, done.err
    assert known == answers(stack)
    assert "200" == ask(stack, "http://ollama:11434/api/tags")[0]
    assert "beast-models" not in stack.host("docker", "network", "ls", "--format", "{{.Name}}")
