"""Charts show what the deck asks for; text and pictures are made of the same data."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import plotting
from resnet_sim.cli import main
from resnet_sim.plotting.charts import Axis, Curve, Panel, is_geometric, metric
from resnet_sim.plotting.results import panels_of
from resnet_sim.plotting.text import plot_text

CLAMP = "clamp\n.param r=1k\nV1 a 0 1\nR1 a b {r}\nD1 b 0 d\n.model d d(vfwd=0.5)\n"


def charts(deck: str, *outputs: str, **options) -> list[Panel]:
    (op,) = rs.run(rs.parse_netlist(deck))
    return panels_of(op, outputs, **options)


def test_each_outer_value_has_a_curve_with_its_value_and_unit():
    deck = CLAMP + ".dc V1 0 2 0.5\n.step param r list 1k 2k\n.temp 20 60\n"
    (panel,) = charts(deck, "i(d1)")
    assert [curve.label for curve in panel.curves] == [
        f"r = {r} k, temp = {t} °C" for t in (20, 60) for r in (1, 2)
    ]
    assert (panel.x, panel.y) == (Axis("v1", "V"), Axis("i(d1)", "A"))
    for curve, ohms in zip(panel.curves, (1e3, 2e3) * 2, strict=True):
        assert curve.x.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
        assert curve.y == pytest.approx(np.maximum(curve.x - 0.5, 0.0) / ohms)


def test_an_outer_variable_of_one_value_does_not_split_the_curve():
    deck = CLAMP + ".dc V1 0 2 1\n.step param r list 3k\n"
    assert [len(c.x) for c in charts(deck, "v(b)")[0].curves] == [3]


@pytest.mark.parametrize(
    ("cards", "shown"),
    [
        (".plot dc v(b)\n.plot dc i(r1) v(a,b)\n.print v(a)", [["v(b)"], ["v(a,b)"], ["i(r1)"]]),
        (".print dc i(r1) v(b)", [["v(b)"], ["i(r1)"]]),
        ("", [["v(b)"]]),  # v(a) is what is swept
    ],
)
def test_plot_cards_come_before_print_cards_before_what_varies(cards, shown):
    panels = charts(f"{CLAMP}{cards}\n.dc V1 0 2 1\n")
    assert [[curve.label for curve in panel.curves] for panel in panels] == shown


def test_plot_cards_are_written_and_read_back():
    circuit = rs.parse_netlist(CLAMP + ".plot dc v(b) p(r1)\n.plot v(a)\n.plot tran v(b)\n")
    assert circuit.plots == (("v(b)", "p(r1)"), ("v(a)",))
    assert [d.code for d in circuit.diagnostics] == ["N103"]
    assert rs.parse_netlist(rs.format_netlist(circuit)).plots == circuit.plots


def test_transfer_curves_are_plotted_against_an_output():
    (panel,) = charts(CLAMP + ".dc V1 0 2 1\n", "i(d1)", against="v(b)")
    assert panel.x == Axis("v(b)", "V")
    assert panel.curves[0].x.tolist() == [0.0, 0.5, 0.5]


def test_measurements_are_marked_where_they_are_found():
    cards = """
.meas dc knee when v(b)=0.25
.meas dc top max i(d1) from=0 to=1.5
.meas dc there find v(b) at=0.3
.meas dc mean avg v(b)
.meas dc never when v(b)=3
"""
    voltages, currents = charts(CLAMP + ".dc V1 0 2 0.5" + cards, "v(b)", "i(d1)")
    marks = {mark.label: (mark.x, mark.y) for mark in voltages.marks}
    assert marks == {"knee = 250 mV": (0.25, 0.25), "there = 300 mV": (0.3, pytest.approx(0.3))}
    # the mean of a ramp to 0.5 V in a quarter of the range, and 0.5 V
    assert voltages.notes == ["mean = 437.5 mV"]
    assert [(m.label, m.x, m.y) for m in currents.marks if np.isfinite(m.y)] == [
        ("top = 1 mA", 1.5, pytest.approx(1e-3))
    ]


def test_samples_make_a_histogram_with_limits_and_yield():
    deck = "divider\nV1 in 0 2\nR1 in out 1k\nR2 out 0 1k\n"
    op = rs.monte_carlo(deck, {"r*": 0.1}, 500)
    (panel,) = panels_of(op, ["v(out)"], limits={"V(out)": (0.98, 1.02)})
    volts = op.voltage("out")
    good = np.mean((volts >= 0.98) & (volts <= 1.02))
    assert panel.notes[-1] == f"yield {good:.1%} within 980 mV to 1.02 V"
    counts, edges = panel.bins()
    assert counts.sum() == 500
    assert (edges[0], edges[-1]) == (volts.min(), volts.max())
    lines = plotting.plot(op, ["v(out)"], limits={"v(out)": (0.98, 1.02)}).axes[0].lines
    assert [line.get_xdata()[0] for line in lines] == [0.98, 1.02]


def test_values_that_are_near_to_each_other_have_the_digits_that_tell_them_apart():
    deck = "divider\nV1 in 0 2\nR1 in out 1k\nR2 out 0 1k\n"
    op = rs.monte_carlo(deck, {"r*": 1e-7}, 100)
    (panel,) = panels_of(op, ["v(out)"])
    _, low, milli, _, high, whole = panel.notes[2].split()
    assert (milli, whole) == ("mV", "V")
    ends = op["out"].min(), op["out"].max()
    assert (float(low) / 1e3, float(high)) == pytest.approx(ends, abs=1e-9, rel=0)
    axes = plotting.plot(op, ["v(out)"]).axes[0]
    axes.figure.canvas.draw()
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert len(set(ticks)) == len(ticks) > 3
    bars = [
        line.split("|")[0].split()[0] for line in plot_text([panel]).splitlines() if "|" in line
    ]
    assert len(set(bars)) == len(bars) > 5
    (panel,) = charts("t\nV1 a 0 1\nR1 a 0 1k\n.dc V1 1.0000001 1.0000005 1e-7", "v(a)")
    drawn = plot_text([panel])
    assert all(drawn.count(f"1.000000{k} V") == count for k, count in ((1, 2), (3, 1), (5, 2)))


def test_points_without_solution_are_gaps():
    deck = "t\nV1 a 0 0\nD1 a 0 d\n.model d d(vfwd=0.5)\n.dc V1 0 1 0.25\n"
    (panel,) = charts(deck, "v(a)")
    assert np.isfinite(panel.curves[0].y).tolist() == [True, True, True, False, False]
    assert plot_text([panel])
    plotting.curves.draw_panels([panel])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": ["v(nowhere)"]}, "no node 'nowhere'"),
        ({"against": "v(a)"}, "only a sweep"),
        ({"limits": {"v(a)": (0, 1)}}, "limits are for random samples"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    op = rs.solve(CLAMP)
    with pytest.raises(rs.UsageError, match=message):
        op.plot(**options)


def test_given_axes_hold_one_chart():
    from matplotlib.figure import Figure

    op = rs.sweep(CLAMP, v1=[0, 1, 2])
    axes = Figure().add_subplot()
    op.plot(["v(b)"], ax=axes)
    assert list(axes.lines[0].get_ydata()) == pytest.approx([0, 0.5, 0.5])
    with pytest.raises(rs.UsageError, match="2 charts are needed"):
        op.plot(["v(b)", "i(r1)"], ax=axes)


def test_axes_of_pictures_share_one_prefix():
    figure = rs.sweep(CLAMP, v1=[0, 1, 2]).plot(["i(r1)"])
    assert figure.axes[0].get_ylabel() == "i(r1) (mA)"
    figure.canvas.draw()
    assert "1" in [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert (metric(2e-9), metric(5e4)) == ((1e-9, "n"), (1e3, "k"))


def test_logarithmic_sweeps_have_logarithmic_axes():
    (panel,) = charts(CLAMP + ".dc dec param r 1 1meg 3\n", "i(r1)")
    assert panel.x.log
    assert not is_geometric(np.array([1.0, 2.0, 3.0]))
    assert not is_geometric(np.array([1.0, 2.0, 4.0]))  # less than a decade


def test_text_draws_straight_lines_between_the_corners():
    y = np.array([0.0, 1.0])
    text = plot_text([Panel("", Axis("x", "V"), Axis("y", "V"), [Curve("y", y, y)])], 40)
    rows = [row.partition("|")[2] for row in text.split("\n") if "|" in row]
    assert rows[0].endswith("*")
    assert rows[-1].startswith("*")
    places = [row.index("*") for row in rows]
    assert places == sorted(places, reverse=True)
    assert max(map(len, text.split("\n"))) <= 40


# ---- the command ----


@pytest.fixture
def deck(tmp_path):
    path = tmp_path / "deck.net"
    path.write_text(CLAMP + ".dc V1 0 2 0.5\n.meas dc knee when v(b)=0.25\n.plot v(b)\n")
    return path


def test_without_a_file_it_is_text_and_needs_no_matplotlib(deck, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", str(deck)]) == 0
    printed = capsys.readouterr().out
    assert "knee = 250 mV" in printed
    assert "500 mV |" in printed
    assert max(map(len, printed.split("\n"))) <= 80


def test_the_ending_chooses_the_format(deck, tmp_path, capsys):
    for name, start in (("p.svg", b"<?xml"), ("p.png", b"\x89PNG"), ("p.txt", b"clamp")):
        assert main(["plot", str(deck), "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    assert main(["plot", str(deck), "-o", str(tmp_path / "p.svg"), "--text"]) == 0
    assert (tmp_path / "p.svg").read_text().startswith("clamp")
    assert main(["plot", str(deck), "-o", str(tmp_path / "p.xyz")]) == 2
    assert "p.xyz is no name of a picture" in capsys.readouterr().err


def test_samples_on_the_command_line(deck, capsys):
    words = [
        "--spread",
        "r1=10%",
        "--samples",
        "200",
        "--print",
        "i(r1)",
        "--limit",
        "i(r1)=0.45m,",
    ]
    assert main(["plot", str(deck), "--set", "v1=1", *words]) == 0
    assert "200 samples" in (printed := capsys.readouterr().out)
    assert "yield 100.0% within 450 uA" in printed


def test_learning_runs(tmp_path, capsys):
    run = tmp_path / "run.jsonl"
    records = [{"epoch": k, "cost": 10.0**-k, "validation_cost": 2.0} for k in range(4)]
    run.write_text("\n".join(map(json.dumps, records)) + "\n")
    assert main(["plot", str(run)]) == 0
    printed = capsys.readouterr().out
    assert "* cost" in printed
    assert "o validation cost" in printed
    run.write_text(json.dumps(records[0]) + '\n{"epoch"\n')
    assert main(["plot", str(run)]) == 2
    assert "is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    "example", sorted((Path(__file__).parents[2] / "examples" / "netlists").glob("*.net")),
    ids=lambda path: path.stem,
)  # fmt: skip
def test_every_example_can_be_plotted(example, capsys):
    status = main(["plot", "-q", str(example)])
    assert status == (3 if example.stem.startswith("impossible") else 0)
    assert capsys.readouterr().out or status == 3
