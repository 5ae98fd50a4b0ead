# SPDX-License-Identifier: Apache-2.0
"""Leave with plain Compose, go on with it on the same data, and come back."""

import base64
import json
import re

import pytest

from tests.lab.stack import ROOT

pytestmark = pytest.mark.needs("docker")

FOLDER = "/srv/plain"
STORE = """
import json, sys, urllib.request as r
method, path, key = sys.argv[1], sys.argv[2], open(sys.argv[3]).read().strip()
body = b'{"vectors": {"size": 2, "distance": "Dot"}}' if method == "PUT" else None
asked = r.Request("http://127.0.0.1:6333" + path, body, method=method)
asked.add_header("api-key", key)
asked.add_header("content-type", "application/json")
print(r.urlopen(asked, timeout=20).read().decode())
"""


def store(stack, method, path, key):
    """Ask the store of vectors on the host, as whoever may read *key* there."""
    return json.loads(stack.host("python3", "-c", STORE, method, path, key))["result"]


def compose(stack, *words):
    return stack.host("sh", "-c", f"cd {FOLDER} && docker compose {' '.join(words)}", seconds=600)


def plain(stack):
    """Return when each container of the folder was started, by service; none has our label."""
    ids = compose(stack, "ps", "--quiet").split()
    found = json.loads(stack.host("docker", "inspect", *ids))
    labels = {name for each in found for name in each["Config"]["Labels"]}
    assert not any(name.startswith("org.ai-beast.root") for name in labels)
    return {
        each["Config"]["Labels"]["com.docker.compose.service"]: each["State"]["StartedAt"]
        for each in found
    }


def test_one_leaves_with_plain_compose_and_comes_back(stack):
    assert store(stack, "PUT", "/collections/stays", f"{ROOT}/secrets/qdrant/api_key")
    before, contained = stack.started(), set(stack.containers())
    done = stack.beast("eject", "--to", FOLDER)
    assert 0 == done.code, done.err
    assert before == stack.started()
    compose(stack, "config", "--quiet")
    assert "" == stack.host("find", f"{FOLDER}/secrets", "-type", "f", "!", "-perm", "0600")
    assert set() == told(stack)

    assert 0 == stack.beast("down").code
    compose(stack, "up", "--detach", "--wait")
    started = plain(stack)
    assert contained == set(started)
    key = f"{FOLDER}/secrets/qdrant/api_key"
    assert "stays" in names(store(stack, "GET", "/collections", key))
    compose(stack, "up", "--detach", "--wait")
    assert started == plain(stack)  # nothing was left to do

    assert 0 == stack.beast("remove", "--yes").code
    assert not stack.tries("test", "-e", f"{ROOT}/current")
    compose(stack, "restart", "qdrant")  # none of its folders went with us
    compose(stack, "up", "--detach", "--wait", "--force-recreate")
    assert "stays" in names(store(stack, "GET", "/collections", key))

    compose(stack, "down")
    back = stack.beast("deploy")
    assert 0 == back.code, back.err
    assert "stays" in names(store(stack, "GET", "/collections", f"{ROOT}/secrets/qdrant/api_key"))
    stack.host("rm", "-r", FOLDER)


def names(result):
    return {each["name"] for each in result["collections"]}


def told(stack):
    """Return the files outside the folder of secrets that show one of them, in some form."""
    argv = ["find", f"{ROOT}/secrets", "-mindepth", "2", "-type", "f", "-size", "-200c"]
    texts = {stack.host("cat", path) for path in stack.host(*argv).split()}
    values = {value for text in texts for value in re.findall(r"[\w-]{32,}", text)}
    forms = {form for value in values for form in (value, encoded(value))}
    assert len(forms) > 10
    shown = "".join(f"{form}\n" for form in sorted(forms)).encode()
    argv = ["grep", "--recursive", "--files-with-matches", "--fixed-strings", "--file=-"]
    script = f"{' '.join(argv)} --exclude-dir=secrets {FOLDER} || true"
    return set(stack.host("sh", "-c", script, feed=shown).split())


def encoded(text):
    return base64.b64encode(text.encode()).decode()
