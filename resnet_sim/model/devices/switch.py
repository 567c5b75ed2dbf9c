"""Switches that a voltage or a current controls."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...arrays import Bools, Floats, Ints
from .cards import BadModel, Card, Given, Made, Model
from .device import Table, bools, floats, ints, text
from .pieces import Pieces

if TYPE_CHECKING:
    from typing import Self

    from .decks import Deck, ForeignDeck

#: resistance of a closed switch that should have none (ohm): 0 makes ngspice fail
CLOSED = 1e-6
#: LTspice's parameters that would add something to a closed switch
UNSUPPORTED = {"vser", "ilimit", "oneway"}


def evaluate(model: Given) -> Made:
    """Return what a model makes; it may close when its control falls."""
    letter = "i" if model.type in ("csw", "iswitch") else "v"
    # Xyce writes on= and off=
    given = {letter + key if key in ("on", "off") else key: x for key, x in model.numbers.items()}
    # PSpice's types have defaults of their own, and move smoothly from one state to the other
    is_pspice = model.type not in ("sw", "csw")
    inverted = False
    if is_pspice or f"{letter}on" in given or f"{letter}off" in given:
        on = given.get(f"{letter}on", 1.0 if letter == "v" else 1e-3)
        off = given.get(f"{letter}off", 0.0)
        threshold, hysteresis, inverted = (on + off) / 2, -abs(on - off) / 2, on < off
    else:
        threshold, hysteresis = given.get(f"{letter}t", 0.0), given.get(f"{letter}h", 0.0)
    if not math.isfinite(threshold) or not math.isfinite(hysteresis):
        raise BadModel("threshold and hysteresis must be finite")
    r_on = given.get("ron", 1.0)
    r_off = given.get("roff", 1e6 if is_pspice else 1e12)
    if not 0 <= r_on < math.inf:
        raise BadModel("Ron must be 0 or more", "ron")
    if not r_off > 0:
        raise BadModel("Roff must be above 0", "roff")
    for key in UNSUPPORTED & given.keys():
        if given[key] not in (0.0, math.inf):
            raise BadModel(f"{key} of a switch is not supported", key, "put an element in series")
    columns = {
        "r_on": r_on,
        "r_off": r_off,
        "threshold": threshold,
        "hysteresis": hysteresis,
        "inverted": inverted,
    }
    return Made("switches", columns)


def _model(letter: str, kind: str, *types: str) -> Model:
    known = {"ron", "roff", "on", "off", "lser", *UNSUPPORTED}
    known |= {f"{letter}{x}" for x in ("t", "h", "on", "off")}
    return Model(kind, types, frozenset(known), evaluate)


@dataclass(frozen=True, eq=False)
class Switches(Table):
    """Switch, ``v = r_on i`` when closed and ``i = v / r_off`` when open.

    ::

        p o---/ ---o q     control: v(cp) - v(cn), or the current of element `ce`

    Closed when the control exceeds ``threshold + hysteresis``, open when it is below
    ``threshold - hysteresis``; in between, and on the limits, it keeps its state, except
    that without hysteresis a control equal to the threshold closes it.  A negative hysteresis
    stands for a resistance that moves smoothly while the control is within ``|hysteresis|`` of
    the threshold; a point in which it would is refused.

    Attributes
    ----------
    cp, cn : ndarray of int
        Controlling nodes; -1 where a current controls.
    ce : ndarray of int
        Element number (see `Circuit`) whose current controls; -1 where a voltage does.
    threshold, hysteresis : ndarray of float
        In V or A.
    closed : ndarray of bool
        State to start from.
    fixed : ndarray of bool
        The state is what `closed` says, whatever the control (`Circuit.with_switches`).
    """

    kind = "switch"
    plural = "switches"
    types = "ffiioffbb"
    imposes = "ties {p} to {q}"  # only shorts impose anything
    told = True  # what is held and short becomes a V source
    parameters: ClassVar[Mapping[str, str]] = {
        "ron": "r_on", "roff": "r_off", "vt": "threshold", "vh": "hysteresis",
        "it": "threshold", "ih": "hysteresis",
    }  # fmt: skip
    rank = 6
    cards = (
        Card("s", "Sname node node control+ control- model [ON|OFF]", "switch"),
        Card("w", "Wname node node Vsource model [ON|OFF]", "switch"),
    )
    models = (
        _model("v", "voltage switch", "sw", "vswitch", "switch"),
        _model("i", "current switch", "csw", "iswitch"),
    )

    r_on: Floats = field(default_factory=floats)
    r_off: Floats = field(default_factory=floats)
    cp: Ints = field(default_factory=ints)
    cn: Ints = field(default_factory=ints)
    ce: Ints = field(default_factory=ints)
    threshold: Floats = field(default_factory=floats)
    hysteresis: Floats = field(default_factory=floats)
    closed: Bools = field(default_factory=bools)
    fixed: Bools = field(default_factory=bools)

    @classmethod
    def made(cls, columns: list[Any], branch: Callable[[str], int]) -> Self:
        """Controlling elements come by name."""
        ce = [-1 if name is None else branch(name) for name in columns[9]]
        columns[9] = np.array(ce, dtype=np.int64)
        return cls(*columns)

    def pieces(self, out: Pieces, first: int) -> None:
        """Resistances, as the states say."""
        out.resistance(
            self.numbers(first), self.p, self.q, np.where(out.closed, self.r_on, self.r_off)
        )

    def letter(self, row: int) -> str:
        """By what controls it."""
        return "w" if self.ce[row] >= 0 else "s"

    def lines(self, row: int, head: str, deck: Deck) -> Iterator[str]:
        """Control, model and state."""
        fixed = " fixed" if self.fixed[row] else ""
        yield self._line(row, head, deck, float(self.r_on[row]), float(self.r_off[row])) + fixed

    def _line(self, row: int, head: str, deck: Deck, r_on: float, r_off: float) -> str:
        if self.ce[row] >= 0:
            kind, letter, control = "csw", "i", deck.current(int(self.ce[row]))
        else:
            kind, letter, control = "sw", "v", "0 0"
            if self.cp[row] >= 0:
                control = f"{deck.node(int(self.cp[row]))} {deck.node(int(self.cn[row]))}"
        body = (
            f"{kind}(Ron={text(r_on)} Roff={text(r_off)} "
            f"{letter}t={text(self.threshold[row])} {letter}h={text(self.hysteresis[row])})"
        )
        return f"{head} {control} {deck.model(body, 's')} {'on' if self.closed[row] else 'off'}"

    def foreign_letter(self, row: int, deck: ForeignDeck) -> str:
        """One that is held becomes what it stands for."""
        if not self.fixed[row]:
            return self.letter(row)
        ohms = self.resistance()[row]
        return "v" if ohms == 0 else "" if math.isinf(ohms) else "r"

    def foreign_lines(self, row: int, head: str, deck: ForeignDeck) -> Iterator[str]:
        """Neither short nor open."""
        if self.fixed[row]:
            yield f"{head} {text(self.resistance()[row])}"
            return
        r_on, r_off = float(self.r_on[row]) or CLOSED, min(float(self.r_off[row]), deck.r_off)
        yield self._line(row, head, deck, r_on, r_off)

    def touched(self, row: int) -> list[int]:
        """The control comes first."""
        ends = super().touched(row)
        if self.cp[row] < 0 or self.fixed[row]:
            return ends
        return [int(self.cp[row]), int(self.cn[row]), *ends]

    def resistance(self) -> Floats:
        """As the states say."""
        return np.where(self.closed, self.r_on, self.r_off)

    def co_content(self, v: Floats) -> Floats:
        """``v**2 / (2 R)`` of those that are held; a short has none."""
        if not self.fixed.all():
            return super().co_content(v)
        ohms = self.resistance()
        return np.asarray(0.5 * v**2 / np.where(ohms == 0, np.inf, ohms))

    def controls(self) -> tuple[Ints, Ints]:
        """Those of all that have any."""
        nodes = np.concatenate((self.cp, self.cn))
        return nodes[nodes >= 0], self.ce[self.ce >= 0]

    def moved(self, end: int, count: int) -> Self:
        """Controlling elements have numbers."""
        return dataclasses.replace(self, ce=np.where(self.ce >= end, self.ce + count, self.ce))
