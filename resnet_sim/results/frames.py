"""Results as tables of other packages, which are optional and imported when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError


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
