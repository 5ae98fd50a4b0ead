# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.door import checks, developers
from beast_ops.scaffold import service


@pytest.mark.parametrize(("port", "handed_on"), [(0, None), (8111, 8111)])
def test_a_new_service_tells_what_to_do_next(monkeypatch, capsys, port, handed_on):
    asked = []

    def write(*words):
        asked.append(words)
        return ["one", "two"]

    monkeypatch.setattr(service, "write", write)

    developers.new_service("demo", port)

    assert asked == [(developers.CLONE, "demo", handed_on)]
    assert capsys.readouterr().out == "one\ntwo\n"


def test_the_tools_run_on_this_clone(monkeypatch):
    for name in ("test", "lint", "bench"):
        monkeypatch.setattr(checks, name, lambda *words, **more: (words, more))

    assert developers.test(["-x"], long=True) == ((developers.CLONE, ["-x"]), {"long": True})
    assert developers.lint(["ruff"]) == ((developers.CLONE, ["ruff"]), {})
    assert developers.bench([]) == ((developers.CLONE, []), {})
