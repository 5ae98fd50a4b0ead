# SPDX-License-Identifier: Apache-2.0
"""How tests are shared out among processes."""

import os
import subprocess
import sys
from pathlib import Path

from beast_ops.door.checks import _pytest_words

TESTS = """\
import os
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(9))
def test_it(number):
    with Path(__file__).with_suffix(".txt").open("a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + chr(10))
"""


def test_a_file_stays_with_one_process(tmp_path):
    """Else each of them makes the stack of a file anew, and what builds on it fails."""
    room = tmp_path / "tests" / "unit"
    room.mkdir(parents=True)
    for name in "abcd":
        (room / f"test_{name}.py").write_text(TESTS)
    environ = {key: value for key, value in os.environ.items() if "PYTEST" not in key}
    argv = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-p", "no:cacheprovider"]

    subprocess.run([*argv, *_pytest_words(tmp_path, [])], cwd=tmp_path, env=environ, check=True)

    told = [path.read_text().split() for path in Path(room).glob("*.txt")]
    assert [9] * 4 == [len(each) for each in told]
    assert [1] * 4 == [len({*each}) for each in told]
    assert 2 == len({each[0] for each in told})
