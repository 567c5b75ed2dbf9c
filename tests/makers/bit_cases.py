"""Circuits whose solutions must have the same bits in any process; run by `test_same_bits`.

    python -m bit_cases SETTING CASE ...

prints a digest of each case, solved in a setting: "plain" (in a process of its own that has
imported this module and nothing more), "numba" (imported before), "third" (the third time),
"thread" or "process", in one that has solved the cases before it.
"""

import dataclasses
import hashlib
import os
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

import resnet_sim as rs
from resnet_sim import generators as gen

#: an inverting amplifier for each half wave, a chain of them as load
RECTIFIERS = """rectifiers
V1 in 0 1
.model di d(ron=0 roff=inf vfwd=0.6)
.subckt half i o
R1 i n 1k
R2 n o 2k
E1 a 0 0 n 1e5
D1 a o di
D2 n a di
RL o 0 5k
.ends
X1 in b half
X2 b c half
X3 in d half
R5 c d 3k
.end
"""
NEGATIVE = """negative resistors
V1 a 0 3
R1 a b 1k
R2 b 0 -5k
R3 b c 2k
R4 c 0 1k
R5 c d -9k
R6 d 0 1k
D1 b d di
.model di d(ron=0 roff=inf vfwd=0.6)
.end
"""


def soft(circuit):
    """Return the circuit with an on-resistance and a forward voltage in each diode."""
    ohms = np.geomspace(1e-3, 10.0, len(circuit.diodes))
    diodes = dataclasses.replace(circuit.diodes, r_on=ohms, v_forward=np.full(len(ohms), 0.2))
    return circuit.with_tables(diodes=diodes)


def point(circuit, **options):
    op = rs.solve(circuit, **options)
    how = op.solver.method, op.solver.iterations, op.solver.notes
    return op.node_voltages, op.element_currents, repr(how).encode()


def samples():
    circuit = gen.grid(9, seed=3)
    ops = rs.monte_carlo(circuit, {"r*": 0.2}, 600, seed=1)
    return ops.node_voltages, ops.element_currents


def scattered():
    """Few samples of a medium circuit, one by one."""
    ops = rs.monte_carlo(gen.grid(24, seed=3), {"r*": 0.2}, 4, seed=1)
    return ops.node_voltages, ops.element_currents


def inputs():
    circuit = gen.ladder(700, diodes=0.3, sources=0.1, seed=4)
    name = circuit.voltage_sources.names[0]
    ops = rs.solve(circuit, inputs={name: np.linspace(-2.0, 3.0, 6)})
    return ops.node_voltages, ops.element_currents


def gradient():
    from resnet_sim import training as tr

    circuit = gen.ladder(12, diodes=0.5, seed=6)
    net = tr.Network(circuit, [circuit.voltage_sources.names[0]], [circuit.nodes[-1]], "r*")
    rng = np.random.default_rng(0)
    found = tr.gradients(net, rng.uniform(-3, 3, (5, 1)), rng.normal(size=(5, 1)))
    return found.outputs, found.vector


CASES = {
    "grid": lambda: point(gen.grid(60, seed=1)),
    "diodes": lambda: point(gen.small_world(700, 4, 0.1, seed=2)),
    "random graph": lambda: point(gen.random_graph(900, 4.0, seed=2)),
    "feedback": lambda: point(rs.parse_netlist(RECTIFIERS)),
    "large soft": lambda: point(soft(gen.grid(40, seed=5))),
    "crossbar": lambda: point(gen.crossbar(40, 30, load=1e3, wire=2.0, seed=1)),
    "layered": lambda: point(gen.layered([6, 30, 30, 4], seed=1)),
    "negative": lambda: point(rs.parse_netlist(NEGATIVE)),
    "wide": lambda: point(gen.random_graph(7000, 4.0, seed=1)),
    "three dimensions": lambda: point(gen.grid3d(10, seed=1)),
    "descent": lambda: point(gen.grid(15, seed=1), method="cd"),
    "samples": samples,
    "scattered": scattered,
    "inputs": inputs,
    "gradient": gradient,
}


def digest(case):
    whole = hashlib.sha256()
    for part in CASES[case]():
        whole.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes())
    return whole.hexdigest()


def solved(setting, cases):
    """Yield the digests of cases in one process, or in one that it starts."""
    if setting in ("thread", "process"):
        pools = {"thread": ThreadPoolExecutor, "process": ProcessPoolExecutor}
        with pools[setting](1) as pool:
            yield from pool.map(digest, cases)
        return
    for case in cases:
        if setting == "third":
            digest(case)
            digest(case)
        yield digest(case)


def alone(case):
    """Print the digest of a case in a process of its own; tell whether it came to that."""
    assert "numba" not in sys.modules
    if child := os.fork():
        return os.waitpid(child, 0)[1] == 0
    status = 1
    try:
        print(digest(case), case, sep="\t", flush=True)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    setting, *names = sys.argv[1:]
    if setting == "numba":
        import numba  # noqa: F401
    if setting == "plain":
        assert all(map(alone, names))
    else:
        for found, name in zip(solved(setting, names), names, strict=True):
            print(found, name, sep="\t", flush=True)
