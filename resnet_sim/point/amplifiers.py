"""Amplifiers that work both ways: reciprocal after scaling.

A voltage-controlled voltage source of gain A forward, with a current-controlled current
source of gain 1/A backward (Kendall et al., arXiv 2006.01981), is an ideal transformer but
for the power it adds.  Measured in units of A, voltages and currents behind it obey the
laws of a plain wire: the amplifier's output becomes a node of the stage before it, and
co-content behind it counts 1/A^2.
"""

from __future__ import annotations

import dataclasses
from collections import deque

import numpy as np

from ..arrays import Bools, Floats, Ints
from .branches import Branches
from .reduction import Pair, Reduction, connect

#: How exactly the gains of an amplifier must be each other's inverse for a co-content.
NEAR = 1e-12
#: How far the product of the gains forth and back may be from 1, and the gains of amplifiers that
#: feed the same part from each other, where they are meant to work both ways.
ROUGHLY = 0.5


def scale_pairs(reduction: Reduction) -> Reduction:
    """Return the reduction with its reciprocal pairs scaled away, where scales agree."""
    pairs = find_pairs(reduction)
    if not pairs or len(reduction.laws):  # laws can't be scaled
        return reduction
    coordinate = reduction.coordinate.copy()
    for pair in pairs:
        coordinate[pair.outputs] = reduction.coordinate[pair.control]
    scale = _scales(reduction, pairs)
    if scale is None:
        return reduction
    part, n_parts = connect(reduction.forest.count, coordinate, reduction.joining, reduction.laws)
    return dataclasses.replace(
        reduction, coordinate=coordinate, scale=scale, part=part, n_parts=n_parts, pairs=pairs
    )


def measured_scales(reduction: Reduction) -> Floats:
    """Return the scales of nodes in which the circuit is reciprocal, if there are such.

    An amplifier of gain A forth and B back joins two parts that are reciprocal to each other if
    co-content behind it counts B/A, and each part may have its own amplifier.  Where amplifiers
    and conductances make loops, the shortest way from the first node counts.
    """
    pairs = [
        pair._replace(ratio=float(np.copysign(np.sqrt(pair.ratio / pair.drawn), pair.ratio)))
        for pair in find_pairs(reduction, ROUGHLY)
    ]
    scale = _scales(reduction, tuple(pairs), np.inf)
    return np.ones(len(reduction.coordinate)) if scale is None else scale


def nominal_scales(reduction: Reduction) -> Floats:
    """Return what the scales of nodes would be if amplifiers were as good as they are meant.

    Of a `reduction` before its pairs are scaled away.  What is farther off than `ROUGHLY` is no
    amplifier that works both ways, or keeps scales of 1.
    """
    scale = _scales(reduction, find_pairs(reduction, ROUGHLY), ROUGHLY)
    return np.ones(len(reduction.coordinate)) if scale is None else scale


def find_pairs(reduction: Reduction, near: float = NEAR) -> tuple[Pair, ...]:
    """Return forward sources whose output current comes back through a matching source."""
    table = reduction.controls
    backward: dict[int, list[int]] = {}
    for row in (~table.is_voltage).nonzero()[0]:
        terms = slice(table.ptr[row], table.ptr[row + 1])
        if table.constant[row] == 0 and table.of_current[terms].tolist() == [True]:
            backward.setdefault(int(table.index[terms][0]), []).append(int(row))
    pairs, taken = [], set()
    if not backward:
        return ()
    degree = _degrees(reduction)
    for tie in ((reduction.ties.source >= 0) & reduction.forest.in_tree).nonzero()[0]:
        pair = _match(reduction, int(tie), backward, degree, near)
        if pair is not None and pair.backward not in taken:
            pairs.append(pair)
            taken.add(pair.backward)
    return tuple(pairs)


def _degrees(reduction: Reduction) -> Ints:
    kinds = (reduction.ties, *reduction.joining, reduction.injections)
    ends = np.concatenate([end for kind in kinds for end in (kind.p, kind.q)])
    return np.bincount(ends, minlength=len(reduction.coordinate))


def _match(
    reduction: Reduction, tie: int, backward: dict[int, list[int]], degree: Ints, near: float
) -> Pair | None:
    """Return the pair whose forward source is a given controlled tie, None if it is in none."""
    ties, table = reduction.ties, reduction.controls
    forward = int(ties.source[tie])
    control = _single_control(reduction, forward)
    if control is None:
        return None
    node, gain = control
    output, sign = (ties.p[tie], 1.0) if ties.q[tie] == 0 else (ties.q[tie], -1.0)
    if 0 not in (ties.p[tie], ties.q[tie]):
        return None
    for sensed, direction in _series(reduction, tie, int(output), degree):
        for row in backward.get(sensed, ()):
            terms = slice(table.ptr[row], table.ptr[row + 1])
            drawn = direction * float(table.gain[terms][0])
            if (table.p[row], table.q[row]) == (0, node):
                drawn = -drawn
            elif (table.p[row], table.q[row]) != (node, 0):
                continue
            if abs(drawn * sign * gain - 1.0) <= near:
                below = reduction.nodes_below(tie)
                return Pair(forward, row, node, gain, below, sign * gain, drawn)
    return None


def _single_control(reduction: Reduction, row: int) -> tuple[int, float] | None:
    """Return the node and gain of a source that one free node's voltage controls."""
    table = reduction.controls
    terms = slice(table.ptr[row], table.ptr[row + 1])
    if table.constant[row] != 0 or table.of_current[terms].any():
        return None
    nodes = [(int(k), float(g)) for k, g in zip(table.index[terms], table.gain[terms], strict=True)]
    nodes = [(k, g) for k, g in nodes if k != 0 and g != 0]
    if len(nodes) != 1 or reduction.coordinate[nodes[0][0]] == 0:
        return None
    return nodes[0]


def _series(reduction: Reduction, tie: int, output: int, degree: Ints) -> list[tuple[int, float]]:
    """Return elements that carry a tie's whole output current, and its sign in them.

    The sign is that of current that the output delivers.
    """
    ties = reduction.ties
    own = -1.0 if ties.p[tie] == output else 1.0
    found = [(int(ties.element[tie]), own)]
    if degree[output] == 2:
        for other in reduction.ties_at[output]:
            if other != tie and ties.source[other] < 0 and reduction.forest.in_tree[other]:
                found.append((int(ties.element[other]), 1.0 if ties.p[other] == output else -1.0))
    return found


def _scales(reduction: Reduction, pairs: tuple[Pair, ...], near: float = NEAR) -> Floats | None:
    """Return the scale of every node, None if what is connected would need two scales.

    Each connected part has one scale.  A pair joins the part of its control with the parts
    that its output feeds.
    """
    part_of_node = reduction.part[reduction.coordinate]
    base = reduction.n_parts
    group = part_of_node.copy()  # parts first, then one group for the outputs of each pair
    for k, pair in enumerate(pairs):
        if (group[pair.outputs] >= base).any() or (part_of_node[pair.outputs] >= 0).any():
            return None
        group[pair.outputs] = base + k
    links: list[list[tuple[int, float]]] = [[] for _ in range(base + len(pairs))]
    for kind in reduction.joining:
        _link_equal(links, group, kind)
    for k, pair in enumerate(pairs):
        links[group[pair.control]].append((base + k, pair.ratio))
        links[base + k].append((int(group[pair.control]), 1.0 / pair.ratio))
    scale_of_group = _spread(links, near)
    if scale_of_group is None:
        return None
    return np.where(group >= 0, scale_of_group[group], 1.0)


def _link_equal(links: list[list[tuple[int, float]]], group: Ints, branches: Branches) -> None:
    a, b = group[branches.p], group[branches.q]
    joined: Bools = (a != b) & (a >= 0) & (b >= 0)
    for one, other in set(zip(a[joined].tolist(), b[joined].tolist(), strict=True)):
        links[one].append((other, 1.0))
        links[other].append((one, 1.0))


def _spread(links: list[list[tuple[int, float]]], near: float) -> Floats | None:
    """Return scales with ``scale[b] = ratio * scale[a]`` along all links, None if impossible."""
    scale = np.zeros(len(links))
    for start in range(len(links)):
        if scale[start]:
            continue
        scale[start] = 1.0
        queue = deque([start])
        while queue:
            one = queue.popleft()
            for other, ratio in links[one]:
                if not scale[other]:
                    scale[other] = scale[one] * ratio
                    queue.append(other)
                elif abs(scale[other] / (scale[one] * ratio) - 1.0) > near:
                    return None
    return scale
