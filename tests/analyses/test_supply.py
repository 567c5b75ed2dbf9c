"""Drops of supply nets: closed forms, nets found by networkx, and what the command prints."""

import json

import networkx as nx
import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.analyses.supply import place_in
from resnet_sim.cli import main

RAIL = "rail\nV1 pad 0 {volts}\n" + "".join(
    f"R{k} {'pad' if k == 1 else f'n1_m2_{k - 1}_0'} n1_m2_{k}_0 2\nI{k} n1_m2_{k}_0 0 {{amps}}\n"
    for k in range(1, 6)
)


def rail(volts: float, amps: float) -> str:
    return RAIL.format(volts=volts, amps=amps)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("n1_20706300_3114900", ("n1", 20706300, 3114900)),
        ("n1_m4_108000_62400", ("n1_m4", 108000, 62400)),
        ("_x_n3_5_-7", ("_x_n3", 5, -7)),
        ("n1_5", None),
        ("out", None),
        ("n1_5_x", None),
    ],
)
def test_names_carry_places(name, place):
    assert place_in(name) == place


@pytest.mark.parametrize(("volts", "sign"), [(1.8, 1), (-1.8, -1), (0.0, -1)])
def test_drops_of_a_rail_are_sums_of_currents(volts, sign):
    # through resistor k flow the loads k to 5; loads of a negative supply and of ground push
    (net,) = rs.supply_nets(rs.solve(rail(volts, sign * 1e-3)))
    drops = 2e-3 * np.cumsum([5, 4, 3, 2, 1])
    assert net.volts == volts
    assert net.sources == ("v1",)
    assert net.names == tuple(f"n1_m2_{k}_0" for k in (5, 4, 3, 2, 1))
    assert net.drops == pytest.approx(drops[::-1], rel=1e-9)
    away = volts if volts else 0.0
    assert net.voltages == pytest.approx(away + (-sign if volts else 1) * drops[::-1], rel=1e-9)
    assert [place[1] for place in net.places] == [5, 4, 3, 2, 1]


def test_the_worst_are_the_first_of_all():
    op = rs.solve(rs.generators.power_grid(12, 9, pads=3, clamps=0.1))
    for few, every in zip(rs.supply_nets(op, 4), rs.supply_nets(op), strict=True):
        assert few.names == every.names[:4]
        assert few.size == every.size == len(every.names)
        assert (np.diff(every.drops) <= 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_nets_are_those_of_networkx(seed):
    circuit = rs.generators.power_grid(7, 8, pads=5, clamps=0.2, seed=seed)
    op = rs.solve(circuit)
    graph = nx.Graph()
    graph.add_nodes_from(circuit.nodes)
    held = {}
    table = circuit.voltage_sources
    for p, q, volts in zip(table.p, table.q, table.volts, strict=True):
        if q == 0:
            held[circuit.nodes[p]] = volts
        else:
            graph.add_edge(circuit.nodes[p], circuit.nodes[q])
    for p, q in zip(circuit.resistors.p, circuit.resistors.q, strict=True):
        graph.add_edge(circuit.nodes[p], circuit.nodes[q])
    wanted = {}
    for part in nx.connected_components(graph):
        volts = {held[node] for node in part if node in held}
        if volts:
            (wanted[frozenset(part - held.keys())],) = volts
    assert {frozenset(net.names): net.volts for net in rs.supply_nets(op)} == wanted
    for net in rs.supply_nets(op):
        solved = np.array([op.voltage(name) for name in net.names])
        assert np.array_equal(net.drops, net.volts - solved if net.volts else solved)


def test_ground_joins_no_nets_and_shorts_join_them():
    deck = (
        "two\nVa a 0 2\nRa a b 1\nRload b 0 1\n"
        "Vb c 0 1\nLb c d 1n\nRb d e 1\nVs e f 0\nI1 f 0 .25\n"
        "Rop f far inf\nRfar far 0 1\nS1 f g a 0 on\nS2 f h 0 a off\nRh h 0 1\n"
        ".model on sw(vt=1)\n.model off sw(vt=1)\n"
    )
    first, second = rs.supply_nets(rs.solve(deck))
    assert (first.names, first.drops.tolist()) == (("b",), [1.0])
    assert set(second.names) == {"d", "e", "f", "g"}
    assert second.drops[:3] == pytest.approx([0.25] * 3, rel=1e-9)


def test_of_several_supplies_the_largest_counts():
    deck = "t\nVa a 0 1\nVb 0 b -1.5\nR1 a m 1\nR2 m b 1\n"
    (net,) = rs.supply_nets(rs.solve(deck))
    assert (net.volts, net.sources, net.names) == (1.5, ("va", "vb"), ("m",))
    assert net.drops == pytest.approx([0.25], rel=1e-9)


def test_a_sweep_has_no_drops():
    with pytest.raises(rs.UsageError, match="one operating point"):
        rs.supply_nets(rs.sweep(rail(1, 1e-3), v1=[0, 1]))


def test_the_command_shows_the_worst_first(tmp_path, capsys):
    path = tmp_path / "rail.net"
    path.write_text(rail(1.8, 1e-3) + "R9 5 0 1\nVx 5 0 1\n")
    assert main(["solve", str(path), "--worst", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "net of 1.8 V (v1): the 2 largest of 5 drops"
    assert lines[4].split() == ["n1_m2_5_0", "1.77000", "V", "30.00", "mV", "n1_m2", "5", "0"]
    assert len(lines[lines.index("") + 1 :]) < 10  # no table of all nodes
    assert main(["solve", str(path), "--worst", "2", "--format", "json"]) == 0
    (net,) = json.loads(capsys.readouterr().out)["supply_nets"]
    assert [row["place"] for row in net["worst"]] == [["n1_m2", 5, 0], ["n1_m2", 4, 0]]


def test_the_command_says_why_there_are_no_drops(tmp_path, capsys):
    path = tmp_path / "deck.net"
    path.write_text("t\nI1 0 a 1\nR1 a 0 1\n")
    assert main(["solve", str(path), "--worst", "2"]) == 0
    assert "no net hangs at" in capsys.readouterr().err
    path.write_text("t\nV1 a 0 1\nR1 a 0 1\n.dc V1 0 1 1\n")
    assert main(["solve", str(path), "--worst", "2"]) == 2
    assert "operating point" in capsys.readouterr().err
