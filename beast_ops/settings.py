# SPDX-License-Identifier: Apache-2.0
"""Read what the release rendered, and notice when it changes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .clock import SYSTEM, Clock
from .errors import SettingsError

FRESH_SECONDS = 5.0


class Strict(BaseModel):
    """A value from outside: nothing unknown, nothing coerced, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Model = TypeVar("Model", bound=BaseModel)


def load(model: type[Model], path: Path) -> Model:
    """Return the JSON file at *path* as *model*.

    Raises:
        SettingsError: If the file is missing or unreadable, or a key is unknown or wrong;
            the message names the key.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as missing:
        raise SettingsError(
            f"cannot read settings: {missing.strerror}",
            subject=str(path),
            hint="Run: ./beast deploy",
        ) from missing
    except ValidationError as wrong:
        raise SettingsError(explain(wrong), subject=str(path)) from wrong


def variable(environ: Mapping[str, str], name: str) -> str:
    """Return what the release put into the environment under *name*.

    Raises:
        SettingsError: If it is missing or empty.
    """
    value = environ.get(name)
    if not value:
        raise SettingsError(
            "a variable is missing in the environment",
            subject=name,
            hint="This process is started by: ./beast deploy",
        )
    return value


def explain(wrong: ValidationError) -> str:
    """Return a sentence that names each wrong key and never its value, which may be secret."""
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'the file'}: {error['msg']}"
        for error in wrong.errors(include_url=False, include_input=False)
    )


class Watched(Generic[Model]):
    """Settings that follow their file: at most `FRESH_SECONDS` old, reread only when it changed."""

    def __init__(self, read: Callable[[Path], Model], path: Path, clock: Clock = SYSTEM) -> None:
        """Watch *path*, turning its content into a value with *read*."""
        self._read, self._path, self._clock = read, path, clock
        self._seen: tuple[int, int, int] | None = None
        self._value: Model | None = None
        self._looked = float("-inf")

    def get(self) -> Model:
        """Return the value; raises whatever *read* raises."""
        now = self._clock.monotonic()
        if self._value is None or now - self._looked >= FRESH_SECONDS:
            mark = self._mark()
            if self._value is None or mark != self._seen:
                self._value = self._read(self._path)
                self._seen = mark
            self._looked = now
        return self._value

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns)
