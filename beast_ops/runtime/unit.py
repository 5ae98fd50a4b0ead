# SPDX-License-Identifier: Apache-2.0
"""Start with the machine: a systemd unit of the user that runs supervisord.

systemctl(1) may be there without a manager that listens (a container, a bare `su`): then
nothing is written and the note says so.
"""

import hashlib
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from beast_ops.errors import CommandError
from beast_ops.files import write_atomically
from beast_ops.place import Place
from beast_ops.runner import LocalRunner, Runner

SECONDS = 60.0
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "%": "%%", "$": "$$", "\n": "\\n"})
UNIT = """\
# Written by the deploy of the installation; removed again with beast_boot: false.
[Unit]
Description=AI Beast in {description}

[Service]
Type=exec
ExecStart=/usr/bin/env {words}
Restart=on-failure
RestartSec=1
KillMode=mixed
TimeoutStopSec=60
UMask=0077

[Install]
WantedBy=default.target
"""


class Boot:
    """The unit of one installation, with the systemd that should run it."""

    def __init__(
        self,
        place: Place,
        runner: Runner | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Look after *place*; *runner* runs systemctl and loginctl."""
        self._place = place
        self._runner = runner or LocalRunner(environ=session(environ))
        base = environ.get("XDG_CONFIG_HOME") or os.fspath(_home(environ) / ".config")
        self.name = unit_name(place, _home(environ))
        self.path = Path(base) / "systemd" / "user" / self.name

    def enable(self, python: Path) -> str:
        """Have the installation start with the machine.

        Args:
            python: The interpreter of the stack's own environment.

        Returns:
            A note for the operator, empty if nothing is left to say.
        """
        if not self._listens():
            return (
                "beast_boot: no systemd listens to this user here, so the stack will not start "
                "with the machine. Start it with ./beast deploy."
            )
        text = unit_text(self._place, python)
        if not self.path.is_file() or self.path.read_text() != text:
            self._write(text)
            self._systemctl("daemon-reload")
        self._systemctl("enable", self.name)
        if self._lingers():
            return ""
        return (
            "beast_boot: the stack starts when you log in. To start it with the machine, run: "
            "loginctl enable-linger"
        )

    def disable(self) -> bool:
        """Undo `enable`; return whether there was anything to undo. What runs goes on."""
        if not self.path.is_file():
            return False
        if self._listens():
            self._systemctl("disable", self.name)
        self.path.unlink()
        if self._listens():
            self._systemctl("daemon-reload")
        return True

    def start(self) -> bool:
        """Start supervisord through systemd; return False if that is not systemd's task here."""
        return self._asked("start")

    def stop(self) -> bool:
        """Stop it likewise, so that systemd does not start again what was killed."""
        return self._asked("stop")

    def _asked(self, verb: str) -> bool:
        if not self.path.is_file() or not self._listens():
            return False
        try:
            self._systemctl(verb, self.name)
        except CommandError:
            return False  # the caller does it by itself
        return True

    def _listens(self) -> bool:
        try:
            self._systemctl("show", "--property=Version")
        except CommandError:  # there is no systemctl, or nobody answers it
            return False
        return True

    def _lingers(self) -> bool:
        words = ["loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value"]
        try:
            return self._runner.run(words, seconds=SECONDS).strip() == "yes"
        except CommandError:
            return False

    def _systemctl(self, *words: str) -> str:
        return self._runner.run(["systemctl", "--user", *words], seconds=SECONDS)

    def _write(self, text: str) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self.path, os.fsencode(text))


def unit_name(place: Place, home: Path) -> str:
    """Return the unit's name: each installation has its own."""
    if place.root == home / ".beast":
        return "ai-beast.service"
    return f"ai-beast-{hashlib.sha256(os.fsencode(place.root)).hexdigest()[:12]}.service"


def unit_text(place: Place, python: Path) -> str:
    """Return the unit that runs supervisord of *place* in the foreground."""
    words = [str(python), "-I", "-m", "beast_ops.runtime", str(place.root)]
    description = str(place.root).replace("%", "%%").replace("\\", "\\\\")
    return UNIT.format(description=description, words=" ".join(map(quoted, words)))


def quoted(word: str) -> str:
    """Return *word* as one argument of ExecStart=: systemd.service(5), systemd.syntax(7)."""
    return f'"{word.translate(ESCAPES)}"'


def session(environ: Mapping[str, str]) -> dict[str, str]:
    """Return *environ* with the way to the user's systemd, which cron and su leave out."""
    return {"XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}", **environ}


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)
