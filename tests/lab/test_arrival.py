# SPDX-License-Identifier: Apache-2.0
"""From a bare host to the whole stack by one command, and what is true of it then."""

import base64
import hashlib
import json
import re
import time
from urllib.parse import quote

import pytest

from tests.lab.stack import DOMAIN, ROOT

pytestmark = pytest.mark.needs("docker")


@pytest.fixture(scope="module")
def rehearsed(untouched):
    """What `--check --diff` says before anything is there, and what the host looks like then."""
    done = untouched.playbook("--check", "--diff")
    there = untouched.tries("ls", ROOT)
    engine = untouched.tries("which", "dockerd")
    return done, there, engine


def test_a_rehearsal_on_a_bare_host_passes_and_changes_nothing(rehearsed):
    done, there, engine = rehearsed

    assert 0 == done.code, done.err
    assert "compose.yml" in done.out
    assert not there
    assert not engine


@pytest.mark.usefixtures("rehearsed")
def test_one_command_makes_the_whole_stack(stack):
    health = stack.health()
    expected = set(stack.services())

    assert expected <= health.keys()
    assert {} == {name: word for name, word in health.items() if word == "unhealthy"}
    assert "proven" == stack.receipts()[-1]["outcome"]


def test_a_second_run_changes_nothing(stack):
    before = stack.started()
    done = stack.beast("deploy")

    assert (0, 0) == (done.code, done.changed)
    assert before == stack.started()


def test_what_differs_from_the_release_is_named(stack):
    assert 0 == stack.beast("drift").code
    container = stack.containers()["node-exporter"]["Id"]
    stack.host("docker", "stop", container)
    done = stack.beast("drift")
    stack.host("docker", "start", container)

    assert 1 == done.code
    assert "service  node-exporter is exited." in done.out.splitlines()


def test_what_was_done_is_told(stack):
    done = stack.beast("history", "--operation", "deploy", "--json")

    assert "proven" == json.loads(done.out)["receipts"][0]["outcome"]


def test_ansible_itself_says_the_same(stack):
    done = stack.playbook()

    assert 0 == done.code, done.err
    assert "changed=0" in done.out


def test_a_deploy_with_nothing_to_do_asks_the_host_less_than_twelve_times(stack):
    done = stack.playbook("-vvvv")
    asked = done.out.count(f"<{stack.name}> EXEC ")

    assert 0 == done.code
    assert 1 <= asked < 12


def test_every_container_is_held_to_the_rules(stack):
    services, loose = stack.services(), []
    for name, found in stack.containers().items():
        host, card = found["HostConfig"], services[name]
        rules = {
            "memory": host["Memory"] > 0,
            "processors": host["NanoCpus"] > 0,
            "processes": host["PidsLimit"] > 0,
            "restart": host["RestartPolicy"]["Name"] == "unless-stopped",
            "logs": host["LogConfig"]["Config"].get("max-size") == "10m",
            "privileges": "no-new-privileges:true" in host["SecurityOpt"] or host["Privileged"],
            "capabilities": host["CapDrop"] == ["ALL"],
            "pinned": not found["Config"]["Image"].endswith(":latest"),
        }
        loose += [(name, rule) for rule, kept in rules.items() if not kept]
        for bindings in (host["PortBindings"] or {}).values():
            for each in bindings:
                outside = each["HostIp"] != "127.0.0.1"
                declared = [door["port"] for door in card["publish"]]
                if outside and int(each["HostPort"]) not in declared:
                    loose.append((name, f"port {each['HostPort']}"))

    assert [] == loose


CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def forms(secret):
    """Return *secret* as it is, and in the forms in which it could be carelessly shown."""
    raw = secret.encode()
    yield from (secret, quote(secret, safe=""), base64.b64encode(raw).decode().rstrip("="))
    yield from (hashlib.new(name, raw).hexdigest() for name in ("md5", "sha1", "sha256"))


def test_no_secret_shows_where_others_look(stack):
    listed = stack.host("find", f"{ROOT}/secrets", "-mindepth", "2", "-type", "f").split()
    secrets = {
        form
        for path in listed
        for word in re.findall(r"[\w-]{40,}", CERTIFICATE.sub("", stack.host("cat", path)))
        for form in forms(word)
    }
    places = {
        "inspect": json.dumps(stack.containers()),
        "processes": stack.host("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"),
        "releases": stack.host("sh", "-c", f"cat {ROOT}/releases/*/*.* {ROOT}/receipts/*"),
        "config": stack.host("sh", "-c", f"cat {ROOT}/config/*/*/* {ROOT}/live/*/*.*"),
        "logs": stack.host("sh", "-c", f"cat {ROOT}/logs/* 2>/dev/null; true"),
        "journal": stack.host("journalctl", "--no-pager", "--lines", "5000"),
    }
    for name in stack.containers():
        places[f"logs of {name}"] = stack.host("sh", "-c", f"{ROOT}/beast logs {name} --lines 500")

    assert len(secrets) > 40
    assert [] == [place for place, text in places.items() for each in secrets if each in text]


def test_the_environment_of_no_process_shows_a_secret_to_others(stack):
    """Root reads everything; what counts is that nothing stands where an ordinary user looks."""
    script = "for f in /proc/[0-9]*/environ; do cat $f 2>/dev/null; done | tr '\\0' '\\n'"
    seen = stack.host("setpriv", "--reuid", "1234", "--clear-groups", "sh", "-c", script)
    token = stack.secret("beast-api/token")

    assert token not in seen


def test_each_reader_owns_its_secrets_and_nobody_else_reads_them(stack):
    listed = stack.host("find", f"{ROOT}/secrets", "-type", "f", "-printf", "%m %p\n")

    assert [] == [line for line in listed.splitlines() if not line.startswith("600 ")]


def test_the_verbs_work_on_the_host_itself(stack):
    assert "Overall:" in stack.host("sh", "-c", "beast health || true")
    assert "qdrant" in stack.host("beast", "status")


def test_a_document_goes_in_and_is_found_through_the_api(stack):
    token, folder = stack.secret("beast-api/token"), f"/root/papers-{time.time_ns()}"
    stack.host(
        "sh",
        "-c",
        f"mkdir -p {folder} && echo 'The heron stands in the reeds.' > {folder}/a.txt",
    )
    told = stack.host("beast", "ingest", folder, seconds=180)
    found = json.loads(stack.host("beast", "search", "where does the heron stand", "--json"))

    assert "1 ingested" in told
    assert "heron" in json.dumps(found)
    assert token not in told


def test_the_chat_asks_our_api_with_its_own_key(stack):
    """Its address stands in the environment of the chat, its key in the chat's secrets alone.

    It opens the chat with documents, and nothing that changes something.
    """
    script = """
. /run/secrets/environment
grep -azq '^OPENAI_API_BASE_URLS=http://beast-api:' /proc/[0-9]*/environ || exit 1
for key in "$OPENAI_API_KEYS" wrong; do
  curl -s -o /dev/null -w '%{http_code} ' -H "Authorization: Bearer $key" "$BEAST_API_URL/v1/models"
done
curl -s -o /dev/null -w '%{http_code} ' -X POST -H "Authorization: Bearer $OPENAI_API_KEYS" \
  -H 'Content-Type: application/json' -d '{}' "$BEAST_API_URL/backups"
"""
    chat = stack.containers()["open-webui"]["Id"]

    assert "200 401 403" == stack.host("docker", "exec", chat, "bash", "-c", script).strip()


def test_the_front_door_leads_everywhere_under_one_certificate(stack):
    script = """
import json, ssl, sys, urllib.request, urllib.error
context = ssl.create_default_context(cafile=sys.argv[1])
found = {}
for name in sys.argv[2:]:
    try:
        with urllib.request.urlopen("https://" + name + "/", context=context, timeout=20) as answer:
            found[name] = answer.status
    except urllib.error.HTTPError as refused:
        found[name] = refused.code
print(json.dumps(found))
"""
    routes = {
        f"{each['route']['host']}.{DOMAIN}": each["route"]["auth"]
        for each in stack.services().values()
        if each["route"]
    }
    names = " ".join(routes)
    stack.host("sh", "-c", f"echo 127.0.0.1 {names} >> /etc/hosts")
    root = f"{ROOT}/live/beast-api/ca.crt"
    found = json.loads(stack.host("python3", "-c", script, root, *routes))

    assert len(routes) >= 5
    assert {name: 401 for name, auth in routes.items() if auth != "own"} == {
        name: found[name] for name, auth in routes.items() if auth != "own"
    }
    assert all(code not in (404, 502, 503, 504) for code in found.values()), found
