"""What lanes are asked and what they answer: a network, numbers of points, and states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.problem import Problem


@dataclass(frozen=True)
class Network:
    """What is joined to what; 0 is the reference.

    Attributes
    ----------
    n : int
        Coordinates, the reference included.
    edge_p, edge_q : ndarray of int, shape (e,)
    diode_p, diode_q, resistance : ndarray, shape (m,)
    output_p, output_q : ndarray of int, shape (outputs,)
    scale_p, scale_q : ndarray, shape (outputs,)
        Outputs are ``scale_p x_p - scale_q x_q``.
    """

    n: int
    edge_p: Ints
    edge_q: Ints
    diode_p: Ints
    diode_q: Ints
    resistance: Floats
    output_p: Ints
    output_q: Ints
    scale_p: Floats
    scale_q: Floats

    @classmethod
    def of(cls, problem: Problem) -> Network:
        """Return what a problem is about, without outputs."""
        none, number = np.zeros(0, dtype=np.int64), np.zeros(0)
        return cls(
            problem.n, problem.edge_p, problem.edge_q,
            problem.diode_p, problem.diode_q, problem.resistance, none, none, number, number,
        )  # fmt: skip


@dataclass(frozen=True)
class Data:
    """The numbers of S points.

    Attributes
    ----------
    conductance : ndarray, shape (e,) or (S, e)
        S; common to all points, or of each.
    load : ndarray, shape (S, n - 1)
        Injections, those of sources in edges included, A.
    drop : ndarray, shape (S, m)
        V.
    """

    conductance: Floats
    load: Floats
    drop: Floats

    def rows(self, rows: Ints | slice) -> Data:
        """Return some of the points."""
        common = self.conductance.ndim == 1
        conductance = self.conductance if common else self.conductance[rows]
        return Data(conductance, self.load[rows], self.drop[rows])


@dataclass(frozen=True)
class Answers:
    """What was found for S points.

    Attributes
    ----------
    x, current : ndarray, shapes (S, n - 1) and (S, m)
    on : ndarray of bool, shape (S, m)
    steps : ndarray of int, shape (S,)
    settled : ndarray of bool, shape (S,)
        And obeys all laws, if that was asked for.
    force : ndarray, shape (S, outputs)
        Currents that a pull feeds into the outputs.
    touching : ndarray of bool, shape (S,)
        Where a rectifier touches its drop without a current, if that was asked for.
    """

    x: Floats
    current: Floats
    on: Bools
    steps: Ints
    settled: Bools
    force: Floats
    touching: Bools

    @classmethod
    def none(cls, data: Data, on: Bools, outputs: int) -> Answers:
        """Return that nothing is known yet but which rectifiers may conduct."""
        count = len(on)
        return cls(
            np.zeros(data.load.shape), np.zeros(on.shape), np.array(on), np.zeros(count, int),
            np.zeros(count, bool), np.zeros((count, outputs)), np.zeros(count, bool),
        )  # fmt: skip

    def put(self, rows: Ints, others: Answers) -> None:
        """Take over what was found for some points."""
        for mine, theirs in zip(vars(self).values(), vars(others).values(), strict=True):
            mine[rows] = theirs

    def pick(self, rows: Bools | slice) -> Answers:
        """Return some of the points."""
        return Answers(*(column[rows] for column in vars(self).values()))
