"""Backpropagation through sweeps is a nudged phase of reversed sweeps, step by step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr

LAYERS = (4, 5, 4, 2)


def network(seed: int) -> tuple[tr.Network, np.ndarray, np.ndarray]:
    """Layers of nodes between 0 and .2 V with resistors to the next, to ground and biases."""
    rng = np.random.default_rng(seed)
    b = rs.CircuitBuilder(f"boxes {seed}")
    names = [[f"n{layer}_{k}" for k in range(count)] for layer, count in enumerate(LAYERS)]
    for k, name in enumerate(names[0]):
        b.voltage_source(f"v{k}", name, "0", 0.0)
    b.voltage_source("vtop", "top", "0", 0.2)
    for before, after in pairwise(names):
        for p in before:
            for q in after:
                b.resistor(f"r_{p}_{q}", p, q, 1.0 / rng.uniform(0.05, 1.0))
    for layer in names[1:-1]:
        for name in layer:
            b.diode(f"du_{name}", name, "top")
            b.diode(f"dl_{name}", "0", name)
    for name in names[-1]:
        b.resistor(f"rg_{name}", name, "0", 2.0)
        b.current_source(f"i_{name}", "0", name, 0.05)
    net = tr.Network(b.build(), [f"v{k}" for k in range(LAYERS[0])], names[-1], "r*", biases="i*")
    return net, rng.normal(size=(3, LAYERS[0])), rng.normal(0, 0.2, (3, LAYERS[-1]))


def backpropagated(net: tr.Network, x: np.ndarray, y: np.ndarray, sweeps: int) -> np.ndarray:
    """d(1/2 |o - y|^2)/dg of one sample through sweeps from rest, node by node and backwards."""
    circuit = net.circuit
    op = rs.solve(circuit.with_values(dict(zip(net.inputs, x.tolist(), strict=True))))
    v = op.node_voltages.copy()
    r = circuit.resistors
    g, n = 1.0 / r.ohms, len(v)
    inject = np.zeros(n)
    np.add.at(inject, circuit.current_sources.q, circuit.current_sources.amps)
    np.add.at(inject, circuit.current_sources.p, -circuit.current_sources.amps)
    fixed = {0, *circuit.voltage_sources.p.tolist()}
    boxed = set(circuit.diodes.p.tolist()) | set(circuit.diodes.q.tolist())
    tape = []
    for _ in range(sweeps):
        for node in range(n):
            if node in fixed:
                continue
            near = np.flatnonzero((r.p == node) | (r.q == node))
            other = r.p[near] + r.q[near] - node
            total = g[near].sum()
            new = (inject[node] + g[near] @ v[other]) / total
            inside = node not in boxed or 0 <= new <= 0.2
            tape.append((node, near, other, v[other].copy(), new, total, inside))
            v[node] = new if inside else np.clip(new, 0.0, 0.2)
    grad_v, grad_g = np.zeros(n), np.zeros(len(g))
    outputs = [circuit.node(name) for name in net.outputs.names]
    grad_v[outputs] = v[outputs] - y
    for node, near, other, level, new, total, inside in tape[::-1]:
        back, grad_v[node] = grad_v[node], 0.0
        if inside:
            grad_g[near] += back * (level - new) / total
            grad_v[other] += back * g[near] / total
    return grad_g


def test_reversed_sweeps_are_backpropagation():
    held = 0
    for seed in range(3):
        net, X, Y = network(seed)
        free = net.free(X)
        held += int(free.on.sum())
        for sweeps in (1, 2, 3, 5, 10):
            found = tr.gradient(net, X, Y, tr.TruncatedBackprop(sweeps))
            each = [backpropagated(net, x, y, sweeps) for x, y in zip(X, Y, strict=True)]
            expected = np.mean(each, axis=0)
            assert np.linalg.norm(found - expected) <= 1e-10 * np.linalg.norm(expected)
    assert held > 10


def test_many_sweeps_are_exact():
    net, X, Y = network(0)
    exact = tr.gradients(net, X, Y, tr.Adjoint()).vector
    found = tr.gradients(net, X, Y, tr.TruncatedBackprop(400)).vector
    assert np.allclose(found, exact, rtol=0, atol=1e-9 * np.abs(exact).max())


def test_chains_of_layers_are_swept_like_any_other():
    signed = "signed\nV1 a 0 .5\nR1 a b 1k\nR2 b 0 -3k\nR3 b c 1k\nR4 c 0 1k\nD1 b 0 dd\n"
    net = tr.Network(signed + ".model dd D(vfwd=.6)", ["v1"], ["c"])
    assert net.layers is not None
    X, Y = np.array([[0.4], [0.5], [2.0]]), np.array([[0.1], [0.2], [0.2]])  # the last is held
    exact, found = (tr.gradient(net, X, Y, r) for r in (tr.Adjoint(), tr.TruncatedBackprop(400)))
    assert np.allclose(found, exact, rtol=0, atol=1e-9 * np.abs(exact).max())
    for row in range(3):
        one = slice(row, row + 1)
        each = [
            tr.gradient(net, X[one], Y[one], r) for r in (tr.Adjoint(), tr.TruncatedBackprop(400))
        ]
        assert np.allclose(*each, rtol=0, atol=1e-9 * np.abs(exact).max())


def test_what_it_cannot_do_is_refused():
    for bad in (0, -1, 1.5, "2"):
        with pytest.raises(rs.UsageError, match="at least 1"):
            tr.TruncatedBackprop(bad)
    free_diode = "free\nV1 a 0 1\nR1 a b 1\nR2 c 0 1\nD1 b c ideal\n.model ideal D(Ron=0)\n"
    net = tr.Network(free_diode, ["v1"], ["c"])
    with pytest.raises(rs.UsageError, match="one end"):
        tr.gradient(net, [[1.0]], [[0.1]], tr.TruncatedBackprop())
    one_way = "buffer\nV1 a 0 1\nR1 a b 1\nR2 b 0 1\nE1 c 0 b 0 2\nR3 c d 1\nR4 d 0 1\n"
    one_way += "D1 d 0 ideal\n.model ideal D(Ron=0)\n"
    net = tr.Network(one_way, ["v1"], ["d"])
    with pytest.raises(rs.UsageError, match="not one convex problem"):
        tr.gradient(net, [[1.0]], [[0.1]], tr.TruncatedBackprop())
    ammeter = "ammeter\nV1 a 0 1\nR1 a b 1\nVm b c 0\nR2 c 0 2\n"
    net = tr.Network(ammeter, ["v1"], ["i(vm)"])
    with pytest.raises(rs.UsageError, match="currents of vm"):
        tr.gradient(net, [[1.0]], [[0.1]], tr.TruncatedBackprop())
