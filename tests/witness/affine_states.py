"""Circuits with sources given by formulas, by exhaustion: every affine piece of every one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from formulas import Affine, Made, at


def solutions(
    nodes: Sequence[str],
    resistors: Sequence[tuple[str, str, float]],
    sources: Sequence[tuple[str, float]],
    formulas: Sequence[tuple[str, bool, Made]],
) -> list[np.ndarray] | None:
    """Return the voltages of the nodes in all solutions; None if some piece is singular.

    Parameters
    ----------
    nodes : sequence of str
        Without ground, ``"0"``.
    resistors : sequence of (node, node, ohms)
    sources : sequence of (node, volts)
        To ground.
    formulas : sequence of (node, is_voltage, formula)
        Sources to ground; a current flows out of the node.
    """
    number = {f"v({node})": k for k, node in enumerate(nodes)}
    found: list[np.ndarray] = []
    for pieces in itertools.product(*(_distinct(some.pieces) for _, _, some in formulas)):
        v = _linear(number, resistors, sources, formulas, pieces)
        if v is None:
            return None
        size = 1 + np.abs(v).max()
        values = {name: v[k] for name, k in number.items()}
        fits = all(
            abs(some.value(values) - at(piece, values)) <= 1e-15 * size * _steepness(piece)
            for (_, _, some), piece in zip(formulas, pieces, strict=True)
        )
        if fits and not any(np.abs(v - old).max() <= 1e-7 * size for old in found):
            found.append(v)
    return found


def _distinct(pieces: Sequence[Affine]) -> list[Affine]:
    unique = {tuple(sorted((k, g) for k, g in form.items() if g)): form for form in pieces}
    return list(unique.values())


def _steepness(piece: Affine) -> float:
    return 1 + sum(abs(gain) for k, gain in piece.items() if k)


def _linear(number, resistors, sources, formulas, pieces):
    n = len(number)
    volts = [(node, {"": value}) for node, value in sources]
    volts += [(f[0], piece) for f, piece in zip(formulas, pieces, strict=True) if f[1]]
    matrix, rhs = np.zeros((n + len(volts),) * 2), np.zeros(n + len(volts))
    place = {name[2:-1]: k for name, k in number.items()}
    for p, q, ohms in resistors:
        for a, b in ((p, q), (q, p)):
            if a in place:
                matrix[place[a], place[a]] += 1 / ohms
                if b in place:
                    matrix[place[a], place[b]] -= 1 / ohms
    for (node, is_voltage, _), piece in zip(formulas, pieces, strict=True):
        if not is_voltage:
            rhs[place[node]] -= piece.get("", 0.0)
            for probe, gain in piece.items():
                if probe:
                    matrix[place[node], number[probe]] += gain
    for row, (node, piece) in enumerate(volts, n):
        matrix[place[node], row] = 1.0
        matrix[row, place[node]] += 1.0
        rhs[row] = piece.get("", 0.0)
        for probe, gain in piece.items():
            if probe:
                matrix[row, number[probe]] -= gain
    scale = np.abs(matrix).max(axis=1)
    if np.linalg.cond(matrix / scale[:, None]) > 1e12:
        return None
    exact, found = matrix.astype(np.longdouble), np.zeros(len(rhs), dtype=np.longdouble)
    for _ in range(4):  # refined, for gains amplify what rounding leaves
        found += np.linalg.solve(matrix, (rhs - exact @ found).astype(float))
    return found[:n]
