"""In which order the parts of a circuit with controlled sources can be solved.

A part depends on the controlled sources that feed it, a controlled source on the parts
that control it.  Where these dependencies have no cycle the circuit is a cascade of
convex problems; strongly connected sets are feedback and are solved as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Ints
from .branches import Branches
from .reduction import Reduction


@dataclass(frozen=True, eq=False)
class Stage:
    """What is solved together, once all earlier stages are.

    Attributes
    ----------
    parts : ndarray of int
        Connected parts of the reduction.
    sources : ndarray of int
        Rows of the controls; where there are no parts they can just be evaluated.
    feedback : bool
        Parts and sources depend on each other, or there are laws.
    loops : ndarray of int
        Ties that close a loop of ties whose current is an unknown, because it controls a
        source that in turn must make the loop's voltages fit.
    whole : bool
        It is all of the circuit, with what branches between nodes that sources fix carry.
    """

    parts: Ints
    sources: Ints
    feedback: bool = False
    loops: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    whole: bool = False


def stages(reduction: Reduction) -> list[Stage]:
    """Return the stages of a circuit in the order in which to solve them."""
    n_parts, n_sources = reduction.n_parts, len(reduction.controls)
    # `numpy.unique` would import masked arrays, which takes as long as a small deck
    smooth = set(reduction.law_parts.tolist()) - {-1}
    if not n_sources:
        none = np.zeros(0, dtype=np.int64)
        plainly = np.ones(n_parts, dtype=np.bool_)
        plainly[list(smooth)] = False
        others = plainly.nonzero()[0]
        found = [Stage(others, none)] if len(others) or not smooth else []
        return found + [Stage(np.array([part]), none, True) for part in sorted(smooth)]
    loops_sensed = _sensed_loops(reduction)
    dependencies = _Dependencies(reduction, loops_sensed)
    successors = dependencies.lists()
    # a part knows what it does to itself; a source that drives the current that controls it doesn't
    alone = smooth | dependencies.on_themselves()
    level: dict[int, int] = {}
    plain: dict[int, list[int]] = {}
    loops: dict[int, list[list[int]]] = {}
    arriving: dict[int, int] = {}
    for members in reversed(strong_components(successors)):
        depth = max(arriving.get(k, 0) for k in members)
        if len(members) == 1 and members[0] not in alone:
            plain.setdefault(depth, []).append(members[0])
        else:
            loops.setdefault(depth, []).append(members)
        for k in members:
            level[k] = depth
            for after in successors[k]:
                arriving[after] = max(arriving.get(after, 0), depth + 1)
    ordered = []
    ties = list(loops_sensed)
    for depth in range(max(level.values(), default=-1) + 1):
        if depth in plain:
            ordered.append(_stage(plain[depth], n_parts, n_sources))
        ordered += [_stage(m, n_parts, n_sources, ties) for m in loops.get(depth, ())]
    return [s for s in ordered if len(s.parts) or len(s.sources)]


def everything(reduction: Reduction) -> Stage:
    """Return the stage in which all of a circuit is solved at once.

    Its equations hold that the voltages of controlled sources fit around loops.
    """
    sources = np.arange(len(reduction.controls))
    ties, sensed = reduction.ties, _sensed_loops(reduction)
    closing = [
        tie
        for tie in (~reduction.forest.in_tree).nonzero()[0].tolist()
        if tie in sensed
        or (ties.source[[tie, *reduction.path(int(ties.p[tie]), int(ties.q[tie]))]] >= 0).any()
    ]
    loops = np.array(closing, dtype=np.int64)
    return Stage(np.arange(reduction.n_parts), sources, True, loops, whole=True)


def joined(row: Sequence[Stage]) -> Stage:
    """Return stages that follow each other as one with feedback."""
    parts, sources, loops = (
        np.concatenate([getattr(stage, kind) for stage in row])
        for kind in ("parts", "sources", "loops")
    )
    return Stage(np.sort(parts), np.sort(sources), True, loops)


def _stage(
    members: list[int], n_parts: int, n_sources: int, ties: Sequence[int] | None = None
) -> Stage:
    """Return the stage of some vertices; with feedback if `ties` (of sensed loops) are given."""
    ids = np.array(sorted(members), dtype=np.int64)
    sources = ids[(ids >= n_parts) & (ids < n_parts + n_sources)] - n_parts
    if ties is None:
        return Stage(ids[ids < n_parts], sources)
    chosen = ids[ids >= n_parts + 2 * n_sources] - (n_parts + 2 * n_sources)
    loops = np.array([ties[k] for k in chosen], dtype=np.int64)
    return Stage(ids[ids < n_parts], sources, True, loops)


def _sensed_loops(reduction: Reduction) -> dict[int, set[int]]:
    """Return the ties that close a loop with sensed elements, and these elements."""
    table = reduction.controls
    sensed = set(table.index[table.of_current].tolist())
    found: dict[int, set[int]] = {}
    ties = reduction.ties
    for tie in (~reduction.forest.in_tree).nonzero()[0].tolist() if sensed else ():
        loop = [tie, *reduction.path(int(ties.p[tie]), int(ties.q[tie]))]
        inside = sensed & set(ties.element[loop].tolist())
        if inside:
            found[tie] = inside
    return found


class _Dependencies:
    """What must wait for each vertex, as ``successors[vertex]``.

    Vertices are the parts, then the controlled sources, then for each source that sets a
    voltage the potential of what its tie carries, then the currents of sensed loops.
    """

    def __init__(self, reduction: Reduction, loops: dict[int, set[int]]) -> None:
        self.red = reduction
        self.first_source = reduction.n_parts
        n_sources = len(reduction.controls)
        self.first_carried = self.first_source + n_sources
        self.first_loop = self.first_carried + n_sources
        self.part = reduction.part[reduction.coordinate]
        self.paired = {row for pair in reduction.pairs for row in (pair.forward, pair.backward)}
        self.successors: list[set[int]] = [set() for _ in range(self.first_loop + len(loops))]
        self._ties()
        for row in range(n_sources):
            if row not in self.paired:
                self._source(row, loops)
        for k, tie in enumerate(loops):
            self._loop(k, tie)
        for kind in reduction.joining:
            self._feeds(kind, reduction.branch_parts(kind))
        self._feeds(reduction.laws, reduction.law_parts)

    def lists(self) -> list[list[int]]:
        """Return the successors of each vertex, without itself."""
        return [sorted(after - {k}) for k, after in enumerate(self.successors)]

    def on_themselves(self) -> set[int]:
        """Return the sources that depend on nothing between, but on themselves."""
        sources = range(self.first_source, self.first_carried)
        return {k for k in sources if k in self.successors[k]}

    def of_node(self, node: int) -> list[int]:
        """Return the vertices that the voltage of a node depends on."""
        found = [int(self.part[node])] if self.part[node] >= 0 else []
        above = int(self.red.above[node])
        if above >= 0 and above not in self.paired:
            found.append(self.first_carried + above)
        return found

    def _ties(self) -> None:
        """What a controlled tie carries waits for its source and for the tie above it."""
        ties = self.red.ties
        for tie in ((ties.source >= 0) & self.red.forest.in_tree).nonzero()[0]:
            row = int(ties.source[tie])
            self.successors[self.first_source + row].add(self.first_carried + row)
            for end in (ties.p[tie], ties.q[tie]):
                above = int(self.red.above[end])
                if above >= 0 and above != row:
                    self.successors[self.first_carried + above].add(self.first_carried + row)

    def _source(self, row: int, loops: dict[int, set[int]]) -> None:
        """A controlled source waits for its controls; parts wait for the current it drives."""
        table = self.red.controls
        own = self.first_source + row
        for term in range(table.ptr[row], table.ptr[row + 1]):
            index = int(table.index[term])
            if not table.of_current[term]:
                before = self.of_node(index)
            else:
                before = self._of_current(index)
                sensed = (k for k, inside in enumerate(loops.values()) if index in inside)
                before += [self.first_loop + k for k in sensed]
            for vertex in before:
                self.successors[vertex].add(own)
        if not table.is_voltage[row]:
            for node in (table.p[row], table.q[row]):
                if self.part[node] >= 0:
                    self.successors[own].add(int(self.part[node]))

    def _of_current(self, element: int) -> list[int]:
        """Return what the current of a tie depends on: all that leaves its far side."""
        red = self.red
        tie = red.tie_of[element]
        if not red.forest.in_tree[tie]:
            return []
        side = red.below(tie)
        found: list[int] = []
        for kind in red.joining:
            for k in (side[kind.p] != side[kind.q]).nonzero()[0]:
                found += self.of_node(int(kind.p[k])) + self.of_node(int(kind.q[k]))
        found += self._of_laws((side[red.laws.p] != side[red.laws.q]).nonzero()[0])
        feeds = red.injections
        crossing = (side[feeds.p] != side[feeds.q]) & (feeds.source >= 0)
        found += [self.first_source + int(row) for row in feeds.source[crossing]]
        return found

    def _of_laws(self, rows: Ints) -> list[int]:
        """Return what the currents of laws depend on: all voltages of their devices."""
        laws, parts = self.red.laws, self.red.law_parts
        found: list[int] = parts[rows[parts[rows] >= 0]].tolist()
        row, other = laws.pattern
        for k in other[np.isin(row, rows[parts[rows] < 0])]:
            found += self.of_node(int(laws.p[k])) + self.of_node(int(laws.q[k]))
        return found

    def _loop(self, number: int, tie: int) -> None:
        """A loop's current waits for the voltages that must fit around it."""
        ties = self.red.ties
        before = [v for end in (ties.p[tie], ties.q[tie]) for v in self.of_node(int(end))]
        before = [v for v in before if v >= self.first_source]
        if ties.source[tie] >= 0:
            before.append(self.first_source + int(ties.source[tie]))
        for vertex in before:
            self.successors[vertex].add(self.first_loop + number)

    def _feeds(self, branches: Branches, parts: Ints) -> None:
        """Parts wait for the potentials at the ends of their branches."""
        red = self.red
        controlled = (red.above[branches.p] >= 0) | (red.above[branches.q] >= 0)
        for k in ((parts >= 0) & controlled).nonzero()[0]:
            for end in (branches.p[k], branches.q[k]):
                for vertex in self.of_node(int(end)):
                    self.successors[vertex].add(int(parts[k]))


def strong_components(successors: list[list[int]]) -> list[list[int]]:
    """Return strongly connected components, each after all that it leads to (Tarjan 1972)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in range(len(successors)):
        if root in index:
            continue
        work = [(root, iter(successors[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            vertex, rest = work[-1]
            for after in rest:
                if after not in index:
                    index[after] = low[after] = len(index)
                    stack.append(after)
                    on_stack.add(after)
                    work.append((after, iter(successors[after])))
                    break
                if after in on_stack:
                    low[vertex] = min(low[vertex], index[after])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[vertex])
                if low[vertex] == index[vertex]:
                    members: list[int] = []
                    while not members or members[-1] != vertex:
                        members.append(stack.pop())
                        on_stack.discard(members[-1])
                    found.append(members)
    return found
