"""In which order the parts of a circuit with controlled sources can be solved.

A part depends on the controlled sources that feed it, a controlled source on the parts
that control it.  Where these dependencies have no cycle the circuit is a cascade of
convex problems; strongly connected sets are feedback and are solved as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .elements import Ints
from .reduction import Branches, Reduction


@dataclass(frozen=True)
class Stage:
    """What is solved together, once all earlier stages are.

    Attributes
    ----------
    parts : ndarray of int
        Connected parts of the reduction.
    sources : ndarray of int
        Rows of controlled sources; where there are no parts they can just be evaluated.
    feedback : bool
        Parts and sources depend on each other.
    loops : ndarray of int
        Ties that close a loop of ties whose current is an unknown, because it controls a
        source that in turn must make the loop's voltages fit.
    """

    parts: Ints
    sources: Ints
    feedback: bool = False
    loops: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def stages(reduction: Reduction) -> list[Stage]:
    """Return the stages of a circuit in the order in which to solve them."""
    n_parts, n_sources = reduction.n_parts, len(reduction.circuit.controlled_sources)
    if not n_sources:
        return [Stage(np.arange(n_parts), np.zeros(0, dtype=np.int64))]
    loops_sensed = _sensed_loops(reduction)
    successors = _dependencies(reduction, loops_sensed)
    level: dict[int, int] = {}
    plain: dict[int, list[int]] = {}
    loops: dict[int, list[list[int]]] = {}
    arriving: dict[int, int] = {}
    for members in reversed(strong_components(successors)):
        depth = max(arriving.get(k, 0) for k in members)
        if len(members) == 1:
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
    table = reduction.circuit.controlled_sources
    sensed = set(table.index[table.of_current].tolist())
    found: dict[int, set[int]] = {}
    ties = reduction.ties
    for tie in np.flatnonzero(~reduction.forest.in_tree).tolist() if sensed else ():
        loop = [tie, *reduction.path(int(ties.p[tie]), int(ties.q[tie]))]
        inside = sensed & set(ties.element[loop].tolist())
        if inside:
            found[tie] = inside
    return found


def _dependencies(reduction: Reduction, loops: dict[int, set[int]]) -> list[list[int]]:
    """Return what must wait for each vertex.

    Vertices are the parts, then the controlled sources, then for each source that sets a
    voltage the potential of what its tie carries, then the currents of sensed `loops`.
    """
    table = reduction.circuit.controlled_sources
    n_parts, n_sources = reduction.n_parts, len(table)
    part = reduction.part[reduction.coordinate]
    above = reduction.above
    paired = {row for pair in reduction.pairs for row in (pair.forward, pair.backward)}
    successors: list[set[int]] = [set() for _ in range(n_parts + 2 * n_sources + len(loops))]

    def depends(node: int) -> list[int]:
        """Vertices that the voltage of a node depends on."""
        found = [int(part[node])] if part[node] >= 0 else []
        if above[node] >= 0 and above[node] not in paired:
            found.append(n_parts + n_sources + int(above[node]))
        return found

    for tie in np.flatnonzero((reduction.ties.source >= 0) & reduction.forest.in_tree):
        row = int(reduction.ties.source[tie])
        carried = n_parts + n_sources + row
        successors[n_parts + row].add(carried)
        for end in (reduction.ties.p[tie], reduction.ties.q[tie]):
            if above[end] != row and above[end] >= 0:
                successors[n_parts + n_sources + int(above[end])].add(carried)
    for row in range(n_sources):
        if row in paired:
            continue
        for term in range(table.ptr[row], table.ptr[row + 1]):
            index = int(table.index[term])
            for k, inside in enumerate(loops.values()):
                if table.of_current[term] and index in inside:
                    successors[n_parts + 2 * n_sources + k].add(n_parts + row)
            if not table.of_current[term]:
                before = depends(index)
            else:
                before = _current_depends(reduction, index, depends)
            for vertex in before:
                successors[vertex].add(n_parts + row)
        if not table.is_voltage[row]:
            for node in (table.p[row], table.q[row]):
                if part[node] >= 0:
                    successors[n_parts + row].add(int(part[node]))
    for k, loop in enumerate(loops):
        ends = (int(reduction.ties.p[loop]), int(reduction.ties.q[loop]))
        before = [v for end in ends for v in depends(end) if v >= n_parts]
        if reduction.ties.source[loop] >= 0:
            before.append(n_parts + int(reduction.ties.source[loop]))
        for vertex in before:
            successors[vertex].add(n_parts + 2 * n_sources + k)
    for kind in (reduction.conductors, reduction.rectifiers):
        _feeds(reduction, kind, depends, successors)
    return [sorted(after - {k}) for k, after in enumerate(successors)]


def _feeds(reduction, branches: Branches, depends, successors) -> None:  # type: ignore[no-untyped-def]
    """Let parts wait for the potentials at the ends of their branches."""
    parts = reduction.branch_parts(branches)
    controlled = (reduction.above[branches.p] >= 0) | (reduction.above[branches.q] >= 0)
    for k in np.flatnonzero((parts >= 0) & controlled):
        for end in (branches.p[k], branches.q[k]):
            for vertex in depends(int(end)):
                successors[vertex].add(int(parts[k]))


def _current_depends(reduction, element: int, depends) -> list[int]:  # type: ignore[no-untyped-def]
    """Return the vertices that the current of a tie depends on: all that leaves its far side."""
    tie = int(np.flatnonzero(reduction.ties.element == element)[0])
    if not reduction.forest.in_tree[tie]:
        return []
    side = reduction.below(tie)
    found: list[int] = []
    for kind in (reduction.conductors, reduction.rectifiers):
        crossing = np.flatnonzero(side[kind.p] != side[kind.q])
        for k in crossing:
            found += depends(int(kind.p[k])) + depends(int(kind.q[k]))
    kind = reduction.injections
    for k in np.flatnonzero((side[kind.p] != side[kind.q]) & (kind.source >= 0)):
        found.append(reduction.n_parts + int(kind.source[k]))
    return found


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
