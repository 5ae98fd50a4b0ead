# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.preflight.reference import read

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("traefik", ("traefik", "", "")),
        ("traefik:v3", ("traefik", "v3", "")),
        ("library/traefik:v3", ("traefik", "v3", "")),
        ("docker.io/library/traefik:v3", ("traefik", "v3", "")),
        ("docker.io/qdrant/qdrant", ("qdrant/qdrant", "", "")),
        (f"a/b@{DIGEST}", ("a/b", "", DIGEST)),
        (f"a/b:1@{DIGEST}", ("a/b", "1", DIGEST)),
        ("made.example:5000/b", ("made.example:5000/b", "", "")),
        ("made.example:5000/b:1", ("made.example:5000/b", "1", "")),
        ("made.example/library/b:1", ("made.example/library/b", "1", "")),
    ],
)
def test_an_image_is_read_as_docker_tells_it(text, expected):
    assert expected == read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a/b", "a/b:latest"), ("a/b:1", "a/b:1"), (f"a/b:1@{DIGEST}", f"a/b@{DIGEST}")],
)
def test_an_image_is_looked_for_by_its_digest_or_else_by_its_tag(text, expected):
    assert expected == read(text).name
