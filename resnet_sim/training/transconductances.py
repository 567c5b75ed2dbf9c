"""Transconductances that learn: of G sources, and of reciprocal pairs of them as one number.

A pair, ``G1 p q c d g`` and ``G2 c d p q g``, belongs to the co-content as a conductance does.
A source without a partner acts one way; it learns by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.affine import Affine
from ..model.circuit import Circuit
from ..model.devices import ControlledSources
from ..model.names import several
from .probing import owner
from .shared import Shared

Port = tuple[int, int]


@dataclass(frozen=True)
class _Source:
    """A G source with its ports turned so that nodes ascend; `gain` is turned with them."""

    row: int
    port: Port
    control: Port
    gain: float


def split(circuit: Circuit, wanted: str | Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the names and globs that are not of G sources, and the rows of those that are."""
    patterns = [pattern.lower() for pattern in several(wanted, "resistors")]
    table, others = circuit.controlled_sources, []
    rows: dict[int, None] = {}
    for pattern in patterns:
        found = [
            k for k, name in enumerate(table.names)
            if name == pattern or fnmatchcase(name, pattern)
        ]  # fmt: skip
        # a glob such as * means resistors alone, as it always has
        plain = circuit.find(pattern) is None and any(
            fnmatchcase(name, pattern) for name in circuit.resistors.names
        )
        if found and not plain:
            rows |= dict.fromkeys(found)
        else:
            others.append(pattern)
    return others, list(rows)


def with_transconductances(
    circuit: Circuit, shared: Shared | None, rows: Sequence[int]
) -> Shared | None:
    """Return parameters with the transconductances of some G sources after them.

    Raises
    ------
    UsageError
        If a source is none, or follows a parameter that learns.
    """
    if not rows:
        return shared
    table = circuit.controlled_sources
    known = {k: s for k in range(len(table)) if (s := _source(table, k)) is not None}
    partner = {(s.port, s.control): s for s in known.values()}
    chosen: dict[int, list[_Source]] = {}
    for row in rows:
        if row not in known:
            raise UsageError(f"{table.names[row]} can't learn: it is no G source of two nodes")
        own = known[row]
        other = partner.get((own.control, own.port))
        pair = {own.row: own} if other is None or other.gain != own.gain else {
            own.row: own, other.row: other,
        }  # fmt: skip
        chosen[min(pair)] = [pair[k] for k in sorted(pair)]
    start = table.gain[table.ptr[[members[0].row for members in chosen.values()]]]
    first = 0 if shared is None else len(shared.names)
    part = _part(table, list(chosen.values()), start, first)
    if shared is None:
        shared = Shared((), np.zeros(0), np.zeros(0), np.zeros(0), (), 0)
    if len(twice := np.intersect1d(part.at, shared.places("controlled_sources", "gain"))):
        name = owner(circuit, part.table, part.column, twice[0])
        raise UsageError(f"{name} can't learn by itself: it follows parameters that learn")
    free = np.full(len(start), np.inf)
    return replace(
        shared,
        names=(*shared.names, *(table.names[members[0].row] for members in chosen.values())),
        start=np.concatenate((shared.start, start)),
        low=np.concatenate((shared.low, -free)), high=np.concatenate((shared.high, free)),
        parts=(*shared.parts, part),
    )  # fmt: skip


def _source(table: ControlledSources, row: int) -> _Source | None:
    """Return a row as a G source, None if it is something else."""
    if table.letter(row) != "g":
        return None
    terms = table.terms(row)
    gain, ports = terms[0][2], []
    for a, b in ((int(table.p[row]), int(table.q[row])), (terms[0][1], terms[1][1])):
        gain = gain if a <= b else -gain
        ports.append((min(a, b), max(a, b)))
    return _Source(row, ports[0], ports[1], gain)


def _part(
    table: ControlledSources, groups: list[list[_Source]], start: Floats, first: int
) -> Affine:
    """Return the gains that follow the transconductance of each group."""
    at, parameter, slope = [], [], []
    for k, members in enumerate(groups):
        for source in members:
            begin = int(table.ptr[source.row])
            # a partner may be written with a port turned: its sign is its own
            sign = 1.0 if table.gain[begin] == start[k] else -1.0
            at += [begin, begin + 1]
            parameter += [first + k] * 2
            slope += [sign, -sign]
    order = np.argsort(at)
    places = np.array(at, dtype=np.int64)[order]
    return Affine(
        "controlled_sources", "gain", places, False, np.zeros(len(places)),
        np.arange(len(places)), np.array(parameter, dtype=np.int64)[order],
        np.array(slope)[order],
    )  # fmt: skip
