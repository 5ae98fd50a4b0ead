# SPDX-License-Identifier: Apache-2.0
"""Who is told of alerts: what the setting comes to, as Alertmanager's own tool reads it."""

import subprocess

import pytest
import yaml

from tests.contract.compose.conftest import inventory  # noqa: F401 - a fixture

ALL = [
    {"kind": "mail", "to": "me@x.test", "from": "a@x.test", "smarthost": "mail.x.test:587",
     "auth_username": "a"},
    {"kind": "webhook", "url": "http://hook.x.test/alerts"},
    {"kind": "ntfy", "url": "https://ntfy.x.test/alerts"},
    {"kind": "telegram", "chat_id": 4711},
]  # fmt: skip


@pytest.fixture
def configured(inventory):  # noqa: F811 - the fixture
    """Return a function that returns what Alertmanager reads, and its secrets, for receivers."""

    def make(receivers):
        release = inventory.draft(alertmanager_receivers=receivers).release
        text = next(
            text for path, text in release.config.items() if path.startswith("alertmanager/")
        )
        return text, set(release.given)

    return make


def test_without_receivers_alerts_are_only_shown(configured):
    text, given = configured([])
    receiver = yaml.safe_load(text)["receivers"][0]

    assert set() == given
    assert not any(value for name, value in receiver.items() if name.endswith("_configs"))


def test_every_kind_is_told_and_its_secret_is_a_file(configured):
    text, given = configured(ALL)
    people = yaml.safe_load(text)["receivers"][0]

    assert {"alertmanager/smtp_password", "alertmanager/telegram_token"} == given
    assert "/run/secrets/smtp_password" == people["email_configs"][0]["auth_password_file"]
    assert "kind" not in people["email_configs"][0]
    assert {"http://hook.x.test/alerts", "https://ntfy.x.test/alerts?template=alertmanager"} == {
        each["url"] for each in people["webhook_configs"]
    }
    assert 4711 == people["telegram_configs"][0]["chat_id"]


@pytest.mark.needs("amtool")
@pytest.mark.parametrize("receivers", [[], *([each] for each in ALL), ALL])
def test_alertmanagers_own_tool_takes_it(configured, tmp_path, receivers):
    path = tmp_path / "alertmanager.yml"
    path.write_text(configured(receivers)[0])
    argv = ["amtool", "check-config", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    if "bot_token_file not found" in done.stdout + done.stderr:
        pytest.skip("this amtool is older than 0.26, which first read the token from a file")
    assert 0 == done.returncode, f"{done.stdout}{done.stderr}"
