# SPDX-License-Identifier: Apache-2.0
"""The verb that moves versions."""

from collections.abc import Sequence
from typing import Any

from .verb import verb


@verb(
    "./beast upgrade --service qdrant --plan",
    iterable=["set_"],
    help={
        "service": "only this one; all that keep data when left out",
        "plan": "change nothing, say the steps",
        "set_": "change a setting of the inventory and keep it; may be repeated",
        "acknowledge": "the version up to which you know what changed in AI Beast",
        "inventory": "what the machines shall be: a path in inventory/ or elsewhere",
    },
    interrupted="Run ./beast upgrade again: it ends what this left, and goes on.",
)
def upgrade(
    _context: Any,
    *,
    service: str = "",
    plan: bool = False,
    set_: Sequence[str] = (),
    acknowledge: str = "",
    inventory: str = "inventory/local",
) -> int:
    """Move to the versions the inventory names, on a copy of the data, with a way back."""
    from beast_ops.deploy import DeployOptions
    from beast_ops.deploy.upgrade import upgrade as act
    from beast_ops.place import installation

    options = DeployOptions(inventory, tuple(set_), acknowledge=acknowledge)
    return act(installation(), options, service, plan=plan)
