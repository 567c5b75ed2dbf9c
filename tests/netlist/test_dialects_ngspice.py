"""Random decks of every card, parameter and form: solved as ngspice solves them, or refused."""

from collections import Counter

import pytest
from dialect_decks import deck
from ngspice_tools import as_written, requires_ngspice

import resnet_sim as rs
from resnet_sim.errors import NetlistError


def solved(text):
    """Return the voltages of a deck, None if it is refused."""
    try:
        point = rs.solve(rs.parse_netlist(text))
    except NetlistError:
        return None
    assert point.certificate.ok
    return {f"v({node})": point.voltage(node) for node in point.circuit.nodes[1:]}


def compare(seeds, directory):
    """Return how many decks both solve, and how many only one of the two."""
    pairs = [deck(seed) for seed in seeds]
    outcome = Counter()
    for seed, pair, theirs in zip(
        seeds, pairs, as_written([pair.theirs for pair in pairs], directory), strict=True
    ):
        ours = solved(pair.ours)
        outcome[ours is not None, theirs is not None] += 1
        if ours is None or theirs is None:
            continue
        common = ours.keys() & theirs.keys()
        assert {"v(b)", "v(c)"} <= common
        for name in common:
            expected = pytest.approx(theirs[name], rel=1e-6, abs=1e-6)
            assert ours[name] == expected, f"deck({seed}), {name}\n{pair.ours}"
    return outcome


@requires_ngspice
def test_random_decks_are_solved_as_ngspice_solves_them(tmp_path):
    outcome = compare(range(600), tmp_path)
    # most have an answer, and what ngspice refuses is mostly refused here
    assert outcome[True, True] > 500
    assert outcome[False, True] < 10
    assert outcome[False, False] > 5


@requires_ngspice
@pytest.mark.long
def test_many_random_decks_are_solved_as_ngspice_solves_them(tmp_path):
    assert compare(range(10_000, 20_000), tmp_path)[True, True] > 8000
