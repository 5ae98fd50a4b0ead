# SPDX-License-Identifier: Apache-2.0
"""The workshop: a host inside whose engine all images are built; others get copies of its folder.

So no double ever lies in the engine of whoever runs the lab.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager

from . import bases, catalogue, fleet
from .catalogue import RECIPES, Recipe
from .shell import LABEL, PREFIX, cache, digest, docker, run, say, works

NAME = "beast-lab-workshop"
GOLDEN = f"{PREFIX}golden-"
SUITE = "trixie"
DOUBLE = "org.ai-beast.double"


def golden() -> str:
    """Return the volume with all images as they are now, made if need be."""
    with _alone():
        bases.host_image(SUITE, prepared=True)
        plan = _plan()
        volume = GOLDEN + digest([part for pair in plan.items() for part in pair])
        if not works("docker", "volume", "inspect", volume):
            _make(volume, plan)
        return volume


@contextmanager
def _alone() -> Iterator[None]:
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _plan() -> dict[str, str]:
    """Return by reference what each image is made of."""
    rootfs = bases.rootfs(SUITE)
    plan = {"debian:trixie-slim": rootfs.stem}
    for recipe in RECIPES:
        if recipe.made:
            base = plan[recipe.base] + (plan["lab/debs"] if _takes_debs(recipe) else "")
            plan[recipe.reference] = catalogue.key(recipe, base)
    return plan


def _takes_debs(recipe: Recipe) -> bool:
    return b"--from=lab/debs" in (recipe.folder / "Dockerfile").read_bytes()


def _make(volume: str, plan: dict[str, str]) -> None:
    former = sorted(docker("volume", "ls", "-q", "--filter", f"name={GOLDEN}").split())
    docker("volume", "create", "--label", f"{LABEL}=golden", volume)
    try:
        if former:
            fleet.copy_volume(former[-1], volume)
        fleet.start(fleet.Host(NAME, SUITE), volume)
        _build_all(plan)
        run("docker", "exec", NAME, "docker", "image", "prune", "-f")
        docker("exec", NAME, "systemctl", "stop", "docker.service", "docker.socket")
    except BaseException:
        fleet.remove(NAME)
        docker("volume", "rm", "-f", volume)
        raise
    fleet.remove(NAME)
    for old in former:
        if not works("docker", "volume", "rm", old):
            say(f"left the volume {old}: something uses it")


def _build_all(plan: dict[str, str]) -> None:
    there = labels(NAME)
    for reference in there.keys() - plan.keys():
        works("docker", "exec", NAME, "docker", "image", "rm", "-f", reference)
    if there.get("debian:trixie-slim") != plan["debian:trixie-slim"]:
        say("image debian:trixie-slim")
        change = f"LABEL {LABEL}={plan['debian:trixie-slim']}"
        words = ["docker", "import", "--change", 'CMD ["bash"]', "--change", change, "-"]
        docker("exec", "-i", NAME, *words, "debian:trixie-slim", feed=bases.rootfs(SUITE))
    for recipe in RECIPES:
        wanted = plan.get(recipe.reference)
        if wanted and there.get(recipe.reference) != wanted:
            _build(recipe, wanted)


def _build(recipe: Recipe, wanted: str) -> None:
    say(f"image {recipe.reference} ({recipe.kind})")
    words = ["--network", "host", "--label", f"{LABEL}={wanted}"]
    words += ["--build-arg", f"BASE={recipe.base}"]
    words += ["--build-arg", f"VERSION={recipe.reference.rpartition(':')[2]}"]
    words += ["--label", f"{DOUBLE}={'true' if recipe.kind == catalogue.DOUBLE else 'false'}"]
    tar = bases.context(catalogue.files(recipe), modes=_modes(recipe))
    build = ["env", "DOCKER_BUILDKIT=0", "docker", "build", "-q", *words]
    docker("exec", "-i", NAME, *build, "-t", recipe.reference, "-", feed=tar, seconds=900)


def _modes(recipe: Recipe) -> dict[str, int]:
    return {
        name: 0o755 if data.startswith(b"#!") else 0o644
        for name, data in catalogue.files(recipe).items()
    }


def labels(host: str) -> dict[str, str]:
    """Return by reference the lab's label of every image in the engine of *host*."""
    words = ["docker", "image", "ls", "-q", "--filter", f"label={LABEL}"]
    numbers = sorted(set(docker("exec", host, *words).split()))
    if not numbers:
        return {}
    told = json.loads(docker("exec", host, "docker", "image", "inspect", *numbers))
    return {
        tag.removesuffix(":latest"): image["Config"]["Labels"][LABEL]
        for image in told
        for tag in image["RepoTags"]
    }


def refresh(host: str) -> list[str]:
    """Build what has changed and bring it into the running *host*; return the references."""
    volume = golden()
    there, plan = labels(host), _plan()
    changed = [name for name, wanted in plan.items() if there.get(name) != wanted]
    if changed:
        fleet.start(fleet.Host(NAME, SUITE), volume)
        try:
            archive = cache() / "refresh.tar"
            words = f"docker save {' '.join(changed)}"
            run("sh", "-c", f"docker exec {NAME} {words} >{archive}")
            docker("exec", "-i", host, "docker", "load", "-q", feed=archive)
            archive.unlink()
        finally:
            fleet.remove(NAME)
    return changed


def listed() -> dict[str, str]:
    """Return by reference of what kind each image is."""
    return {recipe.reference: recipe.kind for recipe in RECIPES if recipe.made}
