"""CSV (RFC 4180): a row per point; swept quantities, voltages, currents.

Numbers have all their digits and no more: 2 rather than 2.0, -10 rather than -10.0.  Undefined
ones are empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from ..predictions import Answers, Result
from .joined import joined


def write(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> str:
    """Return a table; see `joined` for that of several analyses."""
    names, values = joined(results, outputs)
    words = [(names.index(name), known) for name, known in results[0].words.items()]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    for row in values:
        # + 0.0 turns -0.0 into 0.0
        cells = [cell.removesuffix(".0") for cell in map(repr, (row + 0.0).tolist())]
        for k in np.flatnonzero(np.isnan(row)).tolist():
            cells[k] = ""
        for k, known in words:
            cells[k] = known[int(row[k])]
        writer.writerow(cells)
    return text.getvalue()
