"""What simulators read differently where it changes an operating point, and whose a deck is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..model.numbers import SPICE, Numerals

#: In these, ``^`` is the exclusive or.
_EXCLUSIVE = {"^": "xor"}
#: ngspice's powers are those of the size; in formulas of sources pwr has the sign.
_NGSPICE = {"**": "pwr", "^": "pwr"}
_NGSPICE_SOURCES = {**_NGSPICE, "pow": "pwr", "pwr": "pwrs"}
_HSPICE = {
    **{"**": "powi", "^": "powi", "pow": "powi", "pwr": "pwrs"},
    **{"sqrt": "sqrts", "log": "logs", "ln": "logs", "log10": "log10s"},
}

#: words for ground of which simulators know all or none
GROUNDS = frozenset(("ground", "gnd!"))

#: of Zener diodes and knees in the libraries of PSpice and LTspice
_NO_NGSPICE = frozenset(("ibvl", "tbv1", "tbv2", "tikf"))

#: log is that of 10 in parameters and formulas of Xyce
_XYCE = {**_EXCLUSIVE, "log": "log10"}

#: ``$`` where a field could begin
COMMENT_MARKS = (";", "$", "//")


class Dialect(NamedTuple):
    """The language of one simulator.

    Attributes
    ----------
    name : str
    numerals : Numerals
        How numbers are read.
    meanings, in_sources : mapping of str to str
        Functions and operators -> those of `expressions.functions` that they are, in parameters
        and in formulas of sources.
    r_on : float
        Of piecewise-linear diodes whose model gives none, ohm.
    leaks : bool
        Their Roff is then that of gmin.
    knows_ideal : bool
        It has piecewise-linear models of type D.
    junction : mapping of str to float
        Parameters of junctions that a model does not give.
    short, coil : float
        Resistance of R cards of 0 ohm, and of L cards that say nothing of it, ohm.
    multiplies : bool
        The r of a resistor's model is a factor.
    celsius : float
        Temperature unless the deck says otherwise.
    grounds : frozenset of str
        What else is ground, beside 0 and gnd.
    comment_marks : tuple of str
        Behind these, comments stand on a line.
    misreads : bool
        Some expressions are computed as something else than they say: these are refused.
    rounds : bool
        The corners of TABLE are rounded.
    inner_first : bool
        Parameters of subcircuits come before those of the deck.
    gnd_is_ground : bool
        Else it is a node like others, unless a card says so.
    holds_initial : bool
        Operating points have the voltages of .ic cards, whatever the circuit says.
    ignored : frozenset of str
        Parameters of models that others have.
    shunts : bool
        RDS of a MOSFET's model lies between drain and source.
    """

    name: str
    numerals: Numerals = SPICE
    meanings: Mapping[str, str] = {}
    in_sources: Mapping[str, str] = {}
    r_on: float = 0.0
    leaks: bool = False
    knows_ideal: bool = True
    junction: Mapping[str, float] = {}
    short: float = 0.0
    coil: float = 0.0
    multiplies: bool = False
    celsius: float = 27.0
    grounds: frozenset[str] = frozenset()
    comment_marks: tuple[str, ...] = COMMENT_MARKS
    misreads: bool = False
    rounds: bool = False
    inner_first: bool = True
    gnd_is_ground: bool = True
    holds_initial: bool = False
    ignored: frozenset[str] = frozenset()
    shunts: bool = False


#: What decks are read as that are no simulator's: ngspice's language, with ideal elements.
OWN = Dialect("resnet-sim", meanings=_NGSPICE, in_sources=_NGSPICE_SOURCES,
              junction={"nr": 1.0}, misreads=True, rounds=True, ignored=_NO_NGSPICE)  # fmt: skip

#: name -> the language of that simulator
DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("ngspice", meanings=_NGSPICE, in_sources=_NGSPICE_SOURCES, knows_ideal=False,
                junction={"nr": 1.0}, short=1e-3, misreads=True, rounds=True, ignored=_NO_NGSPICE),
        Dialect("ltspice", Numerals(decimal_letters=True), _EXCLUSIVE, _EXCLUSIVE, r_on=1.0,
                leaks=True, junction={"ibv": 1e-10, "nbv": 1.0}, coil=1e-3),
        Dialect("pspice", SPICE, _EXCLUSIVE, _EXCLUSIVE, junction={"ibv": 1e-10, "nbv": 1.0},
                multiplies=True, comment_marks=(";",), shunts=True),
        Dialect("xyce", Numerals(scales=(("x", 6),)), _XYCE, _XYCE, multiplies=True,
                comment_marks=(";",), gnd_is_ground=False, holds_initial=True),
        Dialect("hspice", Numerals(scales=(("x", 6), ("a", -18))), _HSPICE, _HSPICE, celsius=25.0,
                grounds=GROUNDS, inner_first=False),
    )
}  # fmt: skip

#: simulator -> what only its decks have, and words of which one stands there; remarks that name a
#: simulator tell nothing, they compare
_MARKS = {
    "ltspice": (
        r"^\s*\.(?:backanno|machine)\b|\A[ \t]*\*[^\n]*\.asc\s*$"
        r"|^\s*\.(?:lib|inc)[^\n]*ltspice",
        ("backanno", "machine", ".asc", "ltspice"),
    ),
    "pspice": (
        r"^\s*\.(?:probe64|autoconverge|stimlib|aliases)\b|[vi]\(alias\(\*\)\)"
        r"|^\*{1,2}\s*(?:from orcad\b|profile:|creating circuit file|analysis directives:)",
        ("probe64", "autoc", "stimlib", "alias", "orcad", "profile", "creating", "directives"),
    ),
    "xyce": (
        r"^\s*\.(?:preprocess|global_param)\b"
        r"|^\s*\.options?\s+(?:nonlin|timeint|linsol|device|parser)\b",
        ("preprocess", "global_", "nonlin", "timeint", "linsol", "device", "parser"),
    ),
    "hspice": (
        r"^\s*\.(?:prot|unprot|hdl)\b"
        r"|^\s*\.options?\b[^\n]*\b(?:post|ingold|parhier|dccap)\b",
        ("prot", "hdl", "post", "ingold", "parhier", "dccap"),
    ),
    "ngspice": (r"^\s*\.(?:control|csparam)\b", ("control", "csparam")),
}
#: so much is looked at, from the beginning and at the end (characters)
_LOOKED_AT = 50_000


def recognised(text: str) -> tuple[Dialect, int, str] | None:
    """Return whose deck a text is, the number of a line that says so, and what stands there.

    None if nothing does, or if it has the marks of several.
    """
    whole = len(text) <= 2 * _LOOKED_AT
    near = text if whole else f"{text[:_LOOKED_AT]}\n{text[-_LOOKED_AT:]}"
    # all marks stand on cards that begin with a dot and in remarks, which are few
    candidates = list(re.finditer(r"\n[ \t]*[.*].*", "\n" + near))
    # the title comes first, if it is one of them
    titled = bool(candidates) and candidates[0].start() == 0
    looked_at = "".join(match[0] for match in candidates)[titled:]
    folded = looked_at.lower()
    found: list[tuple[str, int]] = []
    for name, (pattern, words) in _MARKS.items():
        if not any(word in folded for word in words):
            continue  # looking for words compiles nothing
        match = re.search(pattern, looked_at, re.IGNORECASE | re.MULTILINE)
        if match is not None:
            found.append((name, looked_at.count("\n", 0, match.end())))
    if len(found) != 1:
        return None
    ((name, row),) = found
    at = candidates[row - (not titled)].end() - 1
    if not whole and at > _LOOKED_AT:
        at += len(text) - len(near)
    line = text.count("\n", 0, at)
    # a model that says Vfwd means it, whoever else would ignore it
    return (
        DIALECTS[name]._replace(knows_ideal=True),
        line + 1,
        text.split("\n", line + 1)[line].strip()[:60],
    )
