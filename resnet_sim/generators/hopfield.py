"""Hopfield networks of layers as circuits of resistors of either sign, and ideal diodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.affine import Affine
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from .kernels import Layer, Sides, extent, kernel_names, layers_of, places, taps
from .mixture import Seed, all_pairs, generator, to_ohms, units
from .shared import equal, made


def hopfield(
    sizes: Sequence[int],
    *,
    spread: float = 1.0,
    bias: float = 0.1,
    parameters: bool = False,
    linear_outputs: bool = False,
    seed: Seed = 0,
) -> Circuit:
    """Return a layered Hopfield network: units between 0 and 1 V, weights of either sign.

    ::

        E = 1/2 sum s_i^2 - sum_{i<j} w_ij s_i s_j - sum b_i s_i,    0 <= s <= 1

        unit i o--+--[1 / w_ij]--o unit j of the next layer
                  +--[1 / (1 - sum_j w_ij)]--o ground
                  +--|>|--o one (1 V),  ground o--|>|--+,  b_i fed in

    as ``-w s_i s_j = w/2 (s_i - s_j)^2 - w/2 s_i^2 - w/2 s_j^2``.  The first layer is given by
    sources.  Such a network may have several states; a stable one is found.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, the inputs first.
    spread : float
        Standard deviation of the weights (S) times the square root of the number of units that
        a unit is joined to before and after.
    bias : float
        Largest bias, A; they are uniform from -bias to bias.
    parameters : bool
        Weights and biases are parameters of the circuit, ``w<l>_<i>_<j>`` (S) and ``b<l>_<j>`` (A).
        Shunts follow them, so ``Network(..., parameters=["w*", "b*"])`` trains that energy.
    linear_outputs : bool
        Leave out the diodes of the last layer.
    seed : int or numpy.random.Generator

    Returns
    -------
    Circuit
        Nodes ``x<k>``, ``h<l>_<j>``, ``o<k>`` and ``one``; sources ``v<k>`` and ``vone``, weights
        ``rw<l>_<i>_<j>``, shunts ``rs<l>_<j>``, biases ``ib<l>_<j>``, diodes ``du<l>_<j>`` and
        ``dl<l>_<j>``.

    Examples
    --------
    >>> circuit = rs.generators.hopfield([4, 16, 2], spread=3.0, seed=1)
    >>> op = rs.solve(circuit.with_values({"v0": 1.0, "v2": 1.0}))
    >>> op.certificate.stable, 0 <= op["o0"] <= 1
    (True, True)
    """
    sizes = units(sizes)
    _check(spread, bias)
    rng = generator(seed)
    b = CircuitBuilder("Hopfield " + "-".join(map(str, sizes)))
    last = len(sizes) - 1
    layers = [b.nodes("x", sizes[0])]
    layers += [b.nodes(f"h{k}_", sizes[k]) for k in range(1, last)]
    layers.append(b.nodes("o", sizes[last]))
    around = [before + after for before, after in zip((0, *sizes), (*sizes[1:], 0), strict=False)]
    network = _Hopfield(b, layers, linear_outputs)
    for k, (p, q) in enumerate(pairwise(layers), start=1):
        drawn = _drawn(rng, len(p) * len(q), spread, around[k])
        network.join(*all_pairs(f"{k}_", p, q), drawn)
    amps = [rng.uniform(-bias, bias, len(nodes)) for nodes in layers[1:]]
    for k, currents in enumerate(amps, start=1):
        network.feed([f"{k}_{j}" for j in range(len(currents))], k, currents)
    return network.build(parameters)


def convolutional_hopfield(
    shape: Sequence[int],
    channels: int | Sequence[int],
    outputs: int,
    *,
    kernel: Sides = 3,
    stride: Sides = 2,
    padding: Sides = 0,
    spread: float = 1.0,
    bias: float = 0.0,
    linear_outputs: bool = True,
    seed: Seed = 0,
) -> Circuit:
    """Return a Hopfield network whose layers but the last are convolutions.

    Weights are parameters, as of `hopfield`: those of a kernel are shared by all units of a
    channel.

    Parameters
    ----------
    shape : sequence of int
        (rows, columns) of the images, or (channels, rows, columns).
    channels : int or sequence of int
        Of the only layer, or of each.
    outputs : int
    kernel, stride, padding : int or sequence of (int or (int, int))
        See `convolutional`.
    spread, bias, linear_outputs, seed
        See `hopfield`; units are those that a unit sees.

    Returns
    -------
    Circuit
        Nodes ``x<b>_<y>_<x>``, ``h<l>_<c>_<y>_<x>``, ``o<k>``; sources ``v<k>``; parameters
        ``k<l>_<c>_<b>_<y>_<x>``, ``w_<i>_<k>`` to the outputs, ``b<l>_<c>`` and ``bo_<k>``.

    Examples
    --------
    >>> circuit = rs.generators.convolutional_hopfield((6, 6), [2], 3, seed=1)
    >>> len(circuit.parameters), len(circuit.resistors)  # 18 + 24 weights, 2 + 3 currents
    (47, 107)
    >>> inputs, outputs = [f"v{k}" for k in range(36)], ["o0", "o1", "o2"]
    >>> net = tr.Network(circuit, inputs, outputs, parameters=["k*", "w*", "b*"])
    >>> net.layers.widths
    (25, 8, 3)
    """
    size, plan = layers_of(shape, channels, outputs, kernel, stride, padding)
    _check(spread, bias)
    rng = generator(seed)
    b = CircuitBuilder(f"convolutional Hopfield {'x'.join(map(str, size))}")
    images = _images(b, size, plan)
    ends = b.nodes("o", outputs)
    network = _Hopfield(b, [*(image.ravel() for image in images), ends], linear_outputs)
    for number, (layer, (seen, here)) in enumerate(zip(plan, pairwise(images), strict=True), 1):
        found = taps(seen, here, layer)
        drawn = _drawn(rng, found.count, spread, seen.shape[0] * layer.size)
        names = list(kernel_names(number, seen.shape[0], layer))
        network.join(names, found.p, found.q, drawn, found.whose)
        network.feed(
            [f"{number}_{k}" for k in range(layer.channels)], number,
            rng.uniform(-bias, bias, layer.channels),
            np.repeat(np.arange(layer.channels), here[0].size),
        )  # fmt: skip
    final = images[-1].ravel()
    drawn = _drawn(rng, len(final) * outputs, spread, len(final))
    network.join(*all_pairs("w_", final, ends), drawn)
    network.feed([f"o_{k}" for k in range(outputs)], len(images), rng.uniform(-bias, bias, outputs))
    return network.build(True)


def _images(b: CircuitBuilder, size: tuple[int, ...], plan: Sequence[Layer]) -> list[Ints]:
    """Return the nodes of the inputs and of each layer, shape (channels, rows, columns)."""
    found = [b.nodes(f"x{place}" for place in places(size)).reshape(size)]
    for number, layer in enumerate(plan, start=1):
        shape = (layer.channels, *extent(found[-1].shape[1:], layer, number))
        units = b.nodes(f"h{number}_{place}" for place in places(shape))
        found.append(units.reshape(shape))
    return found


def _check(spread: float, bias: float) -> None:
    if not (spread > 0 and bias >= 0 and np.isfinite([spread, bias]).all()):
        raise UsageError("spread must be positive, bias not negative, both finite")


def _drawn(rng: np.random.Generator, count: int, spread: float, n: int) -> Floats:
    drawn = rng.normal(size=count) * spread / np.sqrt(n)
    return np.where(drawn == 0, spread, drawn)


@dataclass
class _Hopfield:
    """Layers of units, the first of which is given, and what joins and feeds them.

    Parameters have numbers in the order in which they come: `joins` and `feeds` hold rows of
    elements, with the parameter of each.
    """

    b: CircuitBuilder
    layers: Sequence[Ints]
    linear_outputs: bool
    parameters: dict[str, float] = field(default_factory=dict)
    joins: list[tuple[list[str], Ints, Ints, Ints]] = field(default_factory=list)
    feeds: list[Ints] = field(default_factory=list)

    def join(
        self, names: Sequence[str], p: Ints, q: Ints, drawn: Floats, whose: Ints | None = None
    ) -> None:
        """Join units by weights, S; of shared ones, `whose` tells the number of each."""
        first = len(self.parameters)
        dense = whose is None
        numbers = first + (np.arange(len(p)) if whose is None else whose)
        letter = "w" if dense and not names[0].startswith("w") else ""
        self.parameters |= zip((letter + name for name in names), drawn.tolist(), strict=True)
        called = [f"r{letter}{name}" for name in names] if dense else []
        self.joins.append((called, p, q, numbers))

    def feed(
        self, names: Sequence[str], layer: int, amps: Floats, whose: Ints | None = None
    ) -> None:
        """Feed the units of a layer, which comes after the one fed before, A."""
        first = len(self.parameters)
        self.parameters |= zip((f"b{name}" for name in names), amps.tolist(), strict=True)
        self.feeds.append(first + (np.arange(len(amps)) if whose is None else whose))

    def build(self, parameters: bool) -> Circuit:
        """Return the circuit, with parameters or as it stands."""
        b, theta = self.b, np.array(list(self.parameters.values()))
        one = b.nodes(["one"])
        b.voltage_sources("v", self.layers[0], 0, 0.0)
        b.voltage_sources(["vone"], one, 0, 1.0)
        weights = []
        for k, (names, p, q, numbers) in enumerate(self.joins, start=1):
            named: str | list[str] = names or f"rk{k}_"
            b.resistors(named, p, q, to_ohms(theta[numbers], signed=True))
            weights.append(numbers)
        shunts = self._shunts(sum(map(len, weights)))
        ohms, row = shunts(theta), 0
        for k, nodes in enumerate(self.layers[1:], start=1):
            b.resistors(f"rs{k}_", nodes, 0, ohms[row : row + len(nodes)])
            b.current_sources(f"ib{k}_", 0, nodes, theta[self.feeds[k - 1]])
            if k < len(self.layers) - 1 or not self.linear_outputs:
                b.diodes(f"du{k}_", nodes, np.repeat(one, len(nodes)))
                b.diodes(f"dl{k}_", 0, nodes)
            row += len(nodes)
        circuit = b.build()
        if not parameters:
            return circuit
        rest = np.full(row, -1)
        return made(circuit, self.parameters, [
            equal("resistors", "ohms", np.concatenate([*weights, rest])), shunts,
            equal("current_sources", "amps", np.concatenate(self.feeds)),
        ])  # fmt: skip

    def _shunts(self, first: int) -> Affine:
        """Return the conductances to ground, 1 S less all weights of a unit; `first` is the row."""
        units = np.concatenate(self.layers[1:])
        place = np.full(int(max(units.max(), self.layers[0].max())) + 1, -1)
        place[units] = np.arange(len(units))
        number = np.concatenate([numbers for *_, numbers in self.joins])
        ends = [np.concatenate([join[side] for join in self.joins]) for side in (1, 2)]
        row, parameter = np.concatenate([place[end] for end in ends]), np.tile(number, 2)
        own = row >= 0
        return Affine(
            "resistors", "ohms", first + np.arange(len(units)), True, np.ones(len(units)),
            row[own], parameter[own], -np.ones(int(own.sum())),
        )  # fmt: skip
