"""Several loops of all kinds of controlled sources, against every state and ngspice."""

import pytest
from loop_circuits import judged
from loop_kinds import mixed_loops
from loop_states import states
from ngspice_tools import assert_as_ngspice, requires_ngspice


def judge(seed: int, diodes: int, largest: int) -> str:
    """Compare a circuit with all states of its diodes; return what there is."""
    island = seed % 3 == 0
    kinds = {"diodes": diodes, "largest": largest, "switches": seed % 2 == 0, "island": island}
    circuit = mixed_loops(seed, **kinds)
    # what is held there changes nothing elsewhere
    known = states(mixed_loops(seed, **kinds, grounded=True))
    # not all states of more are tried
    found, ours = judged(circuit, known, all_tried=diodes < 12, floating=3 if island else 0)
    if ours is not None and island:
        assert ours.voltage("f1", "f3") == pytest.approx(-2.5)  # 0.5 A through 2 and 3 ohm
    return found


def test_linear_loops_of_all_kinds_have_the_one_solution():
    assert {judge(seed, 0, 400) for seed in range(12)} == {"one"}


def test_loops_of_all_kinds_with_diodes_have_the_states_that_exhaustion_finds():
    words = [judge(seed, 1 + seed % 10, 300) for seed in range(12)]
    assert set(words) <= {"one", "several", "none"}
    assert "one" in words


@requires_ngspice
def test_linear_loops_of_all_kinds_agree_with_ngspice(tmp_path):
    assert_as_ngspice([mixed_loops(seed, largest=400) for seed in range(12)], tmp_path, 1e-6)


@pytest.mark.long
@requires_ngspice
def test_more_linear_loops_of_all_kinds_agree_with_ngspice(tmp_path):
    assert_as_ngspice([mixed_loops(seed) for seed in range(2_000, 2_100)], tmp_path, 1e-6)


@pytest.mark.long
def test_more_loops_of_all_kinds_with_diodes_have_the_states_that_exhaustion_finds():
    words = [judge(seed, seed % 13, 2_000) for seed in range(2_000, 2_200)]
    assert words.count("gave up") <= 3
    assert words.count("one") > 150
