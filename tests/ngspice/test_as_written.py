"""The user's own deck in ngspice: what it says is confirmed, or named as read otherwise."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.cli import main
from resnet_sim.laws.strangers import strangers
from resnet_sim.model.lines import Source
from resnet_sim.ngspice.own_deck import OwnDeck, cards

EXAMPLES = Path(__file__).parents[2] / "examples" / "netlists"
SOLVABLE = sorted(p for p in EXAMPLES.glob("*.net") if not p.stem.startswith("impossible"))


def validated(deck: str, tmp_path: Path, capsys, *options: str) -> tuple[int, dict]:
    path = tmp_path / "deck.net"
    path.write_text(deck)
    status = main(["validate", str(path), "--format", "json", *options])
    return status, json.loads(capsys.readouterr().out)


@requires_ngspice
@pytest.mark.parametrize("path", SOLVABLE, ids=lambda path: path.stem)
def test_every_example_means_to_ngspice_what_it_says(path):
    report = rs.ngspice.compare(rs.read_netlist(path))
    written = report.as_written
    assert written.status == "agree", rs.ngspice.format_report(report)
    assert [c.compared for c in written.comparisons]
    # transistors and junctions are what they are in ngspice
    stated = r"\n(\.model \S+ (s|cs)w\b|\.model \S+ d\W.*(ron|roff|vfwd|vrev)|y1)"
    ideal = re.search(stated, path.read_text().lower()) is not None
    assert bool(written.stand_ins) == ideal


#: a deck that reads as something else -> the elements at fault, and the node that moves most
OTHERWISE = {
    "a short": ("V1 a 0 1\nR1 a b 0\nR2 b 0 1m\n", {"r1"}, "v(b)"),
    "within": (
        "V1 a 0 2\n.subckt s p\nR1 p q 1m\nR2 q 0 0\n.ends\nX1 a s\n", {"x1.r2"}, "v(x1.q)"
    ),
}  # fmt: skip


@requires_ngspice
@pytest.mark.parametrize("case", OTHERWISE.values(), ids=list(OTHERWISE))
def test_what_ngspice_reads_otherwise_is_named(case, tmp_path, capsys):
    lines, names, node = case
    status, record = validated(f"t\n{lines}.end\n", tmp_path, capsys)
    written = record["as_written"]
    assert (status, record["status"], written["status"]) == (1, "disagree", "disagree")
    assert record["as_solved"] == {"status": "agree", "agrees": True}
    assert {device["name"] for device in written["devices"]} == names
    assert written["worst"]["quantity"] == node


@requires_ngspice
def test_a_planted_reading_of_each_device_is_found_at_that_device(tmp_path):
    lines = {
        "r2": "R2 b 0 2k", "v1": "V1 a 0 5", "i1": "I1 b 0 1m", "e1": "E1 c 0 a b 2",
        "g1": "G1 b 0 a 0 0.1m",
    }  # fmt: skip
    rest = "R1 a b 1k\nR3 c b 3k\n"
    wrong = {
        "r2": "R2 b 0 2.1k", "v1": "V1 a 0 5.1", "i1": "I1 b 0 1.1m", "e1": "E1 c 0 a b 2.1",
        "g1": "G1 b 0 a 0 0.11m",
    }  # fmt: skip
    for name in lines:
        deck = "t\n" + "\n".join(lines.values()) + f"\n{rest}.end\n"
        path = tmp_path / "deck.net"
        path.write_text(deck)
        circuit = rs.read_netlist(path)
        other = rs.parse_netlist(deck.replace(lines[name], wrong[name]))
        op = rs.solve(other)
        (found,) = strangers(circuit, op.node_voltages, op.element_currents, op.closed, 1e-6)
        assert found.name == name


def test_a_missing_element_shows_in_the_currents_of_its_nodes():
    deck = "t\nV1 a 0 5\nR1 a b 1k\nR2 b 0 1k\n"
    whole = rs.solve(rs.parse_netlist(f"{deck}R3 b 0 500\n"))
    volts, amps = whole.node_voltages, whole.element_currents[[0, 1, 3]]
    found = strangers(rs.parse_netlist(deck), volts, amps, np.zeros(0, bool), 1e-6)
    assert {stranger.name for stranger in found} == {"v(b)", "v(0)"}
    assert found[0].off == pytest.approx(abs(whole.current("r3")))


@requires_ngspice
def test_what_ngspice_cannot_read_is_not_confirmed(tmp_path, capsys):
    decks = {
        "V1 a 0 1\nR1 a b 1k\nL1 b 0 1u Rpar=3": "unknown parameter",
        "V1 a 0 1\nR1 a b 1k\nS1 b 0 a 0 sw ON FIXED\n.model sw SW(Ron=1)": "held in its state",
    }
    for lines, words in decks.items():
        status, record = validated(f"t\n{lines}\n.end\n", tmp_path, capsys)
        assert status == 1
        assert record["status"] == "not confirmed"
        assert record["as_written"]["status"] == "not compared"
        assert words in record["as_written"]["reason"]
        assert record["as_solved"]["agrees"]


@requires_ngspice
def test_nothing_that_a_deck_asks_to_execute_is_executed(tmp_path, capsys):
    mark = tmp_path / "mark"
    touch = f"shell touch {mark}"
    block = f".control\n{touch}\n.endc\n"
    (tmp_path / "part.inc").write_text(f".param r=2k\n*# {touch}\n  .CONTROL\n{touch}\n.endc\n")
    (tmp_path / "all.lib").write_text(f".lib one\n*#{touch}\n.include part.inc\n.endl one\n")
    junk = f"(# {touch}\n;# {touch}\n.\n+control\n{touch}\n.controls\n{touch}\n"
    (copy,) = OwnDeck(rs.parse_netlist(f"t\nR1 a 0 1\n{block}*#{touch}\n")).copies(1, ()).values()
    assert touch not in copy
    source = Source("junk", f"t\n{junk}", titled=True)
    heads = [card.lines[0] for card in cards(source)]
    assert set(heads) == {".", touch, ".controls"}
    path = tmp_path / "deck.net"
    path.write_text(
        f"t\n{block}*# {touch}\nV1 a 0 1\n.lib 'all.lib' one\nR1 a b {{r}}\n"
        f"R2 b 0 2k\n.end\n{block}"
    )
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    report = rs.ngspice.compare(rs.read_netlist(path))
    assert report.as_written.status == "agree", rs.ngspice.format_report(report)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert not mark.exists()


@requires_ngspice
def test_includes_and_sections_are_those_of_the_deck(tmp_path, monkeypatch):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "value.inc").write_text(".param r=3k\n")
    (tmp_path / "parts" / "all.lib").write_text(
        ".lib slow\n.param r=5k\n.endl\n.lib fast\n.include 'value.inc'\n"
        ".subckt half a b\nR1 a b {r}\n.ends\n.endl\n"
    )
    path = tmp_path / "deck.net"
    path.write_text('t\n.lib "parts/all.lib" fast\nV1 a 0 4\nX1 a b half\nR2 b 0 1k\n.end\n')
    monkeypatch.chdir(tmp_path.parent)
    report = rs.ngspice.compare(rs.read_netlist(f"{tmp_path.name}/deck.net"))
    (part,) = report.as_written.comparisons
    assert report.as_written.status == "agree"
    assert part.reading.voltage("b")[0] == pytest.approx(1.0)


@requires_ngspice
def test_sweeps_and_steps_are_compared_point_by_point(tmp_path, capsys):
    deck = (
        "t\n.param load=1k\n.options reltol=.1 temp=50 acct\nV1 a 0 1\nR1 a b 1k\n"
        "R3 b 0 4k tc1=1m\n"
        "R2 b 0 {load}\nD1 b c dm\nVc c 0 .4\n.model dm D(Ron=0 Vfwd=.1)\n"
    )
    for asked, points in (
        (".dc V1 0 2 1\n", 3), (".dc V1 0 2 1 R1 1k 2k 500\n", 9), (".step V1 1 3 1\n", 3),
        (".op\n.step param load list 1k 7k\n", 2), (".dc V1 0 2 1\n.step param load 1k 3k 1k\n", 9),
        (".temp 0 50 100\n", 3), (".op\n.step R1 1k 2k 1k\n.step param load 1k 2k 1k\n", 4),
    ):  # fmt: skip
        status, record = validated(f"{deck}{asked}.end\n", tmp_path, capsys)
        assert (status, record["as_written"]["reason"]) == (0, ""), asked
        assert record["as_written"]["analyses"][0]["compared"]["points"] == points


@requires_ngspice
def test_values_that_were_set_are_set_there_too(tmp_path, capsys):
    deck = "t\n.param k=2\nV1 a 0 1\n.subckt s a\nR1 a b {k*1k}\nR2 b 0 1k\n.ends\nX1 a s\n.end\n"
    for options in (("k=5",), ("v1=3",), ("x1.r2=4k", "k=3")):
        some = [word for option in options for word in ("--set", option)]
        status, record = validated(deck, tmp_path, capsys, *some)
        assert (status, record["as_written"]["status"]) == (0, "agree"), options
    circuit = rs.parse_netlist(deck)
    held = circuit.with_tables(capacitors=circuit.capacitors, resistors=type(circuit.resistors)())
    assert rs.ngspice.compare(held).as_written.status == "not compared"


@requires_ngspice
def test_one_of_several_solutions_is_confirmed_where_ngspice_keeps_it():
    text = (EXAMPLES / "schmitt-trigger.net").read_text()
    for volts in (5, -5):
        circuit = rs.parse_netlist(text.replace("v(out)=5", f"v(out)={volts}"))
        op = rs.solve(circuit)
        assert np.sign(op.voltage("out")) == np.sign(volts)
        report = rs.ngspice.compare(circuit, op)
        assert report.as_written.status == "agree", rs.ngspice.format_report(report)


@requires_ngspice
def test_a_wrong_solution_is_not_confirmed(tmp_path):
    path = tmp_path / "deck.net"
    path.write_text("t\nV1 a 0 4\nR1 a b 1k\nR2 b 0 1k\n.end\n")
    op = rs.solve(rs.read_netlist(path))
    wrong = dataclasses.replace(op, node_voltages=op.node_voltages * [1, 1, 1.0001])
    report = rs.ngspice.compare(op.circuit, wrong)
    assert (report.status, report.as_written.status) == ("disagree", "disagree")
    assert report.as_written.strangers == ()
    assert "believe ngspice" in rs.ngspice.format_report(report)


def test_beside_a_file_the_deck_is_judged_by_it(tmp_path, capsys):
    path = tmp_path / "out.csv"
    path.write_text("v(a),v(b),i(v1),i(r1),i(r2)\n5,2,-1m,1m,1m\n".replace("1m", "0.001"))
    deck = "t\nV1 a 0 5\nR1 a b 3k\nR2 b 0 3k\n.end\n"
    status, record = validated(deck, tmp_path, capsys, "--against", str(path))
    assert (status, record["as_written"]["status"], record["as_solved"]) == (1, "disagree", None)
    assert [d["name"] for d in record["as_written"]["devices"]] == ["r2"]
    assert record["analyses"] == record["as_written"]["analyses"]


def test_a_file_with_less_is_said_to_have_less(tmp_path, capsys):
    path = tmp_path / "out.csv"
    path.write_text("v(b)\n2.5\n")
    deck = "t\nV1 a 0 5\nR1 a b 3k\nR2 b 0 3k\n.end\n"
    status, record = validated(deck, tmp_path, capsys, "--against", str(path))
    assert status == 0
    assert record["analyses"][0]["notes"] == [f"1 of 2 nodes are not in {path}: v(a)"]
