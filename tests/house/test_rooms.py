# SPDX-License-Identifier: Apache-2.0
"""Arrows point down: who may import whom, and what must stay cheap to import."""

import ast
import json
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]

# A library, and all who may import it, each with the reason.
ONLY = {
    "httpx": {
        "beast_ops/http.py": "the only room that opens HTTP connections to our services",
        "beast_ops/web.py": "and the only one that opens them to strangers",
        "beast_ops/web_body.py": "and what reads their answers",
    },
    "httpcore": {"beast_ops/web.py": "it connects to the very address that was checked"},
    "qdrant_edge": {
        "beast_ops/vectors/edge.py": "the adapter of the engine",
        "beast_ops/ingest/sparse.py": "its BM25 encodes passages and queries alike",
        "beast_ops/testing.py": "its BM25 encodes the passages of a test",
    },
    "qdrant_client": {
        "beast_ops/ingest/store.py": "administration of collections",
        "beast_ops/search/store.py": "queries",
    },
    "sqlite3": {
        "beast_ops/access/outlast.py": "changes rows in databases of any revision, and keeps that",
        "beast_ops/backup/strategies/sqlite.py": "copies the databases of others",
        "beast_ops/database/connect.py": "the only room that opens databases",
        "beast_ops/database/failures.py": "translates what it raises",
        "beast_ops/database/look.py": "a look at what costs no more than this",
        "beast_ops/database/migrate.py": "asks for the revision before anything is loaded",
        "beast_ops/database/pool.py": "transactions are begun and ended on it",
        "beast_ops/health/probe.py": "looks by itself, with nothing but Python",
        "beast_ops/llm/throwaway.py": "thrown away when damaged: it knows what failed",
    },
    "redis": {
        "beast_ops/valkey.py": "the only room that connects with Valkey",
        "beast_ops/jobs/bell.py": "knows what it raises",
        "beast_ops/events/stream.py": "likewise, and reads a stream",
    },
    "rq": {"beast_ops/jobs/bell.py": "wakes workers by it"},
    "alembic": {
        "beast_ops/database/migrate.py": "runs the migrations of every database",
        "beast_ops/access/migrations/versions/v0001_first.py": "a migration",
        "beast_ops/access/migrations/versions/v0002_model_rules.py": "likewise",
        "beast_ops/access/migrations/versions/v0003_revoked.py": "likewise",
        "beast_ops/events/migrations/versions/v0001_first.py": "likewise",
        "beast_ops/ingest/migrations/versions/v0001_first.py": "likewise",
        "beast_ops/ingest/migrations/versions/v0002_members.py": "likewise",
        "beast_ops/jobs/migrations/versions/v0001_first.py": "likewise",
        "beast_ops/jobs/migrations/versions/v_due_and_log.py": "likewise",
        "beast_ops/jobs/migrations/versions/v_rank.py": "likewise",
        "beast_ops/models/migrations/versions/v0001_first.py": "likewise",
        "beast_ops/notebooks/migrations/versions/v0001_first.py": "likewise",
    },
    "subprocess": {
        "beast_ops/runner.py": "the room that runs programs",
        "beast_ops/backup/aside_processes.py": "children that end with what they are for",
        "beast_ops/backup/pipes.py": "archives go through age and restic as streams",
        "beast_ops/deploy/playbook.py": "a playbook tells its progress while it runs",
        "beast_ops/door/checks.py": "tests and checks own the terminal",
        "beast_ops/door/environment.py": "packages are installed while their output is shown",
        "beast_ops/door/setup.py": "sets up before anything of ours is installed",
        "beast_ops/door/tidy.py": "asks git, before anything of ours is installed",
        "beast_ops/gpu/child.py": "one that hangs in the kernel is not waited for",
        "beast_ops/ingest/pool_reader.py": "a reader of documents is fed through pipes",
        "beast_ops/keeper/child.py": "what it prints is shown, and it ends with who runs it",
        "beast_ops/preflight/outside.py": "runs on hosts where nothing of ours is installed",
        "beast_ops/release/environment.py": "likewise",
        "beast_ops/runtime/identity.py": "asks ps where there is no /proc",
        "beast_ops/runtime/launch.py": "a supervisord that outlives us",
        "beast_ops/vectors/testing.py": "starts the process that is tested",
    },
    "ansible": {
        "roles/host/action_plugins/beast_preflight.py": "a plug-in of Ansible",
        "roles/project/action_plugins/beast_release.py": "a plug-in of Ansible",
        "roles/project/callback_plugins/beast_progress.py": "likewise",
    },
}
# The door stands on top: what it shares with those below is imported with a reason.
ABOVE = {"door", "cli", "deploy"}
MAY_LOOK_UP = {
    ("release/environment.py", "door"): "pip's settings are read alike at set-up and on a host",
    ("compose/image.py", "door"): "likewise, when our image is built",
    ("compose/index.py", "door"): "likewise, when our image is built",
    ("cli.py", "door"): "the program is the door",
    ("keeper/verb.py", "cli"): "a verb in a process of its own, which ends with the keeper",
}
GROUND = (
    "clock",
    "errors",
    "files",
    "place",
    "settings",
    "cards",
    "card_parts",
    "runner",
    "http",
    "keys",
    "secret_files",
    "locks",
)
HEAVY = {
    *("ansible", "qdrant_client", "qdrant_edge", "fastapi", "uvicorn", "docker", "rich", "yaml"),
    *("pypdfium2", "docx", "lxml", "selectolax", "cryptography", "httpx", "pydantic", "numpy"),
    *("sqlalchemy", "alembic", "invoke", "redis", "rq"),
}
CHEAP = {
    "beast_ops": HEAVY,
    "beast_ops.errors": HEAVY,
    "beast_ops.clock": HEAVY,
    "beast_ops.place": HEAVY,
    "beast_ops.lease": HEAVY,
    "beast_ops.keys": HEAVY,
    "beast_ops.knowledge": HEAVY,
    "beast_ops.locks": HEAVY,
    "beast_ops.files": HEAVY,
    "beast_ops.runner": HEAVY,
    "beast_ops.database": HEAVY,
    "beast_ops.database.look": HEAVY,
    "beast_ops.health.deep": {"sqlalchemy", "alembic", "qdrant_client", "docker", "fastapi"},
    "beast_ops.declared": HEAVY,
    "beast_ops.preflight": HEAVY,
    "beast_ops.settings": HEAVY - {"pydantic"},
    "beast_ops.cards": HEAVY - {"pydantic"},
    "beast_ops.receipts": HEAVY - {"pydantic"},
    "beast_ops.release.land": HEAVY - {"pydantic"},
    "beast_ops.deploy": HEAVY,
    "beast_ops.http": HEAVY - {"httpx", "rich"},  # httpx brings it
    "beast_ops.cli": HEAVY - {"invoke", "yaml"},  # invoke brings it
    "tasks": HEAVY - {"invoke", "yaml"},
}


def modules():
    plugins = CLONE.glob("roles/*/*_plugins/*.py")
    return sorted([*(CLONE / "beast_ops").rglob("*.py"), *plugins, CLONE / "tasks.py"])


def imported(path, *, top=False):
    """Yield the full name of everything *path* imports; with *top*, only when it is imported."""
    package = path.relative_to(CLONE).with_suffix("").parts[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


MODULES = modules()
IMPORTS = {str(path.relative_to(CLONE)): set(imported(path)) for path in MODULES}


def importers(library):
    return {
        path
        for path, names in IMPORTS.items()
        if any(name == library or name.startswith(f"{library}.") for name in names)
    }


def test_there_are_modules_to_guard():
    assert len(MODULES) > 80


@pytest.mark.parametrize("library", ONLY)
def test_a_library_has_its_rooms_and_no_others(library):
    assert ONLY[library].keys() == importers(library)
    assert all(ONLY[library].values())


def test_the_library_knows_no_roles_and_no_tests():
    strangers = {
        (path, name)
        for path, names in IMPORTS.items()
        for name in names
        if path.startswith("beast_ops/") and name.partition(".")[0] in {"roles", "tests", "tasks"}
    }

    assert set() == {pair for pair in strangers if pair[0] != "beast_ops/cli.py"}


def test_no_service_of_a_role_is_known_to_the_library():
    """Strategies, not services: what a card says decides, never its name."""
    names = {"qdrant", "ollama", "beast-api", "beast-worker", "beast_api", "beast_worker"}
    rooms = ("release", "deploy", "runtime", "health", "scaffold")
    ground = {f"{name}.py" for name in (*GROUND, "lease", "receipts", "declared")}
    found = [
        f"{path.relative_to(CLONE)}: {node.value}"
        for path in MODULES
        if path.parts[len(CLONE.parts)] == "beast_ops"
        and path.parts[len(CLONE.parts) + 1] in {*rooms, *ground}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    ]

    assert [] == found


def test_who_stands_below_the_door_does_not_look_up():
    looks = {
        (path.removeprefix("beast_ops/"), name.split(".")[1])
        for path, names in IMPORTS.items()
        for name in names
        if path.startswith("beast_ops/") and name.startswith("beast_ops.")
        if name.split(".")[1] in ABOVE and path.split("/")[1].removesuffix(".py") not in ABOVE
    }

    assert looks <= MAY_LOOK_UP.keys()


@pytest.mark.parametrize("room", GROUND)
def test_the_ground_stands_on_ground_alone(room):
    names = IMPORTS[f"beast_ops/{room}.py"]
    rooms = {name.split(".")[1] for name in names if name.startswith("beast_ops.")}

    assert rooms <= set(GROUND)


def test_no_module_imports_itself_in_a_circle():
    known = {
        ".".join(path.relative_to(CLONE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in MODULES
        if path.is_relative_to(CLONE / "beast_ops")
    }
    graph = {}
    for name, path in known.items():
        needed = set()
        for target in imported(path, top=True):
            found = target if target in known else target.rpartition(".")[0]
            if found in known and found not in (name, name.rpartition(".")[0]):
                needed.add(found)
        graph[name] = needed
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


@pytest.fixture(scope="module")
def loaded():
    """What each cheap module brings along, asked of a fresh interpreter each."""
    script = (
        "import sys, json, importlib; importlib.import_module(sys.argv[1]); "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    running = {
        name: subprocess.Popen(
            [sys.executable, "-c", script, name], cwd=CLONE, stdout=subprocess.PIPE, text=True
        )
        for name in CHEAP
    }
    return {
        name: set(json.loads(each.communicate(timeout=60)[0])) for name, each in running.items()
    }


@pytest.mark.parametrize("name", CHEAP)
def test_what_is_cheap_to_import_stays_cheap(name, loaded):
    assert set() == loaded[name] & CHEAP[name]


def test_the_list_of_heavy_things_is_of_things_that_exist():
    from importlib.util import find_spec

    assert {"ansible", "pydantic", "httpx", "yaml"} <= {name for name in HEAVY if find_spec(name)}
