"""What follows parameters: found out from decks that are elaborated with others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from ..errors import NetlistError, UsageError
from ..model.affine import Affine
from ..model.circuit import Circuit
from ..model.devices import Table
from ..model.display import few

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


def elaborated(circuit: Circuit, names: Sequence[str], theta: Floats) -> Circuit:
    """Return the deck elaborated with parameters."""
    assert circuit.rebuild is not None
    return circuit.rebuild(dict(zip(names, theta.tolist(), strict=True)))


_STRUCTURE = "the structure of the circuit depends on {}: it can't learn"
Change = tuple[str, str, Ints, Floats, Floats]


def changes(old: Circuit, new: Circuit, names: Sequence[str]) -> list[Change]:
    """Return table, column, places, and values before and after, of all that differs.

    Raises
    ------
    UsageError
        If anything else than values that can learn does.
    """
    shown, found = few(names), []
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


def owner(circuit: Circuit, table: str, column: str, at: int) -> str:
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


class Probe:
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
                    f"{owner(self.base, table, column, at)} is no affine function of "
                    f"{few(self.names)}, nor is its reciprocal: it can't learn with them"
                )
            return tuple(found)
        raise UsageError(f"the deck does not hold for other values of {few(self.names)}: {error}")

    def _moved(self, share: npt.NDArray[Any]) -> list[Change]:
        """Return what changes with parameters that are moved by a share of the step."""
        other = elaborated(self.circuit, self.names, self.start + share * self.size)
        return changes(self.base, other, self.names)

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
