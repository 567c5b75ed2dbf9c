"""The deck as its user wrote it: what ngspice makes of it, and which devices it takes otherwise.

ngspice is given a copy of the user's own cards (`own_deck`).  Where its answer differs, every
device is asked whether its law holds at ngspice's voltages and currents: those where it
doesn't are read differently.  What ngspice itself adds is told apart from that: its gmin, the
resistance that stands for none in ideal devices, and which of several solutions it finds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import SimulatorError, UsageError
from ..laws.strangers import Stranger, strangers
from ..model.circuit import Circuit
from ..results.operating_point import OperatingPoint
from ..results.rawfile import Plot
from .comparison import Comparison, judged
from .deviations import Deviation
from .oracle import variants
from .own_deck import OwnDeck
from .own_runs import Runs
from .process import version
from .readings import Reading, from_plots
from .stand_ins import Unfit

#: columns of tables that ngspice can be told to change
_ALTERED = (("resistors", "ohms"), ("voltage_sources", "volts"), ("current_sources", "amps"))


@dataclass(frozen=True)
class AsWritten:
    r"""What another simulator makes of the deck as it was written.

    Attributes
    ----------
    status : str
        ``"agree"``, ``"disagree"``, ``"no solution"`` (as far as there is one, all agrees),
        ``"not compared"``, or ``"no deck"`` if the circuit was not read from one.
    why : str
        Why nothing was compared.
    comparisons : tuple of Comparison
        One per analysis.
    strangers : tuple of Stranger
        Devices that the two take for different things, the worst first.
    stand_ins : dict of str to str
        Card that ngspice has not -> what it was given instead.
    notes : tuple of str

    Examples
    --------
    >>> deck = "a real diode\nV1 a 0 5\nR1 a b 1k\nD1 b 0 dx\n.model dx D(Ron=0 Vfwd=0.7)"
    >>> found = rs.ngspice.compare(rs.parse_netlist(deck)).as_written
    >>> found.status, list(found.stand_ins)
    ('agree', ['.model dx d(ron=0 vfwd=0.7)', 'd1 b 0 dx'])
    """

    status: str
    why: str = ""
    comparisons: tuple[Comparison, ...] = field(default=(), repr=False)
    strangers: tuple[Stranger, ...] = ()
    stand_ins: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def worst(self) -> Deviation:
        """The node that is moved furthest, or else the current that is."""
        found = [d for comparison in self.comparisons for d in comparison.worst]
        return max(found, key=lambda d: (not d.agrees and d.name[0] == "v", d.relative))


def as_written(
    circuit: Circuit, ops: Sequence[OperatingPoint], rtol: float, time_limit: float
) -> AsWritten:
    """Let ngspice solve the user's deck and compare."""
    try:
        deck, changes = OwnDeck(circuit), _changes(circuit)
    except Unfit as error:
        return AsWritten("not compared" if circuit.sources else "no deck", str(error))
    found, odd = [], []
    notes = list(deck.notes)
    for op in ops:
        try:
            runs = Runs(circuit, deck, changes, op, rtol, time_limit)
            comparison = runs.best()
        except (Unfit, UsageError) as error:
            return AsWritten("not compared", str(error), stand_ins=deck.stand_ins.cards)
        except SimulatorError as error:
            why = f"{version()} can't do the deck as it is written: {error}"
            return AsWritten("not compared", why, stand_ins=deck.stand_ins.cards)
        found.append(comparison)
        notes += runs.notes
        if comparison.disagreeing:
            reading = runs.with_currents() or comparison.reading
            odd += _strangers(circuit, op, reading, comparison.worst[0].point, rtol)
    written = _concluded(found, odd)
    return replace(written, stand_ins=deck.stand_ins.cards, notes=tuple(dict.fromkeys(notes)))


def in_file(
    circuit: Circuit, ops: Sequence[OperatingPoint], plots: list[Plot], source: str, rtol: float
) -> AsWritten:
    """Compare with what a simulator has left of a deck."""
    found, odd = [], []
    for op in ops:
        comparison = judged(circuit, op, from_plots(circuit, op, plots, source), rtol, ())
        found.append(comparison)
        if comparison.disagreeing:
            odd += _strangers(circuit, op, comparison.reading, comparison.worst[0].point, rtol)
    return _concluded(found, odd)


def _concluded(found: Sequence[Comparison], odd: Sequence[Stranger]) -> AsWritten:
    """Return what follows from some comparisons."""
    status, why = "agree", ""
    if any(c.disagreeing for c in found):
        status = "disagree"
    elif lost := [name for c in found for name in c.unresolved]:
        status, why = "not compared", f"{found[0].reading.source} gives no value for {lost[0]}"
    elif any(c.op.unsolved for c in found):
        status = "no solution"
    elif not any(c.compared["voltages"] + c.compared["currents"] for c in found):
        status, why = "not compared", "there is nothing to compare"
    unique = {s.name: s for s in sorted(odd, key=lambda s: s.share)}
    worst = tuple(sorted(unique.values(), key=lambda s: -s.share))
    return AsWritten(status, why, tuple(found), worst)


def _strangers(
    circuit: Circuit, op: OperatingPoint, reading: Reading, point: int, rtol: float
) -> list[Stranger]:
    """Return the devices whose laws don't hold at the point where a reading differs most."""
    volts = reading.node_voltages(point, len(circuit.nodes))
    amps = np.full(circuit.n_elements, np.nan)
    amps[reading.first[reading.is_current]] = reading.values[point, reading.is_current]
    closed = np.asarray(op.closed).reshape(len(reading.values), -1)[point]
    held = variants(circuit, op)[point]
    return strangers(held, volts, amps, closed, rtol)


def _changes(circuit: Circuit) -> dict[str, float]:
    """Return element -> value where it is not what the deck says any more.

    Raises
    ------
    Unfit
        If more has changed than values that ngspice can be told.
    """
    if circuit.rebuild is None:
        raise Unfit("the circuit was changed after it was read")
    changes: dict[str, float] = {}
    read = circuit.rebuild({})
    for name in {**circuit.tables, **read.tables}:
        table, other = getattr(circuit, name), getattr(read, name)
        for column in dataclasses.fields(table):
            ours, theirs = getattr(table, column.name), getattr(other, column.name)
            # formulas are tuples of tuples, which no array can hold
            if ours == theirs if isinstance(ours, tuple) else np.array_equal(ours, theirs):
                continue
            if (name, column.name) not in _ALTERED or len(ours) != len(theirs):
                raise Unfit(f"{column.name} of {name.replace('_', ' ')} is not what the deck says")
            rows = np.flatnonzero(ours != theirs).tolist()
            changes |= {table.names[k]: float(ours[k]) for k in rows}
    return changes
