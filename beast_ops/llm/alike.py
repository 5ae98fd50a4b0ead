# SPDX-License-Identifier: Apache-2.0
"""Whether two prompts ask the same: what words say of it, before any vector is looked at.

A vector hardly tells "start" from "stop", or France from Spain. So words decide first: two prompts
are alike if all their words are the same, in the same order. What may differ is how one asks:
politeness around the question, its first capital letter, its last mark, and whether "is" follows
the question word or ends the question. All else stays as it is written: "What is matter?" is not
"What is the matter?".
"""

import re

LONGEST = 2000  # characters: what is longer is a text to work on, of which every word counts

_WORD = re.compile(  # quotations stay together
    r"(?:```.*?```|`[^`]*`|\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|(?<!\w)'[^']*'(?!\w)|\S)+",
    re.DOTALL,
)
_WORDS = "what|who|where|when|why|how|which"
_ORDERS = "tell|explain|describe|show|give|list|summari[sz]e|translate|write|name"
_QUESTION = rf"(?=(?:{_WORDS})\b)"
# Only where it cannot be what is asked about: "Hello" or "thanks" may be words to translate.
_OPENING = re.compile(
    rf"^\s*(?:(?:hi|hello|hey|now|ok|okay)\b\s*[,!.]+\s*"
    rf"|please\b[\s,:]*"
    rf"|(?:can|could|would|will) you\s+(?:please\s+)?(?=(?:{_ORDERS})\b)"
    rf"|do you know\s+{_QUESTION}"
    rf"|(?:i(?:['\u2019]d| would) like|i want|i need) to know[\s:]+{_QUESTION}"
    rf"|(?:tell|remind) me[\s:]+{_QUESTION})",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:,\s*please[.!?]?|(?<=\?)\s*(?:please|thanks|thank you|thx)[.!]*)$", re.IGNORECASE
)
_ASKS = re.compile(
    rf"(?:{_WORDS}|{_ORDERS}|is|are|was|were|do|does|did|has|have|can|could|should)\b",
    re.IGNORECASE,
)
_SHORT = re.compile(rf"^({_WORDS})['\u2019]s\b", re.IGNORECASE)
_TEXT = re.compile(r":\s|\n")  # what follows is not asked, but worked on
_LAST_MARK = re.compile(r"(?<=[^\W_]{2})[.?]$")  # of a word: "??" or "a?" may be asked about
_FULL_STOP = re.compile(r"(?<=[^\W_]{2})\.$")
_ORDER = re.compile(rf"(?:{_ORDERS})\b", re.IGNORECASE)
_ASKING = frozenset(_WORDS.split("|"))
_COPULA = frozenset({"is", "are"})


def sense(prompt: str) -> tuple[str, ...]:
    """Return what *prompt* says, in order; nothing if it is not to be compared with others.

    Two prompts with the same of it may have the same answer; all others may not.
    """
    if len(prompt) > LONGEST:
        return ()
    whole = prompt.strip()
    plain = _without_opening(whole)
    if not any(map(str.isalnum, plain)):
        return ()
    if not _ASKS.match(plain):
        return (whole,)  # a text, or a language that is not known here: every sign counts
    text = _TEXT.search(plain)
    if text is None:
        return _asked(_without_closing(plain))
    said, given = plain[: text.start()], plain[text.start() :]
    return (*_asked(said), given)


def _without_opening(text: str) -> str:
    while (shorter := _OPENING.sub("", text, count=1)) != text:
        text = shorter
    return text


def _without_closing(text: str) -> str:
    if _ORDER.match(text):
        return _FULL_STOP.sub("", text)  # the rest may belong to what is to be translated
    return _LAST_MARK.sub("", _CLOSING.sub("", text))


def _asked(text: str) -> tuple[str, ...]:
    """Return the words of the question *text*; quotations are one each."""
    said = _WORD.findall(_SHORT.sub(r"\1 is", text))
    first, *others = [said[0].lower() if said[0].istitle() else said[0], *said[1:]]
    if first in _ASKING and others and others[0] in _COPULA:
        others = [*others[1:], others[0]]  # as in: do you know what it is
    return first, *others
