"""Random circuits, by family, so that a failure tells what kind of circuit fails.

Every family is a function of a seeded `Maker`; `random_circuit` calls it, and hypothesis
draws family, seed and size.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from circuit_maker import Maker
from hypothesis import strategies

from resnet_sim import Circuit

# ---- families whose solutions form a convex set ----


def linear(maker: Maker) -> None:
    maker.backbone()
    maker.many(3, maker.grounded_source, 1)
    maker.many(2, maker.current)


def ideal_diodes(maker: Maker) -> None:
    linear(maker)
    maker.many(7, maker.diode, 2)


def sparse_diodes(maker: Maker) -> None:
    """Few resistors: parts float, currents find no path, voltages are left undefined."""
    maker.backbone(density=0.8, holes=0.5)
    maker.many(2, maker.grounded_source, 1)
    maker.many(2, maker.current)
    maker.many(7, maker.diode, 1)


def diode_bundles(maker: Maker) -> None:
    """Parallel, antiparallel and circular diodes between the same few nodes."""
    linear(maker)
    p, q = maker.pair()
    for _ in range(maker.random.randint(1, 3)):
        ends = (p, q) if maker.chance(0.5) else (q, p)
        maker.diode(*ends)
    r = maker.random.choice(maker.nodes)
    if len({p, q, r}) == 3:
        for ends in ((p, q), (q, r), (r, p)):
            maker.diode(*ends, v_forward=maker.random.choice((0.0, 0.7)))


def real_diodes(maker: Maker) -> None:
    linear(maker)
    maker.many(5, maker.real_diode, 1)
    maker.many(2, maker.diode)


def tied(maker: Maker) -> None:
    """Stacked, floating and zero sources, shorts; loops of them may contradict each other."""
    maker.backbone(holes=0.3)
    maker.many(3, maker.source, 1)
    maker.many(2, maker.short)
    maker.many(4, maker.diode)
    if maker.chance(0.3):
        p, q = maker.pair()
        for _ in range(2):
            maker.builder.voltage_source(maker.name("v"), p, q, 1.0)


def decimal_loop(maker: Maker) -> None:
    """A loop of sources that is consistent in decimals though not in binary."""
    maker.backbone()
    a, b, c = maker.random.sample(maker.nodes, 3)
    wrong = maker.random.choice((0.0, 0.0, 1e-3, 1.0))
    for ends, volts in (((a, b), 0.1), ((b, c), 0.2), ((a, c), 0.3 + wrong)):
        maker.builder.voltage_source(maker.name("v"), *ends, round(volts, 6))
    maker.many(3, maker.diode)


def floating(maker: Maker) -> None:
    """Two networks without a common node but for diodes or nothing at all."""
    half = len(maker.nodes) // 2
    for k in range(2, len(maker.nodes)):
        low = 0 if k <= half else half + 1
        if k > low:
            maker.resistor(maker.nodes[k], maker.nodes[maker.random.randrange(low, k)])
    maker.many(2, maker.grounded_source)
    maker.many(2, maker.source)
    maker.many(1, maker.current)
    maker.many(4, maker.diode)


def fixed_switches(maker: Maker) -> None:
    linear(maker)
    for _ in range(maker.random.randint(1, 4)):
        r_on, r_off = maker.on_and_off()
        closed = maker.chance(0.5)
        maker.builder.switch(maker.name("s"), *maker.pair(), r_on=r_on, r_off=r_off, closed=closed)
    maker.many(4, maker.diode)


def mixture(maker: Maker) -> None:
    maker.backbone(holes=0.2)
    maker.many(2, maker.grounded_source)
    for element in (maker.source, maker.current, maker.short):
        maker.many(1, element)
    maker.many(3, maker.diode)
    maker.many(2, maker.real_diode)


def large_network(maker: Maker) -> None:
    """Everything but controlled sources, with far too many diodes to try all states."""
    size = len(maker.nodes)
    maker.backbone(density=1.5)
    maker.many(4, maker.grounded_source, 1)
    maker.many(3, maker.current)
    maker.many(2, maker.short)
    maker.many(1, maker.source)
    maker.many(size // 3, maker.diode, size // 6)
    maker.many(size // 6, maker.real_diode)


def large_grid(maker: Maker) -> None:
    """A ladder-like network whose neighbours are joined by diodes, many of them free."""
    for k in range(1, len(maker.nodes)):
        maker.resistor(maker.nodes[k], maker.nodes[max(0, k - maker.random.randint(1, 3))])
    maker.many(5, maker.grounded_source, 2)
    for _ in range(len(maker.nodes) // 2):
        maker.diode(*maker.pair(near=True))


def reciprocal_amplifiers(maker: Maker) -> None:
    """A gain A forward and 1/A backward between two networks (Kendall's amplifier).

    The networks share nothing but ground: else the pair would be plain feedback.
    """
    size = max(1, (len(maker.nodes) - 1) // 2)
    gain = maker.random.choice((2.0, 4.0, 10.0, 100.0, -5.0))
    sides = [[f"{side}{k}" for k in range(size)] for side in "ab"]
    for nodes in sides:
        for k, node in enumerate(nodes):
            maker.resistor(node, maker.random.choice([*nodes[:k], "0"]))
        if maker.chance(0.7):
            maker.source(nodes[-1], "0")
        for _ in range(maker.random.randint(0, 3)):
            if size > 1:
                maker.diode(*maker.random.sample([*nodes, "0"], 2))
    control, output = (maker.random.choice(nodes[:-1] or nodes) for nodes in sides)
    e, v = maker.name("e"), maker.name("v")
    maker.builder.vcvs(e, "amp", "0", control, "0", gain)
    maker.builder.voltage_source(v, "amp", output, 0.0)
    maker.builder.cccs(maker.name("f"), control, "0", v, 1 / gain)


# ---- families with controlled sources ----


def cascade(maker: Maker) -> None:
    """Separate networks, each driven by one-way sources of those before."""
    stages, size = maker.random.randint(2, 3), max(2, len(maker.nodes) // 3)
    before: list[str] = []
    sensors: list[str] = []
    for stage in range(stages):
        here = [f"{'abc'[stage]}{k}" for k in range(size)]
        for k, node in enumerate(here):
            maker.resistor(node, maker.random.choice([*here[:k], "0"]))
        if not stage or maker.chance(0.3):
            maker.builder.voltage_source(maker.name("v"), here[-1], "0", maker.volts())
        if stage:
            maker.many(2, lambda: _drive(maker, here, before, sensors), 1)  # noqa: B023
        sensors = [maker.name("v")]
        maker.builder.voltage_source(sensors[0], f"{here[0]}s", here[0], 0.0)
        maker.resistor(f"{here[0]}s", "0")
        for _ in range(maker.random.randint(0, 3)):
            maker.diode(*maker.random.sample([*here, "0"], 2))
        before = here


def _drive(maker: Maker, here: list[str], before: list[str], sensors: list[str]) -> None:
    """One controlled source; those that set a voltage mostly do so through a resistor."""
    kind, gain = maker.random.choice("efgh"), maker.random.choice((0.5, -2.0, 10.0))
    name = maker.name(kind)
    p, q = maker.random.sample([*here, "0"], 2)
    control = maker.random.sample([*before, "0"], 2)
    if kind in "eh" and maker.chance(0.8):
        maker.resistor(name, p)
        p = name
    if kind == "e":
        maker.builder.vcvs(name, p, q, *control, gain)
    elif kind == "g":
        maker.builder.vccs(name, p, q, *control, gain / 100)
    elif kind == "f":
        maker.builder.cccs(name, p, q, sensors[0], gain)
    else:
        maker.builder.ccvs(name, p, q, sensors[0], gain)


def operational_amplifiers(maker: Maker) -> None:
    """One or two amplifiers of high gain, inputs and feedback of resistors and diodes."""
    for stage in range(maker.random.randint(1, 2)):
        a = [f"{'ab'[stage]}{k}" for k in range(3)]
        maker.builder.voltage_source(maker.name("v"), a[0], "0", maker.volts())
        maker.resistor(a[0], a[1])
        plus, minus = ("0", a[1]) if maker.chance(0.85) else (a[1], "0")
        gain = float(maker.random.choice(("1e3", "1e5", "1e6")))
        maker.builder.vcvs(maker.name("e"), a[2], "0", plus, minus, gain)
        if maker.chance(0.8):
            maker.resistor(a[1], a[2])
        for _ in range(maker.random.randint(0, 3)):
            ends = maker.random.choice(((a[1], a[2]), (a[2], a[1]), (a[1], "0"), (a[2], "out")))
            maker.diode(*ends)
        maker.resistor("out", maker.random.choice(a))
    maker.resistor("out", "0")
    maker.many(1, maker.diode)


def random_feedback(maker: Maker) -> None:
    """Controlled sources of every kind anywhere: no structure to rely on."""
    linear(maker)
    sensor = maker.source(maker.random.choice(maker.nodes[1:]), "sense")
    maker.resistor("sense", "0")
    for _ in range(maker.random.randint(1, 2)):
        kind, gain = maker.random.choice("efgh"), maker.random.choice((0.5, -2.0, 10.0, 1000.0))
        name = maker.name(kind)
        if kind == "e":
            maker.builder.vcvs(name, *maker.pair(), *maker.pair(), gain)
        elif kind == "g":
            maker.builder.vccs(name, *maker.pair(), *maker.pair(), gain / 1000)
        elif kind == "f":
            maker.builder.cccs(name, *maker.pair(), sensor, gain)
        else:
            maker.builder.ccvs(name, *maker.pair(), sensor, gain)
    maker.many(4, maker.diode)


def negative_resistors(maker: Maker) -> None:
    ideal_diodes(maker)
    maker.builder.resistor(maker.name("r"), *maker.pair(), -maker.ohms())


def cancelling_resistors(maker: Maker) -> None:
    """Resistors r and -r side by side, in series and in loops with diodes and sources."""
    linear(maker)
    for _ in range(maker.random.randint(1, 2)):
        p, q, between = *maker.pair(), f"m{maker._count}"
        ohms = maker.ohms()
        ends = maker.random.choice(
            (((p, q), (p, q)), ((p, between), (between, q)), (maker.pair(),) * 2)
        )
        for (a, b), value in zip(ends, (ohms, -ohms), strict=True):
            maker.builder.resistor(maker.name("r"), a, b, value)
        if between in ends[0] and maker.chance(0.6):
            maker.diode(*maker.random.sample([between, q, "0", p], 2))
    maker.many(4, maker.diode)


def controlled_switches(maker: Maker) -> None:
    """Switches that a source voltage or a divider controls."""
    linear(maker)
    for _ in range(maker.random.randint(1, 2)):
        drive = f"c{maker._count}"
        maker.builder.voltage_source(maker.name("v"), drive, "0", maker.volts())
        control = (
            (drive, "0") if maker.chance(0.6) else (maker.random.choice(maker.nodes[1:]), drive)
        )
        r_on, r_off = maker.on_and_off()
        maker.builder.switch(
            maker.name("s"), *maker.pair(), control=control,
            threshold=maker.random.choice((0.0, 0.5, 1.0)), r_on=r_on, r_off=r_off,
        )  # fmt: skip
    maker.many(3, maker.diode)


Family = Callable[[Maker], None]

CONVEX: dict[str, Family] = {
    f.__name__: f
    for f in (
        linear, ideal_diodes, sparse_diodes, diode_bundles, real_diodes, tied,
        decimal_loop, floating, fixed_switches, mixture, reciprocal_amplifiers,
    )
}  # fmt: skip
ONE_WAY: dict[str, Family] = {"cascade": cascade}
FEEDBACK: dict[str, Family] = {
    f.__name__: f
    for f in (operational_amplifiers, random_feedback, negative_resistors, cancelling_resistors)
}
SWITCHED: dict[str, Family] = {"controlled_switches": controlled_switches}
LARGE: dict[str, Family] = {f.__name__: f for f in (large_network, large_grid)}
FAMILIES = CONVEX | LARGE | ONE_WAY | FEEDBACK | SWITCHED


def random_circuit(
    family: str, seed: int, *, nodes: int | None = None, decades: int = 6
) -> Circuit:
    """The circuit of that number in a family; equal arguments give equal circuits."""
    sizes = Random(f"{family} {seed}")
    few = sizes.randint(15, 60) if family in LARGE else sizes.randint(3, 9)
    maker = Maker(seed, nodes or few, decades)
    FAMILIES[family](maker)
    return maker.build()


def seeds() -> strategies.SearchStrategy[int]:
    return strategies.integers(0, 10**9)


def small_circuits(families: list[str], decades: int = 6) -> strategies.SearchStrategy[Circuit]:
    """Circuits that exhaustion can judge; shrinks to few nodes and simple families."""
    return strategies.builds(
        random_circuit,
        strategies.sampled_from(families),
        seeds(),
        nodes=strategies.integers(3, 8),
        decades=strategies.sampled_from([0, 2, decades]),
    )
