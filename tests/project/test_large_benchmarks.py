"""The benchmark of large circuits, in a small form: its program, its judge, its command."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import resnet_sim as rs

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch):
    """Make the modules of benchmarks/ importable."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def jam():
    """1 V and 0 V, each behind 1 ohm, and a diode between: 0.5 V, 0.5 A."""
    b = rs.CircuitBuilder("jam")
    b.voltage_source("v1", "a", "0", 1.0)
    b.resistor("r1", "a", "n1", 1.0)
    b.resistor("r2", "0", "n2", 1.0)
    b.diode("d1", "n1", "n2")
    return b.build()


def test_the_program_of_two_nodes_by_hand(benchmarks):
    from quadratic import quadratic_program

    program = quadratic_program(jam())
    order = program.coordinate[[2, 3]]  # n1, n2
    np.testing.assert_array_equal(program.matrix.toarray(), np.eye(2))
    np.testing.assert_array_equal(program.vector[order], [1.0, 0.0])
    np.testing.assert_array_equal(program.constraints.toarray()[0][order], [1.0, -1.0])
    assert program.bounds.tolist() == [0.0]


@pytest.mark.parametrize(
    ("n1", "n2", "amps", "residual"),
    [
        (0.5, 0.5, 0.5, 0.0),
        (0.5, 0.5, 0.25, 0.25 / 0.5),  # 0.25 A are missing at both nodes, 0.5 A flow there
        (0.75, 0.25, 0.25, 0.5 / 0.75),  # balanced, but forward by 0.5 V of 0.75 V
        (0.25, 0.75, 0.75, 0.5 / 0.75),  # balanced, but all current flows at 0.5 V in reverse
        (0.0, 1.0, -1.0, 2.0),  # backwards: 2 A too many at both nodes, 1 A flows there
    ],
)
def test_the_residual_of_two_nodes_by_hand(benchmarks, n1, n2, amps, residual):
    from quadratic import quadratic_program

    program = quadratic_program(jam())
    x = np.empty(2)
    x[program.coordinate[[2, 3]]] = n1, n2
    assert program.residual(x, np.array([amps])) == pytest.approx(residual)


def test_sources_and_shorts_in_a_row_are_eliminated(benchmarks):
    from quadratic import quadratic_program

    b = rs.CircuitBuilder()
    b.voltage_source("v1", "a", "b", 2.0)
    b.resistor("short", "c", "b", 0.0)
    b.voltage_source("v2", "d", "c", -5.0)
    b.resistor("r1", "a", "0", 1.0)
    b.resistor("r2", "d", "0", 1.0)
    program = quadratic_program(b.build())
    # b floats between: v_a = v_b + 2, v_d = v_b - 5, the currents cancel at v_b = 1.5
    x = np.linalg.solve(program.matrix.toarray(), program.vector)
    voltages = np.where(program.coordinate < 0, 0.0, x[0]) + program.offset
    np.testing.assert_allclose(voltages, [0.0, 3.5, 1.5, 1.5, -3.5])
    assert program.residual(x, np.zeros(0)) < 1e-15


def test_other_devices_are_refused(benchmarks):
    from quadratic import quadratic_program

    b = rs.CircuitBuilder()
    b.resistor("r1", "a", "0", 1.0)
    b.diode("d1", "a", "0", r_on=1.0)
    with pytest.raises(ValueError, match="ideal diodes only"):
        quadratic_program(b.build())


def test_certified_solutions_of_every_family_solve_the_program(benchmarks):
    from families import FAMILIES
    from quadratic import quadratic_program

    for name, family in FAMILIES.items():
        circuit = family(100, 1)
        program = quadratic_program(circuit)
        op = rs.solve(circuit)
        assert op.certificate.ok
        current = op.element_currents[circuit.first["diodes"] + program.diodes]
        x = program.reduce(op.node_voltages)
        assert program.residual(x, current) < 1e-11, name
        assert program.residual(x + 1e-6, current) > 1e-8, name
        assert (len(current) == 0) == (name in ("supply-grid", "amplified-ladder")), name


def test_growth_is_the_power_of_the_nodes(benchmarks):
    from large_report import growth, markdown

    records = [
        {"family": "grid", "contender": "solve", "nodes": n, "seconds": 3e-6 * n**1.25}
        for n in (10**4, 10**5, 10**6)
    ]
    records.append({"family": "grid", "contender": "osqp", "nodes": 10**4, "seconds": 1.0})
    records.append({"family": "grid", "contender": "osqp", "nodes": 10**5, "note": "over 60 s"})
    assert growth(records) == {("grid", "solve"): pytest.approx(1.25)}
    assert "| grid | solve | n^1.25 |" in markdown(records)


def test_amplifiers_are_judged_by_their_law(benchmarks):
    from quadratic import quadratic_program

    b = rs.CircuitBuilder()
    b.voltage_source("v1", "in", "0", 1.0)
    b.resistor("r1", "in", "x", 1.0)
    b.vcvs("e1", "out", "0", "0", "x", 3.0)
    b.resistor("r2", "x", "out", 1.0)
    program = quadratic_program(b.build())
    # x = (1 + out) / 2 and out = -3 x
    x = np.zeros(2)
    x[program.coordinate[[2, 3]]] = 0.2, -0.6
    assert program.residual(x, np.zeros(0)) < 1e-15
    x[program.coordinate[3]] = -0.5
    assert program.residual(x, np.zeros(0)) == pytest.approx(0.1 / 0.5)


def test_the_command_measures_and_reports(tmp_path):
    command = [
        sys.executable, BENCHMARKS / "large_circuits.py", "--sizes", "100", "--families", "grid",
        "--contenders", "solver,osqp,linear", "--repeats", "1", "-o", tmp_path,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "large_circuits.jsonl").read_text().splitlines()
    solver, osqp, linear = (json.loads(line) for line in lines)
    assert (solver["contender"], solver["nodes"], solver["diodes"]) == ("solver", 100, 30)
    assert solver["residual"] < 1e-12
    assert solver["residual"] < osqp["residual"] < 1e-2
    assert 0 < linear["seconds"] < solver["seconds"]
    assert solver["ratio_low"] <= solver["ratio"] <= solver["ratio_high"]
    assert 20 < solver["peak_mb"] < 1000
    assert (tmp_path / "large_circuits.md").read_text().count("| grid | 100 |") == 3
    if importlib.util.find_spec("matplotlib"):
        assert "<svg" in (tmp_path / "large_circuits.svg").read_text()


@pytest.mark.slow
def test_several_seeds_give_one_record(tmp_path):
    command = [
        sys.executable, BENCHMARKS / "large_circuits.py", "--sizes", "100", "--families", "ladder",
        "--contenders", "solver", "--repeats", "1", "--seeds", "2", "-o", tmp_path,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (record,) = map(json.loads, (tmp_path / "large_circuits.jsonl").read_text().splitlines())
    assert record["runs"] == 2
    assert record["note"] == "seeds 0 to 1"
    assert record["ratio_low"] <= record["ratio"] <= record["ratio_high"]
    assert record["residual"] < 1e-12


@pytest.mark.slow
def test_a_run_over_the_limit_is_noted(tmp_path):
    command = [
        sys.executable, BENCHMARKS / "large_circuits.py", "--sizes", "1000,2000",
        "--families", "grid", "--contenders", "linear", "--limit", "1e-4", "-o", tmp_path,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (record,) = map(json.loads, (tmp_path / "large_circuits.jsonl").read_text().splitlines())
    assert "seconds" not in record
    assert record["note"].startswith("over")
    assert record["note"].endswith("larger ones not tried")


def test_the_targets_are_printed_beside_what_is_measured(benchmarks, capsys):
    from large_circuits import parse
    from large_targets import COMPARED, MEASURED, show

    def ask(options, family, nodes, contender, seed):
        record = {"family": family, "nodes": nodes, "contender": contender, "note": "gave up"}
        if family == "random":
            return record
        seconds = 2.0 if contender == "command" else 1.5
        figures = {"seconds": seconds, "ratio": 12.5, "peak_mb": 100.0, "residual": 1e-12}
        return record | figures

    options = parse([])
    assert options.targets
    assert not parse(["--sizes", "100"]).targets
    show(options, ask)
    printed = capsys.readouterr().out.splitlines()
    of_grid = [line.split() for line in printed if line.startswith("feedback-grid")]
    ratios = [line[3:] for line in of_grid if line[3] == "ratio"]
    assert ratios == [
        ["ratio", "12.5", "<=", "4", "missed"],
        ["ratio", "12.5", "<=", "12", "missed"],
        ["ratio", "12.5", "<=", "30"],
    ]
    more = next(line for line in printed if "s more" in line)
    assert more.split()[5:] == ["0.5", "<=", "0.3", "missed"]
    faster = next(line for line in printed if "faster" in line)
    assert faster.split()[4:] == ["0.75", ">=", "12", "missed"]
    assert sum("gave up" in line for line in printed) == sum(m.family == "random" for m in MEASURED)
    assert len(COMPARED) == 2
