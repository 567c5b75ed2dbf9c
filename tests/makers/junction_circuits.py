"""Random circuits with junction diodes of all sizes, between sources of up to a kilovolt."""

import itertools

import numpy as np

from resnet_sim import CircuitBuilder

KINDS = ("graph", "strings", "bridges", "pairs")


def junction(rng, mild=False):
    """Return the values of a junction."""
    values = {
        "saturation": 10 ** (rng.uniform(-15, -12) if mild else rng.uniform(-18, -6)),
        "emission": rng.uniform(1, 2),
    }
    if rng.random() < 0.3:
        values |= {"breakdown": rng.uniform(3, 100), "breakdown_emission": rng.uniform(1, 2)}
    if rng.random() < 0.5:
        values["series"] = 10 ** rng.uniform(-2, 1.5)
    return values


def circuit(kind, seed, nodes=8, hard=False, mild=False, linear=False):
    """Return a circuit of one of `KINDS`; `hard`: every third diode is ideal.

    `linear`: resistors stand for all diodes.
    """
    rng = np.random.default_rng(seed)
    b = CircuitBuilder(f"{kind} {seed}")
    volts = 20 if mild else 10 ** rng.uniform(0, 3)
    count = 0

    def resistor(p, q):
        nonlocal count
        count += 1
        ohms = 10 ** (rng.uniform(1.5, 4.5) if mild else rng.uniform(0, 6))
        b.resistor(f"r{count}", f"{p}", f"{q}", ohms)

    def diode(p, q):
        nonlocal count
        count += 1
        if linear:
            junction(rng, mild)  # the same numbers are drawn
            b.resistor(f"d{count}", f"{p}", f"{q}", 1e3)
        elif hard and rng.random() < 1 / 3:
            b.diode(f"d{count}", f"{p}", f"{q}")
        else:
            b.junction_diode(f"d{count}", f"{p}", f"{q}", **junction(rng, mild))

    def source(node):
        nonlocal count
        count += 1
        b.voltage_source(f"v{count}", f"s{count}", "0", rng.uniform(-volts, volts))
        resistor(f"s{count}", node)

    for node in range(1, nodes + 1):
        resistor(node, rng.integers(0, node))
        if node % 3 == 1:
            source(node)
    some = max(1, nodes // 8) if kind in ("strings", "bridges") else nodes // 2 + 1
    for k in range(some):
        p, q = (int(x) for x in rng.choice(nodes + 1, 2, replace=False))
        if kind == "graph":
            diode(p, q)
        elif kind == "pairs":
            diode(p, q)
            diode(q, p)
        elif kind == "bridges":
            c, d = f"c{k}", f"d{k}"
            for ends in ((p, c), (q, c), (d, p), (d, q)):
                diode(*ends)
            resistor(c, d)
        else:
            inner = [p, *(f"m{k}_{j}" for j in range(29)), q]
            for ends in itertools.pairwise(inner):
                diode(*ends)
    return b.build()
