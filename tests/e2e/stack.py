# SPDX-License-Identifier: Apache-2.0
"""A running installation for tests: a clone, a home, a root, and `./beast` as its user types it.

    stack.must("deploy").out          # output of a verb that ends with 0
    stack.run("search", "").code      # how a verb ends
    stack.pids()                      # {"qdrant": 4711, …} as supervisord has them
    stack.processes()                 # every living process that belongs to it, by number

Nothing of the tester's environment reaches it but what leads to a package index.
"""

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HERE = Path(__file__).parents[2]
PORTS, BLOCK = range(30000, 31000), 200
SECONDS = 180
# What leads to a package index where the way is not straight.
INDEX = ("PIP_", "UV_", "SSL_CERT", "REQUESTS_CA")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
PROCESSES = ("qdrant", "beast-worker", "beast-api", "beast-agent", "beast-keeper")


@cache
def without_docker() -> str:
    """Return where programs are looked for: everything of the system but Docker."""
    plain = "/usr/bin:/bin"
    if shutil.which("docker", path=plain) is None:
        return plain
    folder = Path(tempfile.mkdtemp(prefix="beast-e2e-bin-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    for program in Path("/usr/bin").iterdir():
        if not program.name.startswith(("docker", "containerd", "runc")):
            (folder / program.name).symlink_to(program)
    return str(folder)


def system_python() -> str:
    """Return a Python that any user may run, or else the one behind this environment."""
    for python in ("/usr/bin/python3", os.path.realpath(sys.executable)):
        code = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
        with contextlib.suppress(OSError):
            if subprocess.run([python, "-I", "-c", code], check=False).returncode == 0:
                return python
    raise AssertionError("no Python of the system can make environments")


def index_settings() -> dict[str, str]:
    """Return what the tester's environment says of the way to a package index."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(INDEX) or name.lower() in PROXIES
    }


def copy_clone(target: Path) -> Path:
    """Copy to *target* what a clone of this repository would hold, changes included."""
    words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    argv = [shutil.which("git") or "/usr/bin/git", "-C", str(HERE), *words]
    listed = subprocess.run(argv, capture_output=True, check=False)
    if listed.returncode:  # no git, no repository: what was unpacked
        ignored = shutil.ignore_patterns(".git", ".venv", "out", "__pycache__", ".*_cache")
        return Path(shutil.copytree(HERE, target, ignore=ignored))
    for name in filter(None, listed.stdout.split(b"\0")):
        source = HERE / os.fsdecode(name)
        if source.is_file():
            copy = target / os.fsdecode(name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
    return target


@cache
def _block() -> tuple[socket.socket, range]:
    """Return some of the ports for this process alone, and the name it holds as long as it runs.

    A port that was found free is not taken yet: without this, tests that run at the same time
    would find the same ones.
    """
    holder = socket.socket(socket.AF_UNIX)
    for first in range(PORTS.start, PORTS.stop, BLOCK):
        with contextlib.suppress(OSError):
            holder.bind(f"\0beast-e2e-ports-{first}")  # of the kernel; ends with the process
            return holder, range(first, first + BLOCK)
    raise AssertionError("too many tests run at the same time")


_given: set[int] = set()


def free_port() -> int:
    """Return a port of loopback that nobody holds and no other test was given."""
    for port in _block()[1]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                if port not in _given:
                    probe.bind(("127.0.0.1", port))
                    _given.add(port)
                    return port
    raise AssertionError("no port is free")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str
    seconds: float = 0.0

    @property
    def json(self):
        """What it printed, which must be one JSON document and nothing else."""
        return json.loads(self.out)


@dataclass
class Installation:
    """One clone, one home and one root, and the user they belong to."""

    clone: Path
    home: Path
    root: Path
    uid: int | None = None
    settings: dict[str, object] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    said: list[Done] = field(default_factory=list)
    path: str = field(default_factory=without_docker)

    def __post_init__(self) -> None:
        ports = {"qdrant_port": free_port(), "beast_api_port": free_port()}
        # A backup that nobody asked for would hold the lease in the middle of a long test.
        quiet = {"beast_keeper_backup_enabled": False}
        self.settings = {**ports, **quiet, **self.settings}
        for folder in (self.home, self.tmp):
            folder.mkdir(parents=True, exist_ok=True)
            if self.uid is not None:
                os.chown(folder, self.uid, self.uid)

    @property
    def tmp(self) -> Path:
        return self.home.with_name(f"{self.home.name}.tmp")

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.settings['beast_api_port']}"

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of a verb."""
        return {
            "PATH": self.path,
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "BEAST_ROOT": str(self.root),
            **index_settings(),
            **self.extra,
        }

    def sets(self, **settings: object) -> list[str]:
        """Return the words that give this installation its own ports, and *settings*."""
        chosen = {**self.settings, **settings}
        return [word for name, value in chosen.items() for word in ("--set", f"{name}={value}")]

    def popen(self, *argv: str, **options) -> subprocess.Popen:
        """Start a command as the installation's user."""
        environ = {**self.environ, **options.pop("env", {})}
        who = {"user": self.uid, "group": self.uid, "extra_groups": []} if self.uid else {}
        plain = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            argv, env={k: v for k, v in environ.items() if v is not None}, text=True,
            errors="replace", **{"cwd": "/", **plain, **who, **options},
        )  # fmt: skip

    def start(self, *words: str, **options) -> subprocess.Popen:
        """Start a verb in a process group of its own."""
        options.setdefault("start_new_session", True)
        return self.popen(str(self.clone / "beast"), *words, **options)

    def finish(self, process: subprocess.Popen, seconds: float = SECONDS) -> Done:
        """Wait for a command to end."""
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            # What it started may still hold its output, but not for ever.
            raise AssertionError(f"still running after {seconds} s: {out}\n{err}") from None
        done = Done(process.returncode, out or "", err or "", time.monotonic() - began)
        self.said.append(done)
        return done

    def run(self, *words: str, seconds: float = SECONDS, **options) -> Done:
        """Run a verb to its end."""
        return self.finish(self.start(*words, **options), seconds)

    def must(self, *words: str, **options) -> Done:
        """Run a verb that has to succeed."""
        done = self.run(*words, **options)
        assert done.code == 0, (
            f"{words} ended with {done.code}: {done.out}\n{done.err}{self.logs()}"
        )
        return done

    def logs(self) -> str:
        """Return the last lines of every process, for whoever reads a failure."""
        paths = sorted(self.root.glob("logs/[a-z]*.log"))
        return "".join(f"\n{path.name}: {path.read_text()[-1500:]}" for path in paths)

    def deploy(self, *words: str, **settings: object) -> Done:
        """Deploy on this installation's own ports."""
        return self.must("deploy", *self.sets(**settings), *words)

    def ansible(self, *words: str, **options) -> Done:
        """Run ansible-playbook itself, from the clone, as a user of Ansible does."""
        venv = next(p for p in (self.clone / ".venv", *self.home.glob(".cache/ai-beast/*/venv"))
                    if p.exists())  # fmt: skip
        program = str(venv / "bin/ansible-playbook")
        options.setdefault("env", {"LANG": "C.UTF-8"})
        return self.finish(
            self.popen(program, *words, cwd=self.clone, start_new_session=True, **options)
        )

    def playbook(self, *words: str) -> Done:
        """Run the playbook of a deploy with Ansible's own words."""
        return self.ansible("-i", "inventory/local", "playbooks/site.yml", *words)

    # What it looks like from outside.

    def pids(self) -> dict[str, int]:
        """Return the processes that run, as the program tells them."""
        states = self.must("status", "--json").json["processes"]
        return {each["name"]: each["pid"] for each in states if each["state"] == "running"}

    def is_up(self) -> bool:
        """Return whether a deploy stands and all its processes run."""
        done = self.run("status", "--json")
        if done.code:
            return False
        return all(each["state"] == "running" for each in done.json["processes"])

    def processes(self) -> dict[int, str]:
        """Return every living process that speaks of this root, with its command."""
        return processes(self.root)

    def supervisord(self) -> int:
        """Return the number of the supervisord."""
        found = [pid for pid, line in self.processes().items() if "supervisor.supervisord" in line]
        assert len(found) == 1, self.processes()
        return found[0]

    def releases(self) -> list[str]:
        """Return the names of the releases, in order."""
        names = [path.name for path in (self.root / "releases").iterdir()]
        assert not [name for name in names if name.startswith(".")], names
        return sorted(names, key=lambda name: int(name.split("-")[0]))

    @property
    def release(self) -> str:
        """The name of the release in force."""
        return (self.root / "current").readlink().name

    def receipts(self) -> list[dict]:
        """Return all receipts, the oldest first."""
        return [json.loads(path.read_text()) for path in sorted((self.root / "receipts").iterdir())]

    def sockets(self) -> list[Path]:
        """Return the short folders in /tmp that name this root's supervisor."""
        import hashlib

        mark = hashlib.sha256(os.fsencode(os.path.realpath(self.root))).hexdigest()[:16]
        return list(Path("/tmp").glob(f"beast-*-{mark}"))

    def clear(self) -> None:
        """End everything and remove all that is left; nothing may have outlived `down`."""
        if self.root.exists():
            self.run("down")
        left = wait_until_gone(self.root)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for folder in (self.root, self.home, self.tmp):
            wipe(folder)
        _given.difference_update(self.settings.values())
        assert not left, f"still there after down: {left}"
        assert not self.sockets()


def wipe(folder: Path) -> None:
    """Remove a folder, whatever may or may not be written in it."""
    for below, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                (Path(below) / name).chmod(0o700, follow_symlinks=True)
    shutil.rmtree(folder, ignore_errors=True)


def processes(root: Path) -> dict[int, str]:
    """Return every living process whose words or environment speak of *root*."""
    mark, found = os.fsencode(str(root)), {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes()
            dead = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            if dead not in "ZX" and mark in line + b"\0" + (folder / "environ").read_bytes():
                found[int(folder.name)] = os.fsdecode(line.replace(b"\0", b" "))
    return found


@contextlib.contextmanager
def sweeper(folder: Path) -> Iterator[None]:
    """Remove *folder* in the end, and end what runs there, even if these tests are killed."""
    code = (
        "import sys; from pathlib import Path; from tests.e2e.stack import sweep;"
        "sys.stdin.read(); sweep(Path(sys.argv[1]))"
    )
    argv = [sys.executable, "-c", code, str(folder)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, cwd=HERE, start_new_session=True)
    try:
        yield
    finally:
        process.communicate(timeout=60)  # the end of its input, which our death is as well


def sweep(folder: Path) -> None:
    """End every process that speaks of *folder*, and remove it."""
    for _ in range(3):  # supervisord may be starting one
        for pid in processes(folder):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    wipe(folder)


def wait_until_gone(root: Path, seconds: float = 10) -> dict[int, str]:
    """Wait for all processes of *root* to end; return those that did not."""
    end = time.monotonic() + seconds
    while (left := processes(root)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def await_true(what, seconds: float = 30):
    """Wait until *what* returns something true, and return it."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"still {found!r} after {seconds} s"
        time.sleep(0.1)
    return found


CACHES = frozenset({"uv", "pip", "__pycache__"})


def listing(*folders: Path, without: Iterable[str] = CACHES) -> dict[str, tuple]:
    """Return everything below *folders* as it is: mode, owner, and size and time of files."""
    return dict(_listed(folders, frozenset(without)))


def _listed(folders: Iterable[Path], without: frozenset[str]) -> Iterator[tuple[str, tuple]]:
    for folder in folders:
        if not os.path.lexists(folder):
            continue
        yield str(folder), _seen(folder)
        for below, names, files in os.walk(folder):
            names[:] = [name for name in names if name not in without]
            for name in (*names, *files):
                path = Path(below) / name
                with contextlib.suppress(FileNotFoundError):
                    yield str(path), _seen(path)


def _seen(path: Path) -> tuple:
    found = path.lstat()
    who = (stat.filemode(found.st_mode), found.st_uid)
    return who if stat.S_ISDIR(found.st_mode) else (*who, found.st_size, found.st_mtime_ns)


def paragraph(done: Done) -> str:
    """Return the one paragraph an operator reads when a verb refused; assert that it is one."""
    lines = [line for line in done.err.splitlines() if line.strip()]
    assert len(lines) == 1, done.err
    assert lines[0].startswith("beast: "), done.err
    assert "Traceback" not in done.err + done.out
    return lines[0]
