"""Networks and ways to train them that do without choosing: what the estimators are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats, Ints
from ..compiled import policy
from ..errors import UsageError
from ..generators import layered
from ..model.display import how_many
from .network import Network
from .optimizers import Adam, Momentum, Optimizer, cosine
from .rules import EquilibriumPropagation, Rule

#: least conductance of a network that is built, S; what conducts less learns nothing
LEAST = 1e-6
#: nudge and step of Adam for a network that is built, S: its conductances are of the order of 0.1
BETA, STEP = 0.01, 0.01
#: nudge of compiled epochs, which are in float32, S
SINGLE_BETA = 0.2
#: rate of the first layer with momentum, S V^2: gradients grow with the square of the inputs
MOMENTUM_STEP = 3.0
#: what layers behind the first one learn faster by, as their inputs are smaller
LATER = 5.0
#: least numbers of epochs and of steps
EPOCHS, STEPS = 15, 300


@dataclass(frozen=True)
class Scale:
    """Columns of numbers of any size, and the same with mean 0 and deviation 1.

    Attributes
    ----------
    peak : ndarray, shape (n,)
        Largest absolute value, 1 for columns of zeros.
    mean, deviation : ndarray, shape (n,)
        Of the columns over `peak`; the deviation is infinite where a column is constant.
    """

    peak: Floats
    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, columns: Floats) -> Scale:
        """Return the scale of columns, shape (n_samples, n)."""
        peak = np.abs(columns).max(axis=0)
        peak = np.where(peak > 0, peak, 1.0)
        relative = columns / peak
        deviation = relative.std(axis=0)
        # what is left of a constant column by rounding is no signal
        deviation = np.where(deviation > 1e-12, deviation, np.inf)
        return cls(peak, relative.mean(axis=0), deviation)

    def to(self, columns: Floats) -> Floats:
        """Return columns with mean 0 and deviation 1."""
        return (columns / self.peak - self.mean) / self.deviation

    def back(self, scaled: Floats) -> Floats:
        """Return what `to` made these of."""
        deviation = np.where(np.isfinite(self.deviation), self.deviation, 0.0)
        return (scaled * deviation + self.mean) * self.peak


@dataclass(frozen=True)
class Wiring:
    """Which source gets which column, and with which sign.

    Attributes
    ----------
    columns : ndarray of int, shape (n_inputs,)
    signs : ndarray of 1.0 and -1.0, shape (n_inputs,)
    """

    columns: Ints
    signs: Floats

    def to(self, columns: Floats) -> Floats:
        """Return the values of the sources, shape (n_samples, n_inputs)."""
        return self.signs * columns[:, self.columns]


def wiring(
    inputs: Sequence[str] | Mapping[str, str | int], names: Sequence[str], count: int
) -> tuple[tuple[str, ...], Wiring]:
    """Return the sources that are inputs, and which column each of them gets.

    Parameters
    ----------
    inputs
        Sources in the order of the columns, or as the columns are called; or source to
        column, by name or number, ``"-name"`` for a column with the sign turned.
    names : sequence of str
        Names of the columns, empty where they have none.
    count : int
        Number of columns.

    Raises
    ------
    UsageError
        If a source would get no column.

    Examples
    --------
    >>> wiring({"va": "a", "vna": "-a"}, ["b", "a"], 2)[1].columns
    array([1, 1])
    """
    known = {name.lower(): number for number, name in enumerate(names)}
    if isinstance(inputs, Mapping):
        found = [_column(column, known, count) for column in inputs.values()]
        columns, signs = zip(*found, strict=True) if found else ((), ())
    elif known and all(source.lower() in known for source in inputs):
        columns, signs = tuple(known[source.lower()] for source in inputs), (1.0,) * len(inputs)
    elif len(inputs) == count:
        columns, signs = tuple(range(count)), (1.0,) * count
    else:
        raise UsageError(
            f"{how_many(len(inputs), 'input')}, but there are {how_many(count, 'column')}: "
            'say which source gets which, inputs={"v1": "column", "v2": "-column"}'
        )
    sources = tuple(source.lower() for source in inputs)
    return sources, Wiring(np.array(columns, dtype=np.int64), np.array(signs, dtype=float))


def _column(column: str | int, known: Mapping[str, int], count: int) -> tuple[int, float]:
    """Return the number of a column, and its sign."""
    if isinstance(column, str):
        name, sign = column.strip().lower(), 1.0
        if name not in known and name.startswith("-"):
            name, sign = name[1:].strip(), -1.0
        if name in known:
            return known[name], sign
        have = f"they are {', '.join(known)}" if known else "the columns have no names"
        raise UsageError(f"no column is called {column!r}: {have}")
    if not 0 <= column < count:
        raise UsageError(f"there is no column {column}: there are {count}, from 0")
    return int(column), 1.0


def layers(inputs: int, hidden: Sequence[int], outputs: int, seed: int) -> Network:
    """Return a layered network with crossbars, whose inputs come as x and -x."""
    circuit = layered(
        [inputs, *hidden, outputs], input_pairs="inverted", crossbars=True, g_min=LEAST, seed=seed
    )
    sources, ends = [f"vp{k}" for k in range(inputs)], [f"o{k}" for k in range(outputs)]
    return Network(circuit, sources, ends, "rw*", biases="ib*", g_min=LEAST)


def epochs_for(samples: int, batch: int) -> int:
    """Return how many epochs to train: small tables need more of them."""
    return max(EPOCHS, math.ceil(STEPS / math.ceil(samples / batch)))


def compiled(net: Network, built: bool) -> bool:
    """Tell whether a network is one that momentum trains well, in compiled epochs.

    `built`: it was made by `layers`.  With three hidden layers or more momentum gets nowhere.
    """
    shallow = net.layers is not None and len(net.layers.blocks) <= 3
    return built and shallow and len(net.trainable) >= policy.POLICY.epochs


def rule_for(net: Network, built: bool, beta: float | None) -> Rule:
    """Return equilibrium propagation with a nudge of `beta` (S), or with one that suits."""
    if compiled(net, built):
        return EquilibriumPropagation(SINGLE_BETA if beta is None else beta)
    if beta is None and built:
        beta = BETA  # otherwise it follows the circuit
    # a negative conductance may be more than an output bears; a current never is
    return EquilibriumPropagation(beta, nudge="current")


def optimizer_for(
    net: Network, built: bool, volts: float, rate: float | None, epochs: int
) -> Optimizer:
    """Return an optimiser: momentum where whole epochs run in compiled loops, else Adam.

    Parameters
    ----------
    built : bool
        Whether `layers` made the network, for signals of `volts` (V).
    rate : float, optional
        Learning rate, S.
    """
    schedule = cosine(epochs, 0.05)
    if compiled(net, built):
        first = MOMENTUM_STEP / volts**2 if rate is None else rate
        rates = {"rw1_*": first, "ib1_*": first, "*": LATER * first}
        return Momentum(rates, schedule=schedule)
    if rate is None and built:
        rate = STEP
    return Adam(rate, schedule=schedule)
