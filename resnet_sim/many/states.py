"""Nudges and states, and what backends that find them offer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..graph.graphs import components
from ..results.operating_point import OperatingPoint
from .correlation import Correlation
from .drive import Drive
from .question import Failed, Question


@dataclass(frozen=True)
class Nudge:
    """Additions at the outputs; co-content ``stiffness/2 (o - target)^2 - force o`` each.

    Attributes
    ----------
    stiffness : float
        Conductance that joins each output to its target, S; infinite to clamp it there,
        zero for no such conductance.
    target : ndarray, shape (B, n_outputs), optional
        V.
    force : ndarray, shape (B, n_outputs), optional
        Current that is fed into each output, A.
    """

    stiffness: float = 0.0
    target: Floats | None = None
    force: Floats | None = None

    def __post_init__(self) -> None:
        if self.stiffness and self.target is None:
            raise UsageError("a nudge with a stiffness needs a target")

    def __bool__(self) -> bool:
        return self.force is not None or self.stiffness != 0.0

    def opposes(self, other: Nudge) -> bool:
        """Tell whether another is as strong, and the other way."""
        return (
            bool(self)
            and self.stiffness == -other.stiffness
            and (
                _equal(self.target, other.target)
                and _equal(self.force, None if other.force is None else -other.force)
            )
        )

    def rows(self, rows: Ints) -> Nudge:
        """Return the nudge of some samples."""
        target = None if self.target is None else self.target[rows]
        force = None if self.force is None else self.force[rows]
        return replace(self, target=target, force=force)


def _equal(one: Floats | None, other: Floats | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


@dataclass(frozen=True)
class Terminals:
    """Where outputs are measured: their names, nodes, and the scales there (see `reduction`)."""

    names: tuple[str, ...]
    p: Ints
    q: Ints
    scale_p: Floats
    scale_q: Floats

    def measured(self, voltages: Floats) -> Floats:
        """Return the outputs (V), shape (B, n_outputs), of node voltages, shape (B, n_nodes)."""
        outputs: Floats = voltages[:, self.p] - voltages[:, self.q]
        return outputs

    def weight(self) -> Floats:
        """Return by how much a nudge at each output must be stronger than one in co-content.

        Co-content behind an amplifier counts 1/A^2.

        Raises
        ------
        UsageError
            If the ends of a pair are behind different amplifiers.
        """
        ratio = np.abs(self.scale_p / self.scale_q)
        uneven = np.flatnonzero(np.abs(ratio - 1.0) > 1e-9)
        if len(uneven):
            raise UsageError(
                f"the ends of output {self.names[uneven[0]]} are behind different amplifiers: "
                "no element between them nudges as the cost does"
            )
        return self.scale_p**2

    @classmethod
    def of(cls, question: Question) -> Terminals:
        """Return the terminals of a question's outputs."""
        circuit, red = question.whole, question.reduction
        p = np.array([circuit.node(a) for a, _ in question.outputs], dtype=np.int64)
        q = np.array([circuit.node(b) for _, b in question.outputs], dtype=np.int64)
        fixed_p, fixed_q = red.coordinate[p] == 0, red.coordinate[q] == 0
        scale_p = np.where(fixed_p, red.scale[q], red.scale[p])
        scale_q = np.where(fixed_q, red.scale[p], red.scale[q])
        return cls(output_names(question.outputs), p, q, scale_p, scale_q)


def output_names(outputs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return what outputs are called: ``a``, or ``a,b`` for a difference."""
    return tuple(a if b == "0" else f"{a},{b}" for a, b in outputs)


class Backend:
    """One way to answer questions; made for one question that it fits.

    It finds certified operating points, or states at inputs and common conductances, free and
    nudged; `backend.BACKENDS` tells which.
    """

    #: whether `States.on` of similar states is of use as a start
    takes_on = False

    def __init__(self, question: Question) -> None:
        self.question = question

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return in words why a question can't be answered, or is better asked elsewhere."""
        raise NotImplementedError

    def points(self, values: Floats, failed: Failed | None = None) -> OperatingPoint:
        """Return the points at values of what varies, shape (points, names).

        Points without a solution are in ``unsolved`` of the result, unless `failed` takes
        care of them.
        """
        raise NotImplementedError

    @property
    def outputs(self) -> Terminals:
        """Where outputs are measured."""
        return self.question.once(Terminals.of)

    def given(self, values: Floats) -> Floats:
        """Return g, the conductances that learn, of the values of those that are tied."""
        ties = self.question.ties
        return values if ties is None else values[ties.which]

    def columns(self, x: Floats, common: Floats) -> Any:
        """Return u from inputs, shape (B, k), and from what is common to all, then 1."""
        return Drive(x, common).whole

    def solve(self, g: Any, u: Floats, start: Any = None) -> States:
        """Return the states at inputs u, shape (B, sources + 1), and conductances g.

        The last column of u is 1.  `start` is `States.start` of similar states of the same
        kind of backend, or `States.on`.

        Raises
        ------
        TopologyError, ConvergenceError, UsageError
            If there is no state for some sample, which the message names.
        """
        return self.nudged(g, u, Nudge(), start)

    def nudged(self, g: Any, u: Floats, nudge: Nudge, start: Any = None) -> States:
        """Return the states with additions at the outputs."""
        raise NotImplementedError

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        raise NotImplementedError

    def correlate(self, change: Floats, level: Floats) -> tuple[Floats, Floats]:
        """Return the means over samples of ``change * level`` across each conductance.

        And those of `change` across each bias; nodes that float count for nothing.

        Parameters
        ----------
        change : ndarray, shape (B, n_nodes)
            Zero where potentials are given, as what changes between two states is.
        level : ndarray, shape (B, n_nodes)
        """
        return self.question.once(Correlation)(change, level)

    def contrast(self, first: States, second: States, width: float) -> tuple[Floats, Floats]:
        """Return what `correlate` does of the change between two states, over `width`.

        That is the difference of the squares across each conductance, over ``2 width``.  Of
        conductances that are tied it is the sum, for each value.
        """
        by_g, by_bias = self._between(first, second, width)
        ties = self.question.ties
        return by_g if ties is None else ties.total(by_g), by_bias

    def _between(self, first: States, second: States, width: float) -> tuple[Floats, Floats]:
        return self.question.once(Correlation)(first.voltages, second.voltages, width)

    @property
    def g_weight(self) -> Floats:
        """Weight of each conductance in `correlate`: what is behind an amplifier counts 1/A^2."""
        return self.question.once(Correlation).g_weight

    @property
    def one_way(self) -> tuple[str, ...]:
        """Controlled sources that act one way: with them the circuit has no co-content."""
        return ()


@dataclass(frozen=True)
class States:
    """States of one circuit at B inputs.

    Attributes
    ----------
    found : ndarray, or callable
        `voltages`, or what finds them once they are asked for.
    outputs : ndarray, shape (B, n_outputs)
        V.
    conducting : ndarray of bool, or callable
        `on`, or what finds it.
    knee : ndarray of int, shape (B,)
        Number of an element that touches its drop without current, -1 if none does: there
        the state has a kink as a function of everything.  Of nudged states nobody asks it.
    start : optional
        Where to begin with similar states.
    """

    backend: Backend
    found: Floats | Callable[[], Floats]
    outputs: Floats
    conducting: Bools | Callable[[], Bools]
    knee: Ints
    detail: Any = None
    start: Any = None

    @cached_property
    def voltages(self) -> Floats:
        """Node voltages, shape (B, n_nodes), V; NaN where a node floats that is no output.

        Nodes within devices come last, but for the currents (A) that `Question.flows` asks for.
        """
        return self.found() if callable(self.found) else self.found

    @cached_property
    def on(self) -> Bools:
        """Rectifiers that conduct, shape (B, m)."""
        return self.conducting() if callable(self.conducting) else self.conducting

    def adjoint(self, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes).

        The derivative of C by a conductance between nodes p and q is
        ``-(adjoint_p - adjoint_q) (v_p - v_q)``.
        """
        return self.backend.adjoint(self, slope)


def apart(first: States, second: States, width: float) -> tuple[Floats, Floats]:
    """Return the change of the voltages between two states, over `width`, and their mean.

    The difference of squares is taken as a product: amplified inputs would drown it.
    """
    change, level = second.voltages - first.voltages, second.voltages + first.voltages
    change /= width
    level *= 0.5
    return change, level


def knees(current: Floats, gap: Floats, p: Ints, q: Ints, near: float = 1e-9) -> Ints:
    """Return for each row a rectifier on its knee, -1 if there is none.

    One that is has neither current nor gap, both taken relative to what is large in the
    circuit; but where conducting ones join its ends p and q anyway, its own state does not
    matter.
    """
    found = np.full(len(gap), -1)
    if not gap.shape[1]:
        return found
    touching = np.maximum(np.abs(current), np.abs(gap)) <= near
    rows = np.flatnonzero(touching.any(axis=1))
    if not len(rows):
        return found
    # the circuits of all these rows side by side, as one graph
    n = 1 + int(max(p.max(), q.max()))
    row, k = np.nonzero(current[rows] > near)
    _, joined = components(len(rows) * n, row * n + p[k], row * n + q[k])
    joined = joined.reshape(len(rows), n)
    loose = touching[rows] & (joined[:, p] != joined[:, q])
    found[rows] = np.where(loose.any(axis=1), loose.argmax(axis=1), -1)
    return found


def held(n: int, edges: tuple[Ints, Ints], rectifiers: tuple[Ints, Ints], carry: Bools) -> Bools:
    """Tell which of n coordinates have a potential in each row, shape (rows, n).

    Edges hold them, and rectifiers that `carry` a current, shape (rows, m), anything else than
    zero.  A rectifier at a dead end could as well block.
    """
    count, part = components(n, *edges)
    if count == 1:
        return np.ones((len(carry), n), dtype=np.bool_)
    # the circuits of all rows side by side, as one graph
    row, k = np.nonzero(carry)
    p, q = (row * count + part[ends[k]] for ends in rectifiers)
    _, label = components(len(carry) * count, p, q)
    label = label.reshape(len(carry), count)
    found: Bools = (label == label[:, part[:1]])[:, part]
    return found
