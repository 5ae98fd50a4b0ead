# SPDX-License-Identifier: Apache-2.0
"""Fresh hosts: containers that boot systemd, each with room for a Docker of its own."""

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from beast_ops.errors import BeastError, CommandError, UsageError

from . import bases, engine, machine
from .shell import LABEL, NETWORK, PREFIX, docker, say, works

KINDS = ("bare", "prepared")
CACHE_VOLUME = f"{PREFIX}downloads"
_BOOT_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Host:
    """What a host shall be."""

    name: str
    suite: str = "trixie"
    kind: str = "prepared"

    def __post_init__(self) -> None:
        """Refuse what no host can be."""
        if not re.fullmatch(r"[a-z][a-z0-9-]{1,40}", self.name):
            raise UsageError("a host has a short DNS name", subject=self.name)
        if self.suite not in bases.SUITES or self.kind not in KINDS:
            raise UsageError("no such host", subject=f"{self.kind} {self.suite}")


def boot(host: Host, golden: str = "") -> None:
    """Boot *host* afresh, whatever was there under its name; a second time if it does not come up.

    Args:
        host: What it shall be.
        golden: Volume with the images it shall find in its Docker's folder, if any.
    """
    try:
        _boot(host, golden)
    except BeastError as once:  # such as a kernel that just had no room for another systemd
        say(f"{host.name} once more: {once.paragraph()}")
        _boot(host, golden)


def _boot(host: Host, golden: str) -> None:
    remove(host.name)
    volume = f"{PREFIX}{host.name}"
    docker("volume", "create", "--label", f"{LABEL}=host", volume)
    if golden:
        copy_volume(golden, volume)
    start(host, volume)


def start(host: Host, volume: str) -> None:
    """Boot *host* with *volume* as the folder of its Docker."""
    image = bases.host_image(host.suite, prepared=host.kind == "prepared")
    words = ["--name", host.name, "--hostname", host.name, "--network", _network()]
    words += ["--label", f"{LABEL}={host.kind}-{host.suite}", "-v", f"{volume}:/var/lib/docker"]
    words += ["-v", f"{_downloads()}:/root/.cache"]
    docker("run", "-d", *words, *_powers(), image)
    wait(host.name)


def _powers() -> list[str]:
    """Return options under which systemd and a nested engine run on this machine's engine."""
    found = engine.facts()
    words = ["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"]
    if found.privileged:
        words += ["--privileged"]
    else:
        words += ["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"]
        for what in ("seccomp", "apparmor", "systempaths"):
            words += ["--security-opt", f"{what}=unconfined"]
    if found.cgroup == "1":
        words += ["--cgroupns=host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
        words += ["-e", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]
    else:
        words += ["--cgroupns=private"]
    return words


def _network() -> str:
    if not works("docker", "network", "inspect", NETWORK):
        option = f"com.docker.network.driver.mtu={machine.mtu()}"
        docker("network", "create", "--label", f"{LABEL}=network", "-o", option, NETWORK)
    return NETWORK


def _downloads() -> str:
    """Return the volume where all hosts keep what pip and uv downloaded."""
    docker("volume", "create", "--label", f"{LABEL}=downloads", CACHE_VOLUME)
    return CACHE_VOLUME


def copy_volume(source: str, target: str) -> None:
    """Fill *target* from *source*; layers, which engines never change, are linked, not copied."""
    root = engine.facts().root / "volumes"
    script = (
        'cd "/v/$1/_data" && for each in * .[!.]*; do [ -e "$each" ] || continue; '
        'if [ "$each" = overlay2 ]; then cp -al "$each" "/v/$2/_data/"; '
        'else cp -a "$each" "/v/$2/_data/"; fi; done'
    )
    words = ["run", "--rm", "--network", "none", "-v", f"{root}:/v", bases.base_image("trixie")]
    docker(*words, "sh", "-c", script, "sh", source, target)


def wait(name: str) -> None:
    """Wait until *name* has booted.

    Raises:
        BeastError: If it does not get there; units that failed are named.
    """
    until = time.monotonic() + _BOOT_SECONDS
    said = ""
    while time.monotonic() < until:
        try:
            said = docker("exec", name, "systemctl", "is-system-running", seconds=30).strip()
        except CommandError as not_yet:
            said = str(not_yet)
            if "degraded" in said or not state(name)["Running"]:
                break
        if said == "running":
            return
        time.sleep(0.2)
    try:
        failed = docker("exec", name, "systemctl", "--failed", "--plain", "--no-legend")
    except CommandError as wrong:
        failed = f"{wrong} {state(name)} {docker('logs', '--tail', '20', name)}"
    raise BeastError(f"the host did not boot: {failed.strip() or said}", subject=name)


def reboot(name: str) -> None:
    """Boot *name* again."""
    docker("restart", name)
    wait(name)


def remove(name: str) -> None:
    """Remove a host of the lab with all that was in it; refuse what the lab did not make.

    Raises:
        BeastError: If a container of that name is not one of the lab's.
    """
    found = hosts()
    if name in found:
        docker("rm", "-f", "-v", name)
    elif works("docker", "container", "inspect", name):
        raise BeastError("this container is not one of the lab's", subject=name)
    if works("docker", "volume", "inspect", f"{PREFIX}{name}"):
        docker("volume", "rm", f"{PREFIX}{name}")


def state(name: str) -> dict[str, Any]:
    """Return what the engine says of the container that is the host *name*."""
    return dict(json.loads(docker("inspect", "--format", "{{json .State}}", name)))


def hosts() -> dict[str, str]:
    """Return the kind of every host of the lab, by name."""
    form = f'{{{{json .Names}}}} {{{{json (.Label "{LABEL}")}}}}'
    listed = docker("ps", "-a", "--filter", f"label={LABEL}", "--format", form)
    pairs = [json.loads(f"[{row.replace(' ', ',', 1)}]") for row in listed.splitlines()]
    return {name: kind for name, kind in pairs if kind.startswith(KINDS)}


def told(name: str) -> None:
    """Say how a host is reached."""
    say(f"{name} is up: docker exec -it {name} bash")
