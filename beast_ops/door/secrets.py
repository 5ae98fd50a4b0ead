# SPDX-License-Identifier: Apache-2.0
"""The verbs of secrets: what they ask, and what they print around the library's work."""

import re
import sys

from beast_ops.errors import CommandError, UsageError
from beast_ops.place import Place

from .output import emit, line

HERE = "inventory/local"
STEPS = ("begin", "prove")
NAME = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9_]*")


def show_all(place: Place, *, json: bool) -> None:
    """Print one line for each secret, without its value.

    Raises:
        NotDeployedError: If nothing is installed here.
    """
    from beast_ops.secrets.catalogue import entries

    found = entries(place)
    if json:
        emit({"secrets": [entry.as_dict() for entry in found]})
        return
    width = max((len(entry.name) for entry in found), default=0)
    for entry in found:
        how = "given" if entry.secret.given else entry.secret.rotate
        readers = ", ".join(entry.readers)
        line(f"{entry.name:<{width}}  {how:<8} version {entry.version}  read by {readers}")


def show(place: Place, name: str, *, yes: bool) -> None:
    """Print one secret, where somebody asked for it and sees it.

    Raises:
        UsageError: If what is printed goes somewhere else, and nobody said that it may.
        MissingError: If there is none of that name.
    """
    from beast_ops.secrets.catalogue import find, value

    if not (yes or sys.stdout.isatty()):
        raise UsageError(
            "a secret is shown on a terminal only, and this goes somewhere else",
            subject=name,
            hint=f"If that is meant, run: ./beast secrets.show {name} --yes",
        )
    line(value(place, find(place, name)))


def keep(place: Place, name: str, inventory: str) -> None:
    """Ask for the value of a secret that only its owner knows, and keep it where it is needed.

    Raises:
        UsageError: If *name* is no name of a secret.
        SettingsError: If the value is empty.
        CommandError: If the host cannot be reached.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            "not the name of a secret", subject=name, hint="Take OWNER/NAME, as it was asked for."
        )
    value = _ask(name)
    if inventory:
        from beast_ops.deploy.giving import give_there

        give_there(place, inventory, name, value)
    else:
        from beast_ops.keys import keep_given

        keep_given(place.secrets, name, value)
    line(f"{name} is set. Bring it to the services that read it: ./beast deploy")


def _ask(name: str) -> str:
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"{name}: ")
    return sys.stdin.readline().rstrip("\n")


def rotate(place: Place, name: str, inventory: str, step: str) -> int:
    """Rotate one secret, in all steps or in one of them; return the exit code.

    Raises:
        UsageError: If there is no such step.
        MissingError: If there is no such secret.
        ConflictError: If it does not rotate.
        CommandError: If something did not work; the message says what to type next.
    """
    if step:
        if step not in STEPS:
            raise UsageError("no such step", subject=step, hint=f"There are: {', '.join(STEPS)}")
        return _step(place, name, inventory, step)
    code = _step(place, name, inventory, "begin")
    return code or _bring(place, name, inventory) or _step(place, name, inventory, "prove")


def _step(place: Place, name: str, inventory: str, step: str) -> int:
    """Take one step where the installation is, and return its exit code."""
    if inventory != HERE:
        from beast_ops.deploy.elsewhere import run_there

        return run_there(place, inventory, ["secrets.rotate", name, "--step", step])
    (_begin if step == "begin" else _prove)(place, name)
    return 0


def _bring(place: Place, name: str, inventory: str) -> int:
    """Bring the new version to all that read it."""
    from beast_ops.deploy import DeployOptions, deploy

    try:
        return deploy(place, DeployOptions(inventory))
    except CommandError as failed:
        raise CommandError(
            str(failed),
            subject=failed.subject,
            hint=f"{failed.hint} The new version of {name} counts all the same; the next deploy "
            "brings it.".strip(),
        ) from failed


def _begin(place: Place, name: str) -> None:
    from beast_ops.secrets.rotation import begin

    line(f"{name} has version {begin(place.require_deployed(), name)} now.")


def _prove(place: Place, name: str) -> None:
    from beast_ops.secrets.rotation import prove

    proof = prove(place, name)
    if proof.new_opens is None:
        line(f"{name} was brought; nobody knows how to try it from outside.")
    elif proof.old_opens is None:
        line(f"{name} opens; there is no older one to try.")
    else:
        line(f"{name}: the old one is refused, version {proof.version} opens.")
