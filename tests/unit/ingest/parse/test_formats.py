# SPDX-License-Identifier: Apache-2.0
"""The table of formats is a page of the documentation, too."""

from pathlib import Path

from beast_ops.ingest.parse.formats import FOREIGN, LEGACY, TABLE, suffix_of

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "formats.md").read_text()
ROWS = dict(line.split(" | ", 1) for line in PAGE.splitlines() if line.startswith("| `"))


def test_every_format_has_its_row_with_its_suffixes():
    for suffix, parser in TABLE.items():
        row = ROWS[f"| `{parser.type}`"]
        named = f"`{suffix}`" in row
        assert named or parser.type == "code", suffix
    assert {f"| `{parser.type}`" for parser in TABLE.values()} == set(ROWS)


def test_every_suffix_has_one_fate():
    last = {suffix_of(f"a{suffix}") for suffix in TABLE}

    assert not last & FOREIGN
    assert not last & set(LEGACY)
    assert not FOREIGN & set(LEGACY)
