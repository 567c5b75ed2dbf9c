"""Tables whose columns have names go by them; arrays go by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UsageError


def by_name(table: Any, names: Sequence[str]) -> Any:
    """Return the columns of a data frame in the order of `names`; anything else as it is.

    Case does not matter, nor whether a node stands as ``out`` or ``v(out)``.  A frame of which
    no column is called like any of them is an array like others.

    Parameters
    ----------
    table : array_like or data frame, shape (B, n)
    names : sequence of str, length n

    Raises
    ------
    UsageError
        If some names are there and others are not, or one stands for two columns.
    """
    if not hasattr(table, "columns") or callable(table.columns):
        return table
    titles = [_bare(str(title)) for title in table.columns]
    wanted = [_bare(name) for name in names]
    known = [name for name in wanted if name in titles]
    if not known:
        return np.asarray(table)
    for name in wanted:
        if titles.count(name) != 1:
            count = "none" if name not in titles else "two"
            raise UsageError(
                f"the table has columns for {known[0]} and others, but {count} for {name}"
            )
    return np.asarray(table)[:, [titles.index(name) for name in wanted]]


def _bare(title: str) -> str:
    title = title.strip().lower()
    return title[2:-1] if title.startswith("v(") and title.endswith(")") else title
