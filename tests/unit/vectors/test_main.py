# SPDX-License-Identifier: Apache-2.0
"""The vector process, run in this one until it would serve."""

import pytest

from beast_ops.vectors import __main__ as vectors


@pytest.mark.parametrize("name", ["BEAST_CONFIG", "BEAST_SECRETS", "BEAST_DATA"])
def test_a_variable_that_is_missing_is_told_in_one_line(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(vectors, "settle", lambda _: None)
    monkeypatch.setattr(vectors.signal, "signal", lambda *_: None)
    (tmp_path / "settings.json").write_text("{}")
    for key in ("api_key", "read_only_key"):
        (tmp_path / key).write_text(key)
    for each in ("BEAST_CONFIG", "BEAST_SECRETS", "BEAST_DATA"):
        monkeypatch.setenv(each, str(tmp_path))
    monkeypatch.delenv(name)

    assert 64 == vectors.main()
    told = capsys.readouterr().err
    assert name in told
    assert "Traceback" not in told
