"""Decks for other simulators: what is ideal here becomes as ideal as they can bear."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ...model.circuit import Circuit
from ...model.devices import Device
from ...model.devices.device import text as _value
from ...model.requests import Sweep
from .writer import Writer


class ForeignWriter(Writer):
    """What the foreign dialects have in common.

    Shorts and inductors become 0 V sources ``v.name``, whose current is that of the
    element; fixed switches become what they stand for.

    Parameters
    ----------
    r_on, r_off : float
        Resistances (ohm) of diodes and switches that have none, or an infinite one.
    """

    needs_op, keeps_parameters, keeps_brackets = True, False, False
    dialect: str
    diode_letter = "d"

    def __init__(self, circuit: Circuit, r_on: float, r_off: float) -> None:
        super().__init__(circuit)
        self.r_on, self.r_off = r_on, r_off
        sensed = {int(k) for device in circuit.tables.values() for k in device.controls()[1]}
        self._sensed = {circuit.element_names[k] for k in sensed}

    def letter(self, device: Device, row: int) -> str:
        """Return the letter of the card that an element becomes, ``""`` if it is left out."""
        return device.foreign_letter(row, self)

    def lines(self, device: Device, row: int, head: str) -> Iterator[str]:
        """Yield the lines of an element whose name and nodes are given."""
        return device.foreign_lines(row, head, self)

    # ---- what devices ask for, see `devices.device.ForeignDeck` ----

    def is_sensed(self, name: str) -> bool:
        """Tell whether the current of an element controls another."""
        return name in self._sensed

    def current(self, element: int) -> str:
        """Return the name of the V source whose current an element's is."""
        name = super().current(element)
        return name if name[0] == "v" else f"v.sense.{name}"

    def diode(self, head: str, p: int, q: int, values: Mapping[str, float]) -> str:
        """Return the card of a diode, one that is ideal replaced by a real one."""
        on = self.on_resistance(p, q)
        real = {
            "Ron": values["r_on"] or on,
            "Roff": min(values["r_off"], self.r_off),
            "Vfwd": values["v_forward"],
            "Vrev": values["v_reverse"],
            "Rrev": values["r_reverse"] or on,
        }
        return f"{head} {self.model(self.diode_model(real), 'd')}"

    def on_resistance(self, p: int, q: int) -> float:
        """Return what stands for none in a diode next to nodes p and q, ohm."""
        return self.r_on

    def diode_model(self, values: Mapping[str, float]) -> str:
        """Return type and parameters of a diode's model."""
        raise NotImplementedError

    # ---- dot cards ----

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
        return None if sweep.of in ("switch", "table") else super().sweep(sweep)

    def requests(self) -> Iterator[str]:
        """Yield nothing: who compares voltages has no use for derivatives."""
        yield from ()

    def outputs(self) -> Iterator[str]:
        """Yield nothing: one unknown vector spoils a whole .print there."""
        return iter(())


class NgspiceWriter(ForeignWriter):
    """ngspice: diodes are XSPICE ``sidiode`` devices, linear in three pieces."""

    dialect = "ngspice"
    diode_letter = "a"

    def diode_model(self, values: Mapping[str, float]) -> str:
        """Return type and parameters of a diode's model."""
        values = {**values, "Vrev": min(values["Vrev"], 1e9)}
        return f"sidiode({' '.join(f'{k}={_value(v)}' for k, v in values.items())})"


class LtspiceWriter(ForeignWriter):
    """LTspice: diodes with Ron, Roff, Vfwd, Vrev are linear in three pieces."""

    dialect = "ltspice"

    def diode_model(self, values: Mapping[str, float]) -> str:
        """Return type and parameters of a diode's model."""
        values = {k: v for k, v in values.items() if math.isfinite(v)}
        if "Vrev" not in values:
            del values["Rrev"]
        return f"D({' '.join(f'{k}={_value(v)}' for k, v in values.items())})"
