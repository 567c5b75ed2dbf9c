"""Random circuits with amplifiers that have rails, limiters, tables and nested max and min."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from formulas import Made, limited, plus, random_formula, tabled


class Signals(NamedTuple):
    """A deck, and what the witness needs of it."""

    deck: str
    nodes: list[str]
    resistors: list[tuple[str, str, float]]
    sources: list[tuple[str, float]]
    formulas: list[tuple[str, bool, Made]]


def signal_circuit(seed: int, most: int = 3) -> Signals:
    """Return a circuit in which some sources are given by formulas of its nodes."""
    draw = Random(seed)
    nodes = [f"n{k}" for k in range(draw.randint(2, 5))]
    resistors = [
        (node, draw.choice(["0", "in", *nodes[:k]]), _ohms(draw)) for k, node in enumerate(nodes)
    ]
    resistors += [
        (*draw.sample(["in", *nodes], 2), _ohms(draw)) for _ in range(draw.randint(1, len(nodes)))
    ]
    free, formulas = list(nodes), []
    for k in range(draw.randint(1, most)):
        is_voltage = draw.random() < 0.7
        if is_voltage and len(free) < 2:
            break
        node = f"o{k}" if is_voltage else draw.choice(nodes)
        made = _source(draw, nodes, is_voltage)
        if is_voltage:
            nodes.append(node)
            resistors += [(node, draw.choice(free), _ohms(draw)) for _ in range(2)]
        formulas.append((node, is_voltage, made))
    sources = [("in", round(draw.uniform(-5, 5), 2))]
    cards = [f"v{k} {node} 0 {volts}" for k, (node, volts) in enumerate(sources)]
    cards += [f"r{k} {p} {q} {ohms}" for k, (p, q, ohms) in enumerate(resistors)]
    for k, (node, is_voltage, made) in enumerate(formulas):
        cards.append(f"b{k} {node} 0 {'v' if is_voltage else 'i'}={{{made.text}}}")
    deck = "\n".join([f"signals {seed}", *cards, ""])
    return Signals(deck, ["in", *nodes], resistors, sources, formulas)


def _ohms(draw: Random) -> float:
    return float(f"{10 ** draw.uniform(2, 5):.3g}")


def _source(draw: Random, nodes: list[str], is_voltage: bool) -> Made:
    probes = [f"v({node})" for node in nodes]
    kind = draw.choice(("amplifier", "amplifier", "table", "nested"))
    if kind == "nested":
        made = random_formula(draw, 2, tuple(draw.sample(probes, 2)))
        while len(made.pieces) > 8:
            made = random_formula(draw, 2, tuple(draw.sample(probes, 2)))
    elif kind == "table":
        x = sorted(draw.sample([-3.0, -1.0, 0.0, 0.5, 2.0, 4.0], draw.randint(2, 4)))
        y = [round(draw.uniform(-3, 3), 2) for _ in x]
        made = tabled(_difference(draw, probes, 1.0), x, y, draw.random() < 0.7)
    else:
        gain = float(f"{10 ** draw.uniform(0, 6):.2g}")
        rail = draw.choice((1.0, 5.0, 12.0))
        made = limited(_difference(draw, probes, gain), -draw.choice((0.0, rail)), rail)
    return made if is_voltage else _scaled(made, 1e-3)


def _difference(draw: Random, probes: list[str], gain: float) -> Made:
    p, q = draw.sample(probes, 2)
    return Made(f"{gain}*({p}-{q})", lambda v: gain * (v[p] - v[q]), [{p: gain, q: -gain}])


def _scaled(made: Made, share: float) -> Made:
    pieces = [plus({}, form, share) for form in made.pieces]
    return Made(f"{share}*({made.text})", lambda v: share * made.value(v), pieces)
