"""What is said of how a result was found, and how far it fulfils the laws."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.display import few

#: what notes say where not all states were looked at
OTHERS = "not all states of a circuit with feedback were tried: others may exist"
#: what they say where a part with several states depends on another one
LATER = (
    "behind a part with several solutions the others' consequences were not tried: others may exist"
)
#: what they say where currents of junctions fall with a step as the voltage rises
STEPS = "junctions have a step at -3 N kT/q (ISR, IKR): others may exist"


@dataclass(frozen=True, repr=False)
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
    stable : bool, optional
        Whether the state lasts, each node having a small capacitance to ground; None where
        that is not known.

    Examples
    --------
    >>> op = rs.solve(rs.generators.grid(20))
    >>> op.certificate.ok, op.certificate.kcl_relative < 1e-12, op.certificate.failures
    (True, True, ())
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
    stable: bool | None = None

    def __repr__(self) -> str:
        verdict = "ok" if self.ok else f"failed: {few(self.failures, 1)}"
        return (
            f"<Certificate {verdict}; KCL {self.kcl_residual:.1e} A, laws {self.law_residual:.1e}, "
            f"diodes {self.diode_voltage_violation:.1e} V, {self.diode_current_violation:.1e} A, "
            f"power {self.power_mismatch:.1e}; tolerance {self.tolerance:g}>"
        )


@dataclass(frozen=True)
class SolverInfo:
    """Who found the answer: method, iterations (sum over the points), seconds, and why.

    `backend` tells of many points how they were taken together, and why not otherwise.
    """

    method: str
    iterations: int
    seconds: float
    notes: tuple[str, ...] = ()
    backend: str = ""
