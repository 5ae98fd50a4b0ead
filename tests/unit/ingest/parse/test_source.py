# SPDX-License-Identifier: Apache-2.0
"""Source code of every language is cut at its functions, and nothing of it is lost."""

import random
import time
from itertools import groupby

import pytest

from beast_ops.ingest.parse import TABLE
from beast_ops.ingest.parse.languages import BRACES, LINES
from tests.e2e import sources

SUFFIXES = {
    parser.language: suffix for suffix, parser in TABLE.items() if parser.module == "source"
}
languages = pytest.mark.parametrize("language", SUFFIXES)
REPEATED = (
    '"', '"\\', "'", "'\\", "`", "`\\", '"""', '@"', '""', 'r#"', 'R"(', 'R"a(', "#", "#\\\n",
    "/*", "/", "(/", "(/[", "//\n", "// a\n{", "-- \n", "{", "}", "{}", "a{}", "a(){}", "a(b){}\n",
    "(", "a(", ")(", "class a", "class a{", "struct a", "enum class", "template<", "[[a", "[a\n",
    "@a(", "__attribute__((", "operator", "~a", "a::b", "<", "<a<", "x=", "x=>", "x=>{", "a:b=",
    "x=function(){", "function a(", "async x=>", "export\t", "public static ", "a.b", ";a(", "a=(",
    "fn a", "impl<", "func (", "create table ", "\n", " \n", "a\n", "\ta b", "a\n(",
)  # fmt: skip


def test_every_language_has_its_patterns_and_its_sample():
    assert set(SUFFIXES) == set(BRACES) | set(LINES) == set(sources.SAMPLES)


@languages
def test_code_is_cut_at_its_functions_and_types(read_as, language):
    text, wanted = sources.SAMPLES[language]

    document = read_as(f"a{SUFFIXES[language]}", text.encode())

    assert ("code", language) == (document.type, document.about.language)
    assert wanted == [" > ".join(section.heading) for section in document.sections]
    assert text == "".join(section.text for section in document.sections)


def test_comments_and_attributes_belong_to_what_follows(read_as):
    text, _ = sources.SAMPLES["rust"]

    sections = read_as("a.rs", text.encode()).sections

    assert sections[1].text.startswith("/// A point.\n#[derive(Debug)]\npub struct Point")


@pytest.mark.parametrize(
    ("suffix", "code", "wanted"),
    [
        (
            ".c",
            "int f(void)\n{\n#if A\n\tif (x) {\n#else\n\tif (y) {\n#endif\n\t}\n}\nint g() {}\n",
            "fg",
        ),
        (".c", "int f() { char *s = \"}\"; /* } */ return '}'; }\nint g() {}\n", "fg"),
        (".c", "#define F(x) { x\nint f() {}\n", "f"),
        (".cpp", 'auto s = R"x(} )" {)x";\nint f() { return 1\'000; }\n', "f"),
        (".js", 'function f() { return a / b / c }\nfunction g() { return /[{]"/ }\n', "fg"),
        (".js", "(function () {\n  function f() {}\n  function g() {}\n})();\n", "fg"),
        (".js", "if (a) { x }\nfor (;;) { y }\nfunction f() {}\n", "f"),
        (".js", "const x = `${a} {`\nfunction f() {}\n", "f"),
        (".rs", "fn f<'a>(x: &'a str) -> char { '{' }\nfn g() { r#\"}\"{\"#; }\n", "fg"),
        (".go", "var x = map[string]int{}\nfunc f() { g := func() {} }\nfunc g() {}\n", "fg"),
        (".java", "class f { int[] a = {1}; @A({1, 2}) void g() { h(() -> { }); } }\n", "fg"),
    ],
)
def test_what_is_no_definition_does_not_count(read_as, suffix, code, wanted):
    sections = read_as(f"a{suffix}", code.encode()).sections

    names = [section.heading[-1] for section in sections if section.heading]
    assert list(wanted) == [name for name, _ in groupby(names)]


@languages
def test_any_text_is_read_and_nothing_of_it_is_lost(read_as, language):
    seed = random.randrange(1 << 32)  # noqa: S311 - no secret
    print(f"seed {seed}")
    dice = random.Random(seed)  # noqa: S311 - no secret
    text = sources.SAMPLES[language][0]
    pieces = [text[:place] for place in dice.sample(range(1, len(text)), 8)]
    pieces += ["".join(dice.choices([*REPEATED, "function f() {", "\n}\n", " "], k=200))]
    for piece in filter(str.strip, pieces):
        document = read_as(f"a{SUFFIXES[language]}", piece.encode())

        assert piece.split() == "".join(each.text for each in document.sections).split()


def seconds_for(read_as, language, size):
    """Return the processor time that repetitions of this size take, the least of three."""
    took = []
    for _ in range(3):
        begun = time.process_time()
        for unit in filter(str.strip, REPEATED):
            read_as(f"a{SUFFIXES[language]}", (unit * (size // len(unit))).encode())
        took.append(time.process_time() - begun)
    return min(took)


@languages
def test_repetitions_take_linear_time(read_as, language):
    short, long = (seconds_for(read_as, language, size) for size in (1 << 11, 1 << 14))

    assert long < 3 * 8 * short  # eight times as much text; squared it would take 64 times as long
