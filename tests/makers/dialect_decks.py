"""Random decks: a card in some form, with parameters that some simulator knows, in a small circuit.

A deck is made twice: as users write it, and for ngspice.  The two are the same wherever ngspice
knows the parameters; else the other one says with resistors what they mean.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

Lines = list[str]


class Pair(NamedTuple):
    """A deck, and the same for ngspice."""

    ours: str
    theirs: str


class Maker:
    """Makes cards from random numbers."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    # ---- pieces of cards ----

    def number(self, low: float = 0.1, high: float = 10.0) -> str:
        """Return a number in one of the forms that SPICE knows."""
        value = float(f"{self.rng.uniform(low, high):.4g}")
        return self.rng.choice(
            [
                f"{value:g}",
                f"{value * 1e3:g}m",
                f"{value * 1e3:g}M",
                f"{value / 1e3:g}k",
                f"{value / 1e6:g}Meg",
                f"{value * 1e6:g}u",
                f"{value:e}",
                f"{{{value:g}}}",
                f"{{{value / 2:g}*2}}",
                f"'{value:g}'",
                f"{{{value:g}+zero}}",
            ]
        )

    def ohms(self) -> str:
        value = float(f"{self.rng.uniform(100, 9000):.4g}")
        return self.rng.choice(
            [f"{value:g}", f"{value / 1e3:g}k", f"{value / 1e3:g}kOhm", f"{{{value:g}}}"]
        )

    def key(self, name: str, value: str) -> str:
        spelt = self.rng.choice([name, name.upper(), name.capitalize()])
        return spelt + self.rng.choice(["=", " = ", "= "]) + value

    def some(self, **known: Callable[[], str]) -> str:
        """Return some of the parameters, in a random order, and now and then an unknown one."""
        names = [name for name in known if self.rng.random() < 0.35]
        self.rng.shuffle(names)
        words = [self.key(name, known[name]()) for name in names]
        if self.rng.random() < 0.03:
            words.append(self.key(self.rng.choice(["foo", "rr", "temperature"]), "2"))
        return " ".join(words)

    def small(self) -> str:
        return f"{self.rng.uniform(-3e-3, 3e-3):.3g}"

    def degrees(self) -> str:
        return f"{self.rng.uniform(-40, 120):.3g}"

    def count(self) -> str:
        return self.rng.choice(["2", "3", "0.5", "1", "{2*1}"])

    def heat(self) -> dict[str, Callable[[], str]]:
        return {"tc1": self.small, "tc2": lambda: "1u", "temp": self.degrees, "dtemp": self.degrees}

    # ---- cards; a and b are driven, c hangs on a resistor ----

    def resistor(self) -> Lines:
        more = {"m": self.count, "scale": self.count, "ac": self.ohms, "noisy": lambda: "0"}
        more["tce"] = lambda: f"{self.rng.uniform(-1, 1):.2g}"
        value = self.rng.choice([self.ohms(), self.key("r", self.ohms())])
        return [f"Rx c 0 {value} {self.some(**self.heat(), **more)}"]

    def sheet(self) -> Lines:
        model = self.some(
            narrow=lambda: ".3u", short=lambda: ".2u", defw=lambda: "3u", tc1=self.small,
            tce=lambda: ".2", tnom=self.degrees, r=self.ohms, w=lambda: "7u", l=lambda: "8u",
        )  # fmt: skip
        value = self.rng.choice(["", "", self.ohms()])
        card = self.some(l=lambda: "12u", w=lambda: "4u", m=self.count, scale=self.count)
        order = [f"{value} rm", f"rm {value}"] if value else ["rm"]
        return [f"Rx c 0 {self.rng.choice(order)} {card}", f".model rm R (rsh=1k {model})"]

    def waveform(self) -> str:
        u = self.rng.uniform
        delay = f"{u(-30, 10):.3g}u"
        return self.rng.choice(
            [
                f"PULSE({u(-5, 5):.3g} {u(-5, 5):.3g} {delay} 1u 2u 5u 11u)",
                f"pulse {u(-5, 5):.3g} {u(-5, 5):.3g} {delay} 1u 2u 5u 11u 2",
                f"SIN({u(-5, 5):.3g} {u(-5, 5):.3g} 70k {delay} 9k {u(-90, 90):.3g})",
                f"sin({u(-5, 5):.3g}, {u(-5, 5):.3g}, 70k, {delay})",
                f"EXP({u(-5, 5):.3g} {u(-5, 5):.3g} -9u 3u {delay} 7u)",
                f"PWL({u(-9, -5):.3g}u 1 -1u {u(-5, 5):.3g} 2u {u(-5, 5):.3g})",
                f"pwl(0 {u(-5, 5):.3g} 1 2)",
                f"SFFM({u(-5, 5):.3g} {u(-5, 5):.3g} 1k 3 100 {u(-90, 90):.3g} {u(-90, 90):.3g})",
                f"AM({u(-5, 5):.3g} {u(-5, 5):.3g} 20k 70k {delay})",
            ]
        )

    def source(self) -> str:
        """Return what follows the nodes of an independent source."""
        lists = self.rng.choice(["", "", "AC=1 90", "AC 2", "ac=1,45", "distof1 1 2", "DISTOF2=3"])
        if self.rng.random() < 0.5:
            return f"{self.waveform()} {lists}"
        dc = self.number(-5, 5)
        form = self.rng.choice([f"{dc} {lists}", f"DC {dc} {lists}", f"{lists} DC={dc}"])
        return f"{form} {self.waveform()}" if self.rng.random() < 0.2 else form

    def voltage(self) -> Lines:
        return [f"Vx d 0 {self.source()}", "Rd d c 2k"]

    def current(self) -> Lines:
        gain = self.some(m=self.count)
        return ["Gd 0 c d 0 1m", f"Ix 0 d {self.source()} {gain}", "Rd d 0 1"]

    def reactance(self) -> Lines:
        more = self.some(
            ic=self.number, m=self.count, scale=self.count, tc1=self.small, tc2=self.small,
            temp=self.degrees, dtemp=self.degrees,
        )  # fmt: skip
        return [
            f"Cx c 0 1u {more}" if self.rng.random() < 0.4 else f"Lx c d 1m {more}",
            "Rd d 0 3k",
        ]

    def linear(self) -> Lines:
        gain = f"{self.rng.uniform(-2, 2):.3g}"
        control = self.rng.choice(["a b", "(a,b)", "(a b)"])
        return self.rng.choice(
            [
                [f"Ex d 0 {control} {gain}", "Rd d c 1k"],
                [f"Gx c 0 {control} {gain}m {self.some(m=self.count)}"],
                [f"Fx c 0 Va {gain} {self.some(m=self.count)}"],
                [f"Hx d 0 Va {gain}k", "Rd d c 1k"],
                [f"Ex d 0 POLY(2) a 0 b 0 0.3 {gain} 0.4", "Rd d c 1k"],
                [f"Gx c 0 POLY(1) {control} 1m {gain}m"],
                [f"Fx c 0 POLY(1) Va 1m {gain}"],
            ]
        )

    def formula(self) -> Lines:
        u = self.rng.uniform
        text = self.rng.choice(
            [
                f"v(a)*{u(-2, 2):.3g}+{u(-2, 2):.3g}",
                f"{u(-2, 2):.3g}*v(a,b)-v(b)/{u(2, 4):.3g}",
                f"{u(-2, 2):.3g}*(v(a)-{u(-2, 2):.3g})",
                f"{u(-2, 2):.3g}+500*i(Va)",
                f"v(b)*sqrt({u(1, 2):.3g})+cos({u(1, 2):.3g})",
            ]
        )
        more = {**self.heat(), "m": self.count}
        if self.rng.random() < 0.3:
            more |= {"reciproctc": lambda: "1", "reciprocm": lambda: "1"}
        some = self.some(**more)
        return self.rng.choice(
            [
                [f"Bx d 0 V={text} {some}", "Rd d c 1k"],
                [f"Bx d 0 I={text} {some}", "Rd d 0 1", "Gd c 0 d 0 1m"],
                [f"Ex d 0 vol='{text}' {some}", "Rd d c 1k"],
                [f"Ex d 0 VALUE = {{{text}}} {some}", "Rd d c 1k"],
                [f"Gx d 0 cur='{text}' {some}", "Rd d 0 1", "Gd c 0 d 0 1m"],
                [f"Gx d 0 value={{{text}}} {some}", "Rd d 0 1", "Gd c 0 d 0 1m"],
            ]
        )

    def switch(self) -> Lines:
        limits = [f"{self.rng.uniform(0, 6):.3g}", f"{self.rng.uniform(0, 2):.3g}"]
        if self.rng.random() < 0.5:
            # ngspice takes no notice of ON and OFF here
            limits = [f"{float(x) / 1e3:g}" for x in limits]
            return ["Wx c 0 Va wm", f".model wm CSW (ron=1k it={limits[0]} ih={limits[1]})"]
        state = self.rng.choice(["", "ON", "off"])
        return [f"Sx c 0 a b sm {state}", f".model sm SW (ron=1k vt={limits[0]} vh={limits[1]})"]

    def diode(self) -> Lines:
        drop, on = self.rng.uniform(0, 2), self.rng.uniform(1, 500)
        model = self.rng.choice(["", f"vrev={self.rng.uniform(3, 9):.3g}", "rrev=20 vrev=1"])
        ends = self.rng.choice(["c 0", "0 c"])
        # without Roff it conducts both ways
        off = self.rng.choice(["roff=1Meg", "roff=1Meg", "roff=2k", ""])
        on = on if off else on / 500
        return [
            f"Ax {ends} dm",
            f".model dm sidiode (ron={on:.3g} {off} vfwd={drop:.3g} {model})",
        ]

    def instance(self) -> Lines:
        """A subcircuit of cards that ngspice multiplies, maybe within another."""
        count = self.rng.choice(["", f"m={self.count()}"])
        cell = self.rng.sample(
            ["Ri p q 4k", "Ii q p 1m", "Gi q p r q 0.2m", "Ci p q 1u", "Ri2 p i {rr}\nLi i q 1u",
             "Gj q p cur='v(r,q)*0.1m'"], 3,
        )  # fmt: skip
        given = self.rng.choice(["", "rr=3k", "rr={1k+1k}", "params: rr=5k"])
        inner = [".subckt cell p q r params: rr=7k", *"\n".join(cell).split("\n"), ".ends cell"]
        if self.rng.random() < 0.5:
            return [f"Xx c 0 a cell {given} {count}".replace("params: rr=5k m", "rr=5k m"), *inner]
        outer = [".subckt outer p q r", f"Xi p q r cell {given}", ".ends"]
        return [f"Xx c 0 a outer {count}", *outer, *inner]

    def functions(self) -> Lines:
        x, y = (f"{self.rng.uniform(0.1, 0.9):.4g}" for _ in range(2))
        text = self.rng.choice(FUNCTIONS).format(x=x, y=y)
        return [f".param f={{{text}}}", "Vx d 0 {f}", "Rd d c 1k"]


#: of parameters, as ngspice has them
FUNCTIONS = [
    "sqr({x})", "sqrt({x})", "sin({x})", "cos({x})", "tan({x})", "asin({x})", "acos({x})",
    "atan({x})", "arctan({x})", "sinh({x})", "cosh({x})", "tanh({x})", "asinh({x})",
    "acosh(1+{x})", "atanh({x})", "exp({x})", "ln({x})", "log({x})", "log10({x})", "abs(-{x})",
    "sgn(-{x})", "int(9*{x})", "nint(9*{x})", "floor(-9*{x})", "ceil(9*{x})", "pow({x},{y})",
    "pwr(-{x},{y})", "min({x},{y})", "max({x},{y})", "ternary_fcn({x}>{y},1,2)",
    "{x}>{y} ? 3 : 4", "{x}**{y}", "{x}^{y}", "-{x}**2", "2-3-{x}", "2**3**{x}",
    "7 \\ 2 + {x}", "{x} = {y}",
    "{x} <> {y}", "{x} <= {y} && 1",
    "!({x}>{y})+1", "({x}<{y}) || 0", "7 % 4", "{x}/{y}*2",
]  # fmt: skip

CARDS = [
    Maker.resistor, Maker.sheet, Maker.voltage, Maker.current, Maker.reactance, Maker.linear,
    Maker.formula, Maker.switch, Maker.diode, Maker.instance, Maker.functions,
]  # fmt: skip
#: between the supplies and c
AROUND = ["V1 a 0 5", "Va a a2 0", "R1 a2 b 1k", "R2 b 0 2k", "R3 b c 500", "R4 c 0 10k"]


def deck(seed: int) -> Pair:
    """Return a deck of one or two random cards."""
    maker = Maker(random.Random(seed))
    rng = maker.rng
    lines = [*AROUND, ".param zero=0", *rng.choice(CARDS)(maker)]
    if rng.random() < 0.4:
        temperature = maker.degrees()
        lines.append(
            rng.choice(
                [
                    f".temp {temperature}",
                    f".options temp={temperature}",
                    f".option tnom={temperature}",
                ]
            )
        )
    text = "\n".join(["random deck", *lines, ".op", ".end", ""])
    return Pair(text, text)
