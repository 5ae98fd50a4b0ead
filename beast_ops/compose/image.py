# SPDX-License-Identifier: Apache-2.0
"""Our own image: made on each host of the wheel and the lock file that the release shipped.

Its name says what it is made of, so it is made once, and one that was made elsewhere and loaded
here (`docker load`) is as good.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from beast_ops.door.index import redact
from beast_ops.errors import CommandError
from beast_ops.place import Place
from beast_ops.release.environment import SOURCE
from beast_ops.release.package import EPOCH
from beast_ops.runner import LocalRunner, Runner

from . import index, slim
from .definition import LABEL, OWN_IMAGE

DOCKERFILE, LOCK = "Dockerfile", "stack.txt"
BUILD_SECONDS = 3600.0  # a base image and some 100 MB of packages over a slow line
ASK_SECONDS = 60.0
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
HINT = (
    "See whether the registry and the package index answer from this host; or build the image "
    "elsewhere, bring it here (docker save, docker load), and deploy again."
)


def name(environment: str) -> str:
    """Return the name of the image that is made of *environment*, a hash."""
    return f"{OWN_IMAGE}:{environment}"


def ensure(place: Place, reference: str, runner: Runner | None = None) -> bool:
    """Have the image *reference* on this host; return whether it was built just now.

    Args:
        place: The installation, whose environment of that hash has its sources.
        reference: What `name` returned.
        runner: Runs Docker.

    Raises:
        CommandError: If it could not be built; the message has the build's last words.
    """
    runner = runner or LocalRunner()
    if _is_here(reference, runner):
        return False
    environment = reference.partition(":")[2]
    with context(place.venv / environment / SOURCE) as folder:
        index.provide(folder, index.settings(runner))
        try:
            build(folder, reference, environment, runner)
        finally:
            _forget_stages(runner)
    return True


@contextmanager
def context(source: Path) -> Iterator[Path]:
    """Give a folder an image can be built from, made of *source*; it is gone afterwards.

    Args:
        source: Wheel, lock file and Dockerfile, as a release ships them.

    Raises:
        CommandError: If something is missing there.
    """
    wheels = sorted(source.glob("*.whl"))
    wanted = [*wheels[:1], source / LOCK, source / DOCKERFILE, Path(slim.__file__)]
    if not wheels or not all(path.is_file() for path in wanted):
        raise CommandError(
            "what our image is made of is not complete",
            subject=str(source),
            hint="Remove this environment's folder, and deploy again.",
        )
    with tempfile.TemporaryDirectory(prefix="beast-image-") as made:
        for path in wanted:
            shutil.copyfile(path, Path(made) / path.name)
        yield Path(made)


def build(
    folder: Path, reference: str, environment: str, runner: Runner, more: Mapping[str, str] = {}
) -> None:
    """Build the image *reference* from *folder*.

    Args:
        folder: What `context` gave.
        reference: The name of the image.
        environment: The hash it is made of.
        runner: Runs Docker.
        more: Further build arguments; no secrets.

    Raises:
        CommandError: If it could not be built.
    """
    wheel = next(folder.glob("*.whl"))
    arguments = {"VERSION": wheel.name.split("-")[1], "SOURCE_DATE_EPOCH": EPOCH, **more}
    # The network of the host: an index or a proxy may be reachable from there alone.
    argv = ["docker", "build", "--quiet", "--network", "host", "--tag", reference]
    argv += ["--label", f"{LABEL}.environment={environment}"]
    for key, value in arguments.items():
        argv += ["--build-arg", f"{key}={value}"]
    # A proxy may have a password: the name alone lets Docker take the value from our environment.
    for proxy in PROXIES:
        argv += ["--build-arg", proxy] if os.environ.get(proxy) else []
    try:
        runner.run([*argv, str(folder)], seconds=BUILD_SECONDS)
    except CommandError as failed:
        raise CommandError(
            f"our own image could not be built: {' '.join(redact(str(failed)).split())[-600:]}",
            subject=reference,
            hint=HINT,
        ) from None  # the cause may show a password


def _is_here(reference: str, runner: Runner) -> bool:
    try:
        runner.run(["docker", "image", "inspect", reference], seconds=ASK_SECONDS)
    except CommandError:
        return False
    return True


def _forget_stages(runner: Runner) -> None:
    """Remove what the build left on its way: as large as the image, and it may hold a password."""
    argv = ["docker", "image", "prune", "--force", "--filter", f"label={LABEL}.stage"]
    with suppress(CommandError):  # another build is using them
        runner.run(argv, seconds=ASK_SECONDS)
