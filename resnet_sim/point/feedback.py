"""Stages with feedback: parts and controlled sources that need each other."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Floats
from ..compiled import policy
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, TopologyError
from ..graph.mixed import MixedProblem, MixedSolution
from ..results.proof import OTHERS
from ..solvers import mixed, stable
from .absorbed import absorb, absorb_laws, mark_free
from .cascade import Stage
from .equations import Equations
from .infeasible import far_apart, names_of
from .plan import Plan
from .state import State
from .undefined import undefined, undefined_at_first

#: how near a start is to a solution that it asks for, relative and V: one copied from a message,
#: of six digits, will do; an unstable one is given then
ASKED = 1e-5


@dataclass(frozen=True)
class Outcome:
    """How a stage was solved."""

    method: str
    tried: int
    notes: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    #: voltages of the laws, or where there are none of all nodes: where the next point begins
    last: Floats | None = None


def solve(
    state: State, stage: Stage, plan: Plan, start: Floats | None, last: Floats | None = None
) -> Outcome:
    """Solve a stage and take its solution over into the state.

    `start` are node voltages to start from, `last` what a point nearby has left in `Outcome.last`.

    Raises
    ------
    TopologyError
        If it was proved that there is no solution.
    ConvergenceError
        If none was found.
    """
    state.mark_lost(plan)
    lost = state.controls_undefined(stage) or bool(state.lost_parts[stage.parts].any())
    equations = Equations(state, stage, plan)
    if start is not None:  # there is no start within devices
        start = np.append(start, np.full(len(equations.offset) - len(start), np.nan))
    problem = equations.problem()
    if last is not None and len(last) != (len(equations.laws) or len(equations.offset)):
        last = None  # it is of other stages
    kind = _smooth if len(equations.laws) else _straight
    with alone(problem.n + problem.m):
        return kind(equations, problem, start, last, lost)


def alone(order: int) -> AbstractContextManager[Any]:
    """Keep matrices in one thread that are too small for several, but are shared among them."""
    if order < policy.POLICY.shared:
        return nullcontext()
    from ..workers.executors import one_thread

    return one_thread()


def _straight(
    equations: Equations,
    problem: MixedProblem,
    start: Floats | None,
    last: Floats | None,
    lost: bool,
) -> Outcome:
    """Solve a stage that is piecewise linear."""
    state, stage = equations.state, equations.stage
    if last is not None:
        start = last
    guess = None if start is None else equations.conducting(start)
    outcome = mixed.solve(problem, guess, float(np.abs(state.offset).max()))
    if lost:
        state.undefined_sources[stage.sources] = True
        state.lost_parts[stage.parts] = True
    if not outcome.groups:
        # what is undefined may have another value than the one tried
        raise _none_found(state, stage, outcome.exhaustive and not lost)
    found = [group[0] for group in outcome.groups]
    order, index = _preferred(equations, problem, found, start, asked=last is None)
    found = [found[k] for k in order]
    absorb(equations, found[0])
    if not lost:
        mark_free(equations, outcome.directions(order[0]))
    diagnostics: tuple[Diagnostic, ...] = ()
    if len(found) > 1:
        diagnostics = (_several(state, stage, equations, found),)
    if index[order[0]] < 0:
        diagnostics += (_metastable(equations, _elements(state, stage)),)
    method = f"feedback ({outcome.method})"
    notes = () if outcome.exhaustive else (OTHERS,)
    return Outcome(method, outcome.tried, notes, diagnostics, equations.voltages(found[0]))


def _preferred(
    equations: Equations,
    problem: MixedProblem,
    found: list[MixedSolution],
    start: Floats | None,
    asked: bool,
) -> tuple[list[int], list[float]]:
    """Return the solutions in order of preference, and of each whether it lasts (1) or not (-1).

    Those near to a start come first, and before them those that last, unless the start that is
    `asked` for is another one.
    """
    stage, far = equations.stage, list(map(equations.distance(start), found))
    order = sorted(range(len(far)), key=far.__getitem__)
    index = [1.0] * len(found)
    if not (len(stage.sources) or len(stage.loops)):
        index = [1.0 if lasts else -1.0 for lasts in _minima(equations, found)]
    elif len(found) > 1:
        index = [_index(equations, problem, solution) for solution in found]
    size = 0.0 if start is None else float(np.nan_to_num(np.abs(start[equations.moved])).sum())
    if start is None or not asked or far[order[0]] > ASKED * (1.0 + size):
        order.sort(key=lambda k: -index[k])
    return order, index


def _index(equations: Equations, problem: MixedProblem, solution: MixedSolution) -> float:
    """Return whether the sources leave the sign of the determinant (1) or turn it around (-1).

    Then a disturbance grows whatever the capacitances are, as amid the jump of a trigger; 0 where
    something is left open.
    """
    own = np.zeros(problem.n, dtype=np.bool_)
    own[equations.column[equations.sources]] = True
    on = problem.carrying(solution)
    return mixed.sign(problem, on) * mixed.sign(problem.passive(own, equations.lift()), on)


def _minima(equations: Equations, found: list[MixedSolution]) -> list[bool]:
    """Tell which solutions of a circuit without sources that act one way last."""
    lasting, state, plan = [], equations.state, equations.plan
    for solution in found:
        absorb(equations, solution)
        problem = state.problem(plan)
        on = state.rectifier_current[plan.rectifiers] > 0
        lasting.append(stable.is_minimum(problem, on))
    return lasting


def _smooth(
    equations: Equations,
    linear: MixedProblem,
    start: Floats | None,
    last: Floats | None,
    lost: bool,
) -> Outcome:
    """Solve a stage that has laws."""
    from ..solvers import tangents

    state, stage = equations.state, equations.stage
    problem = equations.with_laws(linear)
    u, on = last, None
    if u is None and start is not None:
        there = equations.held(problem, start)
        held = tangents.solve(there)
        if held.solution is None:  # formulas may have a value near there alone
            held = tangents.solve(there, equations.laws.rise(np.nan_to_num(start)))
        u, on = held.voltages, equations.conducting(start)
    found = tangents.solve(problem, u, on, ASKED if last is None and u is not None else 0.0)
    if found.solution is None:
        raise _no_convergence(equations, found.steps)
    slopes = absorb_laws(equations, found.voltages, found.current)
    absorb(equations, found.solution)
    if lost:
        state.undefined_sources[stage.sources] = True
        state.lost_parts[stage.parts] = True
    else:
        mark_free(equations, found.directions, slopes)
    diagnostics = (_metastable(equations, equations.laws.element.tolist()),) if found.turned else ()
    # of transistors nobody expects that all states are tried, of straight lines everybody does
    notes = (OTHERS,) if found.way == "straight pieces" else ()
    return Outcome(f"tangents ({found.way})", found.steps, notes, diagnostics, found.voltages)


def _elements(state: State, stage: Stage) -> list[int]:
    """Return the controlled sources of a stage, or else what has negative resistance."""
    controls = state.reduction.controls
    if len(stage.sources):
        return list(dict.fromkeys(controls.element[stage.sources].tolist()))
    conductors = state.reduction.conductors
    return list(dict.fromkeys(conductors.element[conductors.siemens < 0].tolist()))


def _none_found(state: State, stage: Stage, exhaustive: bool) -> TopologyError | ConvergenceError:
    circuit = state.reduction.circuit
    elements = _elements(state, stage)
    names = names_of(circuit, elements)
    rounding = far_apart(circuit)
    if rounding or not exhaustive:
        message = f"found no solution of the feedback through {names}; one may exist"
        return ConvergenceError(message + rounding)
    message = f"the feedback through {names} has no solution: every state of the diodes was tried"
    hint = "check the sign of the feedback and what limits the amplifier's output"
    span = circuit.span(elements[0]) if elements else None
    return TopologyError(
        (Diagnostic("E206", message, span, hint),),
        [circuit.element_names[k] for k in elements],
        (),
        [circuit.line(k) for k in elements],
    )


def _no_convergence(equations: Equations, steps: int) -> ConvergenceError:
    if fault := undefined(equations):
        return fault
    circuit = equations.red.circuit
    names = names_of(circuit, dict.fromkeys(equations.laws.element.tolist()))
    return ConvergenceError(
        f"found no operating point of {names} in {steps} steps; one may exist: .nodeset v(...)=... "
        f"says where to look{far_apart(circuit)}{undefined_at_first(equations)}"
    )


def _metastable(equations: Equations, elements: list[int]) -> Diagnostic:
    """Return the warning that an operating point can't last."""
    circuit, elements = equations.red.circuit, list(dict.fromkeys(elements))
    message = f"the operating point of {names_of(circuit, elements)} is metastable: the slightest "
    message += "disturbance leads away from it"
    hint = "if there are others, .nodeset v(...)=... selects one"
    return Diagnostic("W208", message, circuit.span(elements[0]), hint)


def _several(
    state: State, stage: Stage, equations: Equations, solutions: list[MixedSolution]
) -> Diagnostic:
    """Return the warning that more than one solution exists, with the node that tells most."""
    circuit = state.reduction.circuit
    voltages = np.array([equations.voltages(s) for s in solutions])[:, : len(circuit.nodes)]
    node = int(np.ptp(voltages, axis=0).argmax())
    shown = ", ".join(f"{v:.6g} V" for v in voltages[:6, node])
    elements = _elements(state, stage)
    where = f"v({circuit.nodes[node]}) = {shown}"
    message = f"several solutions exist: with {where}; the first of these is given"
    hint = f"select one with .nodeset v({circuit.nodes[node]})=..."
    span = circuit.span(elements[0]) if elements else None
    return Diagnostic("W205", message, span, hint)
