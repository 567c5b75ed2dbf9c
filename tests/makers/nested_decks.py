"""Random decks of subcircuits within each other, of cards in many spellings, as ngspice reads them.

All devices occur, also real ones; parameters are formulas of each other, instances give them
other values and count, blocks stand in any order, lines are broken and commented.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

Lines = list[str]


class Cell(NamedTuple):
    """A subcircuit: its ports, its parameters, its text, and whether ngspice multiplies it."""

    name: str
    ports: Lines
    own: Lines
    lines: Lines
    is_plain: bool


#: what a card may be; P and Q are its ends, K a node of its own, A and B any nodes, U a node with
#: a known voltage, W the 0 V source of a known current
PLAIN = [
    "R P Q {ohms}", "R P Q r={ohms} {heat}", "R P Q {ohms} m={count} scale={count}",
    "R P Q {ohms} @r l=20u w=4u {heat}", "R P Q @sheet l={width} w=5u", "C P Q 1u ic=1",
    "I P Q {amps}", "G P Q A B {slope}", "L P K 1m\nR K Q 2k", "D P K @d\nR K Q {ohms}",
    "G P Q cur='{formula}*.1m'",
]  # fmt: skip
OTHERS = [
    "V P K {volts}\nR K Q {ohms}", "E K Q A B {gain}\nR K P {ohms}", "F P Q W {gain}",
    "H K Q W {gain}k\nR K P {ohms}", "E K Q POLY(2) A 0 B 0 .1 {gain} .2 .01\nR K P {ohms}",
    "G P Q poly(1) A B 10u {gain}m .01m", "B K Q V={formula} {warm}\nR K P {ohms}",
    "B P Q I = .1m*({formula})", "E K Q vol='{formula}' {warm}\nR K P {ohms}",
    "E K Q VALUE = {{{formula}}}\nR K P {ohms}", "G P Q value={{.1m*({formula})}}",
    "A P K @si\nR K Q {ohms}", "S P K U 0 @sw {state}\nR K Q {ohms}", "W P K W @csw\nR K Q {ohms}",
    "Q P K Q @npn {area}\nR K A {base}", "Q P K Q @pnp {area}\nR K A {base}",
    "M P A Q Q @nmos w={width} l=1u", "M P A Q vdd @pmos w={width}", "J P A Q @njf {area}",
    "J P A Q @pjf",
]  # fmt: skip
#: models; what stands behind the bar is there now and then
MODELS = {
    "r": "r (tc1={small} tc2=1u|tnom=50)",
    "sheet": "res (rsh={rsh}|narrow=.3u short=.2u tc1={small} tce=.1 defw=3u)",
    "d": "d (is={tiny} n=1.3|rs=9 bv=6 ibv=1m isr=1e-10 nr=1.9 ikf=5m tnom=40 eg=1 xti=2 trs1=1m)",
    "si": "sidiode (ron={rsh} roff=1Meg|vfwd=.6 vrev=4 rrev=30)",
    "sw": "sw (ron={rsh} roff=1e7 vt=2|vh=.2)", "csw": "csw (ron={rsh} roff=1e7 it=1m|ih=.1m)",
    "npn": "npn (bf=90 is=1e-15|vaf=50 re=2 rc=20 rb=90 br=2 ikf=20m ise=1e-13 xtb=1.5)",
    "pnp": "pnp (bf=60 is=1e-15|vaf=40 re=1 rb=50 nf=1.05 isc=1e-13 irb=1m rbm=3 var=20)",
    "nmos": "nmos (vto=.9 kp=60u|gamma=.4 phi=.65 lambda=.02 rd=9 tox=1e-7 js=1e-8 level=1)",
    "pmos": "pmos (vto=-.8 kp=30u|gamma=.3 lambda=.01 rs=5 nsub=1e15 is=1e-13)",
    "njf": "njf (vto=-2 beta=.5m|lambda=.02 rd=10 is=1e-13 b=.8 vtotc=-1m)",
    "pjf": "pjf (vto=-1.5 beta=.3m|lambda=.01 rs=5 bex=-1.5)",
}  # fmt: skip
FUNCTIONS = [
    "({x}+{y})", "{x}*{y}", "({x}-{y})", "abs({x})", "sqrt(abs({x}))", "max({x},{y})", "sgn({x})",
    "min({x}, {y})", "({x})**2", "({x}) ^ 2", "(({x})>({y}) ? ({x}) : ({y}))", "atan({x})",
    "tanh({x})", "int({x})", "floor({x})", "ceil({x})", "nint({x})", "cos({x})", "!({x})",
    "pwr({x},2)", "ln(1+abs({x}))", "{x}/(1+abs({y}))", "ternary_fcn({x}<{y},{x},{y})",
    "({x}<{y} && {y}>0)", "f({x},{y})", "g({x})", "{x} - {y} - {x}", "1/(1+abs({x}))*{y}",
    "asinh({x})", "pow(abs({x}),{y})",
]  # fmt: skip
SOURCES = [
    "({x}+{y})", "({x}-{y})", "{x}*tanh({y})", "max({x},{y})", "min({x},{y})", "abs({x})",
    "({x}>{y} ? {x} : {y})", "tanh({x})", "sin({x})", "exp(-abs({x}))", "-{x}", "uramp({x})",
    "sqrt(abs({x})+.1)", "atan({x})", "ln(1+abs({x}))", "({x})**2/(1+({x})**2)", "u2({x})",
    "pwl({x},-1,-1,0,.2,2,1)", "-({x})^2/(1+abs({x}))", "pow({x},2)/5", "pwr({x},2)/5",
    "{x}/(2+abs({y}))", "f({x},{y})", "2**tanh({x})", "({x})**3/(1+abs({x})**3)", "-{x}**2/20",
    "asinh({x})",
]  # fmt: skip
WAVES = [
    "PULSE({x} {y} -3u 1u 2u 5u 11u)", "pulse ({x} {y})", "SIN({x} {y} 70k -2u 9k 40)",
    "sin({x}, {y}, 70k, -1u)", "exp({x} {y} -3u 2u -1u 4u)", "PWL(-1u {x} 2u {y})",
    "sffm({x} {y} 1k 2 100)", "AM({x} {y} 20k 70k)", "pwl(0 {x} 1u {y})",
    "sin {x} {y} 1k",
]  # fmt: skip


class Nest:
    """Makes one deck from random numbers."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.count = 0
        self.names: Lines = []
        self.models: Lines = []

    def pick(self, *choices: str) -> str:
        return self.rng.choice(choices)

    def number(self, low: float, high: float) -> str:
        """Return a number in one of the spellings that SPICE knows."""
        x = float(f"{self.rng.uniform(low, high):.4g}")
        return self.pick(
            f"{x:g}", f"{x:e}", f"{x * 1e3:g}m", f"{x / 1e3:g}K", f"{x / 1e6:g}MEG",
            f"{x * 1e9:g}n", f"{x / 1e9:g}g", f"{x / 1e12:g}T", f"{x / 1e3:g}kohm", f"{x:.5E}",
            f"{x * 1e6:g}u",
        )  # fmt: skip

    def value(self, low: float, high: float) -> str:
        """Return a number, or an expression whose value lies between."""
        if self.rng.random() < 0.6:
            return self.number(low, high)
        part = self.nested(FUNCTIONS, self.leaf)
        text = f"{low:g}+abs({part})/(1+abs({part}))*{high - low:g}"
        return self.pick("{%s}", "'%s'", "{ %s }") % text

    def leaf(self) -> str:
        plain = self.pick(f"{self.rng.uniform(0.2, 3):.3g}", f"{self.rng.uniform(200, 3000):.4g}m")
        return self.pick(plain, *self.names[-2:])

    def nested(self, forms: Lines, leaf: Callable[[], str], depth: int = 2) -> str:
        if depth == 0 or self.rng.random() < 0.2:
            return leaf()
        x, y = (self.nested(forms, leaf, depth - 1) for _ in "xy")
        return self.rng.choice(forms).format(x=x, y=y)

    def name(self, letter: str) -> str:
        self.count += 1
        letter = self.pick(letter, letter.lower())
        return f"{letter}{self.pick('', 'x', '_a', 'load', '+', '-')}{self.count}"

    def model(self, kind: str) -> str:
        """Make a model card; return its name."""
        self.count += 1
        # resistors whose model looks like a number are refused
        first = self.pick("m", "Mod_", "m" if kind in ("r", "sheet") else "1n")
        name = f"{first}{self.count}{kind[:3]}"
        text, _, more = MODELS[kind].rstrip(")").partition("|")
        some = [word for word in more.split() if self.rng.random() < 0.3]
        text = " ".join([text, *some]).format(
            small=f"{self.rng.uniform(-2e-3, 2e-3):.3g}", rsh=f"{self.rng.uniform(50, 900):.4g}",
            tiny=f"{10 ** self.rng.uniform(-15, -10):.3g}",
        )  # fmt: skip
        self.models.append(f".model {name} {self.pick(text + ')', text.replace('(', ' '))}")
        return name

    def source(self, low: float, high: float) -> str:
        """Return what stands behind the nodes of an independent source."""
        also = self.pick("", "", "AC 1", "ac=1,45", "distof1 1")
        x, y = (f"{self.rng.uniform(low, high):.3g}" for _ in "xy")
        wave = self.rng.choice(WAVES).format(x=x, y=y)
        if self.rng.random() < 0.3:
            return f"{wave} {also}"
        value = self.value(low, high)
        return f"{self.pick('', 'DC ', 'dc=', 'DC = ')}{value} {also} {self.pick('', '', wave)}"

    def card(self, form: str, nodes: Lines) -> Lines:
        """Return the lines of a card between two of the nodes."""
        p, q = self.rng.sample(nodes, 2)
        a, b = (self.rng.choice(nodes) for _ in "ab")
        self.count += 1
        ends = {"P": p, "Q": q, "A": a, "B": b, "K": f"k{self.count}", "U": "vdd", "W": "vcc"}
        probes = [f"v({a})", f"V({a},{b})", f"v({q})", *self.names[-1:]]
        heat = [f"tc1={self.rng.uniform(-2e-3, 2e-3):.3g}", "tc2=1u", "temp=60", "dtemp=20"]
        fill = {
            "ohms": self.value(300, 6e3), "amps": self.source(-2e-3, 2e-3),
            "volts": self.source(-5, 5), "gain": f"{self.rng.uniform(-0.9, 0.9):.3g}",
            "slope": self.value(5e-5, 3e-4), "count": self.pick("2", "3", ".5", "{1+1}"),
            "base": self.value(3e4, 3e5), "width": self.number(5e-6, 5e-5),
            "heat": " ".join(x for x in heat if self.rng.random() < 0.4),
            "warm": self.pick("", heat[0], "tc1=1m dtemp=10"), "state": self.pick("", "on", "OFF"),
            "area": self.pick("", "2", "area=3", "m=2"),
            "formula": self.nested(SOURCES, lambda: self.pick(*probes, "1.3", "-.6")),
        }  # fmt: skip
        lines = []
        for line in form.split("\n"):
            letter, *words = line.split(" ")
            here = [ends.get(word, word) for word in words]
            here = [self.model(word[1:]) if word[0] == "@" else word for word in here if word]
            lines.append(" ".join([self.name(letter), *here]).format(**fill))
        return lines

    def body(self, ports: Lines, count: int, plain: bool) -> tuple[Lines, Lines]:
        """Return the nodes and the lines of a circuit; all nodes hang on resistors."""
        inner = [f"{self.pick('n', 'N', 'out')}{k}" for k in range(self.rng.randint(1, 3))]
        lines = [
            f"{self.name('R')} {n} {self.rng.choice(ports)} {self.value(400, 5e3)}" for n in inner
        ]
        nodes, forms = [*ports, *inner], PLAIN if plain else PLAIN + OTHERS
        for _ in range(count):
            lines += self.card(self.rng.choice(forms), nodes)
        return nodes, lines

    def call(self, cell: Cell, nodes: Lines) -> str:
        """Return an instance; its m= only where ngspice multiplies all that is in it."""
        given = [f"{key}={self.value(0.3, 3)}" for key in cell.own if self.rng.random() < 0.6]
        if cell.is_plain and self.rng.random() < 0.4:
            given.append(f"m={self.pick('2', '3', '{1+1}')}")
        ends = " ".join(self.rng.choice(nodes) for _ in cell.ports)
        name = self.pick(cell.name, cell.name.upper())
        return f"{self.name('X')} {ends} {name} {' '.join(given)}"

    def cell(self, number: int, known: list[Cell]) -> Cell:
        """Make a subcircuit, which may use those that are known."""
        outside, plain = self.names, self.rng.random() < 0.4
        own = [f"w_{k}" for k in range(self.rng.randint(0, 2))]
        before, self.models, self.names = self.models, [], [*outside, *own]
        ports = ["p", "q", "r"][: self.rng.randint(2, 3)]
        nodes, lines = self.body(ports, self.rng.randint(1, 4), plain)
        if not plain:
            lines += [self.call(cell, nodes) for cell in known if self.rng.random() < 0.5]
        lines += self.models
        self.models, self.names = before, outside
        self.rng.shuffle(lines)
        defaults = " ".join(f"{key}={self.rng.uniform(0.3, 3):.3g}" for key in own)
        name, words = f"cell{number}", self.pick("", "params: ") if own else ""
        head = f".subckt {name} {' '.join(ports)} {words}{defaults}"
        return Cell(name, ports, own, [head, *lines, self.pick(".ends", f".ends {name}")], plain)

    def broken(self, line: str) -> str:
        """Return a line as users write it."""
        words = line.split(" ")
        if self.rng.random() < 0.05 and len(words) > 3 and not set(line) & set("{'\n"):
            at = self.rng.randint(2, len(words) - 1)
            line = " ".join(words[:at]) + "\n+ " + " ".join(words[at:])
        return line + self.pick(*[""] * 20, " ; V1 a 0 1", " $ comment", "\n* R1 a 0 1")

    def deck(self) -> str:
        """Return the text of the deck."""
        head = [".func f(x,y) {x*.5+max(y,.1)}", ".param g(x)='abs(x)+.3'", ".global vdd"]
        for k in range(self.rng.randint(1, 3)):
            text = self.nested(FUNCTIONS, self.leaf)
            head.append(f".param p{k}={self.pick('{%s}', chr(39) + '%s' + chr(39)) % text}")
            self.names.append(f"p{k}")
        cells: list[Cell] = []
        for k in range(self.rng.randint(0, 3)):
            cells.append(self.cell(k, cells))
        nodes, lines = self.body(["vdd", "0", "a", "b"], self.rng.randint(1, 5), False)
        lines += ["Vdd vdd 0 5", "Vcc vdd vd2 0", "Rvd vd2 0 3k", "Ra a vdd 1k", "Rb b 0 2k"]
        lines += ["Rab a b 1.5k", *(self.call(cell, nodes) for cell in cells), *self.models]
        heat = [f".temp {self.rng.uniform(-30, 90):.3g}", ".options temp=60", ".option tnom=40"]
        if self.rng.random() < 0.3:
            head.append(self.pick(*heat))
        if self.rng.random() < 0.2:
            lines += [f".if ({self.leaf()} > .7)", "Rif a 0 1k", ".else", "Rif b 0 1k", ".endif"]
        blocks = [head, lines, *(cell.lines for cell in cells)]
        self.rng.shuffle(blocks)
        text = [self.broken(line) for block in blocks for line in block]
        tight = ".options reltol=1e-7 abstol=1e-14 vntol=1e-10"
        return "\n".join(["random deck", *text, tight, ".op", ".end", ""])


def nested_deck(seed: int) -> str:
    """Return a random deck."""
    return Nest(seed).deck()
