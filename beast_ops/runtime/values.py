# SPDX-License-Identifier: Apache-2.0
"""What the template of supervisord's configuration needs, every value ready to stand there.

supervisord reads its file with Python's configparser, then fills in `%(name)s`, then splits
commands with shlex. In `environment=` it knows no escapes, and the paths of log files it fills
in twice. So variables are handed over by env(1) in the command, one word per line, and every
path in the template is relative to the root, where supervisord runs.
"""

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from beast_ops.cards import Service, Services
from beast_ops.errors import SettingsError
from beast_ops.place import Place

ENV = "/usr/bin/env"
RESERVED = frozenset({"supervisord"})
UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# Comments begin with these after a space, even inside quotes: they leave the quotes, escaped. So
# does a newline, whose next line must be indented and loses that.
SPECIAL = str.maketrans({";": r"'\;'", "#": r"'\#'", "\n": "'\\\n    '"})
SHELL = ["/bin/sh", "-c", 'exec "$@"', "sh"]
ALWAYS = {
    "PYTHONSAFEPATH": "1",  # never import from the folder it happens to stand in
    "PYTHONUNBUFFERED": "1",  # a log line is there when it was written
    "PYTHONUTF8": "1",  # file names and logs are UTF-8, whatever the locale
}


def values(place: Place, services: Services, python: Path) -> dict[str, Any]:
    """Return the variables of `templates/embedded/supervisord.conf.j2`.

    Args:
        place: The installation; only its paths are used.
        services: What the release runs; those without a process or run by others are left out.
        python: The interpreter of the stack's own environment.

    Returns:
        `programs`: for each, in start order, `name`, `priority` and `command`.

    Raises:
        SettingsError: If a word cannot stand in the file: a control character, or no UTF-8.
    """
    return {
        "programs": [
            {
                "name": service.name,
                "priority": 10 * (number + 1),
                "command": command(service.name, words(place, service, python)),
            }
            for number, service in enumerate(programs(services))
        ]
    }


def programs(services: Iterable[Service]) -> list[Service]:
    """Return those of *services* that supervisord runs."""
    return [service for service in services if service.process and not service.external]


def words(place: Place, service: Service, python: Path) -> list[str]:
    """Return the whole command of *service*, its environment included, unescaped.

    Raises:
        SettingsError: If its name is supervisord's own.
    """
    if service.name in RESERVED:
        raise SettingsError("this name belongs to the runtime", subject=service.name)
    environment = {
        **ALWAYS,
        "BEAST_ROOT": str(place.root),
        "BEAST_SERVICES": str(place.services),
        "BEAST_SECRETS": str(place.secrets / service.name),
        **service.environment,
        "BEAST_CHANGE": service.change,
    }
    argv = list(service.process or ())
    if argv[:1] == ["python"]:
        argv[0] = os.fspath(python)
    if "=" in argv[0]:  # env would take it for a variable
        argv = [*SHELL, *argv]
    return [ENV, *(f"{name}={value}" for name, value in sorted(environment.items())), *argv]


def command(name: str, argv: Iterable[str]) -> str:
    """Return *argv* as the value of `command`, one word per line.

    Args:
        name: The program's name, for the error.
        argv: Its words.

    Raises:
        SettingsError: If a word cannot stand in the file.
    """
    return "".join(f"\n    {_word(name, word)}" for word in argv)


def _word(name: str, word: str) -> str:
    if UNWRITABLE.search(word):
        told = word.partition("=")[0].encode("ascii", "backslashreplace").decode()
        raise SettingsError(
            f"{told!r} holds a character that cannot be handed to a process", subject=name
        )
    quoted = shlex.quote(word).translate(SPECIAL)
    return quoted.replace("%", "%%")
