"""How states react to forces at outputs, and which nudges a circuit therefore bears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.registers import DOUBLES
from ..curves import Points
from ..errors import UsageError
from .bends import Pull
from .lane_data import Answers, Data
from .lanes import Lanes
from .nudges import UnstableNudge
from .output_ends import OutputEnds
from .states import States
from .threads import spread

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
        To currents fed into the outputs, as found so far.
    ahead : dict
        States with a pull that were found beside those with the opposite one.
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
    ahead: dict[Any, Any] = field(default_factory=dict)


class Reactions:
    """Changes of states whose rectifiers stay as they are.

    Where none and no curve conducts outputs give way most: what conducts makes them stiffer.
    """

    def __init__(self, lanes: Lanes, ends: OutputEnds) -> None:
        self.lanes, self.ends = lanes, ends
        #: conductances, and outputs per force there
        self._transfer: tuple[Floats, Floats] | None = None

    def pulled(self, held: Held, pull: Pull) -> tuple[tuple[float, ...], Answers]:
        """Return states that are pulled, and by what: after a negative pull the opposite one.

        Who asks for both asks for that first.  What is the same for both is found once, and what
        they have to settle shares lanes.
        """
        assert pull.aim is not None
        data, siemens, aim = held.data, pull.siemens, pull.aim - self.ends.moved(held.x)
        pulls = (siemens, -siemens) if siemens < 0.0 else (siemens,)
        state, moved = (held.x, held.current, held.on), list[Any]()
        count = len(pulls) * len(aim)

        def begin(x: Floats, current: Floats) -> Callable[[Ints], None]:
            change = x.reshape(count, x.shape[2]), current.reshape(count, current.shape[2])
            # in the same arrays, by the threads that have found them
            *sets, add = self.lanes.adding(data, state, change, 1.0, FINE, change)
            moved.extend((*change, *sets))
            return add

        *_, force, fine = self.lanes.respond(data.conductance, held.on, aim, pulls, begin)
        force = force.reshape(count, force.shape[2])
        found = self._finished(held, data, moved, fine.ravel(), np.repeat(pulls, len(aim)),
                               force, pull.aim)  # fmt: skip
        return pulls, found

    def pushed(self, held: Held, force: Floats, data: Data) -> Answers:
        """Return states with currents fed into outputs, which are in the load of `data`, too."""
        known, sign = held.reactions, 1.0
        key, opposite = force.tobytes(), (-force).tobytes()
        if key not in known and opposite in known:
            key, sign = opposite, -1.0
        if key not in known:
            known[key] = self._pushed(data.conductance, held.on, force)
        x, current, fine = known[key]
        state, none = (held.x, held.current, held.on), np.zeros(len(force))
        moved = self.lanes.added(data, state, (x, current), sign, FINE)
        return self._finished(held, data, moved, fine, none, np.zeros(force.shape), None)

    def _finished(
        self, held: Held, data: Data, moved: Sequence[Any], fine: Bools, pulls: Floats,
        force: Floats, aim: Floats | None,
    ) -> Answers:  # fmt: skip
        """Return free states that reactions were added to, judged.

        What contradicts its sets is found, side by side, from those without it; meanwhile another
        thread judges.
        """
        x, current, on, lawful = moved
        steps, settled = np.ones(len(x), dtype=np.int64), fine & lawful
        settled.reshape(-1, len(held.good))[:] &= held.good
        found = Answers(x, current, on, steps, settled, force, np.zeros(len(x), dtype=np.bool_))
        judge, rest = self.lanes.judging(data, found, LIMITS, aim is not None), ~settled
        vectors = -(-int(rest.sum()) // DOUBLES)  # which take as long for one as for eight
        size = 2 * (x.size + current.size) + DOUBLES * vectors * self.lanes.entries
        ranges, most, _ = self.lanes.ranges(len(x), len(data.load), size)
        again: list[tuple[Ints, Answers]] = []

        def settle(rows: Ints) -> None:
            own = rows % len(data.load)
            target = None if aim is None else aim[own]
            again.append((rows, self.lanes.settle(
                data.rows(own), on[rows], pulls[rows], target, limits=LIMITS
            )))  # fmt: skip

        jobs = [
            *(partial(settle, rows) for rows in self.lanes.parts(np.flatnonzero(rest), most)),
            *(partial(judge, rows) for rows in ranges),
        ]
        spread(lambda job: job(), jobs, min(most, self.lanes.at_once), size)
        for rows, others in again:
            found.put(rows, others)
        return found

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
