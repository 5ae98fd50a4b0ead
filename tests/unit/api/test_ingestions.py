# SPDX-License-Identifier: Apache-2.0
from beast_ops.api.ingestions import Ingestions
from beast_ops.api.metrics import Figures


def counts(figures):
    text, _ = figures.text("")
    return [line for line in text.decode().splitlines() if line.startswith("ai_beast_rag_ing")]


def test_what_ends_is_counted_once_and_what_had_ended_is_not():
    jobs = [{"job": "a", "state": "done"}, {"job": "b", "state": "running"}]
    figures = Figures()
    ingestions = Ingestions(lambda _: jobs, figures)

    ingestions.look()
    jobs[1] = {"job": "b", "state": "failed"}
    jobs.append({"job": "c", "state": "ready"})
    ingestions.look()
    ingestions.look()

    assert 'ai_beast_rag_ingestions_total{state="failed"} 1.0' in counts(figures)
    assert not [line for line in counts(figures) if "done" in line or "ready" in line]
