"""A certificate from scratch: does a reported operating point obey every law?

It knows the tables of a circuit and floating-point numbers, nothing of the package's own
certificate.  What is NaN is undefined and not judged here.
"""

from __future__ import annotations

import math

import numpy as np

EPS = float(np.finfo(float).eps)


class Judge:
    """Collects what is violated, in words."""

    def __init__(self, circuit, voltages, currents, tolerance: float) -> None:
        self.circuit, self.v, self.i = circuit, voltages, currents
        self.tolerance = tolerance
        self.failures: list[str] = []
        p, q = circuit.terminals
        self.p, self.q = p, q
        #: rounding alone may spoil the voltage across an element by this much, V
        self.blur = np.full(len(p), 64 * EPS * float(np.nanmax(np.abs(voltages))))
        # ... and a current by this much, A, as conductances multiply the former
        throughput = np.abs(currents)
        ohms = np.abs(circuit.resistors.ohms)
        steepest = 1 / ohms[ohms > 0].min(initial=np.inf)
        largest = float(np.nanmax(throughput, initial=0))
        self.leak = 64 * EPS * max(largest, steepest * float(np.nanmax(np.abs(voltages))))
        self.around = np.zeros(len(voltages))
        for ends in (p, q):
            np.add.at(self.around, ends, np.nan_to_num(throughput))

    def check(self, element: int, what: str, error: float, allowed: float) -> None:
        if error > allowed:
            name = self.circuit.element_names[element]
            self.failures.append(f"{name}: {what} off by {error:.3g}, allowed {allowed:.3g}")

    def drop(self, element: int) -> float:
        return float(self.v[self.p[element]] - self.v[self.q[element]])

    def volts(self, element: int, wanted: float, *terms: float) -> None:
        """Require a voltage across an element; `terms` are what it was computed from."""
        allowed = self.tolerance * sum(map(abs, terms)) + self.blur[element]
        self.check(element, "voltage", abs(self.drop(element) - wanted), allowed)

    def amps(self, element: int, wanted: float, *terms: float) -> None:
        allowed = self.tolerance * sum(map(abs, terms)) + self.leak
        self.check(element, "current", abs(float(self.i[element]) - wanted), allowed)

    def resistance(self, element: int, ohms: float) -> None:
        current = float(self.i[element])
        if math.isinf(ohms):
            self.amps(element, 0.0)
        else:
            self.volts(element, ohms * current, ohms * current, self.drop(element))

    def diode(self, element: int, row: int) -> None:
        """Require (v, i) to lie on one of the straight pieces of the characteristic."""
        table = self.circuit.diodes
        v, i = self.drop(element), float(self.i[element])
        drop, r_on = float(table.v_forward[row]), float(table.r_on[row])
        leak, breakdown = 1 / float(table.r_off[row]), -float(table.v_reverse[row])
        idle = min(max(v, breakdown), drop)
        candidates = [(idle, idle * leak)]
        forward = max(0.0, i - drop * leak)
        candidates.append((drop + r_on * forward, drop * leak + forward))
        if math.isfinite(breakdown):
            backward = max(0.0, breakdown * leak - i)
            reverse = float(table.r_reverse[row])
            candidates.append((breakdown - reverse * backward, breakdown * leak - backward))
        near = max(self.around[self.p[element]], self.around[self.q[element]])
        volts = self.tolerance * (abs(v) + abs(drop)) + self.blur[element]
        amps = self.tolerance * near + self.leak
        distance = min(
            max(abs(v - a) / (volts or 1), abs(i - b) / (amps or 1)) for a, b in candidates
        )
        self.check(element, "diode law (in tolerances)", distance, 1.0)

    def controlled(self, element: int, row: int) -> None:
        table = self.circuit.controlled_sources
        terms, blur = [float(table.constant[row])], 0.0
        for k in range(table.ptr[row], table.ptr[row + 1]):
            value = (self.i if table.of_current[k] else self.v)[table.index[k]]
            terms.append(float(table.gain[k] * value))
            blur += abs(float(table.gain[k])) * (
                self.leak if table.of_current[k] else 64 * EPS * abs(value)
            )
        if table.is_voltage[row]:
            self.blur[element] += blur
            self.volts(element, sum(terms), *terms)
        else:
            allowed = self.tolerance * sum(map(abs, terms)) + self.leak + blur
            self.check(element, "current", abs(float(self.i[element]) - sum(terms)), allowed)

    def kirchhoff(self) -> None:
        balance, known = np.zeros(len(self.v)), np.ones(len(self.v), dtype=bool)
        for ends, sign in ((self.p, 1), (self.q, -1)):
            np.add.at(balance, ends, sign * np.nan_to_num(self.i))
            known[ends[np.isnan(self.i)]] = False
        allowed = self.tolerance * self.around + 8 * self.leak
        for node in np.flatnonzero(known & (np.abs(balance) > allowed)):
            self.failures.append(f"KCL at {self.circuit.nodes[node]}: {balance[node]:.3g} A")


def violations(circuit, voltages, currents, closed, tolerance: float = 1e-9) -> list[str]:
    """Every law that an operating point breaks; empty if it is one."""
    judge = Judge(circuit, np.asarray(voltages), np.asarray(currents), tolerance)
    judge.kirchhoff()
    for element in range(circuit.n_elements):
        p, q = judge.p[element], judge.q[element]
        if np.isnan(judge.i[element]) or np.isnan(judge.v[[p, q]]).any():
            continue
        kind, row = circuit.locate(element)
        table = getattr(circuit, kind)
        if kind == "resistors":
            judge.resistance(element, float(table.ohms[row]))
        elif kind == "switches":
            judge.resistance(element, float((table.r_on if closed[row] else table.r_off)[row]))
        elif kind == "capacitors":
            judge.amps(element, 0.0)
        elif kind == "inductors":
            judge.volts(element, 0.0)
        elif kind == "voltage_sources":
            judge.volts(element, float(table.volts[row]), float(table.volts[row]))
        elif kind == "current_sources":
            judge.amps(element, float(table.amps[row]), float(table.amps[row]))
        elif kind == "diodes":
            judge.diode(element, row)
        else:
            judge.controlled(element, row)
    return judge.failures
