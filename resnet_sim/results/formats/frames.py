"""The table that CSV has, as a data frame: what columnar and spreadsheet files are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..predictions import Result
from .joined import joined


def frame(results: Sequence[Result], outputs: Sequence[str]) -> Any:
    """Return a ``pandas.DataFrame`` with a row per point; words stand as words."""
    import pandas

    names, values = joined(results, outputs)
    # + 0.0 turns -0.0 into 0.0
    table = pandas.DataFrame(values + 0.0, columns=names)
    for name, known in results[0].words.items():
        table[name] = [known[int(number)] for number in table[name]]
    return table
