"""How states react to forces at outputs, and which nudges a circuit therefore bears."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Floats
from ..errors import UsageError
from .lane_data import Data
from .lanes import Lanes
from .nudges import UnstableNudge
from .output_ends import OutputEnds


class Reactions:
    """Changes of states whose rectifiers stay as they are.

    Where none and no curve conducts outputs give way most: what conducts makes them stiffer.
    """

    def __init__(self, lanes: Lanes, ends: OutputEnds) -> None:
        self.lanes, self.ends = lanes, ends
        #: conductances, and outputs per force there
        self._transfer: tuple[Floats, Floats] | None = None

    def found(
        self, conductance: Floats, on: Bools, aim: Floats, pulls: tuple[float, ...]
    ) -> tuple[Floats, Floats, Floats, Bools]:
        """Return how states change where outputs are pulled, see `Lanes.respond`.

        If the only pull is 0 S, `aim` is what is fed into them, A.
        """
        if pulls != (0.0,):
            return self.lanes.respond(conductance, on, aim, pulls)
        x, current, fine = self._pushed(conductance, on, aim)
        none: Floats = np.zeros((1, *aim.shape))
        return x[None], current[None], none, fine[None]

    def _pushed(
        self, conductance: Floats, on: Bools, force: Floats
    ) -> tuple[Floats, Floats, Bools]:
        load = self.ends.fed(np.zeros((len(on), self.lanes.network.n - 1)), force)
        return self.lanes.steady(Data(conductance, load, np.zeros(on.shape)), on)

    def allowed(self, conductance: Floats, stiffness: float) -> bool:
        """Tell whether the circuit is known to bear a nudge of a stiffness, S.

        Raises
        ------
        UsageError
            If a negative stiffness makes it unstable, or an infinite one is not possible.
        """
        if 0.0 <= stiffness < np.inf:
            return True
        known = self._transfer
        if stiffness < 0 and known is not None and (known[0] > 0).all():
            # voltages per force grow by no more than conductances shrink (Rayleigh)
            shrunk = float((conductance / known[0]).min(initial=1.0))
            if shrunk > 0 and -stiffness * np.linalg.norm(known[1]) < 0.5 * shrunk:
                return True
        transfer = self._outputs_per_force(conductance)
        if np.isnan(transfer).any():
            return stiffness > 0  # something floats
        values = np.linalg.eigvalsh(0.5 * (transfer + transfer.T))
        if stiffness < 0 and -stiffness * values[-1] >= 1.0:
            raise UnstableNudge(stiffness, -1.0 / values[-1])
        if np.isinf(stiffness) and not values[0] > 1e-12 * values[-1]:
            raise UsageError("outputs that depend on each other or on sources can't be clamped")
        return True

    def _outputs_per_force(self, conductance: Floats) -> Floats:
        """Return what forces at the outputs do there, ohm.

        Shape (n_outputs, n_outputs), or a NaN where something floats.
        """
        if self._transfer is None or not np.array_equal(self._transfer[0], conductance):
            net = self.lanes.network
            unit = np.eye(len(net.output_p))
            on = np.zeros((len(unit), len(net.diode_p)), dtype=np.bool_)
            x, _, fine = self._pushed(conductance, on, unit)
            transfer = self.ends.moved(x) if fine.all() else np.full((1, 1), np.nan)
            self._transfer = (conductance, transfer)
        return self._transfer[1]
