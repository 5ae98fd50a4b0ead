# SPDX-License-Identifier: Apache-2.0
"""What every source file promises: its licence, its size, its words."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from beast_ops import errors

CLONE = Path(__file__).parents[2]
OURS = {name for name in vars(errors) if name.endswith("Error")}
MODULE_LINES = 300
FUNCTION_LINES = 30
APACHE, GPL = "Apache-2.0", "GPL-3.0-or-later"
WITH_HEAD = {".py", ".yml", ".yaml", ".toml", ".cfg", ".sh"}


def is_program(path, text):
    return path.suffix == "" and text.startswith("#!")


@pytest.fixture(scope="module")
def headed(sources):
    found = {
        path: text
        for path, text in sources.items()
        if path.suffix in WITH_HEAD or is_program(path, text) or path.name == "Dockerfile"
    }
    assert len(found) > 120
    return found


@pytest.fixture(scope="module")
def python(sources):
    found = {path: text for path, text in sources.items() if path.suffix == ".py"}
    assert len(found) > 100
    return found


@pytest.fixture(scope="module")
def modules(python):
    """Our own modules, without tests."""
    found = {path: text for path, text in python.items() if path.parts[0] != "tests"}
    assert len(found) > 60
    return found


def test_every_source_names_its_licence_and_the_right_one(headed):
    wrong = {}
    for path, text in headed.items():
        head = "\n".join(text.splitlines()[:3])
        found = re.search(r"SPDX-License-Identifier: (\S+)", head)
        ansible = path.suffix == ".py" and re.search(
            r"^\s*(from|import) ansible\b", text, re.MULTILINE
        )
        if not found or found[1] != (GPL if ansible else APACHE):
            wrong[str(path)] = found and found[1]

    assert {} == wrong


def test_both_licences_are_here():
    for name, words in {"LICENSE": "Apache License", f"LICENSES/{GPL}.txt": "GNU GENERAL"}.items():
        assert words in (CLONE / name).read_text(encoding="utf-8")


def test_modules_stay_small(modules):
    long = {str(path): len(text.splitlines()) for path, text in modules.items()}

    assert {} == {path: lines for path, lines in long.items() if lines > MODULE_LINES}


def functions(modules):
    for path, text in modules.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def length(node):
    """Return the lines of a function without its docstring, decorators and nested functions."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if not body:
        return 0
    inner = sum(
        child.end_lineno - child.lineno + 1
        for child in body
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    return body[-1].end_lineno - body[0].lineno + 1 - inner


def test_functions_stay_small(modules):
    found = {f"{path}:{node.name}": length(node) for path, node in functions(modules)}

    assert len(found) > 400
    assert {} == {name: lines for name, lines in found.items() if lines > FUNCTION_LINES}


def test_functions_take_few_words(modules):
    found = {}
    for path, node in functions(modules):
        taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        # The words of a verb are its options.
        verb = str(path) == "tasks.py" or str(path).endswith("_verbs.py")
        # Ruff, which asks for the reason, does not count what is not used: Invoke's context.
        used = [each for each in taken if each.arg not in ("self", "cls") and each.arg[0] != "_"]
        if len(used) > 5 and not verb:
            reason = re.search(r"noqa: PLR0913", modules[path].splitlines()[node.lineno - 1])
            if not reason:
                found[f"{path}:{node.name}"] = len(taken)

    assert {} == found


def test_what_a_public_function_raises_itself_its_docstring_names(modules):
    silent = []
    for path, node in functions(modules):
        docs = ast.get_docstring(node)
        if node.name.startswith("_") or path.parts[0] != "beast_ops" or docs is None:
            continue
        raised = {
            child.exc.func.id
            for child in ast.walk(node)
            if isinstance(child, ast.Raise)
            and isinstance(child.exc, ast.Call)
            and isinstance(child.exc.func, ast.Name)
            and child.exc.func.id in OURS
        }
        silent += [f"{path}:{node.name} raises {name}" for name in raised if name not in docs]

    assert not silent, "\n".join(silent)


def test_every_exception_from_a_rule_has_its_reason(python):
    bare = []
    for path, text in python.items():
        for number, line in enumerate(text.splitlines(), 1):
            excused = re.search(r"#\s*(noqa|type:\s*ignore)\b(?P<rest>[^#]*(#.*)?)", line)
            if excused and path != Path("tests/house/test_sources.py"):
                rest = excused["rest"]
                reason = re.search(r"[\w\]]\s+(-|#)\s*\S", rest)
                code = re.match(r":\s*[A-Z]+\d+|\[[a-z-]+", rest)
                if not reason or not code:
                    bare.append(f"{path}:{number}")

    assert not bare, "\n".join(bare)


def test_nothing_is_left_to_do(sources):
    words = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")

    assert [] == [str(path) for path, text in sources.items() if words.search(text)]


def _indexes():
    """Return the hosts this machine installs packages from, other than the public ones."""
    told = ""
    for argv in (
        [sys.executable, "-m", "pip", "config", "list"],
        ["apt-get", "indextargets", "--format", "$(SITE)"],
    ):
        try:
            told += subprocess.run(
                argv, capture_output=True, text=True, check=False, timeout=30
            ).stdout
        except OSError:
            continue
    hosts = {found.rpartition("@")[2] for found in re.findall(r"https?://([^/\s'\"]+)", told)}
    public = {"pypi.org", "files.pythonhosted.org"}
    public |= {host for host in hosts if host.endswith((".debian.org", ".ubuntu.com"))}
    return hosts - public - {"localhost", "127.0.0.1"}


def test_no_file_tells_where_it_was_made(sources):
    hosts = _indexes()
    strange = {host.partition(":")[0] for host in hosts} | hosts
    home = str(Path.home())
    places = {str(CLONE.parent), str(CLONE)} | ({home} if len(home) > len("/root") else set())
    places = {place for place in places if len(place) > len("/tmp")}

    told = [
        f"{path}: {word}"
        for path, text in sources.items()
        for word in (*strange, *(f"{place}/" for place in places))
        if word in text
    ]

    assert not told, "\n".join(told)


def test_lock_files_pin_every_package_with_a_hash_and_no_address(sources):
    locks = {p: t for p, t in sources.items() if p.match("requirements/*.txt")}

    assert len(locks) >= 4
    for path, text in locks.items():
        pinned = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==", text, re.MULTILINE)
        assert pinned, path
        assert len(pinned) <= text.count("--hash=sha256:"), path
        assert not re.search(
            r"^\s*(--(extra-)?index-url|--find-links|-f |-i )", text, re.MULTILINE
        ), path
        assert "://" not in re.sub(r"#.*", "", text), path
