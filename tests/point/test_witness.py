"""The witnesses themselves: a judge that errs is worse than none."""

import dataclasses
from fractions import Fraction
from itertools import product
from random import Random

import enumeration
import numpy as np
import pytest
from circuits import FAMILIES, LARGE, random_circuit
from enumeration import Undecided, all_outcomes, apart, combinations, merged
from judgement import RIGHT, WRONG, _compare
from laws import violations
from rationals import Eliminated, affine_hull, evaluate, maximise, solve_dense, substitute
from scipy.optimize import linprog

from resnet_sim import parse_netlist, solve

ONE = Fraction(1)


def random_program(seed: int) -> tuple[list[Fraction], list[list[Fraction]]]:
    random = Random(seed)
    width = random.randint(1, 3)
    rows = [[Fraction(random.randint(-3, 3)) for _ in range(width + 1)] for _ in range(width + 3)]
    return [Fraction(random.randint(-2, 2)) for _ in range(width)], rows


@pytest.mark.parametrize("seed", range(200))
def test_exact_simplex_agrees_with_a_floating_point_one(seed):
    goal, rows = random_program(seed)
    status, point = maximise(goal, rows)
    data = np.array(rows, dtype=float)
    other = linprog(-np.array(goal, dtype=float), -data[:, 1:], data[:, 0], bounds=(None, None))
    feasible = linprog(np.zeros(len(goal)), -data[:, 1:], data[:, 0], bounds=(None, None))
    assert status == "infeasible" if feasible.status == 2 else status != "infeasible"
    if status == "optimal":
        assert all(evaluate(row, point) >= 0 for row in rows)
        assert float(sum(g * x for g, x in zip(goal, point, strict=True))) == pytest.approx(
            -other.fun
        )
    elif status == "unbounded":
        # HiGHS may say "infeasible" where it means "infeasible or unbounded"
        assert other.status in (2, 3)
        assert all(evaluate(row, point) >= 0 for row in rows)


def test_affine_hull_of_a_wedge_of_no_thickness_is_a_line():
    """x >= y and y >= x leave one direction; x <= 1 does not narrow it."""
    rows = [[0, 1, -1], [0, -1, 1], [1, -1, 0]]
    point, directions = affine_hull([[Fraction(c) for c in row] for row in rows], 2)
    assert point[0] == point[1]
    assert len(directions) == 1
    assert directions[0][0] == directions[0][1] != 0


def test_affine_hull_of_a_point_has_no_direction_and_of_nothing_is_none():
    point = [[Fraction(c) for c in row] for row in ([-1, 1], [1, -1])]
    assert affine_hull(point, 1) == ([ONE], [])
    assert affine_hull([*point, [Fraction(-2), ONE]], 1) is None


def test_elimination_keeps_what_the_equations_say():
    """2 x + y = 3, x - z = 0: y = 3 - 2 z and x = z."""
    equations = [{"x": 2 * ONE, "y": ONE, "1": -3 * ONE}, {"x": ONE, "z": -ONE}]
    reduced = Eliminated(equations, {"x", "y"})
    known = reduced.expand({"z": {"z": ONE}})
    assert not reduced.rest
    assert known["y"] == {"1": 3 * ONE, "z": -2 * ONE}
    assert substitute({"x": ONE, "y": ONE}, known) == {"1": 3 * ONE, "z": -ONE}


def test_dense_solver_tells_inconsistent_from_underdetermined():
    rows = [[ONE, ONE, ONE], [ONE, ONE, 2 * ONE]]
    assert solve_dense(rows, 2) is None
    assert len(solve_dense(rows[:1], 2)[1]) == 1


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(LARGE)))
def test_ruling_out_by_floating_point_loses_no_solution(family, monkeypatch):
    circuits = [random_circuit(family, seed) for seed in range(50_000, 50_015)]
    circuits = [c for c in circuits if combinations(c) <= 32]
    quick = [outcomes_of(c) for c in circuits]
    monkeypatch.setattr(enumeration, "_candidates", lambda rest, choices: product(*choices))
    assert [outcomes_of(c) for c in circuits] == quick


def outcomes_of(circuit) -> set:
    try:
        return set(all_outcomes(circuit))
    except Undecided:
        return set()


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(LARGE)))
def test_solutions_found_by_exhaustion_obey_the_laws_of_the_other_judge(family):
    for seed in range(60_000, 60_020):
        circuit = random_circuit(family, seed)
        if combinations(circuit) > 64 or not circuit.switches.fixed.all():
            continue
        for outcome in all_outcomes(circuit):
            voltages, currents = (
                [np.nan if x is None else float(x) for x in values]
                for values in (outcome.voltages, outcome.currents)
            )
            assert not violations(circuit, voltages, currents, circuit.switches.closed)


def outcome_of(cards: str):
    deck = f"by hand\n{cards}\n.model dd d(ron=0 roff=inf vfwd=0)\n.end\n"
    circuit = parse_netlist(deck)
    found = all_outcomes(circuit)
    if not found:
        return None, circuit
    return merged(found), circuit


def test_jam_circuit_by_exhaustion():
    outcome, circuit = outcome_of("V1 s 0 1\nR1 s a 1\nR2 b 0 1\nD1 a b dd")
    half = Fraction(1, 2)
    assert dict(zip(circuit.nodes, outcome.voltages, strict=True)) == {
        "0": 0, "s": 1, "a": half, "b": half,
    }  # fmt: skip


def test_floating_node_has_no_voltage_and_parallel_diodes_no_current_of_their_own():
    outcome, circuit = outcome_of("I1 0 a 1\nD1 a 0 dd\nD2 a 0 dd\nR1 b c 1")
    assert outcome.voltages == (0, 0, None, None)
    assert outcome.currents[circuit.element("d1")] is None
    assert outcome.currents[circuit.element("r1")] == 0


@pytest.mark.parametrize("cards", ["V1 a 0 1\nD1 a 0 dd", "I1 0 a 1", "V1 a 0 1\nV2 a 0 2"])
def test_impossible_circuits_have_no_outcome(cards):
    assert outcome_of(cards)[0] is None


BROKEN = {
    "KCL": ([0.0, 1.0, 0.5], [0.5, 0.4, -0.5]),
    "resistor": ([0.0, 1.0, 0.4], [0.5, 0.5, -0.5]),
    "source": ([0.0, 0.9, 0.45], [0.45, 0.45, -0.45]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_the_judge_of_laws_notices(case):
    circuit = parse_netlist("divider\nV1 a 0 1\nR1 a b 1\nR2 b 0 1\n.end\n")
    assert circuit.nodes == ("0", "a", "b")
    assert not violations(circuit, [0.0, 1.0, 0.5], [0.5, 0.5, -0.5], [])
    assert violations(circuit, *BROKEN[case], [])


@pytest.mark.parametrize(("volts", "amps"), [(0.1, 0.1), (-1.0, 0.1), (0.0, -0.1)])
def test_the_judge_of_laws_knows_diodes(volts, amps):
    circuit = parse_netlist("d\nD1 a 0 dd\nI1 0 a 1\n.model dd d(ron=0 roff=inf vfwd=0)\n.end\n")
    sign = dict(zip(circuit.element_names, (-1, 1), strict=True))
    currents = [
        amps if name == "d1" else sign.get(name, 1) * amps for name in circuit.element_names
    ]
    assert any("d1" in v for v in violations(circuit, [0.0, volts], currents, []))


def numbers(values) -> np.ndarray:
    return np.array([np.nan if value is None else float(value) for value in values])


def test_a_mixture_of_two_solutions_is_no_solution():
    """Their voltages differ by 3e-8 V, which is within the tolerance, their currents by 2e-5 A."""
    circuit = random_circuit("negative_resistors", 50_000_301)
    truths = apart(all_outcomes(circuit))
    assert len(truths) == 2
    result = solve(circuit)
    points = [(numbers(truth.voltages), numbers(truth.currents)) for truth in truths]
    assert np.abs(points[0][0] - points[1][0]).max() < 1e-7
    for (voltages, _), (_, currents) in product(points, points):
        same = any(voltages is v and currents is i for v, i in points)
        claim = dataclasses.replace(result, node_voltages=voltages, element_currents=currents)
        assert _compare(claim, truths, False).word == (RIGHT if same else WRONG)


@pytest.mark.parametrize("family", ["linear", "random_feedback", "negative_resistors", "floating"])
@pytest.mark.parametrize("seed", range(4, 8))
def test_errors_of_a_few_billionths_are_found(family, seed):
    circuit = random_circuit(family, seed, decades=2)
    outcomes = all_outcomes(circuit)
    if not outcomes:
        return
    true = numbers(outcomes[0].voltages), numbers(outcomes[0].currents)
    closed = circuit.switches.closed
    assert not violations(circuit, *true, closed)
    largest = int(np.nanargmax(np.abs(true[1])))
    for planted in (1e-8, -1e-8):
        wrong = true[1].copy()
        wrong[largest] *= 1 + planted
        assert not true[1][largest] or violations(circuit, true[0], wrong, closed)
