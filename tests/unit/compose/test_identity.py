# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from beast_ops.card_parts import State
from beast_ops.cards import Services
from beast_ops.compose import identity
from beast_ops.compose.engine import Container
from beast_ops.errors import ConflictError
from beast_ops.place import Place
from beast_ops.testing import a_service

STATE = (State(how="sqlite", volume="a", set="a", file="a.db"),)


class Engine:
    """An engine with one container, and what names stand for."""

    def __init__(self, running, **names):
        self.running, self.names = running, names

    def containers(self, root):
        assert root == "/r"
        return [self.running]

    def image_id(self, reference):
        return self.names.get(reference)


def a_container(image="made", image_id="sha256:old"):
    return Container("id", "store", "0", "running", "", image, None, 0, 0, image_id)


def released(name="store", **said):
    store = a_service(name, **{"image": "made", "state": STATE, "volumes": ("a",), **said})
    return Services(project="p", runtime="compose", root="/r", data="/d", services=(store,))


def differing(engine, known=None):
    return list(identity.differing(engine.running, engine, known or {}))


def test_what_was_kept_is_read_again(tmp_path):
    identity.keep(tmp_path, released(), Engine(a_container(), made="sha256:old"))

    assert {"store": "sha256:old"} == identity.kept(tmp_path)


@pytest.mark.parametrize("text", [None, "no JSON"])
def test_a_release_without_a_list_says_nothing_of_images(text, tmp_path):
    if text:
        (tmp_path / identity.FILE).write_text(text)

    assert {} == identity.kept(tmp_path)


def test_an_image_is_what_its_name_says_or_not():
    same = {"store": "sha256:old"}

    assert [] == differing(Engine(a_container(), made="sha256:old"), same)
    assert ["runs old, and made is new now"] == differing(
        Engine(a_container(), made="sha256:new"), same
    )
    assert ["runs old, and nothing here is called made any more"] == differing(
        Engine(a_container()), same
    )
    assert ["runs new, and made was old when this was deployed"] == differing(
        Engine(a_container(image_id="sha256:new"), made="sha256:new"), same
    )


def test_without_a_list_only_the_names_of_today_count():
    assert [] == differing(Engine(a_container(image_id="sha256:new"), made="sha256:new"))


def test_a_moved_name_puts_no_other_image_on_data():
    with pytest.raises(ConflictError) as refused:
        identity.refuse_replaced(
            Place(Path("/r")), released(), Engine(a_container(), made="sha256:new")
        )

    assert "store" == refused.value.subject
    assert "Run: docker tag sha256:old made" == refused.value.hint


@pytest.mark.parametrize(
    ("services", "running", "now"),
    [
        (released(), a_container(), "sha256:old"),
        (released(), a_container("made:0"), "sha256:new"),
        (released(ours=True), a_container(), "sha256:new"),
        (released(state=()), a_container(), "sha256:new"),
        (released(name="other"), a_container(), "sha256:new"),
    ],
    ids=["the same", "an upgrade", "ours", "no data", "not there"],
)
def test_everything_else_may_get_the_image_its_name_says(services, running, now):
    identity.refuse_replaced(Place(Path("/r")), services, Engine(running, made=now))
