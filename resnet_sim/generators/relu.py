"""A ReLU network as a circuit that computes the same outputs.

B. Scellier and S. Mishra, "A universal approximation theorem for nonlinear resistive
networks" (arXiv 2312.15063).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit


def relu_network(
    weights: Sequence[npt.ArrayLike],
    biases: Sequence[npt.ArrayLike] | None = None,
    *,
    scale: float = 1e-3,
    x: npt.ArrayLike | None = None,
) -> Circuit:
    """Return a circuit whose output voltages are the outputs of a ReLU network.

    The network is ``h_l = max(0, h_{l-1} @ W_l + b_l)``, without the maximum in the last
    layer, with ``h_0 = x``.  A neuron is a node between resistors::

        +-h_i  --rw1_0_0-- |w_i| scale --+-- m1_0 --- ep1_0: + G v(m1_0) at h1_0
        +-1 V  --rb1_0---- |b| scale ----+    |       en1_0: - G v(m1_0) at hn1_0
                                        d1_0 /_\\  (from ground: v >= 0)

    Resistors go to the copy of ``h_i`` (or 1 V) that has the sign of the weight.  Then
    ``v = max(0, (h @ w + b) / G)`` with ``G = sum |w| + |b|``, and controlled sources, which
    draw no current, give back the factor G.  Exact but for rounding.

    ======================  ==============================================================
    ``v<k>``                 source of input k at node ``x<k>``; ``en0_<k>``: the same
                             inverted at node ``xn<k>``
    ``m<l>_<j>``             node of neuron j of layer l = 1, 2, ...
    ``h<l>_<j>``             its activation (V); ``hn<l>_<j>``: inverted
    ``o<j>``                 output j (V), from ``ep<L>_<j>``
    ``rw<l>_<i>_<j>``        weight from i to j, where it is not 0; ``rb<l>_<j>``: bias
    ``d<l>_<j>``             diode of a hidden neuron
    ``vone``, ``vminus``     1 V at node ``one``, -1 V at node ``minus``, for the biases
    ======================  ==============================================================

    Parameters
    ----------
    weights : sequence of array_like, shape (n_{l-1}, n_l)
        As in ``coefs_`` of scikit-learn's networks.
    biases : sequence of array_like, shape (n_l,), optional
        As in ``intercepts_``; zero by default.
    scale : float
        Conductance (S) of a weight of 1.  Solved exactly it does not matter; a simulator
        that gives diodes a resistance is off by that times G times `scale`.
    x : array_like, shape (n_0,), optional
        Inputs (V) to begin with, 0 by default.

    Raises
    ------
    UsageError
        If shapes do not fit together or a value is not finite.

    Examples
    --------
    >>> circuit = rs.generators.relu_network([[[1, -1]], [[1], [1]]])  # max(0, x) + max(0, -x)
    >>> rs.solve(circuit, inputs={"v0": [-2.0, 0.0, 3.0]}).voltage("o0").round(9)
    array([2., 0., 3.])
    """
    matrices, offsets = _layers(weights, biases)
    if not 0 < scale < np.inf:
        raise UsageError(f"scale={scale} is not positive and finite")
    count = matrices[0].shape[0]
    values = np.zeros(count) if x is None else np.asarray(x, dtype=np.float64)
    sizes = [count, *(w.shape[1] for w in matrices)]
    b = CircuitBuilder("ReLU network " + "-".join(map(str, sizes)))
    plus, minus = _inputs(b, count, values)
    for layer, (w, offset) in enumerate(zip(matrices, offsets, strict=True), start=1):
        total = np.abs(w).sum(axis=0) + np.abs(offset)
        here = _neurons(b, layer, (plus, minus), w, offset, scale)
        if layer < len(matrices):
            b.diodes(f"d{layer}_", np.zeros_like(here), here)
        plus, minus = _outputs(b, layer, total, last=layer == len(matrices))
    return b.build()


def _layers(
    weights: Sequence[npt.ArrayLike], biases: Sequence[npt.ArrayLike] | None
) -> tuple[list[Floats], list[Floats]]:
    """Return weights and biases as arrays; `UsageError` if they do not fit together."""
    matrices = [np.asarray(w, dtype=np.float64) for w in weights]
    if not matrices:
        raise UsageError("a network has at least one layer")
    if any(w.ndim != 2 or not w.size for w in matrices):
        raise UsageError("weights of a layer have shape (nodes before, nodes), none of them 0")
    if biases is None:
        offsets = [np.zeros(w.shape[1]) for w in matrices]
    else:
        offsets = [np.asarray(offset, dtype=np.float64) for offset in biases]
    if [offset.shape for offset in offsets] != [w.shape[1:] for w in matrices]:
        raise UsageError("each layer needs as many biases as its weights have columns")
    for layer, (w, following) in enumerate(pairwise(matrices), start=1):
        if w.shape[1] != len(following):
            raise UsageError(
                f"layer {layer} has {w.shape[1]} nodes, the next wants {len(following)}"
            )
    if not all(np.isfinite(array).all() for array in (*matrices, *offsets)):
        raise UsageError("a weight or bias is not finite")
    return matrices, offsets


def _inputs(b: CircuitBuilder, count: int, values: Floats) -> tuple[Ints, Ints]:
    """Add sources of 1 V, -1 V and the inputs; return the nodes of x and -x."""
    if values.shape != (count,):
        raise UsageError(f"x has shape {values.shape} instead of {(count,)}")
    b.voltage_source("vone", "one", "0", 1.0)
    b.voltage_source("vminus", "minus", "0", -1.0)
    plus = b.nodes("x", count)
    b.voltage_sources("v", plus, 0, values)
    for k in range(count):
        b.vcvs(f"en0_{k}", f"xn{k}", "0", f"x{k}", "0", -1.0)
    return plus, b.nodes("xn", count)


def _neurons(
    b: CircuitBuilder,
    layer: int,
    before: tuple[Ints, Ints],
    w: Floats,
    offset: Floats,
    scale: float,
) -> Ints:
    """Add the resistors of a layer; return the nodes of its neurons."""
    here = b.nodes(f"m{layer}_", w.shape[1])
    i, j = np.nonzero(w)
    names = [f"rw{layer}_{a}_{c}" for a, c in zip(i.tolist(), j.tolist(), strict=True)]
    signed = np.where(w[i, j] > 0, before[0][i], before[1][i])
    b.resistors(names, signed, here[j], 1.0 / (scale * np.abs(w[i, j])))
    (k,) = np.nonzero(offset)
    rails = np.where(offset[k] > 0, b.node("one"), b.node("minus"))
    ohms = 1.0 / (scale * np.abs(offset[k]))
    b.resistors([f"rb{layer}_{a}" for a in k.tolist()], rails, here[k], ohms)
    # a neuron without weights is at 0 V
    (idle,) = np.nonzero((np.abs(w).sum(axis=0) == 0) & (offset == 0))
    b.resistors([f"rz{layer}_{a}" for a in idle.tolist()], here[idle], 0, 1.0 / scale)
    return here


def _outputs(b: CircuitBuilder, layer: int, gains: Floats, *, last: bool) -> tuple[Ints, Ints]:
    """Add the controlled sources of a layer; return the nodes of its values and their negatives."""
    for k, gain in enumerate(gains.tolist()):
        neuron = f"m{layer}_{k}"
        b.vcvs(f"ep{layer}_{k}", f"o{k}" if last else f"h{layer}_{k}", "0", neuron, "0", gain)
        if not last:
            b.vcvs(f"en{layer}_{k}", f"hn{layer}_{k}", "0", neuron, "0", -gain)
    if last:
        outputs = b.nodes("o", len(gains))
        return outputs, outputs
    return b.nodes(f"h{layer}_", len(gains)), b.nodes(f"hn{layer}_", len(gains))
