"""What a `CircuitBuilder` holds: nodes, and rows and columns of elements not yet a circuit.

Elements come one at a time as rows, or as whole columns, a million in about a second.
Both kinds may alternate; a table keeps the order in which its elements came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, count
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Ints
from ..errors import UsageError
from .devices import DEVICES, Table
from .names import folded, whole

#: a place in the sources: (index into ``Circuit.sources``, line from 1)
Place = tuple[int, int]
NOWHERE: Place = (-1, 0)

_DTYPES = {"f": np.float64, "i": np.int64, "b": np.bool_}


class Collector:
    """Numbers nodes and collects elements, by row (`add_row`) or by column (`add_columns`)."""

    def __init__(self) -> None:
        # looking up a new node numbers it; ground has two names
        self._nodes = defaultdict[str, int](count(1).__next__, {"0": 0, "gnd": 0})
        self._element_names: set[str] = set()
        # per table: rows that start with name, p, q, file, line ...
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        # ... and the columns that came before those rows
        self._blocks: dict[str, list[list[Any]]] = {}

    def node(self, name: str) -> int:
        """Return the number of a node, which is made where it is new."""
        number = self._nodes.get(name) if isinstance(name, str) else None
        return self._nodes[folded(name)] if number is None else number

    def nodes(self, names: str | Iterable[str], count: int | None = None) -> Ints:
        """Return the numbers of nodes, which are made where they are new.

        Parameters
        ----------
        names : str or iterable of str
            Names, or the prefix of ``prefix0`` to ``prefix<count - 1>``.
        count : int, optional
            How many, if `names` is a prefix.

        Returns
        -------
        ndarray of int, shape (n,)
        """
        if isinstance(names, str):
            if count is None:
                raise UsageError(f"how many nodes {names}0, {names}1, ... are wanted?")
            names = numbered(names, whole(count, "the number of nodes"))
        else:
            names = list(map(folded, names))
        return self.numbers(names)

    def has_node(self, name: str) -> bool:
        """Tell whether a node of that name exists already; ground always does."""
        return name.lower() in self._nodes

    def __contains__(self, name: str) -> bool:
        """Tell whether an element of that name exists already, or will: ``q1:b`` is part of q1."""
        name = name.lower()
        if name in self._element_names or ":" not in name:
            return name in self._element_names
        device, _, letter = name.rpartition(":")
        return device in self._element_names and any(
            device in self._names(table)
            for table in (*self._rows, *self._blocks)
            if letter in list(getattr(DEVICES[table], "terminals", ""))[1:-1]
        )

    def element_names(self) -> list[str]:
        """Return the names of the elements that exist already, in alphabetical order."""
        return sorted(self._element_names)

    def add_row(self, table: str, name: str, p: str, q: str, place: Place, *values: Any) -> None:
        """Add a row to a table of `Circuit`; unlike its callers, this checks no values."""
        if not isinstance(name, str) or not name:
            name = folded(name)  # a number is a name, too
        name = name.lower()
        if name in self._element_names:
            raise UsageError(f"there are two elements called {name}")
        self._element_names.add(name)
        # most nodes are known: a look-up here saves a call, which counts for a million elements
        known = self._nodes
        try:
            i, j = known.get(p), known.get(q)
        except TypeError:
            i = j = None  # `folded` says that a list is no name
        if i is None:
            i = known[folded(p)]
        if j is None:
            j = known[folded(q)]
        rows = self._rows.get(table)
        if rows is None:
            rows = self._rows[table] = []
        rows.append((name, i, j, *place, *values))

    def _check_terminals(self, p: npt.NDArray[Any], q: npt.NDArray[Any]) -> None:
        for ends in (p, q):
            if ends.size and ends.dtype.kind not in "iu":
                raise UsageError("columns of elements take node numbers, see CircuitBuilder.nodes")
            if ends.size and not (ends.min() >= 0 and ends.max() < len(self._nodes) - 1):
                raise UsageError(
                    f"node numbers {ends.min()} to {ends.max()} are not all within "
                    f"0 to {len(self._nodes) - 2}"
                )

    def _claim(self, names: Sequence[str]) -> None:
        """Enter names of elements; `UsageError` if one exists or comes twice."""
        if self.claim(names):
            return
        seen = set(self._element_names)
        for name in names:
            if name in seen:
                raise UsageError(f"there are two elements called {name}")
            seen.add(name)

    # ---- for the netlist reader, whose columns are checked and in lower case ----

    def claim(self, names: Sequence[str]) -> bool:
        """Enter names of elements; False, and none is entered, if one exists or comes twice."""
        taken, before = self._element_names, len(self._element_names)
        if not taken.isdisjoint(names):
            return False
        taken.update(names)
        if len(taken) == before + len(names):
            return True
        self.release(names)
        return False

    def release(self, names: Sequence[str]) -> None:
        """Take back a `claim`."""
        self._element_names.difference_update(names)

    def numbers(self, names: list[str]) -> Ints:
        """Return the numbers of nodes whose names are in lower case; new ones are numbered."""
        return np.fromiter(map(self._nodes.__getitem__, names), np.int64, len(names))

    def ends(self, p: Sequence[str], q: Sequence[str]) -> tuple[Ints, Ints]:
        """Return the numbers of the nodes of elements; new ones are numbered in that order."""
        names = [""] * (2 * len(p))
        names[::2], names[1::2] = p, q
        numbers = self.numbers(names)
        return numbers[::2], numbers[1::2]

    def add_columns(self, table: str, names: Sequence[str], *columns: npt.NDArray[Any]) -> None:
        """Add elements whose names are claimed; the columns are those of their table."""
        blocks = self._blocks.setdefault(table, [])
        if self._rows.get(table):
            blocks.append(_columns(self._rows.pop(table), _types(table)))
        blocks.append([tuple(names), *columns])

    # ---- for the builder ----

    def node_names(self) -> tuple[str, ...]:
        """Return the names of the nodes in the order of their numbers."""
        ground, _, *others = self._nodes
        return ground, *others

    def _names(self, table: str) -> list[str]:
        """Return the names of a table's elements in their order."""
        names = [name for block in self._blocks.get(table, ()) for name in block[0]]
        return names + [row[0] for row in self._rows.get(table, ())]

    def ends_of(self, name: str) -> tuple[str, ...]:
        """Return the names of the nodes of an element with two terminals, () if there is none."""
        for table in {**self._rows, **self._blocks} if name in self._element_names else ():
            names = self._names(table)
            if name in names and not hasattr(DEVICES[table], "terminals"):
                _, p, q, *_ = self.columns(table)
                nodes, at = self.node_names(), names.index(name)
                return nodes[int(p[at])], nodes[int(q[at])]
        return ()

    def moved_ends(
        self, table: str, wanted: Collection[str], letter: str, terminals: str
    ) -> list[tuple[str, str, int, int]]:
        """Move ends of elements to nodes of their own: the first ones, or terminals by a letter.

        Returns
        -------
        list of tuple
            Name of an element and its terminal, where its end was, its place in the sources.
        """
        names = [f"{name}:{letter}" if letter else name for name in self._names(table)]
        rows = [k for k, name in enumerate(names) if name in wanted]
        if not rows:
            return []
        columns, nodes = self.columns(table), self.node_names()
        # the first end, the last one, file and line, those between
        at = max(terminals.find(letter), 0)
        at = 2 if 0 < at == len(terminals) - 1 else at + 4 if at else 1
        ends, files, lines = columns[at], columns[3], columns[4]
        moved = [(names[k], nodes[ends[k]], int(files[k]), int(lines[k])) for k in rows]
        columns[at] = ends.copy()
        columns[at][rows] = self.numbers([f"{names[k]}#i" for k in rows])
        self._blocks[table], self._rows[table] = [columns], []
        return moved

    def columns(self, table: str) -> list[Any]:
        """Return a table's columns, as its device's `made` takes them."""
        blocks = list(self._blocks.get(table, ()))
        rows = self._rows.get(table, [])
        if rows or not blocks:
            blocks.append(_columns(rows, _types(table)))
        if len(blocks) == 1:
            return blocks[0]
        joined = [_joined([block.pop(0) for block in blocks]) for _ in range(len(blocks[0]))]
        self._blocks[table], self._rows[table] = [joined], []
        return list(joined)


def _types(table: str) -> str:
    device = DEVICES[table]
    assert issubclass(device, Table)  # crossbars come whole
    return device.types


def _columns(rows: list[tuple[Any, ...]], types: str) -> list[Any]:
    """Turn rows into columns: the names, then arrays, of which `types` are those after `line`."""
    columns = [[row[k] for row in rows] for k in range(5 + len(types))]
    arrays: list[Any] = [np.array(c, dtype=_DTYPES[t]) if t != "o" else c
              for c, t in zip(columns[1:], "iiii" + types, strict=True)]  # fmt: skip
    return [tuple(columns[0]), *arrays]


def _joined(parts: list[Any]) -> Any:
    """Return one column of several blocks, whose parts are not kept twice for long."""
    parts = [part for part in parts if len(part)] or parts[:1]
    first = parts[0]
    if isinstance(first, tuple):
        return tuple(chain.from_iterable(parts))
    # what is the same for all takes no room
    if len(first) and all(part.strides == (0,) and part[0] == first[0] for part in parts):
        return np.broadcast_to(first[0], sum(map(len, parts)))
    return np.concatenate(parts)


def numbered(prefix: str, count: int) -> list[str]:
    """Return names that a prefix and a number make."""
    folded = prefix.lower()
    return [f"{folded}{k}" for k in range(count)]
