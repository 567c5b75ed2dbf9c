"""Derivatives by parameters of a deck, which stand for values and within formulas.

A parameter moves an output through what it does to each value, at the voltages and currents of
the solution.  That is a difference of decks, none of which is solved; what the values do to the
output is known exactly from the adjoint.  Parameters that move different values share decks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import ResnetSimError, UsageError
from ..laws.influence import Influence
from ..laws.registry import laws

#: step, relative: with four points the error of what bends at the parameter's size is 1e-13
STEP = 1e-3
#: weights of the points one and two steps off (Fornberg 1988)
_WEIGHTS = {-2: 1.0 / 12.0, -1: -8.0 / 12.0, 1: 8.0 / 12.0, 2: -1.0 / 12.0}
#: share by which slopes over one and over two steps differ where something jumps
_JUMP = 0.1
_ROUNDING = 1e-6
#: the largest step is so many times the smallest: what two parameters cancel is not hidden
_SPREAD = 1.5


@dataclass(frozen=True)
class Moved:
    """A parameter, the deck at some steps beside its value, and the values that it moves there."""

    name: str
    value: float
    step: float
    decks: dict[int, Influence]
    values: tuple[str, ...]

    def derivative(self, at: Influence) -> float | None:
        """Return that of the output which an influence is about; None where something jumps."""
        if not self.values:
            return 0.0
        parts = {k: self._linear(at, deck) for k, deck in self.decks.items()}
        outputs = {k: sum(part) for k, part in parts.items()}
        near, far = ((outputs[k] - outputs[-k]) / (2 * k) for k in (1, 2))
        # what cancels leaves rounding
        size = _ROUNDING * max(sum(map(abs, part)) for part in parts.values())
        if abs(near - far) > max(_JUMP * max(abs(near), abs(far)), size):
            return None
        return sum(w * outputs[k] for k, w in _WEIGHTS.items()) / self.step

    def _linear(self, at: Influence, deck: Influence) -> list[float]:
        """Return what the output differs by for each value that is that of another deck."""
        slopes, there = at.derivatives, [name for name in self.values if name in deck.values]
        if not all(name in slopes for name in there):
            # a value that is absent at the solution has its derivative elsewhere
            slopes = {**_noted(replace(at, circuit=deck.circuit)).derivatives, **slopes}
        return [slopes[name] * (deck.values[name] - at.values.get(name, 0.0)) for name in there]


def moved(at: Influence) -> list[Moved]:
    """Return the parameters of a deck that may move without changing what it consists of."""
    order = {name: k for k, name in enumerate(at.circuit.parameters)}
    return sorted(_Decks(at).moved(tuple(order)), key=lambda found: order[found.name])


def note_parameters(at: Influence, parameters: Sequence[Moved]) -> None:
    """Note the derivatives by parameters beside those by values."""
    # all before any: what is noted counts as a value
    found = [(parameter, parameter.derivative(at)) for parameter in parameters]
    for parameter, derivative in found:
        if derivative is not None:
            taken = parameter.name in at.values
            name = f"param:{parameter.name}" if taken else parameter.name
            at.note(name, parameter.value, derivative)


def _noted(at: Influence) -> Influence:
    """Return the values of a circuit, and their derivatives."""
    found = replace(at, derivatives={}, values={})
    for law in laws(found.circuit):
        law.derive(found)
    return found


class _Decks:
    """Decks with parameters that are moved together, each by steps of its own size.

    Which of them moves a value is told by the decks of the bits of their numbers: in each it is
    what it was, or what moving all makes of it.  A value that is something else there depends
    on several, and each of these gets decks of its own.
    """

    def __init__(self, at: Influence) -> None:
        self.at = _noted(at)
        self.start = at.circuit.parameters
        share = (_SPREAD - 1.0) / max(len(self.start), 1)
        self.step = {
            name: STEP * (1.0 + share * k) * (abs(value) or 1.0)
            for k, (name, value) in enumerate(self.start.items())
        }

    def moved(self, names: tuple[str, ...]) -> list[Moved]:
        """Return those of some parameters that may move."""
        if not names:
            return []
        try:
            decks = {k: self._deck(names, k) for k in _WEIGHTS}
            owned = self._owned(names, decks)
        except ResnetSimError:
            # some of them change what the deck consists of, or must not move
            half = len(names) // 2
            return self.moved(names[:half]) + self.moved(names[half:]) if half else []
        alone = [found for name in names if name not in owned for found in self.moved((name,))]
        together = [
            Moved(name, self.start[name], self.step[name], decks, tuple(values))
            for name, values in owned.items()
        ]
        return together + alone

    def _deck(self, names: Sequence[str], k: int) -> Influence:
        """Return the values of the deck with some parameters that are k steps off."""
        old = self.at.circuit
        new = old.with_parameters({name: self.start[name] + k * self.step[name] for name in names})
        if new.element_names != old.element_names or new.nodes != old.nodes:
            raise UsageError("the deck consists of something else")
        return _noted(replace(self.at, circuit=new))

    def _owned(self, names: tuple[str, ...], decks: dict[int, Influence]) -> dict[str, list[str]]:
        """Return the values that parameters move which share none with another."""
        whole, base = decks[1].values, self.at.values
        tables = [base, *(deck.values for deck in decks.values())]
        some = [
            name for name in dict.fromkeys(name for table in tables for name in table)
            if any(table.get(name) != base.get(name) for table in tables)
        ]  # fmt: skip
        if len(names) == 1:
            return {names[0]: some}
        bits = range(len(names).bit_length())
        halves = [
            self._deck([name for n, name in enumerate(names, 1) if n >> bit & 1], 1).values
            for bit in bits
        ]
        movers: dict[tuple[bool | None, ...], list[str]] = {}
        for name in some:
            old, new = base.get(name), whole.get(name)
            seen = (half.get(name) for half in halves)
            movers.setdefault(
                tuple(new == x if x in (old, new) and old != new else None for x in seen), []
            ).append(name)
        owned: dict[str, list[str]] = {name: [] for name in names}
        for by, values in movers.items():
            possible = [
                name for n, name in enumerate(names, 1)
                if all(by[bit] in (None, bool(n >> bit & 1)) for bit in bits)
            ]  # fmt: skip
            if len(possible) == 1 and None not in by:
                owned.get(possible[0], []).extend(values)
            else:
                owned = {name: own for name, own in owned.items() if name not in possible}
        return owned
