"""A point that is solved, but not certified yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats
from ..diagnostics import Diagnostic
from ..model.circuit import Circuit
from .state import State


@dataclass(eq=False)
class Point:
    """A solved point before it is certified.

    Attributes
    ----------
    circuit : Circuit
    state : State
    closed : ndarray of bool, shape (n_switches,)
    voltages : ndarray of float, shape (n_nodes,)
        V.
    currents : ndarray of float, shape (n_elements,)
        A.
    floating : ndarray of bool, shape (n_nodes,)
    undefined_currents : ndarray of bool, shape (n_elements,)
    method : str
    iterations : int
    notes : tuple of str
    diagnostics : tuple of Diagnostic
    nonunique : tuple of str
    convex : bool
        It is the least of a convex co-content, hence stable, with amplifiers that are scaled away.
    """

    circuit: Circuit
    state: State
    closed: Bools
    voltages: Floats
    currents: Floats
    floating: Bools
    undefined_currents: Bools
    method: str
    iterations: int
    notes: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    nonunique: tuple[str, ...]
    convex: bool = False

    @property
    def masked_voltages(self) -> Floats:
        """Node voltages with NaN where they float."""
        return np.where(self.floating, np.nan, self.voltages)

    @property
    def loose(self) -> Floats | None:
        """Numbers of parts that float, and potentials within them, as in `OperatingPoint`."""
        if not self.floating.any():
            return None
        state, nodes = self.state, slice(0, len(self.floating))
        at = state.reduction.coordinate[nodes]
        firm = self.floating & ~state.lost_nodes()[nodes] & ~state.charted_nodes[nodes]
        # behind an amplifier a part moves by another amount
        moves = np.column_stack((state.piece[at], state.reduction.scale[nodes]))
        _, part = np.unique(moves, axis=0, return_inverse=True)
        firm &= state.piece[at] > 0
        return np.stack(
            (np.where(firm, part.ravel() + 1.0, 0.0), np.where(firm, self.voltages, 0.0))
        )

    @property
    def inner_voltages(self) -> Floats:
        """Voltages of nodes within devices."""
        return self.state.node_voltages()[len(self.circuit.nodes) :]

    @property
    def masked_currents(self) -> Floats:
        """Element currents with NaN where they depend on a floating voltage."""
        return np.where(self.undefined_currents, np.nan, self.currents)

    def switch_states(self, before: Bools) -> tuple[Bools, Bools]:
        """Return the states that the controls of the switches ask for, and which are between two.

        Those that nothing moves stay as they were `before`.
        """
        table = self.circuit.switches
        v, i = self.masked_voltages, self.masked_currents
        control = np.where(table.ce >= 0, i[table.ce], v[table.cp] - v[table.cn])
        width = np.abs(table.hysteresis)
        high, low = table.threshold + width, table.threshold - width
        # rounding must not decide what the deck makes equal on purpose
        blur = 1e-12 * (np.abs(v[table.cp]) + np.abs(v[table.cn]) + np.abs(table.threshold))
        blur = np.where(table.ce >= 0, 1e-12 * np.abs(table.threshold), blur)
        smooth = (table.hysteresis < 0) & ~table.fixed
        with np.errstate(invalid="ignore"):
            above = np.where(table.hysteresis > 0, control > high + blur, control >= high - blur)
            below = np.where(smooth, control <= low + blur, control < low - blur)
            between = smooth & np.isfinite(control) & ~above & ~below
        states = np.where(above, True, np.where(below, False, before))
        return np.where(table.fixed, table.closed, states), between
