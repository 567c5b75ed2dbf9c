"""Decks without a title: they are recognised, and read if the user says that they are such."""

from random import Random

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.cli import main

UNTITLED = "V1 in 0 10\nR1 in out 3k\nR2 out 0 1k\n.end\n"
MODELS = ".model dm d(ron=0 roff=inf vfwd=0)\n.subckt sub p q\nr1 p q 1\n.ends\n"


def warned(deck: str) -> list[str]:
    return [d.message for d in rs.parse_netlist(deck).diagnostics if d.code == "W101"]


@pytest.mark.parametrize(
    "first",
    [
        "R9 a b 1k", "R9 new b 1k", "r9 a b {2*r}", "Rload (a,b) = 1k", "C1 a 0 1u", "V9 0 b dc 5",
        "V9 a b sin(0 1 1k)", "I1 gnd a 1m", "D1 a b dm", "X1 a b sub", "X1 b a sub m=2",
        "E1 a 0 b 0 2", "B1 a 0 v=v(b)", "G1 a 0 value={v(b)}", "F1 a 0 v1 2",
    ],
)  # fmt: skip
def test_elements_at_a_node_of_others_are_no_titles(first):
    (message,) = warned(f"{first}\n.param r=1k\nV1 a 0 1\nR1 a b 1k\nR2 B 0 1k\n{MODELS}")
    assert "seems to have no title" in message


@pytest.mark.parametrize(
    "title",
    [
        "* R9 a b 1k", "Divider a b", "Inverter in a b", "Rectifier from a to b",
        "RC circuit a = b", "Diode D1 between a and b", "Example a b of dm",
        "R9 nowhere b circuit", "x1", "", "B",
    ],
)  # fmt: skip
def test_titles_are_titles(title):
    assert not warned(f"{title}\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\n* nowhere\n{MODELS}")


def test_elements_at_nodes_of_nobody_only_look_like_cards():
    (message,) = warned("R9 e f 1k\nV1 a 0 1\nR1 a 0 1k\n* e f\n")
    assert "looks like a card" in message


def test_nodes_are_found_far_from_the_title_and_in_long_decks():
    filling = "".join(f"R{k} n{k} n{k + 1} 1\n" for k in range(30_000))
    (message,) = warned(f"Rx n0 b 1\n{filling}Vb b 0 1\nRb n30000 0 1\n")
    assert "seems to have no title" in message


def test_an_untitled_deck_is_read_whole():
    assert rs.parse_netlist(UNTITLED).element_names == ("r1", "r2")
    circuit = rs.parse_netlist(UNTITLED, title=False)
    assert circuit.element_names == ("r1", "r2", "v1")
    assert circuit.title == ""
    assert not circuit.diagnostics
    assert rs.solve(UNTITLED, title=False)["out"] == pytest.approx(2.5, rel=1e-12)
    assert rs.run(UNTITLED, title=False)[0]["out"] == pytest.approx(2.5, rel=1e-12)


def test_titles_and_no_titles_differ_by_the_first_line_alone():
    random = Random(3)
    for _ in range(20):
        ohms = [random.uniform(1, 9) for _ in range(5)]
        cards = [f"R{k} {k} {random.randrange(k)} {r}" for k, r in enumerate(ohms, 1)]
        deck = "\n".join([*cards, "I1 0 5 1"])
        whole = rs.solve("title\n" + deck).node_voltages
        assert np.array_equal(rs.solve(deck, title=False).node_voltages, whole)


def test_places_in_messages_count_from_the_first_line():
    with pytest.raises(rs.NetlistError) as caught:
        rs.parse_netlist("R1 a 0 1,5\nV1 a 0 1\n", title=False)
    (error,) = [d for d in caught.value.diagnostics if d.severity == "error"]
    assert error.span.line == 1
    with pytest.raises(rs.NetlistError, match="nothing to continue"):
        rs.parse_netlist("+ 5\nV1 a 0 1\n", title=False)
    with pytest.raises(rs.NetlistError, match="nothing but comments"):
        rs.parse_netlist("* 5\n", title=False)


def test_other_parameters_keep_the_first_card():
    circuit = rs.parse_netlist("R1 a 0 {r}\n.param r=2\nI1 0 a 1\n", title=False)
    assert rs.solve(circuit.with_parameters({"r": 3.0}))["a"] == pytest.approx(3.0, rel=1e-12)


def test_a_circuit_has_been_read_already():
    with pytest.raises(rs.UsageError, match="title=False"):
        rs.solve(rs.parse_netlist(UNTITLED, title=False), title=False)


def test_the_command_reads_decks_without_title(tmp_path, capsys):
    path = tmp_path / "deck.sp"
    path.write_text(UNTITLED)
    main(["solve", str(path), "--format", "csv"])
    assert "--no-title" in capsys.readouterr().err
    assert main(["solve", str(path), "--no-title", "--format", "csv", "--print", "v(out)"]) == 0
    out, err = capsys.readouterr()
    assert float(out.split()[-1]) == pytest.approx(2.5, rel=1e-12)
    assert not err


@requires_ngspice
def test_ngspice_is_given_the_first_card():
    report = rs.ngspice.compare(rs.parse_netlist(UNTITLED, title=False))
    assert report.as_written.status == "agree"
