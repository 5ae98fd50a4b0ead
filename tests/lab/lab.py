# SPDX-License-Identifier: Apache-2.0
"""The lab as a whole: up, down, and what is there."""

import shutil
from typing import Any

from beast_ops.errors import CommandError

from . import bases, engine, fleet, galaxy, workshop
from .bases import SUITES
from .shell import LABEL, NETWORK, cache, docker, say, works

__all__ = ["SUITES", "down", "gone", "host", "load", "shown", "status", "up"]


def up(suites: tuple[str, ...] = SUITES) -> None:
    """Bring everything up that is not there yet."""
    engine.ensure()
    galaxy.collections()
    for suite in suites:
        bases.host_image(suite, prepared=True)
    workshop.golden()
    say("the lab is up")


def host(name: str, suite: str, kind: str, *, images: bool) -> None:
    """Boot a fresh host, with everything it needs."""
    engine.ensure()
    wanted = fleet.Host(name, suite, kind)
    fleet.boot(wanted, workshop.golden() if images else "")
    fleet.told(name)


def there(name: str) -> bool:
    """Return whether the engine and a host called *name* are there and run."""
    galaxy.collections()
    if not works("docker", "info", seconds=30) or name not in fleet.hosts():
        return False
    state = fleet.state(name)
    if not state["Running"]:
        say(f"{name} does not run any more: {state}")
    return bool(state["Running"])


def reboot(name: str) -> None:
    """Boot a host again."""
    fleet.reboot(name)


def load(name: str) -> None:
    """Bring images that were built since into a running host."""
    for reference in workshop.refresh(name):
        say(f"brought {reference}")


def gone(name: str) -> None:
    """Remove a host."""
    fleet.remove(name)


def status() -> dict[str, Any]:
    """Return what is there, as plain values."""
    if not works("docker", "info", seconds=30):
        return {"engine": None, "hosts": {}, "images": {}}
    found = engine.facts()
    made = docker("image", "ls", "--filter", f"label={LABEL}", "--format", "{{.Repository}}")
    return {
        "engine": {
            "version": found.version,
            "cgroup": found.cgroup,
            "privileged": found.privileged,
        },
        "started_by_lab": engine.PID.exists(),
        "cache": str(cache()),
        "collections": str(galaxy.collections()),
        "hosts": fleet.hosts(),
        "host_images": sorted({name for name in made.split() if name.startswith("beast-lab/")}),
        "images": workshop.listed(),
    }


def shown(found: dict[str, Any]) -> str:
    """Return the status as lines for a person."""
    if not found["engine"]:
        return "No engine answers; ./beast lab.up brings it up."
    rows = [f"engine     {found['engine']['version']} (cgroup v{found['engine']['cgroup']})"]
    rows += [f"cache      {found['cache']}", f"collection {found['collections']}"]
    rows += [f"host       {name}: {kind}" for name, kind in sorted(found["hosts"].items())]
    rows += [f"image      {name} ({kind})" for name, kind in sorted(found["images"].items())]
    return "\n".join(rows)


def down(*, cache_too: bool = False) -> None:
    """Remove what the lab made: hosts, volumes, network, images, and the engine it started."""
    if works("docker", "info", seconds=30):
        for name in fleet.hosts():
            say(f"remove the host {name}")
            fleet.remove(name)
        _each("volume", "ls", "-q", "--filter", f"label={LABEL}", act=("volume", "rm"))
        _each("image", "ls", "-q", "--filter", f"label={LABEL}", act=("image", "rm", "-f"))
        if works("docker", "network", "inspect", NETWORK):
            docker("network", "rm", NETWORK)
    engine.stop()
    engine.remove_compose()
    if cache_too:
        shutil.rmtree(cache())
    say("the lab is down")


def _each(*listing: str, act: tuple[str, ...]) -> None:
    for name in dict.fromkeys(docker(*listing).split()):
        try:
            docker(*act, name)
        except CommandError as wrong:  # such as an image that a container of the user holds
            say(f"left: {wrong}")
