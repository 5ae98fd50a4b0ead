# SPDX-License-Identifier: Apache-2.0
"""What tells the definitions of programming languages apart: a line per language.

Every pattern takes linear time on anything: what can run long never fails, but ends with the
line or the file; what can fail is bounded.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# What begins something with a body and is no definition.
CONTROL_WORDS = """
if for foreach while switch catch synchronized using lock do else try return sizeof with match loop
unsafe when guard repeat defer elseif function fixed checked unchecked select await
"""
CONTROL = frozenset(CONTROL_WORDS.split())

_BLOCK = r"/\*.*?(?:\*/|\Z)"
_LINE = r"//[^\n]*+"
_TRIPLE = r'""".*?(?:"""|\Z)'
_DOUBLE = r'"(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\\?\Z)'
_SINGLE = r"'(?:[^'\\\n]|\\.)*+(?:'|(?=\n)|\\?\Z)"
_LONG_DOUBLE = r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
_LONG_SINGLE = r"'(?:[^'\\]|\\.)*+(?:'|\\?\Z)"
_LETTER = r"'(?:[^'\\\n]|\\[^\n][^'\n]{0,8})'"  # not a string: Rust has lifetimes, C++ 1'000
_BACKTICKS = r"`(?:[^`\\]|\\.)*+(?:`|\\?\Z)"
_RAW = r"`[^`]*+(?:`|\Z)"
_DIRECTIVE = r"^[ \t]*+#(?:[^\n\\]|\\.)*+"
_PATTERN = r"(?<=[(,=:\[!&|?{};])[ \t]{0,3}/(?![/*])(?:[^/\\\n]|\\.){1,120}+/"
_RUST_RAW = r'\bb?r(?P<rust>\#{0,8})".*?(?:"(?P=rust)|\Z)'
_CPP_RAW = r'\bR"(?P<cpp>[^()\\\s"]{0,16})\(.*?(?:\)(?P=cpp)"|\Z)'
_VERBATIM = r'@"(?:[^"]|"")*+(?:"|\Z)'
_HASH = r"(?<![\w$])#(?!\[)[^\n]*+"

NAME_CHARACTERS = 600
OUTER = {"outer", "impl"}
Found = tuple[int, str, bool]  # where a definition begins, its name, whether others are inside
Find = Callable[[str, bool], Found | None]


@dataclass(frozen=True, slots=True)
class Language:
    """How definitions of a language with braces are found.

    Attributes:
        name: What the language is called.
        silent: Comments and texts, in which nothing counts.
        find: Returns what the code before a brace defines, if it defines something; is told
            whether it stands in a definition that holds others, such as a class.
    """

    name: str
    silent: re.Pattern[str]
    find: Find


def _silent(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.DOTALL | re.MULTILINE)


_GENERICS = re.compile(r"<[^<>]{0,100}>")


def _last(pattern: re.Pattern[str], head: str) -> re.Match[str] | None:
    """Return the last place in *head* where *pattern* fits and no bracket is open."""
    last = None
    for found in pattern.finditer(head):
        before = head[: found.start()]
        if before.count("(") <= before.count(")"):
            last = found
    return last


def _by_words(outer: str, inner: str) -> Find:
    """Return how to find definitions that begin with a word; the last before a brace counts."""
    pattern = re.compile(
        rf"^[ \t]*(?:(?:[a-z]\w{{1,20}}(?:\([\w: ]{{0,30}}\))?|@\w{{1,40}})[ \t]{{1,9}}){{0,6}}"
        rf"(?:{outer}|{inner})",
        re.MULTILINE,
    )

    def find(head: str, _: bool) -> Found | None:  # noqa: FBT001 - the shape of all of them
        found = _last(pattern, head)
        if found is None:
            return None
        kinds = {kind: name for kind, name in found.groupdict().items() if name}
        ((kind, name),) = kinds.items()
        if kind == "impl":  # of what, and for what, is enough
            name = _GENERICS.sub("", _GENERICS.sub("", name)).partition(" where")[0]
        return found.start(), " ".join(name.split()), kind in OUTER

    return find


_ANNOTATION = re.compile(
    r"@[\w.]{1,80}(?:\([^()]{0,300}\))?|^[ \t]*\[[^\]\n]{0,300}\]|\[\[[^\]\n]{0,100}\]\]"
    r"|\btemplate\s{0,3}<[^;{}()]{0,300}?>"
    r"|\b(?:__attribute__|alignas|__declspec)\s?\(\(?[^()]{0,100}\)\)?",
    re.MULTILINE,
)
_OUTER = re.compile(
    r"\b(?:class|struct|union|interface|enum(?:\s(?:class|struct))?|record|namespace|mixin"
    r"|extension)\s{1,20}([\w:.]{1,200})"
)
_CALLED = re.compile(
    r"(operator\s{0,3}[^\s\w(]{1,3}|operator\s?\(\)|~?[A-Za-z_$][\w:~$]{0,200})\s{0,20}$"
)
_UNNAMED = re.compile(r"\b(?:namespace|extern)\b")


def _by_shape(head: str, _: bool) -> Found | None:  # noqa: FBT001 - the shape of all of them
    """Return what *head* defines where functions begin with the type of what they return."""
    code = _ANNOTATION.sub(lambda found: " " * len(found[0]), head)
    start = len(head) - len(head.lstrip())
    before, bracket, _rest = code.partition("(")
    if code.rstrip().endswith(("=", "(", ",")) or code.lstrip().startswith((",", ":")):
        return None
    if outer := _OUTER.search(before):
        return start, outer[1], True
    if _UNNAMED.search(before) and not bracket:
        return start, "", True
    called = _CALLED.search(before[-NAME_CHARACTERS:]) if bracket else None
    if called is None or called[1] in CONTROL:
        return None
    return None if "=" in before and "operator" not in before else (start, called[1], False)


_MODIFIERS = (
    r"^[ \t]*(?:(?:export|default|async|declare|public|private|protected|static|get|set|override"
    r"|readonly|abstract|const|let|var)[ \t]{1,9}){0,6}"
)
_SCRIPT = re.compile(
    _MODIFIERS + r"(?:(?:class|interface|namespace|module|enum)[ \t]{1,9}(?P<outer>[\w$.]{1,200})"
    r"|function[ \t]{0,9}\*?[ \t]{0,9}(?P<inner>[\w$]{1,200})[ \t]{0,9}[(<]"
    r"|(?P<given>[\w$.#]{1,200})[ \t]{0,9}(?::[^=\n]{0,200})?=[ \t]{0,9}(?:async[ \t]{1,9})?"
    r"(?P<how>function\b|\(|[\w$]{1,100}[ \t]{0,9}=>))",
    re.MULTILINE,
)
_METHOD = re.compile(
    _MODIFIERS + r"\*?[ \t]{0,9}([\w$#]{1,200})[ \t]{0,9}(?:<[^<>()\n]{0,200}>)?\(", re.MULTILINE
)
_WRAPPER = re.compile(r"(?:\bfunction[ \t]{0,9}\([^()]{0,500}\)|=>)\s{0,20}$")


def _by_script(head: str, inside: bool) -> Found | None:  # noqa: FBT001 - the shape of all of them
    """Return what *head* defines in JavaScript and TypeScript."""
    last = _last(_SCRIPT, head)
    if last is not None and (not last["given"] or _is_function(last["how"], head)):
        name = last["outer"] or last["inner"] or last["given"]
        return last.start(), name, last["outer"] is not None
    method = _last(_METHOD, head) if inside else None
    if method is not None and method[1] not in CONTROL:
        return method.start(), method[1], False
    # All of a file may stand in a function without a name: that is looked into.
    return (0, "", True) if not inside and _WRAPPER.search(head[-NAME_CHARACTERS:]) else None


def _is_function(how: str, head: str) -> bool:
    return how == "function" or head.rstrip().endswith("=>")


_C = Language("c", _silent(_LINE, _BLOCK, _CPP_RAW, _DOUBLE, _LETTER, _DIRECTIVE), _by_shape)
_JAVA = _silent(_LINE, _BLOCK, _TRIPLE, _DOUBLE, _LETTER)
_SCRIPTS = _silent(_LINE, _BLOCK, _DOUBLE, _SINGLE, _BACKTICKS, _PATTERN)
_INNER = r"[ \t]{1,9}(?P<inner>[\w$.]{1,200})"
_TYPES = r"[ \t]{1,9}(?P<outer>[\w$.]{1,200})"

GO = Language(
    "go",
    _silent(_LINE, _BLOCK, _DOUBLE, _LETTER, _RAW),
    _by_words(
        r"type[ \t]{1,9}(?P<outer>\w{1,200})(?:\[[^\n]{0,200}\])?[ \t]{1,9}(?:struct|interface)",
        r"func[ \t]{1,9}(?:\([^()\n]{0,200}\)[ \t]{0,9})?(?P<inner>\w{1,200})",
    ),
)
RUST = Language(
    "rust",
    _silent(_LINE, _BLOCK, _RUST_RAW, _LONG_DOUBLE, _LETTER),
    _by_words(
        r"(?:struct|enum|union|trait|mod)[ \t]{1,9}(?P<outer>\w{1,200})"
        r"|(?P<impl>impl\b[^{;]{0,300})",
        r"(?:fn|macro_rules!)[ \t]{1,9}(?P<inner>\w{1,200})",
    ),
)
BRACES: Mapping[str, Language] = {
    "c": _C,
    "cpp": Language("cpp", _C.silent, _by_shape),
    "csharp": Language(
        "csharp",
        _silent(_LINE, _BLOCK, _TRIPLE, _VERBATIM, _DOUBLE, _LETTER, _DIRECTIVE),
        _by_shape,
    ),
    "dart": Language("dart", _silent(_LINE, _BLOCK, _TRIPLE, _DOUBLE, _SINGLE), _by_shape),
    "go": GO,
    "java": Language("java", _JAVA, _by_shape),
    "javascript": Language("javascript", _SCRIPTS, _by_script),
    "kotlin": Language(
        "kotlin",
        _JAVA,
        _by_words(
            rf"(?:class|interface|object){_TYPES}",
            r"fun[ \t]{1,9}(?:<[^<>\n]{0,100}>[ \t]{0,9})?(?P<inner>[\w.<>?]{1,200})",
        ),
    ),
    "php": Language(
        "php",
        _silent(_LINE, _BLOCK, _HASH, _LONG_DOUBLE, _LONG_SINGLE),
        _by_words(rf"(?:class|interface|trait|enum|namespace){_TYPES}", rf"function{_INNER}"),
    ),
    "rust": RUST,
    "scala": Language(
        "scala", _JAVA, _by_words(rf"(?:class|object|trait){_TYPES}", rf"def{_INNER}")
    ),
    "swift": Language(
        "swift",
        _JAVA,
        _by_words(
            rf"(?:class|struct|enum|protocol|extension|actor){_TYPES}",
            rf"(?:func{_INNER}|(?P<init>(?:de)?init)\b)",
        ),
    ),
    "typescript": Language("typescript", _SCRIPTS, _by_script),
}


def _begins(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^(?P<space>[ \t]{{0,40}}){pattern}", re.MULTILINE | re.IGNORECASE)


# Languages in which a line tells by itself that it begins a definition.
LINES: Mapping[str, re.Pattern[str]] = {
    "lua": _begins(r"(?:local[ \t]{1,9})?function[ \t]{1,9}([\w.:]{1,200})"),
    "perl": _begins(r"(?:sub|package)[ \t]{1,9}([\w:]{1,200})"),
    "ruby": _begins(r"(?:class|module|def)[ \t]{1,9}([\w.:?!=<>\[\]+*/%-]{1,200})"),
    "shell": _begins(
        r"(?:function[ \t]{1,9}([\w.:-]{1,200})|([\w.:-]{1,200})[ \t]{0,9}\([ \t]{0,9}\))"
    ),
    "sql": _begins(
        r"create[ \t]{1,9}(?:or[ \t]{1,9}replace[ \t]{1,9})?(?:(?:temporary|temp|unique"
        r"|materialized)[ \t]{1,9}){0,2}(?:table|view|function|procedure|trigger|index|type)"
        r"[ \t]{1,9}(?:if[ \t]{1,9}not[ \t]{1,9}exists[ \t]{1,9})?([\w.\"`\[\]]{1,200})"
    ),
}
