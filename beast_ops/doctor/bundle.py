# SPDX-License-Identifier: Apache-2.0
"""One archive with what somebody who helps needs to see, and no secret in it."""

import io
import json
import os
import platform
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from beast_ops import __version__, receipts
from beast_ops.clock import SYSTEM
from beast_ops.errors import BeastError
from beast_ops.place import Place
from beast_ops.preflight import docker
from beast_ops.preflight.place import nearest
from beast_ops.runtime import of

from .redact import redactor

MODE = 0o600
LOG_BYTES = 200_000
LINES = 500
RECEIPTS = 50
Part = tuple[str, Callable[[], bytes]]


def write(place: Place, target: Path) -> list[str]:
    """Write the bundle of *place* to *target* and return the names of what is inside.

    Raises:
        BeastError: If it cannot be known what must be left out, or *target* cannot be written.
    """
    clean = redactor(place)
    inside = {}
    for name, make in parts(place):
        inside[clean.text(name)] = clean.clean(_made(make))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in inside.items():
            entry = tarfile.TarInfo(f"beast-support/{name}")
            entry.size, entry.mode = len(content), MODE
            entry.mtime = int(SYSTEM.now().timestamp())
            archive.addfile(entry, io.BytesIO(content))
    _save(target, packed.getvalue())
    return list(inside)


def _save(target: Path, content: bytes) -> None:
    """Write a new file that only we may read; what stands there already is not touched.

    Raises:
        BeastError: If that cannot be done.
    """
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, MODE)
            file.write(content)
    except OSError as failed:
        raise BeastError(
            f"cannot write the bundle: {failed.strerror}",
            subject=str(target),
            hint="Choose another file: ./beast support-bundle --to FILE",
        ) from failed


def _made(make: Callable[[], bytes]) -> bytes:
    """Return what *make* returns, or why it could not: the rest is of use without it."""
    try:
        return make()
    except BeastError as failed:
        return f"could not be had: {failed.paragraph()}\n".encode()
    except Exception as unforeseen:  # noqa: BLE001 - whatever is broken is why somebody helps
        return f"could not be had: {type(unforeseen).__name__}\n".encode()


def parts(place: Place) -> Iterator[Part]:
    """Yield the name of each part, and what makes it."""
    yield "versions.json", lambda: _json(versions())
    yield "host.json", lambda: _json(host(place))
    yield "doctor.json", lambda: _doctor(place)
    yield "health.json", lambda: _health(place)
    yield "drift.json", lambda: _drift(place)
    yield "status.json", lambda: _json([asdict(each) for each in of(place).status(place)])
    yield "history.json", lambda: _json([each.model_dump(mode="json") for each in _history(place)])
    for path in sorted(place.current.glob("*")):
        if path.is_file():
            yield f"release/{path.name}", path.read_bytes
    for path in sorted(place.config.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(place.root)), path.read_bytes
    for path in sorted(place.receipts.glob("*.json"))[-RECEIPTS:]:
        yield f"receipts/{path.name}", path.read_bytes
    yield from _logs(place)


def _logs(place: Place) -> Iterator[Part]:
    for path in sorted(place.logs.glob("*")):
        if path.is_file():
            yield f"logs/{path.name}", lambda path=path: tail(path)  # type: ignore[misc] # mypy infers no lambda with a default
    if (place.current / "compose.yml").is_file():
        yield "logs/containers.log", lambda: _containers(place)


def tail(path: Path) -> bytes:
    """Return the last whole lines of *path*; half a line could hold half a secret."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_BYTES))
        content = file.read()
    return content if size <= LOG_BYTES else content.partition(b"\n")[2]


def _containers(place: Place) -> bytes:
    return "\n".join(of(place).logs(place, None, LINES)).encode()


def _history(place: Place) -> Iterator[receipts.Receipt]:
    return islice(receipts.read_all(place.receipts), RECEIPTS)


def _doctor(place: Place) -> bytes:
    from .examine import examine

    return _json([asdict(each) for each in examine(place)])


def _health(place: Place) -> bytes:
    from beast_ops.health import report

    return _json(report.run(place).as_dict())


def _drift(place: Place) -> bytes:
    from beast_ops.drift import differences

    return _json([asdict(each) for each in differences(place)])


def versions() -> dict[str, str]:
    """Return the versions of what this is made of."""
    return {"ai-beast": __version__, "python": platform.python_version()}


def host(place: Place) -> dict[str, object]:
    """Return what kind of machine it is: system, kernel, Docker, disk, memory."""
    found, usage = docker.look(), shutil.disk_usage(nearest(place.root))
    return {
        "system": _release(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "docker": found._asdict(),
        "disk": usage._asdict(),
        "memory": _memory(),
        "uid": os.geteuid(),
    }


def _release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {"ID": platform.system()}


def _memory() -> list[str]:
    try:
        return Path("/proc/meminfo").read_text(encoding="ascii").splitlines()[:5]
    except OSError:
        return []


def _json(value: object) -> bytes:
    return f"{json.dumps(value, indent=2)}\n".encode()
