# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
import yaml

from beast_ops.preflight.sizes import IMAGES, UNKNOWN_IMAGE, image_mib, model_mib

ROLES = Path(__file__).parents[3] / "roles"
DIGEST = f"@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("qdrant/qdrant", 200),
        ("qdrant/qdrant:v1.19.0-unprivileged", 200),
        (f"qdrant/qdrant:v1.19.0{DIGEST}", 200),
        (f"qdrant/qdrant{DIGEST}", 200),
        ("docker.io/qdrant/qdrant:v1.19.0", 200),
        ("docker.io/library/traefik:v3.7.11", 190),
        ("ollama/ollama:0.32.15", 3600),
        ("ollama/ollama:0.32.15-rocm", 6600),
        ("made.example:5000/thing", 400),
        ("made.example:5000/thing:1", 400),
    ],
)
def test_the_size_of_an_image_goes_by_its_repository(reference, expected):
    assert expected == image_mib(reference, {})


@pytest.mark.parametrize("name", ["made.example:5000/thing:1", "made.example:5000/thing"])
def test_who_knows_better_wins_by_reference_or_repository(name):
    assert 7 == image_mib("made.example:5000/thing:1", {name: 7})


def test_who_knows_better_may_write_the_name_as_long_as_he_likes():
    assert 7 == image_mib("a/b:1", {"docker.io/a/b": 7})
    assert 7 == image_mib("docker.io/library/c:1", {"c": 7})


def test_the_reference_wins_over_its_repository():
    assert 8 == image_mib("a/b:1", {"a/b": 7, "a/b:1": 8})


def defaults():
    for path in sorted(ROLES.glob("*/defaults/main.yml")):
        found = yaml.safe_load(path.read_text()) or {}
        yield from (
            str(value) for name, value in found.items() if name.endswith("_image") and value
        )


@pytest.mark.parametrize("repository", list(defaults()))
def test_every_image_of_the_house_is_in_the_table(repository):
    assert repository in IMAGES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama3.2:3b", 1800),
        ("qwen2.5:0.5b", 300),
        ("mixtral:8x7b", 33600),
        ("llama3.1:8b-instruct-q8_0", 8400),
        ("llama3.1:8b-instruct-fp16", 15600),
        ("LLAMA3.1:8B-TEXT-BF16", 15600),
        ("all-minilm:22m", 50),
        ("snowflake-arctic-embed:335m", 201),
        ("nomic-embed-text", 280),
        ("bge-m3", 280),
        ("mistral", 2000),
        ("phi3:4bits", 2000),
    ],
)
def test_the_size_of_a_model_goes_by_its_name(name, expected):
    assert expected == model_mib(name)


def test_an_unknown_image_counts_as_a_middling_one():
    assert UNKNOWN_IMAGE == image_mib("nobody/knows:1", {})
