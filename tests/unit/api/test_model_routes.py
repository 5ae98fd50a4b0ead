# SPDX-License-Identifier: Apache-2.0
"""The routes of models, with a model server that answers from a can."""

from dataclasses import replace

import pytest

from beast_ops import http
from beast_ops.api.app import build
from beast_ops.fit import answer
from beast_ops.fit.host import Host
from beast_ops.testing import Canned, fake_service, free_port, serving
from tests.unit.api.conftest import TOKEN

TAGS = {
    "models": [
        {"name": "b:1", "size": 10, "details": {"family": "llama", "quantization_level": "Q4_K_M"}},
        {"name": "a:1", "size": 20},
    ]
}
PS = {"models": [{"name": "b:1", "size": 8, "size_vram": 2}]}
ANSWERS = {
    "/api/version": Canned({"version": "0"}),
    "/api/tags": Canned(TAGS),
    "/api/ps": Canned(PS),
    "/api/delete": Canned({}),
}


@pytest.fixture
def answers():
    return dict(ANSWERS)


@pytest.fixture
def models(stack, answers, tmp_path):
    """Return a client of an API that has a model server, and what that was asked."""
    with fake_service(answers) as fake:
        port = free_port()
        around = replace(stack.around, models_url=fake.address, data=tmp_path)
        headers = {"authorization": f"Bearer {TOKEN}"}
        with (
            serving(build(around), port) as address,
            http.client(address, headers=headers, seconds=20) as client,
        ):
            yield client, fake


def test_models_are_listed_with_their_share_of_the_gpu(models):
    client, _ = models
    first, second = client.get("/models").json()["models"]

    assert ("a:1", 20, None) == (first["name"], first["bytes"], first["memory"])
    assert ("b:1", "llama", "Q4_K_M", None) == tuple(
        second[name] for name in ("name", "family", "quantization", "context")
    )
    assert (0.25, 8, 2) == tuple(
        second["memory"][name] for name in ("gpu_share", "bytes", "vram_bytes")
    )


def test_a_pull_is_a_job_and_the_same_one_for_all_who_want_it(models):
    client, _ = models
    first = client.post("/models/pull", json={"model": "llama3.2"})
    again = client.post("/models/pull", json={"model": "llama3.2:latest"})
    other = client.post("/models/pull", json={"model": "llama3.2:1b"})

    assert [202, 202, 202] == [each.status_code for each in (first, again, other)]
    assert first.json()["job"] == again.json()["job"] != other.json()["job"]
    jobs = client.get("/jobs").json()["jobs"]
    assert 2 == len(jobs)
    assert "cancelled" == client.delete(f"/jobs/{first.json()['job']}").json()["state"]
    anew = client.post("/models/pull", json={"model": "llama3.2"}).json()["job"]
    assert anew != first.json()["job"]


@pytest.mark.parametrize("name", ["", "-x", "a b", "a\n", "x" * 201, "ü"])
def test_what_is_no_name_of_a_model_is_refused(models, name):
    client, _ = models

    assert 422 == client.post("/models/pull", json={"model": name}).status_code


@pytest.mark.parametrize("name", ["llama3.2:1b", "hf.co/some/model:Q4", "library/x"])
def test_a_model_is_deleted(models, name):
    client, fake = models
    answer = client.delete(f"/models/{name}")

    assert 200 == answer.status_code
    assert answer.json()["deleted"].startswith(name)
    assert name in next(each.body.decode() for each in fake.asked if each.method == "DELETE")


def test_a_model_that_is_not_there_is_not_found(models, answers):
    answers["/api/delete"] = Canned({"error": "model 'x' not found"}, 404)
    client, _ = models
    refused = client.delete("/models/x")

    assert 404 == refused.status_code
    assert "does not have this model" in refused.json()["error"]["message"]


def test_a_model_server_that_stumbles_is_no_fault_of_ours(models, answers):
    answers["/api/tags"] = Canned({"error": "no"}, 500)
    client, _ = models

    assert 503 == client.get("/models").status_code


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("get", "/models", None), ("post", "/models/pull", {"model": "x"}),
     ("delete", "/models/x", None)],
)  # fmt: skip
def test_without_a_model_server_it_says_what_to_do(client, method, path, body):
    refused = client.request(method, path, json=body)

    assert 503 == refused.status_code
    assert "Ollama" in refused.json()["error"]["hint"]


def test_what_cannot_fit_is_refused_unless_it_is_forced(models, monkeypatch):
    client, _ = models
    small = Host(ram=2 << 30, vram=0, disk=1 << 30)
    monkeypatch.setattr(answer, "here", lambda _: small)
    wish = {"model": "llama3.1:8b"}

    refused = client.post("/models/pull", json=wish)
    forced = client.post("/models/pull", json={**wish, "force": True})

    assert 409 == refused.status_code
    error = refused.json()["error"]
    assert "takes 4.90 GB on the disk, where 1.07 GB are free (llama3.1:8b)" in error["message"]
    assert "force" in error["hint"]
    assert 202 == forced.status_code
    assert 202 == client.post("/models/pull", json={"model": "nobody-knows-it"}).status_code
    again = client.post("/models/pull", json=wish)  # what is coming is not refused, but shown
    assert (202, forced.json()["job"]) == (again.status_code, again.json()["job"])
    # Cancelled, it has come in part; a container does not see how much of it.
    client.delete(f"/jobs/{forced.json()['job']}")
    assert 202 == client.post("/models/pull", json=wish).status_code
