"""Many instances of the same subcircuit, placed by whole columns.

One instance is placed in a builder of its own, with stand-ins for its name and for the nodes
it is connected to.  What it has become there is a `Template`, and filling in names and nodes
gives all others without looking at a card again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Ints
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

#: where the parameters of an instance begin
_GIVEN = pattern(r"(?<=\S)\s+(?:\S+\s*=|params:)")
#: what no names of nodes contain
_ODD = pattern(r"[={}']|params:")


def _is_simple(table: str) -> bool:
    """Tell whether no column of a device but p and q refers to nodes or elements."""
    return {*getattr(DEVICES[table], "types", "o")} <= {*"fb"}


class Repeats:
    """The instances of a block: those of the same key differ in names and nodes alone.

    Attributes
    ----------
    keys : list of str
        The number of words before the parameters, the subcircuit and what follows it.
    counts : Counter
        How often each key comes.
    distinct : int
        How many keys there are.
    """

    def __init__(self, block: Block) -> None:
        # no list for each card: to look through so many takes the collector longer than all else
        text = block.text
        self._words = text.split()
        ends = np.cumsum(block.widths)
        self._starts = (ends - block.widths).tolist()
        same = (block.widths == block.widths[0]).all()
        self._width = int(block.widths[0]) if same else 0
        if any(mark in text for mark in ("=", "params:", " /", "\t/")):
            self.keys = list(map(_key, text.split("\n")))
        elif self._width:
            self.keys = self._words[self._width - 1 :: self._width]
        else:
            last = (self._words[end - 1] for end in ends.tolist())
            self.keys = [f"{n} {word}" for n, word in zip(block.widths.tolist(), last, strict=True)]
        self.counts = Counter(self.keys)
        self.distinct = len(self.counts)

    def group(self, template: Template, first: int, places: Sequence[int], prefix: str) -> Group:
        """Return instances of one key; `places` are their rows less the first of the group's."""
        words, of = self._words, range(template.ports + 1)
        if self._width and isinstance(places, range):
            at, stop = (row * self._width for row in (first, first + len(places)))
            names, *ends = (words[at + k : stop : self._width] for k in of)
        else:
            starts = [self._starts[first + at] for at in places]
            names, *ends = ([words[at + k] for at in starts] for k in of)
        if prefix:
            names = [prefix + name for name in names]
        return Group(template, np.fromiter(places, np.int64, len(places)), names, ends)


def _key(line: str) -> str:
    given = _GIVEN.search(line)
    end = given.start() if given else len(line)
    words, tail = line[:end].split(), line[end:]
    if words[-2:-1] == ["/"]:
        tail = f"/{tail}"  # CDL's mark before the subcircuit
    return f"{len(words)} {words[-1]}{tail}"


class Group(NamedTuple):
    """Instances of one key among others: their places, their names and the nodes of each port."""

    template: Template
    places: Ints
    names: list[str]
    ends: Sequence[Sequence[str]]


class Template:
    """What an instance becomes, whatever its name and nodes.

    Parameters
    ----------
    builder : CircuitBuilder
        Holds one instance and nothing else.
    branches : set of str
        Its elements whose currents can control others.
    ports, size : int
        How many nodes its card names, and elements it counts for.

    Attributes
    ----------
    is_whole : bool
        False if it lacks an element of a kind that can't be repeated here.
    longest : int
        Characters of the longest name, to be added to those of the instance.
    """

    def __init__(self, builder: CircuitBuilder, branches: set[str], ports: int, size: int) -> None:
        circuit, self.ports, self.size = builder.build(), ports, size
        self._nodes = circuit.nodes
        self._branches = [name[1:] for name in branches]
        self._tables = {t: builder.columns(t) for t in circuit.present if _is_simple(t)}
        count = sum(len(columns[0]) for columns in self._tables.values())
        self.is_whole = count == circuit.n_elements
        self.longest = max(map(len, circuit.element_names), default=0)
        rows = circuit.voltage_sources
        live = rows.volts != 0
        self._live = list(zip(rows.p[live].tolist(), rows.q[live].tolist(), strict=True))

    def nodes_of(self, names: list[str], ends: Sequence[Sequence[str]]) -> list[Sequence[str]]:
        """Return the names of each node in all instances."""
        return [self._column(node, names, ends) for node in self._nodes]

    def _column(self, node: str, names: list[str], ends: Sequence[Sequence[str]]) -> Sequence[str]:
        if node[0] == PORT:
            return ends[int(node[1:])]
        if node[0] == INSIDE:
            return [f"{x}.{node[1:]}" for x in names]
        return [node] * len(names)

    def shorts(self, nodes: list[Sequence[str]]) -> bool:
        """Tell whether the ends of a source are on one node in any instance."""
        return any(_shorted(nodes[p], nodes[q]) for p, q in self._live)

    def elements(self, names: list[str]) -> dict[str, list[str]]:
        """Return the names of the elements of all instances, by their tables."""
        return {t: _joined(names, columns[0]) for t, columns in self._tables.items()}

    def columns(self, table: str, numbers: Ints) -> list[Any]:
        """Return the other columns of a table, of n instances whose nodes are (n, nodes)."""
        _, p, q, *others = self._tables[table]
        tiled = [np.tile(column, len(numbers)) for column in others]
        return [numbers[:, p].ravel(), numbers[:, q].ravel(), *tiled]

    def branches_of(self, names: list[str]) -> Iterator[str]:
        """Yield the elements whose currents can control others."""
        return (f"{x}.{name}" for x in names for name in self._branches)


def place(placer: Placer, groups: Sequence[Group], scope: Scope) -> bool:
    """Add instances; False, and nothing is added, if only their cards can tell what is wrong.

    Parameters
    ----------
    placer : Placer
    groups : sequence of Group
        With full names of instances, and nodes as they are written.
    scope : Scope
        What the instances stand in.
    """
    builder, nodes = placer.builder, []
    for group in groups:
        if any(_ODD.search(text) for text in map(" ".join, group.ends)):
            return False
        ends = [placer.nodes(column, scope) for column in group.ends]
        nodes.append(group.template.nodes_of(group.names, ends))
        if group.template.shorts(nodes[-1]):
            return False
    elements = [group.template.elements(group.names) for group in groups]
    if not builder.claim([name for some in elements for table in some.values() for name in table]):
        return False
    found: dict[str, list[tuple[Ints, list[Any]]]] = {}
    numbered = _numbered(builder, groups, nodes)
    for group, some, numbers in zip(groups, elements, numbered, strict=True):
        for table, names in some.items():
            columns = [names, *group.template.columns(table, numbers)]
            places = np.repeat(group.places, len(names) // len(group.names))
            found.setdefault(table, []).append((places, columns))
        placer.branches.update(group.template.branches_of(group.names))
    for table, parts in found.items():
        names, *columns = parts[0][1]
        if len(parts) > 1:
            order = np.argsort(np.concatenate([at for at, _ in parts]), kind="stable")
            names = list(chain.from_iterable(columns[0] for _, columns in parts))
            names = [names[k] for k in order.tolist()]
            each = zip(*(columns[1:] for _, columns in parts), strict=True)
            columns = [np.concatenate(some)[order] for some in each]
        builder.add_columns(table, names, *columns)
    return True


def _numbered(
    builder: CircuitBuilder, groups: Sequence[Group], nodes: Sequence[list[Sequence[str]]]
) -> Iterator[Ints]:
    """Yield the numbers of the nodes of each group; new ones are numbered instance by instance."""
    widths = np.zeros(sum(len(group.names) for group in groups), dtype=np.int64)
    for group, columns in zip(groups, nodes, strict=True):
        widths[group.places] = len(columns)
    starts = np.cumsum(widths) - widths
    names = [""] * int(widths.sum())
    for group, columns in zip(groups, nodes, strict=True):
        for k, column in enumerate(columns):
            if len(groups) == 1:
                names[k :: len(columns)] = column
                continue
            for at, name in zip((starts[group.places] + k).tolist(), column, strict=True):
                names[at] = name
    numbers = builder.numbers(names)
    for group, columns in zip(groups, nodes, strict=True):
        yield numbers[starts[group.places][:, None] + np.arange(len(columns))]


def _shorted(p: Sequence[str], q: Sequence[str]) -> bool:
    return any(a == b or (a in GROUND and b in GROUND) for a, b in zip(p, q, strict=True))


def _joined(names: list[str], inside: list[str]) -> list[str]:
    """Return full names of elements, instance by instance."""
    ends = [name[1:] for name in inside]
    return [f"{x}.{name}" for x in names for name in ends]
