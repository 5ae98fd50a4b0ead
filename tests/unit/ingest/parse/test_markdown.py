# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.ingest.parse import parse


@pytest.fixture
def read(tmp_path):
    def read_text(text, name="a.md"):
        (tmp_path / "upload").write_text(text)
        return parse(tmp_path / "upload", name)

    return read_text


def paths(document):
    return [section.heading for section in document.sections]


def test_sections_stand_below_their_headings(read):
    document = read("before\n\n# One\ntext\n## Two ##\ntext\n### Three\ntext\n## Four\ntext\n")

    assert [(), ("One",), ("One", "Two"), ("One", "Two", "Three"), ("One", "Four")] == paths(
        document
    )
    assert "One" == document.title
    assert "md" == document.type


def test_a_section_begins_with_its_own_heading(read):
    assert "## Two\nsecond\n" == read("# One\nfirst\n## Two\nsecond\n").sections[1].text


def test_underlined_headings_are_headings(read):
    assert [("One",), ("One", "Two")] == paths(read("One\n===\n\ntext\n\nTwo\n---\ntext\n"))


def test_code_has_no_headings(read):
    text = "# One\n```sh\n# comment\n~~~\n```\n~~~~\n# no\n~~~\n# no\n~~~~\n# Two\n"

    assert [("One",), ("Two",)] == paths(read(text))


def test_a_fence_that_never_closes_reaches_to_the_end(read):
    assert [("One",)] == paths(read("# One\n```\n# no\n"))


@pytest.mark.parametrize(
    "text",
    [
        "- item\n---\n",
        "> quote\n---\n",
        "a\nb\n---\n",
        "\n---\n",
        "| a |\n---\n",
        "#hash\n",
        "    # x\n",
    ],
)
def test_what_only_looks_like_a_heading_is_none(read, text):
    assert [()] == paths(read(f"text\n\n{text}"))


def test_front_matter_gives_the_title(read):
    document = read('---\ntitle: "A Title"\ntags: [a]\n---\n# One\n')

    assert "A Title" == document.title
    assert [(), ("One",)] == paths(document)


def test_decoration_is_no_part_of_a_heading(read):
    assert [("A link and bold code",)] == paths(read("# A [link](http://a) and **bold** `code`\n"))


def test_nothing_is_lost(read):
    text = "a\n# One\nb\nTwo\n===\nc\n"

    assert text == "".join(section.text for section in read(text).sections)


def test_sources_beside_pages_are_read_as_what_they_are(read):
    assert "md" == read("# One\n", "page.md.txt").type
