"""The records of large_circuits.py as a table, as powers of the nodes and as a plot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

Record = dict[str, Any]

HEAD = "| family | nodes | contender | time, s | time / T0 | peak, MB | KKT residual | note |"


def markdown(records: list[Record]) -> str:
    """Return a table with a row per record."""
    rows = [HEAD, "|---|---:|---|---:|---:|---:|---:|---|", *map(_row, records)]
    fits = growth(records)
    if fits:
        rows += ["", "| family | contender | time grows as |", "|---|---|---|"]
        rows += [f"| {family} | {who} | n^{power:.2f} |" for (family, who), power in fits.items()]
    return "\n".join(rows) + "\n"


def growth(records: list[Record]) -> dict[tuple[str, str], float]:
    """Return the power of the nodes that the time grows as, fitted by least squares.

    Of each family and contender that was measured at two sizes or more.
    """
    points: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for record in records:
        if "seconds" in record:
            key = record["family"], record["contender"]
            points.setdefault(key, []).append((record["nodes"], record["seconds"]))
    fits = {}
    for key, found in points.items():
        nodes, seconds = np.log(np.array(found)).T
        if np.ptp(nodes) > 0:
            fits[key] = float(np.polyfit(nodes, seconds, 1)[0])
    return fits


def _row(record: Record) -> str:
    cells = [record["family"], f"{record['nodes']:,}", record["contender"]]
    for key, form in (
        ("seconds", ".3g"),
        ("ratio", ".3g"),
        ("peak_mb", ".0f"),
        ("residual", ".0e"),
    ):
        cells.append(format(record[key], form) if key in record else "")
    return "| " + " | ".join([*cells, record.get("note", "")]) + " |"


def plot(records: list[Record], path: Path) -> None:
    """Draw time over nodes, a panel per family, as SVG; say so if matplotlib is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        print("no plot: matplotlib is not installed", file=sys.stderr)
        return
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    families = list(dict.fromkeys(record["family"] for record in records))
    columns = min(3, len(families))
    rows = -(-len(families) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(4 * columns, 3.2 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(families) :]:
        axis.set_visible(False)
    for family, axis in zip(families, axes.flat, strict=False):
        _panel(axis, family, [record for record in records if record["family"] == family])
    handles = {
        label: handle
        for axis in axes.flat
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside right upper")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _panel(axis: Any, family: str, records: list[Record]) -> None:
    contenders = list(dict.fromkeys(record["contender"] for record in records))
    for number, contender in enumerate(contenders):
        own = [r for r in records if r["contender"] == contender and "seconds" in r]
        nodes, seconds = [r["nodes"] for r in own], [r["seconds"] for r in own]
        axis.loglog(nodes, seconds, "o-", color=f"C{number}", label=contender, markersize=4)
    axis.set_title(family)
    axis.set_xlabel("nodes")
    axis.set_ylabel("time, s")
    axis.grid(which="major", linewidth=0.4)
