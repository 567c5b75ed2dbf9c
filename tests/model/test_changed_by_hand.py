"""What is changed in a circuit stays so where its deck is elaborated anew."""

from __future__ import annotations

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.cli import main

DECK = """divider
.param load=1k
v1 in 0 1
r1 in out 1k
r2 out 0 {load}
r3 out x 1k tc1=1m
s1 x 0 g 0 sw
vg g 0 0
.model sw sw(vt=.5 ron=0 roff=1t)
"""
CIRCUIT = rs.parse_netlist(DECK)


def out(load, r1=1e3, r3=np.inf):
    """The divider by hand."""
    return (1 / r1) / (1 / r1 + 1 / np.asarray(load, dtype=float) + 1 / r3)


def test_swept_parameters_leave_values_as_they_were_set():
    op = rs.sweep(CIRCUIT.with_values({"r1": 3e3}), load=[1e3, 2e3])
    assert op.voltage("out") == pytest.approx(out([1e3, 2e3], r1=3e3), rel=1e-8)


def test_temperatures_leave_values_as_they_were_set():
    op = rs.sweep(CIRCUIT.with_values({"r1": 3e3}), temp=[20, 60])
    assert op.voltage("out") == pytest.approx(out([1e3, 1e3], r1=3e3), rel=1e-8)


def test_switches_stay_as_they_were_held():
    closed = CIRCUIT.with_switches({"s1": True})
    op = rs.sweep(closed, load=[1e3, 2e3])
    assert op.voltage("out") == pytest.approx(out([1e3, 2e3], r3=1e3), rel=1e-8)


def test_settings_add_up():
    circuit = CIRCUIT.with_settings({"r1": 3e3}).with_settings({"load": 2e3})
    assert rs.solve(circuit).voltage("out") == pytest.approx(out(2e3, r1=3e3), rel=1e-8)


def test_what_was_learned_stays_in_a_sweep():
    net = tr.Network(CIRCUIT, ["v1"], ["out"], "r1")
    net.conductances = [1 / 5e3]
    op = rs.sweep(net.circuit, load=[1e3, 2e3])
    assert op.voltage("out") == pytest.approx(out([1e3, 2e3], r1=5e3), rel=1e-8)


def test_a_value_that_was_set_does_not_follow_a_parameter_as_well():
    set_by_hand = CIRCUIT.with_values({"r2": 5e3})
    with pytest.raises(rs.UsageError, match=r"r2 has been changed by hand, and follows load"):
        rs.sweep(set_by_hand, load=[2e3, 4e3])
    with pytest.raises(rs.UsageError, match=r"r3 has been changed by hand, and follows temp"):
        CIRCUIT.with_values({"r3": 5e3}).with_parameters({"temp": 60})
    last = CIRCUIT.with_parameters({"load": 2e3}).with_values({"r2": 5e3})
    assert rs.solve(last).voltage("out") == pytest.approx(out(5e3), rel=1e-8)


def test_values_that_were_set_give_way_to_their_own_sweep():
    op = rs.sweep(CIRCUIT.with_values({"r2": 5e3}), r2=[1e3, 2e3])
    assert op.voltage("out") == pytest.approx(out([1e3, 2e3]), rel=1e-8)


def test_elements_that_are_gone_are_told():
    circuit = rs.parse_netlist(
        "two\n.param n=1\nv1 a 0 1\nr1 a 0 1k\n.if (n==1)\nr2 a 0 1k\n.else\nr4 a 0 1k\n.endif\n"
    )
    with pytest.raises(rs.UsageError, match="r2 has been changed by hand, and is not there"):
        circuit.with_values({"r2": 5e3}).with_parameters({"n": 2})
    kept = circuit.with_values({"r1": 5e3}).with_parameters({"n": 2})
    assert kept.resistors.names == ("r1", "r4")
    assert kept.resistors.ohms.tolist() == [5e3, 1e3]


def test_the_command_keeps_what_is_set_and_held_in_a_sweep(tmp_path, capsys):
    deck = tmp_path / "deck.net"
    deck.write_text(f"{DECK}.step param load list 1k 2k\n.print v(out)\n.end\n")
    options = ["--set", "r1=3k", "--close", "s1", "--format", "csv"]
    assert main(["sweep", str(deck), *options]) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()[1:]]
    found = [float(row[-1]) for row in rows]
    assert found == pytest.approx(out([1e3, 2e3], r1=3e3, r3=1e3), rel=1e-6)
