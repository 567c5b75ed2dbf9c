"""Piecewise-linear diodes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...arrays import Bools, Floats
from ...errors import UsageError
from .cards import DIODE, BadModel, Card, Conditions, Given, Made, Model, Together, pieces_of
from .device import Table, floats, text
from .pieces import Pieces

if TYPE_CHECKING:
    from ..formula import Formula
    from .decks import Deck, ForeignDeck

IDEAL = {"ron", "roff", "vfwd", "vrev", "rrev"}
#: what rounds the knees and limits the current, and its column in `softened.diode`
SOFT = {
    "epsilon": "epsilon", "revepsilon": "epsilon_reverse",
    "ilimit": "limit", "revilimit": "limit_reverse",
}  # fmt: skip
EXPONENTIAL = {
    *("is", "js", "jsw", "n", "ns", "rs", "bv", "vb", "ibv", "ib", "nbv", "cjo", "cj0", "cj", "vj"),
    *("pb", "m", "mj", "tt", "fc", "eg", "xti", "kf", "af", "tnom", "tref", "trs", "trs1", "trs2"),
    *("ikf", "ik", "ikr", "isr", "nr", "tbv", "tbv1", "tbv2", "cjp", "cjsw", "php", "mjsw", "fcs"),
    *("level", "tm1", "tm2", "tt1", "tt2", "ctp", "cta", "tpb", "tphp", "tlev", "tlevc", "gap1"),
    *("gap2", "area", "pj", "iave", "vpk", "mfg", "type", "vp", "isw", "ibvl", "nbvl"),
    *("tcv", "jtun", "jtunsw", "ntun", "xtitun", "keg", "fv_max", "bv_max", "id_max", "te_max"),
    *("pieces", "ipieces", "pd_max", "rth0", "cth0", "cta", "ctc", "tvj", "php", "lm", "lp", "wm"),
    *("wp", "xom", "xoi"),
    *("xm", "xp", "xw", "ttt1", "ttt2", "tikf"),
}


def evaluate(model: Given) -> Made:
    """Return what a model makes: a piecewise-linear diode if it says so, else a junction."""
    given, conditions = model.numbers, model.conditions
    if model.type == "sidiode":
        # ngspice's defaults, by which it is no diode at all
        given = {"ron": 1.0, "roff": 1.0, **given}
    if model.type == "sidiode" or not IDEAL.isdisjoint(given):
        ideal = next((key for key in given if key in IDEAL), "")
        if model.type == "d" and not conditions.knows_ideal:
            hint = "use a sidiode model and an A card, or read the deck with --dialect ltspice"
            raise BadModel(f"ngspice's D models have no {ideal}", ideal, hint)
        if key := next((key for key in ("pieces", "ipieces") if key in given), ""):
            message = f"{key} belongs to junctions: with {ideal} the pieces are said"
            raise BadModel(message, key, f"leave out {key}, or {ideal} and its like")
        r_on, v_reverse = given.get("ron", conditions.r_on), given.get("vrev", math.inf)
        return _piecewise(given, conditions, r_on, v_reverse)
    if key := next((key for key in SOFT if given.get(key, 0.0) not in (0.0, math.inf)), ""):
        message = f"{key} belongs to diodes with Ron, Roff, Vfwd or Vrev"
        raise BadModel(message, key, "give one of these, too")
    pieces = given.get("pieces", pieces_of(conditions.diodes))
    if conditions.diodes != "ideal" and ("pieces" in given or pieces):
        from .segmented_diode import evaluate as segmented

        return segmented(model, pieces)
    if conditions.diodes == "real":
        from .junction import JunctionModel, Junctions

        if conditions.forward_drop is not None:
            message = f"a forward drop has no effect on the junction of model {model.name}"
            model.note("N105", message, "add diodes=ideal to make it a piecewise-linear diode")
        junction = JunctionModel(given, conditions)
        return Made(Junctions.plural, junction.columns({}), junction.columns)
    r_on, v_reverse = given.get("rs", 0.0), abs(given.get("bv", math.inf))
    made = _piecewise(given, conditions, r_on, v_reverse)
    model.note(
        "N101",
        f"diode model {model.name} is idealised: {made.columns['v_forward']:g} V and {r_on:g} ohm "
        f"when it conducts, breakdown at {v_reverse:g} V",
        "leave out diodes=ideal to have it as it is, or give Ron, Roff, Vfwd, Vrev",
    )
    return made


def together(type_: str, given: Mapping[str, Floats], conditions: Conditions) -> Together | None:
    """Return what many models make at once: junctions, where nothing else is said."""
    if type_ != "d" or conditions.diodes != "real" or conditions.forward_drop is not None:
        return None
    from .junction import Junctions, columns_of

    found = columns_of(given, conditions)
    return found and (Junctions.plural, *found)


def _piecewise(
    given: Mapping[str, float], conditions: Conditions, r_on: float, v_reverse: float
) -> Made:
    columns = {
        "v_forward": given.get("vfwd", conditions.forward_drop or 0.0),
        "r_on": r_on,
        "r_off": given.get("roff", _open(conditions)),
        "v_reverse": v_reverse,
        "r_reverse": given.get("rrev", r_on),
    }
    _check(columns)
    soft = {key: given[key] for key in SOFT if given.get(key, 0.0) not in (0.0, math.inf)}
    if soft:
        return _softened(columns, soft)
    return Made(Diodes.plural, columns, partial(_in_parallel, columns))


def _softened(columns: Mapping[str, float], soft: Mapping[str, float]) -> Made:
    """Return a diode that is a source by a formula."""
    from .. import softened

    for key, value in soft.items():
        if not value > 0:
            raise BadModel(f"{key} must be above 0", key)
    if not (columns["r_on"] > 0 and columns["r_reverse"] > 0):
        message = "a diode with rounded knees or a limited current needs Ron and Rrev above 0"
        raise BadModel(message, next(iter(soft)))

    def formula(own: Mapping[str, float]) -> Mapping[str, Formula]:
        values = {"epsilon": 0.0, "epsilon_reverse": 0.0, "limit": math.inf}
        values |= {"limit_reverse": math.inf, **_in_parallel(columns, own)}
        parallel = own.get("area", 1.0) * own.get("m", 1.0)
        for key, value in soft.items():
            values[SOFT[key]] = value * (parallel if "ilimit" in key else 1.0)
        try:
            return {"formula": softened.diode(values)}
        except ValueError as error:
            raise BadModel(str(error), next(iter(soft))) from None

    return Made("behavioural_sources", formula({}), formula)


def _open(conditions: Conditions) -> float:
    """Return the resistance of a diode between its knees whose model gives none."""
    return 1.0 / conditions.gmin if conditions.leaks and conditions.gmin else math.inf


def _in_parallel(columns: Mapping[str, float], own: Mapping[str, float]) -> Mapping[str, float]:
    """Return the columns for an area, or many in parallel."""
    parallel = own.get("area", 1.0) * own.get("m", 1.0)
    if not 0 < parallel < math.inf:
        raise BadModel("area and m must be above 0")
    shares = {key: columns[key] / parallel for key in ("r_on", "r_off", "r_reverse")}
    return {**columns, **shares}


def _check(values: Mapping[str, float]) -> None:
    checks = (
        ("ron", 0 <= values["r_on"] < math.inf, "Ron must be 0 or more"),
        ("roff", values["r_off"] > 0, "Roff must be above 0"),
        ("roff", values["r_off"] >= values["r_on"], "Roff must be at least Ron"),
        ("rrev", 0 <= values["r_reverse"] <= values["r_off"], "Rrev must lie between 0 and Roff"),
        ("vfwd", abs(values["v_forward"]) < math.inf, "Vfwd must be finite"),
        ("vrev", -values["v_reverse"] <= values["v_forward"], "-Vrev must not exceed Vfwd"),
    )
    for key, holds, message in checks:
        if not holds:
            raise BadModel(message, key)


@dataclass(frozen=True, eq=False)
class Diodes(Table):
    """Piecewise-linear diode with anode p and cathode q.

    ::

        p o--|>|--o q            i |      / 1/r_on
                                   |     /
                        -v_reverse |____/_____ v      (slope 1/r_off between the knees)
                             ------'    v_forward
               1/r_reverse  /

    With ``r_on = 0`` and ``r_off = inf``: ``i >= 0``, ``v <= v_forward`` and
    ``i (v - v_forward) = 0``.  In general the current is ``v / r_off`` between the knees
    ``-v_reverse`` and ``v_forward``, and continues beyond them with slope ``1 / r_on``
    and ``1 / r_reverse`` (LTspice's law).  ``v_reverse = inf``: no breakdown.
    Requires ``r_on <= r_off``, ``r_reverse <= r_off`` and ``-v_reverse <= v_forward``.
    """

    kind = "diode"
    plural = "diodes"
    types = "fffff"
    value = "v_forward"
    varies = True
    sets = "rectifiers"
    infinite = frozenset({"r_off", "v_reverse", "r_reverse"})
    usual: ClassVar[Mapping[str, float]] = {
        "v_forward": 0.0, "r_on": 0.0, "r_off": math.inf, "v_reverse": math.inf, "r_reverse": 0.0
    }  # fmt: skip
    parameters: ClassVar[Mapping[str, str]] = {
        "vfwd": "v_forward", "ron": "r_on", "roff": "r_off", "vrev": "v_reverse",
        "rrev": "r_reverse",
    }  # fmt: skip
    rank = 7
    cards = (DIODE, Card("a", "Aname anode cathode model", "diode"))
    models = (
        Model(
            "diode", ("d", "sidiode"), frozenset(IDEAL | EXPONENTIAL | SOFT.keys()), evaluate,
            frozenset({"mfg", "type"}), together=together,
        ),
    )  # fmt: skip
    v_forward: Floats = field(default_factory=floats)
    r_on: Floats = field(default_factory=floats)
    r_off: Floats = field(default_factory=floats)
    v_reverse: Floats = field(default_factory=floats)
    r_reverse: Floats = field(default_factory=floats)

    def pieces(self, out: Pieces, first: int) -> None:
        """The slope between the knees, and what is beyond each knee on top of it."""
        element, leak = self.numbers(first), 1.0 / self.r_off
        leaky = leak > 0
        out.conductor(element[leaky], self.p[leaky], self.q[leaky], leak[leaky])
        for on, drop, p, q, sign in (
            (self.r_on, self.v_forward, self.p, self.q, 1.0),
            (self.r_reverse, self.v_reverse, self.q, self.p, -1.0),
        ):
            bends = (on < self.r_off) & np.isfinite(drop)
            # beyond the knee the slope is 1/on in all, of which 1/r_off is there already
            beyond = on[bends] / (1.0 - on[bends] * leak[bends])
            out.rectifier(element[bends], p[bends], q[bends], drop[bends], beyond, sign)

    def co_content(self, v: Floats) -> Floats:
        """A parabola between the knees, and steeper ones beyond; at an ideal knee a wall."""
        leak = 1.0 / self.r_off
        total = 0.5 * leak * v**2
        for ohms, knee, side in (
            (self.r_on, self.v_forward, v), (self.r_reverse, self.v_reverse, -v),
        ):  # fmt: skip
            wall = (ohms == 0) | ~np.isfinite(knee)
            beyond = np.maximum(side - np.where(wall, 0.0, knee), 0.0)
            extra = np.where(wall, 0.0, 1.0 / np.where(wall, 1.0, ohms) - leak)
            total = total + 0.5 * extra * beyond**2
        return np.asarray(total)

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """The forward drop."""
        return f"allows {across} <= {self.v_forward[row]:.6g} V"

    def check(self, row: int, value: float) -> None:
        """The knees keep their order."""
        super().check(row, value)
        if -self.v_reverse[row] > value:
            raise UsageError(
                f"{self.names[row]} would break down below its forward voltage {value}"
            )

    def sound(self, row: int) -> None:
        """The knees keep their order, and resistances theirs."""
        _check({name: float(getattr(self, name)[row]) for name in self.parameters.values()})

    def lines(self, row: int, head: str, deck: Deck) -> Iterator[str]:
        """A model for each set of values."""
        values = (self.r_on, self.r_off, self.v_forward, self.v_reverse, self.r_reverse)
        keys = ("Ron", "Roff", "Vfwd", "Vrev", "Rrev")
        body = " ".join(f"{k}={text(v[row])}" for k, v in zip(keys, values, strict=True))
        yield f"{head} {deck.model(f'D({body})', 'd')}"

    def foreign_letter(self, row: int, deck: ForeignDeck) -> str:
        """That of diodes there."""
        return deck.diode_letter

    def foreign_lines(self, row: int, head: str, deck: ForeignDeck) -> Iterator[str]:
        """What is ideal, as near as they bear."""
        columns = ("v_forward", "r_on", "r_off", "v_reverse", "r_reverse")
        values = {column: float(getattr(self, column)[row]) for column in columns}
        yield deck.diode(head, int(self.p[row]), int(self.q[row]), values)

    def carries(self, flows: Bools) -> Bools:
        """Those that leak, or conduct."""
        return flows | np.isfinite(self.r_off)

    def is_idealised(self) -> bool:
        """Whether a knee is not just a change of slope."""
        ideal = (self.r_on == 0) | ((self.r_reverse == 0) & np.isfinite(self.v_reverse))
        return bool(ideal.any())
