"""What training did: learned weights, and how the cost fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError
from .charts import Axis, Curve, Panel
from .figures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_fields(weights: Any, columns: int = 8) -> Figure:
    """Draw arrays of one shape side by side, such as what hidden nodes see of an image.

    Parameters
    ----------
    weights : array_like, shape (n, height, width)
        S; red is positive, blue negative, on one scale for all.
    columns : int
        How many stand in a row.

    Examples
    --------
    >>> from resnet_sim import plotting
    >>> weights = np.random.default_rng(0).normal(size=(16, 8, 8))  # S
    >>> figure = plotting.draw_fields(weights)
    >>> figure.axes[0].get_images()[0].get_array().shape  # two rows of eight, with gaps
    (17, 71)
    """
    tiles = np.asarray(weights, dtype=float)
    n, height, width = tiles.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for k, tile in enumerate(tiles):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        sheet[top : top + height, left : left + width] = tile
    largest = float(np.abs(tiles).max(initial=0.0)) or 1.0
    figure = new_figure(0.11 * sheet.shape[1] / 2, 0.1 * sheet.shape[0] / 2)
    axes = figure.add_subplot()
    image = axes.imshow(sheet, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    axes.set_axis_off()
    figure.colorbar(image, ax=axes, label="S", shrink=0.6)
    return figure


def learning_curve(
    histories: Mapping[str, Sequence[Mapping[str, Any]]] | Sequence[Mapping[str, Any]],
    metric: str = "cost",
) -> Figure:
    """Draw a metric over the epochs, on a logarithmic scale.

    Parameters
    ----------
    histories : list of dict, or mapping of str to list of dict
        `training.Trainer.history`, or several under the names that the legend shows.
    metric : str
        ``"cost"`` or ``"validation_cost"``.

    Raises
    ------
    UsageError
        If a history has no such metric.

    Examples
    --------
    >>> from resnet_sim import plotting
    >>> history = [{"epoch": 0, "cost": 0.5}, {"epoch": 1, "cost": 0.1}]
    >>> plotting.learning_curve({"lr 0.1": history}).axes[0].get_yscale()
    'log'
    """
    named = histories if isinstance(histories, Mapping) else {"": histories}
    figure = new_figure(5.0, 3.2)
    axes = figure.add_subplot()
    for name, history in named.items():
        if not all(metric in record for record in history):
            raise UsageError(f"the history has no {metric!r}")
        epochs = [record["epoch"] + 1 for record in history]
        axes.plot(epochs, [record[metric] for record in history], label=name, linewidth=1)
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric.replace("_", " "))
    if any(named):
        axes.legend(fontsize=8)
    return figure


def learning_panels(history: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """Return the charts of a run: its costs, and how many samples it got right, if it says."""
    epochs = np.array([record["epoch"] + 1.0 for record in history])
    found = []
    for word, label in (("cost", "log10 of the cost"), ("accuracy", "accuracy")):
        keys = [key for key in history[0] if key.endswith(word)]
        curves = []
        for family, key in enumerate(keys):
            values = np.array([_number(record.get(key)) for record in history])
            if word == "cost":  # costs fall over decades
                with np.errstate(divide="ignore", invalid="ignore"):
                    values = np.log10(values)
                values[~np.isfinite(values)] = np.nan
            curves.append(Curve(key.replace("_", " "), epochs, values, family))
        if curves:
            found.append(Panel("", Axis("epoch"), Axis(label), curves))
    if not found:
        raise UsageError("the learning run has neither costs nor accuracies")
    return found


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
