"""Devices that are not as one asks for: levels, noise, drift between copies, dead cells; wires."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..many.nudges import add_elements
from ..model.circuit import Circuit
from ..model.names import untaken, whole
from ..model.potentiometers import Potentiometer, at_random, nearest, potentiometer


@dataclass(frozen=True)
class Devices:
    """How real the learning conductances are; by default they are ideal.

    Parameters
    ----------
    levels : int, optional
        Conductances are multiples of ``(g_max - g_min) / (levels - 1)`` above g_min; a write
        lands on one of the two levels around what is asked for, at random, right on average.
        What a network starts with, or is set to, is moved to the nearest level.
    part : str or Potentiometer, optional
        Levels are those of a digital potentiometer: equal steps in ohms, behind a wiper.  A name
        such as ``"ad5206-10k"``, of 256 positions; see `resnet_sim.model.potentiometers`.
    write_noise : float
        Standard deviation of a change, relative to the change.
    nonlinearity : float
        A change is multiplied by the share of the range that is left in its direction, to
        this power: 0 is linear, 1 saturates exponentially.
    read_noise : float
        Standard deviation of the node voltages that a rule reads, V.
    stuck : float
        Share of the devices that never change.
    mismatch : float
        Relative standard deviation between the conductances of the free and of the nudged
        circuit, for two copies side by side.
    wire : float
        Resistance (ohm) of the piece of wire between neighbouring crossings, where the
        learning resistors are the cells of crossbars: those with the same first node are a
        row, those with the same second node a column; see `wired`.
    seed : int

    Examples
    --------
    >>> devices, half = tr.Devices(levels=3), np.full(8, 0.5)
    >>> written = devices.write(half, half, 0.0, 2.0, np.random.default_rng(0))  # levels 0, 1, 2 S
    >>> sorted(set(written.tolist()))
    [0.0, 1.0]
    """

    levels: int | None = None
    write_noise: float = 0.0
    nonlinearity: float = 0.0
    read_noise: float = 0.0
    stuck: float = 0.0
    mismatch: float = 0.0
    wire: float = 0.0
    seed: int = 0
    part: str | Potentiometer | None = None

    def check(self, g_min: float, g_max: float) -> None:
        """Raise `UsageError` for numbers that make no sense."""
        sizes = (self.write_noise, self.nonlinearity, self.read_noise, self.mismatch, self.wire)
        whole(self.seed, "the seed")
        if min(sizes) < 0 or not 0 <= self.stuck <= 1 or not np.isfinite(self.wire):
            raise UsageError(
                "noise, nonlinearity, mismatch and wire can't be negative; 0 <= stuck <= 1"
            )
        if self.levels is not None and self.levels < 2:
            raise UsageError(f"{self.levels} levels: at least two are needed")
        if self.levels and self.part:
            raise UsageError("levels= and part= both say which conductances there are")
        if self.part is not None:
            levels = potentiometer(self.part).levels
            if not ((levels >= g_min) & (levels <= g_max)).any():
                raise UsageError(
                    f"the part has {levels[0]:.4g} to {levels[-1]:.4g} S, of which nothing is "
                    f"between {g_min:.4g} and {g_max:.4g} S"
                )
        if (self.levels or self.nonlinearity) and not np.isfinite(g_max - g_min):
            raise UsageError("levels and nonlinear writing need a finite g_max")

    @property
    def exact(self) -> bool:
        """Whether they become what is asked for."""
        noise = self.write_noise or self.nonlinearity or self.stuck
        return not (self.levels or self.part or noise)

    def generator(self, *place: int) -> np.random.Generator:
        """Return the random numbers of one place in a run; nothing of them needs saving."""
        return np.random.default_rng([self.seed, *place])

    def dead(self, n: int) -> Bools:
        """Tell which of n devices are stuck."""
        return self.generator(0).random(n) < self.stuck

    def copy(self, g: Floats) -> Floats:
        """Return the conductances of the nudged copy, S."""
        if not self.mismatch:
            return g
        off = self.generator(1).normal(0.0, self.mismatch, len(g))
        return np.asarray(g * np.exp(off))

    def settle(self, g: Floats, g_min: float, g_max: float) -> Floats:
        """Return the conductances nearest to g that the devices can have, S."""
        if self.part is not None:
            return nearest(self._within(g_min, g_max), g)
        if not self.levels or g_min == g_max:
            return g
        spacing = (g_max - g_min) / (self.levels - 1)
        return np.asarray(np.clip(g_min + spacing * np.round((g - g_min) / spacing), g_min, g_max))

    def _within(self, g_min: float, g_max: float) -> Floats:
        """Return the levels of the part between bounds; of one alone, twice."""
        assert self.part is not None
        levels = potentiometer(self.part).levels
        levels = levels[(levels >= g_min) & (levels <= g_max)]
        return levels if len(levels) > 1 else np.repeat(levels, 2)

    def write(
        self, g: Floats, wanted: Floats, g_min: float, g_max: float, rng: np.random.Generator
    ) -> Floats:
        """Return what becomes of conductances g when others are asked for, S."""
        change = wanted - g
        if self.nonlinearity:
            room = np.where(change > 0, g_max - g, g - g_min) / (g_max - g_min)
            change = change * room**self.nonlinearity
        if self.write_noise:
            change = change * (1.0 + self.write_noise * rng.normal(size=len(g)))
        new = np.clip(g + change, g_min, g_max)
        if self.part is not None:
            new = at_random(self._within(g_min, g_max), new, rng.random(len(g)))
        if self.levels:
            spacing = (g_max - g_min) / (self.levels - 1)
            step = np.floor((new - g_min) / spacing + rng.random(len(g)))
            new = np.clip(g_min + spacing * step, g_min, g_max)
        return np.where(self.dead(len(g)), g, new) if self.stuck else new

    def read(self, voltages: Floats, rng: np.random.Generator) -> Floats:
        """Return node voltages as a rule reads them, V; ground is exact."""
        if not self.read_noise:
            return voltages
        noise = rng.normal(0.0, self.read_noise, voltages.shape)
        noise[:, 0] = 0.0
        return voltages + noise


def wired(circuit: Circuit, cells: Ints, ohms: float) -> Circuit:
    """Return the circuit with resistance along the rows and columns of a crossbar.

    ::

        a -+-[rwire1]-+-[rwire2]-+      row: the cells whose first node is a
           r1         r2         r3
           |          |          |      columns: the cells with the same second node b,
           b1         b2         b3     wired the same way, the last of them at b

    Parameters
    ----------
    circuit : Circuit
    cells : ndarray of int
        Rows of ``circuit.resistors``.  Their order is that of the crossings: the first cell
        of a row is at the row's own node, the last cell of a column at the column's.
    ohms : float
        Resistance of each piece of wire between neighbouring crossings.

    Returns
    -------
    Circuit
        With a node for every crossing that is not at an old node, on either wire; elements
        keep their names, the pieces of wire are called ``rwire1``, ...
    """
    resistors = circuit.resistors
    p, q = resistors.p.copy(), resistors.q.copy()
    before, after = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    count = len(circuit.nodes)
    for ends, order in ((p, cells), (q, cells[::-1])):
        old = ends[order]
        ends[order], pieces = _spread(old, count)
        count += len(pieces)
        before.append(pieces)
        after.append(np.arange(count - len(pieces), count))
    more = count - len(circuit.nodes)
    nodes = (*circuit.nodes, *untaken("wire", more, circuit.nodes))
    names = untaken("rwire", more, resistors.names)
    bare = replace(circuit.with_tables(resistors=replace(resistors, p=p, q=q)), nodes=nodes)
    return add_elements(
        bare, "resistors", names, np.concatenate(before), np.concatenate(after), ohms=ohms
    )


def _spread(ends: Ints, first: int) -> tuple[Ints, Ints]:
    """Give every end but the first at a node a new node of its own.

    Returns
    -------
    spread : ndarray
        The ends, where new nodes count from `first`.
    pieces : ndarray
        For each new node, the one before it on the wire.
    """
    order = np.argsort(ends, kind="stable")
    again = np.zeros(len(ends), dtype=np.bool_)
    again[1:] = ends[order][1:] == ends[order][:-1]
    spread = ends.copy()
    spread[order[again]] = first + np.arange(int(again.sum()))
    return spread, spread[order[np.flatnonzero(again) - 1]]
