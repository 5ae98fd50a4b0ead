# SPDX-License-Identifier: Apache-2.0
"""What the template of the Compose file needs."""

from collections.abc import Mapping
from typing import Any

from beast_ops.cards import SHARED

from .definition import LABEL


def values(project: str, root: str, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of `templates/compose.yml.j2`.

    Args:
        project: Name of the installation.
        root: Where it lies on its host.
        definitions: What the Compose file says of each service, by name and in start order.
    """
    own = {name for each in definitions.values() for name in each.get("networks", ())} - {SHARED}
    return {
        "project": project,
        "labels": {f"{LABEL}.root": root},
        "services": [{"name": name, "definition": found} for name, found in definitions.items()],
        "networks": {SHARED: project, **{name: f"{project}-{name}" for name in sorted(own)}},
    }
