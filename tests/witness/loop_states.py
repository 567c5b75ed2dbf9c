"""All states of a few ideal diodes in a linear circuit, tried one by one.

Modified nodal analysis without the diodes gives what each sees, and what a current through any
other changes of that: a small problem ``w = q + P t``.
"""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

import resnet_sim as rs


def nodal(circuit: rs.Circuit) -> tuple[coo_array, np.ndarray]:
    """Equations of node voltages and currents of sources, without ground and diodes.

    Switches are held; those closed have an on-resistance.
    """
    r, s, e, k = (
        circuit.resistors, circuit.voltage_sources, circuit.controlled_sources, circuit.switches
    )  # fmt: skip
    n, closed = len(circuit.nodes), k.closed
    p, q = np.append(r.p, k.p[closed]), np.append(r.q, k.q[closed])
    g = 1 / np.append(r.ohms, k.r_on[closed])
    parts = [(p, p, g), (q, q, g), (p, q, -g), (q, p, -g)]
    rhs = np.zeros(n)
    #: the unknown of each element whose current is one
    of_element: dict[int, int] = {}
    for row in range(len(s)):
        of_element[circuit.first["voltage_sources"] + row] = n + row
    own = n + len(s)
    for row in np.flatnonzero(e.is_voltage).tolist():
        of_element[circuit.first["controlled_sources"] + row] = own
        own += 1
    for source in (s, e):
        first = circuit.first["voltage_sources" if source is s else "controlled_sources"]
        known = [(row, of_element.get(first + row)) for row in range(len(source))]
        row, at = np.array([pair for pair in known if pair[1] is not None], int).reshape(-1, 2).T
        a, b = source.p[row], source.q[row]
        parts += [(a, at, 1.0), (b, at, -1.0), (at, a, 1.0), (at, b, -1.0)]
        rhs = np.append(rhs, (s.volts if source is s else e.constant)[row])
    owner = np.repeat(np.arange(len(e)), np.diff(e.ptr))
    for row, current, index, gain in zip(owner, e.of_current, e.index, e.gain, strict=True):
        column = of_element[int(index)] if current else int(index)
        if e.is_voltage[row]:
            at = of_element[circuit.first["controlled_sources"] + int(row)]
            parts.append(([at], [column], -gain))
        else:
            parts += [([e.p[row]], [column], gain), ([e.q[row]], [column], -gain)]
    row, column = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    value = np.concatenate([np.broadcast_to(v, np.shape(k)) for k, _, v in parts])
    matrix = coo_array((value, (row, column)), shape=(own,) * 2).tocsr()[1:, 1:]
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
