"""Random piecewise-linear formulas as text, with functions of our own that say what they are.

Each comes with all affine forms that it may be, wherever that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

Values = Mapping[str, float]
#: gains of probes, and a constant under ""
Affine = dict[str, float]


class Made(NamedTuple):
    """A formula as text, what it is at given voltages, and the affine forms it is made of."""

    text: str
    value: Callable[[Values], float]
    pieces: list[Affine]


def random_formula(draw: Random, depth: int, probes: tuple[str, ...] = ("v(a)", "v(b)")) -> Made:
    """Return a continuous formula of voltages, which are called as the deck calls them."""
    if depth == 0 or draw.random() < 0.15:
        return affine(draw, probes)
    form = draw.choice(_FORMS)
    return form(draw, lambda deeper=depth - 1: random_formula(draw, deeper, probes), probes)


def plus(one: Affine, other: Affine, share: float = 1.0) -> Affine:
    """Return ``one + share * other``."""
    return {k: one.get(k, 0.0) + share * other.get(k, 0.0) for k in {*one, *other}}


def at(form: Affine, v: Values) -> float:
    """Return the value of an affine form."""
    return form.get("", 0.0) + sum(gain * v[k] for k, gain in form.items() if k)


def affine(draw: Random, probes: tuple[str, ...]) -> Made:
    """Return an affine formula."""
    gains = {probe: draw.choice((-2, -1, -0.5, 0.5, 1, 3)) for probe in probes}
    form = {k: g for k, g in gains.items() if draw.random() < 0.7} or {probes[0]: 1}
    form[""] = round(draw.uniform(-2, 2), 2)
    text = f"({form['']}{''.join(f'{g:+g}*{k}' for k, g in form.items() if k)})"
    return Made(text, lambda v: at(form, v), [form])


def limited(inner: Made, low: float, high: float, name: str = "limit({},{},{})") -> Made:
    """Return a formula within two bounds."""
    text = name.format(inner.text, low, high)
    pieces = [*inner.pieces, {"": low}, {"": high}]
    return Made(text, lambda v: min(max(inner.value(v), low), high), pieces)


def tabled(inner: Made, x: list[float], y: list[float], held: bool) -> Made:
    """Return a formula of a formula, given by points; beyond these `held`, or straight on."""
    points = ",".join(f"{a},{b}" for a, b in zip(x, y, strict=True))
    slopes = [(y[k] - y[k - 1]) / (x[k] - x[k - 1]) for k in range(1, len(x))]

    def value(v: Values) -> float:
        t = inner.value(v)
        if held:
            t = min(max(t, x[0]), x[-1])
        k = max(1, min(len(x) - 1, sum(t > knee for knee in x)))
        return y[k - 1] + slopes[k - 1] * (t - x[k - 1])

    lines = [({"": y[k] - m * x[k]}, m) for k, m in enumerate(slopes)]
    pieces = [plus(line, form, m) for line, m in lines for form in inner.pieces]
    pieces += [{"": y[0]}, {"": y[-1]}] if held else []
    return Made(f"{'table' if held else 'pwl'}({inner.text},{points})", value, pieces)


def _extreme(draw: Random, inner: Callable[[], Made], probes: tuple[str, ...]) -> Made:
    name, function = draw.choice((("max", max), ("min", min)))
    made = [inner() for _ in range(draw.choice((2, 2, 3)))]
    pieces = [form for some in made for form in some.pieces]
    text = f"{name}({','.join(some.text for some in made)})"
    return Made(text, lambda v: function(some.value(v) for some in made), pieces)


def _bent(draw: Random, inner: Callable[[], Made], probes: tuple[str, ...]) -> Made:
    some, name = inner(), draw.choice(("abs", "uramp", "u2"))
    if name == "u2":
        return limited(some, 0.0, 1.0, "u2({})")
    share = -1.0 if name == "abs" else 0.0
    pieces = [*some.pieces, *(plus({"": 0.0}, form, share) for form in some.pieces)]
    return Made(f"{name}({some.text})", lambda v: max(some.value(v), share * some.value(v)), pieces)


def _limited(draw: Random, inner: Callable[[], Made], probes: tuple[str, ...]) -> Made:
    return limited(inner(), *sorted(round(draw.uniform(-3, 3), 2) for _ in range(2)))


def _tabled(draw: Random, inner: Callable[[], Made], probes: tuple[str, ...]) -> Made:
    x = [float(k) for k in sorted(draw.sample(range(-4, 5), draw.randint(2, 4)))]
    return tabled(inner(), x, [round(draw.uniform(-2, 2), 2) for _ in x], draw.random() < 0.5)


def _chosen(draw: Random, inner: Callable[[], Made], probes: tuple[str, ...]) -> Made:
    """A bend: what is added on one side is a multiple of what is compared with zero."""
    one, other = affine(draw, probes), inner()
    slope = draw.choice((-1.5, 0.5, 2))
    symbol, holds = draw.choice(((">", lambda x: x > 0), ("<=", lambda x: x <= 0)))
    return Made(
        f"({one.text}{symbol}0 ? {slope}*{one.text}+{other.text} : {other.text})",
        lambda v: (slope * one.value(v) if holds(one.value(v)) else 0.0) + other.value(v),
        [*other.pieces, *(plus(form, one.pieces[0], slope) for form in other.pieces)],
    )


def _added(draw: Random, inner: Callable[[], Made], probes: tuple[str, ...]) -> Made:
    one, other, share = inner(), inner(), draw.choice((-1, 0.5, 2))
    return Made(
        f"({one.text}{share:+g}*{other.text})",
        lambda v: one.value(v) + share * other.value(v),
        [plus(a, b, share) for a in one.pieces for b in other.pieces],
    )


_FORMS = (_extreme, _extreme, _bent, _limited, _tabled, _chosen, _added)
