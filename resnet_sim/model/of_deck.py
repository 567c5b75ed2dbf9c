"""What a circuit knows of its deck: parameters, random numbers, and what was changed since."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Ints
from ..errors import UsageError, did_you_mean
from .devices import Table
from .display import few
from .names import mapping
from .numbered import Numbered

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic
    from .devices import Crossbars

#: names that a misspelt one is compared with
MOST_COMPARED = 5000
#: relative difference up to which numbers are the same, but for rounding
ROUNDING = 1e-12
#: columns that say where an element stands in its deck
_PLACE = ("file", "line")


class OfDeck(Numbered):
    """A circuit that may be elaborated anew, in which what has been set by hand stays set."""

    if TYPE_CHECKING:
        rebuild: Callable[..., Self] | None
        altered: bool
        diagnostics: tuple[Diagnostic, ...]

        def with_values(self, values: Mapping[str, float]) -> Self:
            """Return the circuit with other values."""

        def _renewed(self, tables: Mapping[str, Table | Crossbars]) -> Self: ...

    def with_parameters(self, values: Mapping[str, float]) -> Self:
        """Return the deck elaborated anew with other parameters (``temp``: Celsius).

        What has been changed since it was read, by `with_values` and its like, stays as it is.

        Raises
        ------
        UsageError
            If the circuit was not read from a netlist, a parameter is unknown, or what follows
            it has been changed by hand.
        """
        if self.rebuild is None:
            raise UsageError("the circuit was not read from a netlist: it has no parameters")
        values = mapping(values, "parameters")
        return self._kept(self.rebuild(values), few(tuple(values)))

    def with_settings(self, values: Mapping[str, float]) -> Self:
        r"""Return the circuit with other values of elements, and of parameters of its deck.

        Raises
        ------
        UsageError
            If a name is neither, or has no such value.

        Examples
        --------
        >>> circuit = rs.parse_netlist("load\n.param r=1k\nV1 a 0 1\nR1 a 0 {r}")
        >>> circuit.with_settings({"r": 2e3, "v1": 4.0}).resistors.ohms
        array([2000.])
        """
        values = mapping(values, "settings")
        own = {name: v for name, v in values.items() if self.find(name) is not None}
        others = {name: value for name, value in values.items() if name not in own}
        try:
            circuit = self.with_parameters(others) if others else self
        except UsageError as error:
            meant = did_you_mean(next(iter(others)), islice(self.element_names, MOST_COMPARED))
            raise UsageError(f"{error}; {meant}" if meant else str(error)) from None
        return circuit.with_values(own) if own else circuit

    @property
    def is_random(self) -> bool:
        """Whether the deck has random functions, such as ``mc(1k, 0.1)``."""
        return any(diagnostic.code == "N107" for diagnostic in self.diagnostics)

    def with_draw(self, seed: str) -> Self:
        """Return the deck elaborated anew, with numbers drawn by its random functions.

        Raises
        ------
        UsageError
            If the circuit was not read from a netlist.
        """
        if self.rebuild is None:
            raise UsageError("the circuit was not read from a netlist: it has no random functions")
        return self._kept(self.rebuild({}, draw=seed))

    @cached_property
    def _as_read(self) -> Self:
        assert self.rebuild is not None
        return self.rebuild({})

    def _kept(self, new: Self, moved: str = "") -> Self:
        """Return the deck elaborated anew with what is not as in the deck any more.

        What of it would be changed by parameters, which `moved` tells, is refused.
        """
        if not self.altered:
            return new
        changed: dict[str, Table | Crossbars] = {}
        for name, table in self.tables.items():
            old = self._as_read.tables[name]
            if not isinstance(table, Table) or not isinstance(old, Table):
                changed[name] = table
                continue
            if table.names != old.names:
                raise UsageError("elements were added or removed after the deck was read: its "
                                 "parameters can't be set any more")  # fmt: skip
            found = _kept(table, old, new.tables[name], moved)
            if found is not None:
                changed[name] = found
        return new._renewed(changed) if changed else new


def _kept(mine: Table, old: Table, new: Any, moved: str) -> Table | None:
    """Return a table of the deck elaborated anew with what `mine` has changed, None if nothing."""
    columns = {}
    for column in (field.name for field in dataclasses.fields(mine)):
        ours, was = getattr(mine, column), getattr(old, column)
        if column in _PLACE or not isinstance(ours, np.ndarray):
            continue
        rows = np.flatnonzero(_differ(ours, was))
        if not len(rows):
            continue
        place = _places(new, mine.names, rows)
        column_now = getattr(new, column).copy()
        off = _differ(column_now[place], was[rows])
        if moved and off.any():
            name = mine.names[int(rows[off.argmax()])]
            raise UsageError(
                f"{name} has been changed by hand, and follows {moved}: set parameters first"
            )
        column_now[place] = ours[rows]
        columns[column] = column_now
    return dataclasses.replace(new, **columns) if columns else None


def _places(new: Table, names: Sequence[str], rows: Ints) -> Ints:
    """Return where elements stand in a table of the deck elaborated anew."""
    if new.names == names:
        return rows
    number = {name: k for k, name in enumerate(new.names)}
    wanted = [names[k] for k in rows.tolist()]
    if lost := [name for name in wanted if name not in number]:
        raise UsageError(f"{lost[0]} has been changed by hand, and is not there any more")
    return np.array([number[name] for name in wanted], dtype=np.int64)


def _differ(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> Bools:
    """Tell where numbers are not the same, but for rounding."""
    if one.dtype.kind != "f":
        return np.asarray(one != other)
    with np.errstate(invalid="ignore"):
        same = np.abs(one - other) <= ROUNDING * np.abs(other)
    return ~(same | (one == other) | (np.isnan(one) & np.isnan(other)))
