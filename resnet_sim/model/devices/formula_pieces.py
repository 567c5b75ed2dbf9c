"""What formulas consist of: nodes within a source whose voltages are values of functions.

A node within is fed by what its function depends on, into 1 S:

::

                  .--- y ---.-------.
        argument (^)       1 S    between low and high, by rectifiers
                  '--- 0 ---'-------'

That is a clamp; a step has no conductor.  What is not piecewise linear is a law that feeds y, of
the voltages of further nodes, of which each is fed by one of its inputs.  The source is then
controlled as affine ones are.  A source of current needs no y for a law of its own, nor
an x for its own voltage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Floats, Ints
from ..derivatives import Program
from ..formula import Formula, Sum, shape, stacked
from ..units import Clamp, Clamped, Smooth
from .pieces import Pieces

#: voltages from which a search may begin, V: the first at which a formula has a value
STARTS = (0.0, 1.0, -1.0, 0.1, -0.1)
#: how many times what tangents predict a value may change by in a step, and how far at least
TRUSTED, LEAST = 100.0, 1.0
#: halvings of a step
HALVINGS = 40


class Part(NamedTuple):
    """A source: its element, its ends, what it sets, and its formula."""

    element: int
    p: int
    q: int
    is_voltage: bool
    formula: Clamped


class _Law(NamedTuple):
    """A smooth function as a device: its current and the voltages that it depends on."""

    formula: Formula
    element: int
    sign: float
    p: list[int]
    q: list[int]


class SmoothFormula:
    """Formulas of the voltages of all branches are the currents of the first; others have none.

    A `characteristic.Characteristic` of devices with `width` branches each, whose formulas are
    alike: `program` is that of all of them, `formula.stacked`.
    """

    def __init__(self, program: Program, count: int, width: int) -> None:
        self.program, self.count, self.width = program, count, width

    def some(self, devices: Ints) -> SmoothFormula:
        """Return the same of some devices."""
        return SmoothFormula(self.program.some(devices), len(devices), self.width)

    def evaluate(self, v: Floats) -> tuple[Floats, Floats]:
        """Return currents and derivatives."""
        current, slope = np.zeros(v.shape), np.zeros((*v.shape, self.width))
        current[:, 0], slope[:, 0] = self.program.evaluate(v)
        return current, slope

    def start(self) -> Floats:
        """Return voltages at which the formula has a value."""
        v = np.zeros((self.count, self.width))
        open_ = np.ones(self.count, dtype=np.bool_)
        for volts in STARTS:
            value, slope = self.program.evaluate(np.full(v.shape, volts))
            good = open_ & np.isfinite(value) & np.isfinite(slope).all(axis=1)
            v[good] = volts
            open_ &= ~good
        return v

    def limit(self, new: Floats, old: Floats) -> Floats:
        """Shorten steps on which the value would change far more than the tangent says."""
        at, slope = self.program.evaluate(old)
        share = np.ones(len(new))
        for _ in range(HALVINGS):
            step = share[:, None] * (new - old)
            foretold = np.abs((slope * step).sum(axis=1)) + np.abs(at)
            value, tangent = self.program.evaluate(old + step)
            bad = ~(np.abs(value - at) <= np.maximum(TRUSTED * foretold, LEAST))
            bad |= ~np.isfinite(tangent).all(axis=1)
            if not bad.any():
                break
            share[bad] *= 0.5
        return old + share[:, None] * (new - old)


def add_units(out: Pieces, parts: Sequence[Part]) -> None:
    """Add the pieces of sources."""
    laws: dict[Any, list[_Law]] = {}
    for part in parts:
        _Source(out, part, laws).add()
    for devices in laws.values():
        p, q = (np.array(ends) for ends in zip(*((d.p, d.q) for d in devices), strict=True))
        element = np.broadcast_to(np.array([[d.element] for d in devices]), p.shape)
        sign = np.zeros(p.shape)
        sign[:, 0] = [d.sign for d in devices]
        program = Program(stacked([d.formula for d in devices]))
        out.law(element, p, q, sign, SmoothFormula(program, *p.shape))


class _Source:
    """One source on its way to pieces."""

    def __init__(self, out: Pieces, part: Part, laws: dict[Any, list[_Law]]) -> None:
        self.out, self.part, self.laws = out, part, laws
        self.element = np.array([part.element])
        self.direct = {} if part.is_voltage else self._direct()
        units = range(len(part.formula.units))
        nodes = iter(out.inner(len(units) - len(self.direct)).tolist())
        #: the node of each unit, -1 for none
        self.inner = [-1 if k in self.direct else next(nodes) for k in units]

    def add(self) -> None:
        """Add all pieces."""
        part, formula = self.part, self.part.formula
        for k, unit in enumerate(formula.units):
            if isinstance(unit, Clamp):
                self._clamp(self.inner[k], unit)
            elif k in self.direct:
                self._law(unit, self.direct[k], part.p, part.q, 1.0)
            else:
                node = self.inner[k]
                self.out.conductor(self.element, *_ends(node, 0), np.ones(1), sign=0.0)
                self._law(unit, -1.0, node, 0, 0.0)
        calls = tuple((k, gain) for k, gain in formula.value.calls if k not in self.direct)
        value = formula.value._replace(calls=calls)
        add = self.out.tie if part.is_voltage else self.out.injection
        constant = np.array([value.constant])
        source = self._control(value) if value.size else -1
        add(self.element, *_ends(part.p, part.q), constant, source)

    def _direct(self) -> dict[int, float]:
        """Return the smooth units that are nothing but currents of the source, with their gains."""
        units = self.part.formula.units
        used = {
            k
            for unit in units
            for some in (unit.inputs if isinstance(unit, Smooth) else (unit.argument,))
            for k, _ in some.calls
        }
        calls = self.part.formula.value.calls
        return {k: g for k, g in calls if isinstance(units[k], Smooth) and k not in used}

    def _clamp(self, node: int, clamp: Clamp) -> None:
        """Add the node of a clamp: what is fed in raises it as far as it may go."""
        out, none = self.out, np.zeros(1)
        self._fed(node, clamp.argument, clamp.rest if clamp.steep else np.nan)
        if not clamp.steep:
            out.conductor(self.element, *_ends(node, 0), np.ones(1), sign=0.0)
        for p, q, bound in ((node, 0, clamp.high), (0, node, -clamp.low)):
            if np.isfinite(bound):
                out.rectifier(self.element, *_ends(p, q), np.array([bound]), none, sign=0.0)

    def _law(self, unit: Smooth, factor: float, p: int, q: int, sign: float) -> None:
        """Add the current of a law, and nodes for what it depends on."""
        ends, places = ([p], [q]), []
        for some in unit.inputs:
            own = _across(some, p, q)
            places.append((0, own) if own else (len(ends[0]), 1.0))
            if not own:
                (node,) = self.out.inner(1).tolist()
                self._fed(node, some)
                self.out.conductor(self.element, *_ends(node, 0), np.ones(1), sign=0.0)
                ends[0].append(node)
                ends[1].append(0)
        formula = unit.of(places, factor)
        law = _Law(formula, self.part.element, sign, *ends)
        self.laws.setdefault(shape(formula), []).append(law)

    def _fed(self, node: int, some: Sum, rest: float = np.nan) -> None:
        """Feed a sum into a node within."""
        source = self._control(some, rest)
        amps = np.array([some.constant])
        self.out.injection(self.element, *_ends(0, node), amps, source, sign=0.0)

    def _control(self, some: Sum, rest: float = np.nan) -> Ints:
        """Add a sum whose calls are nodes within; return its row."""
        voltages = [(int(k), gain) for k, gain in some.voltages]
        voltages += [(self.inner[k], gain) for k, gain in some.calls]
        terms = voltages + [(int(k), gain) for k, gain in some.currents]
        of_current = np.arange(len(terms)) >= len(voltages)
        index = np.array([k for k, _ in terms], dtype=np.int64)
        gain: Floats = np.array([gain for _, gain in terms], dtype=np.float64)
        return self.out.control(self.element, np.array([len(terms)]), of_current, index, gain, rest)


def _ends(p: int, q: int) -> tuple[Ints, Ints]:
    return np.array([p]), np.array([q])


def _across(some: Sum, p: int, q: int) -> float:
    """Return the gain of a sum that is a multiple of the voltage between two nodes, else 0."""
    terms = {int(k): gain for k, gain in some.voltages if int(k) and gain}
    ends = {k: gain for k, gain in ((p, 1.0), (q, -1.0)) if k}
    if some.currents or some.calls or p == q or terms.keys() != ends.keys():
        return 0.0
    ratios = {terms[k] / ends[k] for k in ends}
    return ratios.pop() if len(ratios) == 1 else 0.0
