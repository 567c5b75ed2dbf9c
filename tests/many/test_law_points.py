"""Points of circuits with transistors and formulas, many at a time, against one after the other."""

import dataclasses

import numpy as np
import pytest
from transistor_decks import random_circuit

import resnet_sim as rs
from resnet_sim.analyses.sweep import as_sweeps
from resnet_sim.many import jobs
from resnet_sim.many.law_points import LawPoints, _Row
from resnet_sim.many.one_by_one import OneByOne
from resnet_sim.many.spreads import monte_carlo
from resnet_sim.many.variants import Grid

MODELS = """
.model qn npn(bf=100 is=1e-15 vaf=80)
.model nm nmos(vto=0.7 kp=100u lambda=0.02)
.model pm pmos(vto=-0.7 kp=50u lambda=0.02)
.model d1 d(is=1e-14 n=1.5 rs=2)
.end
"""
PAIR = (
    """pair
vcc vcc 0 12
vee vee 0 -12
vin in 0 0
r1 vcc c1 10k
r2 vcc c2 10k
q1 c1 in e qn
q2 c2 0 e qn
re e vee 10k
d1 c1 clamp d1
vk clamp 0 8
e1 out 0 c1 c2 3
rl out 0 1k"""
    + MODELS
)
DECKS = {
    "inverter": "inverter\nvdd vdd 0 5\nvin in 0 0\nm1 out in 0 0 nm\nm2 out in vdd vdd pm\n"
    "rl out 0 1meg" + MODELS,
    "pair": PAIR,
    # currents between nodes that sources hold
    "curves": "curves\nvin d 0 0\nvg g 0 2\nm1 d g 0 0 nm w=10u l=1u" + MODELS,
    "formulas": "formulas\nvin a 0 1\nv2 b 0 .5\nr1 a x 1k\n"
    "b1 x 0 i=1e-3*tanh(v(x)*2)+1e-4*v(x)*v(b)\n"
    "b2 y 0 v=v(x)*v(b)+0.1*v(y)\nr2 y 0 1k\nf1 0 z b2 2\nr3 z 0 500" + MODELS,
    # next to nothing flows while it blocks
    "thyristor": "thyristor\nvin a 0 1\nvx x 0 0\nr1 a an 1k\nq1 b c an qp\nq2 c b 0 qn\n"
    "rb b x 10k\nra an c 50k\n.model qp pnp(bf=50)" + MODELS,
    # a convex problem of few nodes
    "diodes": "diodes\nvin in 0 1\nr1 in a 100\nd1 a b d1\nr2 b 0 1k\nd2 0 a d1\nvk k 0 2\n"
    "d3 b k d1" + MODELS,
    "logarithm": "logarithm\nvin in 0 1\nr1 in x 1k\nd1 x out d1\ne1 out 0 0 x 1e5\nvb b 0 1\n"
    "r2 b x 5k" + MODELS,
    "amplified": "amplified\nvin in 0 1\nr1 in x 1k\nr2 x out 2k\ne1 out 0 0 x 100k\nr3 out b 5k\n"
    "q1 c b 0 qn\nrc c p 1k\nvp p 0 5" + MODELS,
}  # fmt: skip
TRIGGER = (
    """trigger
vcc vcc 0 12
vin in 0 0
rc1 vcc c1 1k
rc2 vcc c2 470
q1 c1 b1 e qn
q2 c2 b2 e qn
rb in b1 1k
r1 c1 b2 3.9k
r2 b2 0 10k
re e 0 100"""
    + MODELS
)


def asked(circuit, sweeps):
    """Return the question that a sweep asks, and its values."""
    grid = Grid(as_sweeps(circuit, sweeps))
    job = jobs.Job(circuit, grid)
    return job.question(circuit, grid.names), grid.values(0, grid.count)


def assert_alike(found, wanted):
    """Compare to the digits that an amplifier of 1e5 leaves."""
    assert found.unsolved == wanted.unsolved
    assert set(found.diagnostics) == set(wanted.diagnostics)
    assert found.certificate.ok
    assert found.certificate.stable == wanted.certificate.stable
    for one, other in (
        (found.node_voltages, wanted.node_voltages),
        (found.element_currents, wanted.element_currents),
    ):
        size = np.nanmax(np.abs(other), axis=1, keepdims=True, initial=1e-300)
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
        assert np.nanmax(np.abs(one - other) / size) < 1e-10


@pytest.mark.parametrize("deck", DECKS)
def test_sweeps_are_those_from_point_to_point(deck, monkeypatch):
    alone, one_by_one = [], _Row._one_by_one
    monkeypatch.setattr(_Row, "_one_by_one", lambda *a: alone.append(1) or one_by_one(*a))
    circuit = rs.parse_netlist(DECKS[deck])
    other = {"curves": "vg", "pair": "vcc"}.get(deck, circuit.voltage_sources.names[1])
    sweeps = {"vin": np.linspace(-2, 5, 15)} | ({other: [1, 4]} if other != "vin" else {})
    found = rs.sweep(circuit, sweeps)
    assert found.solver.backend.startswith("backend: tangents")
    # the first of all, where the search jumps, and what has no solution
    assert len(alone) <= 3 or found.unsolved
    question, values = asked(circuit, sweeps)
    assert_alike(found, OneByOne(question).points(values))


def test_a_trigger_jumps_where_it_does_from_point_to_point():
    circuit = rs.parse_netlist(TRIGGER)
    there = np.linspace(0, 6, 41)
    for way in (there, there[::-1], np.append(there, there[::-1])):
        found = rs.sweep(circuit, vin=way)
        question, values = asked(circuit, {"vin": way})
        assert_alike(found, OneByOne(question).points(values))
    up, down = found["c2"][: len(there)], found["c2"][: len(there) - 1 : -1]
    assert np.abs(np.diff(up)).max() > 1
    # two states between the jumps
    assert (np.abs(up - down) > 1).sum() > 3


def test_a_square_law():
    op = rs.sweep(rs.parse_netlist(DECKS["curves"]), vg=np.linspace(0, 3, 13), vin=[2.0, 4.0])
    vg, vd = (op.sweep[name] for name in ("vg", "vin"))
    over = np.maximum(vg - 0.7, 0.0)
    triode = np.minimum(over, vd)
    amps = 10 * 1e-4 * (over * triode - triode**2 / 2) * (1 + 0.02 * vd)
    # gmin lies across both junctions
    np.testing.assert_allclose(op.current("m1"), amps + 1e-12 * vd, rtol=1e-9, atol=2e-12)


def test_samples_of_resistors_and_sources():
    circuit = rs.parse_netlist(PAIR)
    samples = monte_carlo(circuit, {"r*": 0.1, "vcc": 0.05}, 20, seed=3)
    question = jobs.Job(circuit, samples).question(circuit, samples.names)
    assert not question.following
    values = samples.values(0, 20)
    found = LawPoints(question).points(values)
    assert_alike(found, OneByOne(question).points(values))
    op = rs.monte_carlo(circuit, {"r*": 0.1, "vcc": 0.05}, 20, seed=3)
    np.testing.assert_array_equal(op.node_voltages, found.node_voltages)


def test_points_have_the_same_bits_with_others_and_alone():
    circuit = rs.parse_netlist(PAIR)
    inputs = np.random.default_rng(1).uniform(-0.3, 0.3, (17, 1))
    question, _ = asked(circuit, {"vin": inputs[:, 0]})
    question = dataclasses.replace(question, following=False)
    whole = LawPoints(question).points(inputs)
    for k in (0, 5, 16):
        alone = LawPoints(question).points(inputs[k : k + 1])
        np.testing.assert_array_equal(alone.node_voltages[0], whole.node_voltages[k])
        np.testing.assert_array_equal(alone.element_currents[0], whole.element_currents[k])


def test_points_without_a_solution_are_told():
    # from some volts on nothing limits the current of the junctions
    circuit = rs.parse_netlist("shorted\nvin b 0 0\nvc c 0 5\nq1 c b 0 qn" + MODELS)
    sweeps = {"vin": np.concatenate((np.linspace(0, 3, 13), np.linspace(2.9, 0, 8)))}
    question, values = asked(circuit, sweeps)
    found, wanted = LawPoints(question).points(values), OneByOne(question).points(values)
    assert 0 < len(found.unsolved) < 21
    assert "would carry" in min(found.unsolved.values())
    assert_alike(found, wanted)
    told = {}
    LawPoints(question).points(values, lambda k, error: told.setdefault(k, error))
    assert sorted(told) == sorted(wanted.unsolved)


def test_zero_ohms_in_between():
    circuit = rs.parse_netlist(
        PAIR.replace("e1 out", "e1 far").replace("rl out", "ro far out 1\nrl out")
    )
    question, values = asked(circuit, {"rl": [1e3, 0.0, 1e3, 2e3, 5.0]})
    assert_alike(LawPoints(question).points(values), OneByOne(question).points(values))


def test_what_is_left_to_others():
    def reason(deck, **sweeps):
        circuit = rs.parse_netlist(deck)
        return LawPoints.fits(asked(circuit, sweeps)[0])

    five = range(5)
    assert reason(PAIR, vin=five) is None
    assert "too few" in reason(PAIR, vin=[0, 1])
    assert "rectifiers" in reason(PAIR.replace(".end", "d2 c2 0\n.end"), vin=five)
    assert "no smooth laws" in reason("r\nvin a 0 1\nr1 a 0 1k\n", vin=five)
    steps = "steps\nvin a 0 1\nr1 a b 1k\nd1 b 0 dx\n.model dx d(is=1e-14 isr=1e-12)\n"
    assert "fall in steps" in reason(steps, vin=five)
    shorted = "shorted\nvin b 0 5\nvc c 0 5\nq1 c b 0 qn" + MODELS
    assert "as it is" in reason(shorted, vin=five)


@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(k, marks=pytest.mark.long) for k in range(6, 60))]
)
def test_random_circuits(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 4 if seed < 6 else 15))
    circuit = rs.parse_netlist(
        random_circuit(rng, size, ["qmj", "q", "m", "j"][seed % 4]) + "\n.end\n"
    )
    name = circuit.voltage_sources.names[0]
    question, values = asked(circuit, {name: np.linspace(-2, 6, 8)})
    if LawPoints.fits(question) is not None:
        pytest.skip("its points share nothing")
    for following in (True, False):
        other = dataclasses.replace(question, following=following)
        found, wanted = LawPoints(other).points(values), OneByOne(other).points(values)
        # where single points end without a solution Newton's other coordinates may find one
        assert set(found.unsolved) <= set(wanted.unsolved)
        both = np.setdiff1d(np.arange(len(values)), list(wanted.unsolved))
        assert found.certificate.ok
        size = np.nanmax(np.abs(wanted.node_voltages[both]), initial=1e-300)
        np.testing.assert_allclose(
            found.node_voltages[both], wanted.node_voltages[both], rtol=0, atol=1e-9 * size
        )
