"""Maps of drops show every node with a place, where it is and with its drop."""

import pytest

import resnet_sim as rs
from resnet_sim.cli import main

pytest.importorskip("matplotlib")
from resnet_sim import plotting


def test_each_node_stands_in_its_place_with_its_drop():
    op = rs.solve(rs.generators.power_grid(6, 9, pads=3, seed=1))
    figure = plotting.draw_drops(op)
    for axes in figure.axes[:2]:
        letter = "d" if "1.8" in axes.get_title() else "g"
        (dots,) = axes.collections
        shown = {}
        # what is drawn later hides what was there
        places, drops = dots.get_offsets().tolist(), dots.get_array().tolist()
        for (x, y), drop in zip(places, drops, strict=True):
            shown[int(x), int(y)] = drop
        assert len(shown) == 6 * 9
        scale = 1e-3 if "mV" in axes.get_title() else 1e-6
        for (x, y), drop in shown.items():
            both = [op.voltage(f"n{letter}{layer}_{x}_{y}") for layer in (1, 2)]
            wanted = 1.8 - min(both) if letter == "d" else max(both)
            assert drop * scale == pytest.approx(wanted, rel=1e-9)
        (cross,) = axes.lines
        at = tuple(int(v[0]) for v in cross.get_data())
        assert shown[at] == max(shown.values())


def test_the_command_writes_a_map(tmp_path):
    path = tmp_path / "drops.png"
    deck = tmp_path / "deck.net"
    deck.write_text("rail\nV1 pad 0 1\nR1 pad n1_0_0 1\nR2 n1_0_0 n1_7_0 1\nI1 n1_7_0 0 1m\n")
    assert main(["graph", str(deck), "--drops", "-o", str(path)]) == 0
    assert path.read_bytes()[:4] == b"\x89PNG"


def test_decks_without_places_are_refused(tmp_path, capsys):
    deck = tmp_path / "deck.net"
    deck.write_text("rail\nV1 pad 0 1\nR1 pad out 1\nI1 out 0 1m\n")
    assert main(["graph", str(deck), "--drops", "-o", str(tmp_path / "a.png")]) == 2
    assert "n1_x_y" in capsys.readouterr().err
