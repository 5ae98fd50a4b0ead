# SPDX-License-Identifier: Apache-2.0
"""Base images and host images: Debian as it comes, from this machine's own mirror."""

import io
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from beast_ops.errors import CommandError

from . import engine, machine
from .shell import HERE, LABEL, cache, digest, docker, run, say

SUITES = ("trixie", "bookworm")
_UPDATE = "update-ca-certificates --fresh >/dev/null 2>&1 || true"


def settings(suite: str) -> dict[str, bytes]:
    """Return the files that lead a system of *suite* to packages, as this machine gets there."""
    files = {
        "etc/pip.conf": machine.pip_settings().encode(),
        "etc/uv/uv.toml": machine.uv_settings().encode(),
    }
    listed = machine.sources(suite)
    if listed:
        files["etc/apt/sources.list"] = b""
        files["etc/apt/sources.list.d/debian.sources"] = listed.encode()
    authorities = machine.certificates()
    for name, data in authorities.items():
        files[f"usr/local/share/ca-certificates/{name}"] = data
    return files


def rootfs(suite: str) -> Path:
    """Return the file system of *suite* as a tar file, made once."""
    files = settings(suite)
    key = digest([suite, "2", *(part for pair in files.items() for part in pair)])
    target = cache() / f"rootfs-{suite}-{key}.tar"
    if target.exists():
        return target
    say(f"make the file system of {suite}")
    with tempfile.TemporaryDirectory(dir=cache(), prefix="rootfs-") as text:
        root = Path(text) / "root"
        words = ["debootstrap", "--variant=minbase", "--include=ca-certificates"]
        run(*words, suite, str(root), *filter(None, [machine.mirror()]), seconds=900)
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        run("chroot", str(root), "sh", "-c", _UPDATE)
        for waste in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / waste, ignore_errors=True)
            (root / waste / "partial").mkdir(parents=True)
        unfinished = target.with_suffix(".new")
        run("tar", "-C", str(root), "-cf", str(unfinished), ".")
        unfinished.rename(target)
    for old in cache().glob(f"rootfs-{suite}-*.tar"):
        if old != target:
            old.unlink()
    return target


def base_image(suite: str) -> str:
    """Return the name of the base image of *suite* in this machine's engine."""
    name = f"beast-lab/debian:{suite}"
    path = rootfs(suite)
    if label(name) != path.stem:
        change = f"LABEL {LABEL}={path.stem}"
        docker("import", "--change", 'CMD ["bash"]', "--change", change, str(path), name)
    return name


def host_image(suite: str, *, prepared: bool) -> str:
    """Return the name of the image of a fresh host, bare or with Docker inside."""
    base = base_image(suite)
    bare = _build(f"host-{suite}", "bare", base, {})
    if not prepared:
        return bare
    files = {}
    if suite == "bookworm":
        files["docker-compose"] = engine.compose_plugin().read_bytes()
    return _build(f"prepared-{suite}", f"prepared-{suite}", bare, files)


def _build(name: str, recipe: str, base: str, files: dict[str, bytes]) -> str:
    image = f"beast-lab/{name}"
    text = (HERE / "hosts" / f"{recipe}.Dockerfile").read_bytes()
    nameservers = "".join(f"nameserver {address}\n" for address in machine.nameservers())
    parts = {"Dockerfile": text, "nameservers": nameservers.encode(), **files}
    key = digest([label(base), *(part for pair in parts.items() for part in pair)])
    if label(image) != key:
        say(f"build the image {image}")
        words = ["--network", "host", "--build-arg", f"BASE={base}", "--label", f"{LABEL}={key}"]
        docker("build", "-q", *words, "-t", image, "-", feed=context(parts), seconds=900)
    return image


def context(files: dict[str, bytes], modes: dict[str, int] | None = None) -> bytes:
    """Return *files* as the tar stream that a build takes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), (modes or {}).get(name, 0o644)
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def label(image: str) -> str:
    """Return the lab's label of an image in this machine's engine, or nothing without it."""
    form = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    try:
        return docker("image", "inspect", "--format", form, image).strip()
    except CommandError:
        return ""


def can_bootstrap() -> bool:
    """Return whether this user may make file systems."""
    return os.geteuid() == 0
