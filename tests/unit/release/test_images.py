# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.cards import read_card
from beast_ops.errors import UsageError
from beast_ops.release import build as building
from beast_ops.release.images import Wish, compared, pinned, refuse_others, running
from beast_ops.release.observe import Observed

SITE = building.Site("p", "compose", "/r", "1", "venv", {})


def card(version="1.0", name="store", how="volume"):
    return read_card(
        {
            "name": name,
            "role": name,
            "image": f"example/{name}:{version}",
            "user": "1000:1000",
            "volumes": {name: "/data"},
            "state": [{"how": how, "volume": name, "set": name}],
            "ladder": ["1.5"],
        }
    )


def release(*cards):
    return building.build(cards, SITE)


def seen(*cards):
    services = json.dumps(release(*cards).services.model_dump(mode="json"))
    return Observed(release="1-a", content="a", files={"services.json": services})


def test_a_deploy_puts_no_other_image_on_data():
    with pytest.raises(UsageError, match="keeps data") as refused:
        refuse_others(release(card("2.0")), seen(card("1.0")), Wish())

    assert "./beast upgrade --service store" in refused.value.hint


def test_an_upgrade_puts_the_image_there_that_it_names():
    refuse_others(release(card("2.0")), seen(card("1.0")), Wish(images={"store": "x"}, step="s"))
    refuse_others(release(card("2.0")), seen(card("1.0")), Wish(look=True))


def test_models_are_no_data_that_a_migration_changes():
    before, after = card("1.0", how="models"), card("2.0", how="models")

    refuse_others(release(after), seen(before), Wish())
    assert {} == compared([after], release(after), seen(before))


def test_where_nothing_runs_every_image_is_the_first():
    refuse_others(release(card("2.0")), Observed(), Wish())
    assert {} == running(Observed())


def test_while_one_is_upgraded_others_with_data_keep_their_image():
    cards = [card("2.0"), card("2.0", name="other")]
    before = seen(card("1.0"), card("1.0", name="other"))

    found = pinned(cards, before, Wish(images={"store": "example/store:1.5"}, step="store"))

    assert ["example/store:1.5", "example/other:1.0"] == [each.image for each in found]
    assert list(cards) == pinned(cards, before, Wish())


def test_a_pinned_digest_comes_along():
    digest = "sha256:" + 64 * "0"
    wish = Wish(images={"store": f"example/store:1.5@{digest}"}, step="s")

    (found,) = pinned([card("2.0")], seen(card("1.0")), wish)

    assert ("example/store:1.5", digest) == (found.image, found.digest)


def test_it_is_told_what_runs_and_what_is_wanted():
    found = compared([card("2.0")], release(card("2.0")), seen(card("1.0")))

    assert {
        "store": {"runs": "example/store:1.0", "wanted": "example/store:2.0", "ladder": ["1.5"]}
    } == found
