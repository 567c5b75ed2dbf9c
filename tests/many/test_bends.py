"""Junctions at many points: lanes against the solver of single points."""

import numpy as np
import pytest
from junction_circuits import KINDS, circuit

import resnet_sim as rs
from resnet_sim.compiled import policy
from resnet_sim.many.backend import choose
from resnet_sim.many.question import Question

POINTS = 9


def values(given, seed):
    """Values of the sources and of some resistors, shape (points,), by name."""
    rng = np.random.default_rng(seed)
    found = {
        name: volts * rng.uniform(-1.0, 1.5, POINTS)
        for name, volts in zip(given.voltage_sources.names, given.voltage_sources.volts,
                               strict=True)
    }  # fmt: skip
    for name, ohms in zip(given.resistors.names, given.resistors.ohms, strict=True):
        if seed % 2 and rng.random() < 0.5:
            found[name] = ohms * rng.uniform(0.8, 1.25, POINTS)
    return found


def close(found, wanted, share):
    """Whether numbers agree to a share of the largest; what is undefined is so in either."""
    known = ~np.isnan(wanted)
    if not np.array_equal(known, ~np.isnan(found)):
        return False
    return (np.abs(found - wanted)[known] <= share * np.abs(wanted[known]).max()).all()


def compared(given, seed):
    """Compare all points with single solutions; return how many lanes found."""
    inputs = values(given, seed)
    with policy.using(lanes=0, fewest_points=1):
        found = rs.solve(given, inputs=inputs)
        question = Question(given, tuple(inputs), POINTS)
        backend = choose(question).backend
        together, shape = backend.together, (POINTS, len(given.nodes))
        v, i = np.empty(shape), np.empty((POINTS, given.n_elements))
        with np.errstate(all="ignore"):
            good = together.solve(np.array(list(inputs.values())).T, v, i).good
    assert "lanes" in found.solver.backend.splitlines()[0]
    for k in range(POINTS):
        one = rs.solve(given.with_values({name: float(x[k]) for name, x in inputs.items()}))
        assert close(found.node_voltages[k], one.node_voltages, 1e-9)
        assert close(found.element_currents[k], one.element_currents, 1e-8)
        assert found.certificate.ok or not one.certificate.ok
    return int(good.sum())


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_junctions_in_lanes_agree_with_single_solutions(kind, hard):
    settled = sum(compared(circuit(kind, seed, hard=hard), seed) for seed in range(2))
    assert settled


def test_mild_junctions_leave_nothing_to_others():
    for seed in range(2):
        assert compared(circuit("graph", seed, nodes=30, mild=True), seed) == POINTS


@pytest.mark.parametrize(("kind", "seed"), [("graph", 0), ("strings", 4), ("strings", 6)])
def test_points_that_wander_first_settle_in_the_end(kind, seed):
    """They make no progress for more than six steps on the way."""
    assert compared(circuit(kind, seed, nodes=30), seed) == POINTS


def test_curves_between_given_potentials_are_left_to_the_solver_of_single_points():
    deck = rs.parse_netlist("given\nV1 a 0 .5\nD1 a 0 d\nR1 a b 1k\nD2 b 0 d\n.model d d")
    volts = np.linspace(-1.0, 0.6, POINTS)
    with policy.using(lanes=0, fewest_points=1):
        found = rs.solve(deck, inputs={"v1": volts})
    assert "given potentials" in found.solver.backend
    assert found.certificate.ok
    assert found.current("d1")[-1] == pytest.approx(rs.solve(deck.with_values({"v1": 0.6}))
                                                    .current("d1"))  # fmt: skip


BUFFERED = """a buffer drives a diode bridge; amplifiers that work both ways behind a clamp
v1 in 0 1
r1 in a 1k
d1 a 0 d
d2 0 a d
e1 b 0 a 0 5
r2 b c 2k
d3 c m d
d4 m 0 d
r3 m 0 10k
g1 0 c a 0 1m
ef f 0 c 0 -3
vs f h 0
ff c 0 vs -.3333333333333333
r4 h k 3k
d5 k 0 d
d6 0 k d
.model d d(is=2n n=1.7 rs=.5)
"""


def test_curves_beside_controlled_sources_are_lanes():
    given = rs.parse_netlist(BUFFERED)
    volts = np.linspace(-3.0, 3.0, 21)
    with policy.using(lanes=0, fewest_points=1):
        found = rs.solve(given, inputs={"v1": volts})
    assert found.solver.backend.startswith("backend: lanes")
    assert found.certificate.ok
    for k in (0, 4, 10, 20):
        one = rs.solve(given.with_values({"v1": float(volts[k])}))
        assert close(found.node_voltages[k], one.node_voltages, 1e-9)
        assert close(found.element_currents[k], one.element_currents, 1e-8)


MIXED = """junctions with and without effects of second order, and a table
v1 in 0 1
r1 in a 1k
d1 a 0 plain
d2 a b knees
r2 b 0 1k
d3 0 b plain
r4 b c table
.model table res(table=(-1,-1m,0,0,1,2m))
r3 c 0 2k
d4 c 0 lossy
.model plain d(is=2n n=1.7 rs=.5)
.model knees d(is=1p ikf=1m)
.model lossy d(is=1f isr=1n)
"""


def test_curves_that_loops_know_stand_beside_others():
    given = rs.parse_netlist(MIXED)
    volts = np.linspace(-3.0, 3.0, 25)
    with policy.using(lanes=0, fewest_points=1):
        found = rs.solve(given, inputs={"v1": volts})
    assert "lanes" in found.solver.backend and found.certificate.ok
    for k in range(0, 25, 4):
        one = rs.solve(given.with_values({"v1": float(volts[k])}))
        assert close(found.node_voltages[k], one.node_voltages, 1e-9)
        assert close(found.element_currents[k], one.element_currents, 1e-8)


def test_sweeps_and_samples_of_junctions_are_lanes():
    given = circuit("graph", 5, nodes=40, mild=True)
    source = given.voltage_sources.names[0]
    with policy.using(lanes=0):
        swept = rs.sweep(given, **{source: np.linspace(-20.0, 20.0, 40)})
        drawn = rs.monte_carlo(given, {"r*": 0.1}, 40)
    for op in (swept, drawn):
        assert op.solver.backend.startswith("backend: lanes")
        assert op.certificate.ok
    for k in (0, 17, 39):
        one = rs.solve(given.with_values({source: float(np.linspace(-20.0, 20.0, 40)[k])}))
        assert swept.node_voltages[k] == pytest.approx(one.node_voltages, rel=1e-9, abs=1e-9)
