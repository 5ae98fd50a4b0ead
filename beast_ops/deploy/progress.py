# SPDX-License-Identifier: Apache-2.0
"""Turn the events of a playbook into a few lines that a person reads."""

import difflib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from beast_ops.errors import BeastError, CommandError, NotDeployedError, TransientError, UsageError
from beast_ops.place import Place

STEPS = {
    "Plan | Render, validate and compare the release": "Planning the release",
    "Host | Ask whether this machine can carry the stack": "Looking at this machine",
    "Docker | Install what is missing": "Installing Docker",
    "Apply | Make the stack's own environment": "Making the stack's environment",
    "Apply | Ship the release, put it in force, prove it": "Starting the release and proving it",
}
# Where these fail, the inventory is wrong, not the machine.
JUDGES = ("Collect |", "Validating arguments against arg spec")
CONTEXT_LINES = 2


class Progress:
    """What a playbook told so far; says each step when it begins."""

    def __init__(self, root: Path, *, says_steps: bool = True) -> None:
        """Follow a playbook for the installation at *root*."""
        self._root = root
        self._says_steps = says_steps
        self._failed: Mapping[str, Any] | None = None
        self._applied: Mapping[str, Any] = {}
        self._removal: Mapping[str, Any] = {}
        self._diff: list[Mapping[str, str]] = []
        self._changed = 0
        self.plan: Mapping[str, Any] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Take one event.

        Raises:
            BeastError: At the last event, if the playbook failed.
        """
        handler = getattr(self, f"_on_{event['event']}", None)
        if handler is not None:
            handler(event)

    def _on_begins(self, event: Mapping[str, Any]) -> None:
        step = STEPS.get(_title(event))
        if step and self._says_steps:
            _say(f"{step} ...")

    def _on_done(self, event: Mapping[str, Any]) -> None:
        title = _title(event)
        if "plan" in event:
            self.plan = event["plan"]
            self._diff = list(event.get("diff") or [])
        elif title.startswith("Apply | Ship"):
            self._applied = event
        elif title.startswith("Remove |"):
            self._removal = event

    def _on_failed(self, event: Mapping[str, Any]) -> None:
        self._failed = self._failed or event

    def _on_ended(self, event: Mapping[str, Any]) -> None:
        self._changed = sum(int(host["changed"]) for host in event["hosts"].values())

    def _on_exit(self, event: Mapping[str, Any]) -> None:
        if not event["code"]:
            return
        if self._failed is None:
            raise CommandError(
                f"ansible-playbook ended with {event['code']}",
                subject=str(self._root),
                hint="Type the same command with --verbose to see why.",
            )
        usual = UsageError.exit_code if _title(self._failed).startswith(JUDGES) else 1
        told = " ".join(str(self._failed.get("msg", "")).split())
        raise _ToldError(told, int(self._failed.get("beast_exit", usual)))

    def show_end(self, place: Place) -> None:
        """Say what the deploy came to, how the stack is, and what to type next.

        Raises:
            TransientError: If somebody removed it meanwhile.
        """
        if self._applied:
            seconds = float(self._applied["seconds"])
            _say(f"Release {self._applied['release']} is in force and proven ({seconds:.1f} s).")
        else:
            _say(f"Nothing to do: release {self.plan['release']} is in force, proven and running.")
        if self._applied.get("note"):
            _say(str(self._applied["note"]))
        _say(f"changed={self._changed}\n")
        root = str(place.root)
        if self.plan.get("here", True) and self.plan.get("root", root) == root:
            try:
                _show_health(place)
            except NotDeployedError as gone:
                raise TransientError(
                    "it was removed right after that", subject=root, hint="Run: ./beast deploy"
                ) from gone
        else:
            self._show_checks()

    def _show_checks(self) -> None:
        """Say how the services of another place were a moment ago, and how to ask again."""
        checks = self._applied.get("checks") or []
        width = max((len(check["name"]) for check in checks), default=0)
        for check in checks:
            _say(f"{check['name']:<{width}}  {check['status']:<9}  {check['message']}")
        _say("Ask again with: ./beast health --inventory INVENTORY")

    def show_plan(self) -> None:
        """Print what would change as a diff, and a sentence that sums it up."""
        for change in self._diff:
            _say("\n".join(_unified(change)))
        if self._diff:
            count = len(self._diff)
            files = "1 file" if count == 1 else f"{count} files"
            _say(f"\nA deploy would change {files}. Nothing was changed.")
        elif self._changed:
            _say("The release would stay; a deploy would start and prove it. Nothing was changed.")
        else:
            _say("Nothing to do: the machine matches the inventory.")

    def show_removal(self, *, dry_run: bool) -> None:
        """Say what went and what stays."""
        root = self._removal.get("root", self._root)
        gone, kept = self._removal.get("gone") or [], self._removal.get("kept") or []
        if not gone:
            _say(f"Nothing is installed at {root}.")
        elif dry_run:
            _say(f"Would remove from {root}: {', '.join(gone)}.")
        else:
            _say(f"Removed from {root}: {', '.join(gone)}.")
        for folder in self._removal.get("left") or []:
            _say(f"Only the link to {folder} goes; its data stays, delete it yourself.")
        if kept:
            _say(f"Kept: {', '.join(kept)}. To remove these as well: ./beast remove --data")


class _ToldError(BeastError):
    """A paragraph that was written on the host, with its own exit code."""

    def __init__(self, paragraph: str, code: int) -> None:
        super().__init__(paragraph)
        self.exit_code = code

    def paragraph(self) -> str:
        return str(self)


def _title(event: Mapping[str, Any]) -> str:
    """Return a task's own name, without its role."""
    return str(event.get("task", "")).rpartition(" : ")[2]


def _unified(change: Mapping[str, str]) -> Iterable[str]:
    return difflib.unified_diff(
        change["before"].splitlines(),
        change["after"].splitlines(),
        f"{change['before_header']} (now)",
        f"{change['after_header']} (planned)",
        n=CONTEXT_LINES,
        lineterm="",
    )


def _show_health(place: Place) -> None:
    from beast_ops.cards import read_services
    from beast_ops.health import report, show

    found = report.run(place)
    _say(show.table(found))
    try:
        where = f" and answers at {read_services(place.services).api().address}"
    except NotDeployedError:
        where = ""
    _say(f"\nThe stack is {found.status}{where}. Next:")
    for line in ("./beast ingest FOLDER", './beast search "what you look for"', "./beast health"):
        _say(f"  {line}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
