"""Random circuits of hundreds of nodes whose amplifiers make one loop of feedback."""

import numpy as np

import resnet_sim as rs
from resnet_sim import CircuitBuilder


def loop_circuit(seed: int, diodes: int, smallest: int = 200, largest: int = 2_000) -> rs.Circuit:
    """Resistors at random, amplifiers that sense and drive any nodes, diodes between any nodes."""
    rng = np.random.default_rng(seed)
    n = int(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    b = CircuitBuilder(f"loop {seed}")
    network(b, rng, n)
    driven = []
    for k in range(int(rng.integers(1, 2 + n // 50))):
        plus, minus, near = (f"n{node}" for node in rng.integers(0, n, 3))
        gain = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-1, 1))
        if rng.random() < 0.5:  # senses what it drives, with a gain that may turn signs around
            plus, minus, gain = near, "0", 10 ** rng.uniform(0, 2)
        b.vcvs(f"e{k}", f"o{k}", "0", plus, minus, gain)
        b.resistor(f"ro{k}", f"o{k}", near, 10 ** rng.uniform(0, 2))
        driven.append(near)
    for k in range(diodes):
        p, q = rng.choice(n, 2, replace=False)
        p = driven[k % len(driven)] if rng.random() < 0.5 else f"n{p}"
        ends = (p, f"n{q}") if rng.random() < 0.5 or p == f"n{q}" else (f"n{q}", p)
        if ends[0] != ends[1]:
            b.diode(f"d{k}", *ends, v_forward=float(rng.choice([0.0, 0.1])))
    return b.build()


def network(b: CircuitBuilder, rng: np.random.Generator, n: int) -> None:
    """Add resistors between n nodes, most of them near each other, and a few sources."""
    ends = [(int(rng.integers(max(0, k - 20), k)), k) for k in range(1, n)]
    ends += [(p, q) for p, q in rng.integers(0, n, (n, 2)).tolist() if p != q]
    for k, (p, q) in enumerate(ends):
        b.resistor(f"r{k}", f"n{p}", f"n{q}", 10 ** rng.uniform(0, 3))
    for k, node in enumerate(rng.integers(0, n, n // 20).tolist()):
        b.resistor(f"rg{k}", f"n{node}", "0", 10 ** rng.uniform(1, 3))
    for k, node in enumerate(rng.integers(0, n, 4).tolist()):
        b.current_source(f"i{k}", "0", f"n{node}", rng.normal())


def judged(
    circuit: rs.Circuit, known: list[np.ndarray], all_tried: bool, floating: int = 0
) -> tuple[str, rs.OperatingPoint | None]:
    """Compare the solution with all states that there are; return how many, and the solution."""
    try:
        ours = rs.solve(circuit)
    except rs.TopologyError:
        assert not known, circuit.title
        return "none", None
    except rs.ConvergenceError:
        return "gave up", None
    assert ours.certificate.ok, circuit.title
    assert np.isnan(ours.node_voltages).sum() == floating
    off = [np.nanmax(np.abs(ours.node_voltages - v)) / np.abs(v).max() for v in known]
    assert min(off, default=1.0) < 1e-7, circuit.title
    if all_tried:
        said = "W205" in [d.code for d in ours.diagnostics]
        assert said == (len(known) > 1), circuit.title
    return "several" if len(known) > 1 else "one", ours
