"""Derivatives of the mean squared error by central differences, value by value."""

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from resnet_sim import training as tr


def slopes(
    net: tr.Network,
    x: Any,
    y: Any,
    numbers: Iterable[int],
    of: Literal["conductances", "biases"] = "conductances",
    step: float = 1e-6,
) -> np.ndarray:
    """Return those by some of the values that learn; the network is what it was afterwards."""
    values, found = getattr(net, of), []
    for k in numbers:
        ends = []
        for away in (step, -step):
            moved = values.copy()
            moved[k] += away
            setattr(net, of, moved)
            ends.append(tr.SquaredError().value(net.forward(x), y).mean())
        found.append((ends[0] - ends[1]) / (2 * step))
    setattr(net, of, values)
    return np.array(found)
