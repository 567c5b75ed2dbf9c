"""What an analysis returns: voltages, currents, and the proof that they are right.

One class serves a single operating point, a batch of inputs and a sweep: arrays have a
leading axis of points in the latter two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .circuit import Circuit
from .diagnostics import Diagnostic
from .elements import Floats


@dataclass(frozen=True)
class Certificate:
    """How far a result is from fulfilling every law; computed by `certificate.certify`.

    Attributes
    ----------
    ok : bool
        Every residual is within `tolerance`, at every point.
    kcl_residual, kcl_relative : float
        Largest sum of currents at a node, in A, and relative to the currents there.
    law_residual : float
        Largest deviation from a linear element's law, relative to its terms.
    diode_voltage_violation, diode_current_violation : float
        Largest forward voltage above the knee (V), largest reverse current (A).
    power_mismatch : float
        Power balance and duality gap (W), relative to the power turned over (dimensionless)
        if that is above 1 W.
    tolerance : float
        What was asked for.
    failures : tuple of str
        Which law fails where, worst first; empty if `ok`.
    """

    ok: bool
    kcl_residual: float
    kcl_relative: float
    law_residual: float
    diode_voltage_violation: float
    diode_current_violation: float
    power_mismatch: float
    tolerance: float
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class SolverInfo:
    """Who found the answer: method, iterations (sum over the points), seconds, and why."""

    method: str
    iterations: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OperatingPoint:
    """Voltages and currents of a circuit, at one point or at many.

    Attributes
    ----------
    circuit : Circuit
    node_voltages : ndarray, shape (n_nodes,) or (points, n_nodes)
        V; NaN where a node floats.
    element_currents : ndarray, shape (n_elements,) or (points, n_elements)
        A, SPICE sign, in the order of ``circuit.element_names``; NaN where undefined.
    certificate : Certificate
    solver : SolverInfo
    diagnostics : tuple of Diagnostic
        Warnings and notes of the deck, the structure and the solution.
    floating : tuple of str
        Nodes whose voltage nothing fixes (at some point).
    nonunique : tuple of str
        Elements whose current is one of many possible ones.
    closed : ndarray of bool, shape (n_switches,) or (points, n_switches)
        Final states of the switches.
    sweep : dict of str to ndarray of shape (points,)
        The swept quantities at each point, the innermost variable first; empty for an
        operating point.
    unsolved : dict of int to str
        Point -> why it has no solution; its values are NaN.
    """

    circuit: Circuit
    node_voltages: Floats
    element_currents: Floats
    certificate: Certificate
    solver: SolverInfo
    diagnostics: tuple[Diagnostic, ...] = ()
    floating: tuple[str, ...] = ()
    nonunique: tuple[str, ...] = ()
    closed: Any = field(default_factory=lambda: np.zeros(0, dtype=bool))
    sweep: Mapping[str, Floats] = field(default_factory=dict)
    unsolved: Mapping[int, str] = field(default_factory=dict)

    def voltage(self, node: str, reference: str = "0") -> Any:
        """Return ``v(node) - v(reference)`` in V: a float, or an array of shape (points,).

        NaN where undefined.

        Raises
        ------
        UsageError
            If a node is unknown.
        """
        v = self.node_voltages
        difference = v[..., self.circuit.node(node)] - v[..., self.circuit.node(reference)]
        return float(difference) if v.ndim == 1 else difference

    def current(self, element: str) -> Any:
        """Return the current through an element in A, from its first terminal to its second.

        Raises
        ------
        UsageError
            If the element is unknown.
        """
        i = self.element_currents[..., self.circuit.element(element)]
        return float(i) if self.element_currents.ndim == 1 else i

    @cached_property
    def voltages(self) -> dict[str, Any]:
        """Node name -> V (float, or array of shape (points,)), without ground."""
        return _named(self.circuit.nodes[1:], self.node_voltages[..., 1:])

    @cached_property
    def currents(self) -> dict[str, Any]:
        """Element name -> A (float, or array of shape (points,))."""
        return _named(self.circuit.element_names, self.element_currents)

    @property
    def status(self) -> str:
        """``"solved"``, ``"not converged"``, or ``"no solution"`` (at some point)."""
        if self.unsolved:
            return "no solution"
        return "solved" if self.certificate.ok else "not converged"


def _named(names: tuple[str, ...], values: Floats) -> dict[str, Any]:
    if values.ndim == 1:
        return dict(zip(names, values.tolist(), strict=True))
    return dict(zip(names, values.T, strict=True))
