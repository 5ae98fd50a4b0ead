# SPDX-License-Identifier: Apache-2.0
"""The host's side of deploy and remove: `python -m beast_ops.release VERB [OPTION…] ROOT`.

    observe ROOT                       what stands there
    apply ROOT                         put the shipment on standard input in force
    rollback [RELEASE] ROOT            go back to a release that was proven
    remove [--data] [--dry-run] ROOT   take the installation away
    failed ROOT                        keep why a step of an upgrade could not begin

Each answers with one line of JSON on standard output: what it found or did, or
`{"error": …}`, and ends with the exit code of the error.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beast_ops.errors import BeastError
from beast_ops.place import Place

if TYPE_CHECKING:
    from .hands import Hands


def _observe(place: Place, options: Sequence[str]) -> dict[str, Any]:
    del options
    from .observe import observe

    return observe(place).model_dump(mode="json")


def _apply(place: Place, options: Sequence[str]) -> dict[str, Any]:
    del options
    from .apply import apply
    from .land import Shipment

    shipment = Shipment.model_validate_json(sys.stdin.buffer.read())
    if shipment.upgrade:
        from beast_ops.upgrade.host import step

        return asdict(step(place, shipment, hands()))
    return asdict(apply(place, shipment, hands()))


def _failed(place: Place, options: Sequence[str]) -> dict[str, Any]:
    del options
    from beast_ops.upgrade.course import FETCH, fail

    from .observe import current_release

    said = json.loads(sys.stdin.buffer.read())
    details = {"step": said["step"], "failed_at": FETCH}
    if now := current_release(place):  # else it is a first deploy, of which nothing is kept
        fail(place, details, now, said["message"])
    return {}


def _rollback(place: Place, options: Sequence[str]) -> dict[str, Any]:
    from .rollback import rollback

    return asdict(rollback(place, options[0] if options else "", hands()))


def hands() -> "Hands":
    """Return what acts on this host, whichever runtime a release is made for."""
    from beast_ops.health import report
    from beast_ops.runtime import of

    from .hands import Hands

    return Hands(
        prepare=lambda place, release: of(place, release).prepare(place, release),
        start=lambda place: of(place).apply(place),
        stop=lambda place: of(place).down(place),
        gate=report.gate,
        exposed=_exposed,
        boot=_boot,
        supply=_supply,
        settle=_settle,
        behind=(
            lambda place: of(place).apply(place, closed=True),
            lambda place: report.gate(place, closed=True),
        ),
    )


def _settle(place: Place) -> None:
    from beast_ops.upgrade.host import settle

    settle(place)


def _supply(place: Place) -> None:
    from beast_ops.cards import read_services
    from beast_ops.clock import SYSTEM
    from beast_ops.models import ensure_all

    def say(text: str) -> None:
        with (place.logs / "models.log").open("a", encoding="utf-8") as log:
            log.write(f"{SYSTEM.now().isoformat(timespec='seconds')} {text}\n")

    ensure_all(read_services(place.services), say)


def _exposed(place: Place) -> list[str]:
    """Return what is open to other hosts and declared nowhere."""
    from beast_ops.audit.exposure import undeclared
    from beast_ops.cards import read_services

    return [finding.message for finding in undeclared(place, read_services(place.services))]


def _boot(place: Place, wanted: bool) -> str:  # noqa: FBT001 - the setting, passed on
    from beast_ops.runtime.unit import Boot

    if (place.current / "compose.yml").is_file():
        return ""  # the engine starts with the machine, and its containers with it
    boot = Boot(place)
    if wanted:
        return boot.enable(Path(sys.executable))
    boot.disable()
    return ""


def _remove(place: Place, options: Sequence[str]) -> dict[str, Any]:
    from beast_ops.runtime import of

    from .remove import plan, remove

    data = "--data" in options
    if "--dry-run" in options:
        removal = plan(place, data=data)
    else:
        removal = remove(place, of(place).down, data=data)
        _boot(place, False)  # noqa: FBT003 - what is gone does not start
    return {"changed": bool(removal.gone), **asdict(removal)}


VERBS = {"observe": _observe, "apply": _apply, "rollback": _rollback}
VERBS |= {"remove": _remove, "failed": _failed}


def main(words: Sequence[str]) -> int:
    """Do what *words* say and print the answer."""
    os.umask(0o077)
    verb, *options, root = words
    try:
        answer = VERBS[verb](Place(Path(root)), options)
    except BeastError as failed:
        print(json.dumps({"error": failed.paragraph(), "exit": failed.exit_code}))  # noqa: T201 - the answer goes to a pipe
        return failed.exit_code
    except ImportError as failed:
        # What is loaded late is gone if somebody else removes the installation at this moment.
        why = f"The environment was removed meanwhile, or is damaged: {failed.name}."
        said = f"{why} Type the same command again; if that fails, too, remove {root}/venv first."
        print(json.dumps({"error": said, "exit": 75}))  # noqa: T201 - likewise
        return 75
    except OSError as failed:
        where = failed.filename or root
        print(json.dumps({"error": f"{failed.strerror} ({where}).", "exit": 1}))  # noqa: T201 - likewise
        return 1
    print(json.dumps(answer))  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
