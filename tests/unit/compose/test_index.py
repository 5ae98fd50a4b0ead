# SPDX-License-Identifier: Apache-2.0
from configparser import ConfigParser

import pytest

from beast_ops.compose import index
from beast_ops.errors import CommandError


class Pip:
    """A pip that says *listing*; without it, a host that has none."""

    def __init__(self, listing=None):
        self.listing = listing

    def run(self, argv, *, seconds=60):
        assert seconds > 0
        if self.listing is None:
            raise CommandError("no module named pip", subject=argv[0])
        return self.listing


def provided(folder, pip, environ=None):
    index.provide(folder, pip, environ or {})
    parser = ConfigParser(interpolation=None)
    parser.read(folder / "pip.conf")
    return dict(parser["global"])


@pytest.fixture(autouse=True)
def _no_bundle(monkeypatch):
    nothing = type("Paths", (), {"cafile": None})()
    monkeypatch.setattr(index.ssl, "get_default_verify_paths", lambda: nothing)


def test_pip_says_what_it_is_told():
    found = index.settings(Pip("global.index-url='https://i.example'\n:env:.timeout='9'\n"), {})

    assert {"index-url": "https://i.example", "timeout": "9"} == found


def test_without_pip_its_files_and_variables_are_read(tmp_path):
    chosen = tmp_path / "chosen.conf"
    chosen.write_text(
        "[global]\nindex-url = https://file.example\ntimeout = 5\n[install]\nretries = 2\n"
    )
    environ = {
        "HOME": str(tmp_path),
        "PIP_CONFIG_FILE": str(chosen),
        "PIP_INDEX_URL": "https://variable.example",
    }
    found = index.settings(Pip(), environ)

    assert "https://variable.example" == found["index-url"]
    assert ("5", "2") == (found["timeout"], found["retries"])


def test_a_file_that_is_none_is_passed_over(tmp_path):
    chosen = tmp_path / "chosen.conf"
    chosen.write_text("no section = here\n")

    assert index.settings(Pip(), {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(chosen)})


def test_how_the_index_is_reached_is_handed_over_and_nothing_else(tmp_path):
    pip = {
        "index-url": "https://i.example/simple",
        "extra-index-url": "https://j.example/simple",
        "trusted-host": "i.example",
        "proxy": "http://p.example:3128",
        "default-timeout": "180",
        "target": "/somewhere",
        "user": "true",
    }
    said = provided(tmp_path, pip)

    assert said == {
        "index-url": "https://i.example/simple",
        "extra-index-url": "https://j.example/simple",
        "trusted-host": "i.example",
        "proxy": "http://p.example:3128",
        "timeout": "180",
    }


def test_a_percent_sign_stays_what_it_is(tmp_path):
    url = "https://me:p%40ss@i.example/simple"
    said = provided(tmp_path, {"index-url": url})

    assert url == said["index-url"]


def test_only_its_owner_reads_how_the_index_is_reached(tmp_path):
    provided(tmp_path, {"index-url": "https://me:pass@i.example/simple"})

    assert 0o600 == (tmp_path / "pip.conf").stat().st_mode & 0o777


@pytest.mark.parametrize("how", ["cert", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_come_along(tmp_path, how):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("CERTIFICATES")
    pip, environ = ({how: str(bundle)}, {}) if how == "cert" else ({}, {how: str(bundle)})
    said = provided(tmp_path, pip, environ)

    assert "/build/index.pem" == said["cert"]
    assert "CERTIFICATES" == (tmp_path / "index.pem").read_text()


def test_certificates_that_are_gone_are_not_named(tmp_path):
    said = provided(tmp_path, {"cert": str(tmp_path / "gone")})

    assert "cert" not in said


def test_a_host_without_an_index_hands_over_its_packages(tmp_path):
    wheels, context = tmp_path / "mine", tmp_path / "context"
    wheels.mkdir()
    context.mkdir()
    (wheels / "a-1-py3-none-any.whl").write_text("a")
    (wheels / "notes.txt").write_text("b")
    said = provided(context, {"no-index": "true", "find-links": str(wheels)})

    assert ("true", "/build") == (said["no-index"], said["find-links"])
    assert ["a-1-py3-none-any.whl"] == [path.name for path in (context / "wheels").iterdir()]


def test_folders_of_this_host_are_not_named_where_there_is_an_index(tmp_path):
    said = provided(tmp_path, {"find-links": f"{tmp_path} https://links.example/all"})

    assert "https://links.example/all" == said["find-links"].strip()
    assert not (tmp_path / "wheels").exists()


@pytest.mark.parametrize(
    ("url", "expected"),
    [("https://me:pass@i.example/simple", True), ("https://i.example/simple", False)],
)
def test_it_says_whether_there_is_a_password(tmp_path, url, expected):
    assert expected == index.provide(tmp_path, {"index-url": url}, {})
