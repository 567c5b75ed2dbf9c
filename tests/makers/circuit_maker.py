"""The workshop of random circuits: a builder that draws terminals and values itself.

Values are short decimals: the exact witness reads them as such, and ties (a diode exactly
on its knee) do occur.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from resnet_sim import Circuit, CircuitBuilder

MANTISSAS = ("1", "1.5", "2", "2.2", "3.3", "4.7", "6.8")
DROPS = (0.0, 0.0, 0.0, 0.3, 0.7)


class Maker:
    """A builder with random terminals and values; elements are named by kind and number."""

    def __init__(self, seed: int, nodes: int, decades: int = 6) -> None:
        self.random = Random(seed)
        self.builder = CircuitBuilder(f"seed {seed}")
        self.nodes = [str(k) for k in range(nodes + 1)]
        self.decades = decades
        self._count = 0
        self._driven: set[str] = set()

    def name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def pair(self, near: bool = False) -> tuple[str, str]:
        """Two different nodes; `near` keeps them neighbours, as in a ladder."""
        p = self.random.randrange(len(self.nodes))
        step = self.random.randint(1, 3) if near else self.random.randrange(1, len(self.nodes))
        return self.nodes[p], self.nodes[(p + step) % len(self.nodes)]

    def ohms(self) -> float:
        exponent = self.random.randint(-(self.decades // 2), self.decades - self.decades // 2)
        if self.decades == 0:
            exponent = 0
        mantissa = self.random.choice(MANTISSAS) if exponent < self.decades // 2 else "1"
        return float(f"{mantissa}e{exponent}")

    def volts(self) -> float:
        return self.random.choice((0.0, 1.0, -1.0, 2.0, 5.0, -5.0, 0.5, 1.5, 3.3, -2.5))

    def amps(self) -> float:
        exponent = self.random.randint(-3, 0)
        return float(f"{self.random.choice((0, 1, -1, 2, -2.5))}e{exponent}")

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    # ---- elements ----

    def resistor(self, p: str | None = None, q: str | None = None) -> str:
        p, q = (p, q) if p is not None and q is not None else self.pair()
        name = self.name("r")
        self.builder.resistor(name, p, q, self.ohms())
        return name

    def backbone(self, density: float = 1.6, holes: float = 0.05) -> None:
        """Resistors that join nearly all nodes, and some more."""
        for k in range(1, len(self.nodes)):
            if not self.chance(holes):
                self.resistor(self.nodes[k], self.nodes[self.random.randrange(k)])
        for _ in range(int((density - 1) * len(self.nodes))):
            self.resistor()

    def source(self, p: str | None = None, q: str | None = None) -> str:
        p, q = (p, q) if p is not None and q is not None else self.pair()
        name = self.name("v")
        self.builder.voltage_source(name, p, q, self.volts())
        return name

    def grounded_source(self) -> str:
        """A source to ground, mostly at a node that has none yet."""
        fresh = [n for n in self.nodes[1:] if n not in self._driven]
        node = self.random.choice(fresh if fresh and self.chance(0.97) else self.nodes[1:])
        self._driven.add(node)
        return self.source(node, "0")

    def current(self) -> None:
        self.builder.current_source(self.name("i"), *self.pair(), self.amps())

    def short(self) -> None:
        self.builder.resistor(self.name("r"), *self.pair(), 0.0)

    def diode(self, p: str | None = None, q: str | None = None, **laws: float) -> None:
        p, q = (p, q) if p is not None and q is not None else self.pair()
        if {p, q} <= self._driven | {"0"} and self.chance(0.8):
            # between two sources it would often contradict them
            return
        laws.setdefault("v_forward", self.random.choice(DROPS))
        self.builder.diode(self.name("d"), p, q, **laws)

    def real_diode(self) -> None:
        """A diode with some of on-resistance, leakage and breakdown, each of which may be ideal."""
        r_on, r_off = self.on_and_off()
        breakdown = self.random.choice((math.inf, math.inf, 1.0, 4.7))
        r_reverse = self.random.choice((0.0, 1.0)) if math.isfinite(breakdown) else 0.0
        self.diode(r_on=r_on, r_off=r_off, v_reverse=breakdown, r_reverse=r_reverse)

    def on_and_off(self) -> tuple[float, float]:
        """Resistances of something that conducts and blocks, within the decades asked for."""
        if self.decades < 6:
            return self.random.choice((0.0, 0.2, 1.0)), self.random.choice((math.inf, 10.0))
        return self.random.choice((0.0, 0.01, 0.5, 10.0)), self.random.choice((math.inf, 1e4, 1e6))

    def many(self, most: int, element: Callable[[], object], least: int = 0) -> None:
        for _ in range(self.random.randint(least, most)):
            element()

    def build(self) -> Circuit:
        return self.builder.build()
