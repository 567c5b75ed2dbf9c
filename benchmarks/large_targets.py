"""What large circuits are to take, and what they took: the table that `large_circuits.py` prints.

A figure is one of a record: ``seconds``, ``ratio`` (to T0, or to what else the contender is
compared with), ``peak_mb`` or ``residual``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from large_report import growth

Record = dict[str, Any]
#: from options, family, nodes, contender and seed to the record of a process of its own
Ask = Callable[[argparse.Namespace, str, int, str, int], Record]

#: Largest residual of Karush, Kuhn and Tucker, relative.
RESIDUAL = 1e-9


class Measured(NamedTuple):
    """One contender at one size, and at most how much each of its figures is to be."""

    family: str
    nodes: int
    contender: str
    most: dict[str, float]
    repeats: int = 3
    #: T0 takes too long there, or says nothing
    alone: bool = False


MEASURED = (
    Measured("feedback-grid", 10_000, "solve-linear", {"ratio": 4.0}, 9),
    Measured("feedback-grid", 10_000, "solve", {"ratio": 12.0}, 9),
    Measured("feedback-grid", 100_000, "solve", {"ratio": 30.0}),
    Measured("grid", 1_000_000, "solve", {"ratio": 1.0, "peak_mb": 1200.0}),
    Measured("grid", 1_000_000, "solve-linear", {"ratio": 0.6}),
    Measured("random", 1_000_000, "solve", {"seconds": 15.0}, 2, alone=True),
    Measured("random", 1_000_000, "solve-linear", {"seconds": 8.0}, 2, alone=True),
    Measured("grid3d", 1_000_000, "solve", {"seconds": 5.0}, alone=True),
    Measured("grid3d", 1_000_000, "solve-linear", {"seconds": 5.0}, alone=True),
    Measured("grid", 10_000, "inputs", {"ratio": 2.0}, 9),
    *(
        Measured(family, 100_000, contender, {}, 5, alone=True)
        for family in ("grid", "grid3d", "random")
        for contender in ("solve", "solve-linear")
    ),
)
#: what takes ten minutes and 20 GB more
LARGEST = (
    Measured("grid", 10_000_000, "solve", {"seconds": 120.0, "peak_mb": 12e3}, 1, True),
    Measured("grid", 10_000_000, "command", {"seconds": 300.0, "peak_mb": 20e3}, 1, True),
)
#: Largest power of the nodes as which time grows, from 100,000 on.
POWER = 1.15


class Compared(NamedTuple):
    """Whole processes, ours and that of ngspice: seconds on top of its own, and times faster."""

    family: str
    nodes: int
    repeats: int = 5
    most_more: float | None = None
    least_faster: float | None = None


COMPARED = (
    Compared("amplified-ladder", 20_000, most_more=0.3),
    Compared("supply-grid", 30_000, 1, least_faster=12.0),
)


def show(options: argparse.Namespace, ask: Ask) -> list[Record]:
    """Measure everything and print it, each figure with its target; return the records."""
    print(f"{'circuit':18}{'nodes':>11}  {'contender':14}{'figure':12}{'is':>10}{'target':>12}")
    records = []
    for wanted in (*MEASURED, *(LARGEST if options.largest else ())):
        record = _asked(options, ask, wanted)
        records.append(record)
        for line in _lines(wanted, record):
            print(line, flush=True)
    for pair in COMPARED:
        records += _compared(options, ask, pair)
    for (family, contender), power in growth([r for r in records if r["nodes"] > 90_000]).items():
        print(_line(family, "to 1e6 or 1e7", contender, "growth, n^", power, POWER))
    return records


def _asked(options: argparse.Namespace, ask: Ask, wanted: Measured) -> Record:
    most = argparse.Namespace(**vars(options))
    most.repeats, most.alone = wanted.repeats, wanted.alone
    most.limit, most.memory = max(options.limit, 600.0), max(options.memory, 24.0)
    return ask(most, wanted.family, wanted.nodes, wanted.contender, 0)


def _lines(wanted: Measured, record: Record) -> Iterator[str]:
    head = wanted.family, f"{record['nodes']:,}", wanted.contender
    if "seconds" not in record:
        yield _line(*head, record["note"], float("nan"), 0.0)
        return
    most = {"seconds": None, **wanted.most}
    if "residual" in record:
        most["residual"] = RESIDUAL
    for figure, target in most.items():
        yield _line(*head, figure, record[figure], target)


def _line(
    family: str, nodes: str, contender: str, figure: str, value: float, target: float | None,
    least: bool = False,
) -> str:  # fmt: skip
    text = f"{family:18}{nodes:>11}  {contender:14}{figure:12}{value:10.3g}"
    if target is None:
        return text
    met = value >= target if least else value <= target
    return f"{text}{'>=' if least else '<=':>5}{target:7.3g}{'' if met else '  missed'}"


def _compared(options: argparse.Namespace, ask: Ask, pair: Compared) -> list[Record]:
    """Print how long both processes take; those of ngspice come first and last."""
    found = []
    for contender in ("ngspice", "command", "ngspice"):
        wanted = Measured(pair.family, pair.nodes, contender, {}, pair.repeats, alone=True)
        found.append(_asked(options, ask, wanted))
    if any("seconds" not in record for record in found):
        notes = "; ".join(record.get("note", "") for record in found)
        print(_line(pair.family, f"{pair.nodes:,}", "command", notes, float("nan"), 0.0))
        return []
    before, ours, after = (record["seconds"] for record in found)
    theirs = (before + after) / 2
    head = pair.family, f"{found[0]['nodes']:,}"
    print(_line(*head, "ngspice", "seconds", theirs, None))
    print(_line(*head, "command", "seconds", ours, None))
    if pair.most_more is not None:
        print(_line(*head, "command", "s more", ours - theirs, pair.most_more))
    if pair.least_faster is not None:
        print(_line(*head, "command", "faster", theirs / ours, pair.least_faster, least=True))
    return found[:2]
