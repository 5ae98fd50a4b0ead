# SPDX-License-Identifier: Apache-2.0
"""Services of the embedded runtime aside: children of ours, on ports nobody else has."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from beast_ops import http
from beast_ops.cards import Service
from beast_ops.clock import SYSTEM
from beast_ops.errors import BeastError, CommandError, ServiceError
from beast_ops.place import Place
from beast_ops.runtime.launch import clean_environ
from beast_ops.runtime.values import words

from .aside import Ground

START_SECONDS = 60.0
STOP_SECONDS = 15.0
PAUSE_SECONDS = 0.05
TAIL_CHARACTERS = 1500


@contextmanager
def running(ground: Ground, wanted: list[Service]) -> Iterator[Mapping[str, str]]:
    """Run *wanted*; see `aside.running`."""
    with ExitStack() as stack:
        yield {service.name: stack.enter_context(_running(ground, service)) for service in wanted}


@contextmanager
def _running(ground: Ground, service: Service) -> Iterator[str]:
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    place = Place(ground.work)
    config = _configured(ground, service, port)
    there = _there(ground, service, config)
    argv = words(place, there, _python(ground))
    log = ground.work / f"{service.name}.log"
    place.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd="/",
            env=clean_environ(place),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await(process, service, address, log)
        yield address
    except ServiceError as refused:
        raise ServiceError(
            f"{str(refused).rstrip('.')}; it wrote: {_said(log)}", subject=refused.subject
        ) from refused
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()


def _there(ground: Ground, service: Service, config: Path) -> Service:
    """Return *service* with its variables leading to other data, secrets and settings."""
    own = {
        "BEAST_ROOT": str(ground.work),
        "BEAST_DATA": str(ground.data),
        "BEAST_SECRETS": str(ground.secrets / service.name),
        "BEAST_CONFIG": str(config),
        "BEAST_PARENT": str(os.getpid()),  # we may be killed before it looks who started it
    }
    return service.model_copy(update={"environment": {**service.environment, **own}})


def _configured(ground: Ground, service: Service, port: int) -> Path:
    """Return a folder with the configuration of *service*, but for its port."""
    target = ground.work / "config" / service.name
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if service.config:
        for path in (ground.place.config / service.config).iterdir():
            text = path.read_text(encoding="utf-8")
            if path.name == "settings.json":
                text = json.dumps({**json.loads(text), "port": port})
            (target / path.name).write_text(text, encoding="utf-8")
    return target


def _python(ground: Ground) -> Path:
    return (ground.release / "venv").resolve() / "bin" / "python"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await(process: "subprocess.Popen[bytes]", service: Service, address: str, log: Path) -> None:
    deadline = SYSTEM.monotonic() + START_SECONDS
    while SYSTEM.monotonic() < deadline and process.poll() is None:
        with suppress(BeastError), http.client(address, seconds=2.0) as client:
            with http.speaking_to(service.name):
                answer = client.get(service.health.path or "/")
            if answer.status_code == service.health.status:
                return
        SYSTEM.sleep(PAUSE_SECONDS)
    raise CommandError(f"does not come up beside the stack: {_said(log)}", subject=service.name)


def _said(log: Path) -> str:
    """Return the last words of a service, which are gone with its folder."""
    return log.read_text(encoding="utf-8", errors="replace").strip()[-TAIL_CHARACTERS:]
