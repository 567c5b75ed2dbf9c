"""Decks for other simulators: what is ideal here becomes as ideal as they can bear."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ...model.circuit import Circuit
from ...model.requests import Sweep
from .writer import Writer, _value

#: resistance of a closed switch that should have none (ohm): 0 makes ngspice fail
CLOSED = 1e-6


class ForeignWriter(Writer):
    """What the foreign dialects have in common.

    Shorts and inductors become 0 V sources ``v.name``, whose current is that of the
    element; fixed switches become what they stand for.

    Parameters
    ----------
    r_on, r_off : float
        Resistances (ohm) of diodes and switches that have none, or an infinite one.
    """

    needs_op = True

    def __init__(self, circuit: Circuit, r_on: float, r_off: float) -> None:
        super().__init__(circuit)
        self.r_on, self.r_off = r_on, r_off
        c, s = circuit.controlled_sources, circuit.switches
        sensed = {int(k) for k in c.index[c.of_current]} | {int(k) for k in s.ce if k >= 0}
        start = circuit.first["controlled_sources"]
        # only V sources have a current there: others get one in series
        self._sensed = {k - start for k in sensed if k >= start}

    def letter(self, table: str, row: int) -> str:
        """Return the letter of the card that an element becomes, ``""`` if it is left out."""
        if table == "resistors":
            ohms = self.circuit.resistors.ohms[row]
            return "v" if ohms == 0 else "" if math.isinf(ohms) else "r"
        if table == "inductors":
            return "v"
        if table == "switches" and self.circuit.switches.fixed[row]:
            ohms = self._fixed_resistance(row)
            return "v" if ohms == 0 else "" if math.isinf(ohms) else "r"
        return super().letter(table, row)

    def _fixed_resistance(self, row: int) -> float:
        s = self.circuit.switches
        return float(s.r_on[row] if s.closed[row] else s.r_off[row])

    def _resistors(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} {_value(self.circuit.resistors.ohms[row])}"

    def _inductors(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} 0"

    def _switches(self, head: str, row: int) -> Iterator[str]:
        s = self.circuit.switches
        if s.fixed[row]:
            yield f"{head} {_value(self._fixed_resistance(row))}"
            return
        if s.ce[row] >= 0:
            control = self.control_name(int(s.ce[row]))
        else:
            control = f"{self._nodes[s.cp[row]]} {self._nodes[s.cn[row]]}"
        state = "on" if s.closed[row] else "off"
        yield f"{head} {control} {self.model(self.switch_model(row), 's')} {state}"

    def switch_model(self, row: int) -> str:
        """Return type and parameters of a switch's model."""
        s = self.circuit.switches
        kind, letter = ("csw", "i") if s.ce[row] >= 0 else ("sw", "v")
        r_on = float(s.r_on[row]) or CLOSED
        r_off = min(float(s.r_off[row]), self.r_off)
        return (
            f"{kind}(Ron={_value(r_on)} Roff={_value(r_off)} "
            f"{letter}t={_value(s.threshold[row])} {letter}h={_value(s.hysteresis[row])})"
        )

    def _controlled_sources(self, head: str, row: int) -> Iterator[str]:
        if row not in self._sensed:
            yield from super()._controlled_sources(head, row)
            return
        name, p, q = head.split()
        inner = f"{p}#{name}"
        yield from super()._controlled_sources(f"{name} {inner} {q}", row)
        yield f"v.sense.{name} {p} {inner} 0"

    def control_name(self, element: int) -> str:
        """Return the name of the V source whose current an element's is."""
        name = super().control_name(element)
        start = self.circuit.first["controlled_sources"]
        return f"v.sense.{name}" if element >= start else name

    def diode_values(self, row: int) -> dict[str, float]:
        """Return the parameters of a diode, ideal ones replaced by real ones."""
        d = self.circuit.diodes
        return {
            "Ron": float(d.r_on[row]) or self.r_on,
            "Roff": min(float(d.r_off[row]), self.r_off),
            "Vfwd": float(d.v_forward[row]),
            "Vrev": float(d.v_reverse[row]),
            "Rrev": float(d.r_reverse[row]) or self.r_on,
        }

    def listed(self, name: str, values: Sequence[float]) -> str | None:
        """Return ``start stop step`` if the values are regular but for rounding, else None."""
        start, stop = float(values[0]), float(values[-1])
        step = (stop - start) / max(1, len(values) - 1)
        regular = (abs(start + k * step - value) for k, value in enumerate(values))
        if not step or max(regular) > 1e-12 * max(abs(start), abs(stop)):
            return None
        # a stop that rounding has moved below the last value would lose it
        return f"{name} {_value(start)} {_value(stop + step / 1000)} {float(f'{step:.12g}')!r}"

    def sweep(self, sweep: Sweep) -> str | None:
        """Return a sweep as it stands in a .dc card, None if it can't be written."""
        return None if sweep.of == "switch" else super().sweep(sweep)

    def requests(self) -> Iterator[str]:
        """Yield nothing: who compares voltages has no use for derivatives."""
        yield from ()

    def outputs(self) -> Iterator[str]:
        """Yield nothing: one unknown vector spoils a whole .print there."""
        return iter(())


class NgspiceWriter(ForeignWriter):
    """ngspice: diodes are XSPICE ``sidiode`` devices, linear in three pieces."""

    def letter(self, table: str, row: int) -> str:
        """Return the letter of the card that an element becomes, ``""`` if it is left out."""
        return "a" if table == "diodes" else super().letter(table, row)

    def diode_model(self, row: int) -> str:
        """Return type and parameters of a diode's model."""
        values = self.diode_values(row)
        values["Vrev"] = min(values["Vrev"], 1e9)
        return f"sidiode({' '.join(f'{k}={_value(v)}' for k, v in values.items())})"


class LtspiceWriter(ForeignWriter):
    """LTspice: diodes with Ron, Roff, Vfwd, Vrev are linear in three pieces."""

    def diode_model(self, row: int) -> str:
        """Return type and parameters of a diode's model."""
        values = {k: v for k, v in self.diode_values(row).items() if math.isfinite(v)}
        if "Vrev" not in values:
            del values["Rrev"]
        return f"D({' '.join(f'{k}={_value(v)}' for k, v in values.items())})"
