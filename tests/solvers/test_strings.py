"""Strings of diodes are solved as single branches: with the same answers as diode by diode."""

import dataclasses

import numpy as np
import pytest
from junction_circuits import junction

import resnet_sim as rs
from resnet_sim import CircuitBuilder
from resnet_sim.point.plan import Compiled
from resnet_sim.point.state import State
from resnet_sim.solvers import smooth
from resnet_sim.solvers.bundles import Bundles
from resnet_sim.solvers.strings import Strings


def fed(rng, title, volts):
    """Nodes a0 to a5, each behind a source of at most some volts and its resistance."""
    b = CircuitBuilder(title)
    for k in range(6):
        b.voltage_source(f"v{k}", f"s{k}", "0", rng.uniform(-volts, volts))
        b.resistor(f"rs{k}", f"s{k}", f"a{k}", 10 ** rng.uniform(1, 4))
        b.resistor(f"rg{k}", f"a{k}", "0", 10 ** rng.uniform(2, 5))
    return b


def ladder(seed, leak):
    """Strings of junctions and ideal diodes of either sense between sources and a grid.

    With a `leak`, ohm, from a node within each string nothing stands in series any more.
    """
    rng = np.random.default_rng(seed)
    b = fed(rng, f"strings {seed}", 30)
    for k in range(8):
        p, q = rng.choice(6, 2, replace=False)
        length = int(rng.integers(2, 9))
        nodes = [f"a{p}", *(f"m{k}_{j}" for j in range(1, length)), f"a{q}"]
        backward = rng.random() < 0.4
        for j in range(length):
            ends = nodes[j : j + 2]
            if rng.random() < 0.3 * backward:
                ends = ends[::-1]
            if rng.random() < 0.4:
                ohms = rng.choice([0.0, 3.0])
                b.diode(f"d{k}_{j}", *ends, v_forward=rng.choice([0.0, 0.6]), r_on=ohms)
            else:
                b.junction_diode(f"d{k}_{j}", *ends, **junction(rng, mild=True))
        if leak:
            for j in range(1, length):
                b.resistor(f"rl{k}_{j}", nodes[j], "0", leak)
    return b.build()


def problem_of(circuit):
    state = State(Compiled(circuit, np.zeros(0, dtype=bool)))
    (plan,) = state.compiled.plans
    return state.problem(plan)


def test_a_string_is_a_curve_and_a_rectifier_of_either_sense():
    problem = problem_of(ladder(3, 0))
    strings = Strings(problem)
    assert strings.any
    shorter = strings.shorter
    kinds = [(len(p.curves), len(p.drop)) for p in (problem, shorter)]
    assert kinds[1][0] <= 8 < kinds[0][0]
    assert kinds[1][1] < kinds[0][1]
    assert shorter.n <= 7 + 16 < problem.n
    assert not Strings(shorter).any
    assert not Strings(problem_of(ladder(3, 1e17))).any


@pytest.mark.parametrize("seed", range(12))
def test_answers_are_those_of_diodes_one_by_one(seed):
    together, apart = rs.solve(ladder(seed, 0)), rs.solve(ladder(seed, 1e17))
    assert together.certificate.ok, together.certificate.failures
    assert apart.certificate.ok
    for k in range(6):
        v = apart.voltage(f"a{k}")
        assert together.voltage(f"a{k}") == pytest.approx(v, rel=1e-9, abs=1e-11)


def test_every_node_within_is_where_its_diodes_put_it():
    vt = 0.025864917007157463
    op = rs.solve(
        rs.parse_netlist("""string
v1 a 0 10
r1 a b 1k
d1 b c m
d2 c d n
di d e ideal
d3 e 0 m
.model m d(is=1e-14)
.model n d(is=1e-12 n=2 rs=5)
.model ideal d(vfwd=.5 ron=2)
.options gmin=0""")
    )
    i = op.current("r1")
    one, two = vt * np.log1p(i / 1e-14), 2 * vt * np.log1p(i / 1e-12) + 5 * i
    assert op.voltage("b", "c") == pytest.approx(one, rel=1e-12)
    assert op.voltage("c", "d") == pytest.approx(two, rel=1e-12)
    assert op.voltage("d", "e") == pytest.approx(0.5 + 2 * i, rel=1e-12)
    assert op.voltage("e") == pytest.approx(one, rel=1e-12)
    assert i == pytest.approx((10 - 2 * one - two - 0.5 - 2 * i) / 1e3, rel=1e-12)


def test_a_string_conducts_what_is_less_than_the_noise_around_it():
    circuit = rs.parse_netlist("""quiet
v1 s 0 1
r1 s a 1m
r2 a 0 1m
di a b
d1 b c m
d2 c d m
d3 d e m
r3 e 0 1meg
.model m d(is=1e-15)
.options gmin=0""")
    strings = Strings(problem_of(circuit))
    solution = smooth.solve(strings.shorter, None, None)
    assert solution.converged
    # beside large currents one of picoamperes is no more than what rounding leaves of these
    quiet = dataclasses.replace(solution, current=np.zeros_like(solution.current))
    told, found = strings.restored(solution), strings.restored(quiet)
    assert told.current[0] > 1e-13
    np.testing.assert_allclose(found.current, told.current, rtol=1e-9)
    np.testing.assert_allclose(found.curves.i, told.curves.i, rtol=1e-9)


def test_what_an_ideal_diode_blocks_divides_among_those_that_block():
    op = rs.solve(
        rs.parse_netlist("""blocked
v1 a 0 -9
r1 a b 1k
d1 b c m
di d c
d2 d e
d3 e 0 m
r2 e f 1meg
.model m d(is=1e-14)""")
    )
    assert op.certificate.ok
    assert op.current("d1") == 0


def pairs(seed, lift):
    """Strings of junctions beside each other, one way round or the other.

    A `lift`, V, of sources in series with all but one keeps them apart.
    """
    rng = np.random.default_rng(seed)
    b = fed(rng, f"pairs {seed}", 9)
    for k in range(6):
        p, q = rng.choice(6, 2, replace=False)
        for j in range(int(rng.integers(2, 4))):
            ends = [f"a{p}", f"m{k}_{j}", f"a{q}"][:: rng.choice([-1, 1])]
            if lift and k + j:
                b.voltage_source(f"v{k}_{j}", ends[0], f"l{k}_{j}", lift * (4 * k + j))
                ends[0] = f"l{k}_{j}"
            for n in range(2):
                b.junction_diode(f"d{k}_{j}_{n}", *ends[n : n + 2], **junction(rng, mild=True))
    return b.build()


@pytest.mark.parametrize("seed", range(8))
def test_diodes_beside_each_other_are_those_of_one_by_one(seed):
    problem = problem_of(pairs(seed, 0))
    strings = Strings(problem)
    bundles = Bundles(strings.shorter)
    assert bundles.any
    assert not Bundles(bundles.shorter).any
    assert not Bundles(Strings(problem_of(pairs(seed, 1e-13))).shorter).any
    together, apart = rs.solve(pairs(seed, 0)), rs.solve(pairs(seed, 1e-13))
    assert together.certificate.ok, together.certificate.failures
    for k in range(6):
        v = apart.voltage(f"a{k}")
        assert together.voltage(f"a{k}") == pytest.approx(v, rel=1e-9, abs=1e-11)
    for name in together.circuit.junctions.names:
        current = apart.current(name)
        assert together.current(name) == pytest.approx(current, rel=1e-7, abs=1e-16)
