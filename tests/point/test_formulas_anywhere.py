"""Formulas of any voltages and currents between any nodes, against ngspice.

Their currents flow through sources whose currents control others, and themselves; there may be
several solutions, of which ngspice finds one.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from ngspice_tools import as_written, requires_ngspice

import resnet_sim as rs

PARTS = [
    "({x}+{y})", "({x}-{y})", "{x}*tanh({y})", "max({x},{y})", "min({x},{y})", "abs({x})",
    "sin({x})", "exp(-abs({x}))", "({x})*({y})", "sqrt(abs({x})+.1)", "atan({x})", "u2({x})",
    "({x})/(2+abs({y}))", "(({x})>({y})?({x}):({y}))", "uramp({x})", "ln(1+abs({x}))", "({x})^2",
    "2**tanh({x})", "asinh({x})", "pwl({x},-1,-1,0,.2,2,1)",
]  # fmt: skip
#: sources between two nodes, by formulas or by currents; m is a node of their own
SOURCES = [
    "B{k} {m} {q} V={f}\nRm{k} {m} {p} {ohms}", "B{k} {p} {q} I=1m*({f})", "D{k} {p} {q} dd",
    "E{k} {m} {q} VALUE={{{f}}}\nRm{k} {m} {p} {ohms}", "G{k} {p} {q} cur='1m*({f})'",
    "R{k}x {p} {q} R='1k+100*abs({f})'", "F{k} {p} {q} vs {gain}", "D{k} {p} {q} dz",
    "H{k} {m} {q} vs {gain}k\nRm{k} {m} {p} 1k", "F{k} {p} {q} POLY(1) vs 0 .2 30",
    "E{k} {m} {q} POLY(2) {p} 0 n1 {q} .1 .2 .1 .05\nRm{k} {m} {p} 2k",
    "Q{k} {p} {m} {q} qq\nRm{k} {m} n1 {ohms}", "V{k} {p} {m} .5\nRm{k} {m} {q} {ohms}",
]  # fmt: skip
MODELS = ".model dd d(is=1e-13)\n.model dz d(bv=1.5)\n.model qq npn(bf=80)\n"


def anywhere(seed: int) -> str:
    """Return a deck of resistors and up to six sources."""
    rng = Random(seed)
    nodes = ["0", *(f"n{k}" for k in range(1, rng.randint(3, 6)))]

    def ohms() -> str:
        return f"{rng.uniform(0.2, 5):.3g}k"

    def formula(depth: int) -> str:
        p, q = rng.choice(nodes[1:]), rng.choice(nodes[1:])
        if depth == 0 or rng.random() < 0.15:
            return rng.choice([f"v({p})", f"v({p},{q})", f"{rng.uniform(0.2, 3):.2g}", "i(vs)*1k"])
        x, y = formula(depth - 1), formula(depth - 1)
        return rng.choice(PARTS).format(x=x, y=y)

    cards = [f"Vs n1 0 {rng.uniform(-3, 3):.3g}"]
    cards += [f"R{node} {node} 0 {ohms()}" for node in nodes[1:]]
    for k in range(rng.randint(2, 6)):
        p, q = rng.sample(nodes, 2)
        gain = f"{rng.uniform(-0.6, 0.6):.2g}"
        given = {"k": k, "p": p, "q": q, "m": f"m{k}", "f": formula(2), "gain": gain}
        cards.append(rng.choice(SOURCES).format(**given, ohms=ohms()))
    return "\n".join(["anywhere", ".options reltol=1e-9", *cards, MODELS])


def compare(seeds: range, directory: Path) -> Counter[str]:
    """Return how many decks are solved as ngspice does, and how many otherwise."""
    decks, outcome = [anywhere(seed) for seed in seeds], Counter[str]()
    for seed, deck, theirs in zip(seeds, decks, as_written(decks, directory), strict=True):
        circuit = rs.parse_netlist(deck)
        volts = {n: (theirs or {}).get(f"v({n})", 0.0) for n in circuit.nodes[1:]}
        if theirs is None or max(map(abs, volts.values())) > 1e3:
            outcome["theirs has none"] += 1
            continue
        expected = pytest.approx(volts, rel=1e-6, abs=1e-7)
        try:
            # its solution is asked for where there are others
            ops = [rs.solve(circuit), rs.solve(circuit, start=volts)]
        except (rs.ConvergenceError, rs.TopologyError):
            outcome["none found"] += 1
            continue
        assert all(op.certificate.ok for op in ops), f"anywhere({seed})\n{deck}"
        same = any(op.voltages == expected for op in ops)
        assert same or ops[0].unique != "unique", f"anywhere({seed})\n{deck}"
        outcome["same" if same else "another"] += 1
    return outcome


@requires_ngspice
def test_formulas_anywhere_are_solved_as_ngspice_solves_them(tmp_path):
    assert compare(range(60), tmp_path)["same"] >= 50


@requires_ngspice
@pytest.mark.long
@pytest.mark.parametrize("block", range(5))
def test_many_formulas_anywhere_are_solved_as_ngspice_solves_them(block, tmp_path):
    outcome = compare(range(200 * (block + 1), 200 * (block + 2)), tmp_path)
    assert outcome["same"] > 150 and outcome["none found"] < 8
