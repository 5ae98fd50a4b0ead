# SPDX-License-Identifier: Apache-2.0
"""Each alert fires when it shall and is silent when it shall be; Prometheus' own tool says so."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).parents[3] / "roles"
PROVEN = sorted((Path(__file__).parent / "rules").glob("*_test.yml"))
RULES = sorted(ROLES.glob("*/files/alerts.yml"))


def rules(path):
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [rule for group in found["groups"] for rule in group["rules"]]


def checks(path):
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [check for test in found["tests"] for check in test["alert_rule_test"]]


def promtool(*argv):
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("needs promtool (package prometheus)")
    return subprocess.run([program, *argv], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", PROVEN, ids=lambda path: path.stem)
def test_alerts_fire_and_are_silent_as_their_tests_say(path):
    done = promtool("test", "rules", str(path))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.parts[-3])
def test_every_alert_is_proven_to_fire_and_to_be_silent(path):
    proof = Path(__file__).parent / "rules"
    proven = checks(proof / f"{path.parts[-3]}_test.yml")
    for rule in rules(path):
        said = [
            check.get("exp_alerts", []) for check in proven if check["alertname"] == rule["alert"]
        ]

        assert any(said), rule["alert"]
        assert not all(said), rule["alert"]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.parts[-3])
def test_an_alert_says_what_is_wrong_and_what_to_do_next(path):
    for rule in rules(path):
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert "Run: " in rule["annotations"]["description"]


def test_alert_names_are_unique_and_every_rule_file_is_on_a_card():
    names = [rule["alert"] for path in RULES for rule in rules(path)]
    cards = {
        path.parts[-3]: yaml.safe_load(path.with_name("main.yml").read_text(encoding="utf-8"))
        for path in ROLES.glob("*/vars/main.yml")
    }

    assert len(names) == len(set(names)) >= 12
    for path in RULES:
        role = path.parts[-3]
        assert cards[role][f"__{role}_card"]["alerts"] == ["alerts.yml"]
