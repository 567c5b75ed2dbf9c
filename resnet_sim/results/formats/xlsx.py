"""A workbook with the table that CSV has; what is undefined is an empty cell."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ...errors import UsageError
from ..predictions import Answers, Result
from .joined import frame

#: rows and columns that a sheet can have
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384


def write(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> bytes:
    """Return the content of the file; `UsageError` if there is more than a sheet holds."""
    table = frame(results, outputs)
    if len(table) >= MOST_ROWS or table.shape[1] > MOST_COLUMNS:
        raise UsageError(
            f"a sheet has at most {MOST_ROWS} rows and {MOST_COLUMNS} columns, not {table.shape}: "
            "choose with --print, or another format"
        )
    content = io.BytesIO()
    table.to_excel(content, engine="openpyxl", index=False, sheet_name="results")
    return content.getvalue()
