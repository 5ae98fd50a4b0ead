# SPDX-License-Identifier: Apache-2.0
"""Debian packages, fetched with the machine's own apt configuration and unpacked without root.

`apt-get download` needs package lists but no root. Where the machine has none (a fresh container)
or old ones, a private copy is updated beside the cache; the machine's own is never touched.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

UPDATE_SECONDS = 300
DOWNLOAD_SECONDS = 900
TOO_LONG = "took longer than"
TOOLS = ("apt-get", "apt-cache", "dpkg-deb")
# Without it apt warns, as root, that its own user cannot write into our folder.
UNSANDBOXED = ("-o", "APT::Sandbox::User=root")


@dataclass(frozen=True, slots=True)
class Wish:
    """A package, or (with `follow`) the package it depends on whose name matches the pattern."""

    package: str
    follow: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is there: the package file by wished name; and why the others are not."""

    files: Mapping[str, Path]
    missing: Mapping[str, str]


class _Apt:
    """The machine's apt, first with its own lists, then with ours."""

    def __init__(self, cache: Path) -> None:
        self.state = cache / "apt"
        self.options: tuple[str, ...] = UNSANDBOXED

    def use_own_lists(self) -> None:
        """Update a private copy of the package lists and use it from here on."""
        for folder in ("lists/partial", "cache/archives/partial"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        lists, cache = self.state / "lists", self.state / "cache"
        places = ("-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}")
        self.options = (*UNSANDBOXED, *places)
        self.run("apt-get", "update", "-qq", seconds=UPDATE_SECONDS)

    def run(self, tool: str, *words: str, cwd: Path | None = None, seconds: int = 60) -> str:
        """Return what the tool printed, also when it fails: callers look at the results."""
        argv = [tool, *self.options, *words]
        try:
            done = subprocess.run(
                argv, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return f"E: {tool} {TOO_LONG} {seconds} s"
        return done.stdout + done.stderr

    def names(self, wishes: Iterable[Wish]) -> dict[str, str]:
        """Return the package's real name by wished name, where apt knows one."""
        found = {}
        for wish in wishes:
            about = self.run("apt-cache", "depends" if wish.follow else "policy", wish.package)
            if wish.follow:
                depends = re.search(rf"Depends: ({wish.follow})$", about, re.MULTILINE)
                if depends:
                    found[wish.package] = depends[1]
            elif re.search(r"Candidate: (?!\(none\))", about):
                found[wish.package] = wish.package
        return found

    def download(self, names: Iterable[str], folder: Path) -> str:
        """Download packages into *folder*; return apt's last complaint, or nothing."""
        with tempfile.TemporaryDirectory(dir=folder.parent) as incoming:
            argv = ("download", "-q", *sorted(names))
            said = self.run("apt-get", *argv, cwd=Path(incoming), seconds=DOWNLOAD_SECONDS)
            if TOO_LONG not in said:  # else the last file may be cut off
                for path in Path(incoming).glob("*.deb"):
                    path.rename(folder / path.name)
        return next((line for line in reversed(said.splitlines()) if line.startswith("E:")), "")


def _present(wishes: Iterable[Wish], folder: Path) -> dict[str, Path]:
    found = {}
    for wish in wishes:
        pattern = re.compile(f"({wish.follow or re.escape(wish.package)})_")
        files = sorted(path for path in folder.glob("*.deb") if pattern.match(path.name))
        if files:
            found[wish.package] = files[-1]
    return found


def fetch(wishes: Sequence[Wish], cache: Path) -> Fetched:
    """Download the wished packages that are not in the cache yet.

    Args:
        wishes: what to fetch.
        cache: folder that keeps package files and private package lists; made if absent.
    """
    folder = cache / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    files = _present(wishes, folder)
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    reason = f"{', '.join(absent)} not installed" if absent else ""
    apt = _Apt(cache)
    for attempt in range(0 if absent else 2):
        wanted = [wish for wish in wishes if wish.package not in files]
        if not wanted:
            break
        if attempt:
            apt.use_own_lists()
        names = apt.names(wanted)
        if names:
            reason = apt.download(names.values(), folder)
        files = _present(wishes, folder)
    unknown = reason or "no such package here"
    missing = {wish.package: unknown for wish in wishes if wish.package not in files}
    return Fetched(files, missing)


def unpack(package: Path, folder: Path) -> None:
    """Unpack a package file into *folder*, as the calling user.

    Raises:
        subprocess.CalledProcessError: the file is not a package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["dpkg-deb", "-x", str(package), str(folder)]
    subprocess.run(argv, check=True, timeout=DOWNLOAD_SECONDS)
