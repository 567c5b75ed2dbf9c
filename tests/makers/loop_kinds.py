"""Random circuits of hundreds of nodes with several loops of feedback, of all kinds of sources."""

import numpy as np
from loop_circuits import network

import resnet_sim as rs
from resnet_sim import CircuitBuilder

KINDS = ("vcvs", "vccs", "cccs", "ccvs", "inverter", "follower")
#: of operational amplifiers
GAINS = (1e4, 1e6, 1e9)


def mixed_loops(
    seed: int, diodes: int = 0, smallest: int = 200, largest: int = 2_000,
    switches: bool = False, island: bool = False, grounded: bool = False,
) -> rs.Circuit:  # fmt: skip
    """Resistors at random and amplifiers between any nodes; beside them a part that floats.

    `grounded` holds that part, which changes nothing else.
    """
    rng = np.random.default_rng(seed)
    n = int(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    b = CircuitBuilder(f"loops {seed}")
    network(b, rng, n)
    for k in range(int(rng.integers(2, 3 + n // 60))):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        _amplifier(b, rng, k, kind, [f"n{node}" for node in rng.choice(n, 4, replace=False)])
    for k in range(diodes):
        p, q = rng.choice(n, 2, replace=False)
        b.diode(f"d{k}", f"n{p}", f"n{q}", v_forward=float(rng.choice([0.0, 0.1])))
    for k in range(4 if switches else 0):
        p, q = rng.choice(n, 2, replace=False)
        b.switch(f"s{k}", f"n{p}", f"n{q}", r_on=1.0, closed=bool(k % 2))
    if island:
        b.resistor("rf1", "f1", "f2", 2.0)
        b.resistor("rf2", "f2", "f3", 3.0)
        b.current_source("if", "f1", "f3", 0.5)
        if grounded:
            b.resistor("rf3", "f1", "0", 1.0)
    return b.build()


def _amplifier(
    b: CircuitBuilder, rng: np.random.Generator, k: int, kind: str, nodes: list[str]
) -> None:
    """Add an amplifier that senses some of the nodes, and drives the last behind a resistor."""
    plus, minus, spare, near = nodes
    sign = float(rng.choice([-1, 1]))
    gain, out = sign * 10 ** rng.uniform(-1, 1), f"o{k}"
    if kind == "vcvs":
        b.vcvs(f"e{k}", out, "0", plus, minus, gain)
    elif kind == "vccs":
        b.vccs(f"g{k}", spare, near, plus, minus, 0.01 * gain)
        return
    elif kind in ("cccs", "ccvs"):
        b.resistor(f"rs{k}", plus, f"s{k}", 10 ** rng.uniform(0, 2))
        b.voltage_source(f"vs{k}", f"s{k}", minus, 0.0)
        if kind == "cccs":
            b.cccs(f"f{k}", spare, near, f"vs{k}", 0.5 * gain)
            return
        b.ccvs(f"h{k}", out, "0", f"vs{k}", 10.0 * gain)
    else:
        gain = float(rng.choice(GAINS))
        b.resistor(f"rx{k}", f"x{k}", out, 10 ** rng.uniform(1, 3))
        if kind == "inverter":
            b.resistor(f"ri{k}", plus, f"x{k}", 10 ** rng.uniform(1, 3))
            b.vcvs(f"e{k}", out, "0", "0", f"x{k}", gain)
        else:
            b.resistor(f"ri{k}", f"x{k}", "0", 10 ** rng.uniform(1, 3))
            b.vcvs(f"e{k}", out, "0", plus, f"x{k}", gain)
    b.resistor(f"ro{k}", out, near, 10 ** rng.uniform(0, 2))
