"""What is asked of a circuit's outputs, and the states that answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.graphs import components


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

    def rows(self, rows: Ints) -> Nudge:
        """Return the nudge of some samples."""
        target = None if self.target is None else self.target[rows]
        force = None if self.force is None else self.force[rows]
        return replace(self, target=target, force=force)


class Backend(Protocol):
    """Finds states of one circuit at many inputs and conductances."""

    def solve(self, g: Any, u: Floats, nudge: Nudge | None = None, start: Any = None) -> States:
        """Return the states at inputs u, shape (B, columns), and conductances g.

        `start` is `States.start` of similar states of the same kind of backend, or `States.on`.
        """

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""


@dataclass(frozen=True)
class States:
    """States of one circuit at B inputs.

    Attributes
    ----------
    voltages : ndarray, shape (B, n_nodes)
        V; NaN where a node floats that is no output.
    outputs : ndarray, shape (B, n_outputs)
        V.
    on : ndarray of bool, shape (B, m)
        Rectifiers that conduct.
    knee : ndarray of int, shape (B,)
        Number of an element that touches its drop without current, -1 if none does: there
        the state has a kink as a function of everything.
    start : optional
        Where to begin with similar states.
    """

    backend: Backend
    voltages: Floats
    outputs: Floats
    on: Bools
    knee: Ints
    detail: Any = None
    start: Any = None

    def adjoint(self, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes).

        The derivative of C by a conductance between nodes p and q is
        ``-(adjoint_p - adjoint_q) (v_p - v_q)``.
        """
        return self.backend.adjoint(self, slope)


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
    for row in np.flatnonzero(touching.any(axis=1)):
        on = current[row] > near
        _, joined = components(1 + int(max(p.max(), q.max())), p[on], q[on])
        loose = np.flatnonzero(touching[row] & (joined[p] != joined[q]))
        if len(loose):
            found[row] = loose[0]
    return found
