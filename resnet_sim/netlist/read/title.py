"""Is the first line of a deck a title, or the first card of a deck without one?"""

from __future__ import annotations

import re

from ...model.patterns import pattern
from .sites import GROUND

_ELEMENT = re.compile(r"[rclvi]\w*\s+\S+\s+\S+\s+(?:dc\s+)?[+-]?\.?\d\S*\s*", re.ASCII)
_DOT = re.compile(r"\.(?:param|model|subckt|include|op|dc|lib|options?)\b")
_SEPARATORS = re.compile(r"[\s,()]+")
#: what no title has at the place of a value: a number, an expression, an assignment, a waveform
_VALUE = pattern(r"=?[+-]?\.?\d|[{']|\w+=|(?:dc|ac|sin|pulse|pwl|exp)$", re.ASCII)
_LETTERS = frozenset("bcdefghijlmqrsvwxyz")
#: of long decks so many characters at either end are searched: titles must not cost time
_SEARCHED = 200_000


def resembles_card(line: str) -> bool:
    """Tell whether a line (in lower case) has the form of a simple card."""
    return bool(_ELEMENT.fullmatch(line[:200]) or _DOT.match(line))


def others_depend_on(line: str, rest: str) -> bool:
    """Tell whether a line is an element at a node that other lines of the deck have, too.

    Parameters
    ----------
    line, rest : str
        The first line in lower case, and the lines after it in any case.
    """
    words = _SEPARATORS.split(re.sub(r"\s*=\s*", "=", line).strip())
    if len(words) < 4 or words[0][:1] not in _LETTERS:
        return False
    if len(rest) > 2 * _SEARCHED:
        rest = f"{rest[:_SEARCHED]}\n{rest[-_SEARCHED:]}"
    behind = words[3:4] if words[0][0] in "rclvib" else words[3:]
    has_value = words[0][0] in "bcefghilrv" and any(map(_VALUE.match, behind))
    has_model = words[0][0] not in "efgh" and any(_is_defined(word, rest) for word in behind)
    if not has_value and not has_model:
        return False
    nodes = [node for node in words[1:3] if node not in GROUND]
    return any(_stands_in(node, rest) for node in nodes)


def _stands_in(node: str, rest: str) -> bool:
    """Tell whether an element of the other lines has a node."""
    pattern = rf"^[ \t]*[a-z]\w*[ \t(,][^\n;]*?(?<![\w.]){re.escape(node)}(?![\w.])"
    return re.search(pattern, rest, re.IGNORECASE | re.MULTILINE) is not None


def _is_defined(name: str, rest: str) -> bool:
    """Tell whether a model or a subcircuit of that name is defined."""
    pattern = rf"^[ \t]*\.(?:model|subckt)[ \t]+{re.escape(name)}(?![\w.])"
    return re.search(pattern, rest, re.IGNORECASE | re.MULTILINE) is not None
