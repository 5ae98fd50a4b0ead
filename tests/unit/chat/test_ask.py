# SPDX-License-Identifier: Apache-2.0
"""The verb: an answer on the terminal, its sources below, and an end at any moment."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from beast_ops.door.asking import ask
from beast_ops.errors import MissingError, UnavailableError
from beast_ops.llm.testing import echo


@pytest.fixture
def place(installed):
    found, ollama = installed
    ollama.answer, ollama.broken, ollama.gap, ollama.given_up = echo, None, 0.0, 0
    return found


@pytest.fixture
def ollama(installed, place):
    assert place == installed[0]  # which is as good as new
    return installed[1]


def test_an_answer_is_printed_with_its_sources(place, capsys):
    ask(place, "How often do I rotate the keys?", "docs", json=False)

    assert "You asked something [1].\n\n[1] /docs/keys.md (Top)\n" == capsys.readouterr().out


def test_what_was_made_up_and_left_unsaid_is_told(place, ollama, capsys):
    ollama.answer = lambda _: ["So \x1b[2J", "it is [9]."]
    ask(place, "How often do I rotate the keys?", "docs", json=False)

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "The answer names no source.\n(Citations of nothing that were taken out: 1.)" in out


def test_pages_and_nothing_found(place, capsys):
    ask(place, "Do cats sleep?", "docs", json=False)
    ask(place, "zyzzyva", "docs", json=False)

    out = capsys.readouterr().out
    assert "[1] /docs/cats.pdf, page 7" in out
    assert "no passage was found" in out


def test_for_machines_it_is_one_document(place, capsys):
    ask(place, "How often do I rotate the keys?", "docs", json=True)

    found = json.loads(capsys.readouterr().out)
    assert "You asked something [1]." == found["answer"]
    assert ["keys.md"] == [each["title"] for each in found["sources"]]
    assert 13 == found["usage"]["total_tokens"]
    assert {"passages": 0, "characters": 0, "turns": 0} == found["left_out"]


def test_what_goes_wrong_is_ours(place, ollama, capsys):
    with pytest.raises(MissingError, match="no such collection") as caught:
        ask(place, "Keys?", "none", json=False)
    assert 1 == caught.value.paragraph().count(caught.value.hint)
    assert caught.value.hint
    ollama.broken = 2
    with pytest.raises(UnavailableError, match="unexpectedly stopped"):
        ask(place, "How often do I rotate the keys?", "docs", json=False)

    assert capsys.readouterr().out.endswith("You asked something\n")


def test_ctrl_c_ends_the_answer_and_the_models_work(place, ollama):
    ollama.answer, ollama.gap = lambda _: ["more "] * 5000, 0.02
    words = [sys.executable, "-m", "beast_ops.cli", "ask", "How often do I rotate the keys?"]
    running = subprocess.Popen(
        words,
        env={**os.environ, "BEAST_ROOT": str(place.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout.read(5) == "more "
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=20)

    assert 130 == running.returncode, err
    assert "interrupted. The model was told to stop." in err
    assert "Traceback" not in err
    deadline = time.monotonic() + 5
    while not ollama.given_up and time.monotonic() < deadline:
        time.sleep(0.02)
    assert 1 == ollama.given_up
