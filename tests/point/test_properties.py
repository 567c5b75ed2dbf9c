"""Laws that hold for every circuit of a kind, whatever its values."""

import dataclasses
import math
from random import Random

import numpy as np
import pytest
from circuit_maker import Maker
from circuits import random_circuit, seeds, small_circuits
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from laws import violations

from resnet_sim import Circuit, CircuitBuilder, TopologyError, format_netlist, parse_netlist, solve

REPEATABLE = settings(derandomize=True, deadline=None, max_examples=40)

PASSIVE = ["ideal_diodes", "diode_bundles", "real_diodes", "fixed_switches"]
ANY = [*PASSIVE, "linear", "sparse_diodes", "tied", "mixture", "cascade", "reciprocal_amplifiers"]
VOLTS = st.floats(-5, 5).map(lambda v: round(v, 9))
SCALES = st.sampled_from([1e-3, 0.5, 2.0, 7.0, 1e3])


def solved(circuit: Circuit):
    """The operating point; circuits without one are no examples."""
    try:
        point = solve(circuit)
    except TopologyError:
        assume(False)
    assert point.certificate.ok
    return point


def agree(one, other, scale: float = 1.0) -> None:
    """Require equal voltages, NaN included, to what rounding and 6 decades leave."""
    first, second = scale * np.asarray(one), np.asarray(other)
    size = max(float(np.nanmax(np.abs(second), initial=0)), abs(scale) * 1e-3)
    np.testing.assert_allclose(first, second, rtol=1e-8, atol=1e-9 * size)


def network(seed: int, diodes: int, sources: int = 1, decades: int = 2) -> Maker:
    """Resistors between all nodes, `sources` voltage sources, diodes without a drop."""
    maker = Maker(seed, 7, decades)
    maker.backbone(holes=0.0)
    for k in range(sources):
        maker.source(str(k + 1), "0")
    for _ in range(diodes):
        maker.diode(*maker.random.sample(maker.nodes[sources + 1 :], 2), v_forward=0.0)
    return maker


def replaced(circuit: Circuit, **tables: dict) -> Circuit:
    """The circuit with other columns in some of its tables."""
    changed = {k: dataclasses.replace(getattr(circuit, k), **v) for k, v in tables.items()}
    return circuit.with_tables(**changed)


@REPEATABLE
@given(circuit=small_circuits(ANY))
def test_currents_balance_at_every_node_and_every_element_keeps_its_law(circuit):
    point = solved(circuit)
    assert not violations(circuit, point.node_voltages, point.element_currents, point.closed)


@REPEATABLE
@given(circuit=small_circuits(PASSIVE))
def test_no_resistor_and_no_diode_delivers_power(circuit):
    point = solved(circuit)
    p, q = circuit.terminals
    power = (point.node_voltages[p] - point.node_voltages[q]) * point.element_currents
    first = circuit.first
    passive = [*range(first["capacitors"]), *range(first["diodes"], first["controlled_sources"])]
    total = np.nansum(np.abs(power))
    assert (np.nan_to_num(power[passive]) >= -1e-9 * total).all()


@REPEATABLE
@given(seed=seeds(), step=st.floats(0.01, 5))
def test_raising_a_source_lowers_no_voltage(seed, step):
    """Millman's theorem with diodes: the problem's matrix is an M-matrix."""
    circuit = network(seed, diodes=4, sources=2).build()
    name = circuit.voltage_sources.names[0]
    low = solved(circuit)
    high = solved(circuit.with_values({name: float(circuit.voltage_sources.volts[0]) + step}))
    rise = high.node_voltages - low.node_voltages
    assert (rise >= -1e-9).all() and (rise <= step + 1e-9).all()


@REPEATABLE
@given(seed=seeds(), scale=SCALES)
def test_scaling_all_sources_scales_all_voltages(seed, scale):
    maker = network(seed, diodes=4, sources=2)
    maker.many(2, maker.current)
    circuit = maker.build()
    louder = replaced(
        circuit,
        voltage_sources={"volts": circuit.voltage_sources.volts * scale},
        current_sources={"amps": circuit.current_sources.amps * scale},
    )
    point, loud = solved(circuit), solved(louder)
    agree(point.node_voltages, loud.node_voltages, scale)
    agree(point.element_currents, loud.element_currents, scale)


@REPEATABLE
@given(seed=seeds(), scale=SCALES)
def test_scaling_all_conductances_changes_currents_but_no_voltage(seed, scale):
    circuit = network(seed, diodes=4, sources=2).build()
    wider = replaced(circuit, resistors={"ohms": circuit.resistors.ohms / scale})
    point, wide = solved(circuit), solved(wider)
    agree(point.node_voltages, wide.node_voltages)
    agree(point.element_currents, wide.element_currents, scale)


def response(seed: int, injected: tuple[str, str], decades: int):
    """A resistor network into which 1 A flows between two nodes."""
    maker = network(seed, diodes=0, sources=0, decades=decades)
    maker.builder.current_source("probe", injected[1], injected[0], 1.0)
    return solved(maker.build())


@REPEATABLE
@given(seed=seeds())
def test_transfer_resistance_is_the_same_both_ways(seed):
    a, b, c, d = Random(seed).choices([str(k) for k in range(8)], k=4)
    assume(a != b and c != d)
    forward = response(seed, (a, b), 6).voltage(c, d)
    backward = response(seed, (c, d), 6).voltage(a, b)
    assert forward == pytest.approx(backward, rel=1e-8, abs=1e-9)


@REPEATABLE
@given(seed=seeds())
def test_responses_of_a_linear_circuit_add_up(seed):
    maker = network(seed, diodes=0, sources=2, decades=6)
    maker.many(2, maker.current, 1)
    circuit = maker.build()
    zero = dict.fromkeys((*circuit.voltage_sources.names, *circuit.current_sources.names), 0.0)
    total = np.zeros(len(circuit.nodes))
    for table in (circuit.voltage_sources, circuit.current_sources):
        column = table.volts if table is circuit.voltage_sources else table.amps
        for name, value in zip(table.names, column.tolist(), strict=True):
            total += solved(circuit.with_values({**zero, name: value})).node_voltages
    agree(total, solved(circuit).node_voltages)


@REPEATABLE
@given(circuit=small_circuits(ANY), shuffle=st.integers(0, 10**6))
def test_order_of_cards_and_names_of_nodes_change_nothing(circuit, shuffle):
    lines = format_netlist(circuit).splitlines()
    body = [line for line in lines[1:] if line.strip() and not line.lower().startswith(".end")]
    assert not any(line.startswith("+") for line in body)
    Random(shuffle).shuffle(body)
    shuffled = parse_netlist("\n".join([lines[0], *body, ".end"]))
    point, other = solved(circuit), solved(shuffled)
    order = [shuffled.node(name) for name in circuit.nodes]
    agree(point.node_voltages, other.node_voltages[order])


@REPEATABLE
@given(seed=seeds(), ohms=st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=6))
def test_series_and_parallel_resistors_equal_one(seed, ohms):
    split, single = network(seed, diodes=3), network(seed, diodes=3)
    nodes = ["2", *(f"m{k}" for k in range(len(ohms) - 1)), "3"]
    for k, value in enumerate(ohms):
        split.builder.resistor(f"series{k}", nodes[k], nodes[k + 1], value)
        split.builder.resistor(f"parallel{k}", "4", "0", value)
    single.builder.resistor("series", "2", "3", math.fsum(ohms))
    single.builder.resistor("parallel", "4", "0", 1 / math.fsum(1 / r for r in ohms))
    expected = solved(single.build())
    point = solved(split.build())
    agree([point.voltage(n) for n in split.nodes], [expected.voltage(n) for n in split.nodes])


@REPEATABLE
@given(circuit=small_circuits(ANY))
def test_setting_the_values_it_has_changes_nothing(circuit):
    values = dict(zip(circuit.resistors.names, circuit.resistors.ohms.tolist(), strict=True))
    values |= dict(zip(circuit.diodes.names, circuit.diodes.v_forward.tolist(), strict=True))
    other = {name: 2.0 * value + 1.0 for name, value in values.items()}
    there_and_back = circuit.with_values(other).with_values(values)
    assert format_netlist(there_and_back) == format_netlist(circuit)
    point, again = solved(circuit), solved(there_and_back)
    np.testing.assert_array_equal(point.node_voltages, again.node_voltages)


@REPEATABLE
@given(seed=seeds())
def test_switches_there_and_back_change_nothing_and_held_ones_equal_resistors(seed):
    circuit = random_circuit("fixed_switches", seed)
    table = circuit.switches
    states = dict(zip(table.names, table.closed.tolist(), strict=True))
    flipped = circuit.with_switches({name: not shut for name, shut in states.items()})
    point, again = solved(circuit), solved(flipped.with_switches(states))
    np.testing.assert_array_equal(point.node_voltages, again.node_voltages)
    ohms = np.where(table.closed, table.r_on, table.r_off)
    b = CircuitBuilder("resistors for switches")
    for name in circuit.nodes:
        b.node(name)
    for kind in ("resistors", "switches"):
        rows = getattr(circuit, kind)
        for k, name in enumerate(rows.names):
            value = ohms[k] if kind == "switches" else rows.ohms[k]
            b.resistor(name, circuit.nodes[rows.p[k]], circuit.nodes[rows.q[k]], value)
    fixed = circuit.with_tables(switches=type(table)(), resistors=b.build().resistors)
    agree(point.node_voltages, solved(fixed).node_voltages)


@REPEATABLE
@given(seed=seeds(), volts=st.lists(VOLTS, min_size=1, max_size=5))
def test_many_inputs_at_once_equal_one_after_the_other(seed, volts):
    circuit = network(seed, diodes=4, sources=2).build()
    name = circuit.voltage_sources.names[0]
    batch = solve(circuit, inputs={name: np.array(volts)})
    assert batch.certificate.ok
    assert batch.node_voltages.shape == (len(volts), len(circuit.nodes))
    for row, value in enumerate(volts):
        single = solved(circuit.with_values({name: value}))
        agree(single.node_voltages, batch.node_voltages[row])
        agree(single.element_currents, batch.element_currents[row])


@REPEATABLE
@given(seed=seeds(), start=st.lists(st.floats(-10, 10), min_size=8, max_size=8))
def test_a_convex_circuit_forgets_where_it_started(seed, start):
    circuit = network(seed, diodes=5, sources=2).build()
    from_there = solve(circuit, start=dict(zip(circuit.nodes, start, strict=False)))
    agree(from_there.node_voltages, solved(circuit).node_voltages)
