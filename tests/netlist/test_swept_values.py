"""What .dc and .step set: the value on the card, to which temperature, m= and scale= are added."""

import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.errors import NetlistError
from resnet_sim.ngspice.process import simulate


def sweep(*cards):
    (op,) = rs.run("\n".join(["a title", *cards, ".end"]))
    return op


def test_temperature_and_multiplicity_hold_for_swept_resistances():
    cards = ("v1 a 0 6", "r1 a 0 1k tc1=5m m=2 scale=3", ".temp 67", ".dc r1 500 1500 500")
    op = sweep(*cards)
    # 3/2 of the card's value, and 20 % more
    assert op.current("r1") == pytest.approx([6 / (v * 1.8) for v in (500, 1000, 1500)], rel=1e-14)
    assert op.sweep["r1"].tolist() == [500, 1000, 1500]


def test_the_model_of_a_swept_resistor_holds_too():
    op = sweep(
        "i1 0 a 1m", "rx a 0 rm 1k", ".model rm r(tc1=0.01)", ".temp 37", ".step rx 1k 3k 1k"
    )
    assert op.voltage("a") == pytest.approx([1.1, 2.2, 3.3], rel=1e-14)


def test_sources_of_current_in_parallel_are_swept_together():
    assert sweep("i1 0 a 1m m=3", "r1 a 0 1k", ".dc i1 0 2m 1m").voltage("a").tolist() == [0, 3, 6]


def test_the_multiplier_of_an_instance_holds():
    op = sweep("v1 a 0 1", "x1 a 0 cell m=4", ".subckt cell p q", "r1 p q 1k", ".ends",
               ".dc x1.r1 1k 2k 1k")  # fmt: skip
    assert op.current("v1").tolist() == [-4e-3, -2e-3]


def test_what_scales_a_swept_value_is_not_swept_beside_it():
    cards = ("v1 a 0 1", "r1 a 0 1k tc1=0.01", ".temp 37", ".dc r1 1k 2k 1k temp 27 37 10")
    with pytest.raises(NetlistError, match="may scale it"):
        rs.parse_netlist("\n".join(["t", *cards]))


def test_what_is_written_is_swept_to_the_same_values():
    circuit = rs.parse_netlist("t\nv1 a 0 1\nr1 a b 1k m=2\nr2 b 0 1k\n.dc r1 1k 4k 1k")
    (ours,), (again,) = rs.run(circuit), rs.run(rs.parse_netlist(rs.format_netlist(circuit)))
    assert again.voltage("b") == pytest.approx(ours.voltage("b"), rel=1e-15)


@requires_ngspice
@pytest.mark.parametrize(
    "swept", [".temp 90\n.dc R1 1k 5k 1k", ".dc I1 0 4m 1m", ".temp 50\n.dc I1 0 2m 1m R1 1k 2k 1k"]
)
def test_ngspice_sweeps_the_same(swept):
    cards = "V1 a 0 2\nR1 a b 1k tc1=3m tc2=1u m=2\nR2 b 0 1k\nI1 0 b 1m m=3"
    deck = f"t\n{cards}\n{swept}\n.end\n"
    (ours,) = rs.run(deck)
    plot = simulate(deck).plot
    theirs = plot.values[:, list(plot.names).index("v(b)")]
    assert ours.voltage("b") == pytest.approx(theirs, rel=1e-12)
