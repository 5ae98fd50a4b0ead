# SPDX-License-Identifier: Apache-2.0
"""Whether two prompts ask the same: what words say of it, before any vector is looked at.

A vector hardly tells "start" from "stop", or France from Spain. So words decide first: two prompts
are alike if the words that carry sense are the same, in the same order; numbers, quotations, code,
addresses, names and negations are among these. What may differ is how one asks: politeness,
articles, punctuation, and capital letters at the beginning of a sentence.
"""

import re

LONGEST = 2000  # characters: what is longer is a text to work on, of which every word counts

_QUOTED = re.compile(r"```.*?```|`[^`]*`|\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»", re.DOTALL)
_QUESTION = r"(?=(?:what|who|where|when|why|how|which)\b)"
_ORDER = r"(?=(?:tell|explain|describe|show|give|list|summari[sz]e|translate|write|name)\b)"
# Only where it cannot be what is asked about: "Hello" or "thanks" may be words to translate.
_OPENING = re.compile(
    rf"^\s*(?:(?:hi|hello|hey|now|ok|okay)\b\s*[,!.]+\s*"
    rf"|please\b[\s,:]*"
    rf"|(?:can|could|would|will) you\s+(?:please\s+)?{_ORDER}"
    rf"|do you know\s+{_QUESTION}"
    rf"|(?:i(?:['\u2019]d| would) like|i want|i need) to know[\s:]+{_QUESTION}"
    rf"|(?:tell|remind) me[\s:]+{_QUESTION})",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"[,.!?]\s*(?:please|thanks|thank you|thx)\b[\s!.?]*$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_SHORT = re.compile(r"\b(what|who|where|when|why|how|which)['\u2019]s\b", re.IGNORECASE)
_SENTENCE_END = (".", "!", "?", ":")
_ARTICLES = frozenset({"a", "an", "the"})
_COPULA = frozenset({"is", "are"})
_ASKING = frozenset({"what", "who", "where", "when", "why", "how", "which"})
_NO_NOUNS = _ARTICLES | _COPULA | _ASKING | {"and", "or", "not", "in", "before", "after", "with"}
# Words that only English has: in other languages "a" is no article, and nothing is left out.
_ENGLISH = _ASKING | _COPULA | {"the", "does", "of", "please", "and", "with"}


def sense(prompt: str) -> tuple[str, ...]:
    """Return what *prompt* says, in order; nothing if it is not to be compared with others.

    Two prompts with the same of it may have the same answer; all others may not.
    """
    if len(prompt) > LONGEST:
        return ()
    said: list[str] = []
    plain, at = _polite(prompt), 0
    for quoted in _QUOTED.finditer(plain):
        said += [*_tokens(plain[at : quoted.start()], begins=not said), quoted.group()]
        at = quoted.end()
    said += _tokens(plain[at:], begins=not said)
    return tuple(_without_articles(said))


def _polite(prompt: str) -> str:
    """Return *prompt* without what is only polite, at its beginning and its end."""
    text = _CLOSING.sub("", prompt.strip())
    while (shorter := _OPENING.sub("", text, count=1)) != text:
        text = shorter
    return text


def _tokens(text: str, *, begins: bool) -> list[str]:
    """Return the words of *text*; what is more than letters stays as it is written."""
    found = []
    for token in _SHORT.sub(r"\1 is", text).split():
        word = token.lstrip("(['").rstrip(".,;:!?)]'…")
        if _WORD.fullmatch(word):
            is_name = not begins and word != word.lower()
            is_short = len(word) > 1 and word.isupper()  # US is not us
            found.append(word if is_name or is_short else word.lower())
        elif marked := token.lstrip("(").rstrip(".,;:?)"):
            found.append(marked)
        begins = token.endswith(_SENTENCE_END)
    return found


def _without_articles(said: list[str]) -> list[str]:
    """Return *said* without English articles; and without "is", where a question has its word.

    An article that no noun follows may be what is asked about, and stays.
    """
    words = set(said)
    if not words & _ENGLISH:
        return said
    copula = _COPULA if words & _ASKING else frozenset()
    after = [*said[1:], ""]
    return [
        each
        for each, following in zip(said, after, strict=True)
        if each not in copula
        and not (each in _ARTICLES and _WORD.fullmatch(following) and following not in _NO_NOUNS)
    ]
