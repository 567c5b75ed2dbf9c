"""What never changes while a point is found: which branches join which coordinates, by stage."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..graph.graphs import ranges
from ..model.circuit import Circuit
from .amplifiers import scale_pairs
from .branches import Branches, decompose
from .cascade import Stage, everything, joined, stages
from .recent import known
from .reciprocal import merged
from .reduction import reduce


def compiled(circuit: Circuit, closed: Bools) -> Compiled:
    """Return the plans of a circuit whose switches are `closed` or not."""
    return known(circuit, ("plans", closed.tobytes()), lambda: Compiled(circuit, closed))


def chosen(column: Floats, rows: Ints) -> Floats:
    """Return rows of a column, ascending and none twice; the column itself if these are all."""
    return column if len(rows) == len(column) else column[rows]


class Plan(NamedTuple):
    """Structure of a stage: local numbers of its coordinates, 0 for the reference."""

    stage: Stage
    n: int
    #: global coordinate of each local one
    coordinates: Ints
    #: rows of the reduction's branches, and the local coordinates of their ends
    conductors: Ints
    edge_p: Ints
    edge_q: Ints
    rectifiers: Ints
    diode_p: Ints
    diode_q: Ints
    #: volts of the branches per unit across them, of rectifiers turned round if negative
    edge_scale: Floats
    diode_scale: Floats
    injections: Ints
    feed_p: Ints
    feed_q: Ints
    curves: Ints
    curve_p: Ints
    curve_q: Ints
    curve_scale: Floats


class Compiled:
    """A reduction with the plans of its stages; shared by all points of a sweep."""

    def __init__(self, circuit: Circuit, closed: Bools) -> None:
        self.reduction = reduction = scale_pairs(reduce(circuit, closed))
        parts = self._branch_parts()
        self.plans = [self._plan(stage, *parts) for stage in stages(reduction)]
        self.fixed_conductors, self.fixed_rectifiers, self.fixed_curves = (
            (k < 0).nonzero()[0] for k in parts
        )
        self.fixed_laws = (reduction.law_parts < 0).nonzero()[0]

    @property
    def may_trigger(self) -> bool:
        """Whether some loop of feedback has rectifiers, hence may have several states."""
        return any(plan.stage.feedback and len(plan.rectifiers) > 0 for plan in self.plans)

    def _branch_parts(self) -> tuple[Ints, ...]:
        return tuple(self.reduction.branch_parts(kind) for kind in self.reduction.joining)

    def variant(self, circuit: Circuit) -> Compiled:
        """Return the same structure with the values of another circuit, if it has the same."""
        old = self.reduction
        if circuit is old.circuit:
            return self
        kinds, controls = merged(*decompose(circuit, old.closed)[:2])
        ties, conductors, rectifiers, injections, curves, laws = kinds
        for new, before in (
            (ties, old.ties), (conductors, old.conductors), (rectifiers, old.rectifiers),
            (curves, old.curves), (laws, old.laws),
        ):  # fmt: skip
            if not np.array_equal(new.element, before.element):
                return Compiled(circuit, old.closed)
        return self.replace(
            circuit=circuit, ties=ties, conductors=conductors,
            rectifiers=rectifiers, injections=injections, curves=curves, laws=laws,
            controls=controls,
        )  # fmt: skip

    def replace(self, **changes: Any) -> Compiled:
        """Return the same structure with other fields of its reduction."""
        fresh = copy.copy(self)
        fresh.reduction = dataclasses.replace(self.reduction, **changes)
        return fresh

    @cached_property
    def whole(self) -> Plan:
        """All parts as if they were one stage."""
        none = np.zeros(0, dtype=np.int64)
        return self._plan(Stage(np.arange(self.reduction.n_parts), none), *self._branch_parts())

    def joint(self) -> Compiled:
        """Return the same with all stages in one, as if there were feedback."""
        fresh = copy.copy(self)
        fresh.plans = [self._plan(everything(self.reduction), *self._branch_parts())]
        return fresh

    @cached_property
    def _in_a_row(self) -> list[Plan] | None:
        """The plans, those of short linear stages in a row as one; None if these are few."""
        if len(self.fixed_rectifiers) or len(self.fixed_curves) or len(self.fixed_laws):
            return None  # what they carry may be known to some stages and not to others
        limits, plans = policy.POLICY, []
        for linear, run in itertools.groupby(self.plans, self._is_short):
            row = list(run)
            if linear and len(row) >= limits.in_a_row:
                row = [self._plan(joined([p.stage for p in row]), *self._branch_parts())]
            plans += row
        return plans if len(plans) < len(self.plans) else None

    def _is_short(self, plan: Plan) -> bool:
        """Tell whether a stage is linear and small."""
        own = np.isin(self.reduction.law_parts, plan.stage.parts)
        straight = not (len(plan.rectifiers) or len(plan.curves) or own.any())
        return straight and plan.n + len(plan.stage.sources) <= policy.POLICY.of_each

    def together(self) -> Compiled | None:
        """Return the same with linear stages in a row as one, None if there are no such rows."""
        if self._in_a_row is None:
            return None
        fresh = copy.copy(self)
        fresh.plans = self._in_a_row
        return fresh

    @cached_property
    def tie_of_source(self) -> Ints:
        """The tie whose volts each control sets, -1 for those that set amps."""
        return self._row_of_source(self.reduction.ties.source)

    @cached_property
    def injection_of_source(self) -> Ints:
        """The injection whose amps each control sets, -1 for those that set volts."""
        return self._row_of_source(self.reduction.injections.source)

    def _row_of_source(self, source: Ints) -> Ints:
        row = np.full(len(self.reduction.controls), -1)
        own = (source >= 0).nonzero()[0]
        row[source[own]] = own
        return row

    def terms(self, sources: Ints) -> tuple[Ints, Ints]:
        """Return the terms that control some sources, and the source of each."""
        ptr = self.reduction.controls.ptr
        count = ptr[sources + 1] - ptr[sources]
        return ranges(ptr[sources], count), np.repeat(sources, count)

    @cached_property
    def loops(self) -> dict[int, list[int]]:
        """Each tie that closes a loop of ties, and the ties of that loop."""
        red = self.reduction
        closing = (~red.forest.in_tree).nonzero()[0].tolist()
        return {k: [k, *red.path(int(red.ties.p[k]), int(red.ties.q[k]))] for k in closing}

    @cached_property
    def paired(self) -> Bools:
        """Tells which controls belong to a scaled pair."""
        mask = np.zeros(len(self.reduction.controls), dtype=np.bool_)
        for pair in self.reduction.pairs:
            mask[[pair.forward, pair.backward]] = True
        return mask

    def _plan(self, stage: Stage, *parts: Ints) -> Plan:
        """Return the plan of a stage; `parts` of conductors, rectifiers and curves."""
        red = self.reduction
        chosen = np.zeros(red.n_parts + 1, dtype=np.bool_)
        chosen[stage.parts] = True  # index -1, for no part, stays False
        coordinates = chosen[red.part].nonzero()[0]
        local = np.zeros(len(red.part), dtype=np.int64)
        local[coordinates] = 1 + np.arange(len(coordinates))
        of_node = local[red.coordinate]

        def ends(branches: Branches, rows: Ints) -> tuple[Ints, Ints]:
            return of_node[branches.p[rows]], of_node[branches.q[rows]]

        conductors, rectifiers, curves = (chosen[part].nonzero()[0] for part in parts)
        edge_p, edge_q = ends(red.conductors, conductors)
        diode_p, diode_q = ends(red.rectifiers, rectifiers)
        diode_scale = red.branch_scale(red.rectifiers, rectifiers)
        if red.pairs:
            p, q, turned = diode_p, diode_q, diode_scale < 0
            diode_p, diode_q = np.where(turned, q, p), np.where(turned, p, q)
            diode_scale = np.abs(diode_scale)
        injections = self._feeds(of_node)
        feed_p, feed_q = ends(red.injections, injections)
        curve_p, curve_q = ends(red.curves, curves)
        return Plan(
            stage=stage, n=len(coordinates) + 1, coordinates=coordinates,
            conductors=conductors, edge_p=edge_p, edge_q=edge_q,
            rectifiers=rectifiers, diode_p=diode_p, diode_q=diode_q,
            edge_scale=red.branch_scale(red.conductors, conductors), diode_scale=diode_scale,
            injections=injections, feed_p=feed_p, feed_q=feed_q,
            curves=curves, curve_p=curve_p, curve_q=curve_q,
            curve_scale=red.branch_scale(red.curves, curves),
        )  # fmt: skip

    def _feeds(self, of_node: Ints) -> Ints:
        """Return the injections at the nodes of a stage, without those of scaled pairs."""
        feeds = self.reduction.injections
        in_pair = np.zeros(len(feeds), dtype=np.bool_)
        controlled = feeds.source >= 0
        in_pair[controlled] = self.paired[feeds.source[controlled]]
        touched = (of_node[feeds.p] != 0) | (of_node[feeds.q] != 0)
        return (touched & ~in_pair).nonzero()[0]
