"""Where symbols stand: one after the other, each at the free place that suits its wires best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from ...arrays import Bools, Floats, Ints
from .geometry import ADVANCE, Box, Pin, Symbol
from .parts import Part

#: how far around its wires a symbol is tried, and what surrounds a sheet, in steps of the grid
REACH, BORDER = 17, 60
#: what corners and wrong directions cost, in steps of wire
CORNER, BACKWARDS, STANDING, LEFT, STEEP = 5.0, 4.0, 3.0, 0.7, 1.3
#: so many places of a long wire are looked at
MOST_POINTS = 40
#: letters of a voltage, which a straight wire should have room for beside a name
VOLTAGE = 8


class Placer:
    """Places the parts of a circuit; `gap` steps stay free around each."""

    def __init__(self, parts: Sequence[Part], supplies: Iterable[str], gap: int) -> None:
        self.parts, self.gap = parts, gap
        self.supplies = {"0", *supplies}
        # there is room for all of them one below the other
        sides = [max(c.box.right - c.box.left, c.box.top - c.box.bottom)
                 for c in (part.choices[0] for part in parts)]  # fmt: skip
        self.half = BORDER + int(sum(sides)) + len(parts) * (2 * gap + 4)
        sheet = (2 * self.half, 2 * self.half)
        self.taken: Bools = np.zeros(sheet, dtype=np.bool_)
        self.solid: Bools = np.zeros(sheet, dtype=np.bool_)  # without room around
        self.wires: Ints = np.zeros(sheet, dtype=np.int64)  # number of a node, from 1
        self.points: dict[str, list[tuple[int, int]]] = {}
        self.placed: dict[str, Symbol] = {}
        self.bounds = Box(0, 0, 0, 0)
        self.number = {net: k for k, net in enumerate({n: 0 for p in parts for n in p.nets}, 1)}

    def place(self) -> list[Symbol]:
        """Return all symbols at their places, in the order of the parts."""
        self._sources()
        waiting = [part for part in self.parts if part.name not in self.placed]
        while waiting:
            part = max(waiting, key=self._urgency)
            if not any(net in self.points for net in part.nets):
                part = self._first(waiting)
                self._apart(part)
            else:
                self._add(self._best(part))
            waiting.remove(part)
        return [self.placed[part.name] for part in self.parts]

    # ---- order ----

    def _signals(self, part: Part) -> list[str]:
        return [net for net in part.nets if net not in self.supplies]

    def _urgency(self, part: Part) -> tuple[float, ...]:
        """Rank what comes next: what is held by most, what hangs down, what goes on."""
        signals = self._signals(part)
        known = sum(net in self.points for net in signals)
        if not known:
            return (-1.0,)
        open_ends = len(signals) - known
        hangs = len(signals) == 1
        wide = part.kind in ("amplifier", "transistor", "crossbar")
        age = min(list(self.points).index(net) for net in signals if net in self.points)
        if wide:
            return (2.5 if known > 1 or open_ends <= 1 else 0.5, float(-age))
        return (3.0 if hangs else 2.0 if open_ends else 1.0, float(-age))

    def _first(self, waiting: Sequence[Part]) -> Part:
        """Return what a piece of the circuit begins with: a source, if it has one."""
        return min(waiting, key=lambda part: "source" not in part.kind)

    def _sources(self) -> None:
        """Put sources to ground at the left, supplies before, those that meet soon below."""
        sources = [
            part for part in self.parts
            if part.kind in ("voltage source", "current source") and "0" in part.nets
        ]  # fmt: skip
        for part in [s for s in sources if not self._signals(s)]:
            self._apart(part)
        signals = [s for s in sources if self._signals(s)]
        near = self._distances(signals[0]) if signals else {}
        for part in signals:
            if near.get(self._signals(part)[0], 99) <= 3:
                self._apart(part)

    def _distances(self, source: Part) -> dict[str, int]:
        """Return how many elements each node is away from a source."""
        found = dict.fromkeys(self._signals(source), 0)
        queue = list(found)
        for net in queue:
            for part in self.parts:
                if net in part.nets:
                    for other in self._signals(part):
                        if other not in found:
                            found[other] = found[net] + 1
                            queue.append(other)
        return found

    # ---- places ----

    def _apart(self, part: Part) -> None:
        """Begin a new piece: to the left for sources, below what is there."""
        best = min(part.choices, key=lambda s: (s.penalty, s.box.right - s.box.left))
        upright = [s for s in part.choices if s.box.top - s.box.bottom > s.box.right - s.box.left]
        if "source" in part.kind and upright:
            best = upright[0]
        box = best.box
        y = 0 if not self.placed else int(np.floor(self.bounds.bottom - box.top - self.gap - 1))
        self._add(best.moved(0, y))

    def _best(self, part: Part) -> Symbol:
        """Return the symbol in the position, and at the place, that costs least."""
        known = [p for net in self._signals(part) for p in self.points.get(net, [])]
        low = np.min(known, axis=0) - REACH
        high = np.max(known, axis=0) + REACH
        ys, xs = np.mgrid[low[1] : high[1] + 1, low[0] : high[0] + 1]
        found: list[tuple[float, Symbol, int, int]] = []
        counts = self._counts(part, xs, ys)
        for symbol in part.choices:
            cost = self._cost(symbol, xs, ys) + symbol.penalty
            cost[~self._free(symbol, xs, ys, *counts)] = np.inf
            for k in np.argsort(cost, axis=None, kind="stable")[:24].tolist():
                x, y = int(xs.flat[k]), int(ys.flat[k])
                if np.isfinite(cost.flat[k]):
                    found.append((float(cost.flat[k]), symbol, x, y))
        if not found:
            box = part.choices[0].box
            return part.choices[0].moved(0, int(self.bounds.bottom - box.top) - 2)
        found.sort(key=lambda entry: entry[0])
        looked = [
            (cost + 3.0 * self._blocked(symbol.moved(x, y)), k)
            for k, (cost, symbol, x, y) in enumerate(found[:60])
        ]
        _, _, symbol, x, y = min((c, k, *found[k][1:]) for c, k in looked)
        return symbol.moved(x, y)

    def _counts(self, part: Part, xs: Ints, ys: Ints) -> tuple[Ints, int, int]:
        """Return how much is taken below and left of each cell near, and where that begins."""
        boxes = [choice.box for choice in part.choices]
        reach = 2 + int(np.ceil(max(max(map(abs, box)) for box in boxes)))
        x, y = (max(0, int(v.min()) - reach + self.half) for v in (xs, ys))
        x1, y1 = (int(v.max()) + reach + self.half + 1 for v in (xs, ys))
        near = self.taken[y:y1, x:x1].astype(np.int64)
        return np.pad(near.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0))), x, y

    def _free(
        self, symbol: Symbol, xs: Ints, ys: Ints, counts: Ints, left: int, bottom: int
    ) -> Bools:
        """Tell at which places nothing is in the way of a symbol, its texts included."""
        free = np.ones(xs.shape, dtype=np.bool_)
        x, y = xs + self.half - left, ys + self.half - bottom
        height, width = counts.shape
        for box in [*symbol.bodies, *(text.box for text in symbol.texts)]:
            x0, y0 = x + int(np.floor(box.left)), y + int(np.floor(box.bottom))
            x1, y1 = x + int(np.ceil(box.right)) + 1, y + int(np.ceil(box.top)) + 1
            inside = (x0 >= 0) & (y0 >= 0) & (x1 < width) & (y1 < height)
            x0, x1 = (np.clip(v, 0, width - 1) for v in (x0, x1))
            y0, y1 = (np.clip(v, 0, height - 1) for v in (y0, y1))
            total = counts[y1, x1] - counts[y0, x1] - counts[y1, x0] + counts[y0, x0]
            free &= inside & (total == 0)
        last = 2 * self.half - 1
        for pin in symbol.pins:  # a pin lies on no wire of another node
            there = self.wires[
                np.clip(ys + pin.y + self.half, 0, last), np.clip(xs + pin.x + self.half, 0, last)
            ]
            free &= (there == 0) | (there == self.number[pin.net])
        return free

    def _cost(self, symbol: Symbol, xs: Ints, ys: Ints) -> Floats:
        """Return what a symbol costs at each place: wire, corners, turns away from the flow."""
        cost = np.zeros(xs.shape)
        known = [pin for pin in symbol.pins if pin.net in self.points]
        for pin in known:
            points = self.points[pin.net]
            there = np.array(points[:: 1 + len(points) // MOST_POINTS])
            dx = there[:, 0, None, None] - (xs + pin.x)
            dy = there[:, 1, None, None] - (ys + pin.y)
            far = np.abs(dx) + STEEP * np.abs(dy)
            room = ADVANCE * (len(pin.net) + VOLTAGE)
            far = np.where(dy == 0, np.maximum(far, room + 0.3 * (room - far)), far)
            far = far + CORNER * ((dx != 0) & (dy != 0))
            away = pin.side[0] * dx + pin.side[1] * dy < 0
            cost += (far + BACKWARDS * away).min(axis=0)
        for pin in symbol.pins:
            if pin.net not in self.points:
                ahead = max((pin.x - other.x for other in known), default=0)
                cost += LEFT * max(0, -ahead) + (STANDING if ahead == 0 else 0.0)
        box, bounds = symbol.box, self.bounds
        cost += 0.4 * np.maximum(0, ys + box.top - bounds.top)
        cost += 0.25 * np.maximum(0, bounds.bottom - ys - box.bottom)
        cost += 1.0 * np.maximum(0, bounds.left - xs - box.left)
        cost += 0.08 * np.maximum(0, xs + box.right - bounds.right)
        return np.asarray(cost)

    def _blocked(self, symbol: Symbol) -> int:
        """Return how many steps of the shortest wires are taken by something else."""
        total = 0
        for pin in symbol.pins:
            if pin.net in self.points:
                x, y = min(
                    self.points[pin.net], key=lambda p: abs(p[0] - pin.x) + abs(p[1] - pin.y)
                )
                ways = [((pin.x, y),), ((x, pin.y),)]
                total += min(self._steps([(pin.x, pin.y), *way, (x, y)], pin.net) for way in ways)
        return total

    def _steps(self, corners: Sequence[tuple[int, int]], net: str) -> int:
        half, own, count = self.half, self.number[net], 0
        for a, b in pairwise(corners):
            x0, x1, y0, y1 = min(a[0], b[0]), max(a[0], b[0]), min(a[1], b[1]), max(a[1], b[1])
            part = np.s_[y0 + half : y1 + half + 1, x0 + half : x1 + half + 1]
            wires = self.wires[part]
            count += int((self.solid[part] & (wires != own)).sum())
        return count

    # ---- what is taken ----

    def _add(self, symbol: Symbol) -> None:
        """Put a symbol where it is, and straight wires to pins that it faces."""
        self.placed[symbol.name] = symbol
        half = self.half
        for box in [*symbol.bodies, *(text.box for text in symbol.texts)]:
            left, bottom = (int(np.floor(v)) + half for v in box[:2])
            right, top = (int(np.ceil(v)) + half + 1 for v in box[2:])
            gap = self.gap
            self.taken[bottom - gap : top + gap, left - gap : right + gap] = True
            left, bottom = (int(np.ceil(v)) + half for v in box[:2])
            right, top = (int(np.floor(v)) + half + 1 for v in box[2:])
            self.solid[bottom:top, left:right] = True
        self.bounds = symbol.box if len(self.placed) == 1 else Box.around((self.bounds, symbol.box))
        for pin in symbol.pins:
            self._join(pin)

    def _join(self, pin: Pin) -> None:
        """Take what a straight wire to the nearest pin of the node needs, if there is one."""
        points, half = self.points.setdefault(pin.net, []), self.half
        straight = [p for p in points if p[0] == pin.x or p[1] == pin.y]
        nearest = min(straight, key=lambda p: abs(p[0] - pin.x) + abs(p[1] - pin.y), default=None)
        own = [(pin.x, pin.y)]
        if nearest is not None:
            x, y = nearest
            steps = max(abs(x - pin.x), abs(y - pin.y))
            dx, dy = np.sign(x - pin.x), np.sign(y - pin.y)
            own = [(pin.x + int(k * dx), pin.y + int(k * dy)) for k in range(steps + 1)]
        for x, y in own:
            self.taken[y + half, x + half] = True
            self.wires[y + half, x + half] = self.number[pin.net]
        points += [p for p in own if p not in points]
