"""One operating point as a deck that ngspice can solve: what is ideal, as near as it bears.

What ngspice can't be given is left out or replaced, and said so:

- an ideal diode is an XSPICE ``sidiode`` whose on-resistance is a small fraction of the
  resistances around it (the caller extrapolates to none);
- a switch is what its final state makes of it: a short, a resistor or nothing;
- of a loop of voltage sources and shorts, one element is left out;
- a floating part is tied to ground, and blocked elements that join it to others left out.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.forests import spanning_forest
from ..graph.graphs import components
from ..model.circuit import Circuit
from ..model.devices import Device
from ..netlist.write.dialects import NgspiceWriter

#: resistance that stands for infinity, relative to the largest in the circuit
BLOCKING = 1e15
#: an iteration that ends before the diodes have settled is wrong: with the usual 1e-3 it does
OPTIONS = ".options reltol=1e-9 vntol=1e-12 abstol=1e-15"
#: currents below this, relative to the largest, are rounding
NOTHING = 1e-12


@dataclass(frozen=True)
class Task:
    """An operating point that ngspice is to find.

    Attributes
    ----------
    circuit : Circuit
        All its switches are held in their final states.
    omitted : dict of str to str
        Element -> why it is left out.
    ties : tuple of str
        Nodes that get a resistor to ground because their part floats.
    currents : ndarray, shape (n_elements,), optional
        A; those that flow at the voltages of the circuit's ``nodeset``, if these are a
        solution that ngspice is to start from.
    """

    circuit: Circuit
    omitted: Mapping[str, str]
    ties: tuple[str, ...]
    currents: Floats | None = None

    def deck(self, fraction: float) -> tuple[str, dict[str, str]]:
        """Return the deck, and element name -> its name there.

        Parameters
        ----------
        fraction : float
            On-resistance of ideal diodes relative to the smallest resistance next to them.
        """
        writer = _Writer(self, fraction)
        return writer.text(), writer.names

    @property
    def is_exact(self) -> bool:
        """Whether no diode needs an on-resistance that it does not have."""
        return not any(device.is_idealised() for device in self.circuit.tables.values())


def prepare(
    circuit: Circuit, voltages: Floats, currents: Floats, closed: Bools, *, start: bool
) -> Task:
    """Make a task of a circuit and its operating point.

    Parameters
    ----------
    circuit : Circuit
    voltages : ndarray, shape (n_nodes,)
        V; NaN where a node floats.
    currents : ndarray, shape (n_elements,)
        A; only whether a diode in a floating part conducts is taken from it.
    closed : ndarray of bool, shape (n_switches,)
        Final states of the switches.
    start : bool
        ngspice is to start from `voltages`: there are other solutions, or it finds none.
    """
    states = zip(circuit.switches.names, closed.tolist(), strict=True)
    nodeset = dict(circuit.nodeset)
    if start:
        nodeset = {n: float(v) for n, v in zip(circuit.nodes, voltages, strict=True) if v == v}
        nodeset.pop("0")
    held = dataclasses.replace(
        circuit.with_switches(dict(states)), analyses=(), nodeset=nodeset, outputs=()
    )
    omitted = dict.fromkeys(_closing(held), "it closes a loop of sources and shorts")
    blocked, ties = _floating(held, np.isnan(voltages), currents)
    omitted |= dict.fromkeys(blocked, "it joins a floating part to others, and blocks")
    return Task(held, omitted, ties, currents if start else None)


def resistances(circuit: Circuit) -> Floats:
    """Return the resistance of each element in ohm: 0 if rigid, inf if none or blocked.

    The switches are held; of diodes, the on-resistance counts.
    """
    return np.concatenate([device.resistance() for device in circuit.tables.values()])


def _parts(circuit: Circuit, some: Bools | Ints) -> Ints:
    """Return for each node the smallest of those that some elements join it to."""
    p, q = circuit.terminals
    _, label = components(len(circuit.nodes), p[some], q[some])
    first: Ints = np.unique(label, return_index=True)[1]
    return first[label]


def _rigid(circuit: Circuit) -> list[int]:
    """Return the elements that fix a voltage, those first whose current controls something."""
    controls = {int(k) for device in circuit.tables.values() for k in device.controls()[1]}
    rigid = np.flatnonzero(resistances(circuit) == 0).tolist()
    return sorted(rigid, key=lambda element: element not in controls)


def _closing(circuit: Circuit) -> list[str]:
    """Return elements without which no loop of sources and shorts is left."""
    rigid = np.array(_rigid(circuit), dtype=np.int64)
    p, q = circuit.terminals
    forest = spanning_forest(len(circuit.nodes), p[rigid], q[rigid])
    return [circuit.element_names[k] for k in rigid[~forest.in_tree].tolist()]


def _floating(
    circuit: Circuit, floats: Bools, currents: Floats
) -> tuple[list[str], tuple[str, ...]]:
    """Return blocked elements that join a floating part to others, and a node of each part."""
    if not floats.any():
        return [], ()
    p, q = circuit.terminals
    flows = np.abs(currents) > NOTHING * np.abs(currents).max(initial=0.0)
    first = circuit.first
    conducts = np.concatenate(
        [d.carries(flows[first[name] :][: len(d)]) for name, d in circuit.tables.items()]
    )
    part = _parts(circuit, conducts & floats[p] & floats[q])
    apart = (floats[p] | floats[q]) & (part[p] != part[q])
    names = [circuit.element_names[k] for k in np.flatnonzero(apart & ~conducts).tolist()]
    return names, tuple(circuit.nodes[k] for k in np.unique(part[floats]))


def rigid_groups(circuit: Circuit) -> Ints:
    """Return for each node the smallest node that sources and shorts tie it to."""
    return _parts(circuit, resistances(circuit) == 0)


def near_resistances(circuit: Circuit) -> tuple[Floats, float]:
    """Return the smallest resistance next to each node, shape (n_nodes,), and of all, ohm.

    Next to it is what ends there, or at what sources and shorts tie to it; infinite where
    that is nothing, and for ground and what is tied to it.
    """
    ohms = resistances(circuit)
    p, q = circuit.terminals
    group = rigid_groups(circuit)
    finite = np.isfinite(ohms) & (ohms > 0)
    smallest = float(ohms[finite].min(initial=np.inf))
    near = np.full(len(circuit.nodes), np.inf)
    for ends in (p, q):
        np.minimum.at(near, group[ends[finite]], ohms[finite])
    near[0] = np.inf
    return near[group], smallest if math.isfinite(smallest) else 1.0


class _Writer(NgspiceWriter):
    """Writes a task: ``.op`` and nothing else."""

    def __init__(self, task: Task, fraction: float) -> None:
        ohms = resistances(task.circuit)
        largest = float(ohms[np.isfinite(ohms)].max(initial=1e3))
        super().__init__(task.circuit, r_on=1.0, r_off=BLOCKING * largest)
        self.task, self.fraction = task, fraction
        self._near, self._smallest = near_resistances(task.circuit)

    def letter(self, device: Device, row: int) -> str:
        """Return the letter of the card that an element becomes, ``""`` if it is left out."""
        return "" if device.names[row] in self.task.omitted else super().letter(device, row)

    def on_resistance(self, p: int, q: int) -> float:
        """Return a share of the smallest resistance next to two nodes, a power of ten."""
        scale = np.minimum(self._near[[p]], self._near[[q]])
        scale[np.isinf(scale)] = self._smallest
        return float(self.fraction * 10.0 ** np.floor(np.log10(scale))[0])

    def nodesets(self) -> Iterator[str]:
        """Yield ``.nodeset`` cards, at which the diodes that should conduct do."""
        table, currents = self.circuit.diodes, self.task.currents
        volts = dict(self.circuit.nodeset)
        if currents is not None:
            # exactly on its knee a diode would block, and the iteration run away
            flows = currents[self.circuit.first["diodes"] :][: len(table)]
            group = rigid_groups(self.circuit)
            for row in np.flatnonzero((flows > 0) & (table.r_on == 0)):
                p, q = int(table.p[row]), int(table.q[row])
                end, sign = (p, 1) if group[p] != group[0] else (q, -1)
                node = self.circuit.nodes[end]
                if node in volts:
                    volts[node] += sign * float(self.on_resistance(p, q) * flows[row])
        yield from (f".nodeset v({node})={value!r}" for node, value in volts.items())

    def analyses(self) -> Iterator[str]:
        """Yield ties of floating parts, tolerances and the ``.op`` card."""
        for k, node in enumerate(self.task.ties, 1):
            yield f"rfloating{k} {node} 0 1k"
        yield OPTIONS
        yield from super().analyses()
