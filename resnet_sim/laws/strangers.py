"""Which devices another simulator takes for something else than they are here.

Its voltages and its currents are put into the law of every device, one by one.  Where it reads
the deck as this package does, all laws hold, whichever solution it has found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Bools, Floats
from ..model.circuit import Circuit
from .check import Check, sums
from .registry import laws


@dataclass(frozen=True)
class Stranger:
    """An element whose law does not hold, or a node where currents are left over.

    Attributes
    ----------
    name : str
        Of the element, or ``v(node)``.
    volts, amps : float
        Across it and through it, as the other simulator has it; of a node, its voltage and
        the sum of the currents.
    off : float
        By how much the law is violated.
    unit : str
        ``"V"`` or ``"A"``, of `off`.
    share : float
        `off` relative to the largest voltage or current.
    """

    name: str
    volts: float
    amps: float
    off: float
    unit: str
    share: float


def strangers(
    circuit: Circuit, voltages: Floats, currents: Floats, closed: Bools, tolerance: float
) -> list[Stranger]:
    """Return the strangers, the worst first.

    Parameters
    ----------
    circuit : Circuit
    voltages, currents : ndarray, shapes (n_nodes,) and (n_elements,)
        V and A; NaN where the other simulator says nothing, which is not judged.
    closed : ndarray of bool, shape (n_switches,)
        States of the switches.
    tolerance : float
        Violations up to so much of the largest voltage or current are none.
    """
    check = _Strangers(circuit, voltages, currents, closed, tolerance)
    # what a simulator that failed says may be far beyond what laws can be evaluated at
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for law in laws(circuit):
            law.certify(check)
        check.kirchhoff()
    return sorted(check.found.values(), key=lambda stranger: -stranger.share)


class _Strangers(Check):
    """Collects what is off by more than a share of the largest voltage or current."""

    def __init__(
        self, circuit: Circuit, voltages: Floats, currents: Floats, closed: Bools, tolerance: float
    ) -> None:
        super().__init__(circuit, voltages[None], currents[None], closed, tolerance)
        volts, amps = np.nan_to_num(self.v), np.nan_to_num(self.i)
        self.scale = {"V": np.abs(volts).max(initial=0.0), "A": np.abs(amps).max(initial=0.0)}
        self.node_blur = np.full_like(self.v, tolerance * self.scale["V"])
        self.blur = 2 * np.broadcast_to(self.node_blur[:, :1], self.i.shape)
        self.found: dict[str, Stranger] = {}

    def judge(self, names: Sequence[str], what: str, error: Floats, allowed: Floats) -> None:
        """Note elements; what is not known is not judged."""
        for _, k in np.argwhere(error > allowed):
            element = self.circuit.element(names[k])
            # laws say what they judge, but for sources of either kind
            unit = "V" if "(V)" in what or self.fixes_voltage[element] else "A"
            off, volts, amps = (float(x[0, at]) for x, at in (
                (error, k), (self.drop, element), (self.i, element)
            ))  # fmt: skip
            self._note(names[k], volts, amps, off, unit)

    @cached_property
    def fixes_voltage(self) -> Bools:
        """Whether what an element's law fixes is its voltage."""
        fixes = np.zeros(self.circuit.n_elements, dtype=np.bool_)
        table = self.circuit.controlled_sources
        first = self.circuit.first["controlled_sources"]
        fixes[first : first + len(table)] = table.is_voltage
        return fixes

    def kirchhoff(self) -> None:
        """Note nodes where the currents don't add up: the elements there are others."""
        n = len(self.circuit.nodes)
        total = (sums(n, self.p, self.i) - sums(n, self.q, self.i))[0]
        for node in np.flatnonzero(np.abs(total) > self.tolerance * self.scale["A"]):
            off, volts = float(abs(total[node])), float(self.v[0, node])
            self._note(f"v({self.circuit.nodes[node]})", volts, float(total[node]), off, "A")

    def _note(self, name: str, volts: float, amps: float, off: float, unit: str) -> None:
        share = off / self.scale[unit] if self.scale[unit] > 0 else np.inf
        before = self.found.get(name)
        if share <= self.tolerance:
            return
        if before is None or before.share < share:
            self.found[name] = Stranger(name, volts, amps, off, unit, share)
