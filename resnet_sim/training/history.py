"""How a run went, epoch by epoch, which shows itself in a line however long it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model.display import how_many, html_table

#: rows of a table in a notebook
MOST_SHOWN = 12


class History(list[dict[str, Any]]):
    """Records of epochs: a list, but for what it shows.

    Examples
    --------
    >>> from resnet_sim.training.history import History
    >>> History({"epoch": k, "cost": 1.0 / (k + 1)} for k in range(200))
    <History: 200 epochs, cost 1 to 0.005>
    """

    def __repr__(self) -> str:
        costs = [record["cost"] for record in self if "cost" in record]
        told = f", cost {costs[0]:.4g} to {costs[-1]:.4g}" if costs else ""
        return f"<History: {how_many(len(self), 'epoch')}{told}>"

    def _repr_html_(self) -> str:
        """Return a table of some epochs, the first and the last among them."""
        shown = np.unique(np.linspace(0, max(len(self) - 1, 0), MOST_SHOWN).astype(int)).tolist()
        rows = [self[k] for k in shown if k < len(self)]
        names = [k for k, v in rows[0].items() if isinstance(v, int | float)] if rows else []
        cells = [tuple(f"{row.get(name, np.nan):.6g}" for name in names) for row in rows]
        return html_table(repr(self).strip("<>"), tuple(names), cells, len(rows))


def costs(record: Mapping[str, Any]) -> str:
    """Return the costs of an epoch in words."""
    names = (name for name in ("cost", "validation_cost") if name in record)
    return ", ".join(f"{name} {record[name]:.4g}" for name in names).replace("_cost", "")
