"""Several analyses as one table of numbers, for formats that have one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays import Floats
from ..predictions import Result


def joined(results: Sequence[Result], outputs: Sequence[str]) -> tuple[list[str], Floats]:
    """Return names and values, shape (points, names), NaN where undefined.

    Columns are those of `OperatingPoint.table`.  If there are several results, the first column,
    ``analysis``, counts them from 1, and swept quantities of others are NaN.
    """
    if len(results) == 1:
        return results[0].table(outputs)
    swept = list(dict.fromkeys(name for result in results for name in result.sweep))
    blocks = []
    for number, result in enumerate(results, 1):
        names, values = result.table(outputs)
        left = np.full((len(values), 1 + len(swept)), np.nan)
        left[:, 0] = number
        for k, name in enumerate(result.sweep):
            left[:, 1 + swept.index(name)] = values[:, k]
        blocks.append(np.hstack([left, values[:, len(result.sweep) :]]))
    return ["analysis", *swept, *names[len(result.sweep) :]], np.concatenate(blocks)


def frame(results: Sequence[Result], outputs: Sequence[str]) -> Any:
    """Return the same as a ``pandas.DataFrame``, a row per point; words stand as words."""
    import pandas

    names, values = joined(results, outputs)
    # + 0.0 turns -0.0 into 0.0
    table = pandas.DataFrame(values + 0.0, columns=names)
    for name, known in results[0].words.items():
        table[name] = [known[int(number)] for number in table[name]]
    return table
