# SPDX-License-Identifier: Apache-2.0
"""The files that go with the pages: what is ours is small, what is not is what its makers made."""

import gzip
import hashlib
import json
import re
from types import SimpleNamespace

import pytest
from markupsafe import Markup

from beast_ops.access.model import Principal, Scope
from beast_ops.api.rules import Rules
from beast_ops.chat.places import HEADLINE
from beast_ops.dashboard import charts, rooms, shell, words
from beast_ops.dashboard.marked import marked

# htmx 4.0.1, as its package on npm has it.
VENDORED = {"htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"}
FIRST_VIEW = ("app.css", "theme.js", "htmx.min.js", "app.js", "icons.svg", "mark.svg")
FIRST_VIEW_BYTES = 100_000
TEMPLATES = shell._templates().list_templates()


def test_what_others_made_is_what_they_made():
    found = {name: hashlib.sha256(shell.assets()[name].content).hexdigest() for name in VENDORED}

    assert found == VENDORED


def test_what_the_first_view_loads_stays_small():
    sizes = {name: len(shell.assets()[name].content) for name in FIRST_VIEW}

    assert sum(sizes.values()) < FIRST_VIEW_BYTES - 25_000  # the page itself


def test_what_is_compressed_is_the_same_file():
    for asset in shell.assets().values():
        assert gzip.decompress(asset.compressed) == asset.content


def test_an_address_changes_with_the_content():
    assert shell.address("app.css").endswith(f"?v={shell.assets()['app.css'].version}")
    assert len({asset.version for asset in shell.assets().values()}) == len(shell.assets())


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_says_what_the_policy_forbids(name):
    text, *_ = shell._templates().loader.get_source(shell._templates(), name)

    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|https?://\w", text)
    assert not re.search(r"<script(?![^>]*\ssrc=\"\{\{ (?:address|beside)\()", text)
    assert "| safe" not in text


def test_every_page_of_the_menu_is_there():
    paths = {each.path for each in Rules(rooms.router.routes).table}

    assert {f"{shell.HOME}/{name}" for name, _ in shell.PAGES} <= paths


@pytest.mark.parametrize(("scope", "there"), [(Scope.READ, False), (Scope.ADMIN, True)])
def test_the_menu_leads_nobody_to_where_they_may_not_go(scope, there):
    asker = Principal("somebody", scope, "session", key="k", origin="o")
    request = SimpleNamespace(state=SimpleNamespace(principal=asker))

    text = shell._templates().get_template("menu.html").render(request=request, here="jobs")

    assert ("/ui/settings" in text) is there
    assert "/ui/jobs" in text


def test_the_manual_of_the_api_is_not_about_pages():
    assert not [each.path for each in rooms.router.routes if each.include_in_schema]


def test_there_are_templates_to_look_at():
    assert len(TEMPLATES) > 20


@pytest.mark.parametrize("name", [name for name in shell.assets() if name not in VENDORED])
def test_no_script_of_ours_writes_what_somebody_said_as_html(name):
    text = shell.assets()[name].content.decode()

    # The one dialog is made of a constant; all that changes in it is set as text.
    found = re.findall(r"(?:innerHTML|outerHTML|insertAdjacentHTML)[^;]*", text)
    assert all("${" not in each and "'" in each for each in found)
    assert "eval(" not in text


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, words.UNKNOWN), (0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (2e9, "2.0 GB")],
)
def test_sizes(count, said):
    assert words.size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, words.UNKNOWN), (0, "0 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h")],
)
def test_spans(seconds, said):
    assert words.span(seconds) == said


def test_the_words_of_a_question_are_marked_and_nothing_else_is_markup():
    found = marked("<b>Rotate</b> the keys & rotating", "rotate <keys>")

    assert found == Markup(
        "&lt;b&gt;<mark>Rotate</mark>&lt;/b&gt; the <mark>keys</mark> &amp; <mark>rotating</mark>"
    )


@pytest.mark.parametrize("values", [[], [3], [0, 0], [1, 5, 2], [1e12, 0]])
def test_a_series_stays_in_its_picture(values):
    numbers = re.findall(r"[ML]([\d.-]+),([\d.-]+)", charts.spark(values))

    assert len(numbers) >= 4
    assert all(0 <= float(x) <= charts.WIDTH and 0 <= float(y) <= charts.HEIGHT for x, y in numbers)


def test_the_page_of_the_chat_knows_how_the_list_of_sources_begins():
    script = shell.assets()["chat.js"].content.decode()

    assert json.dumps(HEADLINE) in script


def test_no_script_takes_a_name_that_another_on_the_same_page_has():
    scripts = {name: asset.content.decode() for name, asset in shell.assets().items()}
    names = {
        name: set(
            re.findall(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", text, re.MULTILINE)
        )
        for name, text in scripts.items()
        if name.endswith(".js") and name not in VENDORED
    }

    assert names["app.js"]
    shared = {
        (one, other): names[one] & names[other]
        for one in names
        for other in names
        if one < other and not {one, other} & {"login.js", "theme.js"}
    }
    assert not {pair: both for pair, both in shared.items() if both}
