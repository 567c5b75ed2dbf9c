"""Sources given by points: E and G cards with TABLE."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ...arrays import Floats
from ..expressions.programs import Op
from ..report import CardError
from .cards import BehaviouralSource, Expression, Value
from .fields import CardReader
from .grammar import moved, parse_expression

#: ngspice's corners are parabolas within this share of the shorter piece beside each
CORNER = 0.1
_BRACED = re.compile(r"\s*=?\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|'([^']*)')").match
#: without braces it ends at the sign of equality
_BARE = re.compile(r"\s*([^\s={}'][^={}']*)=").match


def read_table(r: CardReader, start: int, is_voltage: bool) -> BehaviouralSource:
    """Read ``TABLE {expression} = (x, y) ...``, or LTspice's ``node node TABLE=(x, y, ...)``."""
    text = r.card[2]
    code: list[Op] = []
    at = start + len("table")
    if r.items:
        p, q = (r.word("the control") for _ in range(2))
        code.append(("probe", "v", p.offset - start, 1, p.text, q.text))
        r.finish()
    else:
        braced = _BRACED(text, at) or _BARE(text, at)
        if braced is None:
            hint = "the form is: TABLE {expression} = (x, y) (x, y) ..."
            raise CardError("E103", "TABLE needs an expression", start, 5, hint)
        inside = 1 if braced[1] is not None else 2
        program = parse_expression(braced[inside], r.report.dialect.numerals)
        code += moved(program, braced.start(inside) - start)
        at = braced.end()
    points = r.points(at)
    for value in points:
        if isinstance(value, float):
            code.append(("number", value))
        else:
            code += moved(value.program, value.offset - start)
    if len(points) < 2 or len(points) % 2:
        hint = "the form is: TABLE {v(a)} = (x1,y1) (x2,y2) ..."
        raise CardError("E104", "TABLE needs pairs of numbers", start, 5, hint)
    if r.report.dialect.rounds:
        _tell_rounding(r, start, points, "V" if is_voltage else "A")
    code.append(("call", "table", 0, 1 + len(points)))
    return BehaviouralSource(is_voltage, Expression(tuple(code), r.card, start), ())


def _tell_rounding(r: CardReader, start: int, points: Sequence[Value], unit: str) -> None:
    """Say how far ngspice's corners, which are parabolas, are from those of the points."""
    message = "ngspice rounds the corners of this TABLE; here they are sharp"
    if all(isinstance(value, float) for value in points):
        numbers = np.array(points, dtype=float).reshape(-1, 2)
        # one point has no corner, and a table that does not rise is refused elsewhere
        width = np.diff(numbers[:, 0])
        if not (len(width) and (width > 0).all()):
            return
        slope = np.concatenate(([0.0], np.diff(numbers[:, 1]) / width, [0.0]))
        near = CORNER * np.minimum(np.append(width, width[-1]), np.append(width[0], width))
        off = np.abs(np.diff(slope)) * near / 4
        if not off.any():
            return
        message += f": they differ by up to {off.max():.3g} {unit} at {_where(numbers, near, off)}"
    hint = "LTspice, PSpice and Xyce don't round: --dialect says whose deck it is"
    r.report.add("N113", message, r.card, start, len("table"), hint=hint)


def _where(numbers: Floats, near: Floats, off: Floats) -> str:
    """Return where a corner is rounded most."""
    at = int(off.argmax())
    return f"{numbers[at, 0]:.6g}, and around it as far as {near[at]:.3g}"
