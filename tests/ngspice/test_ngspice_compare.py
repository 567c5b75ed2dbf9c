"""Comparing: planted errors are found and named, and the right side is believed."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.cli import main
from resnet_sim.laws.foreign import violation

EXAMPLES = Path(__file__).parents[2] / "examples" / "netlists"
BRIDGE = EXAMPLES / "bridge-rectifier.net"


def planted(op: rs.OperatingPoint, node: str, volts: float) -> rs.OperatingPoint:
    wrong = op.node_voltages.copy()
    wrong[..., op.circuit.node(node)] += volts
    return dataclasses.replace(op, node_voltages=wrong)


@requires_ngspice
@pytest.mark.parametrize(("name", "volts"), [
    ("bridge-rectifier", 1e-4), ("wheatstone-bridge", -1e-4), ("jam", 1e-4),
    ("precision-rectifier", -1e-4),
])  # fmt: skip
def test_a_planted_error_is_found_named_and_not_believed(name, volts):
    circuit = rs.read_netlist(EXAMPLES / f"{name}.net")
    (op,) = rs.run(circuit)
    node = circuit.nodes[-1]
    report = rs.ngspice.compare(circuit, planted(op, node, volts))
    assert report.status == "disagree"
    (part,) = report.comparisons
    assert part.disagreeing == (f"v({node})",)
    assert part.worst[0].difference == pytest.approx(volts, rel=1e-3)
    assert part.verdict.believe == "theirs"
    assert f"v({node})" in rs.ngspice.format_report(report)


@requires_ngspice
def test_a_planted_current_is_found_and_named():
    circuit = rs.read_netlist(BRIDGE)
    op = rs.solve(circuit)
    wrong = op.element_currents.copy()
    wrong[circuit.element("v1")] *= 1.001
    report = rs.ngspice.compare(circuit, dataclasses.replace(op, element_currents=wrong))
    assert report.comparisons[0].disagreeing == ("i(v1)",)


def csv_of(circuit: rs.Circuit, path: Path, node: str, volts: float) -> Path:
    values = dict(rs.solve(circuit).voltages)
    values[node] += volts
    rows = [",".join(f"v({n})" for n in values), ",".join(map(repr, values.values()))]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_wrong_file_is_not_believed(tmp_path, capsys):
    circuit = rs.read_netlist(BRIDGE)
    path = csv_of(circuit, tmp_path / "wrong.csv", "out", 1e-4)
    assert main(["validate", str(BRIDGE), "--against", str(path), "--format", "json"]) == 1
    record = json.loads(capsys.readouterr().out)
    (analysis,) = record["analyses"]
    assert record["status"] == "disagree"
    assert analysis["disagreeing"] == ["v(out)"]
    assert analysis["residuals"]["believe"] == "ours"
    assert analysis["worst"][0]["difference"] == pytest.approx(-1e-4, rel=1e-6)


def test_a_right_file_agrees_without_ngspice(tmp_path, monkeypatch, capsys):
    path = csv_of(rs.read_netlist(BRIDGE), tmp_path / "right.csv", "out", 0.0)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["validate", str(BRIDGE), "--against", str(path)]) == 0
    assert "agrees with" in capsys.readouterr().out


def test_without_ngspice_the_status_is_4_and_the_message_says_how_to_get_it(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["validate", str(BRIDGE)]) == 4
    assert "apt-get install ngspice" in capsys.readouterr().err


#: what it does -> how long it may take, s, and what is said; every attempt takes all of the time
FAKES = {
    "it says so": ("print('Warning: singular matrix: check node x')", "30", "singular matrix"),
    "its reason above": (
        "print('Netlist line no. 3:\\nUndefined parameter [v]\\nERROR: fatal error in ngspice')",
        "30", "Undefined parameter [v] / ERROR: fatal",
    ),
    "no result": ("print('bye')", "30", "left no result: bye"),
    "damaged": ("open('out.raw', 'w').write('Title: t\\n')", "30", "can't be read"),
    "slow": ("import time; time.sleep(30)", "0.1", "did not end within"),
}  # fmt: skip


@pytest.mark.parametrize("fake", FAKES.values(), ids=list(FAKES))
def test_where_ngspice_fails_its_words_are_shown(fake, tmp_path, monkeypatch, capsys):
    body, limit, words = fake
    program = tmp_path / "ngspice"
    known = "import sys\nif '--version' in sys.argv: sys.exit()"
    program.write_text(f"#!{sys.executable}\n{known}\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    deck = str(EXAMPLES / "divider.net")
    assert main(["validate", deck, "--time-limit", limit]) == 4
    out = capsys.readouterr().out
    assert words in out
    assert "not validated" in out


@requires_ngspice
def test_exit_statuses(tmp_path, capsys):
    bad = tmp_path / "bad.net"
    bad.write_text("t\nR1 a\n")
    assert main(["validate", str(BRIDGE)]) == 0
    assert main(["validate", str(bad)]) == 2
    assert main(["validate", str(BRIDGE), "--against", str(tmp_path / "none.raw")]) == 2
    assert main(["validate", str(EXAMPLES / "impossible-diode.net")]) == 3
    capsys.readouterr()


@requires_ngspice
def test_what_is_not_compared_is_said():
    skipped = {}
    for name in ("floating-node", "storage-elements", "parallel-diodes"):
        report = rs.ngspice.compare(rs.read_netlist(EXAMPLES / f"{name}.net"))
        skipped |= report.comparisons[0].skipped
    assert "floats" in skipped["v(x)"]
    assert "blocks" in skipped["i(d1)"]


@requires_ngspice
def test_a_loop_of_shorts_is_broken_and_its_currents_are_skipped():
    deck = "loop\nV1 a 0 1\nR1 a b 1k\nR2 b c 0\nR3 b c 0\nL1 c b 1m\nR4 c 0 1k\n.end\n"
    report = rs.ngspice.compare(rs.parse_netlist(deck))
    assert report.agrees
    skipped = report.comparisons[0].skipped
    assert {"i(r2)", "i(r3)", "i(l1)"} <= set(skipped)
    assert report.comparisons[0].compared == {"voltages": 3, "currents": 1, "points": 1}


@requires_ngspice
def test_a_bistable_circuit_is_compared_on_the_branch_that_was_found():
    circuit = rs.read_netlist(EXAMPLES / "schmitt-trigger.net")
    for volts in (400.0, -600.0):
        op = rs.solve(circuit, start={"e": volts})
        assert op.voltage("e") == pytest.approx(volts)
        assert rs.ngspice.compare(circuit, op).agrees


@requires_ngspice
def test_decks_are_compared_by_name_and_as_text(tmp_path):
    deck = "divider\nV1 a 0 2\nR1 a b 1\nR2 b 0 1\n"
    path = tmp_path / "d.net"
    path.write_text(deck)
    for given in (deck, path, str(path)):
        assert rs.ngspice.compare(given).agrees
        assert rs.ngspice.run(given).voltage("b")[0] == pytest.approx(1)


@requires_ngspice
def test_sweeps_are_exported_with_all_that_scales_a_value():
    deck = "scaled\nV1 a 0 1\nR1 a b 1k m=2 tc1=1m temp=77\nR2 b 0 1k\n.dc R1 1k 2k 1k"
    circuit = rs.parse_netlist(deck)
    report = rs.ngspice.compare(circuit)
    assert report.as_solved.status == report.as_written.status == "agree"
    warm = rs.sweep(circuit, temp=[27.0, 77.0])
    assert rs.ngspice.compare(circuit, warm).as_solved.status == "agree"


@requires_ngspice
def test_of_several_solutions_ngspice_is_started_from_ours():
    # v(o) = 5 tanh(1000 v(p)) and p is 10/11 of in, 1/11 of out: by itself it stays between
    deck = "comparator\nV1 in 0 .1\nR1 in p 10k\nR2 o p 100k\nB1 o 0 V=5*tanh(1000*v(p))"
    report = rs.ngspice.compare(rs.parse_netlist(deck))
    assert report.agrees and report.as_solved.status == "agree"
    (found,) = report.comparisons
    assert abs(found.op.voltage("o")) == pytest.approx(5)
    assert "by itself it finds another solution" in " ".join(found.notes)


def test_another_solution_is_told_from_a_wrong_one(tmp_path):
    circuit = rs.read_netlist(EXAMPLES / "schmitt-trigger.net")
    upper, lower = (rs.solve(circuit, start={"e": volts}) for volts in (400.0, -600.0))
    path = tmp_path / "lower.csv"
    names = lower.voltages
    path.write_text(f"{','.join(names)}\n{','.join(map(repr, names.values()))}\n")
    report = rs.ngspice.compare(circuit, upper, against=path)
    assert report.status == "disagree"
    assert report.comparisons[0].verdict.believe == "both"
    assert "several solutions" in rs.ngspice.format_report(report)


def test_violations_are_those_of_a_hand_calculation():
    circuit = rs.parse_netlist(
        "t\nV1 a 0 3\nR1 a b 1k\nR2 b 0 2k\nD1 b c di\nR3 c 0 1k\n.model di d(vfwd=3)\n"
    )
    right = np.array([0.0, 3.0, 2.0, 0.0])
    assert violation(circuit, right).score < 1e-12
    off = violation(circuit, right + [0, 0, 0.1, 0])
    # 0.1 V across 1k and 2k in parallel
    assert off.node == "b"
    assert off.amps == pytest.approx(0.1 / 1e3 + 0.1 / 2e3)
    assert violation(circuit, right + [0, 0.1, 0, 0]).volts == pytest.approx(0.1)
    # a blocking diode that is given a forward current's voltages
    assert violation(circuit, np.array([0.0, 3.0, 2.0, -1.5])).volts == pytest.approx(0.5)


@requires_ngspice
def test_run_returns_what_ngspice_says():
    reading = rs.ngspice.run(rs.read_netlist(BRIDGE))
    assert reading.voltage("out")[0] == pytest.approx(8.6, abs=1e-6)
    assert reading.current("V1")[0] == pytest.approx(-8.6e-3, abs=1e-9)


LEDS = """LEDs between blocked diodes: 3 pA flow, and the LEDs have 2 ohm
V1 in 0 5
D1 a in m
R1 a b 1k
D2 b c led
D3 c b led
D4 0 c m
.model m d(is=1e-12 n=1.5)
.model led d(is=1e-20 n=2 rs=2)
"""


@requires_ngspice
def test_voltages_that_only_rounding_tells_apart_agree_and_an_error_does_not(tmp_path):
    circuit = rs.parse_netlist(LEDS)
    report = rs.ngspice.compare(circuit)
    (found,) = report.as_written.comparisons
    theirs = found.reading.node_voltages(0, len(circuit.nodes))
    assert np.abs(theirs - found.op.node_voltages).max() > 1e-5
    assert report.status == "agree"
    assert "rounding" in " ".join(found.notes)
    # errors of one node, and of those that float together
    for nodes, volts in ((["a"], 2e-5), (["b"], 2e-5), (["c"], 0.01), (["a", "b"], 0.01)):
        values = dict(zip(circuit.nodes[1:], theirs[1:].tolist(), strict=True))
        values |= {node: values[node] + volts for node in nodes}
        path = tmp_path / "off.csv"
        rows = [",".join(f"v({n})" for n in values), ",".join(map(repr, values.values()))]
        path.write_text("\n".join(rows) + "\n")
        assert rs.ngspice.compare(circuit, against=path).status == "disagree", nodes


@pytest.mark.parametrize("load", ["1k", "1Meg", "1G"])
@pytest.mark.parametrize("volts", [3, -3])
def test_series_resistance_excuses_no_error_where_currents_tell(load, volts, tmp_path):
    text = f"t\nV1 a 0 {volts}\nD1 a b m\nR1 b c 10\nR2 c 0 {load}\n.model m d(is=1e-9 rs=2)"
    circuit = rs.parse_netlist(text)
    path = tmp_path / "off.csv"
    for node in ("b", "c"):
        for off in (1e-5, -1e-5):
            csv_of(circuit, path, node, off)
            report = rs.ngspice.compare(circuit, against=path)
            assert report.comparisons[0].disagreeing[0] == f"v({node})"


def test_what_agrees_beside_the_largest_alone_is_told(tmp_path):
    circuit = rs.parse_netlist("t\nV1 a 0 1g\nR1 a 0 1k\nV2 b 0 53\nR2 b c 1k\nR3 c 0 1k")
    report = rs.ngspice.compare(circuit, against=csv_of(circuit, tmp_path / "m.csv", "c", 26.5))
    assert "v(c) off by up to 50 % of their own size" in "".join(report.comparisons[0].notes)
    report = rs.ngspice.compare(circuit, against=csv_of(circuit, tmp_path / "m.csv", "c", 0.01))
    assert "own size" not in "".join(report.comparisons[0].notes)
