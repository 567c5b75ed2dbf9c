"""What is asked of the law of every device."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import numpy as np

from ..arrays import Bools, Floats
from ..model.circuit import Circuit
from ..model.devices import Device
from .check import Check

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

T = TypeVar("T", bound=Device)


class Law(Generic[T]):
    """The law of a device: of all elements of its table in a circuit, whose numbers are `rows`.

    It is written without a look at how the device becomes pieces of a problem.  Columns of
    values may have shape (points, elements) in what a `Check` asks for.
    """

    device: type[T]
    #: whether its current never falls as the voltage across it rises
    monotone: ClassVar[bool] = False
    #: whether it may curve, as formulas do
    curved: ClassVar[bool] = False

    def __init__(self, circuit: Circuit) -> None:
        name = self.device.plural
        self.table: T = circuit.tables[name]  # type: ignore[assignment]
        first = circuit.first[name]
        self.rows = slice(first, first + len(self.table))

    def certify(self, check: Check) -> None:
        """Judge our own results."""
        raise NotImplementedError

    def openness(self, check: Check) -> Floats | float:
        """Return by how much rounding of the voltages moves the currents, A."""
        return 0.0

    def within(self) -> Floats | float:
        """Return the sizes of currents of which the elements' are differences, A."""
        return 0.0

    def echoes(self) -> Bools:
        """Tell which currents are multiples of others: nothing flows in them if nowhere else."""
        return np.zeros(len(self.table), dtype=np.bool_)

    def growth(self, v: Floats) -> Floats | None:
        """Return how much currents grow at least with their own voltages, S; None: some may fall.

        That is near voltages of nodes.
        """
        return np.zeros(len(self.table)) if self.monotone else None

    def straight(self) -> bool:
        """Tell whether numbers that obey it are known to their last digits.

        Roots of equations that curve, such as exponentials, are where iterations end; and what
        currents set passes the rounding of large ones on to small ones.
        """
        return not self.curved

    def ties(self, closed: Bools) -> Bools:
        """Tell which elements carry what others leave them, as no voltage says what they carry."""
        return np.zeros(len(self.table), dtype=np.bool_)

    def line(self, closed: Bools) -> tuple[Floats, Floats, Floats] | None:
        """Return ``v = ohms i + volts``, and ``i = amps`` where `ohms` is infinite.

        None unless that is the whole law.  Shapes are (rows,) or (points, rows).
        """
        return None

    def knees(self) -> tuple[Floats, Floats, Floats, Floats, Floats] | None:
        """Return a line between two knees with steeper ones beyond them, if that is the whole law.

        Its slope (S); where the steeper ones begin and their resistances, forward and backward.
        """
        return None

    def junctions(self) -> tuple[Floats | float, ...] | None:
        """Return the numbers of exponential laws, if loops know these, see `JunctionLaw`."""
        return None

    def judge(self, judged: Judged) -> None:
        """Say which currents the voltages of another simulator make, or leave open."""
        raise NotImplementedError

    def derive(self, at: Influence) -> None:
        """Note the derivatives of an output by the values of the elements."""
