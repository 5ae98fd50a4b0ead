# SPDX-License-Identifier: Apache-2.0
"""What the release says to the worker."""

import json
from pathlib import Path

import pytest

from beast_ops.errors import SettingsError
from beast_ops.ingest.settings import WorkerSettings, installation_of, surroundings


@pytest.fixture
def environ(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"embedder": "hash"}))
    (tmp_path / "key").write_text("secret\n")
    return {
        "BEAST_DATA": str(tmp_path / "data"),
        "BEAST_CONFIG": str(tmp_path),
        "BEAST_VECTORS_URL": "http://127.0.0.1:6333",
        "BEAST_VECTORS_KEY_FILE": str(tmp_path / "key"),
    }


def test_all_is_read_from_paths_and_addresses(environ, tmp_path):
    around = surroundings(environ)

    assert ("hash", 1200) == (around.settings.embedder, around.settings.chunk_characters)
    assert ("secret", None) == (around.vectors_key, around.models_url)
    assert tmp_path / "data/jobs/jobs.sqlite" == around.jobs
    assert tmp_path / "data/knowledge/state.sqlite" == around.state


@pytest.mark.parametrize(
    "name", ["BEAST_DATA", "BEAST_CONFIG", "BEAST_VECTORS_URL", "BEAST_VECTORS_KEY_FILE"]
)
def test_a_missing_variable_is_named(environ, name):
    del environ[name]

    with pytest.raises(SettingsError) as refused:
        surroundings(environ)
    assert name in refused.value.paragraph()


def test_an_overlap_that_leaves_no_room_is_refused():
    with pytest.raises(ValueError, match="at most half"):
        WorkerSettings(chunk_characters=300, chunk_overlap=151)


@pytest.mark.parametrize("data", ["/opt/beast/data/3", "/opt/beast/data"])
def test_data_lie_in_their_installation_on_the_host_and_in_a_container(data):
    assert Path("/opt/beast") == installation_of(Path(data))
