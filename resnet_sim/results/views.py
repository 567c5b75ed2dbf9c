"""How results show themselves: voltages in a line, tables in notebooks and of other packages.

The packages are optional and imported when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.display import MAX_ROWS, html_table

#: nodes whose voltages are told in a line
SHOWN = 6


def first_voltages(circuit: Circuit, v: Floats) -> str:
    """Return the first node voltages of one point, and how many more there are."""
    nodes = enumerate(circuit.nodes[1 : SHOWN + 1], 1)
    values = ", ".join(f"v({name})={v[k]:.6g}" for k, name in nodes)
    more = len(circuit.nodes) - 1 - SHOWN
    return values + (f", ... {more:,} more" if more > 0 else "") + " V"


def table_of_point(caption: str, circuit: Circuit, v: Floats, i: Floats) -> str:
    """Return the first voltages and currents of one point, a row each."""
    nodes, names = circuit.nodes, circuit.element_names
    rows = [(f"v({nodes[k]})", f"{v[k]:.6g} V") for k in range(1, min(MAX_ROWS, len(nodes)))]
    rows += [(f"i({names[k]})", f"{i[k]:.6g} A") for k in range(min(MAX_ROWS, len(names)))]
    return html_table(caption, ("quantity", "value"), rows, len(nodes) - 1 + len(names))


def table_of_points(caption: str, header: Sequence[str], values: Floats) -> str:
    """Return the first points, a row each."""
    cells = [[f"{x:.6g}" for x in row[:MAX_ROWS]] for row in values[:MAX_ROWS]]
    return html_table(caption, header[:MAX_ROWS], cells, len(values))


def frame(columns: Mapping[str, Floats]) -> Any:
    """Return columns of shape (points,) as a pandas ``DataFrame`` with a row per point."""
    return _package("pandas").DataFrame(columns)


def dataset(columns: Mapping[str, Floats], sweep: Mapping[str, Floats]) -> Any:
    """Return columns of shape (points,) as an xarray ``Dataset``.

    It has a dimension per swept quantity where the points are all combinations of their values,
    else one dimension, ``point``.
    """
    xarray = _package("xarray")
    axes = {name: np.unique(values) for name, values in list(sweep.items())[::-1]}
    shape = tuple(len(values) for values in axes.values())
    points = {len(values) for values in (*columns.values(), *sweep.values())}
    if not axes or points != {int(np.prod(shape))}:
        coordinates = {name: ("point", values) for name, values in sweep.items()}
        data = {name: ("point", values) for name, values in columns.items()}
        return xarray.Dataset(data, coordinates)
    order = np.lexsort(list(sweep.values()))
    grid = {n: (tuple(axes), values[order].reshape(shape)) for n, values in columns.items()}
    return xarray.Dataset(grid, axes)


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(f"this needs the package {name}: pip install {name}") from None
