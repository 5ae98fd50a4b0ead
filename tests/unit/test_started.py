# SPDX-License-Identifier: Apache-2.0
"""Commands within bounds: what they get, what is kept of them, and that they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beast_ops import started
from beast_ops.runner import Bounds, start

SLEEP = "import time; print('begun', flush=True); time.sleep(60)"


def python(text, *words):
    return sys.executable, [sys.executable, "-c", text, *words]


def bounds(cwd, **more):
    return Bounds(**{"cwd": cwd, "seconds": 20.0, "most": 10_000, **more})


def gone(pid):
    """Return whether *pid* has ended, giving it a moment."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_words_reach_it_as_they_are_and_its_environment_is_empty(tmp_path):
    text = "import os, sys; print(sys.argv[1:], dict(os.environ), os.getcwd()); sys.exit(3)"
    words = ["a b", "$HOME", "*", ";", "\n", "ü"]

    ended = start(*python(text, *words), bounds(tmp_path))

    # Python itself sets this one where the locale is C.
    said = ended.output.replace("{'LC_CTYPE': 'C.UTF-8'}", "{}")
    assert (3, f"{words!r} {{}} {tmp_path}\n") == (ended.code, said)


def test_both_outputs_are_kept_and_no_more_than_is_wanted(tmp_path):
    text = "import os; os.write(2, b'e'); os.write(1, b'x' * 300000)"

    ended = start(*python(text), bounds(tmp_path, most=100))

    assert (0, "e" + 99 * "x", True) == (ended.code, ended.output, ended.cut)


def test_what_takes_too_long_is_ended_with_all_it_started(tmp_path):
    text = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}])\n"
        "print(child.pid, flush=True)\ntime.sleep(60)"
    )
    began = time.monotonic()

    ended = start(*python(text), bounds(tmp_path, seconds=1.0))

    assert ended.code is None
    assert 20 > time.monotonic() - began
    assert gone(int(next(row for row in ended.output.split() if row.isdigit())))


def test_a_child_that_holds_the_output_holds_up_nobody(tmp_path):
    text = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"
    began = time.monotonic()

    assert 0 == start(*python(text), bounds(tmp_path)).code
    assert 10 > time.monotonic() - began


def test_one_that_closes_its_output_is_waited_for(tmp_path):
    text = "import os, time; os.close(1); os.close(2); time.sleep(0.5); os._exit(4)"

    assert 4 == start(*python(text), bounds(tmp_path)).code


def test_whoever_may_not_go_on_ends_it(tmp_path):
    seen = []

    def check():
        seen.append(1)
        if len(seen) > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(*python(SLEEP), bounds(tmp_path, check=check))


def test_what_cannot_be_run_says_so(tmp_path):
    (tmp_path / "x").write_text("no program")

    ended = start(str(tmp_path / "x"), ["x"], bounds(tmp_path))

    assert (126, "cannot be run: Permission denied\n") == (ended.code, ended.output)


@pytest.mark.skipif(sys.platform != "linux", reason="others have no such signal")
def test_it_ends_with_whoever_started_it(tmp_path):
    text = f"import os; print(os.getpid(), flush=True)\n{SLEEP}"
    starter = (
        "import sys; from pathlib import Path; from beast_ops.runner import Bounds, start\n"
        f"start(sys.executable, [sys.executable, '-c', {text!r} .replace('print(os', "
        f'\'open("pid", "w").write(str(os.getpid())); print(os\')], '
        f"Bounds(Path({str(tmp_path)!r}), 60, 100))"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], cwd=Path(__file__).parents[2])
    for _ in range(200):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())

    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    assert gone(pid)


def test_it_becomes_the_program_or_ends_without_it(monkeypatch, capsys):
    """What the tests above see from outside, in this process."""
    became, ended, asked = [], [], []

    class Library:
        def prctl(self, *words):
            asked.append(words[:2])

    def become(program, argv, environ):
        became.append((program, argv, environ))
        if program == "gone":
            raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("ctypes.CDLL", lambda _: Library())
    monkeypatch.setattr(started.os, "execve", become)
    monkeypatch.setattr(started.os, "_exit", ended.append)
    monkeypatch.setattr(started.resource, "setrlimit", lambda *_: None)

    started.main([str(os.getppid()), "/bin/true", "true", "x"])
    assert ([("/bin/true", ["true", "x"], {})], []) == (became, ended)
    started.main([str(os.getppid()), "gone", "gone"])
    assert [started.CANNOT] == ended
    assert "cannot be run: No such file" in capsys.readouterr().err
    started.main(["1" if os.getppid() != 1 else "2", "/bin/true", "true"])
    assert [started.CANNOT] * 2 == ended
    if sys.platform == "linux":
        assert {(started.PR_SET_PDEATHSIG, signal.SIGKILL)} == {*asked}
