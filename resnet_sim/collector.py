"""What a `CircuitBuilder` holds: nodes, and rows and columns of elements not yet a circuit.

Elements come one at a time as rows, or as whole columns, a million in about a second.
Both kinds may alternate; a table keeps the order in which its elements came.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from .elements import Ints
from .errors import UsageError

#: a place in the sources: (index into ``Circuit.sources``, line from 1)
Place = tuple[int, int]
NOWHERE: Place = (-1, 0)

#: table -> kinds of its columns after `line`: float, int, bool
_KINDS = {
    "resistors": "f",
    "capacitors": "f",
    "inductors": "f",
    "voltage_sources": "f",
    "current_sources": "f",
    "diodes": "fffff",
    "switches": "ffiiiffbb",
    "controlled_sources": "bf",
}
_DTYPES = {"f": np.float64, "i": np.int64, "b": np.bool_}


class Collector:
    """Numbers nodes and collects elements, by row (`add_row`) or by column.

    The methods for whole columns take

    names : str or sequence of str
        A prefix gives ``r0``, ``r1``, ... for ``"r"``.
    p, q : array_like of int, shape (n,)
        Node numbers, as `nodes` and `node` return them; one number stands for all rows.

    and values of shape (n,) or scalars.  The longest of all these arguments determines n.
    Names and values are checked as they are one by one.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, int] = {"0": 0, "gnd": 0}
        self._node_names: list[str] = ["0"]
        self._element_names: set[str] = set()
        # per table: rows that start with name, p, q, file, line ...
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        # ... and the columns that came before those rows
        self._blocks: dict[str, list[list[Any]]] = {}

    def node(self, name: str) -> int:
        """Return the number of a node, which is made where it is new."""
        number = self._nodes.get(name)
        if number is None:
            folded = name.lower()
            number = self._nodes.get(folded)
            if number is None:
                number = len(self._node_names)
                self._nodes[folded] = number
                self._node_names.append(folded)
        return number

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
            names = _numbered(names, count)
        else:
            names = list(map(str.lower, names))
        known, before, start = self._nodes, len(self._nodes), len(self._node_names)
        if known.keys().isdisjoint(names):
            known.update(zip(names, range(start, start + len(names)), strict=True))
            if len(known) == before + len(names):
                self._node_names += names
                return np.arange(start, start + len(names))
            for name in set(names):  # some came twice
                del known[name]
        return np.array([self.node(name) for name in names], dtype=np.int64)

    def has_node(self, name: str) -> bool:
        """Tell whether a node of that name exists already; ground always does."""
        return name.lower() in self._nodes

    def __contains__(self, name: str) -> bool:
        """Tell whether an element of that name exists already."""
        return name.lower() in self._element_names

    def add_row(self, table: str, name: str, p: str, q: str, place: Place, *values: Any) -> None:
        """Add a row to a table of `Circuit`; unlike its callers, this checks no values."""
        name = name.lower()
        if name in self._element_names:
            raise UsageError(f"there are two elements called {name}")
        self._element_names.add(name)
        # most nodes are known: a look-up here saves a call, which counts for a million elements
        known = self._nodes
        i, j = known.get(p), known.get(q)
        if i is None or j is None:
            i, j = self.node(p), self.node(q)
        rows = self._rows.get(table)
        if rows is None:
            rows = self._rows[table] = []
        rows.append((name, i, j, *place, *values))

    # ---- whole columns ----

    def resistors(
        self, names: str | Sequence[str], p: npt.ArrayLike, q: npt.ArrayLike, ohms: npt.ArrayLike
    ) -> None:
        """Add resistors: 0 ohm is a short, infinity is open, negative values are allowed."""
        self._add_columns("resistors", names, p, q, ohms, may_be_inf=(0,))

    def voltage_sources(
        self,
        names: str | Sequence[str],
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        volts: npt.ArrayLike = 0.0,
    ) -> None:
        """Add voltage sources, ``v(p) - v(q) = volts``."""
        self._add_columns("voltage_sources", names, p, q, volts)

    def current_sources(
        self,
        names: str | Sequence[str],
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        amps: npt.ArrayLike = 0.0,
    ) -> None:
        """Add current sources, `amps` flow from p through the source to q."""
        self._add_columns("current_sources", names, p, q, amps)

    def diodes(
        self,
        names: str | Sequence[str],
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        *,
        v_forward: npt.ArrayLike = 0.0,
        r_on: npt.ArrayLike = 0.0,
        r_off: npt.ArrayLike = math.inf,
        v_reverse: npt.ArrayLike = math.inf,
        r_reverse: npt.ArrayLike = 0.0,
    ) -> None:
        """Add diodes with anodes p and cathodes q; ideal unless told otherwise."""
        on, off, reverse = np.asarray(r_on), np.asarray(r_off), np.asarray(r_reverse)
        ranges = (on >= 0) & (on <= off) & (reverse >= 0) & (reverse <= off) & (off > 0)
        if not np.all(ranges):
            raise UsageError(f"{_some(names)}: needs 0 <= r_on, r_reverse <= r_off and r_off > 0")
        if not np.all(-np.asarray(v_reverse) <= np.asarray(v_forward)):
            raise UsageError(f"{_some(names)}: needs -v_reverse <= v_forward")
        values = (v_forward, r_on, r_off, v_reverse, r_reverse)
        self._add_columns("diodes", names, p, q, *values, may_be_inf=(2, 3, 4))

    def _add_columns(
        self,
        table: str,
        names: str | Sequence[str],
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        *values: npt.ArrayLike,
        may_be_inf: Sequence[int] = (),
    ) -> None:
        """Check columns and add them to a table whose values are all float."""
        given = [np.asarray(p), np.asarray(q), *(np.asarray(x, dtype=np.float64) for x in values)]
        count = max((x.size for x in given if x.ndim), default=1)
        names = _numbered(names, count) if isinstance(names, str) else list(map(str.lower, names))
        columns = [_column(x, len(names), table) for x in given]
        self._check_terminals(columns[0], columns[1])
        for k, column in enumerate(columns[2:]):
            wrong = ~np.isfinite(column)
            if k in may_be_inf:
                wrong &= column != np.inf
            if wrong.any():
                row = int(np.argmax(wrong))
                raise UsageError(f"the value {column[row]} of {names[row]} is not finite")
        self._claim(names)
        place = [np.full(len(names), x) for x in NOWHERE]
        blocks = self._blocks.setdefault(table, [])
        if self._rows.get(table):
            blocks.append(_columns(self._rows.pop(table), _KINDS[table]))
        blocks.append(
            [tuple(names), *(x.astype(np.int64) for x in columns[:2]), *place, *columns[2:]]
        )

    def _check_terminals(self, p: npt.NDArray[Any], q: npt.NDArray[Any]) -> None:
        for ends in (p, q):
            if ends.size and ends.dtype.kind not in "iu":
                raise UsageError("columns of elements take node numbers, see CircuitBuilder.nodes")
            if ends.size and not (ends.min() >= 0 and ends.max() < len(self._node_names)):
                raise UsageError(
                    f"node numbers {ends.min()} to {ends.max()} are not all within "
                    f"0 to {len(self._node_names) - 1}"
                )

    def _claim(self, names: Sequence[str]) -> None:
        """Enter names of elements; `UsageError` if one exists or comes twice."""
        before = len(self._element_names)
        if self._element_names.isdisjoint(names):
            self._element_names.update(names)
            if len(self._element_names) == before + len(names):
                return
            self._element_names.difference_update(names)
        seen = set(self._element_names)
        for name in names:
            if name in seen:
                raise UsageError(f"there are two elements called {name}")
            seen.add(name)

    # ---- for the builder ----

    def _names(self, table: str) -> list[str]:
        """Return the names of a table's elements in their order."""
        names = [name for block in self._blocks.get(table, ()) for name in block[0]]
        return names + [row[0] for row in self._rows.get(table, ())]

    def _columns(self, table: str, rows: list[tuple[Any, ...]] | None = None) -> list[Any]:
        """Return a table's columns; `rows` stand in for those that were added one by one."""
        blocks = list(self._blocks.get(table, ()))
        rows = self._rows.get(table, []) if rows is None else rows
        if rows or not blocks:
            blocks.append(_columns(rows, _KINDS[table]))
        if len(blocks) == 1:
            return blocks[0]
        names, *arrays = zip(*blocks, strict=True)
        return [tuple(chain.from_iterable(names)), *(np.concatenate(parts) for parts in arrays)]


def _columns(rows: list[tuple[Any, ...]], kinds: str) -> list[Any]:
    """Turn rows into columns: the names, then arrays, of which `kinds` are those after `line`."""
    return [
        tuple([row[0] for row in rows]),
        *(
            np.array([row[k] for row in rows], dtype=_DTYPES[kind])
            for k, kind in enumerate("iiii" + kinds, start=1)
        ),
    ]


def _column(values: npt.NDArray[Any], count: int, table: str) -> npt.NDArray[Any]:
    """Return a column of its own: a circuit locks its arrays, not those of the caller."""
    if values.ndim > 1 or values.size not in (1, count):
        raise UsageError(f"{table}: {count} names, but a column of shape {values.shape}")
    return np.broadcast_to(values.reshape(-1), count).copy()


def _numbered(prefix: str, count: int) -> list[str]:
    folded = prefix.lower()
    return [f"{folded}{k}" for k in range(count)]


def _some(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ", ".join(names[:3])
