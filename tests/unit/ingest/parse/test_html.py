# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.parse import parse

LONG = "All of this is what the page is about, and nothing else is. " * 5


@pytest.fixture
def read(tmp_path):
    def read_bytes(page):
        data = page if isinstance(page, bytes) else page.encode()
        (tmp_path / "upload").write_bytes(data)
        return parse(tmp_path / "upload", "a.html")

    return read_bytes


def text(document):
    return "\n\n".join(section.text for section in document.sections)


def test_headings_make_sections(read):
    document = read(
        "<title> A\n page </title><p>before<h1>One <b>bold</b></h1><p>a<h2>Two</h2>b<h1>Three</h1>"
    )

    assert [(), ("One bold",), ("One bold", "Two"), ("Three",)] == [
        section.heading for section in document.sections
    ]
    assert "Two\n\nb" == document.sections[2].text
    assert "A page" == document.title


def test_what_is_no_text_is_left_out(read):
    page = (
        "<script>no</script><style>no</style><nav>no</nav><!-- no --><p>yes<noscript>no</noscript>"
    )

    assert "yes" == text(read(page))


def test_where_a_page_names_its_main_part_only_that_is_read(read):
    page = f"<div>around</div><main><p>{LONG}</p><aside>beside</aside></main><div>around</div>"

    assert LONG.strip() == text(read(page))


def test_a_main_part_that_says_nothing_is_not_believed(read):
    assert "around" in text(read("<div>around</div><main><p>short</p></main>"))


def test_several_articles_are_no_main_part(read):
    found = text(read(f"<p>before</p><article>{LONG}</article><article>{LONG}</article>"))

    assert "before" in found


def test_blocks_are_lines_and_words_stay_whole(read):
    page = "<p>one <b>t</b>wo<br>three</p>tail<ul><li>a<li>b</ul><div>c</div><div>d</div>"

    assert "one two\nthree\n\ntail\n\n- a\n- b\n\nc\nd" == text(read(page)).replace(
        "\n\n\n", "\n\n"
    )


def test_tables_are_rows_of_cells(read):
    found = text(read("<table><tr><th>name<th>age<tr><td>Ann<td>7</table>"))

    assert ["| name | age", "| Ann | 7"] == [line.strip() for line in found.splitlines() if line]


def test_preformatted_text_keeps_its_lines(read):
    assert "def f():\n    return 1" in text(read("<p>x<pre>def f():\n    return 1\n</pre>"))


@pytest.mark.parametrize(
    "page",
    [
        '<meta charset="latin-1"><p>Grüße'.encode("latin-1"),
        '<meta charset="no-such"><p>Grüße'.encode(),
        '<meta charset="ascii"><p>Grüße'.encode(),
        "<p>Grüße".encode("utf-16"),
    ],
)
def test_encodings_are_as_declared_if_that_is_true(read, page):
    assert "Grüße" == text(read(page))


def test_depth_is_no_problem_and_endless_depth_is_refused(read):
    assert "deep" == text(read("<div>" * 3000 + "deep"))
    with pytest.raises(DocumentError, match="nested too deeply"):
        read("<div>" * 100_000 + "deep")


def test_many_tags_side_by_side_are_not_deep(read):
    assert text(read("<div>a</div><br>" * 20_000)).startswith("a\n")


@pytest.mark.parametrize("page", ["<p>", "<script>only</script>", "<!-- only -->", "<frameset>"])
def test_a_page_without_text_is_refused(read, page):
    with pytest.raises(DocumentError, match="no text found"):
        read(page)


def test_the_link_of_a_heading_to_itself_is_no_part_of_it(read):
    page = (
        '<h1>Keys<a class="headerlink" href="#keys">\u00b6</a></h1><p>Section \u00b6 2 rules.</p>'
    )

    (section,) = read(page).sections

    assert ("Keys",) == section.heading
    assert "Section \u00b6 2 rules." in section.text


def test_a_paragraph_in_an_item_of_a_list_stands_behind_its_bullet(read):
    page = "<ul><li><p>one</p><p>more</p></li><li></li><li><p>two</p></li></ul>"

    assert "- one\n\nmore\n\n-\n- two" == read(page).sections[0].text
