"""What fixes a current: independent sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..arrays import Bools, Floats
from ..model.devices import CurrentSources, Device
from .check import Check
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

T = TypeVar("T", bound=Device)


class FixedCurrent(Law[T]):
    """``i`` is given, the voltage is free."""

    monotone = True

    @property
    def amps(self) -> Floats:
        """The currents."""
        raise NotImplementedError

    def certify(self, check: Check) -> None:
        """Judge the currents, which need no rounding."""
        error = np.abs(check.i[:, self.rows] - self.amps)
        check.linear(self.table.names, "current (A)", error, 0 * error, 0 * error)

    def line(self, closed: Bools) -> tuple[Floats, Floats, Floats]:
        """No voltage changes the currents."""
        none = np.zeros(len(self.table))
        return none + np.inf, none, self.amps

    def judge(self, judged: Judged) -> None:
        """The current is known."""
        judged.known[self.rows] = self.amps
        judged.size[self.rows] = np.abs(self.amps)


class CurrentSourceLaw(FixedCurrent[CurrentSources]):
    """A source."""

    device = CurrentSources

    @property
    def amps(self) -> Floats:
        """The currents."""
        return self.table.amps

    def derive(self, at: Influence) -> None:
        """By the current."""
        for name, value, slope in zip(
            self.table.names, self.amps, at.by_amps[self.rows], strict=True
        ):
            at.note(name, value, slope)
