# SPDX-License-Identifier: Apache-2.0
"""Mark the words of a question in a text."""

import re

from markupsafe import Markup, escape

from beast_ops.search.snippet import stems

_WORD = re.compile(r"\w+")


def marked(text: str, query: str) -> Markup:
    """Return *text* with the words of *query* marked, as search recognises words."""
    wanted = stems(query)
    parts: list[Markup] = []
    end = 0
    for match in _WORD.finditer(text):
        if any(match[0].casefold().startswith(stem) for stem in wanted):
            word = Markup("<mark>{}</mark>").format(match[0])
            parts += [escape(text[end : match.start()]), word]
            end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
