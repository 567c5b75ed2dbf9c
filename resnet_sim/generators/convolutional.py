"""Convolutional resistive networks: resistors that share their conductances, pooling by averages.

A kernel is a crossbar whose cells share parameters: every unit of a channel has the same
conductances to what is before it, shifted.  The circuit has these as parameters, as one that was
read from a netlist with ``.param`` cards has, so `training.Network` can train them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from .kernels import Layer, Sides, extent, kernel_names, layers_of, places, taps
from .mixture import Seed, add_diodes, all_pairs, check_diodes, generator, to_ohms
from .shared import equal, made


def convolutional(
    shape: Sequence[int],
    channels: int | Sequence[int],
    outputs: int,
    *,
    kernel: Sides = 3,
    stride: Sides = 1,
    pool: Sides = 1,
    padding: Sides = 0,
    diodes: Literal["half", "antiparallel"] | None = "half",
    threshold: float = 0.3,
    amplification: float = 1.0,
    input_pairs: bool = True,
    output_pairs: bool = False,
    biases: bool = True,
    average: float = 1.0,
    g_min: float = 1e-4,
    seed: Seed = 0,
) -> Circuit:
    """Return a convolutional network: kernels, diodes, averages, and a dense layer of outputs.

    ::

        x<b>_<y>_<x> --rk<l>_<c>_<y>_<x>_<t>-- h<l>_<c>_<y>_<x> --rp<l>_..-- m<l>_<c>_<y>_<x> -- ..
                                                |  diode, ib<l>_..
        ... --rw_<i>_<j>-- o<j>

    ========================  ==========================================================
    ``xp.. xn..``, ``x..``     inputs: pairs, or single; held by ``vp<k> vn<k>``, ``v<k>``, k
                               numbering channels, rows and columns
    ``h<l>_<c>_<y>_<x>``       unit of channel c of layer l
    ``m<l>_<c>_<y>_<x>``       average of a square of them, where layers are pooled
    ``o<k>``, ``op<k> on<k>``  outputs
    ``k<l>_<c>_<b>_<y>_<x>``   parameter: conductance (S) of kernel c of layer l to channel b,
                               inputs of the opposite voltage being channels of their own;
                               resistors ``rk<l>_<c>_<y>_<x>_<t>``, one for each tap t
    ``b<l>_<c>``               parameter: current (A) into each unit of a channel, by the
                               sources ``ib<l>_<c>_<y>_<x>``
    ``rw_<i>_<k>``             resistors to the outputs, none of them shared; ``ibo_<k>``
    ========================  ==========================================================

    Parameters
    ----------
    shape : sequence of int
        (rows, columns) of the images, or (channels, rows, columns).
    channels : int or sequence of int
        Of the only layer, or of each.
    outputs : int
    kernel, stride, padding : int or sequence of (int or (int, int))
        Side of the square that a unit sees, step from unit to unit, and rows of nothing that
        are added on each side; one for all layers or one for each, which may be rows and columns.
    pool : int or sequence of (int or (int, int))
        Side of the squares of units whose averages the next layer sees; 1: none.
    output_pairs, biases
        Of `layered`.
    diodes, threshold
        Of `layered`; half of the channels is up, half is down.
    amplification : float
        Factor of the inputs.
    average : float
        Conductance of the resistors that average, S.
    g_min : float
        S; what is drawn below is moved there.
    seed : int or numpy.random.Generator

    Examples
    --------
    >>> circuit = rs.generators.convolutional((6, 6), [2], 3, kernel=3, pool=2, input_pairs=False)
    >>> len(circuit.parameters), len(circuit.resistors)  # 18 of kernels, 2 currents
    (20, 344)
    >>> inputs, outputs = [f"v{k}" for k in range(36)], ["o0", "o1", "o2"]
    >>> net = tr.Network(circuit, inputs, outputs, "rw*", parameters=["k*", "b*"])
    >>> tr.gradient(net, np.ones((1, 36)), [[0.0, 0.1, 0.2]]).shape  # conductances, parameters
    (44,)
    """
    size, layers = layers_of(shape, channels, outputs, kernel, stride, padding, pool)
    check_diodes(diodes)
    if not (average > 0 and g_min > 0 and np.isfinite([average, g_min, threshold]).all()):
        raise UsageError("average and g_min must be positive and finite")
    rng = generator(seed)
    plan = _Plan(
        size, layers, outputs, diodes, threshold, amplification * rng.uniform(-1, 1, size),
        input_pairs, output_pairs, biases, average, g_min, {}, np.zeros((0, 0)),
    )  # fmt: skip
    return _drawn(plan, rng).build()


@dataclass(frozen=True)
class _Plan:
    """What a network is made from; `parameters` and `dense` are drawn."""

    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    outputs: int
    diodes: str | None
    threshold: float
    x: Floats
    input_pairs: bool
    output_pairs: bool
    biases: bool
    average: float
    g_min: float
    parameters: Mapping[str, float]
    dense: Floats

    def build(self) -> Circuit:
        b = CircuitBuilder(f"convolutional {'x'.join(map(str, self.shape))}")
        here = self._inputs(b)
        ohms: list[Ints] = []
        amps: list[Ints] = []
        for number, layer in enumerate(self.layers, start=1):
            builder = _Builder(self, b, number, layer)
            here = builder.add(here)
            ohms, amps = ohms + builder.ohms, amps + builder.amps
        self._dense(b, here.ravel())
        circuit = b.build()
        return made(circuit, self.parameters, [
            equal("resistors", "ohms", _padded(ohms, len(circuit.resistors))),
            equal("current_sources", "amps", _padded(amps, len(circuit.current_sources))),
        ])  # fmt: skip

    def _inputs(self, b: CircuitBuilder) -> Ints:
        """Add sources; return the nodes, shape (channels, rows, columns)."""
        at = list(places(self.shape))
        found = []
        for kind, sign in (("p", 1.0), ("n", -1.0)) if self.input_pairs else (("", 1.0),):
            nodes = b.nodes(f"x{kind}{place}" for place in at)
            b.voltage_sources(f"v{kind}", nodes, 0, sign * self.x.ravel())
            found.append(nodes.reshape(self.shape))
        return np.concatenate(found)

    def _dense(self, b: CircuitBuilder, before: Ints) -> None:
        kinds = ("op", "on") if self.output_pairs else ("o",)
        here = b.nodes(f"{kind}{k}" for kind in kinds for k in range(self.outputs))
        b.resistors(*all_pairs("rw_", before, here), to_ohms(self.dense.ravel()))
        if self.biases:
            b.current_sources("ibo_", 0, here, 0.0)


def _padded(parts: list[Ints], count: int) -> Ints:
    """Return numbers of what comes first in a table, and -1 for the rest."""
    found = np.full(count, -1)
    numbers = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    found[: len(numbers)] = numbers
    return found


class _Builder:
    """Adds one layer."""

    def __init__(self, plan: _Plan, b: CircuitBuilder, number: int, layer: Layer) -> None:
        self.plan, self.b, self.number, self.layer = plan, b, number, layer
        self._numbers = {name: k for k, name in enumerate(plan.parameters)}
        #: numbers of the parameters of resistors and sources, in the order in which they are added
        self.ohms: list[Ints] = []
        self.amps: list[Ints] = []

    def add(self, before: Ints) -> Ints:
        """Return the nodes that the next layer sees; arrays are (channels, rows, columns)."""
        rows, columns = extent(before.shape[1:], self.layer, self.number)
        shape = (self.layer.channels, rows, columns)
        here = self._nodes("h", shape)
        self._kernels(before, here)
        at = list(places(shape))
        up = np.repeat(np.arange(shape[0]) < (shape[0] + 1) // 2, rows * columns)
        add_diodes(
            self.b, lambda kind: [f"{kind}{self.number}_{place}" for place in at], here.ravel(), up,
            self.plan.diodes, self.plan.threshold,
        )  # fmt: skip
        if self.plan.biases:
            numbers = [self._numbers[f"b{self.number}_{c}"] for c in range(shape[0])]
            self.amps.append(np.repeat(numbers, rows * columns))
            names = [f"ib{self.number}_{place}" for place in at]
            self.b.current_sources(names, 0, here.ravel(), 0.0)
        return here if self.layer.pool == (1, 1) else self._averages(here)

    def _nodes(self, letter: str, shape: tuple[int, ...]) -> Ints:
        names = (f"{letter}{self.number}_{place}" for place in places(shape))
        return self.b.nodes(names).reshape(shape)

    def _kernels(self, before: Ints, here: Ints) -> None:
        """Join units to what they see."""
        layer = self.layer
        found = taps(before, here, layer)
        names = kernel_names(self.number, before.shape[0], layer)
        numbers = np.array([self._numbers[name] for name in names])
        self.ohms.append(numbers[found.whose])
        called = [f"rk{self.number}_{label}" for label in found.labels]
        self.b.resistors(called, found.p, found.q, 1.0)

    def _averages(self, here: Ints) -> Ints:
        high, wide = self.layer.pool
        rows, columns = here.shape[1] // high, here.shape[2] // wide
        means = self._nodes("m", (here.shape[0], rows, columns))
        for tap, (down, right) in enumerate(product(range(high), range(wide))):
            units = here[:, down::high, right::wide][:, :rows, :columns].ravel()
            names = [f"rp{self.number}_{place}_{tap}" for place in places(means.shape)]
            self.b.resistors(names, units, means.ravel(), 1.0 / self.plan.average)
            self.ohms.append(np.full(len(units), -1))
        return means


def _drawn(plan: _Plan, rng: np.random.Generator) -> _Plan:
    """Return a plan with conductances as `layered` draws them, by the number that a unit sees."""
    before, size = plan.shape[0] * (2 if plan.input_pairs else 1), plan.shape[1:]
    parameters: dict[str, float] = {}
    for number, layer in enumerate(plan.layers, start=1):
        limit = (before * layer.size) ** -0.5
        names = list(kernel_names(number, before, layer))
        g = np.maximum(rng.uniform(-limit, limit, len(names)), plan.g_min)
        parameters |= zip(names, g.tolist(), strict=True)
        if plan.biases:
            parameters |= {f"b{number}_{c}": 0.0 for c in range(layer.channels)}
        rows, columns = extent(size, layer, number)
        size = rows // layer.pool[0], columns // layer.pool[1]
        before = layer.channels
    count = before * size[0] * size[1]
    wide = plan.outputs * (2 if plan.output_pairs else 1)
    limit = count**-0.5
    dense = np.maximum(rng.uniform(-limit, limit, (count, wide)), plan.g_min)
    return replace(plan, parameters=parameters, dense=dense)
