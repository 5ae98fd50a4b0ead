# SPDX-License-Identifier: Apache-2.0
"""A clone in which the tools of the set-up are scripts that write down how they were called."""

import os
import stat
import sys
from pathlib import Path

import pytest

VENV = """\
#!{python} -IS
import os, sys
from pathlib import Path
venv = Path(sys.argv[-1])
with open({calls!r}, "a") as log:
    print("venv", file=log)
if os.environ.get("FAKE_VENV"):
    sys.exit(os.environ["FAKE_VENV"])
(venv / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
(venv / "bin").mkdir()
for name, text in {tools!r}.items():
    (venv / "bin" / name).write_text(text)
    (venv / "bin" / name).chmod(0o755)
"""
PIP = """\
#!{python} -IS
import os, sys
words = sys.argv[1:]
with open({calls!r}, "a") as log:
    print("pip", *(["config"] if "config" in words else ["install"]), file=log)
if "config" in words:
    print(os.environ.get("FAKE_PIP_CONFIG", ""))
elif os.environ.get("FAKE_PIP"):
    sys.exit(os.environ["FAKE_PIP"])
"""
UV = """\
#!{python} -IS
import json, os, sys, time
with open({calls!r}, "a") as log:
    print("uv", os.path.basename(sys.argv[-1]), file=log)
with open({calls!r} + ".uv", "w") as record:
    json.dump([sys.argv[1:], dict(os.environ)], record)
time.sleep(float(os.environ.get("FAKE_UV_SECONDS", 0)))
if os.environ.get("FAKE_UV"):
    sys.exit(os.environ["FAKE_UV"])
"""


class FakeClone:
    """The clone, the Python that makes its environment, and what was called."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "a clone"
        self.calls_file = folder / "calls"
        (self.path / "requirements").mkdir(parents=True)
        for level in ("bootstrap", "deploy", "test", "lint"):
            (self.path / "requirements" / f"{level}.txt").write_text(f"{level}==1\n")
        words = {"python": sys.executable, "calls": str(self.calls_file)}
        tools = {"python": PIP.format(**words), "uv": UV.format(**words)}
        self.base = self.script(folder / "base", VENV.format(**words, tools=tools))

    @staticmethod
    def script(path: Path, text: str) -> Path:
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def calls(self) -> list[str]:
        """Return what was called since the last time."""
        found = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return found


@pytest.fixture
def clone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    return FakeClone(tmp_path)
