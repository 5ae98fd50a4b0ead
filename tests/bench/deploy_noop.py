# SPDX-License-Identifier: Apache-2.0
"""A deploy with nothing to do: `python tests/bench/deploy_noop.py [REPEATS]`.

Ten services, twenty rendered files, all in place and running. Ours against pyinfra rendering
the same files, and against plain Ansible with one template task per file; whole processes,
in turn. Targets: at most twice pyinfra, at least five times faster than plain Ansible.
"""

import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[2]
SERVICES = 10
FILES = 20
PORT = 29_400
SECONDS = 300
TIMES_PYINFRA, TIMES_ANSIBLE = 2.0, 5.0


def main(repeats: int = 5) -> dict[str, Any]:
    """Return the medians and ratios of *repeats* runs in turn, after one that does the work."""
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        folder = Path(scratch)
        ours = _ours(folder)
        rendered = _rendered(folder / "root")
        ways = {
            "ours": ours,
            "pyinfra": _pyinfra(folder, rendered),
            "ansible": _ansible(folder, rendered),
        }
        try:
            for way in ways.values():
                way()
            took = {name: [] for name in ways}
            for _ in range(repeats):
                for name, way in ways.items():
                    took[name].append(_timed(way))
        finally:
            _run([sys.executable, "-m", "beast_ops.cli", "down"], folder / "clone", folder)
    return _figures(took, len(rendered))


def _figures(took: Mapping[str, Sequence[float]], files: int) -> dict[str, Any]:
    median = {name: statistics.median(times) for name, times in took.items()}
    times_pyinfra = median["ours"] / median["pyinfra"]
    times_ansible = median["ansible"] / median["ours"]
    return {
        "services": SERVICES,
        "files": files,
        "median_s": {name: round(value, 3) for name, value in median.items()},
        "min_s": {name: round(min(times), 3) for name, times in took.items()},
        "ours_per_pyinfra": round(times_pyinfra, 2),
        "ansible_per_ours": round(times_ansible, 2),
        "met": times_pyinfra <= TIMES_PYINFRA and times_ansible >= TIMES_ANSIBLE,
        "load": os.getloadavg(),
        "versions": {
            name: importlib.metadata.version(name) for name in ("ansible-core", "pydantic")
        },
        "python": sys.version.split()[0],
    }


def _timed(way: Callable[[], None]) -> float:
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def _run(argv: Sequence[str], cwd: Path, home: Path) -> str:
    """Run *argv* for the installation below *home*.

    Raises:
        SystemExit: If it fails; shows what it printed.
    """
    environ = {**os.environ, "BEAST_ROOT": str(home / "root"), "PYTHONPATH": str(cwd)}
    done = subprocess.run(
        argv, cwd=cwd, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise SystemExit(f"{argv}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _ours(folder: Path) -> Callable[[], None]:
    """Return our deploy, for a copy of the clone with services enough."""
    clone = folder / "clone"
    shutil.copytree(
        CLONE, clone, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "tests", "out")
    )
    core = ["ollama", "qdrant", "beast_worker", "beast_api"]
    more = [f"extra{number}" for number in range(SERVICES - len(core))]
    for number, role in enumerate(more):
        _role(clone / "roles" / role, role, PORT + number)
    sets = {
        "beast_services": json.dumps([*core, *more]),
        "qdrant_port": PORT + 100,
        "beast_api_port": PORT + 101,
    }
    words = [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]
    deploy = [sys.executable, "-m", "beast_ops.cli", "deploy"]
    _run([*deploy, *words], clone, folder)

    def again() -> None:
        assert "Nothing to do" in _run(deploy, clone, folder)

    return again


def _role(role: Path, name: str, port: int) -> None:
    """Write a service with as many configuration files as make twenty in all."""
    files = FILES - 5  # the contract, the runtime's file, and one each of three core services
    count = files // (SERVICES - 4) + (int(name[-1]) < files % (SERVICES - 4))
    card = {
        "name": name,
        "role": name,
        "port": port,
        "process": ["python", "-m", "beast_ops.scaffold.hello", name, str(port)],
        "config": {f"part{number}.json": {"number": number} for number in range(count)},
        "health": {"path": "/healthz"},
    }
    specs = {"argument_specs": {"main": {"short_description": "Says that it is there."}}}
    for path, content in {
        "vars/main.yml": {f"__{name}_card": card},
        "meta/argument_specs.yml": specs,
    }.items():
        target = role / path
        target.parent.mkdir(parents=True)
        target.write_text(json.dumps(content))


def _rendered(root: Path) -> dict[str, str]:
    """Return the files our deploy rendered, each a template of one variable for the peers."""
    current = (root / "current").resolve()
    paths = [current / "services.json", current / "supervisord.conf"]
    paths += sorted(path for path in (root / "config").glob("*/*/*") if path.is_file())
    texts = {f"{number:02d}-{path.name}": path.read_text() for number, path in enumerate(paths)}
    return {name: text.replace(str(root), "{{ beast_root }}") for name, text in texts.items()}


def _templates(folder: Path, rendered: Mapping[str, str]) -> Path:
    templates = folder / "templates"
    templates.mkdir(exist_ok=True)
    for name, text in rendered.items():
        (templates / f"{name}.j2").write_text(text)
    return templates


def _pyinfra(folder: Path, rendered: Mapping[str, str]) -> Callable[[], None]:
    """Return pyinfra, in its own environment, rendering the same files."""
    venv = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ai-beast-bench"
    program = venv / "pyinfra" / "bin" / "pyinfra"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", venv / "pyinfra"], check=True)
        pip = [
            program.with_name("pip"),
            "install",
            "-q",
            "-r",
            CLONE / "tests/bench/peers_deploy.txt",
        ]
        subprocess.run(pip, check=True, stdout=sys.stderr)
    templates = _templates(folder, rendered)
    (folder / "pyinfra-out").mkdir()
    script = folder / "render.py"
    lines = ["from pyinfra.operations import files"]
    lines += [
        f"files.template(name={name!r}, src={str(templates / name) + '.j2'!r},"
        f" dest={str(folder / 'pyinfra-out' / name)!r}, beast_root={str(folder / 'root')!r})"
        for name in rendered
    ]
    script.write_text("\n".join(lines))
    return lambda: (_run([str(program), "-y", "@local", str(script)], folder, folder), None)[1]


def _ansible(folder: Path, rendered: Mapping[str, str]) -> Callable[[], None]:
    """Return plain Ansible, one template task for each of the same files."""
    templates = _templates(folder, rendered)
    (folder / "ansible-out").mkdir()
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "beast_root": str(folder / "root"),
            "ansible_python_interpreter": sys.executable,
        },
        "tasks": [
            {
                "ansible.builtin.template": {
                    "src": f"{templates / name}.j2",
                    "dest": str(folder / "ansible-out" / name),
                    "mode": "0600",
                }
            }
            for name in rendered
        ],
    }
    playbook = folder / "plain.yml"
    playbook.write_text(json.dumps([play]))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    return lambda: (_run([program, str(playbook)], folder, folder), None)[1]


if __name__ == "__main__":
    figures = main(*map(int, sys.argv[1:2]))
    print(json.dumps(figures, indent=2))
