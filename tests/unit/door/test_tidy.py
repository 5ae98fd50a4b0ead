# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest

from beast_ops.door import tidy


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.py", b"x = 1\n", []),
        ("a.py", b"", []),
        ("a.py", b"x \ny\t\nz\r\n", [1, 2, 3]),
        ("a.py", b"x", [1]),
        ("a.py", b"x\n\n", [2]),
        ("a.py", b"<<<<<<< HEAD\nx\n>>>>>>> other\n", [1, 3]),
        ("a.bin", b"x \0 ", []),
        ("a.yml", b"a: [1\n", [2]),
        ("a.yml", b"a: 1\n---\nb: !vault x\n", []),
        ("a.yaml", b"\xef\xbf\xbe\n", [1]),
        ("a.txt", b"a: [1\n", []),
        ("big.txt", b"x\n" * 300_000, [1]),
        ("a.min.js", b"x", []),
        ("a.min.js", b"x" * 600_000, [1]),
    ],
)
def test_each_complaint_names_its_line(name, content, expected):
    found = [int(each.split(":")[1]) for each in tidy.complaints(name, content)]

    assert expected == found


def test_what_git_ignores_is_left_alone(tmp_path, needs):
    needs("git")
    for words in (["init", "-q"], ["config", "core.excludesFile", "/dev/null"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, timeout=20)  # noqa: S607 - whichever git there is
    for name in ("a.py", "b.log", ".gitignore"):
        (tmp_path / name).write_text("*.log\n")
    (tmp_path / "link").symlink_to("a.py")

    assert tidy.files(tmp_path) == [tmp_path / ".gitignore", tmp_path / "a.py"]


def test_without_git_everything_but_our_own_output_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("a.py", "out/b", ".venv/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n")

    assert tidy.files(tmp_path) == [tmp_path / "a.py"]


def test_all_files_or_those_named_are_judged(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nowhere")
    (tmp_path / "good").write_text("x\n")
    (tmp_path / "bad").write_text("x")

    assert tidy.main([], tmp_path) == 1
    assert capsys.readouterr().out == "bad:1: no newline at the end\n"
    assert tidy.main([str(tmp_path / "good")], tmp_path) == 0
    assert tidy.main([str(tmp_path / "bad")], tmp_path / "elsewhere") == 1
