"""Exact derivatives against finite differences, ngspice and formulas."""

import dataclasses
import re
import subprocess

import numpy as np
import pytest
from circuits import FAMILIES, random_circuit
from ngspice_tools import requires_ngspice
from textbook import DECKS

import resnet_sim as rs
from resnet_sim.errors import ConvergenceError, TopologyError, UsageError
from resnet_sim.point.engine import PointSolver

COLUMN = {"ron": "r_on", "roff": "r_off", "vrev": "v_reverse", "rrev": "r_reverse"}
MAIN = {
    "resistors": "ohms", "voltage_sources": "volts", "current_sources": "amps",
    "diodes": "v_forward", "controlled_sources": "constant",
}  # fmt: skip


def changed(circuit, key, value):
    """Return a circuit with another value of what a derivative is called after."""
    name, _, what = key.partition(":")
    table, row = circuit.locate(circuit.element(name))
    columns = getattr(circuit, table)
    if what.startswith("gain"):
        first, last = columns.ptr[row : row + 2]
        gain = columns.gain.copy()
        if what == "gain":
            gain[first:last] = value * gain[first:last] / gain[first]
        else:
            gain[first + int(what[4:]) - 1] = value
        column, values = "gain", gain
    else:
        column = COLUMN[what] if what else MAIN[table]
        values = getattr(columns, column).copy()
        values[row] = value
    return circuit.with_tables(**{table: dataclasses.replace(columns, **{column: values})})


def states(circuit):
    """Return the point, and what conducts and is closed there."""
    point = PointSolver(circuit, "auto", 1e-9, None).solve(circuit)
    return point, ((point.state.rectifier_current > 0).tobytes(), point.closed.tobytes())


def difference(circuit, key, value, read):
    """Return a derivative by central differences of fourth order, None across a kink."""
    step = 1e-3 * (abs(value) or 1.0)
    outcome, seen = 0.0, set()
    for times, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
        point, state = states(changed(circuit, key, value + times * step))
        seen.add(state)
        outcome += weight * read(point)
    return outcome / (12 * step) if len(seen) == 1 else None


def compare(circuit):
    """Compare all derivatives of one voltage and one current; return how many."""
    point, _ = states(circuit)
    fixed = np.flatnonzero(~point.floating[1:]) + 1
    known = np.flatnonzero(~point.undefined_currents)
    if not len(fixed):
        return 0
    node, element = int(fixed[-1]), int(known[len(known) // 2])
    outputs = [f"v({circuit.nodes[node]})", f"i({circuit.element_names[element]})"]
    reads = [lambda p: p.voltages[node], lambda p: p.currents[element]]
    if circuit.element_names[element] in point.nonunique:
        outputs, reads = outputs[:1], reads[:1]
    compared = 0
    for output, read in zip(outputs, reads, strict=True):
        try:
            (found,) = rs.sensitivities(circuit, [output])
        except UsageError:  # held by diodes without a current: a kink
            continue
        if found.at_knee:
            continue
        largest = np.abs(point.voltages if output[0] == "v" else point.currents).max()
        for key, derivative in found.derivatives.items():
            value = found.values[key]
            if value == 0 and (":" in key or circuit.kind(circuit.element(key)) == "resistor"):
                continue  # an ideal element turned into a real one is another structure
            wanted = difference(circuit, key, value, read)
            if wanted is None:
                continue
            scale = abs(value) or 1.0
            error = abs(wanted - derivative) * scale
            assert error <= 1e-6 * abs(derivative) * scale + 1e-9 * max(largest, 1e-3), (
                output,
                key,
            )
            compared += 1
    return compared


#: changing one source of a redundant loop leaves no solution, hence no derivative
SMALL = sorted(set(FAMILIES) - {"large_grid", "large_network", "decimal_loop"})


@pytest.mark.parametrize("family", SMALL)
def test_derivatives_match_finite_differences(family):
    match_finite_differences(family, 1)


@pytest.mark.long
@pytest.mark.parametrize("family", SMALL)
def test_derivatives_of_many_circuits_match_finite_differences(family):
    match_finite_differences(family, 8)


def match_finite_differences(family, wanted):
    """Compare the first circuits of a family that have a solution."""
    compared, solved = 0, 0
    for seed in range(8 * wanted):
        circuit = random_circuit(family, seed, decades=2)
        try:
            count = compare(circuit)
        except (TopologyError, ConvergenceError):
            continue
        compared, solved = compared + count, solved + (count > 0)
        if solved == wanted:
            break
    assert solved == wanted and compared > 2 * wanted


@requires_ngspice
@pytest.mark.parametrize("seed", range(5))
def test_ngspice_finds_the_same_in_linear_circuits(seed, tmp_path):
    circuit = random_circuit("linear", seed, decades=2)
    node = circuit.nodes[-1]
    (found,) = rs.sensitivities(circuit, [f"v({node})"])
    deck = rs.format_netlist(circuit, "ngspice").replace(".end", "")
    deck = re.sub(r"(?m)^\.(op|print|save).*$", "", deck)
    path = tmp_path / "deck.cir"
    path.write_text(f"{deck}\n.control\nset numdgt=12\nsens v({node})\nprint all\n.endc\n.end\n")
    text = subprocess.run(
        ["ngspice", "-b", str(path)], capture_output=True, text=True, check=False
    ).stdout
    theirs = {n: float(x) for n, x in re.findall(r"(?m)^(\S+) = (\S+)$", text)}
    compared = [name for name in found.derivatives if name in theirs]
    assert len(compared) >= circuit.n_elements / 2
    largest = max(abs(x) for x in found.normalised.values())
    for name in compared:
        # ngspice perturbs values by a millionth of themselves
        error = abs(theirs[name] - found.derivatives[name]) * abs(found.values[name]) / 100
        assert error <= 1e-5 * largest, name


def divider():
    b = rs.CircuitBuilder("divider")
    b.voltage_source("v1", "in", "0", 2.0)
    b.resistor("r1", "in", "out", 1e3)
    b.resistor("r2", "out", "0", 3e3)
    return b.build()


def test_a_divider_by_hand():
    (found,) = rs.sensitivities(divider(), ["v(out)"])
    assert found.value == pytest.approx(1.5)
    assert found.derivatives["r1"] == pytest.approx(-2.0 * 3e3 / 4e3**2)
    assert found.derivatives["r2"] == pytest.approx(2.0 * 1e3 / 4e3**2)
    assert found.normalised["v1"] == pytest.approx(0.015)


def test_the_transfer_function_of_a_divider():
    found = rs.transfer_function(divider(), "v(out)", "v1")
    assert found.gain == pytest.approx(0.75)
    assert found.input_resistance == pytest.approx(4e3)
    assert found.output_resistance == pytest.approx(750.0)


def test_the_transfer_function_of_a_current_source():
    b = rs.CircuitBuilder()
    b.current_source("i1", "0", "a", 1e-3)
    b.resistor("r1", "a", "0", 1e3)
    b.resistor("r2", "a", "b", 1e3)
    b.voltage_source("v1", "b", "0", 0.0)
    circuit = b.build()
    found = rs.transfer_function(circuit, "v(a)", "i1")
    assert found.gain == found.input_resistance == found.output_resistance == pytest.approx(500.0)
    found = rs.transfer_function(circuit, "i(v1)", "i1")
    assert found.gain == pytest.approx(0.5) and found.output_resistance == pytest.approx(2e3)


def test_a_blocking_diode_isolates():
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "in", "0", -1.0)
    b.diode("d1", "in", "out")
    b.resistor("r1", "out", "0", 1e3)
    found = rs.transfer_function(b.build(), "v(out)", "v1")
    assert (found.gain, found.input_resistance, found.output_resistance) == (0, np.inf, 1e3)


def test_a_diode_on_its_knee_is_named():
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "in", "0", 0.5)
    b.resistor("r1", "in", "out", 1e3)
    b.diode("d1", "out", "0", v_forward=0.5)
    (found,) = rs.sensitivities(b.build(), ["v(out)"])
    assert found.at_knee == ("d1",)


@pytest.mark.parametrize(
    ("output", "message"),
    [("v(x)", "no node"), ("i(x)", "no element"), ("out", "not of the form"), ("i(a,b)", "form")],
)
def test_unknown_outputs(output, message):
    with pytest.raises(UsageError, match=message):
        rs.sensitivities(divider(), [output])


def test_what_floats_has_no_derivative():
    b = rs.CircuitBuilder()
    b.resistor("r1", "a", "b", 1e3)
    b.resistor("r2", "c", "0", 1e3)
    with pytest.raises(UsageError, match="nothing fixes"):
        rs.sensitivities(b.build(), ["v(a)"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "output"),
    [("common emitter", "c"), ("current mirror", "out"), ("cmos inverter", "out")],
)
def test_every_parameter_of_models_moves_outputs_as_differences_say(name, output):
    circuit = rs.parse_netlist(f"{name}\n{DECKS[name]}\n")
    (found,) = rs.sensitivities(circuit, [f"v({output})"])
    compared = 0
    for key, derivative in found.derivatives.items():
        value = found.values[key]
        if ":" not in key or not value:
            continue
        step = 1e-4 * abs(value)
        volts = [
            rs.solve(circuit.with_model_parameters({key: value + k * step})).voltage(output)
            for k in (-2, -1, 1, 2)
        ]
        expected = (volts[0] - 8 * volts[1] + 8 * volts[2] - volts[3]) / (12 * step)
        assert derivative * value == pytest.approx(expected * value, rel=1e-6, abs=1e-8), key
        compared += 1
    assert compared > 8


def test_equations_are_factored_once_for_all_outputs(monkeypatch):
    from scipy.sparse import linalg

    factored, splu = [], linalg.splu
    circuit, outputs = rs.generators.grid(20, seed=1), ["v(n3_3)", "v(n7_2,n1_1)", "i(r5)"]
    singly = [rs.sensitivities(circuit, output)[0] for output in outputs]

    def counted(matrix, **options):
        if not options:  # the solver of the point gives some
            factored.append(matrix)
        return splu(matrix, **options)

    monkeypatch.setattr(linalg, "splu", counted)
    for one, found in zip(singly, rs.sensitivities(circuit, outputs), strict=True):
        assert found.derivatives == one.derivatives
    assert len(factored) == 1
