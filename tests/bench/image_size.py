# SPDX-License-Identifier: Apache-2.0
"""How large our image is: `python tests/bench/image_size.py [BASE]`.

Peer: one stage that installs the same lock file and the same wheel with the same pip onto the
same base, once as pip does it by default and once without its cache, which is the smaller and
the one that counts. Both images are built here, by the same engine. Compared are the bytes they
add above the base. Target: ours adds at most 60 % of what the peer adds.

The base is `python:3.13-slim-trixie` unless another is named; it must be here or be had from a
registry.
"""

import json
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from beast_ops.compose import image, index
from beast_ops.errors import CommandError
from beast_ops.release.package import LOCK, build_wheel, environment_hash
from beast_ops.runner import LocalRunner

CLONE = Path(__file__).resolve().parents[2]
BASE = "python:3.13-slim-trixie"
TARGET = 0.6
NAME = "ai-beast-bench"
BUILD_SECONDS = 3600

PEER = """
ARG BASE
FROM ${BASE}
ARG NO_CACHE
COPY . /build
WORKDIR /build
RUN export PIP_CONFIG_FILE=/build/pip.conf \\
 && python -m venv --without-pip /venv \\
 && python -m pip $NO_CACHE --python /venv/bin/python install --require-hashes \\
    -r requirements/stack.txt \\
 && python -m pip $NO_CACHE --python /venv/bin/python install --no-deps ./*.whl
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin
CMD ["python", "-m", "beast_ops.api"]
"""
RUNNER = LocalRunner()


@contextmanager
def context() -> Iterator[Path]:
    """Give the folder both images are built from."""
    with tempfile.TemporaryDirectory() as made:
        source = Path(made)
        build_wheel(CLONE, source)
        for path in (CLONE / LOCK, CLONE / image.DOCKERFILE):
            (source / path.name).write_bytes(path.read_bytes())
        with image.context(source) as folder:
            index.provide(folder, index.settings(RUNNER))
            yield folder


def size(name: str) -> int:
    """Return the bytes of an image, all its layers together."""
    return int(RUNNER.run(["docker", "image", "inspect", "--format", "{{.Size}}", name]))


def peer(folder: Path, base: str, no_cache: str) -> str:
    """Build the image of one stage and return its name."""
    (folder / "Peer").write_text(PEER)
    name = f"{NAME}:peer{'-no-cache' if no_cache else ''}"
    argv = ["docker", "build", "--quiet", "--network", "host", "--file", str(folder / "Peer")]
    argv += ["--build-arg", f"BASE={base}", "--build-arg", f"NO_CACHE={no_cache}", "--tag", name]
    RUNNER.run([*argv, str(folder)], seconds=BUILD_SECONDS)
    return name


def packages(name: str) -> list[str]:
    """Return name and version of every package in the environment of an image."""
    listed = (
        "import importlib.metadata as m; "
        "print(*sorted({f'{d.name}=={d.version}' for d in m.distributions(path=["
        "*__import__('glob').glob('/venv/lib/python3*/site-packages')])}))"
    )
    return RUNNER.run(["docker", "run", "--rm", name, "python", "-c", listed]).split()


def main(base: str) -> dict[str, object]:
    with context() as folder:
        ours = f"{NAME}:ours"
        try:
            RUNNER.run(["docker", "image", "inspect", base])
        except CommandError:
            RUNNER.run(["docker", "pull", "--quiet", base], seconds=BUILD_SECONDS)
        image.build(folder, ours, environment_hash(CLONE), RUNNER, {"BASE": base})
        peers = [peer(folder, base, no_cache) for no_cache in ("", "--no-cache-dir")]
        added = [size(name) - size(base) for name in (ours, *peers)]
        found = [packages(name) for name in (ours, peers[1])]
        for name in (ours, *peers):
            with suppress(CommandError):
                RUNNER.run(["docker", "image", "rm", "--force", name])
        stages = ["--filter", "label=org.ai-beast.stage"]
        RUNNER.run(["docker", "image", "prune", "--force", *stages])
    return {
        "summary": {
            "ours_over_one_stage": round(added[0] / added[2], 3),
            "ours_over_one_stage_with_cache": round(added[0] / added[1], 3),
            "met": added[0] <= TARGET * min(added[1:]),
        },
        "base": base,
        "ours_bytes": added[0],
        "one_stage_with_cache_bytes": added[1],
        "one_stage_bytes": added[2],
        "packages": len(found[0]),
        "left_out": sorted(set(found[1]) - set(found[0])),
        "engine": RUNNER.run(["docker", "version", "--format", "{{.Server.Version}}"]).strip(),
        "python": platform.python_version(),
    }


def answers() -> bool:
    """Return whether there is a Docker Engine to build with."""
    try:
        RUNNER.run(["docker", "version"])
    except CommandError:
        return False
    return True


if __name__ == "__main__":
    if answers():
        print(json.dumps(main(sys.argv[1] if len(sys.argv) > 1 else BASE), indent=2))
    else:
        print(json.dumps({"summary": {"skipped": "no Docker Engine answers"}}))
