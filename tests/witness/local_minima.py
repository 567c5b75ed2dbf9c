"""States of circuits of conductances of either sign and ideal diodes, by trying every set."""

from __future__ import annotations

from itertools import product

import numpy as np


def hessian(n: int, edges: list[tuple[int, int, float]]) -> np.ndarray:
    """The matrix of conductances between nodes, ground (0) included."""
    k = np.zeros((n, n))
    for p, q, g in edges:
        k[p, p] += g
        k[q, q] += g
        k[p, q] -= g
        k[q, p] -= g
    return k


def free_directions(n: int, ties: list[tuple[int, int]]) -> np.ndarray:
    """An orthonormal basis of the voltages that ground and ties leave free, shape (n, k)."""
    rows = [np.eye(n)[0]] + [np.eye(n)[p] - np.eye(n)[q] for p, q in ties]
    _, s, vt = np.linalg.svd(np.array(rows))
    return vt[int((s > 1e-9).sum()) :].T


def is_minimum(n: int, edges: list[tuple[int, int, float]], ties: list[tuple[int, int]]) -> bool:
    """Whether the co-content bends up in all directions that ties leave free."""
    basis = free_directions(n, ties)
    if not basis.shape[1]:
        return True
    return bool(np.linalg.eigvalsh(basis.T @ hessian(n, edges) @ basis).min() > 0)


def states(
    n: int,
    edges: list[tuple[int, int, float]],
    amps: np.ndarray,
    diodes: list[tuple[int, int, float]],
) -> list[tuple[np.ndarray, bool]]:
    """All states, and whether each is a minimum; diodes are (anode, cathode, drop)."""
    found: list[tuple[np.ndarray, bool]] = []
    k = hessian(n, edges)
    for on in product([False, True], repeat=len(diodes)):
        ties = [d for d, c in zip(diodes, on, strict=True) if c]
        a = np.array([np.eye(n)[p] - np.eye(n)[q] for p, q, _ in ties]).reshape(-1, n)
        m = len(ties)
        system = np.zeros((n + m, n + m))
        system[:n, :n], system[:n, n:], system[n:, :n] = k, a.T, a
        system[0] = np.eye(n + m)[0]
        rhs = np.concatenate((amps, [d for _, _, d in ties]))
        rhs[0] = 0.0
        if np.linalg.cond(system) > 1e12:
            continue
        z = np.linalg.solve(system, rhs)
        v, i = z[:n], z[n:]
        if (i < -1e-9).any() or any(v[p] - v[q] > d + 1e-9 for p, q, d in diodes):
            continue
        minimum = is_minimum(n, edges, [(p, q) for p, q, _ in ties])
        if not any(np.allclose(v, w, atol=1e-7) for w, _ in found):
            found.append((v, minimum))
    return found
