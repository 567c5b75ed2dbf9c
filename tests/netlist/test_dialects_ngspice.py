"""Random decks of every card, parameter and form: solved as ngspice solves them, or refused."""

from collections import Counter

import pytest
from dialect_decks import deck
from nested_decks import nested_deck
from ngspice_tools import as_written, requires_ngspice

import resnet_sim as rs
from resnet_sim.errors import NetlistError, ResnetSimError


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


def alike(point, known):
    """Tell whether all defined voltages are those that are known."""
    pairs = ((point.voltage(node), value) for node, value in known.items())
    return all(mine == pytest.approx(value, rel=1e-5, abs=1e-5) for mine, value in pairs
               if mine == mine)  # fmt: skip


def nested(seeds, directory):
    """Return how many nested decks both solve; check that they do so alike."""
    decks, both = [nested_deck(seed) for seed in seeds], 0
    for seed, text, theirs in zip(seeds, decks, as_written(decks, directory), strict=True):
        try:
            circuit = rs.parse_netlist(text)
            point = rs.solve(circuit)
        except ResnetSimError:
            continue
        told = any(d.code == "W119" for d in circuit.diagnostics)
        if theirs is None or told or not point.certificate.ok:
            continue
        both += 1
        # ngspice gives all a voltage, also what floats
        known = {n: theirs[f"v({n})"] for n in circuit.nodes[1:] if f"v({n})" in theirs}
        if not alike(point, known):
            # of several solutions ngspice may have found another one: it must be one here too
            point = rs.solve(circuit, start=known)
            assert point.certificate.ok and alike(point, known), f"{seed}\n{text}"
            assert point.unique != "unique", f"{seed}\n{text}"
    return both


@requires_ngspice
def test_nested_decks_of_all_devices_are_solved_as_ngspice_solves_them(tmp_path):
    assert nested(range(60), tmp_path) > 35


@requires_ngspice
@pytest.mark.long
@pytest.mark.parametrize("block", range(40))
def test_many_nested_decks_are_solved_as_ngspice_solves_them(block, tmp_path):
    assert nested(range(5000 + 50 * block, 5050 + 50 * block), tmp_path) > 20
