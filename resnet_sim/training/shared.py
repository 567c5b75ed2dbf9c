"""Parameters of a deck that learn: whatever is affine in them learns with them.

With ``.param k=1m`` and ``R1 a b {1/k}``, ``R2 c d {2/k}``, ``E1 e 0 f 0 {1k*k}`` one number
moves two conductances and a gain: ties, the kernels of convolutions, gains, drops and sources.
Each value is ``offset + sum slope * parameter``, or its reciprocal is, as conductances are.  This
is found from decks that are elaborated with other parameters, proved on two more, and once more
on the parameters that were learned.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from ..errors import NetlistError, UsageError
from ..model.circuit import Circuit
from ..model.devices import Table

#: Globs, or globs with the bounds of what they mean.
Wanted = str | Sequence[str] | Mapping[str, tuple[float, float]]
#: Columns of values that may depend on parameters, by table.
LEARNED = {
    "resistors": ("ohms",),
    "voltage_sources": ("volts",),
    "current_sources": ("amps",),
    "diodes": ("v_forward", "r_on"),
    "controlled_sources": ("constant", "gain"),
}
#: By how much parameters are moved to learn what depends on them, relative; the first that the
#: deck allows.
STEPS = (0.5, 1e-2, 1e-4)
#: How far a value may be from where an affine function has it, relative.
NEAR = 1e-9


@dataclass(frozen=True)
class Affine:
    """Values of one column, or their reciprocals, as affine functions of the parameters.

    Attributes
    ----------
    table, column : str
    at : ndarray of int, shape (n,)
        Places in the column.
    inverse : bool
        Whether the reciprocals are meant.
    offset : ndarray, shape (n,)
    row, parameter : ndarray of int, shape (terms,)
    slope : ndarray, shape (terms,)
    """

    table: str
    column: str
    at: Ints
    inverse: bool
    offset: Floats
    row: Ints
    parameter: Ints
    slope: Floats

    def form(self, theta: Floats) -> Floats:
        """Return the affine forms, shape (n,), for parameters, shape (P,)."""
        terms = self.slope * theta[self.parameter]
        return np.asarray(self.offset + np.bincount(self.row, terms, len(self.at)))

    def __call__(self, theta: Floats) -> Floats:
        """Return the values, shape (n,), for parameters, shape (P,)."""
        with np.errstate(divide="ignore"):
            return 1.0 / self.form(theta) if self.inverse else self.form(theta)

    def agrees(self, theta: Floats, values: Floats) -> Bools:
        """Tell which values of the column are those that parameters make."""
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = 1.0 / values[self.at] if self.inverse else values[self.at]
            terms = np.abs(self.slope * theta[self.parameter])
            size = np.bincount(self.row, terms, len(self.at)) + np.abs(self.offset)
            return np.asarray(np.abs(self.form(theta) - wanted) <= NEAR * size)

    def only(self, rows: Bools) -> Affine:
        """Return some of the values."""
        terms, number = rows[self.row], np.cumsum(rows) - 1
        return dataclasses.replace(
            self, at=self.at[rows], offset=self.offset[rows], row=number[self.row[terms]],
            parameter=self.parameter[terms], slope=self.slope[terms],
        )  # fmt: skip

    @cached_property
    def alone(self) -> Bools:
        """Tell of each term whether its value has no other."""
        found: Bools = np.bincount(self.row, minlength=len(self.at))[self.row] == 1
        return found

    def limits(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds of the forms, where conductances have some, S."""
        if self.table == "resistors":
            if self.inverse:
                return low, high
            if low >= 0:
                with np.errstate(divide="ignore"):
                    return float(np.divide(1.0, high)), float(np.divide(1.0, low))
        return (0.0 if self.column == "r_on" and not self.inverse else -math.inf), math.inf

    def pull(self, by_value: Floats, theta: Floats) -> Floats:
        """Return derivatives by the parameters, shape (P,), of those by the values, shape (n,)."""
        if self.inverse:  # d(1/y) = -(1/y)^2 dy
            by_value = -by_value * self(theta) ** 2
        terms = self.slope * by_value[self.row]
        return np.asarray(np.bincount(self.parameter, terms, len(theta)), dtype=float)


@dataclass(frozen=True)
class Shared:
    """Parameters that learn.

    Attributes
    ----------
    names : tuple of str
    start, low, high : ndarray, shape (P,)
        Values that the deck gives them, and their bounds.
    parts : tuple of Affine
        What depends on them.
    of_deck : int
        So many are parameters of a deck; those after them are transconductances.
    """

    names: tuple[str, ...]
    start: Floats
    low: Floats
    high: Floats
    parts: tuple[Affine, ...]
    of_deck: int

    def applied(self, circuit: Circuit, theta: Floats) -> Circuit:
        """Return the circuit with what follows the parameters."""
        columns: dict[str, dict[str, Floats]] = {}
        for part in self.parts:
            own = columns.setdefault(part.table, {})
            if part.column not in own:
                own[part.column] = getattr(circuit.tables[part.table], part.column).copy()
            own[part.column][part.at] = part(theta)
        changed = circuit._with_columns(columns)
        known = self._of_deck(theta)
        if not known:
            return changed
        rebuild = circuit.rebuild and partial(_rebuilt, circuit.rebuild, known)
        return dataclasses.replace(
            changed, rebuild=rebuild, parameters={**circuit.parameters, **known},
            overrides={**circuit.overrides, **known},
        )  # fmt: skip

    def rows(self, table: str) -> Ints:
        """Return the rows of resistors, or of sources, that follow parameters."""
        return self.places(table, *LEARNED[table])

    def places(self, table: str, *columns: str) -> Ints:
        """Return the places in columns of a table that follow parameters."""
        parts = (part for part in self.parts if part.table == table and part.column in columns)
        return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(p.at for p in parts)]))

    def siemens(self, theta: Floats, of: Ints) -> Floats:
        """Return conductances (S) of the resistors that follow parameters, in rows `of`."""
        found = np.zeros(len(of))
        for part in self.parts:
            if part.table == "resistors":
                found[np.searchsorted(of, part.at)] = 1.0 / part(theta)
        return found

    def confirm(self, circuit: Circuit, theta: Floats) -> None:
        """Raise `UsageError` if the deck with these parameters is another circuit."""
        if circuit.rebuild is None or not self.of_deck:
            return
        deck = circuit.rebuild(self._of_deck(theta))
        if deck.nodes != circuit.nodes or deck.element_names != circuit.element_names:
            raise UsageError(f"with {self._shown(theta)} the structure is another one: set bounds")
        for part in (part for part in self.parts if (part.parameter < self.of_deck).all()):
            right = part.agrees(theta, getattr(deck.tables[part.table], part.column))
            if not right.all():
                at = int(part.at[np.flatnonzero(~right)[0]])
                raise UsageError(
                    f"with {self._shown(theta)} {_owner(deck, part.table, part.column, at)} is not "
                    "what has been trained: it is affine in parts; set bounds"
                )

    def _of_deck(self, theta: Floats) -> dict[str, float]:
        """Return the parameters of the deck by name."""
        return dict(zip(self.names[: self.of_deck], theta.tolist(), strict=False))

    def _shown(self, theta: Floats) -> str:
        pairs = zip(self.names[:8], theta.tolist(), strict=False)
        return ", ".join(f"{name}={value:.6g}" for name, value in pairs)

    def bounded(self, low: float, high: float) -> Shared:
        """Return the same parameters within what keeps conductances between low and high, S."""
        lower, upper = self.low.copy(), self.high.copy()
        for part in self.parts:
            ends, alone = part.limits(low, high), part.alone
            number, slope = part.parameter[alone], part.slope[alone]
            one, other = ((end - part.offset[part.row[alone]]) / slope for end in ends)
            np.maximum.at(lower, number, np.minimum(one, other))
            np.minimum.at(upper, number, np.maximum(one, other))
        bad = np.flatnonzero(~((lower <= self.start) & (self.start <= upper)))
        if len(bad):
            k = int(bad[0])
            raise UsageError(
                f"{self.names[k]} starts at {self.start[k]:.6g}, but its bounds, and those of what "
                f"follows it, are {lower[k]:.6g} and {upper[k]:.6g}"
            )
        return dataclasses.replace(self, low=lower, high=upper)

    def within(self, theta: Floats, wanted: Floats, low: float, high: float) -> Floats:
        """Return the parameters on the way to what is wanted at which all bounds are kept."""
        wanted = np.clip(wanted, self.low, self.high)
        share = 1.0
        for part in self.parts:
            if part.alone.all():  # their bounds are those of the parameters
                continue
            (least, most), start, end = part.limits(low, high), part.form(theta), part.form(wanted)
            over = (end > most) | (end < least)
            limit = np.where(end > most, most, least)[over]
            room = (limit - start[over]) / (end - start)[over]
            share = min(share, max(0.0, float(room.min(initial=1.0))))
        return wanted if share == 1.0 else np.asarray(theta + share * (wanted - theta))


def _rebuilt(
    rebuild: Any, known: Mapping[str, float], values: Mapping[str, float], draw: str | None = None
) -> Circuit:
    """Elaborate a deck with what its parameters have learned."""
    circuit: Circuit = rebuild({**known, **values}, draw=draw)
    return circuit


def learn(circuit: Circuit, wanted: Wanted) -> Shared:
    """Return the parameters that globs mean, and what follows them.

    Raises
    ------
    UsageError
        If there are none, or something depends on them in another way.
    """
    names, low, high = _named(circuit, wanted)
    assert circuit.rebuild is not None
    start = np.array([circuit.parameters[name] for name in names])
    base = _elaborated(circuit, names, start)
    for table, column, at, *_ in _changes(circuit, base, names):
        name = _owner(circuit, table, column, at[0])
        raise UsageError(f"{name} has another value than the deck and its parameters give it")
    found = _Probe(circuit, names, start, base).parts()
    if not found:
        raise UsageError(f"nothing in the circuit depends on {', '.join(names[:8])}")
    return Shared(names, start, low, high, found, len(names))


def _named(circuit: Circuit, wanted: Wanted) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return names and bounds of the parameters that are meant, in the deck's order."""
    if circuit.rebuild is None or not circuit.parameters:
        raise UsageError("the circuit has no parameters: they are those of a netlist, .param k=1")
    given = {wanted: None} if isinstance(wanted, str) else wanted
    bounds = dict(given) if isinstance(given, Mapping) else dict.fromkeys(given)
    chosen: dict[str, tuple[float, float]] = {}
    for pattern, ends in bounds.items():
        folded = pattern.lower()
        found = [n for n in circuit.parameters if n == folded or fnmatchcase(n, folded)]
        if not found:
            known = ", ".join(list(circuit.parameters)[:8])
            raise UsageError(f"no parameter that is a number is called {pattern!r}; known: {known}")
        low, high = (-math.inf, math.inf) if ends is None else (float(ends[0]), float(ends[1]))
        if not low <= high:
            raise UsageError(f"parameter {pattern}: needs bounds low <= high, not {low} and {high}")
        chosen |= dict.fromkeys(found, (low, high))
    names = tuple(name for name in circuit.parameters if name in chosen)
    ends = np.array([chosen[name] for name in names], dtype=float).reshape(-1, 2)
    return names, ends[:, 0].copy(), ends[:, 1].copy()


def _elaborated(circuit: Circuit, names: Sequence[str], theta: Floats) -> Circuit:
    return circuit.with_parameters(dict(zip(names, theta.tolist(), strict=True)))


_STRUCTURE = "the structure of the circuit depends on {}: it can't learn"
Change = tuple[str, str, Ints, Floats, Floats]


def _changes(old: Circuit, new: Circuit, names: Sequence[str]) -> list[Change]:
    """Return table, column, places, and values before and after, of all that differs.

    Raises
    ------
    UsageError
        If anything else than values that can learn does.
    """
    shown, found = ", ".join(names[:8]), []
    if old.nodes != new.nodes or list(old.tables) != list(new.tables):
        raise UsageError(_STRUCTURE.format(shown))
    for name, table in old.tables.items():
        other = new.tables[name]
        if not isinstance(table, Table) or not isinstance(other, Table):
            if not _same(table, other):
                raise UsageError(f"the conductances of crossbars follow {shown}: they can't learn")
            continue
        for column in (field.name for field in dataclasses.fields(table)):
            mine, theirs = getattr(table, column), getattr(other, column)
            if column in LEARNED.get(name, ()) and len(mine) == len(theirs):
                at = np.flatnonzero(mine != theirs)
                if len(at):
                    found.append((name, column, at, mine[at], theirs[at]))
            elif not _same(*_counting(table, other, column)):
                if column in ("names", "p", "q"):
                    raise UsageError(_STRUCTURE.format(shown))
                raise UsageError(
                    f"{shown}: what follows is {column} of a {table.kind}, which can't learn"
                )
    return found


def _counting(one: Table, other: Table, column: str) -> tuple[Any, Any]:
    """Return what counts of a column: no resistance in a breakdown that never comes."""
    mine, theirs = getattr(one, column), getattr(other, column)
    if column == "r_reverse" and len(mine) == len(theirs):
        matters = np.isfinite(getattr(one, "v_reverse", mine))
        return mine[matters], theirs[matters]
    return mine, theirs


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal: numbers, texts, arrays, and what is made of them."""
    if isinstance(one, np.ndarray) and one.dtype != object:
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if type(one) is not type(other):
        return False
    if isinstance(one, (tuple, list, np.ndarray)):
        return len(one) == len(other) and all(map(_same, one, other))
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return all(_same(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


def _owner(circuit: Circuit, table: str, column: str, at: int) -> str:
    """Return the name of the element that a place in a column belongs to."""
    device = circuit.tables[table]
    if column == "gain":
        at = int(np.searchsorted(circuit.controlled_sources.ptr, at, side="right")) - 1
    return device.names[at]


@dataclass(frozen=True)
class _Moves:
    """How values of one column, from `old` to `new`, answer to moves of single parameters."""

    at: Ints
    parameter: Ints
    old: Floats
    new: Floats


class _Probe:
    """Decks with other parameters, and what they tell.

    Parameter k is moved in the decks of the bits of its number.  A value that one parameter alone
    moves, as most do, is moved in just these: log2 of the number of parameters is the number of
    decks.  If some value depends on several, each parameter gets a deck of its own.
    """

    def __init__(
        self, circuit: Circuit, names: tuple[str, ...], start: Floats, base: Circuit
    ) -> None:
        self.circuit, self.names, self.start, self.base = circuit, names, start, base
        rng = np.random.default_rng(0)
        #: where the parameters stand in the first proof, in steps; in the second on the other side
        self.share = rng.uniform(0.5, 1.0, len(names)) * rng.choice([-1.0, 1.0], len(names))
        self.size = start

    def parts(self) -> tuple[Affine, ...]:
        """Return what follows the parameters."""
        error: NetlistError | None = None
        for step in STEPS:
            self.size = step * np.where(self.start == 0, 1.0, np.abs(self.start))
            try:
                proofs = [(share, self._moved(share)) for share in (self.share, -self.share)]
                found, unfit = self._fitted(self._by_bits(), proofs)
                if unfit and len(self.names) > 1:
                    found, unfit = self._fitted(self._one_by_one(), proofs)
            except NetlistError as refused:
                error = refused
                continue
            if unfit:
                table, column, at = unfit
                raise UsageError(
                    f"{_owner(self.base, table, column, at)} is no affine function of "
                    f"{', '.join(self.names[:8])}, nor is its reciprocal: it can't learn with them"
                )
            return tuple(found)
        shown = ", ".join(self.names[:8])
        raise UsageError(f"the deck does not hold for other values of {shown}: {error}")

    def _moved(self, share: npt.NDArray[Any]) -> list[Change]:
        """Return what changes with parameters that are moved by a share of the step."""
        other = _elaborated(self.circuit, self.names, self.start + share * self.size)
        return _changes(self.base, other, self.names)

    def _by_bits(self) -> dict[tuple[str, str], _Moves]:
        """Return what moves, as if one parameter alone moved each value."""
        number = np.arange(1, len(self.names) + 1)
        code: dict[tuple[str, str], Ints] = {}
        value: dict[tuple[str, str], Floats] = {}
        for bit in range(int(number[-1]).bit_length()):
            for table, column, at, _, new in self._moved((number >> bit) & 1):
                key, old = (table, column), getattr(self.base.tables[table], column)
                code.setdefault(key, np.zeros(len(old), dtype=np.int64))[at] |= 1 << bit
                value.setdefault(key, old.copy())[at] = new
        found = {}
        for (table, column), bits in code.items():
            at = np.flatnonzero(bits)
            # a number that no parameter has is shown by the proof to be wrong
            parameter = np.minimum(bits[at], len(self.names)) - 1
            old = getattr(self.base.tables[table], column)[at]
            found[table, column] = _Moves(at, parameter, old, value[table, column][at])
        return found

    def _one_by_one(self) -> dict[tuple[str, str], _Moves]:
        """Return what moves in a deck for each parameter."""
        moves: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        for k in range(len(self.names)):
            for table, column, at, old, new in self._moved(np.arange(len(self.names)) == k):
                moves.setdefault((table, column), []).append((at, np.full(len(at), k), old, new))
        return {
            key: _Moves(*(np.concatenate(column) for column in zip(*some, strict=True)))
            for key, some in moves.items()
        }

    def _fitted(
        self, moves: dict[tuple[str, str], _Moves], proofs: list[tuple[Floats, list[Change]]]
    ) -> tuple[list[Affine], tuple[str, str, int] | None]:
        """Return what is affine, or its reciprocal, as the proofs have it; and a value that is not.

        What the proofs move and no single parameter does is none of them either.
        """
        open_ = {key: set(some.at.tolist()) for key, some in moves.items()}
        for _, proof in proofs:
            for table, column, at, *_ in proof:
                open_.setdefault((table, column), set()).update(at.tolist())
        found: list[Affine] = []
        for (table, column), places in open_.items():
            if (table, column) in moves:
                for inverse in (False, True):
                    part = self._affine(table, column, moves[table, column], inverse)
                    fits = np.isin(part.at, list(places))
                    for share, proof in proofs:
                        fits &= self._fits(part, share, proof)
                    places -= set(part.at[fits].tolist())
                    found += [part.only(fits)] if fits.any() else []
            if places:
                return [], (table, column, min(places))
        return found, None

    def _affine(self, table: str, column: str, moves: _Moves, inverse: bool) -> Affine:
        """Return the affine functions that moves amount to, whether they are right or not."""
        with np.errstate(divide="ignore", invalid="ignore"):
            old, new = ((1.0 / x if inverse else x) for x in (moves.old, moves.new))
            at, row = np.unique(moves.at, return_inverse=True)
            slope = (new - old) / self.size[moves.parameter]
            value = np.zeros(len(at))
            value[row] = old
            terms = slope * self.start[moves.parameter]
            offset = value - np.bincount(row, terms, len(at))
            # what is proportional is so exactly: rounding leaves no offset
            size = np.bincount(row, np.abs(terms), len(at)) + np.abs(value)
            offset[np.abs(offset) <= 1e-12 * size] = 0.0
        return Affine(table, column, at, inverse, offset, row, moves.parameter, slope)

    def _fits(self, part: Affine, share: Floats, proof: list[Change]) -> Bools:
        """Tell which values of a proof a part has right."""
        values = getattr(self.base.tables[part.table], part.column).copy()
        for table, column, at, _, new in proof:
            if (table, column) == (part.table, part.column):
                values[at] = new
        return part.agrees(self.start + share * self.size, values)
