"""What may be given where a circuit is meant, and the answer to misspelt arguments."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.names import spelled

__all__ = ["Given", "as_circuit", "check_varied", "spelled"]

#: a circuit, the path of a deck, or the text of one
Given = Circuit | str | os.PathLike[str]

#: what people give instead -> what they have to write
_INSTEAD = {
    "CircuitBuilder": "call its build()",
    "DiGraph": "make one with Circuit.from_networkx",
    "Graph": "make one with Circuit.from_networkx",
    "MultiDiGraph": "make one with Circuit.from_networkx",
    "MultiGraph": "make one with Circuit.from_networkx",
    "Network": "give its circuit",
    "OperatingPoint": "give its circuit",
    "ndarray": "make one with Circuit.from_adjacency",
}


def as_circuit(given: Given, dialect: str = "auto", title: bool = True) -> Circuit:
    r"""Return the circuit that is meant: itself, the deck of that name, or the deck itself.

    A deck is read as the simulator called `dialect` does and may have no `title`, see
    `read_netlist`.  A text of one line is a path, as a deck has at least a title and a card.

    Raises
    ------
    NetlistError
        If the deck can't be read.
    UsageError
        If it is none of these.

    Examples
    --------
    >>> as_circuit("load\nV1 a 0 1\nR1 a 0 1k").nodes
    ('0', 'a')
    """
    if isinstance(given, Circuit):
        if dialect != "auto":
            raise UsageError("a circuit has no dialect: give it where the deck is read")
        if not title:
            raise UsageError("title=False is for reading decks: give it where the deck is read")
        return given
    if not isinstance(given, str | os.PathLike):
        kind = type(given).__name__
        remedy = _INSTEAD.get(kind, "rs.CircuitBuilder makes one in Python")
        raise UsageError(
            f"a circuit, the path of a deck or its text is needed, not {kind}: {remedy}"
        )
    # who has a circuit already need not wait for the reader
    from ..netlist import parse_netlist, read_netlist

    if isinstance(given, str) and ("\n" in given or "\r" in given):
        return parse_netlist(given, dialect=dialect, title=title)
    path = Path(given)
    if " " in str(given) and str(given) != "-" and not path.exists():
        raise UsageError(
            f"there is no file {str(given)!r}; a deck given as text has at least two lines, "
            "of which the first is its title"
        )
    return read_netlist(given, dialect=dialect, title=title)


def check_varied(circuit: Circuit, name: str) -> None:
    """Refuse to vary a controlled source by its name: its gain is meant, and it may have many.

    Raises
    ------
    UsageError
        If something controls the source of that name; of others nothing is said.
    """
    number = circuit.find(name)
    if number is None or circuit.kind(number) != "controlled source":
        return
    table, row = circuit.controlled_sources, number - circuit.first["controlled_sources"]
    if table.ptr[row] < table.ptr[row + 1]:
        raise UsageError(
            f"{name} is a controlled source: write its gain as a parameter, as in "
            f'".param k=2" and "{{k}}", and vary k'
        )
