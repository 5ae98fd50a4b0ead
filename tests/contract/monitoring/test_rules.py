# SPDX-License-Identifier: Apache-2.0
"""Every alert fires when it shall and keeps silent when it shall, as Prometheus' own tool says."""

import subprocess
from pathlib import Path

import pytest
import yaml

CLONE = Path(__file__).parents[3]
RULES = sorted(CLONE.glob("roles/*/files/alerts.yml"))
CASES = sorted((Path(__file__).parent / "rules").glob("*_test.yml"))


def alerts(path):
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_there_are_rules_and_each_has_its_cases():
    tried = {
        each["alertname"]: bool(each.get("exp_alerts"))
        for path in CASES
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        for each in sorted(test["alert_rule_test"], key=lambda case: bool(case.get("exp_alerts")))
    }
    names = {rule["alert"] for path in RULES for rule in alerts(path)}

    assert len(names) > 8
    assert names == {name for name, fires in tried.items() if fires}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.parents[1].name)
def test_every_alert_says_what_is_wrong_and_what_to_type(path):
    for rule in alerts(path):
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert "Run: " in rule["annotations"]["description"], rule["alert"]


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_and_keep_silent_as_they_shall(path):
    argv = ["promtool", "test", "rules", path.name]
    done = subprocess.run(
        argv, cwd=path.parent, capture_output=True, text=True, timeout=120, check=False
    )

    assert 0 == done.returncode, f"{done.stdout}{done.stderr}"
