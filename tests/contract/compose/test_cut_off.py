# SPDX-License-Identifier: Apache-2.0
"""A container that loses its GPU, asked by the real Compose; only NVIDIA's tool is a double."""

import io
import json
import shutil
import subprocess
import tarfile
import uuid

import pytest
import yaml

from beast_ops.compose.gpu import RESERVED
from beast_ops.gpu.contained import cut_off
from beast_ops.testing import a_service, an_installation

pytestmark = pytest.mark.needs("docker", "cc")
# The words are those of NVIDIA's notice "Containers losing access to GPUs".
TOOL = """
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words) {
    if (!strstr(words[0], "nvidia-smi")) for (;;) pause();
    if (access("/lost", F_OK)) return puts("GPU 0: NVIDIA L40S (UUID: GPU-0)") < 0;
    puts("Failed to initialize NVML: Unknown Error");
    return 255;
}
"""
GIVEN = {"deploy": {"resources": {"reservations": {"devices": [RESERVED]}}}}


def docker(*words, **options):
    argv = [shutil.which("docker"), *words]
    done = subprocess.run(argv, capture_output=True, timeout=120, check=False, **options)
    assert 0 == done.returncode, done.stderr.decode()
    return done.stdout.decode()


def packed(folder):
    """Return an image as a tar file: one program, under both of its names."""
    (folder / "tool.c").write_text(TOOL)
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))))
    program = folder / "tool"
    done = subprocess.run(
        [compiler, "-static", "-o", program, folder / "tool.c"], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("the compiler has no static library")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in ("bin/nvidia-smi", "bin/serve"):
            tar.add(program, name)
    return content.getvalue()


@pytest.fixture
def place(tmp_path):
    """Return an installation whose one container runs, and was given a GPU when it was made."""
    name = f"beast-test-{uuid.uuid4().hex[:12]}"
    folder = tmp_path / "image"
    folder.mkdir()
    change = ("--change", 'CMD ["/bin/serve"]', "--change", "ENV PATH=/bin")
    docker("import", *change, "-", name, input=packed(folder))
    found = an_installation(tmp_path / "root", a_service("models", gpu=True, image=name))
    said = json.loads(found.services.read_text())
    found.services.write_text(json.dumps({**said, "runtime": "compose"}))
    plain = {"name": name, "services": {"models": {"image": name, "network_mode": "none"}}}
    (found.current / "compose.yml").write_text(yaml.safe_dump(plain))
    files = ("compose", "--project-directory", str(found.root), "--file")
    compose = (*files, str(found.current / "compose.yml"))
    try:
        docker(*compose, "up", "--detach")
        overlay = {"services": {"models": GIVEN}}
        (found.current / "compose.host.yml").write_text(yaml.safe_dump(overlay))
        yield found
    finally:
        docker(*compose, "down", "--timeout", "0")
        docker("image", "rm", "--force", name)


def test_a_container_is_asked_whether_it_has_its_gpu(place, tmp_path):
    assert [] == list(cut_off(place))

    lost = tmp_path / "lost"
    lost.touch()
    container = docker("ps", "--quiet", "--filter", f"ancestor={image(place)}").strip()
    docker("cp", str(lost), f"{container}:/lost")
    (found,) = cut_off(place)

    assert ("cut-off", "models") == (found.kind, found.subject)
    assert "Failed to initialize NVML: Unknown Error" in found.message
    docker("stop", "--time", "0", container)
    assert [] == list(cut_off(place))  # that it does not run is somebody else's to tell


def image(place):
    return yaml.safe_load((place.current / "compose.yml").read_text())["services"]["models"][
        "image"
    ]
