"""Networks with one hidden layer and few outputs in the arrays of `_shallow`, and back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...arrays import Floats
from ...compiled.registers import LANES, aligned
from . import _epoch, _shallow
from ._crossbar import COLUMNS, ROWS
from ._tiles import (
    Array,
    biases_of,
    crossbar_rows,
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
)  # fmt: skip
from .structure import Layers

#: float32 in a page of memory
PAGE = 1024


class Shallow:
    """A network with one hidden layer in the arrays of the compiled loops.

    Parameters
    ----------
    layers : Layers
    conductances, biases : ndarray
        Parameters, S and A.
    signs : int
        2 where the second half of the given potentials is minus the first, else 1.
    batch : int
    momentum : bool
    """

    #: of the nudged states, relative to the largest output; gradients are good to 1e-4
    tolerance = 2e-6
    loops = _epoch

    def __init__(
        self,
        layers: Layers,
        conductances: Array | None,
        biases: Floats,
        signs: int,
        batch: int,
        momentum: bool,
    ) -> None:
        self.layers, self.outputs = layers, LANES
        self.net = _net(layers, conductances, biases, signs, momentum)
        self.work = _work(self.net, batch)

    @property
    def at_outputs(self) -> float:
        """Least sum of the conductances at an output, S."""
        return float(self.work.out_sums[: len(self.layers.units[-1])].min())

    def store(self, conductances: Array) -> None:
        """Write what was learned to an array of parameters, S."""
        net, (first, second) = self.net, self.layers.blocks
        if learns(first):
            put_crossbar(first, net.G, conductances)
        if learns(second):
            put(second, _outputs_of(net.W, second.g.shape), conductances)

    def parts(self) -> Iterator[Array]:
        """Yield the conductances of all crossbars in order, S, some rows at a time."""
        first, second = self.layers.blocks
        yield from crossbar_rows(self.net.G, first.g.shape)
        yield _outputs_of(self.net.W, second.g.shape)

    def store_biases(self, biases: Floats) -> None:
        """Write the biases that were learned to an array, A."""
        net, (hidden, last) = self.net, self.layers.units
        learned(hidden, unpack_rows(net.bias[:, None], len(hidden))[0], biases)
        learned(last, net.out_bias[: len(last)], biases)

    def store_momentum(self, conductances: Array, biases: Floats) -> None:
        """Write the decaying sums of the gradients to arrays like the parameters."""
        net, (first, second) = self.net, self.layers.blocks
        hidden, last = self.layers.units
        columns = unpack_rows(net.column_mean.transpose(1, 0, 2), len(hidden))
        if learns(first):
            mean = unpack_crossbar(net.G_mean, np.empty((net.rows, len(hidden))))
            put(first, join_momentum(mean, columns[1], net.G.shape[2]), conductances)
        if learns(second):
            put(second, -_outputs_of(net.W_mean, second.g.shape), conductances)
        learned(hidden, -columns[0], biases)
        learned(last, -net.out_mean[: len(last)], biases)

    def load_momentum(self, conductances: Array, biases: Floats) -> None:
        """Take over the decaying sums of the gradients."""
        net, (first, second) = self.net, self.layers.blocks
        hidden, last = self.layers.units
        columns = np.zeros((2, len(hidden)))
        columns[0] = -biases_of(hidden, biases)
        if learns(first):
            mean, columns[1] = split_momentum(first.at(conductances), net.G.shape[2])
            net.G_mean[...] = pack_crossbar(mean, 1)
        if learns(second):
            net.W_mean[...] = _to_outputs(-second.at(conductances))
        net.column_mean[...] = pack_rows(columns).transpose(1, 0, 2)
        net.out_mean[: len(last)] = -biases_of(last, biases)


def _net(
    layers: Layers, conductances: Array | None, biases: Floats, signs: int, momentum: bool
) -> _shallow.Net:
    hidden, last = layers.units
    leak, feed = leaks_of(layers)
    G = pack_crossbar(given(layers.blocks[0], conductances), signs)
    W = _to_outputs(given(layers.blocks[1], conductances))
    tiles, blocks, n = G.shape[0], G.shape[1], _shallow.OUTPUTS
    kept = int(momentum)
    return _shallow.Net(
        G=G,
        G_mean=aligned((kept * tiles, blocks, 1, ROWS, COLUMNS)),
        W=W,
        W_mean=aligned((kept * tiles, n, COLUMNS)),
        bias=pack_row(biases_of(hidden, biases)),
        column_mean=aligned((2 * kept, tiles, COLUMNS)),
        lower=pack_row(hidden.lower),
        upper=pack_row(hidden.upper),
        leak=pack_row(leak[0]),
        feed=pack_row(feed[0] + hidden.bias),
        real=pack_row(np.ones(len(hidden))),
        out_bias=_filled(biases_of(last, biases)),
        out_leak=_filled(leak[1]),
        out_feed=_filled(feed[1] + last.bias),
        out_mean=aligned(kept * LANES),
        out_real=_filled(np.ones(len(last))),
        rows=layers.widths[0] // signs,
    )


def _filled(values: Floats) -> Array:
    """Return values of the outputs, with zeros for those that only fill up."""
    array = aligned(LANES)
    array[: len(values)] = values
    return array


def _to_outputs(g: Array) -> Array:
    """Return conductances of shape (units, outputs) as the compiled loops want them."""
    rows = np.zeros((_shallow.OUTPUTS, len(g)), dtype=np.float32)
    rows[: g.shape[1]] = g.T
    return pack_rows(rows)


def _outputs_of(W: Array, shape: tuple[int, ...]) -> Array:
    """Return what `_to_outputs` turned into `W`."""
    return unpack_rows(W, shape[0])[: shape[1]].T


def _work(net: _shallow.Net, batch: int) -> _shallow.Work:
    tiles = net.W.shape[0]
    states = _apart(4, (tiles, batch, COLUMNS))
    columns = [aligned((tiles, COLUMNS)) for _ in range(3)]
    outs = [aligned((batch, LANES)) for _ in range(4)]
    return _shallow.Work(
        current=states[0],
        inverse=columns[0],
        state=states[1],
        excess=states[2],
        change=states[3],
        free=outs[0],
        out=outs[1],
        out_change=outs[2],
        out_feed=outs[3],
        out_parts=aligned((tiles, LANES)),
        out_sums=aligned(LANES),
        out_inverse=aligned((3, LANES)),
        column=columns[1],
        constant=columns[2],
        out_product=aligned(LANES),
    )


def _apart(count: int, shape: tuple[int, int, int]) -> list[Array]:
    """Return arrays whose addresses differ by a quarter of a page or more, modulo a page.

    Processors compare the last twelve bits to tell whether a load must wait for a store:
    what is computed from one array and stored at the same place of the next would hold up.
    """
    size = shape[0] * shape[1] * shape[2]
    step = -(-size // PAGE) * PAGE + PAGE // count
    whole = aligned(count * step)
    return [whole[k * step : k * step + size].reshape(shape) for k in range(count)]
