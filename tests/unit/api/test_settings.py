# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
import yaml

from beast_ops.api.settings import UPLOAD_BYTES, Settings, surroundings
from beast_ops.errors import SettingsError
from beast_ops.search.rerank import RerankSettings
from beast_ops.settings import load

ENVIRONMENT = {
    "BEAST_ROOT": "/r",
    "BEAST_SERVICES": "/r/current/services.json",
    "BEAST_DATA": "/r/data/1",
    "BEAST_CONFIG": "/r/config/x",
    "BEAST_SECRETS": "/r/secrets/beast-api",
    "BEAST_VECTORS_URL": "http://127.0.0.1:6333",
}


def test_the_environment_says_where_things_are():
    found = surroundings(
        {
            **ENVIRONMENT,
            "BEAST_VECTORS_KEY_FILE": "/r/secrets/beast-api/k",
            "BEAST_MODELS_URL": "http://m",
        }
    )

    assert found.settings == Path("/r/config/x/settings.json")
    assert found.vectors_key == Path("/r/secrets/beast-api/k")
    assert found.models_url == "http://m"


def test_key_and_model_server_may_be_missing():
    found = surroundings(ENVIRONMENT)

    assert found.vectors_key is None
    assert found.models_url is None


@pytest.mark.parametrize("name", ENVIRONMENT)
@pytest.mark.parametrize("left", [{}, {"": ""}])
def test_a_variable_that_is_missing_or_empty_is_named(name, left):
    environment = {each: value for each, value in ENVIRONMENT.items() if each != name}
    if left:
        environment[name] = ""

    with pytest.raises(SettingsError) as refused:
        surroundings(environment)

    assert refused.value.subject == name


def test_settings_have_defaults(tmp_path):
    (tmp_path / "s").write_text("{}")

    expected = Settings(
        host="127.0.0.1", port=8787, allowed_hosts=(), folders={}, upload_bytes=UPLOAD_BYTES
    )
    assert expected == load(Settings, tmp_path / "s")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"port": 0}', "port"),
        ('{"port": "8787"}', "port"),
        ('{"allowed_hosts": "x"}', "allowed_hosts"),
        ('{"folders": []}', "folders"),
        ('{"upload_bytes": 0}', "upload_bytes"),
        ('{"prot": 1}', "prot"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, named):
    (tmp_path / "s").write_text(text)

    with pytest.raises(SettingsError, match=named):
        load(Settings, tmp_path / "s")


def test_the_largest_upload_is_what_the_role_says():
    role = Path(__file__).parents[3] / "roles" / "beast_api" / "defaults" / "main.yml"

    assert yaml.safe_load(role.read_text())["beast_api_upload_mib"] << 20 == UPLOAD_BYTES


def test_a_container_says_where_to_listen_and_that_it_is_one():
    found = surroundings({**ENVIRONMENT, "BEAST_LISTEN": "0.0.0.0", "BEAST_INSIDE": "1"})
    plain = surroundings(ENVIRONMENT)

    assert ("0.0.0.0", True) == (found.listen, found.inside)
    assert (None, False) == (plain.listen, plain.inside)


def test_the_certificate_lies_beside_the_contract():
    assert Path("/r/current/ca.crt") == surroundings(ENVIRONMENT).certificate


def test_what_is_not_said_of_a_second_look_is_as_usual(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"models_folder": "/m", "rerank": {"by": "ollama", "model": "judge"}}')

    found = load(Settings, path).reranking

    assert RerankSettings("ollama", "judge", "/m", 30, 10.0) == found
    assert "none" == Settings().reranking.kind


@pytest.mark.parametrize("wrong", ['{"by": "x"}', '{"candidates": 0}', '{"typo": 1}', "1"])
def test_a_second_look_that_cannot_be_is_refused(tmp_path, wrong):
    path = tmp_path / "settings.json"
    path.write_text(f'{{"rerank": {wrong}}}')

    with pytest.raises(SettingsError):
        load(Settings, path)
