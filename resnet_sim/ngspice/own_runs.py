"""How ngspice is asked for an analysis of the user's own deck."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from ..errors import SimulatorError, UsageError
from ..model.circuit import Circuit
from ..model.requests import Sweep
from ..results.operating_point import OperatingPoint
from ..results.rawfile import DC_SWEEP, Plot
from .comparison import Comparison, judged
from .export import OPTIONS
from .oracle import FRACTION, FRACTION_OF_AMPLIFIERS, LADDER
from .own_deck import OwnDeck
from .process import run_files, version
from .readings import Reading, from_plots
from .stand_ins import Unfit

#: conductance that ngspice puts across junctions when its own is to count for nothing, S
NO_GMIN = 1e-18
#: resistance that ties floating parts to ground, ohm
FLOATS = 1e15
#: with these tolerances ngspice converges where it doesn't with `OPTIONS`
LOOSE = ".options reltol=1e-6 vntol=1e-9 abstol=1e-12"
#: nodes and sources that ngspice, or what stands for a device, has within it
_INNER = re.compile(r"#|_int\d|_middle|i\(b[efgh]|\$poly")
_IDENTIFIER = re.compile(r"[a-z_][\w.]*")


def _flattened(name: str) -> str:
    """Return what ngspice calls an element: ``r.x1.r1`` within an instance."""
    return f"{name.rpartition('.')[2][:1]}.{name}" if "." in name else name


@dataclass(frozen=True)
class Attempt:
    """A way to ask ngspice: on-resistance of ideal devices, tolerances, further cards, a note."""

    fraction: float
    options: str = OPTIONS
    extra: tuple[str, ...] = ()
    note: str = ""


class Runs:
    """Runs of one analysis, until one agrees or none is left to try.

    Attributes
    ----------
    notes : list of str
        How it was asked in the end.
    """

    def __init__(
        self,
        circuit: Circuit,
        deck: OwnDeck,
        changes: Mapping[str, float],
        op: OperatingPoint,
        rtol: float,
        time_limit: float,
    ) -> None:
        self.circuit, self.deck, self.changes, self.op = circuit, deck, changes, op
        self.rtol, self.time_limit = rtol, time_limit
        self.names = {name: _flattened(name) for name in circuit.element_names}
        self.card, self.plain, self.steps = self._asked()
        amplifies = len(circuit.controlled_sources) > 0
        self.fraction = FRACTION_OF_AMPLIFIERS if amplifies else FRACTION
        self.notes: list[str] = []

    def _asked(self) -> tuple[str, tuple[Sweep, ...], tuple[Sweep, ...]]:
        """Return the card of the analysis, its own sweeps, and the steps around it."""
        analyses, cards, op = self.circuit.analyses, self.deck.analyses, self.op
        if not op.sweep:
            return ".op", (), ()
        fitting = [k for k, a in enumerate(analyses) if a.axes == [*op.sweep]]
        if not fitting or (cards and len(cards) != len(analyses)):
            raise Unfit("its analyses can't be told apart")
        sweeps = analyses[fitting[0]].sweeps
        split = len(sweeps) - self.deck.steps
        if any(sweep.columns for sweep in sweeps[:split]):
            return ".op", (), sweeps
        return cards[fitting[0]] if cards else ".op", sweeps[:split], sweeps[split:]

    # ---- what is tried ----

    def best(self) -> Comparison:
        """Return the comparison that agrees, or else the first one.

        Raises
        ------
        SimulatorError
            If ngspice can't do any.
        """
        first: Comparison | None = None
        failure: SimulatorError | None = None
        for attempt in self._attempts():
            try:
                comparison = self._compared(attempt)
            except SimulatorError as error:
                failure = failure or error
                continue
            if not comparison.disagreeing:
                self.notes += [attempt.note] * bool(attempt.note)
                return comparison
            first = first or comparison
        if first is None:
            raise failure or SimulatorError("nothing was tried")
        return first

    def _attempts(self) -> Iterator[Attempt]:
        """Yield ways to ask: plainly, then those that tell ngspice's own limits apart."""
        plain = Attempt(self.fraction)
        if self.op.floating:
            note = f"parts float: {FLOATS:g} ohm from every node to ground"
            plain = replace(plain, extra=(f".options rshunt={FLOATS:g}",), note=note)
        self.plain_attempt = plain
        yield plain
        if not self.deck.says("gmin"):
            gmin = f".options gmin={NO_GMIN:g}"
            yield replace(plain, extra=(*plain.extra, gmin), note="ngspice's gmin was taken away")
        if nodeset := self._nodeset():
            note = "ngspice was started from resnet-sim's voltages, and stayed there"
            yield replace(plain, extra=(*plain.extra, *nodeset), note=note)
        yield replace(plain, options=LOOSE, note=f"ngspice converged with {LOOSE}")
        if self.deck.stand_ins.approach:
            for fraction in LADDER:
                note = f"ideal devices have {fraction:g} of the smallest resistance"
                yield replace(plain, fraction=fraction, note=note)

    def _nodeset(self) -> tuple[str, ...]:
        """Return cards that start ngspice from our voltages, if these are those of a point."""
        volts = np.atleast_2d(self.op.node_voltages)[0]
        if self.op.sweep:
            return ()
        pairs = zip(self.circuit.nodes[1:], volts[1:].tolist(), strict=True)
        return tuple(f".nodeset v({node})={value!r}" for node, value in pairs if value == value)

    # ---- runs ----

    def _compared(self, attempt: Attempt) -> Comparison:
        """Run and compare; ideal devices by two runs, extrapolated."""
        plot = self._extrapolated(attempt)
        reading = from_plots(self.circuit, self.op, [plot], version(), self.names)
        comparison = judged(self.circuit, self.op, reading, self.rtol, ())
        skipped = {n: why for n, why in comparison.skipped.items() if not _INNER.search(n)}
        return replace(comparison, skipped=skipped)

    def _extrapolated(self, attempt: Attempt) -> Plot:
        near = self._run(attempt)
        if not self.deck.stand_ins.approach:
            return near
        far = self._run(replace(attempt, fraction=2 * attempt.fraction))
        values = 2 * near.values - far.values
        if near.is_sweep:
            values[:, 0] = near.values[:, 0]
        return replace(near, values=values)

    def _run(self, attempt: Attempt) -> Plot:
        """Return what one run leaves, the points of steps joined."""
        what = self._script() if self._scripted else (self.card,)
        ohms = attempt.fraction * self.deck.stand_ins.finest
        files = self.deck.copies(ohms, (attempt.options, *attempt.extra, *what))
        outcome = run_files(files, self.time_limit)
        self.notes += [f"{version()}: {line}" for line in islice(outcome.ignored, 4)]
        if self._scripted:
            return self._joined(outcome.plots)
        return outcome.plot

    @property
    def _scripted(self) -> bool:
        """Whether ngspice has to be led through the points by commands."""
        return bool(self.steps or self.changes or self.circuit.overrides)

    def _script(self) -> tuple[str, ...]:
        """Return commands that set parameters and go through the steps, the first fastest."""
        lines = [".control", "set appendwrite"]
        inner = math.prod(len(sweep.values) for sweep in self.plain)
        points = len(next(iter(self.op.sweep.values()))) if self.op.sweep else 1
        for point in range(0, points, inner):
            early: list[str] = []
            late: list[str] = []
            for name, value in self.circuit.overrides.items():
                of = "temperature" if name == "temp" else "parameter"
                (early if of == "parameter" else late).append(self._setting(of, name, value))
            late += [self._setting("element", name, x) for name, x in self.changes.items()]
            for swept in (quantity for sweep in self.steps for quantity in sweep.quantities):
                value = float(self.op.sweep[swept.name][point])
                setting = self._setting(swept.of, swept.name, value)
                (early if swept.of == "parameter" else late).append(setting)
            lines += [*early, "reset", *late, self.card.lstrip(". "), "write out.raw all"]
        return (*lines, "quit 0", ".endc")

    def _setting(self, of: str, name: str, value: float) -> str:
        """Return the command that sets what is stepped; names come from the deck."""
        if not _IDENTIFIER.fullmatch(name) or of not in ("parameter", "temperature", "element"):
            raise Unfit(f"ngspice can't step {name}")
        if of == "element":
            return f"alter {self.names.get(name, name)} = {value!r}"
        return f"alterparam {name} = {value!r}" if of == "parameter" else f"option temp = {value!r}"

    def _joined(self, plots: Sequence[Plot]) -> Plot:
        """Return the plots of all steps as one sweep."""
        names = plots[0].names
        if any(plot.names != names for plot in plots):
            raise UsageError("ngspice gives other vectors at other steps")
        values = np.vstack([plot.values for plot in plots])
        if plots[0].is_sweep or not self.op.sweep:
            return replace(plots[0], values=values)
        scale = next(iter(self.op.sweep.values()))
        if len(scale) != len(values):
            raise UsageError(f"ngspice has {len(values)} points where the deck has {len(scale)}")
        values = np.column_stack([scale, values])
        kinds = ("notype", *plots[0].kinds)
        return replace(plots[0], name=DC_SWEEP, names=("step", *names), kinds=kinds, values=values)

    def with_currents(self) -> Reading | None:
        """Return what ngspice says of all elements, None if it fails."""
        try:
            attempt = replace(self.plain_attempt, options=f"{OPTIONS} savecurrents")
            plot = self._run(attempt)
            return from_plots(self.circuit, self.op, [plot], version(), self.names)
        except (SimulatorError, UsageError):
            return None
