"""Networks with any number of hidden layers in the arrays of `_deep`, and back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...arrays import Floats
from ...compiled.registers import aligned
from . import _deep, _deep_epoch, _deep_learn, _deep_products, _deep_units
from ._crossbar import COLUMNS, ROWS
from ._tiles import (
    Array,
    biases_of,
    given,
    join_momentum,
    leaks_of,
    learned,
    learns,
    pack_crossbar,
    pack_row,
    pack_rows,
    put,
    put_crossbar,
    split_momentum,
    unpack_crossbar,
    unpack_rows,
)
from .structure import Block, Layers


class Deep:
    """A network in the arrays of the compiled loops; parameters as for `shallow.Shallow`."""

    #: of the nudged states, relative to the largest voltage of each layer; gradients are good
    #: to 1e-3
    tolerance = 2e-4
    loops = _deep_epoch

    def __init__(
        self,
        layers: Layers,
        conductances: Array | None,
        biases: Floats,
        signs: int,
        batch: int,
        momentum: bool,
    ) -> None:
        self.layers, self.outputs = layers, len(layers.units[-1])
        # layers that are columns are gathered in pairs of tiles
        sizes = [(COLUMNS, _deep_products.WIDTH)[k % 2] for k in range(len(layers.units))]
        widths = [
            -(-len(units) // size) * size for units, size in zip(layers.units, sizes, strict=True)
        ]
        self.start = np.cumsum([0, *widths])
        G = pack_crossbar(given(layers.blocks[0], conductances), signs)
        kept, tiles, blocks = int(momentum), G.shape[0], G.shape[1]
        self.net = _deep_learn.Net(
            G=G,
            G_mean=aligned((kept * tiles, blocks, 1, ROWS, COLUMNS)),
            column_mean=aligned((kept * tiles, COLUMNS)),
            units=self._units(biases, batch, momentum),
            links=self._links(conductances, momentum),
            rows=layers.widths[0] // signs,
        )
        blocks = -(-batch // _deep_products.SOME)
        samples = blocks * _deep_products.SOME
        self.work = _deep_learn.Work(
            current=aligned((tiles, batch, COLUMNS)),
            change=aligned((tiles, batch, COLUMNS)),
            column=aligned((tiles, COLUMNS)),
            constant=aligned((tiles, COLUMNS)),
            free=np.zeros((batch, len(layers.units[-1])), dtype=np.float32),
            progress=_deep.Progress(
                active=np.zeros(blocks, dtype=np.bool_),
                some=np.zeros((blocks, len(widths)), dtype=np.bool_),
                noted=aligned((samples, 64)),
                step=np.zeros(samples, dtype=np.float32),
                last=np.zeros(samples, dtype=np.float32),
                back=np.zeros(samples, dtype=np.float32),
            ),
        )

    def _units(self, biases: Floats, batch: int, momentum: bool) -> _deep_units.Units:
        layers = self.layers
        leak, feed = leaks_of(layers)
        count, some = int(self.start[-1]), _deep_products.SOME
        # an odd number of cache lines: else samples would compete for the same places in a cache
        shape = (-(-batch // some) * some, count + 16)

        def filled(parts: list[Floats]) -> Array:
            array = aligned(count)
            for first, part in zip(self.start[:-1], parts, strict=True):
                array[first : first + len(part)] = part
            return array

        return _deep_units.Units(
            start=self.start,
            voltage=aligned((3, *shape)),
            before=aligned(shape),
            residual=aligned(shape),
            feed=aligned(shape),
            current=aligned(shape),
            inverse=aligned((3, count)),
            lower=filled([units.lower for units in layers.units]),
            upper=filled([units.upper for units in layers.units]),
            leak=filled(leak),
            constant=filled([f + units.bias for f, units in zip(feed, layers.units, strict=True)]),
            bias=filled([biases_of(units, biases) for units in layers.units]),
            bias_mean=aligned(int(momentum) * count),
            real=filled([np.ones(len(units)) for units in layers.units]),
            product=aligned(count),
        )

    def _links(self, conductances: Array | None, momentum: bool) -> _deep.Links:
        widths = np.diff(self.start)
        begins = np.cumsum([0, *(widths[:-1] * widths[1:])])
        W = aligned(int(begins[-1]))
        for k, block in enumerate(self.layers.blocks[1:]):
            W[begins[k] : begins[k + 1]] = self._packed(given(block, conductances), k).ravel()
        return _deep.Links(
            start=begins,
            W=W,
            W_mean=aligned(int(momentum) * len(W)),
            row_sums=aligned(len(W) // COLUMNS),
            column_sums=aligned((len(widths) - 1, int(self.start[-1]))),
        )

    def _packed(self, g: Array, k: int) -> Array:
        """Return the crossbar between layers `k` and ``k + 1``; odd layers are its columns."""
        widths = np.diff(self.start)
        whole = np.zeros((widths[k], widths[k + 1]), dtype=np.float32)
        whole[: g.shape[0], : g.shape[1]] = g
        return pack_rows(whole if k % 2 == 0 else whole.T)

    def _unpacked(self, W: Array) -> Iterator[tuple[Block, Array]]:
        """Yield blocks with what there is of them in `W`."""
        widths, begins = np.diff(self.start), self.net.links.start
        for k, block in enumerate(self.layers.blocks[1:]):
            rows, columns = widths[k + k % 2], widths[k + 1 - k % 2]
            packed = W[begins[k] : begins[k + 1]].reshape(-1, rows, COLUMNS)
            whole = unpack_rows(packed, columns)
            whole = whole if k % 2 == 0 else whole.T
            yield block, whole[: block.g.shape[0], : block.g.shape[1]]

    @property
    def at_outputs(self) -> float:
        """Least sum of the conductances at an output, S."""
        inverse = self.net.units.inverse[_deep_units.FREE, self.start[-2] :]
        return float(1.0 / inverse[: len(self.layers.units[-1])].max())

    # ---- parameters ----

    def store(self, conductances: Array) -> None:
        """Write what was learned to an array of parameters, S."""
        first = self.layers.blocks[0]
        if learns(first):
            put_crossbar(first, self.net.G, conductances)
        for block, g in self._unpacked(self.net.links.W):
            if learns(block):
                put(block, g, conductances)

    def store_biases(self, biases: Floats) -> None:
        """Write the biases that were learned to an array, A."""
        for units, k in zip(self.layers.units, self.start, strict=False):
            learned(units, self.net.units.bias[k : k + len(units)], biases)

    def store_momentum(self, conductances: Array, biases: Floats) -> None:
        """Write the decaying sums of the gradients to arrays like the parameters."""
        net, first = self.net, self.layers.blocks[0]
        columns = len(self.layers.units[0])
        if learns(first):
            mean = unpack_crossbar(net.G_mean, np.empty((net.rows, columns)))
            common = unpack_rows(net.column_mean[:, None], columns)[0]
            put(first, join_momentum(mean, common, net.G.shape[2]), conductances)
        for block, mean in self._unpacked(net.links.W_mean):
            if learns(block):
                put(block, -mean, conductances)
        for units, k in zip(self.layers.units, self.start, strict=False):
            learned(units, -net.units.bias_mean[k : k + len(units)], biases)

    def load_momentum(self, conductances: Array, biases: Floats) -> None:
        """Take over the decaying sums of the gradients."""
        net, (first, *blocks) = self.net, self.layers.blocks
        if learns(first):
            mean, common = split_momentum(first.at(conductances), net.G.shape[2])
            net.G_mean[...] = pack_crossbar(mean, 1)
            net.column_mean[...] = pack_row(common)
        for k, block in enumerate(blocks):
            if learns(block):
                part = slice(net.links.start[k], net.links.start[k + 1])
                net.links.W_mean[part] = self._packed(-block.at(conductances), k).ravel()
        for units, k in zip(self.layers.units, self.start, strict=False):
            net.units.bias_mean[k : k + len(units)] = -biases_of(units, biases)
