# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the program that runs the playbook how it goes, one JSON object per line.

The lines go to the file descriptor in `BEAST_PROGRESS`; without it the plugin is silent.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

TOLD = (
    *("changed", "diff", "msg", "plan", "beast_exit"),  # what any step may say
    *("release", "already", "seconds", "note"),  # what was put in force
    *("root", "gone", "kept", "left"),  # what was removed
    *("checks", "rc", "stdout", "stderr"),  # how the services are; what a verb said on its host
)


class CallbackModule(CallbackBase):
    """Says which task begins, how it ended, and nothing about how to show it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "beast_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Open the way to whoever listens."""
        super().__init__()
        number = os.environ.get("BEAST_PROGRESS")
        self._out = os.fdopen(int(number), "w", encoding="utf-8") if number else None

    def _tell(self, event: str, **facts: Any) -> None:
        if self._out is None:
            return
        self._out.write(f"{json.dumps({'event': event, **facts}, default=str)}\n")
        self._out.flush()

    def _tell_result(self, event: str, result: Any) -> None:
        outcome = result._result  # noqa: SLF001 - the only way at a result before ansible-core 2.20
        facts = {key: outcome[key] for key in TOLD if key in outcome}
        self._tell(event, task=result._task.get_name(), host=result._host.get_name(), **facts)  # noqa: SLF001 - likewise

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: FBT001 - Ansible's signature
        """Tell that a task begins."""
        del is_conditional
        self._tell("begins", task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """Tell what a task did."""
        self._tell_result("done", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: FBT001, FBT002 - Ansible's signature
        """Tell why a task failed."""
        del ignore_errors
        self._tell_result("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Tell that a host did not answer."""
        self._tell_result("failed", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Tell what it came to."""
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        self._tell("ended", hosts=hosts)
