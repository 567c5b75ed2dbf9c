"""Textbook circuits: ngspice agrees with our reading of the deck as it was written."""

import pytest
from formula_decks import DECKS as FORMULAS
from formula_decks import DIODES
from ngspice_tools import requires_ngspice
from textbook import DECKS as TRANSISTORS

import resnet_sim as rs

CIRCUITS = {**TRANSISTORS, **FORMULAS, **DIODES}


def test_there_are_forty():
    assert len(CIRCUITS) >= 40


@requires_ngspice
@pytest.mark.parametrize("name", CIRCUITS)
def test_ngspice_agrees_with_the_deck_as_written(name, tmp_path):
    deck = tmp_path / "circuit.net"
    deck.write_text(f"{name}\n{CIRCUITS[name]}\n.op\n.end\n")
    report = rs.ngspice.compare(rs.read_netlist(deck))
    assert report.as_written.status == "agree", report
    assert report.as_solved.status == "agree", report
