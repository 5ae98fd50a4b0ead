# SPDX-License-Identifier: Apache-2.0
"""Is a release in force, and is it whole?"""

from collections.abc import Iterator

from beast_ops.release.environment import COMPLETE
from beast_ops.release.observe import fingerprint

from . import table
from .model import Diagnosis, Scene


def release(scene: Scene) -> Iterator[Diagnosis]:
    """Find that no release is in force, or that its record is lost."""
    if scene.release is None:
        yield table.NO_RELEASE.found(f"{scene.place.current} leads nowhere")
    elif scene.record is None or scene.services is None:
        lost = "release.json" if scene.record is None else "services.json"
        yield table.RECORD_LOST.found(f"{lost} of {scene.release} cannot be read")


def files(scene: Scene) -> Iterator[Diagnosis]:
    """Find files of the release that are not what they were when they were written."""
    for path, wanted in sorted(scene.record.files.items()) if scene.record else ():
        found = fingerprint(scene.place.root / path)
        if found != wanted:
            yield table.FILE_EDITED.found(f"{path} {'was edited' if found else 'is missing'}", path)


def environment(scene: Scene) -> Iterator[Diagnosis]:
    """Find that the code of the release is gone."""
    if scene.record and not (scene.place.venv / scene.record.venv / COMPLETE).exists():
        path = f"venv/{scene.record.venv}"
        yield table.ENVIRONMENT.found(f"{path} is missing or unfinished", path)
