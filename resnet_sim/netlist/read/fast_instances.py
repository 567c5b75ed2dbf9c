"""Many instances of the same subcircuit, placed by whole columns.

One instance is placed in a builder of its own, with stand-ins for its name and for the nodes
it is connected to.  What it has become there is a `Template`, and filling in names and nodes
gives all others without looking at a card again.
"""

from __future__ import annotations

import numpy as np

from ...model.builder import CircuitBuilder
from ...model.devices import DEVICES
from ...model.patterns import pattern
from .blocks import Block
from .placer import Placer
from .scope import Scope
from .sites import GROUND

#: In a template these stand for ``x1.`` and, followed by a number, for a node of the card;
#: no name in a deck begins with white space.
INSIDE, PORT = "\t", "\n"

#: what no names of nodes contain
_ODD = pattern(r"[={}']|params:")


def _is_simple(table: str) -> bool:
    """Tell whether no column of a device but p and q refers to nodes or elements."""
    return {*getattr(DEVICES[table], "types", "o")} <= {*"fb"}


class Repeats:
    """Finds instances in a block that differ in names and nodes alone."""

    def __init__(self, block: Block) -> None:
        self._names, *self._words = block.columns()
        # for a number of nodes, what follows them on each card
        self._rests: dict[int, list[tuple[str, ...]]] = {}

    def end(self, row: int, ports: int) -> int:
        """Return where the run ends that goes on from the row before `row`."""
        if ports not in self._rests:
            self._rests[ports] = list(zip(*self._words[ports:], strict=True))
        rests = self._rests[ports]
        return next((k for k in range(row, len(rests)) if rests[k] != rests[row - 1]), len(rests))

    def part(self, start: int, stop: int, ports: int) -> tuple[list[str], list[list[str]]]:
        """Return the names of some instances, and for each port their nodes."""
        return self._names[start:stop], [words[start:stop] for words in self._words[:ports]]


class Template:
    """What an instance becomes, whatever its name and nodes.

    Parameters
    ----------
    builder : CircuitBuilder
        Holds one instance and nothing else.
    branches : set of str
        Its elements whose currents can control others.

    Attributes
    ----------
    is_whole : bool
        False if it lacks an element of a kind that can't be repeated here.
    longest : int
        Characters of the longest name, to be added to those of the instance.
    """

    def __init__(self, builder: CircuitBuilder, branches: set[str]) -> None:
        circuit = builder.build()
        self._nodes = circuit.nodes
        self._branches = [name[1:] for name in branches]
        self._tables = {t: builder.columns(t) for t in circuit.present if _is_simple(t)}
        count = sum(len(columns[0]) for columns in self._tables.values())
        self.is_whole = count == circuit.n_elements
        self.longest = max(map(len, circuit.element_names), default=0)
        rows = circuit.voltage_sources
        live = rows.volts != 0
        self._live = list(zip(rows.p[live].tolist(), rows.q[live].tolist(), strict=True))

    def place(self, placer: Placer, names: list[str], ends: list[list[str]], scope: Scope) -> bool:
        """Add instances; False, and nothing is added, if only their cards can tell what is wrong.

        Parameters
        ----------
        placer : Placer
        names : list of str, length n
            Full names of the instances.
        ends : list of list of str
            For each port the nodes of the n instances, as written.
        scope : Scope
            What the instances stand in.
        """
        if any(_ODD.search(text) for text in map(" ".join, ends)):
            return False
        builder = placer.builder
        ends = [list(placer.nodes(nodes, scope)) for nodes in ends]
        nodes = [self._column(node, names, ends) for node in self._nodes]
        if any(_shorted(nodes[p], nodes[q]) for p, q in self._live):
            return False
        elements = {t: _joined(names, c[0]) for t, c in self._tables.items()}
        if not builder.claim([name for some in elements.values() for name in some]):
            return False
        numbers = builder.numbers(_interleaved(nodes)).reshape(len(names), len(nodes))
        for table, (_, p, q, file, line, *values) in self._tables.items():
            columns = [np.tile(column, len(names)) for column in (file, line, *values)]
            ends_of = numbers[:, p].ravel(), numbers[:, q].ravel()
            builder.add_columns(table, elements[table], *ends_of, *columns)
        placer.branches.update(f"{x}.{name}" for x in names for name in self._branches)
        return True

    def _column(self, node: str, names: list[str], ends: list[list[str]]) -> list[str]:
        """Return the names of a node in all instances."""
        if node[0] == PORT:
            return ends[int(node[1:])]
        if node[0] == INSIDE:
            return [f"{x}.{node[1:]}" for x in names]
        return [node] * len(names)


def _shorted(p: list[str], q: list[str]) -> bool:
    return any(a == b or (a in GROUND and b in GROUND) for a, b in zip(p, q, strict=True))


def _joined(names: list[str], inside: list[str]) -> list[str]:
    """Return full names of elements, instance by instance."""
    return _interleaved([[f"{x}.{name[1:]}" for x in names] for name in inside])


def _interleaved(columns: list[list[str]]) -> list[str]:
    """Return the first of each column, then the second of each, and so on."""
    width = len(columns)
    mixed = [""] * sum(map(len, columns))
    for k, column in enumerate(columns):
        mixed[k::width] = column
    return mixed
