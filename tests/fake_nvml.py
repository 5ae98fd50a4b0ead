# SPDX-License-Identifier: Apache-2.0
"""A library that stands where NVIDIA's would, made by the compiler of the machine.

fake = made(folder)                      # folder/libnvidia-ml.so.570.86.15
fake.says({"count": 1, "0.used": 8_000_000_000})
# with BEAST_NVML=fake.path in the environment, GPUs are read from it
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("fake_nvml.c")
VERSION = "570.86.15"


@dataclass(frozen=True, slots=True)
class Fake:
    """A library, and the file that says what it answers."""

    path: Path
    config: Path

    def says(self, answers: Mapping[str, object], processes: Mapping[int, str] | None = None):
        """Let it answer so from now on; *processes* are of device 0: `4711: "8000000000"`."""
        lines = [f"{name}={value}" for name, value in answers.items()]
        lines += [f"0.process={pid}:{size}" for pid, size in (processes or {}).items()]
        self.config.write_text("".join(f"{line}\n" for line in lines))


def made(folder: Path, *, version: str = VERSION, old: bool = False) -> Fake:
    """Make one in *folder*; *old* knows processes only as drivers before 2021 did."""
    folder.mkdir(parents=True, exist_ok=True)
    path, config = folder / f"libnvidia-ml.so.{version}", folder / "answers"
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))))
    argv = [
        compiler,
        "-shared",
        "-fPIC",
        "-O1",
        f'-DCONFIG="{config}"',
        *(["-DOLD"] if old else []),
    ]
    done = subprocess.run([*argv, "-o", path, SOURCE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = Fake(path, config)
    found.says({})
    return found
