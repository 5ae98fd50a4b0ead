# SPDX-License-Identifier: Apache-2.0
"""What the host says of tasks that come in through its API."""

from typing import Annotated, Literal

from pydantic import Field

from beast_ops.card_parts import AbsolutePath
from beast_ops.settings import Strict

MOST_STEPS = 200


class TaskSettings(Strict):
    """What such a task may do; no request can add anything to it.

    Attributes:
        model: Who does it where a request names nobody; the newest that can use tools if empty.
        folders: Folders on this host whose files it may read.
        sandbox: The only folder it may write in and run commands in; it does neither if empty.
        commands: What it may run there: the very words, or more of them after a last `*`.
        steps: How often the model is asked at most.
        tokens: How many tokens that may take in all.
        seconds: How long it may take.
        context: How many tokens the model sees at once.
    """

    model: str = ""
    folders: tuple[AbsolutePath, ...] = ()
    sandbox: AbsolutePath | Literal[""] = ""
    commands: tuple[str, ...] = ()
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)] = 12
    tokens: Annotated[int, Field(ge=1)] = 200_000
    seconds: Annotated[float, Field(gt=0, le=3600)] = 1800.0
    context: Annotated[int, Field(ge=2048)] = 8192
