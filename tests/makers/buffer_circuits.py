"""Random op-amp circuits in which next to no current flows: buffers, followers, instrumentation.

Resistors in series with capacitors, dangling ones, and inputs of amplifiers carry nothing.
"""

from __future__ import annotations

from random import Random

from resnet_sim import Circuit, parse_netlist


class _Deck:
    def __init__(self, random: Random) -> None:
        self.random, self.lines, self.count = random, [], 0

    def name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def ohms(self) -> float:
        return float(f"{10 ** self.random.uniform(2.5, 6):.3g}")

    def resistor(self, a: str, b: str) -> None:
        self.lines.append(f"{self.name('r')} {a} {b} {self.ohms()}")

    def source(self, a: str) -> None:
        volts = self.random.choice(
            [0.0, self.random.uniform(-12, 12), 10 ** self.random.uniform(-3, 1)]
        )
        self.lines.append(f"{self.name('v')} {a} 0 {volts}")

    def gain(self) -> str:
        return f"{10 ** self.random.uniform(3, 8):.3g}"

    def dangle(self, node: str) -> None:
        """A resistor that ends nowhere, at a capacitor, or at a chain of both."""
        for _ in range(self.random.randint(0, 3)):
            other = self.name("n")
            self.resistor(node, other)
            if self.random.random() < 0.6:
                self.lines.append(f"{self.name('c')} {other} 0 1u")
            node = self.random.choice([node, other])

    def amplifier(self, plus: str, minus: str, out: str) -> None:
        self.lines.append(f"{self.name('e')} {out} 0 {plus} {minus} {self.gain()}")

    def filtered(self, node: str) -> str:
        """An RC lowpass, or none."""
        for _ in range(self.random.randint(0, 2)):
            other = self.name("n")
            self.resistor(node, other)
            self.lines.append(f"{self.name('c')} {other} 0 10n")
            node = other
        return node

    def buffer(self, node: str) -> str:
        """Unity gain, with a resistor in the feedback or none."""
        plus, out = self.filtered(node), self.name("n")
        minus = out
        if self.random.random() < 0.6:
            minus = self.name("n")
            self.resistor(minus, out)
        self.amplifier(plus, minus, out)
        self.dangle(minus)
        self.dangle(out)
        return out

    def follower(self, node: str) -> str:
        """Non-inverting, of some gain."""
        plus, minus, out = self.filtered(node), self.name("n"), self.name("n")
        self.amplifier(plus, minus, out)
        self.resistor(out, minus)
        self.resistor(minus, "0")
        self.dangle(minus)
        return out

    def instrumentation(self, a: str, b: str) -> str:
        """Three amplifiers."""
        plus = [self.filtered(a), self.filtered(b)]
        minus, out = [self.name("n"), self.name("n")], [self.name("n"), self.name("n")]
        for k in range(2):
            self.amplifier(plus[k], minus[k], out[k])
            self.resistor(out[k], minus[k])
        self.resistor(*minus)
        last, p, m = self.name("n"), self.name("n"), self.name("n")
        self.resistor(out[0], m)
        self.resistor(m, last)
        self.resistor(out[1], p)
        self.resistor(p, "0")
        self.amplifier(p, m, last)
        self.dangle(p)
        return last


def buffer_circuit(seed: int) -> Circuit:
    """Return a random chain of such stages."""
    random = Random(f"buffer {seed}")
    deck = _Deck(random)
    nodes = ["a", "b"]
    deck.source("a")
    deck.source("b")
    for _ in range(random.randint(1, 3)):
        kind = random.choice(["buffer", "follower", "instrumentation"])
        if kind == "instrumentation":
            nodes.append(deck.instrumentation(*random.sample(nodes, 2)))
        else:
            nodes.append(getattr(deck, kind)(random.choice(nodes)))
    for node in nodes:
        if random.random() < 0.3:
            deck.resistor(node, "0")
        deck.dangle(node)
    return parse_netlist("\n".join(["buffers", *deck.lines, ".end"]))
