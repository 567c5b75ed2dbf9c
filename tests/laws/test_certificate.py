"""The certificate passes right answers and nothing else: every law can make it fail."""

import numpy as np
import pytest
from circuits import FAMILIES, random_circuit

from resnet_sim.analyses.solve import solve
from resnet_sim.errors import ConvergenceError, TopologyError
from resnet_sim.laws.certificate import certify
from resnet_sim.model.builder import CircuitBuilder
from resnet_sim.netlist import parse_netlist

TOLERANCE = 1e-9


def solved(family, seed):
    circuit = random_circuit(family, seed)
    try:
        op = solve(circuit)
    except (TopologyError, ConvergenceError):
        return None
    if np.isnan(op.node_voltages).any() or np.isnan(op.element_currents).any():
        return None
    return op


def verdict(op, voltages=None, currents=None):
    v = op.node_voltages if voltages is None else voltages
    i = op.element_currents if currents is None else currents
    return certify(op.circuit, v, i, op.closed, TOLERANCE)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_wrong_current_is_noticed_whatever_carries_it(family):
    for op in filter(None, (solved(family, seed) for seed in range(12))):
        assert verdict(op).ok
        size = np.abs(op.element_currents).max()
        for k in range(op.circuit.n_elements) if size > 0 else ():
            p, q = (ends[k] for ends in op.circuit.terminals)
            if p == q:
                continue
            currents = op.element_currents.copy()
            currents[k] += 1e-6 * size
            assert not verdict(op, currents=currents).ok, op.circuit.element_names[k]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_wrong_voltage_is_noticed_at_every_node_that_an_element_holds(family):
    for op in filter(None, (solved(family, seed) for seed in range(12))):
        circuit = op.circuit
        held = np.zeros(len(circuit.nodes), dtype=bool)
        for table in (circuit.resistors, circuit.voltage_sources, circuit.inductors):
            inner = table.p != table.q
            held[table.p[inner]] = held[table.q[inner]] = True
        size = np.abs(op.node_voltages).max()
        for node in np.flatnonzero(held) if size > 0 else ():
            voltages = op.node_voltages.copy()
            voltages[node] += 1e-6 * size
            assert not verdict(op, voltages=voltages).ok, circuit.nodes[node]


def test_a_diode_that_conducts_backwards_above_its_drop_or_while_blocking_is_noticed():
    b = CircuitBuilder()
    b.voltage_source("v1", "a", "0", 1.0)
    b.resistor("r1", "a", "k", 1.0)
    b.diode("d1", "k", "0", v_forward=0.5)
    b.resistor("r2", "k", "0", 1.0)
    circuit, closed = b.build(), np.zeros(0, dtype=bool)
    order = circuit.element_names
    assert order == ("r1", "r2", "v1", "d1")

    def check(v, diode):
        currents = np.array([1.0 - v, v, v - 1.0, diode])
        return certify(circuit, np.array([0.0, 1.0, v]), currents, closed, TOLERANCE)

    assert check(0.5, 0.0).ok
    too_high, backwards, blocking = check(0.75, -0.5), check(0.6, -0.2), check(0.4, 0.2)
    assert too_high.diode_voltage_violation == pytest.approx(0.25)
    assert backwards.diode_current_violation == pytest.approx(0.2)
    assert blocking.diode_current_violation == pytest.approx(0.2)
    assert not (too_high.ok or backwards.ok or blocking.ok)
    assert blocking.power_mismatch > 0.01


def test_not_a_number_never_passes():
    b = CircuitBuilder()
    b.voltage_source("v1", "a", "0", 1.0)
    b.resistor("r1", "a", "0", 1.0)
    circuit, closed = b.build(), np.zeros(0, dtype=bool)
    good = np.array([0.0, 1.0]), np.array([1.0, -1.0])
    assert certify(circuit, *good, closed, TOLERANCE).ok
    for which in (0, 1):
        for place in range(2):
            bad = [a.copy() for a in good]
            bad[which][place] = np.nan
            assert not certify(circuit, *bad, closed, TOLERANCE).ok


def test_a_cluster_joined_by_a_tiny_resistance_must_balance_as_a_whole():
    # 1 V over 1e-30 ohm: rounding of the voltages hides any current through it
    b = CircuitBuilder()
    b.voltage_source("v1", "a", "0", 1.0)
    b.resistor("r1", "a", "n", 1e-30)
    b.resistor("r2", "n", "0", 1.0)
    circuit, closed = b.build(), np.zeros(0, dtype=bool)
    v = np.array([0.0, 1.0, 1.0])
    assert certify(circuit, v, np.array([1.0, 1.0, -1.0]), closed, TOLERANCE).ok
    assert certify(circuit, v, np.array([2.0, 1.0, -1.0]), closed, TOLERANCE).failures
    assert not certify(circuit, v, np.array([1.0, 1.0, -1.1]), closed, TOLERANCE).ok


def test_a_certificate_takes_the_slopes_of_transistors_once(monkeypatch):
    from resnet_sim.laws.bipolar import BipolarLaw

    deck = "stage\nV1 c 0 5\nI1 0 b 10u\nQ1 c b e q\nR1 e 0 1k\n.model q npn(rb=10)"
    op, asked, slopes = solve(parse_netlist(deck)), [], BipolarLaw.slopes
    monkeypatch.setattr(BipolarLaw, "slopes", lambda *given: asked.append(0) or slopes(*given))
    assert verdict(op).ok and len(asked) == 1
    # those of other points are their own
    assert not verdict(op, currents=1.001 * op.element_currents).ok and len(asked) == 2
