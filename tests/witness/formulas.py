"""Random piecewise-linear formulas as text, with functions of our own that say what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

Values = Mapping[str, float]
Made = tuple[str, Callable[[Values], float]]


def random_formula(draw: Random, depth: int, probes: tuple[str, ...] = ("v(a)", "v(b)")) -> Made:
    """Return a continuous formula as text, and what it is of the voltages, by name."""
    if depth == 0 or draw.random() < 0.15:
        return _affine(draw, probes)
    form = draw.choice(_FORMS)
    return form(draw, lambda: random_formula(draw, depth - 1, probes))


def _affine(draw: Random, probes: tuple[str, ...]) -> Made:
    gains = {probe: draw.choice((-2, -1, -0.5, 0.5, 1, 3)) for probe in probes}
    some = {k: g for k, g in gains.items() if draw.random() < 0.7} or {probes[0]: 1}
    constant = round(draw.uniform(-2, 2), 2)
    text = f"({constant}{''.join(f'{g:+g}*{k}' for k, g in some.items())})"
    return text, lambda v: constant + sum(g * v[k] for k, g in some.items())


def _extreme(draw: Random, inner: Callable[[], Made]) -> Made:
    name, function = draw.choice((("max", max), ("min", min)))
    made = [inner() for _ in range(draw.choice((2, 2, 3)))]
    return f"{name}({','.join(t for t, _ in made)})", lambda v: function(f(v) for _, f in made)


def _bent(draw: Random, inner: Callable[[], Made]) -> Made:
    text, f = inner()
    name, function = draw.choice(
        (
            ("abs", abs),
            ("uramp", lambda x: max(x, 0.0)),
            ("u2", lambda x: min(max(x, 0.0), 1.0)),
        )
    )
    return f"{name}({text})", lambda v: function(f(v))


def _limited(draw: Random, inner: Callable[[], Made]) -> Made:
    text, f = inner()
    a, b = (round(draw.uniform(-3, 3), 2) for _ in range(2))
    return f"limit({text},{a},{b})", lambda v: min(max(f(v), min(a, b)), max(a, b))


def _tabled(draw: Random, inner: Callable[[], Made]) -> Made:
    text, f = inner()
    at = sorted(draw.sample(range(-4, 5), draw.randint(2, 4)))
    values = [round(draw.uniform(-2, 2), 2) for _ in at]
    held = draw.random() < 0.5
    points = ",".join(f"{x},{y}" for x, y in zip(at, values, strict=True))

    def function(v: Values) -> float:
        x = f(v)
        if held:
            x = min(max(x, at[0]), at[-1])
        k = max(1, min(len(at) - 1, sum(x > step for step in at)))
        slope = (values[k] - values[k - 1]) / (at[k] - at[k - 1])
        return values[k - 1] + slope * (x - at[k - 1])

    return f"{'table' if held else 'pwl'}({text},{points})", function


def _chosen(draw: Random, inner: Callable[[], Made]) -> Made:
    """A bend: what is added on one side is a multiple of what is compared with zero."""
    text, f = _affine(draw, ("v(a)", "v(b)"))
    other, g = inner()
    slope = draw.choice((-1.5, 0.5, 2))
    symbol, holds = draw.choice(((">", lambda x: x > 0), ("<=", lambda x: x <= 0)))
    return (
        f"({text}{symbol}0 ? {slope}*{text}+{other} : {other})",
        lambda v: (slope * f(v) if holds(f(v)) else 0.0) + g(v),
    )


def _added(draw: Random, inner: Callable[[], Made]) -> Made:
    (one, f), (other, g) = inner(), inner()
    share = draw.choice((-1, 0.5, 2))
    return f"({one}{share:+g}*{other})", lambda v: f(v) + share * g(v)


_FORMS = (_extreme, _extreme, _bent, _limited, _tabled, _chosen, _added)
