# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the host whether it can carry what a release needs; change nothing."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

from beast_ops.errors import BeastError
from beast_ops.preflight import parcel


class ActionModule(ActionBase):
    """One command on the host, in check mode as well; it fails if there are blockers."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"python", "wish"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what was found; the message of a failure is the paragraph of all blockers."""
        super().run(tmp, task_vars)
        args = self._task.args
        # The clock is asked last: what comes before takes time, too.
        wish = {**args["wish"], "now": time.time()}
        done = self._low_level_execute_command(
            parcel.command(args["python"], wish), in_data=parcel.pack()
        )
        try:
            found = parcel.read(done["rc"], done["stdout"], done["stderr"])
        except BeastError as failed:
            return {"failed": True, "msg": failed.paragraph(), "beast_exit": failed.exit_code}
        if found["blockers"]:
            return {"failed": True, "msg": found["refusal"], "findings": found}
        return {"changed": False, "findings": found}
