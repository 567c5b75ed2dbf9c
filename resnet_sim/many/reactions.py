"""How states react to forces at outputs, and which nudges a circuit therefore bears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..curves import Points
from ..errors import UsageError
from .bends import Pull
from .lane_data import Answers, Data
from .lanes import Lanes
from .nudges import UnstableNudge
from .output_ends import OutputEnds
from .states import Nudge, States

#: Largest KCL residual relative to the currents at a coordinate.
TOLERANCE = 1e-9
#: What touches a drop, and what contradicts a rectifier, relative to the largest voltage.
NEAR, FINE = 1e-9, 1e-12
LIMITS = TOLERANCE, NEAR, FINE


@dataclass
class Held:
    """What starts similar states, and what reactions need.

    Attributes
    ----------
    g, u : ndarray
        Conductances, S, and inputs.
    x, current : ndarray, shapes (B, n) and (B, m)
    on : ndarray of bool, shape (B, m)
    good : ndarray of bool, shape (B,)
        Not so where states were found one by one: these are in `others`.
    data : Data
        Without forces at the outputs.
    points : Points, shape (B, c)
        Where curves are.
    bent : ndarray, shape (B, c)
        Their currents, A.
    rescued : States, optional
        Of the others, in their order.
    reactions : dict
        To what is forced at the outputs, as found so far.
    ahead : dict
        Nudged states that were found beside those that were asked for.
    """

    g: Floats
    u: Floats
    x: Floats
    current: Floats
    on: Bools
    good: Bools
    data: Data
    points: Points
    bent: Floats
    rescued: States | None = None
    reactions: dict[Any, Any] = field(default_factory=dict)
    ahead: dict[Any, Answers] = field(default_factory=dict)


class Reactions:
    """Changes of states whose rectifiers stay as they are.

    Where none and no curve conducts outputs give way most: what conducts makes them stiffer.
    """

    def __init__(self, lanes: Lanes, ends: OutputEnds) -> None:
        self.lanes, self.ends = lanes, ends
        #: conductances, and outputs per force there
        self._transfer: tuple[Floats, Floats] | None = None

    def states(self, held: Held, nudge: Nudge, pull: Pull, data: Data) -> Answers:
        """Return free states plus reactions, and what settles from where these are no states.

        What the opposite pull has to settle fills lanes that would be idle.
        """
        siemens = nudge.stiffness
        if pull.aim is not None:
            aim = pull.aim - self.ends.moved(held.x)
            pulls = (siemens,) if np.isinf(siemens) else (abs(siemens), -abs(siemens))
        else:
            assert nudge.force is not None
            aim, pulls = nudge.force, (0.0,)
        key = (pulls, aim.tobytes())
        opposite = (pulls, (-aim).tobytes())
        sign = -1.0 if key not in held.reactions and opposite in held.reactions else 1.0
        if sign < 0:
            key = opposite
        if key not in held.reactions:
            reactions = self.found(data.conductance, held.on, aim, pulls)
            held.reactions[key] = dict(zip(pulls, zip(*reactions, strict=True), strict=True))
        found = held.ahead.pop((key, siemens), None)
        if found is None:
            found = self._added(held, data, held.reactions[key][siemens], sign)
            if not found.settled.all():
                asked = {siemens: found}
                if len(pulls) == 2:
                    other = self._added(held, data, held.reactions[key][-siemens])
                    asked[-siemens] = held.ahead[key, -siemens] = other
                self._settle(data, pull.aim, asked)
        return found

    def _added(self, held: Held, data: Data, reaction: Any, sign: float = 1.0) -> Answers:
        """Return free states plus a reaction, and sets without what contradicts it."""
        x, current, force, fine = reaction
        state = held.x, held.current, held.on
        x, current, on, lawful = self.lanes.added(data, state, (x, current), sign, FINE)
        steps, settled = np.ones(len(x), dtype=np.int64), held.good & fine & lawful
        return Answers(x, current, on, steps, settled, sign * force)

    def _settle(self, data: Data, aim: Floats | None, asked: dict[float, Answers]) -> None:
        """Find what has not settled at several pulls, side by side, from the sets given there."""
        rows = [np.flatnonzero(~found.settled) for found in asked.values()]
        every, count = np.concatenate(rows), list(map(len, rows))
        on = np.concatenate([one.on[at] for one, at in zip(asked.values(), rows, strict=True)])
        others = self.lanes.settle(
            data.rows(every), on, np.repeat(list(asked), count), None if aim is None else aim[every]
        )
        for found, at, last in zip(asked.values(), rows, np.cumsum(count), strict=True):
            found.put(at, others.pick(slice(last - len(at), last)))

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
