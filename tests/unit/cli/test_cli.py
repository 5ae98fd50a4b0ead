# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path
from textwrap import indent

import pytest
from invoke.exceptions import Exit

from beast_ops import cli
from beast_ops.door.verb import verb
from beast_ops.errors import BusyError

CLONE = Path(__file__).parents[3]


@verb("./beast greet you", joined="name", help={"name": "who", "json": "as JSON"})
def greet(_context, name, *, json=False):
    """Greet somebody."""
    if name == "nobody":
        raise BusyError("nobody is here", subject="greet", hint="Come back.")
    print('{"name": "x"}' if json else f"hello {name}")


@verb("./beast break-down", interrupted="Type it again.")
def break_down(_context, *, how="fault", verbose=False):  # noqa: ARG001 - an option is enough
    """Break in the way asked for."""
    if how == "fault":
        raise RuntimeError("a wheel came off")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "pipe":
        raise BrokenPipeError
    if how == "leave":
        raise Exit("leaving", 3)
    if how == "bye":
        raise Exit("bye", 0)
    return 9


@verb("./beast listing", iterable=["set_"])
def listing(_context, *, set_=(), deep=True, lines=3):
    """Print what it was given."""
    print(set_, deep, lines)


@verb("./beast version")
def version(_context):
    """Print the version."""
    print("1.2.3")


@pytest.fixture
def door(monkeypatch, capsys):
    """Return a function that says words to the door: its exit code, output and complaints."""
    module = types.ModuleType("tasks")
    for task in (greet, break_down, listing, version):
        setattr(module, task.__name__, task)
    monkeypatch.setitem(sys.modules, "tasks", module)
    monkeypatch.delenv("BEAST_DEBUG", raising=False)

    def say(*words):
        with pytest.raises(SystemExit) as left:
            cli.main(["beast", *words])
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return say


def test_words_become_a_call(door):
    assert door("greet", "you", "there") == (0, "hello you there\n", "")
    assert door("greet", "--", "--json") == (0, "hello --json\n", "")


def test_underscores_in_verbs_are_dashes(door):
    assert door("break_down", "--how", "code")[0] == 9
    assert door("break-down", "--how=code")[0] == 9


def test_options_arrive_with_their_types(door):
    expected = "['a=b', 'c=d'] False 7\n"

    assert door("listing", "--set", "a=b", "--set=c=d", "--no-deep", "--lines", "7")[1] == expected
    assert door("listing")[1] == "[] True 3\n"


def test_an_error_is_one_paragraph_with_its_exit_code(door):
    assert door("greet", "nobody") == (75, "", "beast: nobody is here (greet). Come back.\n")


def test_for_machines_the_error_is_json_too(door):
    code, out, err = door("greet", "nobody", "--json")

    assert code == 75
    assert json.loads(out)["error"]["message"] == "nobody is here"
    assert err == "beast: nobody is here (greet). Come back.\n"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("greed",), "no verb 'greed'. Did you mean: ./beast greet"),
        (("zzz",), "All verbs: ./beast --help"),
        (("greet",), "NAME is missing (greet). For example: ./beast greet you."),
        (("--colour", "greet", "x"), "no option --colour"),
        (("help", "zzz"), "no verb 'zzz'"),
        (("--print-completion-script", "tcsh"), "no completion for this shell (tcsh)"),
    ],
)
def test_wrong_usage_is_64_and_says_what_would_be_right(door, words, part):
    code, out, err = door(*words)

    assert (code, out) == (64, "")
    assert part in err
    assert err.count("\n") == 1


def test_wrong_usage_is_json_for_machines(door):
    code, out, _err = door("greet", "--json")

    assert code == 64
    assert json.loads(out)["error"]["kind"] == "UsageError"


def test_no_words_and_help_show_the_way(door):
    assert door()[1].startswith("AI Beast")
    for words in (("--help",), ("-h",), ("help",)):
        code, out, _err = door(*words)
        assert code == 0
        assert "  greet " in out


@pytest.mark.parametrize(
    "words", [("greet", "--help"), ("greet", "x", "-h"), ("--help", "greet"), ("help", "greet")]
)
def test_help_for_a_verb_never_runs_it(door, words):
    code, out, _err = door(*words)

    assert code == 0
    assert "hello" not in out
    assert "Usage: beast greet NAME… [options]" in out
    assert "./beast greet you" in out
    assert "who" in out


def test_the_list_of_invoke_is_there(door):
    assert "greet" in door("--list")[1]
    assert json.loads(door("--list", "--list-format", "json")[1])["tasks"]


def test_the_version_is_a_verb_and_an_option(door):
    assert door("--version") == door("version") == (0, "1.2.3\n", "")


def test_the_verbs_are_found_wherever_the_clone_is(door, monkeypatch):
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(CLONE)])

    assert door("version")[0] == 0
    assert sys.path[-1] == str(CLONE)


def test_a_signal_becomes_an_interrupt():
    with pytest.raises(KeyboardInterrupt) as caught:
        cli._interrupt(signal.SIGTERM, None)

    assert caught.value.args == (signal.SIGTERM,)


def test_completion_needs_no_verb(door):
    assert door("--complete", "--", "gr") == (0, "greet\n", "")
    assert "complete -o default" in door("--print-completion-script", "bash")[1]
    assert "--complete" in door("--print-completion-script=zsh")[1]


def test_an_interrupt_says_what_to_type(door):
    assert door("break-down", "--how", "interrupt") == (
        130,
        "",
        "beast: interrupted. Type it again.\n",
    )


def test_a_reader_that_went_away_is_no_error(door, monkeypatch):
    monkeypatch.setattr(cli.output, "abandon_stdout", lambda: None)

    assert door("break-down", "--how", "pipe") == (141, "", "")


def test_leaving_early_keeps_its_words_and_code(door):
    assert door("break-down", "--how", "leave") == (3, "", "beast: leaving\n")
    assert door("break-down", "--how", "bye") == (0, "bye\n", "")


def test_a_fault_of_ours_is_a_paragraph_too(door):
    code, out, err = door("break-down")

    assert (code, out) == (1, "")
    assert err.startswith("beast: RuntimeError: a wheel came off. This is a fault of AI Beast")
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [("-v",), ("--verbose",)])
def test_who_asks_for_more_gets_the_traceback(door, words):
    assert "Traceback" in door("greet", "nobody", *words)[2]


def test_a_debugger_gets_the_traceback_everywhere(door, monkeypatch):
    monkeypatch.setenv("BEAST_DEBUG", "1")

    assert "Traceback" in door("break-down")[2]
    assert "Traceback" in door("greet", "nobody")[2]


def test_the_core_option_for_debugging_does_the_same(door):
    assert "Traceback" in door("--debug", "greet", "nobody")[2]


def test_a_verbs_own_verbose_is_not_the_doors(door):
    assert "Traceback" not in door("break-down", "-v")[2]


@pytest.mark.usefixtures("door")
def test_the_door_can_be_used_without_leaving(capsys):
    cli.Door(binary="beast").run(["beast", "greet", "x"], exit=False)

    assert capsys.readouterr().out == "hello x\n"


def run(*words, code="", **environ):
    """Run the real program in a process of its own."""
    argv = [sys.executable, "-P", *(("-c", code) if code else ("-m", "beast_ops.cli")), *words]
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=60, check=False, cwd="/",
        env={"PATH": os.environ["PATH"], **environ},
    )  # fmt: skip


@pytest.mark.parametrize("locale", [{"LANG": "C"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_any_locale_will_do(locale):
    done = run("help", "search", **locale)

    assert done.returncode == 0
    assert done.stdout.startswith("Usage: beast search QUERY")
    assert done.stderr == ""


def test_version_goes_both_ways():
    assert run("--version").stdout == run("version").stdout
    assert json.loads(run("version", "--json").stdout)["python"]


def test_a_pipe_that_closes_is_quiet():
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-P", "-m", "beast_ops.cli", "--help"],
        stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False,
    )  # fmt: skip
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


LAST_WORDS = """
class Last:
    def __del__(self):
        print('waiting', flush=True)
        time.sleep(60)
Last()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("lost", ["", LAST_WORDS], ids=["heard", "lost where nothing is raised"])
def test_told_to_end_it_cleans_up_and_says_what_to_type(tmp_path, number, lost):
    (tmp_path / "tasks.py").write_text(
        "import time\n"
        "from beast_ops.door.verb import verb\n"
        "@verb('x')\n"
        "def wait(_context):\n"
        "    'Wait.'\n"
        "    try:\n"
        + indent(lost or "print('waiting', flush=True)\n", " " * 8)
        + "        time.sleep(60)\n"
        "    finally:\n"
        "        print('clean')\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from beast_ops.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "wait"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "waiting\n"

    process.send_signal(number)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (128 + number, "clean\n")
    assert err == "beast: interrupted. Run the same command again.\n"


def test_nohup_is_respected(monkeypatch):
    changed = []
    monkeypatch.setattr(signal, "getsignal", lambda _number: signal.SIG_IGN)
    monkeypatch.setattr(signal, "signal", lambda *words: changed.append(words))

    cli._heed_signals()

    assert changed == []


def test_what_lies_in_the_current_folder_is_not_imported(tmp_path):
    (tmp_path / "tasks.py").write_text("raise SystemExit('wrong tasks')")
    (tmp_path / "yaml.py").write_text("raise SystemExit('wrong yaml')")

    done = subprocess.run(
        [sys.executable, "-P", "-m", "beast_ops.cli", "version"],
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
