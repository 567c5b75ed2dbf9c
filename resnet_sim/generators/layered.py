"""Layered networks as circuits: crossbars of resistors between layers of nodes with diodes.

B. Scellier, "A fast algorithm to simulate nonlinear resistive networks" (arXiv 2402.11674);
J. Kendall et al., "Training end-to-end analog neural networks with equilibrium propagation"
(arXiv 2006.01981).
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..arrays import Floats, Ints
from ..compiled import policy
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from .mixture import Seed, add_diodes, all_pairs, check_diodes, generator, to_ohms, units


def layered(
    sizes: Sequence[int],
    *,
    diodes: Literal["half", "antiparallel"] | None = "half",
    amplification: float = 1.0,
    gain: float | None = None,
    threshold: float = 0.3,
    input_pairs: bool | Literal["inverted"] = True,
    output_pairs: bool = False,
    biases: bool = True,
    weights: Sequence[npt.ArrayLike] | None = None,
    g_min: float = 1e-4,
    crossbars: bool | None = None,
    dtype: npt.DTypeLike = np.float64,
    seed: Seed = 0,
) -> Circuit:
    """Return a layered network: every node is joined to every node of the next layer.

    ::

        vp0 +A x -- xp0 --rw1_0_0--+-- h1_0 --[amplifier]-- a1_0 --rw2_0_0-- o0
        vn0 -A x -- xn0 --rw1_1_0--+    |                                    |
                                        +-- d1_0, ib1_0                      +-- ib2_0

    ========================  ==========================================================
    ``xp<k> xn<k>``, ``x<k>``  inputs: pairs, or single; held by ``vp<k> vn<k>``, ``v<k>``
    ``h<l>_<j>``               node j of hidden layer l = 1, 2, ...
    ``a<l>_<j>``               the same behind its amplifier, if there are amplifiers
    ``o<k>``, ``op<k> on<k>``  outputs: single, or pairs
    ``rw<l>_<i>_<j>``          weight from node i of layer l - 1 to node j of layer l; pairs
                               are numbered one after the other: all positive, all negative;
                               either a resistor or a conductance of the crossbar ``rw<l>``
    ``ib<l>_<j>``              bias: current source from ground into node j of layer l
    ``d<l>_<j>``               diode of ``h<l>_<j>`` (``dp`` and ``dn`` if antiparallel)
    ``ea va fa <l>_<j>``       amplifier: VCVS, 0 V source that senses its current, CCCS
    ========================  ==========================================================

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden layers, outputs; inputs and outputs count once, paired or not.
    diodes : {"half", "antiparallel"} or None
        At hidden nodes, ideal.  Half: ``v >= 0`` (diode from ground) for the first half of
        a layer, ``v <= 0`` for the second (an odd node counts to the first).
        Antiparallel: ``-threshold <= v <= threshold``.
    amplification : float
        Factor A of the inputs.
    input_pairs : bool or "inverted"
        Whether each input has a node of the opposite voltage.  Inverted: VCVS ``en<k>`` of
        gain -1 hold those nodes, so that ``vp<k>`` alone sets both.
    gain : float, optional
        Of a bidirectional amplifier behind each hidden node: the next layer sees `gain`
        times the voltage, the node itself 1 / `gain` of the current.  None: a plain wire.
    threshold : float
        V, of antiparallel diodes.
    output_pairs : bool
        Whether each output has two nodes, whose difference counts.
    biases : bool
        Whether there are bias sources, at 0 A, at hidden and output nodes.
    weights : sequence of array_like, optional
        Conductances (S) of layer l, shape (nodes of layer l - 1, nodes of layer l); 0 is open.
        By default uniform from -s to s with s = 1 / sqrt(nodes of layer l - 1), and what is
        below `g_min` raised to it.
    crossbars : bool, optional
        Whether weights are crossbars instead of resistors, which has no limit but memory.
        By default where there are more than a million.
    dtype : float64 or float32
        Of the conductances of crossbars.  Those of float32 are drawn as such: other ones.
    seed : int or numpy.random.Generator
        Also draws the inputs, uniform from -A to A; see `layered_inputs`.

    Examples
    --------
    >>> circuit = rs.generators.layered([2, 4, 1], input_pairs=False, seed=1)
    >>> circuit.nodes
    ('0', 'x0', 'x1', 'h1_0', 'h1_1', 'h1_2', 'h1_3', 'o0')
    >>> len(circuit.resistors), circuit.diodes.names
    (12, ('d1_0', 'd1_1', 'd1_2', 'd1_3'))
    """
    sizes = units(sizes)
    _check(diodes, gain, threshold)
    if weights is not None and len(weights) != len(sizes) - 1:
        raise UsageError(f"weights of {len(weights)} layers for a network of {len(sizes) - 1}")
    crossbars, kind = _kept_as(sizes, bool(input_pairs), crossbars, dtype)
    rng = generator(seed)
    b = CircuitBuilder("layered " + "-".join(map(str, sizes)))
    before = _inputs(b, sizes[0], input_pairs, amplification * rng.uniform(-1, 1, sizes[0]))
    for layer, size in enumerate(sizes[1:], start=1):
        last = layer == len(sizes) - 1
        if last:
            here = b.nodes(f"{x}{k}" for x in _kinds("o", output_pairs) for k in range(size))
        else:
            here = b.nodes(f"h{layer}_", size)
        shape = (len(before), len(here))
        if weights is None:
            g = _drawn(rng, shape, g_min, kind)
        else:
            g = _given(weights[layer - 1], layer, shape, kind)
        if crossbars:
            b.crossbar(f"rw{layer}", before, here, g)
        else:
            b.resistors(*all_pairs(f"rw{layer}_", before, here), to_ohms(g.ravel()))
        if biases:
            b.current_sources(f"ib{layer}_", 0, here, 0.0)
        if not last:
            up = np.arange(size) < (size + 1) // 2
            add_diodes(b, f"{{}}{layer}_".format, here, up, diodes, threshold)
        amplified = gain is not None and not last
        before = _amplify(b, layer, here, gain) if amplified and gain else here
    return b.build()


def layered_inputs(
    x: npt.ArrayLike, *, amplification: float = 1.0, pairs: bool | Literal["inverted"] = True
) -> dict[str, Floats]:
    """Return the sources that hold the inputs of a layered network, and their values.

    Parameters
    ----------
    x : array_like, shape (B, n_inputs)

    Returns
    -------
    dict of str to ndarray, shape (B,)
        V, for ``solve(circuit, inputs=...)``: ``vp0`` to ``vp<n-1>`` hold A x,
        ``vn0`` to ``vn<n-1>`` hold -A x, unless pairs are ``"inverted"``; without `pairs`,
        ``v0`` to ``v<n-1>`` hold A x.

    Examples
    --------
    >>> x = rs.generators.layered_inputs([[0.1, 0.2], [0.3, 0.4]], amplification=10)
    >>> x["vp1"], x["vn1"]
    (array([2., 4.]), array([-2., -4.]))
    >>> rs.solve(rs.generators.layered([2, 3, 1]), inputs=x).voltage("o0").shape
    (2,)
    """
    values = amplification * np.atleast_2d(np.asarray(x, dtype=np.float64))
    kinds = ("vp",) if pairs == "inverted" else _kinds("v", pairs)
    signs = zip(kinds, (1.0, -1.0), strict=False)
    return {
        f"{name}{k}": sign * values[:, k] for name, sign in signs for k in range(values.shape[1])
    }


def _check(diodes: str | None, gain: float | None, threshold: float) -> None:
    check_diodes(diodes)
    if gain is not None and not 0 < gain < np.inf:
        raise UsageError(f"gain={gain} is not positive and finite")
    if threshold < 0:
        raise UsageError(f"threshold={threshold} is negative")


def _kept_as(
    sizes: Sequence[int], pairs: bool, crossbars: bool | None, dtype: npt.DTypeLike
) -> tuple[bool, np.dtype[Any]]:
    """Return whether weights are crossbars, and of what type their conductances are."""
    if crossbars is None:
        nodes = [sizes[0] * (2 if pairs else 1), *sizes[1:]]
        crossbars = sum(map(mul, nodes, nodes[1:])) > policy.POLICY.crossbars
    kind = np.dtype(dtype if crossbars else np.float64)
    if kind not in (np.float32, np.float64):
        raise UsageError(f"conductances of {kind}: needs float64 or float32")
    return crossbars, kind


def _kinds(letter: str, pairs: bool | str) -> tuple[str, ...]:
    return (f"{letter}p", f"{letter}n") if pairs else (letter,)


def _inputs(b: CircuitBuilder, count: int, pairs: bool | str, x: Floats) -> Ints:
    """Add sources of x, and of -x where inputs are pairs; return their nodes."""
    nodes = [b.nodes(name, count) for name in _kinds("x", pairs)]
    if pairs == "inverted":
        b.voltage_sources("vp", nodes[0], 0, x)
        for k in range(count):
            b.vcvs(f"en{k}", f"xn{k}", "0", f"xp{k}", "0", -1.0)
        return np.concatenate(nodes)
    for name, node, sign in zip(_kinds("v", pairs), nodes, (1.0, -1.0), strict=False):
        b.voltage_sources(name, node, 0, sign * x)
    return np.concatenate(nodes)


def _drawn(
    rng: np.random.Generator, shape: tuple[int, int], g_min: float, dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    limit = shape[0] ** -0.5
    if dtype == np.float64:
        return np.maximum(rng.uniform(-limit, limit, shape), g_min)
    # in place: there may be no room for a second array
    g = rng.random(shape, dtype=np.float32)
    g *= np.float32(2.0 * limit)
    g -= np.float32(limit)
    return np.maximum(g, np.float32(g_min), out=g)


def _given(
    weights: npt.ArrayLike, layer: int, shape: tuple[int, int], dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    g = np.asarray(weights, dtype=dtype)
    if g.shape != shape:
        raise UsageError(f"weights of layer {layer} have shape {g.shape} instead of {shape}")
    return g


def _amplify(b: CircuitBuilder, layer: int, here: Ints, gain: float) -> Ints:
    """Add an amplifier behind each node; return the nodes that the next layer sees."""
    for j in range(len(here)):
        this, name = f"h{layer}_{j}", f"{layer}_{j}"
        b.vcvs(f"ea{name}", f"s{name}", "0", this, "0", gain)
        b.voltage_source(f"va{name}", f"s{name}", f"a{name}", 0.0)
        b.cccs(f"fa{name}", this, "0", f"va{name}", 1.0 / gain)
    return b.nodes(f"a{layer}_", len(here))
