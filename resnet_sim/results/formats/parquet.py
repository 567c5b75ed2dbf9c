"""Parquet: the table that CSV has, in columns, for pandas, polars, DuckDB and the like."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ..predictions import Answers, Result
from .joined import frame


def write(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> bytes:
    """Return the content of the file."""
    content = io.BytesIO()
    frame(results, outputs).to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()
