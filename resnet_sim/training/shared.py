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

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.affine import Affine, applied
from ..model.circuit import Circuit
from ..model.display import few
from ..model.names import real
from .probing import LEARNED, Probe, changes, elaborated, owner

#: Globs, or globs with the bounds of what they mean.
Wanted = str | Sequence[str] | Mapping[str, tuple[float, float]]


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
        changed = applied(circuit, self.parts, theta)
        known = self._of_deck(theta)
        if not known:
            return changed
        # what generated circuits know of their parameters is kept
        knowing = getattr(circuit.rebuild, "knowing", None)
        rebuild = circuit.rebuild and partial(_rebuilt, circuit.rebuild, known)
        rebuild = rebuild if knowing is None else knowing(known)
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

    @cached_property
    def conductors(self) -> tuple[tuple[Affine, ...], Ints]:
        """What resistors follow, each form once, and which of them ``rows("resistors")`` do."""
        rows, count = self.rows("resistors"), 0
        which, parts = np.zeros(len(rows), dtype=np.int64), []
        for part in self.parts:
            if part.table == "resistors":
                found, number = part.different()
                which[np.searchsorted(rows, part.at)] = count + number
                parts.append(found)
                count += len(found.at)
        return tuple(parts), which

    def siemens(self, theta: Floats) -> Floats:
        """Return the different conductances, S."""
        found = [
            part.form(theta) if part.inverse else 1.0 / part(theta) for part in self.conductors[0]
        ]
        return np.concatenate([np.zeros(0), *found])

    def pull(self, by_siemens: Floats, theta: Floats) -> Floats:
        """Return derivatives by the parameters of those by conductances, as `siemens` has them."""
        total, first = np.zeros(len(theta)), 0
        for part in self.conductors[0]:
            by_g = by_siemens[first : first + len(part.at)]
            first += len(part.at)
            if part.inverse:
                total += part.pull_form(by_g, len(theta))
            else:  # dC/dR = -g^2 dC/dg
                total += part.pull(-by_g / part(theta) ** 2, theta)
        return total

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
                    f"with {self._shown(theta)} {owner(deck, part.table, part.column, at)} is not "
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
    base = elaborated(circuit, names, start)
    for table, column, at, *_ in changes(circuit, base, names):
        name = owner(circuit, table, column, at[0])
        raise UsageError(f"{name} has another value than the deck and its parameters give it")
    found = _known(circuit, names) or Probe(circuit, names, start, base).parts()
    if not found:
        raise UsageError(f"nothing in the circuit depends on {few(names)}")
    return Shared(names, start, low, high, found, len(names))


def _known(circuit: Circuit, names: tuple[str, ...]) -> tuple[Affine, ...]:
    """Return what follows parameters of a generated circuit, which knows it; () for others."""
    parts: tuple[Affine, ...] = getattr(circuit.rebuild, "parts", ())
    number = {name: k for k, name in enumerate(names)}
    place = np.array([number.get(name, -1) for name in circuit.parameters])
    values = np.array(list(circuit.parameters.values()))
    return tuple(found for part in parts if len((found := part.of(place, values)).at))


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
            known = few(list(circuit.parameters))
            raise UsageError(f"no parameter that is a number is called {pattern!r}; known: {known}")
        pair = real((-math.inf, math.inf) if ends is None else ends, f"bounds of {pattern}")
        if pair.shape != (2,) or not pair[0] <= pair[1]:
            raise UsageError(f"parameter {pattern}: needs bounds low <= high, not {ends}")
        low, high = pair.tolist()
        chosen |= dict.fromkeys(found, (low, high))
    names = tuple(name for name in circuit.parameters if name in chosen)
    ends = np.array([chosen[name] for name in names], dtype=float).reshape(-1, 2)
    return names, ends[:, 0].copy(), ends[:, 1].copy()
