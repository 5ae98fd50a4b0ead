# SPDX-License-Identifier: Apache-2.0
"""Docker's engine on this machine: found, or installed and started where that is possible."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from beast_ops.errors import BeastError

from . import machine
from .shell import cache, docker, run, say, works

PACKAGES = ("docker.io", "containerd", "runc", "iptables", "debootstrap")
PID = Path("/run/ai-beast-lab-dockerd.pid")
PLUGINS = Path("/usr/local/lib/docker/cli-plugins")
_MARK = ".made-by-ai-beast-lab"
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Engine:
    """What hosts need to know of the engine that runs them."""

    version: str
    cgroup: str
    root: Path
    privileged: bool


def ensure() -> None:
    """See that an engine answers.

    Raises:
        BeastError: If there is none and none can be had from here.
    """
    if not shutil.which("debootstrap") or not (shutil.which("docker") and _answers()):
        _install()
    if not _answers():
        _start()
    _ensure_compose()


def _answers() -> bool:
    return works("docker", "info", seconds=30)


def _install() -> None:
    missing = [name for name in PACKAGES if not works("dpkg", "-s", name)]
    if _answers():
        missing = [name for name in missing if name == "debootstrap"]
    if not missing:
        return
    if os.geteuid() or not shutil.which("apt-get"):
        raise BeastError(
            f"missing and not to be installed from here: {', '.join(missing)}",
            hint="Install Docker Engine and debootstrap, then run ./beast lab.up again.",
        )
    say(f"install {' '.join(missing)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", extra=quiet)
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, extra=quiet)


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        run("systemctl", "start", "docker.service")
    else:
        say("start the engine")
        log = cache() / "dockerd.log"
        with log.open("ab") as sink:
            words = ["dockerd", "--mtu", str(machine.mtu()), "--log-level", "warn"]
            started = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        PID.write_text(f"{started.pid}\n", encoding="utf-8")
    until = time.monotonic() + _START_SECONDS
    while not _answers():
        if time.monotonic() > until:
            raise BeastError("Docker's engine does not start", hint=f"See {cache()}/dockerd.log.")
        time.sleep(0.3)


def stop() -> bool:
    """End the engine if the lab started it, and return whether it did."""
    try:
        number = int(PID.read_text(encoding="utf-8"))
        name = Path(f"/proc/{number}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        PID.unlink(missing_ok=True)
        return False
    if name == "dockerd":
        os.kill(number, signal.SIGTERM)
        until = time.monotonic() + _START_SECONDS
        while Path(f"/proc/{number}").exists() and time.monotonic() < until:
            time.sleep(0.2)
    PID.unlink(missing_ok=True)
    return name == "dockerd"


def facts() -> Engine:
    """Ask the engine what it is and can."""
    form = "{{.ServerVersion}}|{{.CgroupVersion}}|{{.DockerRootDir}}"
    version, cgroup, root = docker("info", "--format", form).strip().split("|")
    bounds = Path("/proc/self/status").read_text(encoding="utf-8")
    bounding = int(bounds.partition("CapBnd:")[2].split()[0], 16)
    every = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="utf-8")) + 1
    whole = os.geteuid() != 0 or bounding == (1 << every) - 1
    return Engine(version, cgroup, Path(root), whole)


def compose_plugin() -> Path:
    """Return Compose of Debian 13 as one file that runs on Debian 12, too."""
    target = cache() / "docker-compose"
    if not target.exists():
        say("fetch Compose")
        with tempfile.TemporaryDirectory(dir=cache()) as text:
            folder = Path(text)
            options = apt_options(folder, "trixie")
            run("apt-get", *options, "update", "-qq")
            download = shlex.join(["apt-get", *options, "download", "-qq", "docker-compose"])
            run("sh", "-c", f"cd {shlex.quote(text)} && {download}")
            package = next(folder.glob("docker-compose_*.deb"))
            run("dpkg-deb", "-x", str(package), str(folder / "tree"))
            found = next((folder / "tree").rglob("cli-plugins/docker-compose"))
            shutil.copy2(found, target.with_suffix(".new"))
        target.with_suffix(".new").rename(target)
    return target


def apt_options(folder: Path, suite: str) -> list[str]:
    """Return options with which apt looks at *suite* alone and leaves the system's lists."""
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    (folder / "archives/partial").mkdir(parents=True, exist_ok=True)
    listed = folder / "debian.sources"
    listed.write_text(machine.sources(suite), encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": str(listed),
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::lists": str(folder / "lists"),
        "Dir::Cache": str(folder),
        "APT::Sandbox::User": "root",
        "Acquire::Check-Valid-Until": "false",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _ensure_compose() -> None:
    if works("docker", "compose", "version") or os.geteuid() or not machine.mirror():
        return
    PLUGINS.mkdir(parents=True, exist_ok=True)
    shutil.copy2(compose_plugin(), PLUGINS / "docker-compose")
    (PLUGINS / _MARK).touch()


def remove_compose() -> None:
    """Remove the plugin if the lab brought it."""
    if (PLUGINS / _MARK).exists():
        (PLUGINS / "docker-compose").unlink(missing_ok=True)
        (PLUGINS / _MARK).unlink()
