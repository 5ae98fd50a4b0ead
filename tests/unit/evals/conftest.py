# SPDX-License-Identifier: Apache-2.0
"""An installation whose API answers as the test wants; receipts are real."""

import pytest

from beast_ops import receipts
from beast_ops.cards import Health
from beast_ops.testing import Canned, a_service, an_installation, fake_service

QUESTIONS = """\
questions:
  - {question: "Who sleeps?", sources: cats.md}
  - {question: "Who barks?", sources: dogs.md, phrases: bark at night}
"""


def hit(path, text):
    source = f"file://host{path}"
    return {"score": 1.0, "source": source, "path": path, "text": text, "chunk": "1"}


CATS, DOGS = hit("/d/cats.md", "Cats sleep."), hit("/d/dogs.md", "Dogs bark at night.")


def answer(*hits, mode="lexical"):
    return {"query": "q", "collection": "docs", "hits": hits, "took_ms": 1.0, "mode": mode}


class Stack:
    """An installation whose API gives one answer to everything."""

    def __init__(self, fake, place, now):
        self.fake, self.place, self.now = fake, place, now
        self.ask_for()

    def ask_for(self, text=QUESTIONS, collection="docs"):
        path = self.place.root / "evals" / f"{collection}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def answers(self, *hits, **said):
        self.now[0] = Canned(answer(*hits, **said))

    def written(self):
        return list(receipts.read_all(self.place.receipts))


@pytest.fixture
def stack(tmp_path):
    now = [Canned(answer(CATS, DOGS))]
    with fake_service({"/search": lambda _: now[0]}) as fake:
        service = a_service("beast-api", fake.address, health=Health(deep="api"))
        place = an_installation(tmp_path / "root", service, secrets={"beast-api/token": "t"})
        yield Stack(fake, place, now)
