"""Symmetric transconductances are solved as the conductances that they are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import resnet_sim as rs


def random_ports(seed: int, broken: bool = False) -> str:
    """Resistors, and G sources whose matrix is symmetric: pairs, and one that controls itself."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 8))
    nodes = ["0", *(f"n{k}" for k in range(n))]
    lines = [f"ports {seed}", "v1 n0 0 1", "i1 0 n1 0.2"]
    for k in range(1, n):
        lines += [f"ra{k} n{k} n{rng.integers(0, k)} {rng.uniform(0.5, 2):.4g}"]
        lines += [f"rb{k} n{k} 0 {rng.uniform(0.5, 2):.4g}"]
    for k in range(4):
        (p, q), (c, d) = (rng.choice(nodes, 2, replace=False) for _ in range(2))
        g = rng.normal() * 0.1
        other = g * (1.01 if broken and k == 1 else 1.0)
        lines += [f"ga{k} {p} {q} {c} {d} {g:.17g}", f"gb{k} {d} {c} {q} {p} {other:.17g}"]
    lines.append(f"gs n1 n2 n1 n2 {rng.uniform(0, 1):.4g}")
    lines += ["d1 n1 n2 m", "d2 n2 n0 m", ".model m d(vfwd=0.05)"]
    return "\n".join([*lines, ".end"])


def nodal(deck: str) -> dict[str, float]:
    """Node voltages by nodal analysis of all states of the diodes, the right one chosen."""
    cards = [line.split() for line in deck.splitlines()[1:-1] if line[0] != "."]
    names = sorted({w for c in cards if c[0][0] in "rvgid" for w in c[1:3]} - {"0"})
    at = {name: k for k, name in enumerate(names)}
    diodes = [c for c in cards if c[0][0] == "d"]
    for on in itertools.product([False, True], repeat=len(diodes)):
        hard = [("n0", "0", 1.0)] + [
            (d[1], d[2], 0.05) for d, s in zip(diodes, on, strict=True) if s
        ]
        size = len(names) + len(hard)
        a, b = np.zeros((size + 1, size + 1)), np.zeros(size + 1)
        at["0"] = size
        for c in cards:
            p, q = at[c[1]], at[c[2]]
            if c[0][0] == "r":
                for x, y in ((p, q), (q, p)):
                    a[x, x] += 1 / float(c[3])
                    a[x, y] -= 1 / float(c[3])
            elif c[0][0] == "g":
                for x, s in ((p, 1.0), (q, -1.0)):
                    a[x, at[c[3]]] += s * float(c[5])
                    a[x, at[c[4]]] -= s * float(c[5])
            elif c[0][0] == "i":
                b[p], b[q] = b[p] - float(c[3]), b[q] + float(c[3])
        for k, (p, q, volts) in enumerate(hard, start=len(names)):
            for node, s in ((p, 1.0), (q, -1.0)):
                a[at[node], k] += s
                a[k, at[node]] += s
            b[k] = volts
        z = np.linalg.solve(a[:size, :size], b[:size])
        v = dict(zip(names, z.tolist(), strict=False)) | {"0": 0.0}
        flows = iter(z[len(names) + 1 :])
        if all(
            next(flows) >= 0 if s else v[d[1]] - v[d[2]] <= 0.05
            for d, s in zip(diodes, on, strict=True)
        ):
            return v
    raise AssertionError


@pytest.mark.parametrize("broken", [False, True])
def test_symmetric_sources_agree_with_nodal_analysis(broken):
    methods = set()
    for seed in range(30):
        deck = random_ports(seed, broken)
        op = rs.solve(rs.parse_netlist(deck))
        for node, volts in nodal(deck).items():
            assert node == "0" or op[node] == pytest.approx(volts, abs=1e-11), seed
        for k in range(4):  # currents of sources, whatever they were solved as
            *_, c, d, g = deck.splitlines()[1:][_line(deck, f"ga{k}")].split()
            across = sum(s * (op[n] if n != "0" else 0.0) for s, n in ((1, c), (-1, d)))
            assert op.current(f"ga{k}") == pytest.approx(float(g) * across, abs=1e-11)
        assert op.certificate.ok and op.certificate.stable
        methods.add("feedback" in op.solver.method)
    assert methods == ({True, False} if broken else {False})


def _line(deck: str, name: str) -> int:
    return next(k for k, line in enumerate(deck.splitlines()[1:]) if line.startswith(f"{name} "))


def test_a_bistable_pair_has_a_stable_state():
    deck = (
        "latch\nvh h 0 1\nvl l 0 -1\nr1 a 0 1\nr2 b 0 1\n"
        "g1 0 a b 0 2\ng2 0 b a 0 2\nd1 a h\nd2 l a\nd3 b h\nd4 l b\n.end"
    )
    op = rs.solve(rs.parse_netlist(deck))
    assert op.certificate.stable and abs(op["a"]) == 1.0 and op["a"] == op["b"]


def test_stability_of_circuits_without_co_content():
    # a node that falls by itself, and one that a loop of two sources drives away
    for gain, stable in ((0.5, True), (-0.5, True), (3.0, None)):
        deck = f"loop\ni1 0 a 0.1\nr1 a 0 1\nr2 b 0 1\ng1 0 a b 0 {gain}\ng2 0 b a 0 1\n.end"
        op = rs.solve(rs.parse_netlist(deck))
        matrix = np.array([[1.0, -gain], [-1.0, 1.0]])
        wanted = bool(np.linalg.eigvals(matrix).real.min() > 0)
        assert op.certificate.stable is wanted
        assert stable is None or wanted is stable
