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
from beast_ops.hashing import sha256_of
from beast_ops.place import Place
from beast_ops.release.environment import SOURCE
from beast_ops.release.package import EPOCH, LOCK
from beast_ops.runner import LocalRunner, Runner

from . import index, slim
from .definition import LABEL, OWN_IMAGE

DOCKERFILE = "Dockerfile"
SLIM = Path("beast_ops/compose/slim.py")
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
        has_password = index.provide(folder, index.settings(runner))
        try:
            build(folder, reference, environment, runner)
        finally:
            _forget_stages(runner, "" if has_password else _lock(folder))
    return True


@contextmanager
def context(source: Path) -> Iterator[Path]:
    """Give a folder an image can be built from, made of *source*; it is gone afterwards.

    Things lie in it as they do in a clone, from which the same file builds the same image.

    Args:
        source: Wheel, lock file and Dockerfile, as a release ships them.

    Raises:
        CommandError: If something is missing there.
    """
    wheels = sorted(source.glob("*.whl"))
    wanted = {
        LOCK: source / LOCK.name,
        SLIM: Path(slim.__file__),
        Path(DOCKERFILE): source / DOCKERFILE,
        **{Path(path.name): path for path in wheels[:1]},
    }
    if not wheels or not all(path.is_file() for path in wanted.values()):
        raise CommandError(
            "what our image is made of is not complete",
            subject=str(source),
            hint="Remove this environment's folder, and deploy again.",
        )
    with tempfile.TemporaryDirectory(prefix="beast-image-") as folder:
        made = Path(folder)
        for name, path in wanted.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, made / name)
        yield made


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
    version = wheel.name.split("-")[1]
    arguments = {"VERSION": version, "LOCK": _lock(folder), "SOURCE_DATE_EPOCH": EPOCH, **more}
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


def _lock(folder: Path) -> str:
    return sha256_of(folder / LOCK)


def _forget_stages(runner: Runner, lock: str) -> None:
    """Remove what the build left on its way, but for the packages of *lock*.

    Those are kept, if they saw no password, for the next image of the same lock file: it is
    built in seconds, and shares them with this one.
    """
    argv = ["docker", "image", "prune", "--force", "--filter", f"label={LABEL}.stage"]
    argv += ["--filter", f"label!={LABEL}.lock={lock}"] if lock else []
    with suppress(CommandError):  # another build is using them
        runner.run(argv, seconds=ASK_SECONDS)
