"""The methods.  One entry a method: the command's choices, checks and tests are read from here.

A method is imported when it is used, and nothing before: ``--help`` must not wait for numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..arrays import Bools, Floats
    from ..graph.problem import Problem, Solution


class Method(NamedTuple):
    """A way to solve problems.

    Attributes
    ----------
    name, description : str
    lacks : str
        What it can't do, or not well; empty if nothing.
    module : str
        Where its function ``solve`` is, with the parameters of `solve` but for the method.
    """

    name: str
    module: str
    description: str
    lacks: str = ""


_HERE = __name__.rpartition(".")[0]

#: name -> method, in the order of ``--help``; another is added by an entry
METHODS = {
    method.name: method
    for method in (
        Method("auto", f"{_HERE}.automatic", "Newton, and what is needed before and behind it"),
        Method(
            "cd",
            f"{_HERE}.coordinate_descent",
            "coordinate descent with cluster moves",
            lacks="slow where conductances spread over many decades",
        ),
        Method("newton", f"{_HERE}.automatic", "active sets, as auto chooses at present"),
    )
}


def solve(
    problem: Problem,
    method: str = "auto",
    tolerance: float = 1e-9,
    on: Bools | None = None,
    x: Floats | None = None,
) -> Solution:
    """Solve a convex, feasible and bounded problem.

    Parameters
    ----------
    problem : Problem
    method : str
        One of `METHODS`.
    tolerance : float
        Largest KKT residual that an iteration stops at, relative.
    on : ndarray of bool, shape (m,), optional
        Rectifiers to start with as conducting.
    x : ndarray of float, shape (n,), optional
        Start.

    Returns
    -------
    Solution
        ``converged`` tells whether its own method believes in it.
    """
    name = METHODS[method].module
    if len(problem.curves):
        name = f"{_HERE}.branches"
    module = import_module(name)
    return module.solve(problem, tolerance=tolerance, on=on, x=x)
