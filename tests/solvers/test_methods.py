"""Every method that is registered: same problems, same answers, same promises."""

import re
from pathlib import Path

import numpy as np
import pytest
from test_solvers import fulfils_all_conditions, solvable

import resnet_sim as rs
from resnet_sim.cli.command import build_parser
from resnet_sim.graph import topology
from resnet_sim.solvers import METHODS, solve

PROBLEMS = [p for p in (solvable(seed, decades=1.0) for seed in range(40)) if p is not None]


@pytest.mark.parametrize("method", METHODS)
def test_a_method_solves_problems_and_says_so(method):
    for problem in PROBLEMS:
        solution = solve(problem, method)
        assert solution.converged and solution.method
        assert fulfils_all_conditions(problem, solution)


@pytest.mark.parametrize("method", METHODS)
def test_where_a_method_starts_changes_nothing_that_is_defined(method):
    rng = np.random.default_rng(1)
    for problem in PROBLEMS[:15]:
        x = rng.normal(size=problem.n)
        x[0] = 0.0
        first, wanted = solve(problem, method, x=x), solve(problem)
        again = solve(problem, method, on=first.current > 0, x=first.x)
        if METHODS[method].lacks and not first.converged:
            assert first.notes  # it says so, and what to do
            continue
        assert first.converged and again.converged
        defined = topology.rigid_pieces(wanted) == 0
        for solution in (first, again):
            np.testing.assert_allclose(solution.x[defined], wanted.x[defined], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_leaves_its_problem_and_its_start_alone(method):
    problem = PROBLEMS[0]
    x, load = np.ones(problem.n), problem.injection.copy()
    solve(problem, method, x=x)
    assert (x == 1.0).all() and np.array_equal(problem.injection, load)


def test_the_choices_of_the_command_are_the_methods():
    (commands,) = [a for a in build_parser()._actions if hasattr(a, "choices") and a.choices]
    for command in ("solve", "sweep"):
        (option,) = [a for a in commands.choices[command]._actions if a.dest == "method"]
        assert option.choices == list(METHODS)


def test_a_method_that_does_not_exist_is_refused_with_those_that_do():
    circuit = rs.parse_netlist("t\nv1 a 0 1\nr1 a 0 1\n")
    with pytest.raises(rs.UsageError, match="unknown method 'magic'; there are auto, cd, newton"):
        rs.solve(circuit, method="magic")


def test_the_theory_lists_the_methods():
    text = (Path(__file__).parents[2] / "docs" / "theory.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) ?\|$", text, re.MULTILINE)
    assert rows == [(m.name, m.description, m.lacks) for m in METHODS.values()]
