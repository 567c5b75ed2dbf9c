"""Wires: for each node the pins are joined, one after the other, by the cheapest way on the grid.

A way costs its length, its corners and the wires it crosses; symbols, texts and the pins of other
nodes are not crossed at all, and other wires only at right angles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from itertools import pairwise, product

import numpy as np

from .geometry import Box, Symbol

Cell = tuple[int, int]
Segment = tuple[Cell, Cell]

CORNER, CROSSING, NEAR = 5, 3, 1
#: room around the symbols
BORDER = 6
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


class Router:
    """Routes the wires between placed symbols."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        box = Box.around(symbol.box for symbol in symbols)
        self.left = int(np.floor(box.left)) - BORDER
        self.bottom = int(np.floor(box.bottom)) - BORDER
        width = int(np.ceil(box.right)) + BORDER - self.left + 1
        height = int(np.ceil(box.top)) + BORDER - self.bottom + 1
        #: what each cell holds: a symbol, or the pin of a node
        self.solid = np.zeros((width, height), dtype=np.bool_)
        self.near = np.zeros((width, height), dtype=np.int64)
        self.pins: dict[Cell, str] = {}
        self.nets: dict[str, list[Cell]] = {}
        for symbol in symbols:
            self._block(symbol)
        for symbol in symbols:
            for pin in symbol.pins:
                cell = (pin.x - self.left, pin.y - self.bottom)
                self.pins[cell] = pin.net
                self.solid[cell] = False
                for k in range(3):  # straight on from a pin is as good as anywhere
                    self.near[cell[0] + int(k * pin.side[0]), cell[1] + int(k * pin.side[1])] = 0
                if cell not in self.nets.setdefault(pin.net, []):
                    self.nets[pin.net].append(cell)
        for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
            self.solid[edge] = True  # nothing leaves the sheet
        #: node -> cell -> directions in which its wire leaves it
        self.trees: dict[str, dict[Cell, set[int]]] = {}
        # cells are asked one by one, which takes arrays five times as long
        cells = list(product(range(width), range(height)))
        self._solid = dict(zip(cells, self.solid.ravel().tolist(), strict=True))
        self._near = dict(zip(cells, self.near.ravel().tolist(), strict=True))

    def _block(self, symbol: Symbol) -> None:
        boxes = [(box, 0.1) for box in symbol.bodies] + [(t.box, 0.25) for t in symbol.texts]
        for box, more in boxes:
            x = slice(
                int(np.ceil(box.left - more)) - self.left,
                int(np.floor(box.right + more)) - self.left + 1,
            )
            y = slice(
                int(np.ceil(box.bottom - more)) - self.bottom,
                int(np.floor(box.top + more)) - self.bottom + 1,
            )
            self.solid[x, y] = True
            self.near[x.start - 1 : x.stop + 1, y.start - 1 : y.stop + 1] = 1

    def route(self) -> list[str]:
        """Route all nodes, those with short wires first; return those that are in pieces."""
        order = sorted(self.nets, key=lambda net: (self._extent(net), net))
        failed: list[str] = []
        for _ in range(3):
            self.trees = {}
            failed = [net for net in order if not self._tree(net)]
            if not failed:
                return []
            order = failed + [net for net in order if net not in failed]
        return failed

    def _extent(self, net: str) -> int:
        x, y = ([cell[axis] for cell in self.nets[net]] for axis in (0, 1))
        return max(x) - min(x) + max(y) - min(y)

    def _tree(self, net: str) -> bool:
        """Join the pins of a node; False if one can't be reached."""
        first, *others = sorted(self.nets[net])
        tree: dict[Cell, set[int]] = {first: set()}
        self.trees[net] = tree
        self._foreign = self._others(net)
        waiting, whole = set(others), True
        while waiting:
            way = self._way(net, tree, waiting)
            if way is None:
                whole = False
                cell = min(waiting)
                tree.setdefault(cell, set())
                waiting.discard(cell)
                continue
            for a, b in pairwise(way):
                step = _STEPS.index((b[0] - a[0], b[1] - a[1]))
                tree.setdefault(a, set()).add(step)
                tree.setdefault(b, set()).add((step + 2) % 4)
            waiting -= set(tree)
        return whole

    def _others(self, net: str) -> dict[Cell, int]:
        """Return what other wires leave of each cell: 0 a horizontal way, 1 a vertical, 2 none."""
        found: dict[Cell, int] = {}
        for other, tree in self.trees.items():
            if other != net:
                for cell, steps in tree.items():
                    straight = {frozenset((0, 2)): 1, frozenset((1, 3)): 0}
                    found[cell] = straight.get(frozenset(steps), 2) if cell not in found else 2
        for cell, other in self.pins.items():
            if other != net:
                found[cell] = 2
        return found

    def _way(self, net: str, tree: dict[Cell, set[int]], goals: set[Cell]) -> list[Cell] | None:
        """Return the cheapest way from what is wired to a pin, by A* (Hart et al., 1968).

        What is still to go is at least the distance to the rectangle around all goals.
        """
        foreign, solid, near = self._foreign, self._solid, self._near
        best: dict[tuple[Cell, int], int] = {}
        before: dict[tuple[Cell, int], tuple[Cell, int] | None] = {}
        heap: list[tuple[int, int, int, int, int]] = []
        xs, ys = ([cell[axis] for cell in goals] for axis in (0, 1))
        left, right, low, high = min(xs), max(xs), min(ys), max(ys)

        def ahead(x: int, y: int) -> int:
            return max(left - x, 0, x - right) + max(low - y, 0, y - high)

        for x, y in tree:
            for step in range(4):
                best[(x, y), step] = 0
                before[(x, y), step] = None
                heappush(heap, (ahead(x, y), 0, x, y, step))
        while heap:
            _, cost, x, y, step = heappop(heap)
            here = ((x, y), step)
            if cost > best[here]:
                continue
            if (x, y) in goals:
                return _back(here, before)
            held = foreign.get((x, y))
            for turn in range(4):
                if turn == (step + 2) % 4 or (held is not None and turn != step):
                    continue
                cell = x + _STEPS[turn][0], y + _STEPS[turn][1]
                there = foreign.get(cell)
                if (solid[cell] and cell not in goals) or (there is not None and there != turn % 2):
                    continue
                more = cost + 1 + CORNER * (turn != step) + NEAR * near[cell]
                more += CROSSING if there is not None else 0
                key = (cell, turn)
                if more < best.get(key, 1 << 60):
                    best[key] = more
                    before[key] = here
                    heappush(heap, (more + ahead(*cell), more, *cell, turn))
        return None

    # ---- what it amounts to ----

    def wires(self) -> dict[str, list[Segment]]:
        """Return straight pieces of wire by node, as long as they can be."""
        return {net: list(self._segments(tree)) for net, tree in self.trees.items()}

    def _segments(self, tree: dict[Cell, set[int]]) -> Iterable[Segment]:
        for (x, y), steps in tree.items():
            for step in (0, 1):
                back = (step + 2) % 4
                if step in steps and back not in steps:
                    ex, ey = x, y
                    while step in tree[ex, ey]:
                        ex, ey = ex + _STEPS[step][0], ey + _STEPS[step][1]
                    yield (
                        (x + self.left, y + self.bottom),
                        (ex + self.left, ey + self.bottom),
                    )

    def dots(self) -> list[tuple[str, Cell]]:
        """Return where three or more pieces of a wire meet, or two at a pin."""
        return [
            (net, (x + self.left, y + self.bottom))
            for net, tree in self.trees.items()
            for (x, y), steps in tree.items()
            if len(steps) + ((x, y) in self.pins) > 2
        ]


def _back(
    here: tuple[Cell, int], before: dict[tuple[Cell, int], tuple[Cell, int] | None]
) -> list[Cell]:
    way = [here[0]]
    found = before[here]
    while found is not None:
        way.append(found[0])
        found = before[found]
    return way[::-1]
