# SPDX-License-Identifier: Apache-2.0
"""Run one playbook: its whole output into a log, its events to whoever shows them."""

import json
import locale
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from beast_ops.errors import CommandError

CLONE = Path(__file__).resolve().parents[2]
# Of the settings that Ansible takes from the environment, those that say how hosts are reached.
# Others, such as another output, would change what we read and what is done.
WAYS = (
    *("ANSIBLE_BECOME", "ANSIBLE_COLLECTIONS", "ANSIBLE_HOST_KEY", "ANSIBLE_LOCAL_TEMP"),
    "ANSIBLE_PIPELINING",
    *("ANSIBLE_PRIVATE_KEY", "ANSIBLE_REMOTE", "ANSIBLE_SSH", "ANSIBLE_TIMEOUT", "ANSIBLE_VAULT"),
)


@dataclass(frozen=True, slots=True)
class Playbook:
    """A playbook and how it is run.

    Attributes:
        name: File name below `playbooks/`, without suffix.
        inventory: Path of the inventory.
        root: Absolute path of the installation, for inventories that follow `BEAST_ROOT`.
        check: Change nothing.
        settings: A settings file to use instead of the inventory's own.
        variables: Further variables; never secrets, because they stand in argv.
    """

    name: str
    inventory: str
    root: Path
    check: bool = False
    settings: Path | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)

    def argv(self) -> list[str]:
        """Return the command."""
        program = Path(sys.executable).with_name("ansible-playbook")
        words = [str(program), "-i", self.inventory, str(CLONE / "playbooks" / f"{self.name}.yml")]
        if self.check:
            words += ["--check", "--diff"]
        extra = dict(self.variables)
        if self.settings is not None:
            extra["beast_settings"] = str(self.settings)
        return [*words, "--extra-vars", json.dumps(extra)] if extra else words


def run(playbook: Playbook, log: IO[bytes] | None) -> Iterator[dict[str, Any]]:
    """Run *playbook* and yield its events; the last has the event `exit` and the `code`.

    Args:
        playbook: What to run.
        log: Where its whole output goes; `None` shows it on the terminal.

    Raises:
        CommandError: If Ansible is not installed beside this Python.
    """
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            playbook.argv(),
            cwd=CLONE,
            env=_environment(playbook.root, writer),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT if log else None,
            pass_fds=(writer,),
        )
    except OSError as failed:
        os.close(reader)
        raise CommandError(
            "cannot run ansible-playbook", subject=str(failed.filename), hint="Run: ./beast"
        ) from failed
    finally:
        os.close(writer)
    try:
        with os.fdopen(reader, encoding="utf-8", errors="replace") as lines:
            yield from _events(lines)
        yield {"event": "exit", "code": process.wait()}
    finally:
        _end(process)


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield what *lines* tell; one that was torn by a killed playbook tells nothing."""
    for line in lines:
        with suppress(ValueError):
            yield json.loads(line)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Let a playbook that we leave behind end as if Ctrl-C had reached it."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _environment(root: Path, progress: int) -> dict[str, str]:
    theirs = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ANSIBLE_") or name.startswith(WAYS)
    }
    environ = {
        **theirs,
        "ANSIBLE_CONFIG": str(CLONE / "ansible.cfg"),
        "ANSIBLE_CALLBACKS_ENABLED": "beast_progress",
        "ANSIBLE_NOCOLOR": "1",
        "BEAST_PROGRESS": str(progress),
        "BEAST_ROOT": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if not _speaks_utf8():
        environ["LC_ALL"] = "C.UTF-8"  # Ansible refuses to start in any other encoding
    return environ


def _speaks_utf8() -> bool:
    """Return whether the locale the user chose is installed, and of the encoding Ansible needs."""
    chosen = next(
        (os.environ[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(key)), "C"
    )
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)
    encoding = locale.getpreferredencoding(do_setlocale=False)
    return chosen not in {"C", "POSIX"} and "utf" in encoding.lower()
