# SPDX-License-Identifier: Apache-2.0
"""Let the build of an image reach the package index as pip on this host does.

The build gets a `pip.conf` and the certificates this host trusts, as files of its context; its
first stages see them, the image does not. So no credential is ever an argument or a label.
"""

import os
import shutil
import ssl
import sys
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as UnreadableError
from pathlib import Path

from beast_ops.door.index import no_index, pip_settings, redact
from beast_ops.errors import CommandError
from beast_ops.runner import Runner

INSIDE = "/build"
PIP_CONF, CERTIFICATES, WHEELS = "pip.conf", "index.pem", "wheels"
HANDED = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries", "no-index")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PREFIX = "PIP_"
CONFIG_SECONDS = 30


def settings(runner: Runner, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what pip on this host is told; read from its files where there is no pip.

    Args:
        runner: Runs pip.
        environ: The environment, which may tell it, too.
    """
    for python in (sys.executable, "python3"):
        try:
            argv = [python, "-m", "pip", "config", "list"]
            return pip_settings(runner.run(argv, seconds=CONFIG_SECONDS))
        except CommandError:
            continue  # no Python of this name, or no pip
    return _read(environ)


def provide(context: Path, pip: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> bool:
    """Put into *context* how the index is reached; return whether that holds a password.

    Args:
        context: The folder an image is built from.
        pip: What pip on this host is told.
        environ: The environment, which may name certificates.
    """
    said = {key: value for key in HANDED if (value := pip.get(key) or _other(pip, key))}
    certificates = _certificates(pip, environ)
    if certificates is not None:
        shutil.copyfile(certificates, context / CERTIFICATES)
        said["cert"] = f"{INSIDE}/{CERTIFICATES}"
    links = [link for link in pip.get("find-links", "").split() if "://" in link]
    if no_index(pip):
        _take_wheels(context / WHEELS, pip.get("find-links", "").split())
        links.append(INSIDE)
    if links:
        said["find-links"] = "\n    ".join(links)
    text = "".join(f"{key} = {value}\n" for key, value in said.items())
    target = context / PIP_CONF
    target.touch(mode=0o600)
    target.write_text(f"[global]\n{text}", encoding="utf-8")
    return any(redact(value) != value for value in said.values())


def _other(pip: Mapping[str, str], key: str) -> str:
    return pip.get("default-timeout", "") if key == "timeout" else ""


def _certificates(pip: Mapping[str, str], environ: Mapping[str, str]) -> Path | None:
    """Return the file of the certificates this host trusts, if it has one."""
    known = ssl.get_default_verify_paths().cafile
    named = [pip.get("cert"), *(environ.get(name) for name in BUNDLES), known]
    return next((Path(each) for each in named if each and Path(each).is_file()), None)


def _take_wheels(target: Path, links: list[str]) -> None:
    """Copy the packages of the folders in *links*, which is where a host without index has them."""
    target.mkdir()
    for link in links:
        folder = Path(link.removeprefix("file://")).expanduser()
        for path in folder.glob("*.whl") if folder.is_dir() else ():
            shutil.copyfile(path, target / path.name)


def _read(environ: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings from where pip would look, later ones over earlier ones."""
    home = Path(environ.get("HOME", "/root"))
    chosen = environ.get(f"{PREFIX}CONFIG_FILE")
    files = [Path("/etc/pip.conf"), home / ".pip/pip.conf", home / ".config/pip/pip.conf"]
    found: dict[str, str] = {}
    for path in [*files, *([Path(chosen)] if chosen else [])]:
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(path, encoding="utf-8")
        except (UnreadableError, UnicodeDecodeError, OSError):
            continue  # pip would not take it either
        for section in ("global", "install"):
            found |= dict(parser[section]) if parser.has_section(section) else {}
    said = {
        name.removeprefix(PREFIX).lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith(PREFIX)
    }
    return found | said
