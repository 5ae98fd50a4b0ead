# SPDX-License-Identifier: Apache-2.0
"""The verbs: one short function each, all work in `beast_ops`.

Nothing heavy is imported before a verb runs. `./beast VERB` and `invoke VERB` are the same.
"""

import sys
from collections.abc import Sequence
from typing import Any

from invoke.collection import Collection

from beast_ops.door import (
    alert_verbs,
    backup_verbs,
    cache_verbs,
    chat_verbs,
    developer_verbs,
    doctor_verbs,
    document_verbs,
    fit_verbs,
    job_verbs,
    knowledge_verbs,
    lab_verbs,
    leave_verbs,
    model_verbs,
    record_verbs,
    secret_verbs,
    task_verbs,
    token_verbs,
    upgrade_verbs,
)
from beast_ops.door.verb import verb

_ACKNOWLEDGE = "the version up to which you know what changed in AI Beast"
_JSON = "print one JSON document, for machines"
_INVENTORY = "what the machines shall be: a path in inventory/ or elsewhere"
_SET = "change a setting of the inventory and keep it; may be repeated"
_SERVICE = "name of one service; all when left out"
_AGAIN = "Run ./beast deploy again: it goes on from whatever state this left."


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb(
    "./beast deploy --set qdrant_port=6433",
    iterable=["set_"],
    help={
        "set_": _SET,
        "inventory": _INVENTORY,
        "check": "change nothing, show what would change",
        "acknowledge": _ACKNOWLEDGE,
        "verbose": "show the whole output of Ansible",
    },
    interrupted=_AGAIN,
)
def deploy(
    _context: Any,
    *,
    set_: Sequence[str] = (),
    inventory: str = "inventory/local",
    check: bool = False,
    acknowledge: str = "",
    verbose: bool = False,
) -> int:
    """Make the machines match the inventory, then prove it."""
    from beast_ops.deploy import DeployOptions, deploy, plan

    way = plan if check else deploy
    return way(_place(), DeployOptions(inventory, tuple(set_), verbose, acknowledge))


@verb(
    "./beast plan --set beast_api_port=9000",
    iterable=["set_"],
    help={"set_": "as if this were set, too", "inventory": _INVENTORY, "verbose": "show more"},
)
def plan(
    _context: Any,
    *,
    set_: Sequence[str] = (),
    inventory: str = "inventory/local",
    verbose: bool = False,
) -> int:
    """Show what deploy would change, and change nothing."""
    from beast_ops.deploy import DeployOptions, plan

    return plan(_place(), DeployOptions(inventory, tuple(set_), verbose))


@verb(
    "./beast render /tmp/release",
    iterable=["set_"],
    help={"folder": "where to", "set_": "as if this were set, too", "inventory": _INVENTORY},
)
def render(
    _context: Any, folder: str, *, set_: Sequence[str] = (), inventory: str = "inventory/local"
) -> None:
    """Write the release into a folder and start nothing."""
    from beast_ops.door.stack import render

    render(_place(), folder, inventory, set_)


@verb("./beast health --json", there=True, help={"json": _JSON})
def health(_context: Any, *, json: bool = False) -> int:
    """Tell whether it is well: exit code 0 healthy, 1 degraded, 2 unhealthy, 3 unknown."""
    from beast_ops.door.stack import health as show

    return show(_place(), json=json)


@verb(
    "./beast audit --inventory inventory/server --from another-host",
    help={
        "inventory": "audit the host of this inventory instead of this machine",
        "from_": "another host of the inventory, which looks at all ports from outside",
        "json": _JSON,
    },
)
def audit(_context: Any, *, inventory: str = "", from_: str = "", json: bool = False) -> int:
    """Prove what is open to whom: exit code 0 only what is declared, 1 something else."""
    from beast_ops.door.exposure import audit as look

    return look(_place(), inventory, from_, json=json)


@verb("./beast status", there=True, help={"json": _JSON})
def status(_context: Any, *, json: bool = False) -> None:
    """Show which processes run, and since when."""
    from beast_ops.door.stack import status as show

    show(_place(), json=json)


@verb(
    "./beast logs beast-worker --follow",
    there=True,
    optional=("service",),
    short={"f": "follow", "n": "lines"},
    help={
        "service": _SERVICE,
        "lines": "how many of the last lines",
        "follow": "go on with what is written from now on, until Ctrl-C",
    },
)
def logs(_context: Any, service: str = "", *, lines: int = 100, follow: bool = False) -> None:
    """Show what the processes wrote."""
    from beast_ops.door.stack import logs as show

    show(_place(), service or None, lines, follow=follow)


@verb("./beast start beast-worker", there=True, optional=("service",), help={"service": _SERVICE})
def start(_context: Any, service: str = "") -> None:
    """Start one service, or all of them."""
    from beast_ops.door.stack import change

    change(_place(), "start", service or None)


@verb("./beast stop beast-worker", there=True, optional=("service",), help={"service": _SERVICE})
def stop(_context: Any, service: str = "") -> None:
    """Stop one service, or all of them, until start or deploy."""
    from beast_ops.door.stack import change

    change(_place(), "stop", service or None)


@verb("./beast restart beast-api", there=True, optional=("service",), help={"service": _SERVICE})
def restart(_context: Any, service: str = "") -> None:
    """Stop and start one service, or all of them."""
    from beast_ops.door.stack import change

    change(_place(), "restart", service or None)


@verb("./beast open", there=True, name="open", help={"json": _JSON})
def open_(_context: Any, *, json: bool = False) -> None:
    """Print where to log in and a code that lets a browser in once; open it on a screen."""
    from beast_ops.door.stack import show_address

    show_address(_place(), json=json)


@verb("./beast down", there=True)
def down(_context: Any) -> None:
    """End all processes; deploy or start brings them back."""
    from beast_ops.door.stack import down as end

    end(_place())


@verb(
    "./beast rollback --to 12",
    there=True,
    help={"to": "number or name of a release; the proven one before this one if left out"},
    interrupted=_AGAIN,
)
def rollback(_context: Any, *, to: str = "") -> None:
    """Go back to a release that was proven; data and secrets stay those of today."""
    from beast_ops.door.stack import rollback as back

    back(_place(), to)


@verb(
    "./beast remove --data",
    short={"y": "yes"},
    help={
        "data": "the documents' passages and all other data, too; there is no way back",
        "yes": "do not ask",
        "dry_run": "only say what would go",
        "inventory": _INVENTORY,
    },
)
def remove(
    _context: Any,
    *,
    data: bool = False,
    yes: bool = False,
    dry_run: bool = False,
    inventory: str = "inventory/local",
) -> int:
    """Uninstall; data stays unless --data is given."""
    from beast_ops.door.stack import Removal
    from beast_ops.door.stack import remove as uninstall

    return uninstall(_place(), Removal(inventory, data, yes, dry_run))


namespace = Collection.from_module(sys.modules[__name__])
for room in (
    backup_verbs,
    chat_verbs,
    developer_verbs,
    doctor_verbs,
    document_verbs,
    fit_verbs,
    knowledge_verbs,
    leave_verbs,
    record_verbs,
    upgrade_verbs,
):
    for task in Collection.from_module(room).tasks.values():
        namespace.add_task(task)
# Verbs of a group have a dot in their name: secrets.list.
namespace.add_collection(Collection.from_module(job_verbs), "jobs")
namespace.add_collection(Collection.from_module(model_verbs), "models")
namespace.add_collection(Collection.from_module(task_verbs), "tasks")
namespace.add_collection(Collection.from_module(cache_verbs), "cache")
namespace.add_collection(Collection.from_module(secret_verbs), "secrets")
namespace.add_collection(Collection.from_module(token_verbs), "tokens")
namespace.add_collection(Collection.from_module(lab_verbs), "lab")
namespace.add_collection(Collection.from_module(alert_verbs), "alerts")
