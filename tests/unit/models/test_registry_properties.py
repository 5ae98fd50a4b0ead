# SPDX-License-Identifier: Apache-2.0
"""Whatever is registered, removed, seeded and scanned in whatever order: a simple model agrees."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from beast_ops.models.entry import Entry, Size
from beast_ops.models.find import Wanted
from beast_ops.models.registry import Registry
from beast_ops.models.scan import scan
from tests.gguf_files import model

NAMES = ("a", "b", "c", "d")
FAMILIES, TAGS = ("llama", "qwen"), ("chat", "fast", "long context")
WORDS = ("alpha", "beta", "gamma")
GIGA = 10**9
names, families, words = map(some.sampled_from, (NAMES, FAMILIES, WORDS))


@some.composite
def entries(draw, fixed=None):
    giga = draw(some.none() | some.integers(1, 40))
    return Entry(
        id=fixed or draw(names),
        family=draw(families),
        tags=tuple(draw(some.sets(some.sampled_from(TAGS)))),
        description=" ".join(draw(some.sets(words))),
        rating=draw(some.none() | some.sampled_from([1.0, 3.0, 5.0])),
        sizes=() if giga is None else (Size(bytes=giga * GIGA),),
    )


class Shop(RuleBasedStateMachine):
    """A registry, and a dictionary of what should be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.folder = self.home / "models"
        self.folder.mkdir()
        self.registry = Registry(self.home / "registry.sqlite")
        self.model: dict[str, tuple[str, Entry]] = {}
        self.files: set[str] = set()
        self.seen: set[str] = set()
        self.seeds = 0

    def teardown(self) -> None:
        self.registry.__exit__()
        shutil.rmtree(self.home)

    @rule(found=some.lists(entries(), max_size=3))
    def register(self, found):
        self.registry.register(found)
        self.model |= {each.id: ("own", each) for each in found}

    @rule(found=some.lists(entries(), max_size=3, unique_by=lambda each: each.id))
    def seed(self, found):
        self.seeds += 1
        self.registry.seed(lambda: found, str(self.seeds))
        self.model = {name: each for name, each in self.model.items() if each[0] != "catalogue"}
        for each in found:
            if self.model.get(each.id, ("",))[0] != "own":
                self.model[each.id] = ("catalogue", each)
        self.seen &= {name for name in self.seen if name in self.model}

    @precondition(lambda self: self.model)
    @rule(data=some.data())
    def remove(self, data):
        name = data.draw(some.sampled_from(sorted(self.model)))
        self.registry.remove(name)
        del self.model[name]
        self.seen.discard(name)

    @rule()
    def again(self):
        self.registry.__exit__()
        self.registry = Registry(self.home / "registry.sqlite")

    @rule(name=names)
    def file_comes(self, name):
        (self.folder / f"{name}.gguf").write_bytes(model(name))
        self.files.add(name)

    @rule(name=names)
    def file_goes(self, name):
        (self.folder / f"{name}.gguf").unlink(missing_ok=True)
        self.files.discard(name)

    @rule()
    def scan(self):
        found = scan(self.registry, [], [self.folder])
        for name in self.files:
            if self.model.get(name, ("found",))[0] == "found":
                self.model[name] = ("found", self.registry.get(name))
        for name in [name for name, each in self.model.items() if each[0] == "found"]:
            if name not in self.files:
                del self.model[name]
        self.seen = set(self.files)

        assert self.files == {each.model for each in found.instances}

    @invariant()
    def all_are_there(self):
        assert [each for _, (_, each) in sorted(self.model.items())] == list(self.registry.all())

    @invariant()
    def instances_are_those_of_the_last_scan(self):
        assert self.seen == {each.model for each in self.registry.instances()}

    @rule(
        text=some.sampled_from(["", "alpha", "be", "alpha gam", "a"]),
        family=some.sampled_from(["", *FAMILIES]),
        tags=some.sets(some.sampled_from(TAGS), max_size=2),
        most=some.none() | some.integers(1, 40),
    )
    def search(self, text, family, tags, most):
        most_bytes = None if most is None else most * GIGA
        wanted = Wanted(text, family, tuple(tags), most_bytes, limit=100)
        found = self.registry.search(wanted)

        assert {
            name for name, (_, each) in self.model.items() if fits(each, wanted, text.split())
        } == {each.id for each in found}
        assert len(found) == len({each.id for each in found})


def fits(entry, wanted, sought):
    said = " ".join(
        [entry.id, entry.name, entry.family, *entry.tags, entry.description, entry.license]
    )
    said = f"{said} {entry.quantization}".casefold().replace("_", " ").replace("-", " ").split()
    return (
        all(any(each.startswith(word) for each in said) for word in sought)
        and wanted.family in ("", entry.family)
        and set(wanted.tags) <= set(entry.tags)
        and (wanted.most_bytes is None or (entry.least or 1 << 70) <= wanted.most_bytes)
    )


def test_the_registry_is_what_a_simple_model_is(rounds):
    Shop.TestCase.settings = settings(
        max_examples=rounds(8, 300),
        stateful_step_count=rounds(12, 40),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    Shop.TestCase().runTest()
