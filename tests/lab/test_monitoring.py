# SPDX-License-Identifier: Apache-2.0
"""What monitoring sees of a real stack: every target, and an answer for every panel."""

import json
import time
from pathlib import Path
from urllib.parse import quote

import pytest

pytestmark = [pytest.mark.needs("docker")]

RATE_SECONDS = 90  # a rate wants two measurements, 15 s apart, of a target that just started
CLONE = Path(__file__).parents[2]
PANELS = [
    (path.stem, panel["title"], target["expr"])
    for path in sorted(CLONE.glob("roles/*/files/*.json"))
    for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
    for target in panel["targets"]
]
# What only comes with events that a fresh stack has not seen, each with the reason.
SILENT = {
    "ai_beast_backup_age_seconds": "nothing was backed up yet",
    "ai_beast_last_verified_restore_timestamp_seconds": "nothing was restored yet",
    "ai_beast_gateway_requests_total": "nobody asked the gateway yet",
    "ai_beast_model_": "no model was pulled",
    "ai_beast_rag_": "nothing was searched or ingested since the API started",
    "node_disk_": "a container of the lab has no disks of its own",
    "histogram_quantile": "no request was measured yet",
}


def ask(stack, query):
    script = (
        "import json,sys,urllib.request as r;"
        "print(r.urlopen('http://127.0.0.1:9090/api/v1/query?query='+sys.argv[1],timeout=20).read().decode())"
    )
    return json.loads(stack.host("python3", "-c", script, quote(query)))


def test_every_card_with_metrics_is_measured(stack):
    assert stack.gets_well()
    wanted = {name for name, each in stack.services().items() if each["metrics"]}
    found = ask(stack, "up")["data"]["result"]

    assert wanted == {each["metric"]["job"] for each in found}
    assert {"1"} == {each["value"][1] for each in found}


def test_prometheus_tells_alertmanager(stack):
    script = (
        "import urllib.request as r;"
        "print(r.urlopen('http://127.0.0.1:9090/api/v1/alertmanagers',timeout=20).read().decode())"
    )
    found = json.loads(stack.host("python3", "-c", script))["data"]["activeAlertmanagers"]

    assert ["http://alertmanager:9093/api/v2/alerts"] == [each["url"] for each in found]


@pytest.mark.parametrize(("board", "title", "query"), PANELS)
def test_every_panel_is_answered(stack, board, title, query):
    silent = any(name in query for name in SILENT)
    until = time.monotonic() + RATE_SECONDS
    while True:
        answer = ask(stack, query)
        assert "success" == answer["status"], (board, title)
        if answer["data"]["result"] or silent or time.monotonic() > until:
            break
        time.sleep(3)

    assert silent or answer["data"]["result"], (board, title, query)
