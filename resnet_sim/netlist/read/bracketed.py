"""Names of nodes with brackets, as KiCad makes them: ``Net-(R1-Pad2)``, ``/sheet/a(b)``.

Brackets separate words, but where a node is expected and one opens right behind a character and
closes without a separator in it, ngspice takes it for a part of the name.  While a card is split,
such brackets are other characters.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...model.patterns import pattern
from .cards import Assign, Braced, Item, Word

#: letter of a card -> how many nodes follow its name; instances have any number, and POLY(n) more
_NODES = {**dict.fromkeys("rclvidbywfha", 2), **dict.fromkeys("jq", 3), **dict.fromkeys("segmt", 4)}
_W = r"""[^\s,()={}'"]"""
_SEPARATORS = pattern(r"[\s,()]*")
_BRACKETED = pattern(rf"(?:{_W}+\({_W}*(?:\({_W}*\){_W}*)*\))+{_W}*")
_WORD = pattern(rf"{_W}+")
#: what may stand where controlled sources have nodes, or closes the nodes of an instance
_KEYWORD = pattern(
    r"(?:npoly|[np]?pwl|ppwl|table|value|vol|cur|laplace|freq|chebyshev|n?and|n?or|delay|params:"
    r"|sin|cos|pulse|exp|sffm|am|dc)\("
)
_POLY = pattern(r"poly\s*\([^()]*\)")
_MASK = str.maketrans("()", "\ue000\ue001")
_UNMASK = str.maketrans("\ue000\ue001", "()")


def masked(text: str, end: int) -> str | None:
    """Return a card in which brackets of names are other characters, None if it has none.

    Parameters
    ----------
    end : int
        Where what can't be a node begins.
    """
    letter, found = text.lstrip()[:1], text
    for start, stop in _nodes(text, letter, end):
        if "(" in text[start:stop]:
            found = f"{found[:start]}{text[start:stop].translate(_MASK)}{found[stop:]}"
    return None if found is text else found


def _nodes(text: str, letter: str, end: int) -> list[tuple[int, int]]:
    """Return where words begin and end that are nodes."""
    name, words = _WORD.search(text), list[tuple[int, int]]()
    most, at = _NODES.get(letter, len(text)), name.end() if name else end
    while at < end and len(words) < most and (separators := _SEPARATORS.match(text, at)):
        at = separators.end()
        if poly := _POLY.match(text, at):
            most, at = len(text), poly.end()
            continue
        word = _BRACKETED.match(text, at) or _WORD.match(text, at)
        if word is None or _KEYWORD.match(text, at):
            break
        words.append(word.span())
        at = word.end()
        if text[at : at + 1] == "=":
            words.pop()
            break
    # the last word of an instance is its subcircuit
    return words[:-1] if letter == "x" else words


def unmasked(items: Iterable[Item]) -> list[Item]:
    """Return the items of a card with the brackets of their names."""
    return [_unmasked(item) for item in items]


def _unmasked(item: Item) -> Item:
    if isinstance(item, Word):
        return item._replace(text=item.text.translate(_UNMASK))
    if isinstance(item, Braced):
        return item
    value = item.value
    return Assign(item.key, value._replace(text=value.text.translate(_UNMASK)))
