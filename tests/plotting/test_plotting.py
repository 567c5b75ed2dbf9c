"""Pictures show what is there, are the same each time, and say what they lack."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from training_tasks import CORNERS, XOR, xor_with_a_pair

import resnet_sim as rs
from resnet_sim import plotting
from resnet_sim import training as tr
from resnet_sim.cli import main
from resnet_sim.plotting import circuits

EXAMPLES = Path(__file__).parents[2] / "examples" / "netlists"
RED = "#d62728"


@pytest.fixture
def graph(tmp_path, capsys):
    """Draw a deck; returns exit status, the picture and stderr."""

    def call(deck: Path, name: str = "picture.svg") -> tuple[int, str, str]:
        picture = tmp_path / name
        status = main(["graph", str(deck), "-o", str(picture)])
        text = picture.read_bytes().decode(errors="replace") if picture.exists() else ""
        return status, text, capsys.readouterr().err

    return call


def test_nodes_and_elements_are_named_and_conducting_diodes_filled(graph):
    deck = EXAMPLES / "bridge-rectifier.net"
    status, picture, err = graph(deck)
    assert (status, err) == (0, "")
    op = rs.solve(rs.read_netlist(deck))
    for name in (*op.voltages, *op.currents):
        assert re.search(f">{name}[ <]", picture)
    conducting = sum(op.current(name) > 0 for name in op.currents if name.startswith("d"))
    assert conducting == 2
    assert picture.count(f"fill: {RED}") == conducting
    assert graph(deck)[1] == picture


@pytest.mark.parametrize("stem", ["hysteresis-sweep", "controlled-sources", "floating-node"])
def test_decks_of_every_kind_are_drawn(graph, stem):
    deck = EXAMPLES / f"{stem}.net"
    status, picture, _ = graph(deck)
    assert status == 0
    assert all(re.search(f">{name}[ <]", picture) for name in rs.read_netlist(deck).element_names)


def test_a_circuit_without_solution_is_drawn_without_voltages(graph):
    status, picture, err = graph(EXAMPLES / "impossible-diode.net")
    assert status == 0
    assert re.search(">d1[ <]", picture)
    assert RED not in picture
    assert "drawn without voltages: error[E202]" in err


def test_parallel_elements_do_not_hide_each_other():
    b = rs.CircuitBuilder()
    for k in range(3):
        b.resistor(f"r{k}", *(("a", "b") if k else ("b", "a")), 1.0)
    branches = list(circuits._branches(b.build()))
    place = {"a": (0.0, 0.0), "b": (1.0, 0.0)}
    heights = sorted(np.array(list(branch.path(place)))[:, 1].sum() for branch in branches)
    assert heights[0] < -0.5
    assert abs(heights[1]) < 1e-12
    assert heights[2] > 0.5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("picture.xyz", "picture.xyz is no name of a picture"),
        ("picture", "picture is no name of a picture"),
        ("no/picture.svg", "no such directory"),
    ],
)
def test_places_that_cannot_be_are_refused(graph, name, message):
    status, picture, err = graph(EXAMPLES / "jam.net", name)
    assert (status, picture) == (2, "")
    assert message in err


def test_the_deck_is_not_overwritten(tmp_path, capsys):
    deck = tmp_path / "deck.svg"
    deck.write_text((EXAMPLES / "jam.net").read_text())
    assert main(["graph", str(deck), "-o", str(deck)]) == 2
    assert "would overwrite the netlist" in capsys.readouterr().err


def test_png_and_pdf(graph):
    assert "PNG" in graph(EXAMPLES / "jam.net", "picture.png")[1][:8]
    assert graph(EXAMPLES / "jam.net", "picture.pdf")[1].startswith("%PDF")


def test_without_matplotlib_it_is_asked_for(graph, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, _, err = graph(EXAMPLES / "jam.net", "picture.png")
    assert status == 2
    assert "pictures need matplotlib: pip install 'resnet_sim[plot]'" in err


def test_circuits_too_large_for_a_picture_are_refused():
    circuit = rs.generators.grid(60)
    with pytest.raises(rs.UsageError, match="too many for a picture; 5000 are the most"):
        plotting.draw_circuit(circuit)


def test_stronger_conductances_are_wider_lines():
    circuit = rs.parse_netlist("t\nv1 a 0 1\nr1 a b 1k\nr2 b c 2k\nr3 c 0 inf\n")
    figure = plotting.draw_conductances(circuit)
    widths = [line.get_linewidth() for line in figure.axes[0].lines]
    assert widths == pytest.approx([3.3, 1.8, 0.3])
    assert "0.001 S" in figure.axes[0].get_title()


def test_learning_curves_show_the_history(tmp_path):
    net, _, _ = xor_with_a_pair(0)
    history = tr.Trainer(net, optimizer=tr.Adam(0.1)).fit(CORNERS, 0.1 * XOR, 10)
    figure = plotting.learning_curve({"one": history, "two": history[:5]})
    one, two = figure.axes[0].lines
    assert list(one.get_ydata()) == [record["cost"] for record in history]
    assert list(two.get_xdata()) == [1, 2, 3, 4, 5]
    plotting.save(figure, tmp_path / "curve.svg")
    assert ">one</text>" in (tmp_path / "curve.svg").read_text()
    assert len(plotting.learning_curve(history).axes[0].lines) == 1
    with pytest.raises(rs.UsageError, match="no 'validation_cost'"):
        plotting.learning_curve(history, "validation_cost")


def test_fields_stand_side_by_side():
    weights = np.arange(12.0).reshape(3, 2, 2) - 6.0
    image = plotting.draw_fields(weights, columns=2).axes[0].images[0]
    sheet = np.ma.filled(image.get_array(), np.nan)
    assert sheet.shape == (5, 5)
    assert sheet[:2, :2].tolist() == weights[0].tolist()
    assert sheet[:2, 3:].tolist() == weights[1].tolist()
    assert sheet[3:, :2].tolist() == weights[2].tolist()
    assert image.get_clim() == (-6.0, 6.0)
