# SPDX-License-Identifier: Apache-2.0
"""Counted from events; and the names that others rely on exist."""

import asyncio
import re

import pytest

from beast_ops.api.metrics import Figures
from beast_ops.errors import UnavailableError
from beast_ops.events.model import Event
from beast_ops.jobs.queue import Queue
from beast_ops.llm.state import ModelState

# Of the catalogue of capabilities.
PROMISED = (
    "ai_beast_model_downloads_total",
    "ai_beast_model_download_bytes",
    "ai_beast_model_download_duration_seconds",
    "ai_beast_active_models",
    "ai_beast_disk_usage_bytes",
    "ai_beast_ollama_requests_total",
    "ai_beast_ollama_request_duration_seconds",
    "ai_beast_rag_ingestions_total",
    "ai_beast_rag_chunks_total",
    "ai_beast_rag_queries_total",
    "ai_beast_health_status",
    "ai_beast_api_requests_total",
    "ai_beast_api_request_duration_seconds",
    "ai_beast_jobs",
    "ai_beast_jobs_waiting",
    "ai_beast_jobs_running",
    "ai_beast_jobs_ended_total",
    "ai_beast_jobs_failed_total",
    "ai_beast_oldest_waiting_job_seconds",
    "ai_beast_operations_total",
    "ai_beast_events_total",
    "ai_beast_event_streams",
    "ai_beast_agent_tasks_total",
    "ai_beast_agent_task_duration_seconds",
)


@pytest.fixture
def figures():
    return Figures()


def lines(figures):
    return figures.text("")[0].decode().splitlines()


def tell(figures, name, **data):
    figures.counts.count(Event(name, 1.0, "x", data))


def test_the_names_that_were_promised_are_there(figures):
    figures.states.models = ModelState(up=True)
    figures.states.queue = Queue(0, 0, 0.0)
    named = {line.split()[2] for line in lines(figures) if line.startswith("# TYPE")}

    assert set() == set(PROMISED) - named


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("job.done", {"kind": "ingest"}, 'jobs_ended_total{kind="ingest",state="done"} 1.0'),
        ("job.failed", {"kind": "x" * 99}, 'jobs_ended_total{kind="other",state="failed"} 1.0'),
        ("job.failed", {"kind": "model_pull"}, 'model_downloads_total{state="failed"} 1.0'),
        ("model.downloaded", {"bytes": 5, "seconds": 2}, "model_download_bytes_sum 5.0"),
        ("model.downloaded", {"bytes": 5, "seconds": 2},
         "model_download_duration_seconds_sum 2.0"),
        ("rag.ingested", {"chunks": 7}, "rag_chunks_total 7.0"),
        ("rag.ingested", {"chunks": "many"}, "rag_chunks_total 0.0"),
        ("backup.done", {}, 'operations_total{kind="backup",state="done"} 1.0'),
        ("service.error", {}, 'events_total{name="service.error"} 1.0'),
    ],
)  # fmt: skip
def test_what_happens_is_counted(figures, name, data, line):
    tell(figures, name, **data)

    assert f"ai_beast_{line}" in lines(figures)


def test_what_has_not_ended_or_nobody_knows_is_not_counted(figures):
    tell(figures, "job.started", kind="ingest")
    tell(figures, "backup.running")
    tell(figures, "made.up")

    text = "\n".join(lines(figures))
    assert not re.search(r"ai_beast_(jobs_ended|operations)_total\{", text)
    assert "made.up" not in text


def test_jobs_are_shown_by_kind_and_state_and_strangers_as_others(figures):
    figures.states.queue = Queue(
        1, 0, 0.0, {("ingest", "done"): 3, ("a", "ready"): 1, ("b", "ready"): 2}
    )
    found = lines(figures)

    assert 'ai_beast_jobs{kind="ingest",state="done"} 3.0' in found
    assert 'ai_beast_jobs{kind="other",state="ready"} 3.0' in found


def test_what_is_asked_of_a_model_server_is_counted_and_nothing_else(figures):
    async def embed(_, text):
        if text == "bad":
            raise UnavailableError("away")
        return [1.0]

    ask = figures.asking.counted(embed)
    ollama = {"embedder": "ollama"}
    assert [1.0] == asyncio.run(ask(ollama, "a"))
    assert [1.0] == asyncio.run(ask({"embedder": "hash"}, "a"))
    with pytest.raises(UnavailableError):
        asyncio.run(ask(ollama, "bad"))

    found = lines(figures)
    assert 'ai_beast_ollama_requests_total{kind="embed",outcome="done"} 1.0' in found
    assert 'ai_beast_ollama_requests_total{kind="embed",outcome="failed"} 1.0' in found
    assert 'ai_beast_ollama_request_duration_seconds_count{kind="embed"} 2.0' in found


def test_tasks_are_counted_by_how_they_ended(figures):
    tell(figures, "agent.task.started", task="a")
    tell(figures, "agent.task.completed", task="a", status="done", seconds=7.0)
    tell(figures, "agent.task.failed", task="b", status="limit", seconds=2.0)
    tell(figures, "agent.task.failed", task="c", status="made up")
    tell(figures, "agent.task.failed", task="d")

    found = lines(figures)
    for status, many in (("done", 1), ("limit", 1), ("failed", 2)):
        assert f'ai_beast_agent_tasks_total{{status="{status}"}} {many}.0' in found
    assert "ai_beast_agent_task_duration_seconds_sum 9.0" in found
    assert not [line for line in found if "made up" in line]
