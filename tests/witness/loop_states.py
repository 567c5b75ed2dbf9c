"""All states of a few ideal diodes in a linear circuit, tried one by one.

Modified nodal analysis without the diodes gives what each sees, and what a current through any
other changes of that: a small problem ``w = q + P t``.
"""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

import resnet_sim as rs


def nodal(circuit: rs.Circuit) -> tuple[coo_array, np.ndarray]:
    """Equations of node voltages and currents of sources, without ground and diodes."""
    r, s, e = circuit.resistors, circuit.voltage_sources, circuit.controlled_sources
    n, g = len(circuit.nodes), 1 / circuit.resistors.ohms
    p, q = np.append(s.p, e.p), np.append(s.q, e.q)
    at = n + np.arange(len(p))
    owner = at[len(s) :][np.repeat(np.arange(len(e)), np.diff(e.ptr))]
    parts = [
        (r.p, r.p, g), (r.q, r.q, g), (r.p, r.q, -g), (r.q, r.p, -g),
        (p, at, 1.0), (q, at, -1.0), (at, p, 1.0), (at, q, -1.0), (owner, e.index, -e.gain),
    ]  # fmt: skip
    row, column = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    value = np.concatenate([np.broadcast_to(v, np.shape(k)) for k, _, v in parts])
    matrix = coo_array((value, (row, column)), shape=(n + len(p),) * 2).tocsr()[1:, 1:]
    rhs = np.concatenate((np.zeros(n), s.volts, e.constant))
    feeds = circuit.current_sources
    np.subtract.at(rhs, feeds.p, feeds.amps)
    np.add.at(rhs, feeds.q, feeds.amps)
    return matrix, rhs[1:]


def states(circuit: rs.Circuit) -> list[np.ndarray]:
    """Return the node voltages of every solution, up to a dozen diodes."""
    matrix, rhs = nodal(circuit)
    factor, n, d = splu(matrix.tocsc()), len(circuit.nodes), circuit.diodes
    m = len(d)
    through = np.zeros((n + matrix.shape[0] - n + 1, m))
    through[d.p, range(m)] += 1.0
    through[d.q, range(m)] -= 1.0
    through = through[1:]
    at_rest = factor.solve(rhs)
    response = -factor.solve(through) if m else through
    q = d.v_forward - through.T @ at_rest
    P = -through.T @ response
    on = (np.arange(2**m)[:, None] >> np.arange(m)) & 1 == 1
    system = np.where(on[:, :, None], P, np.eye(m))
    t = np.linalg.solve(system, np.where(on, -q, 0.0)[:, :, None])[:, :, 0]
    w = q + t @ P.T
    size = 1e-9 * (1 + np.abs(q).max(initial=0.0))
    good = (np.where(on, t, 0.0) >= -1e-9 * np.abs(t).max(initial=0.0)) & (
        np.where(on, 0.0, w) >= -size
    )
    volts = [at_rest + response @ t[k] for k in np.flatnonzero(good.all(axis=1))]
    return [np.append(0.0, v[: n - 1]) for v in volts]
