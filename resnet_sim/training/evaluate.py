"""What a network answers to many samples, how good that is, and what no network can answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..errors import ResnetSimError, UsageError
from ..model.display import how_many
from ..model.names import array, real
from ..workers.progress import counted
from .costs import Cost, SquaredError, decoded, is_labels, values
from .data.idx import Scaled
from .named import by_name
from .network import Network
from .warned import warn

#: Samples solved at once where no batch size is given.
CHUNK = 512
#: Epochs at the beginning of a run over which its cost ought to fall.
BEGINNING = 5


def samples(net: Network, X: Any, Y: Any) -> tuple[Any, Any]:
    """Return inputs and targets as arrays; refuse what does not go together."""
    x: Any = X if isinstance(X, Scaled) else array(by_name(X, net.inputs), "inputs")
    y = array(by_name(Y, net.outputs.names), "targets")
    counts = [len(data) if getattr(data, "ndim", 1) else 0 for data in (x, y)]
    if counts[0] != counts[1]:
        raise UsageError(f"{counts[0]} inputs, but {counts[1]} targets")
    if not counts[0]:
        raise UsageError("there are no samples: inputs and targets have a row for each")
    return x, y


def predict(net: Network, X: Any) -> Floats:
    """Return the outputs of a network, shape (B, n_outputs), V, some samples at a time."""
    x = np.atleast_1d(real(by_name(X, net.inputs), "inputs"))
    parts = []
    with counted(len(x), "sample") as advance:
        for first in range(0, len(x), CHUNK):
            rows = np.arange(first, min(first + CHUNK, len(x)))
            with numbered(rows):
                parts.append(net.forward(x[rows]))
            advance(len(rows))
    return np.concatenate(parts) if parts else np.zeros((0, len(net.outputs.p)))


def score(cost: Cost, outputs: Floats, targets: Any) -> float:
    """Return the share of right classes, or for target voltages ``1 - mse / variance``."""
    y = array(targets, "targets")
    if is_labels(y) and len(y) == len(outputs):
        return float((decoded(cost, outputs) == y).mean())
    y = real(y, "targets")
    fits = (outputs.shape, outputs.shape[:1]) if outputs.shape[1] == 1 else (outputs.shape,)
    if y.shape not in fits:
        raise UsageError(f"targets have shape {y.shape}, outputs {outputs.shape}")
    y = y.reshape(outputs.shape)
    return 1.0 - float(((outputs - y) ** 2).mean() / max(float(y.var()), 1e-300))


class Validation:
    """Samples that are not trained with; refuses what does not go together.

    Parameters
    ----------
    net : Network
    given : (X, Y)
    """

    def __init__(self, net: Network, given: Any) -> None:
        if not isinstance(given, Sequence) or len(given) != 2:
            raise UsageError("validation is a pair: inputs and targets")
        self.net = net
        with _of_validation():
            self.x, self.y = samples(net, *given)

    def record(self, cost: Cost) -> dict[str, float]:
        """Return what an epoch's record says of them."""
        with _of_validation():
            outputs = predict(self.net, self.x)
            value = float(values(cost, outputs, self.y).mean())
            return {"validation_cost": value, "validation_score": score(cost, outputs, self.y)}


@contextmanager
def _of_validation() -> Iterator[None]:
    """Say of errors that they are of validation."""
    try:
        yield
    except ResnetSimError as error:
        error.args, error.sample = (f"validation {error}", *error.args[1:]), None
        raise


@contextmanager
def numbered(rows: Ints) -> Iterator[None]:
    """Number the samples of errors as the user does, not as a batch of some `rows` does."""
    try:
        yield
    except ResnetSimError as error:
        if error.sample is not None:
            error.sample = int(rows[error.sample])
        raise


def warn_of_reach(net: Network, cost: Cost, x: Floats, y: Any) -> None:
    """Warn of target voltages that no conductances could bring about.

    Where only potentials against ground drive the circuit, no node leaves their range
    (maximum principle).  Looks at the first `CHUNK` samples.
    """
    if not isinstance(cost, SquaredError) or not net.only_potentials:
        return
    rows = slice(0, CHUNK)
    states = net.free(x[rows])
    target = cost.target(states.outputs, y[rows])
    low, high = np.nanmin(states.voltages, axis=1), np.nanmax(states.voltages, axis=1)
    pairs = net.outputs.q != 0
    low = np.where(pairs, (low - high)[:, None], low[:, None])
    high = np.where(pairs, -low, high[:, None])
    beyond = np.flatnonzero(((target < low) | (target > high)).any(axis=1))
    if len(beyond):
        k = beyond[0]
        warn(
            f"targets of {how_many(len(beyond), 'sample')} are out of reach: sample {k} asks for "
            f"{_span(target[k])} V, its sources offer {_span(np.append(low[k], high[k]))} V",
        )


def _span(values: Floats) -> str:
    low, high = f"{values.min():.6g}", f"{values.max():.6g}"
    return low if low == high else f"{low} to {high}"


def warn_of_beginning(history: Sequence[Mapping[str, Any]]) -> None:
    """Warn of a cost that rises over the first epochs of a run, or does not move.

    It may rise for an epoch among others, but then some later one is below the first.
    """
    costs = [float(record["cost"]) for record in history[:BEGINNING]]
    if len(costs) < 2 or costs[0] == 0:
        return
    span = f"the first {len(costs)} epochs"
    if min(costs) == max(costs):
        text = f"the cost has not moved from {costs[0]:.4g} in {span}: nothing that learns moves it"
    elif min(costs[1:]) > costs[0] * (1 + 1e-9):
        text = (
            f"the cost rose from {costs[0]:.4g} to {costs[-1]:.4g} in {span}: "
            "a smaller learning rate (lr) may help"
        )
    else:
        return
    warn(text)
