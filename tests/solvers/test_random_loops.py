"""Random feedback circuits of hundreds of nodes, against ngspice and every state of the diodes."""

import pytest
from loop_circuits import judged, loop_circuit
from loop_states import states
from ngspice_tools import assert_as_ngspice, requires_ngspice

import resnet_sim as rs
from resnet_sim.solvers import complementarity, mixed_integer


def judge(seed: int, largest: int) -> str:
    """Compare a circuit with all states of its diodes; return what there is."""
    circuit = loop_circuit(seed, diodes=1 + seed % 12, largest=largest)
    # not all states of more are tried
    return judged(circuit, states(circuit), all_tried=1 + seed % 12 < 12)[0]


@requires_ngspice
def test_linear_loops_agree_with_ngspice(tmp_path):
    circuits = [loop_circuit(seed, diodes=0, largest=500) for seed in range(20)]
    assert_as_ngspice(circuits, tmp_path, 1e-7)


def test_loops_with_diodes_have_the_states_that_exhaustion_finds():
    words = [judge(seed, largest=300) for seed in range(24)]
    assert words.count("gave up") <= 1
    assert {"one", "none", "several"} <= set(words)


def test_a_step_of_refinement_without_gain_is_not_the_end():
    # among the states of its diodes is one whose corrected factors gain nothing in the fourth step
    assert rs.solve(loop_circuit(1031, diodes=12)).certificate.ok


@pytest.mark.long
def test_what_neither_paths_nor_flips_find_an_integer_search_does(monkeypatch):
    asked = []

    def search(problem):
        asked.append(mixed_integer.mixed_integer(problem))
        return asked[-1]

    monkeypatch.setattr(complementarity, "mixed_integer", search)
    assert rs.solve(loop_circuit(20086, diodes=23, smallest=8, largest=40)).certificate.ok
    assert len(asked) == 1 and asked[0].any()


@pytest.mark.long
@requires_ngspice
def test_more_linear_loops_agree_with_ngspice(tmp_path):
    circuits = [loop_circuit(seed, diodes=0) for seed in range(1_000, 1_150)]
    assert_as_ngspice(circuits, tmp_path, 1e-7)


@pytest.mark.long
def test_more_loops_with_diodes_have_the_states_that_exhaustion_finds():
    words = [judge(seed, largest=2_000) for seed in range(1_000, 1_150)]
    assert words.count("gave up") <= 3
    assert {"one", "none", "several"} <= set(words)
