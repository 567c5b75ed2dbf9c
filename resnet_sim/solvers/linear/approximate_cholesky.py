"""Conjugate gradients preconditioned by an approximate Cholesky factor, for networks.

Elimination joins the neighbours of a node pairwise, and that fills factors up.  Here it joins
them by a random tree with the same mean: the factors have about as many entries as the network,
and yet leave a condition that hardly grows with it (Kyng and Sachdeva, "Approximate Gaussian
elimination for Laplacians: fast, sparse, and simple", 2016; Gao, Kyng and Spielman, "Robust and
practical solution of Laplacian equations by approximate elimination", 2023).  Building one takes
as long as some thirty steps, a hierarchy of `multigrid` as long as ten; but where graphs don't
get smaller by being aggregated, as random ones, the steps are fewer and shorter.
"""

from __future__ import annotations

import numpy as np

from ...arrays import Floats, Ints
from ...graph.graphs import bincount
from . import _approximate_cholesky as kernels
from . import conjugate_gradients
from ._sparse_rows import assemble

#: Order, ptr, row, share and inverse, as `_approximate_cholesky.factor` returns them.
Factor = tuple[Ints, Ints, Ints, Floats, Floats]


class ApproximateCholesky:
    """Solves with the Laplacian of positive conductances between n nodes, node 0 held.

    Every node must be connected to node 0.

    Parameters
    ----------
    n : int
    p, q : ndarray of int, shape (e,)
    conductance : ndarray of float, shape (e,)
        S
    like : tuple of Factor and ndarray of int, shape (n,), optional
        The `factor` of a network which differs in few places, which serves this one too, and the
        node there that each node here is like.  What one node there stands for here is told
        apart by the conductances around it.
    """

    def __init__(
        self, n: int, p: Ints, q: Ints, conductance: Floats,
        like: tuple[Factor, Ints] | None = None,
    ) -> None:  # fmt: skip
        ptr, _, column, weight, diagonal = assemble(n, p, q, conductance)
        self._matrix = ptr, column, weight, diagonal
        if like is None:
            self.factor: Factor = kernels.factor(n, p, q, conductance)
            self._node: Ints | None = None
        else:
            self.factor, node = like
            # what was held there is like none, an entry more, which stays zero
            held = len(self.factor[0])
            self._node = np.where(node > 0, node - 1, held)[1:]
            alone = np.bincount(self._node, minlength=held + 1) == 1
            alone[held] = False
            self._apart = np.where(alone[self._node], 0.0, 1.0 / diagonal).astype(np.float32)

    def solve(self, b: Floats, reduction: float, most: int = 200) -> Floats:
        """Return x, ``x[0] = 0``, whose residual is `reduction` times `b`; ``b[0]`` is ignored."""
        x, self.steps = conjugate_gradients.solve(
            self._matrix, self._precondition, b[1:], reduction, most
        )
        return np.append(0.0, x)

    def _precondition(self, r: Floats, z: Floats) -> None:
        if self._node is None:
            kernels.apply(*self.factor, r, z)
            return
        there = np.zeros(len(self.factor[0]) + 1, dtype=np.float32)
        kernels.apply(*self.factor, bincount(self._node, r, len(there)), there)
        z[:] = there[self._node] + self._apart * r
