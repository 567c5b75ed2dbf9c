"""Ohm's law, with its limits zero and infinity."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..arrays import Bools, Floats
from ..model.devices import Device, Resistors
from .check import Check
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

T = TypeVar("T", bound=Device)


class Ohm(Law[T]):
    """``v = R i``, for an open circuit ``i = 0``."""

    def ohms(self, closed: Bools | None = None) -> Floats:
        """Return the resistances, with the switches in given states."""
        raise NotImplementedError

    def certify(self, check: Check) -> None:
        """Judge ``R i - v``."""
        ohms = self.ohms(check.closed)
        opened = np.isinf(ohms)
        i, drop, blur = check.i[:, self.rows], check.drop[:, self.rows], check.blur[:, self.rows]
        rise = np.where(opened, 0.0, ohms) * i
        error = np.where(opened, np.abs(i), np.abs(rise - drop))
        size = np.where(opened, 0.0, np.maximum(np.abs(rise), np.abs(drop)))
        check.linear(self.table.names, "Ohm's law (V)", error, size, np.where(opened, 0.0, blur))

    def ties(self, closed: Bools) -> Bools:
        """Shorts."""
        return np.asarray(self.ohms(closed) == 0.0)

    def line(self, closed: Bools) -> tuple[Floats, Floats, Floats]:
        """Return the resistances; nothing flows through infinite ones."""
        none = np.zeros(len(self.table))
        return self.ohms(closed), none, none

    def openness(self, check: Check) -> Floats:
        """The slope ``i / v``, of which a short has none, times what is open in v."""
        ohms = self.ohms(check.closed)
        conductance = 1.0 / np.where(ohms == 0, np.inf, np.abs(ohms))
        return np.asarray(conductance * check.blur[:, self.rows])

    def judge(self, judged: Judged) -> None:
        """The voltages give the currents, but for shorts."""
        judged.conduct(self.rows, self.ohms())

    def slopes(self, at: Influence) -> Floats:
        """Return the derivatives by the resistances; at zero ohm that of ``v = R i``."""
        ohms = self.ohms(at.closed)
        by_siemens = at.drop[self.rows] * at.by_amps[self.rows]
        short = ohms == 0
        slope = -by_siemens / np.where(short, 1.0, ohms) ** 2
        return np.where(short, at.by_volts[self.rows] * at.i[self.rows], slope)

    def derive(self, at: Influence) -> None:
        """By the resistance."""
        for name, value, slope in zip(
            self.table.names, self.ohms().tolist(), self.slopes(at).tolist(), strict=True
        ):
            at.note(name, value, slope)


class ResistorLaw(Ohm[Resistors]):
    """A resistor."""

    device = Resistors
    monotone = True

    def ohms(self, closed: Bools | None = None) -> Floats:
        """Return the resistances."""
        return self.table.ohms
