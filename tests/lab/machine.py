# SPDX-License-Identifier: Apache-2.0
"""What a fresh host must be told of this machine, so that installations inside it work."""

import os
import re
import sys
from functools import cache
from pathlib import Path

from beast_ops.errors import CommandError

from .shell import run

_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_PIP_KEPT = {"index-url", "extra-index-url", "trusted-host", "proxy"}
_DEFAULT_MTU = 1500


@cache
def mirror() -> str:
    """Return the mirror of Debian that this machine's own apt asks, or nothing."""
    form = "$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(COMPONENT)"
    try:
        told = run("apt-get", "indextargets", "--format", form)
    except CommandError:
        return ""
    for row in told.splitlines():
        address, origin, label, component = (row.split("|") + [""] * 3)[:4]
        if (origin, label, component) == ("Debian", "Debian", "main"):
            return address.rstrip("/")
    return ""


def sources(suite: str) -> str:
    """Return apt's list of *suite* from this machine's mirror, or nothing if it has none."""
    if not mirror():
        return ""
    suites = suite if suite in {"forky", "sid"} else f"{suite} {suite}-updates"
    return (
        f"Types: deb\nURIs: {mirror()}\nSuites: {suites}\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )


def certificates() -> dict[str, bytes]:
    """Return the certificates of authorities that were added to this machine, by file name."""
    found = sorted(_CERTIFICATES.glob("*.crt")) if _CERTIFICATES.is_dir() else []
    return {path.name: path.read_bytes() for path in found}


@cache
def pip_settings() -> str:
    """Return the settings of pip that lead to this machine's package index, as a file of pip."""
    try:
        told = run(sys.executable, "-m", "pip", "config", "list")
    except CommandError:
        told = ""
    rows = dict(re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", told, re.MULTILINE))
    kept = {name: value for name, value in rows.items() if name in _PIP_KEPT}
    kept["disable-pip-version-check"] = "1"
    kept["cert"] = "/etc/ssl/certs/ca-certificates.crt"
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in sorted(kept.items()))


def uv_settings() -> str:
    """Return the like for uv: trust the system's certificates, ask the same index."""
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    return "native-tls = true\n" + (f'index-url = "{index}"\n' if index else "")


def nameservers() -> list[str]:
    """Return the resolvers that containers can reach, too: those not on loopback."""
    text = Path("/etc/resolv.conf").read_text(encoding="utf-8")
    found = re.findall(r"^nameserver\s+(\S+)", text, re.MULTILINE)
    return [address for address in found if not address.startswith("127.") and ":" not in address]


def mtu() -> int:
    """Return the largest packet that this machine's way to the world takes."""
    try:
        for row in Path("/proc/net/route").read_text(encoding="utf-8").splitlines()[1:]:
            name, destination = row.split()[:2]
            if destination == "00000000":
                return int(Path(f"/sys/class/net/{name}/mtu").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        pass
    return _DEFAULT_MTU
