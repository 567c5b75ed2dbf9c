"""How voltages, currents and powers are named: ``v(a,b)``, ``i(r1)``, ``p(r1)``, ``@q1[ib]``."""

from __future__ import annotations

import re
from collections.abc import Callable

from .patterns import pattern

#: a name, in which brackets may stand, as KiCad has it
NODE = r"(?:[^\s,()]|(?<=[^\s,(])\((?:[^\s,()]|\([^\s,()]*\))*\))+"
#: a voltage, or a current or a power by its element: ``ib`` is that into a base, ``w`` a power
FORMS = (
    rf"(?<![\w.#$])(v|i[bcdegs]?|p|w)\s*\(\s*([^\s,()]+|(?<=\bv\(){NODE})\s*(?:,\s*({NODE})\s*)?\)"
    r"|@([^\s\[\]()]+)\[(i[bcdegs]?|p)\]"
)
OUTPUT = pattern(FORMS)
#: the first terminals of transistors, whose currents go by the names of these alone; of a diode it
#: is ``@d1[id]``
_FIRST = ("", "c", "d")


def canonical(
    match: re.Match[str],
    has_node: Callable[[str], bool],
    has_element: Callable[[str], bool],
    full_name: Callable[[str], str] = str,
) -> str | None:
    """Return what an output is called here, None if the circuit has no such thing.

    Parameters
    ----------
    match : re.Match
        Of `FORMS`.
    full_name : callable
        What an element is called here that is named as in the deck.

    Examples
    --------
    >>> canonical(OUTPUT.match("@q1[ib]"), "ab".__contains__, ["q1", "q1:b"].__contains__)
    'i(q1:b)'
    """
    kind, one, other, device, quantity = match.groups()
    if kind == "v":
        nodes = [one] if other is None else [one, other]
        return f"v({','.join(nodes)})" if all(map(has_node, nodes)) else None
    what = quantity or kind
    element = terminal(full_name(device or one), what[1:], has_element)
    if element is None or other is not None:
        return None
    return f"{'i' if what[0] == 'i' else 'p'}({element})"


def terminal(device: str, letter: str, has_element: Callable[[str], bool]) -> str | None:
    """Return the element that a terminal of a device is, None if there is none."""
    if letter and has_element(f"{device}:{letter}"):
        return f"{device}:{letter}"
    return device if has_element(device) and letter in _FIRST else None
