"""Sweeps over .data: each row sets several quantities at once."""

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.cli.command import main
from resnet_sim.errors import NetlistError
from resnet_sim.model.requests import Sweep

CARDS = (
    "a table\n.param vv=7 k=2\nV1 a 0 {vv}\nR1 a b 1k\nR2 b 0 1k\nD1 b 0 dm\n.model dm d(vfwd=9)"
)
TABLE = ".data corners\n+ vv R2\n1 1k\n2 3k, .5 500\n+ {k*2} '1k'\n.enddata"
ROWS = [(1, 1e3), (2, 3e3), (0.5, 500), (4, 1e3)]
DIVIDED = [v * r / (r + 1e3) for v, r in ROWS]


@pytest.mark.parametrize("card", [".dc data=corners", ".step data=corners", ".DC DATA = Corners"])
@pytest.mark.parametrize("first", [True, False])
def test_each_row_is_a_point(card, first):
    both = (TABLE, card) if first else (card, TABLE)
    (op,) = rs.run("\n".join([CARDS, *both]))
    assert op.voltage("b") == pytest.approx(DIVIDED, rel=1e-12)
    assert list(op.sweep) == ["data(corners)", "vv", "r2"]
    assert np.column_stack([op.sweep["vv"], op.sweep["r2"]]).tolist() == [list(row) for row in ROWS]
    assert op.sweep["data(corners)"].tolist() == [1, 2, 3, 4]
    assert not op.circuit.diagnostics


def test_names_may_stand_below_and_values_begin_with_a_point():
    text = f"{CARDS}\n.dc data=d\n.data d\nvv\n+ R2\n.5 500\n.enddata"
    assert rs.run(text)[0].voltage("b") == pytest.approx([1 / 6], rel=1e-12)


def test_a_table_is_swept_within_and_around_others():
    (inner,) = rs.run(f"{CARDS}\n{TABLE}\n.dc data=corners sweep R1 1k 3k 2k")
    assert inner.voltage("b")[4:] == pytest.approx([v * r / (r + 3e3) for v, r in ROWS])
    (outer,) = rs.run(f"{CARDS}\n{TABLE}\n.dc R1 1k 3k 2k sweep data=corners")
    assert outer.voltage("b")[1::2].tolist() == inner.voltage("b")[4:].tolist()


def test_models_temperature_and_switches_are_columns():
    text = (
        "t\nV1 a 0 5\nR1 a b 1k tc1=0.01\nD1 b c dm\nS1 c 0 a 0 sm\n.model dm d(vfwd=1)\n"
        ".model sm sw(ron=0 roff=inf)\n.dc data=d\n.data d dm:vfwd s1 temp 1 1 27 2 1 127 2 0 27\n"
        ".enddata"
    )
    (op,) = rs.run(text)
    assert op.current("r1") == pytest.approx([4e-3, 1.5e-3, 0], rel=1e-12)


def test_measurements_go_along_the_rows():
    cards = f"{CARDS}\n{TABLE}\n.dc data=corners"
    (op,) = rs.run(cards + "\n.meas dc top max v(b)\n.meas dc first find v(b) at=1")
    assert rs.measure(op) == pytest.approx({"top": max(DIVIDED), "first": DIVIDED[0]})


def test_samples_are_drawn_at_each_row():
    (analysis,) = rs.parse_netlist(f"{CARDS}\n{TABLE}\n.dc data=corners").analyses
    circuit = rs.parse_netlist(CARDS)
    op = rs.monte_carlo(circuit, {"r1": 0.1}, 3, sweep=analysis.sweeps)
    r1 = op.sampled["r1"]
    assert op.voltage("b") == pytest.approx(
        [v * r / (r + x) for (v, r), x in zip(ROWS * 3, r1, strict=True)]
    )


def test_python_says_it_as_well():
    columns = (Sweep("v1", (1.0, 2.0)), Sweep("r2", (1e3, 3e3)))
    op = rs.sweep(CARDS, [Sweep("corner", (1.0, 2.0), "table", columns=columns)])
    assert op.voltage("b") == pytest.approx(DIVIDED[:2], rel=1e-12)


def test_what_is_written_goes_through_the_same_rows():
    table = ".data d V1 R2 1 1k 2 3k\n.enddata\n.dc data=d"
    text = rs.format_netlist(
        rs.parse_netlist(f"{CARDS.replace('R2 b 0 1k', 'R2 b 0 1k m=2')}\n{table}")
    )
    again = rs.parse_netlist(text)
    assert again.analyses[0].axes == ["data(d)", "v1", "r2"]
    (op,) = rs.run(again)
    assert op.voltage("b") == pytest.approx([1 / 3, 2 * 1.5 / 2.5], rel=1e-12)
    foreign = rs.format_netlist(rs.parse_netlist(f"{CARDS}\n{table}"), "ngspice")
    assert ".dc" not in foreign and "left out: the sweep of data(d)" in foreign


@pytest.mark.parametrize(
    ("card", "code"),
    [
        (".dc data=corner", "E131"),  # no such table
        (".data d vv 1 2 x\n.enddata\n.dc data=d", "E106"),
        (".data d vv R2 1 2 3\n.enddata\n.dc data=d", "E103"),
        (".data d\n.enddata\n.dc data=d", "E103"),
        (".data d nothing 1\n.enddata\n.dc data=d", "E131"),
        (".data d mer file='x' vv=1\n.enddata\n.dc data=d", "E115"),
        (".data d vv 1\n.enddata\n.data d vv 2\n.enddata\n.dc data=d", "E103"),
        (".dc data=d\n.data d vv 1", "E119"),  # nothing ends it
        (".dc data=", "E103"),
    ],
)
def test_a_wrong_table_is_an_error_at_its_line(card, code):
    with pytest.raises(NetlistError) as caught:
        rs.parse_netlist(f"{CARDS}\n{TABLE}\n{card}")
    assert code in [d.code for d in caught.value.diagnostics]
    assert all(d.span is not None for d in caught.value.diagnostics)


@pytest.mark.parametrize("again", ["", "\n.data d V1\n.enddata"])
def test_a_table_that_nobody_sweeps_over_is_noted(again):
    circuit = rs.parse_netlist(f"{CARDS}\n.data d rubbish\n1 2 x\n.enddata{again}")
    assert [d.code for d in circuit.diagnostics] == ["N103"]


@requires_ngspice
def test_validate_leads_ngspice_through_the_rows(tmp_path, capsys):
    deck = tmp_path / "deck.cir"
    deck.write_text(f"{CARDS}\n{TABLE}\n.dc data=corners\n.end\n")
    assert main(["validate", str(deck)]) == 0
    told = capsys.readouterr().out
    assert "as written: agrees" in told
    assert "at 4 points" in told
