"""Every registered device goes through everything that is done with devices."""

import dataclasses
import math
import operator

import numpy as np
import pytest
from device_decks import CASES, LINES, circuit_of
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim import plotting
from resnet_sim import training as tr
from resnet_sim.analyses.sensitivity import sensitivities
from resnet_sim.laws.certificate import certify
from resnet_sim.laws.foreign import violation
from resnet_sim.laws.judged import Judged
from resnet_sim.laws.registry import LAWS, law_of, laws
from resnet_sim.model.devices import CARDS, DEVICES, MODELS
from resnet_sim.model.requests import Sweep
from resnet_sim.netlist import exported_names, format_netlist, parse_netlist
from resnet_sim.point.infeasible import describe

every_case = pytest.mark.parametrize(
    ("table", "lines"), CASES, ids=lambda text: text.partition("\n")[0]
)


def elements(circuit, table):
    """The names of the elements under test, and their numbers."""
    first = circuit.first[table]
    names = circuit.tables[table].names
    return [(name, first + k) for k, name in enumerate(names) if "x" in name]


def is_terminal(name):
    """Tell whether an element is one of the further terminals of a device."""
    return ":" in name


def test_every_device_has_a_law_and_decks():
    assert set(LAWS) == set(DEVICES) == set(LINES)
    assert all(law_of(table).device.plural == table for table in LAWS)


@pytest.mark.parametrize("table", DEVICES)
def test_what_is_registered_is_what_the_device_says(table):
    device = DEVICES[table]
    assert device.plural == table
    assert all(card.letter in CARDS for card in device.cards)
    for model in device.models:
        assert all(MODELS[name] is model for name in model.types)


@every_case
def test_it_is_read_and_written(table, lines):
    circuit = circuit_of(table, lines)
    assert elements(circuit, table)
    again = parse_netlist(format_netlist(circuit))
    if table != "crossbars":  # these become resistors
        for one, other in zip(circuit.tables.values(), again.tables.values(), strict=True):
            columns = [f.name for f in dataclasses.fields(one) if f.name not in ("file", "line")]
            for column in columns if len(one) else ():
                mine, theirs = getattr(one, column), getattr(other, column)
                same = np.array_equal if isinstance(mine, np.ndarray) else operator.eq
                assert same(mine, theirs), column
    ours, theirs = rs.solve(circuit), rs.solve(again)
    assert theirs.node_voltages == pytest.approx(ours.node_voltages, rel=1e-12, abs=1e-12)
    assert len(circuit.to_networkx().edges) == circuit.n_elements - _unconnected(circuit)


def _unconnected(circuit):
    return int((circuit.crossbars.siemens == 0).sum())


@every_case
@pytest.mark.parametrize("dialect", ["ngspice", "ltspice"])
def test_it_is_exported_or_an_open_circuit(table, lines, dialect):
    circuit = circuit_of(table, lines)
    names, text = exported_names(circuit, dialect), format_netlist(circuit, dialect)
    for name, number in elements(circuit, table):
        if name in names:
            assert any(line.split()[0] == names[name] for line in text.splitlines() if line)
        elif is_terminal(name):
            assert name.partition(":")[0] in names  # on the card of its device
        else:
            assert abs(rs.solve(circuit).element_currents[number]) == 0.0


@every_case
def test_its_law_holds_and_planted_errors_are_found(table, lines):
    circuit = circuit_of(table, lines)
    op = rs.solve(circuit)
    assert op.certificate.ok
    assert violation(held(op), op.node_voltages).obeys
    v, i = op.node_voltages, op.element_currents
    for _, number in elements(circuit, table):
        for wrong in (1e-6, -1e-6):
            currents = i.copy()
            currents[number] += wrong * np.abs(i).max()
            assert not certify(circuit, v, currents, op.closed, 1e-9).ok
    for node in range(1, len(v)):
        for wrong in (1e-6, -1e-6):
            voltages = v.copy()
            voltages[node] += wrong
            assert not certify(circuit, voltages, i, op.closed, 1e-9).ok


@every_case
def test_a_law_alone_finds_a_current_that_is_not_its_own(table, lines):
    """Kirchhoff's law is satisfied: the current flows back through a part that is not checked."""
    circuit = circuit_of(table, lines)
    op = rs.solve(circuit)
    for _, number in elements(circuit, table):
        if is_free(op, number):
            continue
        p, q = (circuit.nodes[ends[number]] for ends in circuit.terminals)
        extra = circuit.with_tables(current_sources=_one_more(circuit, p, q))
        at = extra.first["current_sources"] + len(circuit.current_sources)
        wrong = 1e-3 * np.abs(op.element_currents).max()
        sources = extra.current_sources
        amps = np.append(sources.amps[:-1], wrong)
        extra = extra.with_tables(current_sources=dataclasses.replace(sources, amps=amps))
        currents = np.insert(op.element_currents, at, wrong)
        place = number + (number >= at)
        currents[place] += wrong
        proof = certify(extra, op.node_voltages, currents, op.closed, 1e-9)
        assert not proof.ok
        assert all("KCL" not in failure for failure in proof.failures)


def held(op):
    """The circuit of a result with its switches held as they are."""
    return op.circuit.with_switches(dict(zip(op.circuit.switches.names, op.closed, strict=True)))


def is_free(op, number):
    """Tell whether an element may have another current at the same voltages."""
    judged = Judged(held(op), op.node_voltages)
    for law in laws(judged.circuit):
        law.judge(judged)
    return bool(judged.low[number] or judged.high[number])


def _one_more(circuit, p, q):
    """The current sources of a circuit, and one more that leads from q back to p."""
    sources = circuit.current_sources
    return dataclasses.replace(
        sources,
        names=(*sources.names, "iback"),
        p=np.append(sources.p, circuit.node(q)),
        q=np.append(sources.q, circuit.node(p)),
        file=np.append(sources.file, -1),
        line=np.append(sources.line, 0),
        amps=np.append(sources.amps, 0.0),
    )


@every_case
def test_derivatives_by_its_value_match_differences(table, lines):
    circuit = circuit_of(table, lines)
    device = circuit.tables[table]
    (found,) = sensitivities(circuit, ["v(out)"])
    for name, number in elements(circuit, table):
        if device.value is None or is_terminal(name):
            assert name not in found.derivatives
            continue
        if device.value in ("farads", "henries"):
            continue
        value = float(getattr(device, device.value)[number - circuit.first[table]])
        if not math.isfinite(value):
            continue
        step = 1e-4 * abs(value) or 1e-4
        ends = [rs.solve(circuit.with_values({name: value + s})) for s in (step, -step)]
        if value == 0 and device.value == "ohms":  # a short has no negative neighbour
            ends[1], step = rs.solve(circuit), step / 2
        slope = (ends[0].voltage("out") - ends[1].voltage("out")) / (2 * step)
        assert found.derivatives[name] == pytest.approx(slope, rel=1e-3, abs=1e-9)


@every_case
def test_its_value_is_swept_and_varied(table, lines):
    circuit = circuit_of(table, lines)
    device = circuit.tables[table]
    for name, number in elements(circuit, table):
        row = number - circuit.first[table]
        if device.value is None or is_terminal(name):
            with pytest.raises(rs.UsageError, match="no value"):
                circuit.with_values({name: 1.0})
            continue
        value = float(getattr(device, device.value)[row])
        if not math.isfinite(value):
            continue
        values = [value, 1.2 * value + 1e-3]
        op = rs.sweep(circuit, [Sweep(name, tuple(values))])
        each = [rs.solve(circuit.with_values({name: v})).voltage("out") for v in values]
        assert op.voltage("out") == pytest.approx(each, rel=1e-9)
        if device.varies and device.varying()[row]:
            op = rs.monte_carlo(circuit, {name: 0.2}, 5)
            assert op.certificate.ok
            assert not op.unsolved
        else:
            with pytest.raises(rs.UsageError):
                rs.monte_carlo(circuit, {name: 0.2}, 5)


@every_case
def test_bad_values_are_refused(table, lines):
    circuit = circuit_of(table, lines)
    for name, _ in elements(circuit, table):
        with pytest.raises(rs.UsageError):
            circuit.with_values({name: math.nan})
        with pytest.raises(rs.UsageError):
            circuit.with_values({name: -math.inf})


@requires_ngspice
@every_case
def test_ngspice_agrees(table, lines):
    report = rs.ngspice.compare(circuit_of(table, lines))
    # a switch that is held has no card in ngspice, and crossbars have none anywhere
    beyond = {"not compared", "no deck"} if "fixed" in lines or not lines else {"agree"}
    if "pieces" in lines:  # it has the junction itself there
        beyond = {"disagree"}
    assert report.as_solved.status == "agree", report
    assert report.as_written.status in beyond, report


@every_case
def test_networks_around_it_learn(table, lines):
    circuit = circuit_of(table, lines)
    for selected in ("r1", "r2"):
        net = tr.Network(circuit, inputs=["vin"], outputs=["out"], trainable=[selected])
        X, Y = np.array([[2.0], [1.7], [-1.0]]), np.array([[0.3], [0.1], [0.2]])
        assert net.forward(X)[0, 0] == pytest.approx(rs.solve(circuit).voltage("out"), rel=1e-9)
        exact = tr.gradient(net, X, Y, rule=tr.Adjoint())
        g, slope = net.conductances.copy(), []
        for step in (1e-5, -1e-5):
            net.conductances = g * (1 + step)
            slope.append(float(((net.forward(X) - Y) ** 2).sum() / 2 / len(X)))
        net.conductances = g
        by_differences = (slope[0] - slope[1]) / (2e-5 * g[0])
        assert exact[0] == pytest.approx(by_differences, rel=1e-4, abs=1e-6)
        rule = tr.EquilibriumPropagation(beta=1e-8, variant="positive", strict=True)
        if net.one_way:  # there is no co-content
            with pytest.raises(rs.UsageError, match="acts one way"):
                tr.gradient(net, X, Y, rule=rule)
            continue
        found = tr.gradient(net, X, Y, rule=rule)
        assert found == pytest.approx(exact, rel=1e-3, abs=1e-6)


@every_case
def test_it_can_be_named_and_drawn(table, lines):
    pytest.importorskip("matplotlib")
    circuit = circuit_of(table, lines)
    for _, number in elements(circuit, table):
        p, q = (circuit.nodes[ends[number]] for ends in circuit.terminals)
        text = describe(circuit, number)
        assert p in text or q in text
    plotting.draw_circuit(circuit, rs.solve(circuit))
