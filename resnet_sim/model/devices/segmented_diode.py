"""Junction diodes replaced by straight pieces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...arrays import Bools, Floats
from ...errors import UsageError
from .cards import BadModel, Given, Made
from .device import floats, text
from .junction import THERMAL, JunctionModel
from .junction_table import GMIN, JunctionTable
from .pieces import Pieces

if TYPE_CHECKING:
    from .decks import Deck, ForeignDeck

#: The pieces reach over so many decades of current.
DECADES = 5.0
#: Current at which they begin, times the area, A.
LEAST = 1e-6
#: Most pieces of a diode: the worst error is far below a microvolt then.
MOST = 1000
#: What the pieces leave out.
NEGLECTED = ("isr", "ikf", "ik", "ikr")


def evaluate(model: Given, count: float) -> Made:
    """Return what a model makes with so many pieces.

    Raises
    ------
    BadModel
    """
    given = dict(model.numbers)
    given.pop("pieces", None)
    least = given.pop("ipieces", LEAST)
    if not 0 < least < math.inf:
        raise BadModel("ipieces must be above 0", "ipieces")
    if not (1 <= count <= MOST and count == int(count)):
        hint = "such as pieces=8"
        raise BadModel(f"pieces must be a whole number from 1 to {MOST}", "pieces", hint)
    if key := next((key for key in NEGLECTED if given.get(key, 0.0)), ""):
        message = f"{key} has no place in a diode of straight pieces"
        raise BadModel(message, key, "leave it out, or take diodes=real")
    if model.conditions.forward_drop is not None:
        message = f"a forward drop has no effect on the pieces of model {model.name}"
        model.note("N105", message, "add diodes=ideal to have a single knee at it")
    columns = partial(_columns, JunctionModel(given, model.conditions), count, least)
    made = columns({})
    error = THERMAL * made["emission"] * chord_error(count)
    model.note(
        "N112",
        f"diode model {model.name} is made of {count:g} straight pieces: from {least:g} A to "
        f"{least * 10**DECADES:g} A, at most {error:.3g} V below the junction",
        "leave out pieces and take diodes=real to have the junction itself",
    )
    return Made(SegmentedDiodes.plural, made, columns)


def _columns(
    junction: JunctionModel, count: float, least: float, own: Mapping[str, float]
) -> Mapping[str, float]:
    """Return the columns for an element with its own area and the like."""
    columns = junction.columns(own)
    kept = ("saturation", "emission", "series", "leak", "breakdown", "breakdown_emission")
    size = own.get("area", junction.given["area"]) * own.get("m", 1.0)
    return {**{key: columns[key] for key in kept}, "count": count, "least": least * size}


def chord_error(count: float) -> float:
    """Return how far chords are from a logarithm whose argument grows by `DECADES` in all.

    A chord of ``ln x`` from 1 to ``ratio`` has the slope ``c = ln(ratio) / (ratio - 1)``, and is
    lowest below it where x is ``1 / c``, by ``c - 1 - ln c``.
    """
    step = DECADES * math.log(10.0) / count
    slope = step / math.expm1(step)
    return slope - 1.0 - math.log(slope)


@dataclass(frozen=True, eq=False)
class SegmentedDiodes(JunctionTable):
    """Diode with anode p and cathode q whose characteristic is made of `count` straight pieces.

    ::

        i |            /  knots: on the curve of a junction,
          |          _o   v = n ln(1 + i / saturation) + series i,
          |       _.o     at currents from `least` to 1e5 times that, each the same
          |____.-o__ v    multiple of the one before

    Between knots a chord; the first one is extended down to no current, the last one upwards.
    Below there is no current but that of `leak`, which lies across the whole diode.  Backwards
    the same, with ``v = breakdown + nb ln(1 + i / saturation) + series i``.  The voltage at a
    current is a concave function of it, hence the current a convex one: sums of rectifiers.
    ``n`` and ``nb`` are the emission coefficients times `THERMAL`.
    """

    kind = "diode of straight pieces"
    plural = "segmented_diodes"
    types = "f" * 8
    parameters: ClassVar[Mapping[str, str]] = {**JunctionTable.parameters, "ipieces": "least"}
    rank = 7
    told = True  # by the source of 0 V

    count: Floats = field(default_factory=floats)
    least: Floats = field(default_factory=floats)

    def sound(self, row: int) -> None:
        """All but the series resistance is positive."""
        for column in self.parameters.values():
            value = float(getattr(self, column)[row])
            if not (value > 0 or (value == 0 and column == "series")):
                raise UsageError(f"{self.names[row]}: {column} must be above 0")

    def knees(self, row: int, *, back: bool = False) -> tuple[Floats, Floats]:
        """Return where the slope grows (V), and by how much (S), shapes (count,)."""
        steep = float((self.breakdown_emission if back else self.emission)[row])
        begin = float(self.breakdown[row]) if back else 0.0
        count = int(self.count[row])
        amps = self.least[row] * 10.0 ** (DECADES * np.arange(count + 1) / count)
        volts = begin + THERMAL * steep * np.log1p(amps / self.saturation[row])
        ohms = np.diff(volts) / np.diff(amps)
        # a chord meets the next one in a knot, and the axis of no current below the first
        first = volts[0] - ohms[0] * amps[0]
        knots = np.concatenate([[first], (volts + self.series[row] * amps)[1:-1]])
        slopes = 1.0 / (ohms + self.series[row])
        extra = np.diff(slopes, prepend=0.0)
        # where a large resistance in series makes chords equal, rounding is no knee
        bends = extra > 1e-14 * slopes
        return knots[bends], extra[bends]

    def pieces(self, out: Pieces, first: int) -> None:
        """What leaks, and for each knee a rectifier with the slope that it adds."""
        element = self.numbers(first)
        leaky = self.leak > 0
        out.conductor(element[leaky], self.p[leaky], self.q[leaky], self.leak[leaky])
        for back, p, q, sign in ((False, self.p, self.q, 1.0), (True, self.q, self.p, -1.0)):
            rows = np.flatnonzero(np.isfinite(self.breakdown)) if back else np.arange(len(self))
            if not len(rows):
                continue
            found = [self.knees(row, back=back) for row in rows.tolist()]
            of = np.repeat(rows, [len(knots) for knots, _ in found])
            drop, extra = (np.concatenate(some) for some in zip(*found, strict=True))
            out.rectifier(element[of], p[of], q[of], drop, 1.0 / extra, sign)

    def co_content(self, v: Floats) -> Floats:
        """A parabola from each knee on."""
        total = np.asarray(0.5 * self.leak * v**2)
        for row, breakdown in enumerate(self.breakdown.tolist()):
            for back, side in ((False, v[..., row]), (True, -v[..., row])):
                if not back or math.isfinite(breakdown):
                    knots, extra = self.knees(row, back=back)
                    beyond = np.maximum(side[..., None] - knots, 0.0)
                    total[..., row] += 0.5 * (extra * beyond**2).sum(axis=-1)
        return total

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """How many pieces."""
        return f"joins {p} and {q} by a junction of {self.count[row]:g} straight pieces"

    def lines(self, row: int, head: str, deck: Deck) -> Iterator[str]:
        """A model for each set of values; a breakdown current of 0 leaves BV as it is."""
        given = {
            "IS": self.saturation, "N": self.emission, "RS": self.series, "BV": self.breakdown,
            "NBV": self.breakdown_emission, "PIECES": self.count, "IPIECES": self.least,
        }  # fmt: skip
        if not math.isfinite(self.breakdown[row]):
            del given["BV"], given["NBV"]
        body = " ".join(f"{key}={text(column[row])}" for key, column in given.items())
        if "BV" in given:
            body += " IBV=0.0"
        deck.option("gmin", text(self.leak[row]), text(GMIN))
        yield f"{head} {deck.model(f'D({body})', 'd')}"

    def foreign_letter(self, row: int, deck: ForeignDeck) -> str:
        """A source of 0 V tells the current."""
        return "v"

    def foreign_lines(self, row: int, head: str, deck: ForeignDeck) -> Iterator[str]:
        """Diodes with resistance in parallel."""
        name, p, q = head.split()
        inner = f"{p}#{name}"
        yield f"{name} {p} {inner} 0"
        if self.leak[row]:
            yield f"r.leak.{name} {inner} {q} {text(1.0 / self.leak[row])}"
        for back, letter, one, other in ((False, "f", inner, q), (True, "b", q, inner)):
            if back and not math.isfinite(self.breakdown[row]):
                continue
            for k, (knee, extra) in enumerate(zip(*self.knees(row, back=back), strict=True)):
                branch = f"{deck.diode_letter}.{letter}{k}.{name} {one} {other}"
                values = {"v_forward": float(knee), "r_on": float(1.0 / extra)}
                values |= {"r_off": math.inf, "v_reverse": math.inf, "r_reverse": 1.0}
                yield deck.diode(branch, int(self.p[row]), int(self.q[row]), values)

    def carries(self, flows: Bools) -> Bools:
        """Those that leak, or conduct."""
        return np.asarray(flows | (self.leak > 0))
