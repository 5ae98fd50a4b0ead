# SPDX-License-Identifier: Apache-2.0
import ssl
from types import SimpleNamespace

import pytest

from beast_ops.door import index
from beast_ops.door.index import no_index, pip_settings, redact, uv_environment


@pytest.fixture(autouse=True)
def _no_system_store(monkeypatch):
    nothing = SimpleNamespace(cafile=None, capath=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)


def test_later_sections_of_pips_settings_win():
    lines = [
        ":env:.timeout='3'",
        "global.index-url='https://a.invalid/simple'",
        "global.timeout='1'",
        "global.extra-index-url='\\nhttps://b.invalid\\nhttps://c.invalid'",
        "install.timeout='2'",
        "freeze.timeout='9'",
        "nonsense",
    ]

    expected = {
        "index-url": "https://a.invalid/simple",
        "extra-index-url": "\nhttps://b.invalid\nhttps://c.invalid",
        "timeout": "3",
    }

    assert expected == pip_settings("\n".join(lines))


@pytest.mark.parametrize(
    ("pip", "expected"),
    [
        ({}, {}),
        ({"index-url": "https://a.invalid"}, {"UV_DEFAULT_INDEX": "https://a.invalid"}),
        (
            {"extra-index-url": "https://b.invalid\n https://c.invalid"},
            {
                "UV_INDEX": "https://b.invalid https://c.invalid",
                "UV_INDEX_STRATEGY": "unsafe-best-match",
            },
        ),
        ({"trusted-host": "a.invalid b.invalid"}, {"UV_INSECURE_HOST": "a.invalid b.invalid"}),
        (
            {"proxy": "http://proxy.invalid"},
            {"HTTP_PROXY": "http://proxy.invalid", "HTTPS_PROXY": "http://proxy.invalid"},
        ),
        ({"default-timeout": "7"}, {"UV_HTTP_TIMEOUT": "7"}),
        ({"timeout": "8", "default-timeout": "7"}, {"UV_HTTP_TIMEOUT": "8"}),
        ({"retries": "2"}, {"UV_HTTP_RETRIES": "2"}),
        ({"cert": "/ca.pem"}, {"SSL_CERT_FILE": "/ca.pem"}),
        ({"client-cert": "/me.pem"}, {"SSL_CLIENT_CERT": "/me.pem"}),
        ({"keyring-provider": "subprocess"}, {"UV_KEYRING_PROVIDER": "subprocess"}),
        ({"keyring-provider": "auto"}, {}),
    ],
)
def test_each_setting_of_pip_has_its_twin_in_uv(pip, expected):
    assert expected == uv_environment(pip, {})


def test_only_links_that_are_there_are_handed_on(tmp_path):
    links = f"{tmp_path} {tmp_path}/gone https://a.invalid/wheels"

    expected = {"UV_FIND_LINKS": f"{tmp_path},https://a.invalid/wheels"}

    assert expected == uv_environment({"find-links": links}, {})


def test_what_was_told_to_uv_itself_stays():
    pip = {"index-url": "https://a.invalid"}

    assert uv_environment(pip, {"UV_DEFAULT_INDEX": "https://mine.invalid"}) == {}


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_pip_would_trust_are_trusted(name):
    assert uv_environment({}, {name: "/ca.pem"}) == {"SSL_CERT_FILE": "/ca.pem"}


@pytest.mark.parametrize("kind", ["cafile", "capath"])
def test_the_systems_certificates_are_used_where_there_are_any(kind, tmp_path, monkeypatch):
    (tmp_path / "ca.pem").touch()
    paths = {"cafile": None, "capath": None}
    paths[kind] = str(tmp_path / "ca.pem" if kind == "cafile" else tmp_path)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(**paths))

    assert uv_environment({}, {}) == {"UV_SYSTEM_CERTS": "true"}


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("0", False)])
def test_no_index_at_all_is_understood(value, expected):
    assert expected == no_index({"no-index": value})
    assert not no_index({})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at https://me:secret@a.invalid/simple", "at https://***@a.invalid/simple"),
        ("token https://s3cret@a.invalid", "token https://***@a.invalid"),
        ("x http://u:p%40q@a b https://r:s@c", "x http://***@a b https://***@c"),
        ("mail me@a.invalid, see https://a.invalid/@me", "mail me@a.invalid, see https://a.invalid/@me"),
    ],
)  # fmt: skip
def test_no_credentials_are_shown(text, expected):
    assert expected == redact(text)


def test_what_disturbs_the_installation_is_known_by_name():
    assert {"PIP_TARGET", "PIP_USER", "UV_TARGET"} <= index.UNWANTED
