# SPDX-License-Identifier: Apache-2.0
"""GPUs from end to end: a driver that lies or is lost, and what health, doctor and figures say.

The library stands where NVIDIA's would, and the double claims what Ollama claims in `/api/ps`.
"""

import pytest

from beast_ops.gpu.host import FRESH_SECONDS
from beast_ops.llm.testing import WRITES, fake_ollama
from tests.conftest import demand
from tests.e2e.knowledge import api, secret
from tests.e2e.stack import await_true
from tests.fake_nvml import made

GIB = 1 << 30
WELL = {"count": 1, "0.name": "NVIDIA Fake 24G", "0.total": 24 * GIB, "0.used": 9 * GIB}


@pytest.fixture(scope="module")
def ollama():
    with fake_ollama() as double:
        yield double


@pytest.fixture(scope="module")
def library(ground):
    demand(["cc"])
    fake = made(ground / "nvml")
    fake.says(WELL)
    return fake


@pytest.fixture(scope="module")
def installed(build, clone, cache, ollama, library):
    stack = build(clone, extra={**cache, "BEAST_NVML": str(library.path)})
    stack.deploy(ollama_url=ollama.url)
    yield stack
    stack.clear()


@pytest.fixture
def host(installed, ollama, library):
    """Return an installation whose model is where it is said to be."""
    library.says(WELL)
    size = 8 * GIB
    ollama.loaded = [{"name": WRITES, "size": size, "size_vram": size, "digest": "0" * 64}]
    return installed


def checked(stack):
    report = stack.run("health", "--json").json
    return next(check for check in report["checks"] if check["name"] == "gpu")


def diagnosed(stack):
    return {each["id"] for each in stack.run("doctor", "--json").json["diagnoses"]}


def figures(stack):
    token = secret(stack, "beast-api/metrics_token")
    with api(stack, authorization=f"Bearer {token}") as client:
        answer = client.get("/metrics")
    assert 200 == answer.status_code, answer.text
    lines = answer.text.splitlines()
    rows = (line.rsplit(" ", 1) for line in lines if line.startswith("ai_beast_"))
    return {name: float(value) for name, value in rows}


def shown(stack, name, value):
    await_true(lambda: figures(stack).get(name) == value, FRESH_SECONDS + 40)


def test_a_model_on_the_gpu_is_seen_there(host):
    found = checked(host)

    assert ("healthy", "1 GPU, 9.7 GB of 25.8 GB in use") == (found["status"], found["message"])
    said = host.must("gpu").out
    assert "NVIDIA Fake 24G" in said
    assert "The drivers do not contradict that." in said
    shown(host, 'ai_beast_gpu_memory_used_bytes{gpu="0"}', 9 * GIB)
    shown(host, 'ai_beast_gpu_findings{kind="fallback"}', 0)


def test_a_silent_fallback_is_told_everywhere(host, library):
    library.says({**WELL, "0.used": 300 << 20})
    found = checked(host)

    assert "degraded" == found["status"]
    assert "it works on the CPU" in found["message"]
    assert "BEAST-D907" in diagnosed(host)
    shown(host, 'ai_beast_gpu_findings{kind="fallback"}', 1)


@pytest.mark.parametrize(
    ("answers", "words", "diagnosis"),
    [
        ({"init": 18}, "drivers of different versions (NVML 18)", "BEAST-D901"),
        ({**WELL, "0.handle": 15}, "GPU 0: the GPU has fallen off the bus", "BEAST-D902"),
        ({"init": 999}, "NVML 999", "BEAST-D905"),
        ({"crash": 1}, "broke off", "BEAST-D905"),
    ],
    ids=["mismatch", "lost", "unknown", "crash"],
)
def test_a_driver_that_fails_is_named_and_nothing_else_suffers(
    host, library, answers, words, diagnosis
):
    library.says(answers)
    found = checked(host)

    assert "degraded" == found["status"]
    assert words in found["message"]
    assert diagnosis in diagnosed(host)
    done = host.run("gpu")
    assert (1, True) == (done.code, diagnosis in done.out)


def test_a_driver_that_hangs_holds_up_nobody_for_long(host, library):
    library.says({**WELL, "hang": "nvmlDeviceGetMemoryInfo"})
    done = host.run("gpu")

    assert (1, True) == (done.code, "BEAST-D903" in done.out)
    assert done.seconds < 20


def test_a_model_that_becomes_slow_is_told(host, ollama, tmp_path):
    """From real answers: twenty as fast as on a GPU, then five as slow as on a CPU."""
    (tmp_path / "cats.md").write_text("# Cats\n\nCats sleep most of the day.\n")
    host.must("ingest", str(tmp_path), "--collection", "cats")
    ollama.answer = lambda _: ["word "] * 30
    with api(host) as client:
        for ollama.speed in (*[90.0] * 20, *[6.0] * 5):
            said = [{"role": "user", "content": "How long do cats sleep?"}]
            body = {"model": "beast/cats", "messages": said}
            answer = client.post("/v1/chat/completions", json=body)
            assert 200 == answer.status_code, answer.text
    shown(host, f'ai_beast_model_tokens_per_second{{model="{WRITES}"}}', 6)

    assert "BEAST-D908" in diagnosed(host)
    assert "6.0 tokens per second instead of 90.0" in checked(host)["message"]
