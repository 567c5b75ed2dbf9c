"""ngspice agrees: on every example, and on random circuits of every family."""

import math
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from circuits import FAMILIES, random_circuit
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.generators.layered import layered

pytestmark = requires_ngspice

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "netlists").glob("*.net"))
PER_FAMILY = 12


def explained(report) -> str:
    return rs.ngspice.format_report(report)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_with_a_solution_agrees(path):
    circuit = rs.read_netlist(path)
    if path.stem.startswith("impossible"):
        with pytest.raises(rs.TopologyError):
            rs.ngspice.compare(circuit)
        return
    report = rs.ngspice.compare(circuit)
    assert report.agrees, explained(report)
    for part in report.comparisons:
        defined = len(circuit.nodes) - 1 - len(part.op.floating)
        assert part.compared["voltages"] == defined
        assert part.compared["points"] == (len(next(iter(part.op.sweep.values()), [0])))


def tally(circuits) -> tuple[Counter, list[str]]:
    """How many circuits agree, and reports of those that do not."""
    words: Counter = Counter()
    reports = []
    for seed, circuit in circuits:
        try:
            op = rs.solve(circuit)
        except (rs.TopologyError, rs.ConvergenceError):
            words["unsolved"] += 1
            continue
        report = rs.ngspice.compare(circuit, op)
        if not report.agrees and any(d.code == "W205" for d in op.diagnostics):
            report = rs.ngspice.compare(circuit, rs.solve(circuit, start=theirs(report)))
        # what loops of sources do to ngspice is known; the export leaves one element out
        wrong = report.as_written.status == "disagree"
        word = "disagree" if wrong else report.as_solved.status
        words["ngspice failed" if word == "disagree" and astray(report) else word] += 1
        if not report.agrees:
            reports.append(f"seed {seed}\n{rs.format_netlist(circuit)}\n{explained(report)}")
    return words, reports


def theirs(report) -> dict[str, float]:
    """What ngspice found for the nodes: where we say that several solutions exist, one of them."""
    reading = report.as_solved.comparisons[0].reading
    found = zip(reading.names, reading.values[0].tolist(), strict=True)
    plain = ((name, v) for name, v in found if name.startswith("v(") and "," not in name)
    return {name[2:-1]: v for name, v in plain if math.isfinite(v)}


def astray(report) -> bool:
    """Tell whether it is ngspice that the laws contradict, our voltages obeying them to rounding.

    In long chains of ideal diodes between resistors of six decades no on-resistance is right.
    """
    verdicts = [part.verdict for part in report.comparisons if part.verdict is not None]
    return bool(verdicts) and all(v.ours.score < 1e-12 and v.theirs.score > 1e-9 for v in verdicts)


def assert_agreement(circuits, least: int, failures: float) -> None:
    """No disagreement; ngspice fails, or contradicts itself, only on so many."""
    words, reports = tally(circuits)
    assert not words["disagree"], "\n".join(reports)
    assert words["agree"] >= least, words
    assert words["ngspice failed"] <= failures * words["agree"] + 1, "\n".join(reports)


#: Two resistors in series that cancel are a short whose current may be any.  With on-resistances
#: for diodes, whatever their size, the current is one, and the voltages differ by that much: there
#: exact enumeration is the witness (`tests/point/test_random_circuits.py`).
BEYOND = {"cancelling_resistors"}


@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - BEYOND))
def test_random_circuits_agree(family):
    # in large_grid, chains of diodes between resistors of six decades: with on-resistances
    # small enough for the smallest, rounding hides what the largest do
    failures = 0.25 if family == "large_grid" else 0.05
    circuits = ((seed, random_circuit(family, seed)) for seed in range(PER_FAMILY))
    assert_agreement(circuits, PER_FAMILY // 3, failures)


def test_there_are_170_random_circuits():
    solvable = Counter()
    for family in FAMILIES:
        for seed in range(PER_FAMILY):
            try:
                rs.solve(random_circuit(family, seed))
            except (rs.TopologyError, rs.ConvergenceError):
                continue
            solvable[family] += 1
    assert solvable.total() >= 170


def nested(family: str, seed: int) -> rs.Circuit:
    """A random circuit as a subcircuit with two ports, used twice."""
    lines = rs.format_netlist(random_circuit(family, seed)).splitlines()[1:-1]
    deck = ["cells", ".subckt cell 1 2", *lines, ".ends"]
    deck += ["Xa p q cell", "Xb p r cell", "Rpq p q 10", "Rqr q r 22", "Rr r 0 47", ".end"]
    return rs.parse_netlist("\n".join(deck))


@pytest.mark.parametrize(
    "family", ["ideal_diodes", "real_diodes", "controlled_switches", "random_feedback"]
)
def test_circuits_of_subcircuits_agree(family):
    assert_agreement(((seed, nested(family, seed)) for seed in range(8)), 3, 0.05)


@pytest.mark.long
@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - BEYOND))
def test_many_random_circuits_agree(family):
    failures = 0.25 if family == "large_grid" else 0.05
    seeds = *range(PER_FAMILY, 21), *range(5000, 5150)
    circuits = ((seed, random_circuit(family, seed)) for seed in seeds)
    assert_agreement(circuits, 50, failures)


def test_the_table_in_the_documents_has_every_example_and_no_disagreement():
    document = (EXAMPLES[0].parent.parent.parent / "docs" / "validation.md").read_text()
    rows = [line for line in document.splitlines() if line.startswith("| [")]
    assert [row.split("]")[0].removeprefix("| [") for row in rows] == [p.stem for p in EXAMPLES]
    assert not [row for row in rows if "**" in row]


def grid(size: int, diodes: int) -> rs.Circuit:
    """Neighbours joined by resistors, some of them by diodes as well."""
    random = Random(7)
    builder = rs.CircuitBuilder(f"grid {size}")
    name = "n{}_{}".format
    for i in range(size):
        for j in range(size):
            for k, other in enumerate(((i + 1, j), (i, j + 1))):
                if max(other) < size:
                    ohms = random.uniform(500, 2000)
                    builder.resistor(f"r{i}_{j}_{k}", name(i, j), name(*other), ohms)
    for k in range(diodes):
        i, j = random.randrange(size - 1), random.randrange(size - 1)
        other = random.choice(((i + 1, j), (i, j + 1)))
        builder.diode(f"d{k}", name(i, j), name(*other))
    for k in range(size):
        node = name(random.randrange(size), random.randrange(size))
        builder.current_source(f"i{k}", "0", node, random.gauss(0, 0.01))
    builder.voltage_source("v1", name(0, 0), "0", 5.0)
    builder.voltage_source("v2", name(size - 1, size - 1), "0", -3.0)
    return builder.build()


def test_a_grid_of_600_nodes_and_200_diodes_agrees():
    report = rs.ngspice.compare(grid(25, 200))
    assert report.agrees, explained(report)
    assert report.comparisons[0].compared["voltages"] == 625


@pytest.mark.parametrize("gain", [None, 4.0], ids=["plain", "amplified"])
def test_layered_networks_of_more_than_1000_devices_agree(gain):
    circuit = layered([20, 30, 20, 10], amplification=10.0, gain=gain)
    assert circuit.n_elements > 1000
    report = rs.ngspice.compare(circuit)
    assert report.agrees, explained(report)


@pytest.mark.long
def test_a_grid_with_3000_diodes_takes_ngspices_own_time_and_a_tenth():
    circuit = grid(100, 3000)
    began = time.perf_counter()
    report = rs.ngspice.compare(circuit)
    seconds = time.perf_counter() - began
    assert report.agrees, explained(report)
    assert seconds < 1.1 * report.comparisons[0].reading.seconds
