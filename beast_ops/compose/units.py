# SPDX-License-Identifier: Apache-2.0
"""What runs on the host itself beside the containers, as units of systemd."""

from collections.abc import Callable
from pathlib import Path

from beast_ops.cards import Service, Services
from beast_ops.errors import CommandError, NotDeployedError
from beast_ops.files import write_atomically
from beast_ops.place import Place
from beast_ops.runner import LocalRunner
from beast_ops.runtime.control import ProcessState
from beast_ops.runtime.launch import interpreter
from beast_ops.runtime.unit import quoted
from beast_ops.runtime.values import words

FOLDER = Path("/etc/systemd/system")
LISTENS = Path("/run/systemd/system")  # sd_booted(3)
SECONDS = 60.0
PUBLIC = 0o644
STATES = {"active": "running", "inactive": "stopped"}  # in the words of both runtimes
UNIT = """\
# Written by the deploy of {root}; removed again with the service.
[Unit]
Description=AI Beast {name} in {root}
After=docker.service

[Service]
Type=exec
ExecStart={command}
Restart=always
RestartSec=2
KillMode=mixed
UMask=0077

[Install]
WantedBy=multi-user.target
"""

Act = Callable[[Place, Service], None]


def apply(place: Place, services: Services) -> set[str]:
    """Run exactly the units of *services*; return the names of those that are new or changed.

    Raises:
        CommandError: If there is no systemd, or a unit does not start.
    """
    wanted = {_name(services, each): each for each in _hosted(services)}
    for path in _installed(place):
        if path.name not in wanted:
            _take_away(path)
    changed = set()
    for name, service in wanted.items():
        if is_absent(service):
            continue
        if not LISTENS.is_dir():
            raise CommandError("no systemd runs here to start it", subject=service.name)
        text = _text(place, service)
        if _read(FOLDER / name) != text:
            write_atomically(FOLDER / name, text.encode(), PUBLIC)
            _systemctl("daemon-reload")
            changed.add(service.name)
        _systemctl("enable", name)
        _systemctl("restart" if service.name in changed else "start", name)
    return changed


def remove(place: Place) -> None:
    """Take every unit of the installation away."""
    for path in _installed(place):
        _take_away(path)


def run(place: Place, services: Services) -> bool:
    """Return whether exactly the units of *services* run."""
    if not LISTENS.is_dir():
        return all(each.optional for each in _hosted(services))
    wanted = {_name(services, each): each for each in _hosted(services)}
    if {path.name for path in _installed(place)} != set(wanted):
        return False
    return all(
        _read(FOLDER / name) == _text(place, each) and _state(name) == "active"
        for name, each in wanted.items()
    )


def status(place: Place, services: Services) -> list[ProcessState]:
    """Return how each unit of *services* is that this host does not do without."""
    del place
    return [
        ProcessState(each.name, STATES.get(found, found))
        for each in _hosted(services)
        if not is_absent(each)
        for found in (_state(_name(services, each)),)
    ]


def is_absent(service: Service) -> bool:
    """Return whether this host does without *service*, having no systemd to run it."""
    return service.optional and not LISTENS.is_dir()


def start(place: Place, service: Service) -> None:
    """Start the unit of *service*.

    Raises:
        NotDeployedError: If it has none.
        CommandError: If systemd refuses.
    """
    _systemctl("start", _own(place, service))


def stop(place: Place, service: Service) -> None:
    """Stop the unit of *service*; raises what `start` does."""
    _systemctl("stop", _own(place, service))


def restart(place: Place, service: Service) -> None:
    """Stop and start the unit of *service*; raises what `start` does."""
    _systemctl("restart", _own(place, service))


def _hosted(services: Services) -> list[Service]:
    return [each for each in services if each.place == "host" and each.process]


def _name(services: Services, service: Service) -> str:
    return f"{services.project}-{service.name}.service"


def _own(place: Place, service: Service) -> str:
    for path in _installed(place):
        if path.name.endswith(f"-{service.name}.service"):
            return path.name
    raise NotDeployedError(
        "this host has no unit for it", subject=service.name, hint="Run: ./beast deploy"
    )


def _installed(place: Place) -> list[Path]:
    """Return the units that the deploys of *place* wrote, as their first line says."""
    first = UNIT.partition("\n")[0].format(root=place.root)
    return [path for path in FOLDER.glob("*.service") if _read(path).startswith(f"{first}\n")]


def _text(place: Place, service: Service) -> str:
    command = " ".join(map(quoted, words(place, service, interpreter(place))))
    return UNIT.format(root=place.root, name=service.name, command=command)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _take_away(path: Path) -> None:
    _systemctl("disable", "--now", path.name)
    path.unlink(missing_ok=True)
    _systemctl("daemon-reload")


def _state(name: str) -> str:
    """Return what systemd says: active, inactive, failed, …."""
    try:
        return _systemctl("show", "--property=ActiveState", "--value", name).strip()
    except CommandError:
        return "unknown"


def _systemctl(*words: str) -> str:
    return LocalRunner().run(["systemctl", *words], seconds=SECONDS)
