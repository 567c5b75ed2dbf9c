"""Formats: what a program or a person gets to read."""

import csv
import io
import json
import math
import shutil
import subprocess

import numpy as np
import pytest
from optional_formats import formats

from resnet_sim import CircuitBuilder, OperatingPoint, UsageError
from resnet_sim.diagnostics import Diagnostic, Span
from resnet_sim.model.circuit import Circuit
from resnet_sim.results.formats.json import to_json
from resnet_sim.results.formats.registry import FORMATS
from resnet_sim.results.formats.table import engineering
from resnet_sim.results.proof import Certificate, SolverInfo
from resnet_sim.workers.atomic_file import replace_file

NAN = math.nan


def certificate(ok: bool = True) -> Certificate:
    failures = () if ok else ("KCL at b: 1 A",)
    return Certificate(ok, 1e-16, 1e-13, 0.0, 0.0, 0.0, 2e-17, 1e-9, failures)


def divider(**attributes) -> Circuit:
    b = CircuitBuilder("a divider")
    b.voltage_source("v1", "in", "0", 2.0)
    b.resistor("r1", "in", "out", 1e3)
    b.resistor("r2", "out", "0", 1e3)
    b.diode("d1", "x", "in")
    b.switch("s1", "in", "x", closed=False)
    return b.build(**attributes)


def result(circuit: Circuit | None = None, **changes) -> OperatingPoint:
    """The divider at one point; x floats.  Order: r1 r2 v1 d1 s1."""
    values = {
        "circuit": circuit or divider(),
        "node_voltages": np.array([0.0, 2.0, 1.0, NAN]),
        "element_currents": np.array([1e-3, 1e-3, -1e-3, 0.0, -0.0]),
        "certificate": certificate(),
        "solver": SolverInfo("newton", 3, 1.5e-4, ("auto: small",)),
        "floating": ("x",),
        "closed": np.array([False]),
    }
    return OperatingPoint(**(values | changes))


def sweep(**changes) -> OperatingPoint:
    v = np.array([[0.0, 0.0, 0.0, NAN], [0.0, 2.0, 1.0, NAN]])
    i = np.array([[0.0] * 5, [1e-3, 1e-3, -1e-3, 0.0, 0.0]])
    values = {
        "node_voltages": v,
        "element_currents": i,
        "closed": np.array([[False], [True]]),
        "sweep": {"v1": np.array([0.0, 2.0])},
    }
    return result(**(values | changes))


def written(form: str, *ops: OperatingPoint) -> str | bytes:
    return FORMATS[form].write(ops)


def strict_loads(text: str):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_has_the_documented_keys_and_null_for_undefined():
    record = strict_loads(written("json", result()))
    assert record["title"] == "a divider"
    assert record["status"] == "solved"
    assert record["analysis"] == "op"
    assert record["voltages"] == {"in": 2.0, "out": 1.0, "x": None}
    assert record["currents"]["v1"] == -1e-3
    assert record["floating"] == ["x"]
    assert record["switches"] == {"s1": False}
    assert record["certificate"]["ok"] is True
    assert record["solver"] == {"method": "newton", "iterations": 3, "seconds": 1.5e-4}
    assert record["notes"] == ["auto: small"]
    assert "sweep" not in record


def test_json_has_no_negative_zero_and_no_infinity():
    infinite = Certificate(False, math.inf, NAN, 0.0, 0.0, 0.0, 0.0, 1e-9)
    record = strict_loads(written("json", result(certificate=infinite)))
    assert math.copysign(1, record["currents"]["s1"]) == 1
    assert record["certificate"]["kcl_residual"] is None
    assert record["certificate"]["kcl_relative"] is None
    assert record["status"] == "not converged"


def test_json_of_a_sweep_has_lists_of_equal_length():
    record = strict_loads(written("json", sweep(unsolved={0: "a loop"})))
    assert record["analysis"] == "dc"
    assert record["sweep"] == {"v1": [0.0, 2.0]}
    assert record["voltages"] == {"in": [0.0, 2.0], "out": [0.0, 1.0], "x": [None, None]}
    assert record["switches"] == {"s1": [False, True]}
    assert record["status"] == "no solution"
    assert record["unsolved"] == [{"point": 0, "reason": "a loop"}]


def test_json_of_several_analyses_is_one_object_with_the_worst_status():
    record = strict_loads(written("json", result(), sweep(certificate=certificate(ok=False))))
    assert record["status"] == "not converged"
    assert [part["analysis"] for part in record["analyses"]] == ["op", "dc"]


def test_json_of_a_diagnostic_says_where_and_how_to_repair():
    warning = Diagnostic("W201", "floats", Span("a.net", 4, 2, 3, "R1 a b"), "tie it down")
    (record,) = to_json(result(diagnostics=(warning,)))["diagnostics"]
    assert record == {
        "code": "W201", "severity": "warning", "message": "floats",
        "file": "a.net", "line": 4, "column": 2, "hint": "tie it down",
    }  # fmt: skip


def test_csv_has_a_row_per_point_and_exact_numbers():
    third = np.array([[0.0, 1 / 3, 0.1, NAN]] * 2)
    text = written("csv", sweep(node_voltages=third))
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header[:4] == ["v1", "v(in)", "v(out)", "v(x)"]
    assert header[4:] == ["i(r1)", "i(r2)", "i(v1)", "i(d1)", "i(s1)"]
    assert [row[0] for row in rows] == ["0", "2"]
    assert float(rows[0][1]) == 1 / 3
    assert rows[0][3] == ""
    assert text.endswith("\r\n")


def test_csv_quotes_names_with_commas():
    b = CircuitBuilder()
    b.resistor("r1", 'odd,"name', "0", 1.0)
    point = result(
        b.build(),
        node_voltages=np.zeros(2),
        element_currents=np.zeros(1),
        closed=np.zeros(0, dtype=bool),
    )
    header, _ = csv.reader(io.StringIO(written("csv", point), newline=""))
    assert header == ['v(odd,"name)', "i(r1)"]


def test_csv_of_several_analyses_is_one_table():
    header, *rows = csv.reader(io.StringIO(written("csv", result(), sweep())))
    assert header[:3] == ["analysis", "v1", "v(in)"]
    assert [row[:3] for row in rows] == [["1", "", "2"], ["2", "0", "0"], ["2", "2", "2"]]
    assert len({len(row) for row in rows}) == 1


def test_raw_file_loads_in_ngspice(tmp_path):
    if shutil.which("ngspice") is None:
        pytest.skip("needs ngspice")
    nested = {"v1": np.array([0.0, 2.0]), "temp": np.array([27.0, 27.0])}
    (tmp_path / "out.raw").write_text(written("raw", result(), sweep(sweep=nested)))
    script = "* read\n.control\nload out.raw\ndisplay\nprint dc1.v(out) dc1.i(v1)\nquit 0\n.endc\n"
    (tmp_path / "read.cir").write_text(script + ".end\n")
    command = ["ngspice", "-n", "-b", "read.cir"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "a divider" in run.stdout
    assert "v(v-sweep)          : notype, real, 2 long [default scale]" in run.stdout
    assert "1\t1.000000e+00\t-1.00000e-03" in run.stdout


def test_raw_values_survive_to_the_last_bit():
    text = written("raw", result(node_voltages=np.array([0.0, 1 / 3, 0.1, NAN])))
    assert "Plotname: Operating Point" in text
    values = text.partition("Values:\n")[2].split()
    assert float(values[1]) == 1 / 3
    assert values[3] == "nan"


def test_raw_title_stays_on_its_line():
    circuit = divider()
    object.__setattr__(circuit, "title", "two\nlines")
    assert "Title: two lines\n" in written("raw", result(circuit))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.5, "2.50000 V"),
        (-1e-3, "-1.00000 mV"),
        (999.9999999, "1.00000 kV"),
        (0.00999999999, "10.0000 mV"),
        (12345678.0, "12.3457 MV"),
        (-0.0, "0 V"),
        (1e-30, "1.00000e-30 V"),
        (3e20, "3.00000e+20 V"),
    ],
)
def test_engineering_notation(value, text):
    assert engineering(value, "V") == text


def test_table_aligns_values_and_names_floating_nodes():
    lines = written("table", result()).splitlines()
    assert lines[0] == "a divider"
    assert "  node   voltage" in lines
    assert "  out    1.00000 V" in lines
    assert "  x     floating" in lines
    assert "  v1       -1.00000 mA" in lines
    assert "  s1       open" in lines
    assert any(line.startswith("certificate: ok, KCL 1e-16 A") for line in lines)
    assert "solver: newton, 3 iterations, 150 us" in lines
    assert "  note: auto: small" in lines


def test_table_marks_currents_that_are_not_unique():
    assert "  d1              0 A   (one of many)" in written("table", result(nonunique=("d1",)))


def test_table_shows_only_the_outputs_that_the_deck_names():
    circuit = divider(outputs=("v(in,out)", "@r1[i]"))
    text = written("table", result(circuit))
    assert "  v(in,out)  1.00000 V" in text
    assert "  @r1[i]     1.00000 mA" in text
    assert "v1" not in text


@pytest.mark.parametrize("form", formats())
def test_outputs_that_the_circuit_lacks_are_refused_by_name(form):
    with pytest.raises(UsageError, match="no node 'nowhere'"):
        written(form, result(divider(outputs=("v(in)", "v(nowhere)"))))


def test_table_of_a_sweep_has_a_row_per_point():
    lines = written("table", sweep(unsolved={0: "a loop"})).splitlines()
    header = next(line for line in lines if "v(out)" in line)
    first, second = lines[lines.index(header) + 1 :][:2]
    assert header.split()[:2] == ["v1", "v(in)"]
    assert first.split()[:3] == ["0", "no", "solution"]
    assert second.split()[:5] == ["2", "2.00000", "V", "1.00000", "V"]


def test_table_of_several_analyses_numbers_them():
    text = written("table", result(), sweep())
    assert "analysis 1: operating point\n" in text
    assert "analysis 2: sweep\n" in text


def test_table_says_what_fails():
    text = written("table", result(certificate=certificate(ok=False)))
    assert "certificate: FAILED" in text
    assert "fails: KCL at b: 1 A" in text


def test_table_of_a_large_circuit_is_cut_and_says_so():
    n = 100
    b = CircuitBuilder("ladder")
    for k in range(n):
        b.resistor(f"r{k}", f"n{k}", f"n{k + 1}", 1.0)
    b.resistor("rend", f"n{n}", "0", 1.0)
    b.voltage_source("v1", "n0", "0", 1.0)
    circuit = b.build()
    point = result(
        circuit,
        node_voltages=np.zeros(len(circuit.nodes)),
        element_currents=np.zeros(circuit.n_elements),
        closed=np.zeros(0, dtype=bool),
        floating=(),
    )
    text = written("table", point)
    assert "(61 more nodes: --format csv shows everything)" in text
    assert "(62 more elements: --format csv shows everything)" in text
    assert "  v1 " in text
    assert len(text.splitlines()) < 100


def test_a_large_table_shows_what_lies_outside_subcircuits_and_sources_first():
    b = CircuitBuilder("cells")
    for k in range(60):
        b.resistor(f"x{k}.r1", f"x{k}.m", f"n{k}", 1.0)
    b.diode("d1", "n0", "last")
    b.voltage_source("v1", "n0", "0", 1.0)
    circuit = b.build()
    point = result(
        circuit,
        node_voltages=np.arange(len(circuit.nodes)) * 1.0,
        element_currents=np.arange(circuit.n_elements) * 1.0,
        closed=np.zeros(0, dtype=bool),
        floating=(),
    )
    rows = [line.split()[:2] for line in written("table", point).splitlines() if line[:2] == "  "]
    # nodes in the order of their numbers: x0.m 1, n0 2, x1.m 3, ...
    assert [name for name, _ in rows[1:41]] == [f"n{k}" for k in range(40)]
    assert rows[1][1] == "2.00000"
    assert rows[40][1] == "80.0000"
    assert rows[41] == ["(81", "more"]
    names = [name for name, _ in rows[43:83]]
    assert names == [*(f"x{k}.r1" for k in range(38)), "v1", "d1"]
    assert dict(rows[43:83])["v1"] == "60.0000"


def test_a_new_file_replaces_the_old_one_whole(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("old")
    target.chmod(0o640)
    replace_file(target, "new")
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "out.csv"
    target.write_text("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
