# SPDX-License-Identifier: Apache-2.0
"""`./beast` itself: what it finds, what it makes, and what it says when it cannot."""

import importlib.util
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
ECHO = '#!/bin/sh\nfor word; do printf "<%s>" "$word"; done\n'
# What `./beast` may use of the system, apart from a shell.
TOOLS = ("cat", "cksum", "readlink")

_spec = importlib.util.spec_from_file_location(
    "bootstrap_index", Path(__file__).with_name("bootstrap_index.py")
)
index = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(index)


class Clone:
    """A clone with the real `./beast` and lock files of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "requirements").mkdir(parents=True)
        (path / "beast_ops/door").mkdir(parents=True)
        shutil.copy(CLONE / "beast", path)
        shutil.copy(CLONE / "beast_ops/door/welcome.txt", path / "beast_ops/door")
        for level in ("deploy", "test", "lint"):
            self.lock(level, f"{level}==1\n")

    def lock(self, level: str, text: str) -> None:
        (self.path / "requirements" / f"{level}.txt").write_text(text)

    def pretend_ready(self, venv: Path | None = None) -> None:
        """Put an environment in place whose Python prints its words."""
        venv = venv or self.path / ".venv"
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        self.script(venv / "bin/python", ECHO)
        total = self.cksum((self.path / "requirements/deploy.txt").read_bytes())
        (venv / ".beast-ready").write_text(f"deploy\n{total}\n{venv}\n{sys.executable}\n\n")

    @staticmethod
    def cksum(content: bytes) -> str:
        return (
            subprocess.run([shutil.which("cksum")], input=content, capture_output=True, check=True)
            .stdout.decode()
            .strip()
        )

    @staticmethod
    def script(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def run(self, *words, shell=(), **settings):
        settings.setdefault("env", {"PATH": os.environ["PATH"], "HOME": "/nowhere"})
        return subprocess.run(
            [*shell, str(self.path / "beast"), *words], capture_output=True, text=True,
            timeout=120, check=False, stdin=subprocess.DEVNULL, **settings,
        )  # fmt: skip


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "a clone, with spaces")


@pytest.fixture
def bare(tmp_path):
    """Return a PATH with what every system has, and no Python."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))
    return tools


WORDS = ("ingest", "a b", "", "*", "$HOME", "-x", "--", "new\nline", "ü\U0001f600", "'\"\\")
CALL = "<-P><-m><beast_ops.cli>"


@pytest.mark.parametrize("shell", ["/bin/sh", "dash", "busybox", "bash"])
def test_the_same_words_arrive_whatever_the_shell(clone, shell, needs):
    if shell in ("dash", "busybox"):
        needs(shell)
    clone.pretend_ready()
    words = [shutil.which(shell), *(["ash"] if shell == "busybox" else [])]

    done = clone.run(*WORDS, shell=words)

    assert done.stdout == CALL + "".join(f"<{word}>" for word in WORDS)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_knows_where_it_is_through_links_and_from_anywhere(clone, tmp_path):
    clone.pretend_ready()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/one").symlink_to(clone.path / "beast")
    (tmp_path / "bin/two").symlink_to("one")
    environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    for argv, folder in (
        (["two", "x"], "/"),
        (["./one", "x"], tmp_path / "bin"),
        (["sh", "beast", "x"], clone.path),
    ):
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=20, check=False, cwd=folder, env=environ
        )

        assert done.stdout == f"{CALL}<x>", argv


def test_a_finished_environment_costs_next_to_nothing(clone):
    clone.pretend_ready()
    python = [str(clone.path / ".venv/bin/python"), "x"]
    door = [str(clone.path / "beast"), "x"]
    times = {"python": [], "door": []}
    for _ in range(15):
        for name, argv in (("python", python), ("door", door)):
            began = time.perf_counter()
            subprocess.run(argv, capture_output=True, check=True, timeout=20)
            times[name].append(time.perf_counter() - began)

    overhead = min(times["door"]) - min(times["python"])

    print({name: statistics.median(found) for name, found in times.items()})
    assert overhead < 0.030


def test_without_words_it_welcomes_at_once(clone, bare):
    done = clone.run(env={"PATH": str(bare)})

    assert done.stdout.startswith("AI Beast")
    assert done.returncode == 0
    assert not (clone.path / ".venv").exists()


def test_completion_never_starts_a_set_up(clone, bare):
    done = clone.run("--complete", "--", "x", env={"PATH": str(bare)})

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def moved(clone):
    clone.path = clone.path.rename(clone.path.with_name("elsewhere"))


def without_base(clone):
    stamp = clone.path / ".venv/.beast-ready"
    stamp.write_text(stamp.read_text().replace(sys.executable, "/nowhere/python3"))


def damaged(clone):
    (clone.path / ".venv/.beast-ready").write_text("deploy\n")


@pytest.mark.parametrize(
    "change",
    [
        moved,
        without_base,
        damaged,
        lambda clone: clone.lock("deploy", "deploy==2\n"),
        lambda clone: (clone.path / ".venv/bin/python").unlink(),
        lambda clone: (clone.path / ".venv/.beast-ready").unlink(),
    ],
)
def test_an_environment_that_no_longer_fits_is_not_used(clone, bare, change):
    clone.pretend_ready()
    change(clone)

    done = clone.run("x", env={"PATH": str(bare)})

    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr


def test_another_python_asked_for_is_not_ignored(clone, bare):
    clone.pretend_ready()

    done = clone.run("x", env={"PATH": str(bare), "BEAST_PYTHON": "/nowhere/python3"})

    assert done.returncode == 1
    assert done.stderr.startswith("beast: BEAST_PYTHON names /nowhere/python3, which is not")


@pytest.mark.parametrize(
    ("scripts", "parts"),
    [
        ({}, ["3.11 or newer is needed and was not found.", "python3 python3-venv"]),
        ({"python3": (3, "3.9")}, ["was not found (only 3.9)"]),
        ({"python3": (4, "3.12")}, ["Python 3.12 is here", "apt install python3.12-venv"]),
        ({"python3": (3, "3.9"), "python3.13": (4, "3.13")}, ["python3.13-venv"]),
        ({"python3": (127, "")}, ["was not found."]),
    ],
)
def test_a_missing_python_is_named_in_one_paragraph(clone, bare, scripts, parts):
    for name, (code, version) in scripts.items():
        clone.script(bare / name, f"#!/bin/sh\necho {version}\nexit {code}\n")

    done = clone.run("deploy", env={"PATH": str(bare)})

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr
    assert not (clone.path / ".venv").exists()


def test_the_cache_of_the_user_is_the_second_place(clone, tmp_path):
    crc, size = clone.cksum(os.fsencode(clone.path)).split()
    clone.pretend_ready(tmp_path / f"my cache/ai-beast/{crc}-{size}/venv")

    done = clone.run(
        "x", env={"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path / "my cache")}
    )

    assert done.stdout == f"{CALL}<x>"


@pytest.mark.needs("shellcheck")
def test_the_shell_script_is_clean():
    done = subprocess.run(
        [shutil.which("shellcheck"), "-s", "sh", str(CLONE / "beast")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == ""


# From here on everything is real but the packages: pip, venv, uv, an index over HTTP.

DOOR = "import sys, one\nprint(*sys.argv[1:], one.NAME, sys.flags.dont_write_bytecode)\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Return an index with uv and two small packages."""
    program = index.find_uv()
    if program is None:
        pytest.skip("needs a uv that pip installed")
    folder = tmp_path_factory.mktemp("wheels")
    index.pack_uv(folder, program)
    for name in ("one", "two"):
        index.pack_tiny(folder, name)
    serving = index.Index(folder)
    yield serving
    serving.close()


@pytest.fixture
def open_folder():
    """Return a folder every user may look into."""
    folder = Path(tempfile.mkdtemp(prefix="beast-bootstrap-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def real(open_folder, packages):
    """Return a clone that can really be set up, from the index alone."""
    clone = Clone(open_folder / "a clone")
    for name in ("__init__.py", "clock.py", "errors.py", "locks.py"):
        shutil.copy(CLONE / "beast_ops" / name, clone.path / "beast_ops")
    shutil.copytree(CLONE / "beast_ops/door", clone.path / "beast_ops/door", dirs_exist_ok=True)
    shutil.rmtree(clone.path / "beast_ops/door/__pycache__", ignore_errors=True)
    (clone.path / "beast_ops/cli.py").write_text(DOOR)
    wheels = {wheel.name.split("-")[0]: wheel for wheel in packages.folder.glob("*.whl")}
    clone.lock("bootstrap", index.locked(wheels["uv"]))
    clone.lock("deploy", index.locked(wheels["one"]))
    clone.lock("test", index.locked(wheels["one"]) + index.locked(wheels["two"]))
    home = open_folder / "my home"
    home.mkdir()
    clone.env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": packages.url,
        "PIP_RETRIES": "0",
    }
    return clone


def start(clone, *words, output=subprocess.PIPE):
    return subprocess.Popen(
        [str(clone.path / "beast"), *words], env=clone.env, stdin=subprocess.DEVNULL,
        stdout=output, stderr=output, text=True, start_new_session=True,
    )  # fmt: skip


def test_the_first_call_sets_up_and_the_second_does_not(real):
    first = real.run("hello", "you", env=real.env)
    second = real.run("hello", env={**real.env, "PIP_INDEX_URL": "http://127.0.0.1:1/"})

    assert first.stdout == "hello you one 0\n", first.stderr
    assert first.stderr.count("\n") == 3
    assert (second.stdout, second.stderr) == ("hello one 0\n", "")
    assert "hunter2" not in first.stderr + "".join(
        path.read_text(errors="replace")
        for path in (real.path / ".venv").glob("*")
        if path.is_file()
    )


def test_two_at_once_set_up_once(real):
    both = [start(real, "hello"), start(real, "hello")]

    done = [process.communicate(timeout=120) for process in both]

    assert [out for out, _err in done] == ["hello one 0\n"] * 2, done
    assert "".join(err for _out, err in done).count("making an environment") == 1


def test_killed_at_any_moment_it_is_repaired_by_the_next_call(real, seed, rounds):
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    for _ in range(rounds(4, 40)):
        process = start(real, "hello", output=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.1, 3.0))
        early = process.poll() is None
        # All of it, or the shell alone: then what it started goes on, and the next call waits.
        if early:
            (os.killpg if chance.random() < 0.7 else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
        print({"killed early": early, "ready": (real.path / ".venv/.beast-ready").exists()})
        if not early:
            shutil.rmtree(real.path / ".venv")

    done = real.run("hello", env=real.env)

    assert done.stdout == "hello one 0\n", done.stderr


def test_an_unreachable_index_is_a_paragraph_and_tried_again(real):
    refused = real.run(
        "x", env={**real.env, "PIP_INDEX_URL": "http://me:hunter2@127.0.0.1:1/simple"}
    )

    assert refused.returncode == 75, refused.stderr
    assert "the package index could not be reached" in refused.stderr
    assert "run the same command again" in refused.stderr
    assert "hunter2" not in refused.stderr
    assert not (real.path / ".venv/.beast-ready").exists()

    assert real.run("x", env=real.env).stdout == "x one 0\n"


def test_a_package_that_was_tampered_with_is_refused(real, packages):
    wheel = next(packages.folder.glob("two-*.whl"))
    real.lock("deploy", index.locked(wheel).replace(index.digest(wheel)[:8], "00000000"))

    done = real.run("x", env=real.env)

    assert done.returncode == 1, done.stderr
    assert "ash" in done.stderr
    assert not (real.path / ".venv/.beast-ready").exists()


@pytest.mark.needs("root")
def test_another_user_gets_a_place_of_their_own(real):
    home = Path(real.env["HOME"])
    shutil.chown(home, 65534, 65534)
    for folder in (real.path, *real.path.rglob("*")):
        folder.chmod(0o755 if folder.is_dir() or folder.name == "beast" else 0o644)
    before = sorted(real.path.rglob("*"))

    done = real.run("x", env=real.env, user=65534, group=65534, extra_groups=[])
    again = real.run("y", env=real.env, user=65534, group=65534, extra_groups=[])

    assert done.stdout == "x one 1\n", done.stderr
    assert (again.stdout, again.stderr) == ("y one 1\n", "")
    assert sorted(real.path.rglob("*")) == before
    assert list(home.glob(".cache/ai-beast/*/venv/.beast-ready"))


@pytest.mark.needs("index")
def test_the_real_lock_files_make_an_environment_that_answers(open_folder):
    target = open_folder / "the clone"
    shutil.copytree(
        CLONE,
        target,
        ignore=shutil.ignore_patterns(".git", ".venv", "out", "__pycache__", ".*_cache"),
    )
    environ = {**os.environ, "HOME": str(open_folder), "LANG": "C", "LC_ALL": "C"}
    environ.pop("BEAST_PYTHON", None)

    done = subprocess.run(
        [str(target / "beast"), "version"], capture_output=True, text=True, timeout=300,
        check=False, stdin=subprocess.DEVNULL, env=environ,
    )  # fmt: skip

    assert done.stdout.startswith("AI Beast "), done.stderr
    assert "ansible-core 2." in done.stdout
