"""Circuits with limiters by exhaustion: every combination of what each of them may do."""

from __future__ import annotations

import itertools

import numpy as np

from resnet_sim import Circuit


def solutions(circuit: Circuit) -> list[tuple[np.ndarray, np.ndarray]]:
    """Node voltages and limiters' currents of all solutions.

    For circuits of resistors (no shorts), independent sources and limiters alone.
    """
    limiters = circuit.tables["limiters"]
    back = np.array(
        [a * r if r else 0.0 for a, r in zip(limiters.amps, limiters.ratio, strict=True)]
    )
    found = []
    for states in itertools.product((0, 1, -1), repeat=len(limiters)):
        answer = _linear(circuit, states, back)
        if answer is None:
            continue
        v, i = answer
        drop = v[limiters.p] - v[limiters.q]
        tiny_v, tiny_i = 1e-9 * np.abs(v).max(initial=1e-9), 1e-9 * np.abs(i).max(initial=1e-9)
        fits = [
            {0: -b - tiny_i <= amps <= a + tiny_i, 1: volts >= -tiny_v, -1: volts <= tiny_v}[state]
            for state, amps, volts, a, b in zip(states, i, drop, limiters.amps, back, strict=True)
        ]
        if all(fits):
            found.append((v, i))
    return found


def _linear(circuit, states, back):
    """Solve with each limiter a short (0) or a source at one of its limits; None if singular."""
    r, s, a = circuit.resistors, circuit.voltage_sources, circuit.current_sources
    limiters = circuit.tables["limiters"]
    n, free = len(circuit.nodes), [k for k, state in enumerate(states) if state == 0]
    p, q = np.append(s.p, limiters.p[free]), np.append(s.q, limiters.q[free])
    m = len(p)
    matrix, rhs = np.zeros((n + m, n + m)), np.zeros(n + m)
    for x, y, ohms in zip(r.p, r.q, r.ohms, strict=True):
        for one, other in ((x, y), (y, x)):
            matrix[one, one] += 1 / ohms
            matrix[one, other] -= 1 / ohms
    for k, (x, y) in enumerate(zip(p, q, strict=True), n):
        matrix[x, k] += 1
        matrix[y, k] -= 1
        matrix[k, x] += 1
        matrix[k, y] -= 1
    rhs[n : n + len(s)] = s.volts
    amps = np.where(np.array(states) > 0, limiters.amps, -back)
    fixed = [k for k, state in enumerate(states) if state]
    driven = (np.append(a.p, limiters.p[fixed]), np.append(a.q, limiters.q[fixed]))
    for x, y, flow in zip(*driven, np.append(a.amps, amps[fixed]), strict=True):
        rhs[x] -= flow
        rhs[y] += flow
    try:
        z = np.append(0.0, np.linalg.solve(matrix[1:, 1:], rhs[1:]))
    except np.linalg.LinAlgError:
        return None
    if not np.allclose(matrix[1:, 1:] @ z[1:], rhs[1:], rtol=1e-9, atol=1e-9 * np.abs(rhs).max()):
        return None
    i = amps.copy()
    i[free] = z[n + len(s) :]
    return z[:n], i
