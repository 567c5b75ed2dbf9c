"""What fixes a voltage: independent sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..arrays import Bools, Floats
from ..model.devices import Device, VoltageSources
from .check import Check
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

T = TypeVar("T", bound=Device)


class FixedVoltage(Law[T]):
    """``v`` is given, the current is free."""

    monotone = True

    @property
    def volts(self) -> Floats:
        """The voltages."""
        raise NotImplementedError

    def certify(self, check: Check) -> None:
        """Judge the voltages."""
        drop = check.drop[:, self.rows]
        error, blur = np.abs(drop - self.volts), check.blur[:, self.rows]
        check.linear(self.table.names, "voltage (V)", error, np.abs(drop), blur)

    def ties(self, closed: Bools) -> Bools:
        """All."""
        return np.ones(len(self.table), dtype=np.bool_)

    def line(self, closed: Bools) -> tuple[Floats, Floats, Floats]:
        """No current changes the voltages."""
        none = np.zeros(len(self.table))
        return none, self.volts, none

    def judge(self, judged: Judged) -> None:
        """Any current."""
        judged.conduct(self.rows, np.zeros(len(self.table)), self.volts)


class VoltageSourceLaw(FixedVoltage[VoltageSources]):
    """A source."""

    device = VoltageSources

    @property
    def volts(self) -> Floats:
        """The voltages."""
        return self.table.volts

    def derive(self, at: Influence) -> None:
        """By the voltage."""
        for name, value, slope in zip(
            self.table.names, self.volts, at.by_volts[self.rows], strict=True
        ):
            at.note(name, value, slope)
