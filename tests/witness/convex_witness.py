"""The witness for circuits too large to exhaust: a quadratic program from scratch.

For resistors, sources, diodes and fixed switches.  OSQP or DAQP guess which diodes
conduct; the linear circuit that follows is solved densely, and the result counts only if
it obeys every law (`laws.violations`).  Convexity makes it the answer then.  Linear
programs (HiGHS) tell whether there is an answer at all, and which voltages are unique.
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
from laws import violations
from qpsolvers import Problem, solve_problem
from scipy.optimize import linprog
from scipy.sparse import csc_matrix


class Parts(NamedTuple):
    """A circuit as branches: edges are rows of an incidence matrix without ground."""

    rigid: np.ndarray  # edges whose voltage is given
    offset: np.ndarray
    soft: np.ndarray  # edges with a conductance
    siemens: np.ndarray
    injected: np.ndarray  # current into each node
    diode: np.ndarray


def parts(circuit) -> Parts:
    assert not len(circuit.controlled_sources)
    n = len(circuit.nodes)
    p, q = circuit.terminals
    edges = np.zeros((circuit.n_elements, n))
    edges[np.arange(len(p)), p] += 1
    edges[np.arange(len(q)), q] -= 1
    edges = edges[:, 1:]
    ohms = np.full(circuit.n_elements, np.inf)
    volts = np.zeros(circuit.n_elements)
    first = circuit.first

    def place(kind: str) -> slice:
        return slice(first[kind], first[kind] + len(getattr(circuit, kind)))

    ohms[place("resistors")] = circuit.resistors.ohms
    ohms[place("inductors")] = ohms[place("voltage_sources")] = 0
    volts[place("voltage_sources")] = circuit.voltage_sources.volts
    switches = circuit.switches
    ohms[place("switches")] = np.where(switches.closed, switches.r_on, switches.r_off)
    rigid, soft = ohms == 0, (ohms != 0) & np.isfinite(ohms)
    injected = -edges[place("current_sources")].T @ circuit.current_sources.amps
    return Parts(
        edges[rigid], volts[rigid], edges[soft], 1 / ohms[soft], injected, edges[place("diodes")]
    )


def solvable(circuit) -> bool:
    """Whether voltages exist that all rigid parts allow, and no current is left stranded."""
    data, table = parts(circuit), circuit.diodes
    n = data.diode.shape[1]
    hard = table.r_on == 0
    backed = np.isfinite(table.v_reverse) & (table.r_reverse == 0)
    upper = np.vstack((data.diode[hard], -data.diode[backed], np.zeros((1, n))))
    limit = np.concatenate((table.v_forward[hard], table.v_reverse[backed], [0.0]))
    feasible = linprog(
        np.zeros(n), upper, limit, *_equations(data.rigid, data.offset, n), bounds=(None, None)
    )
    if feasible.status == 2:
        return False
    # a direction of no return: nothing resists, and the sources push along it
    walls = np.isfinite(table.r_off) | np.isfinite(table.v_reverse)
    tied = np.vstack((data.rigid, data.soft, data.diode[walls]))
    upper = np.vstack((data.diode, np.zeros((1, n))))
    fall = linprog(
        -data.injected, upper, np.zeros(len(upper)),
        *_equations(tied, np.zeros(len(tied)), n), bounds=(-1, 1),
    )  # fmt: skip
    return fall.fun > -1e-7


def _equations(rows: np.ndarray, right: np.ndarray, n: int) -> tuple:
    return (rows, right) if len(rows) else (np.zeros((1, n)), np.zeros(1))


GUESSES = {
    "osqp": {"polish": True, "eps_abs": 1e-9, "eps_rel": 1e-9, "max_iter": 20000},
    "daqp": {"eps_prox": 1e-5, "primal_tol": 1e-11, "dual_tol": 1e-11, "iter_limit": 3000},
}


def conducting(circuit, solver: str) -> np.ndarray | None:
    """Guess the piece of each diode: 0 off, 1 forward, -1 breakdown."""
    table, m = circuit.diodes, len(circuit.diodes)
    problem = _program(circuit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = solve_problem(problem, solver=solver, **GUESSES[solver])
        except Exception:
            # a solver that chokes on a problem is no witness
            return None
    if not found.found or found.x is None or found.z is None:
        return None
    v = parts(circuit).diode @ found.x[: len(circuit.nodes) - 1]
    breaks = np.isfinite(table.v_reverse)
    back, room = np.zeros(m), np.full(m, np.inf)
    back[breaks] = found.z[m : m + breaks.sum()]
    room[breaks] = np.maximum(v[breaks] + table.v_reverse[breaks], 0)
    forward = found.z[:m] > np.maximum(table.v_forward - v, 0)
    return np.where(back > room, -1, np.where(forward, 1, 0))


def _program(circuit) -> Problem:
    """The co-content as a quadratic program in node voltages and excess voltages of diodes.

    An excess u >= v - v_forward (or w >= -v - v_reverse) costs (1/r - leak) u^2 / 2.
    """
    data, table = parts(circuit), circuit.diodes
    n, m = data.diode.shape[1], len(table)
    leak = np.where(np.isfinite(table.r_off), 1 / table.r_off, 0.0)
    breaks = np.isfinite(table.v_reverse)
    cost = np.zeros((n + 2 * m, n + 2 * m))
    cost[:n, :n] = data.soft.T * data.siemens @ data.soft + data.diode.T * leak @ data.diode
    excess = [_excess(table.r_on, leak), _excess(table.r_reverse, leak)]
    cost[range(n, n + 2 * m), range(n, n + 2 * m)] = np.concatenate(excess)
    yields = [np.diag(np.where(r > 0, -1.0, 0.0)) for r in (table.r_on, table.r_reverse)]
    forward = np.hstack((data.diode, yields[0], np.zeros((m, m))))
    reverse = np.hstack((-data.diode, np.zeros((m, m)), yields[1]))
    upper = np.vstack((forward, reverse[breaks], np.zeros((1, n + 2 * m))))
    limit = np.concatenate((table.v_forward, table.v_reverse[breaks], [1.0]))
    equal = np.hstack((data.rigid, np.zeros((len(data.rigid), 2 * m))))
    linear = np.concatenate((-data.injected, np.zeros(2 * m)))
    pair = (csc_matrix(equal), data.offset) if len(equal) else (None, None)
    return Problem(csc_matrix(cost), linear, csc_matrix(upper), limit, *pair)


def _excess(ohms: np.ndarray, leak: np.ndarray) -> np.ndarray:
    safe = np.where(ohms > 0, ohms, 1.0)
    return np.where(ohms > 0, 1 / safe - leak, 1e-6)


def operating_point(circuit) -> tuple[np.ndarray, np.ndarray] | None:
    """Voltages and currents that obey every law to 1e-9; None if none were found."""
    for solver in GUESSES:
        state = conducting(circuit, solver)
        if state is None:
            continue
        voltages, currents = _linear(circuit, state)
        if not violations(circuit, voltages, currents, circuit.switches.closed):
            return voltages, currents
    return None


def _linear(circuit, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve the circuit with its diodes in given pieces, by modified nodal analysis."""
    n, m = len(circuit.nodes), circuit.n_elements
    laws = np.array([_branch(circuit, e, state) for e in range(m)])
    rigid = np.flatnonzero(laws[:, 1] == 0)
    size = n + len(rigid)
    matrix, right = np.zeros((size, size)), np.zeros(size)
    ends = np.zeros((m, n))
    p, q = circuit.terminals
    ends[range(m), p] += 1
    ends[range(m), q] -= 1
    # a v + b i = c: a current source or conductance where b = 1, a voltage where b = 0
    soft = np.setdiff1d(np.arange(m), rigid)
    slope, source = -laws[soft, 0] / laws[soft, 1], laws[soft, 2] / laws[soft, 1]
    matrix[:n, :n] = ends[soft].T * slope @ ends[soft]
    matrix[:n, n:] = ends[rigid].T
    right[:n] = -ends[soft].T @ source
    matrix[n:, :n], right[n:] = ends[rigid], laws[rigid, 2]
    # ground's own balance follows from the others'
    matrix[0], right[0] = np.eye(size)[0], 0.0
    x = _least_squares(matrix, right)
    currents = np.zeros(m)
    currents[rigid] = x[n:]
    currents[soft] = slope * (ends[soft] @ x[:n]) + source
    return x[:n], currents


def _least_squares(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    row = np.abs(matrix).max(axis=1)
    row[row == 0] = 1
    column = np.abs(matrix / row[:, None]).max(axis=0)
    column[column == 0] = 1
    scaled = matrix / row[:, None] / column
    u, sigma, vt = np.linalg.svd(scaled)
    inverse = np.where(sigma > 1e-13 * sigma[0], 1 / np.maximum(sigma, 1e-300), 0.0)
    x = np.zeros(len(right))
    for _ in range(3):
        x += vt.T @ (inverse * (u.T @ ((right - matrix @ (x / column)) / row)))
    return x / column


def _branch(circuit, element: int, state: np.ndarray) -> tuple[float, float, float]:
    """The law of an element as a v + b i = c."""
    kind, row = circuit.locate(element)
    table = getattr(circuit, kind)
    if kind in ("resistors", "switches"):
        switch_ohms = lambda: (table.r_on if table.closed[row] else table.r_off)[row]  # noqa: E731
        ohms = table.ohms[row] if kind == "resistors" else switch_ohms()
        return (0.0, 1.0, 0.0) if math.isinf(ohms) else (1.0, -float(ohms), 0.0)
    if kind == "voltage_sources":
        return 1.0, 0.0, float(table.volts[row])
    if kind == "inductors":
        return 1.0, 0.0, 0.0
    if kind == "capacitors":
        return 0.0, 1.0, 0.0
    if kind == "current_sources":
        return 0.0, 1.0, float(table.amps[row])
    leak = 1 / float(table.r_off[row])
    if state[row] == 0:
        return (1.0, -1 / leak, 0.0) if leak else (0.0, 1.0, 0.0)
    knee = float(table.v_forward[row] if state[row] > 0 else -table.v_reverse[row])
    ohms = float((table.r_on if state[row] > 0 else table.r_reverse)[row])
    return 1.0, -ohms, knee - ohms * knee * leak


def _unique(circuit, voltages: np.ndarray) -> np.ndarray:
    """Tell which nodes have the same voltage in all solutions, given one."""
    data, table = parts(circuit), circuit.diodes
    n = data.diode.shape[1]
    v = data.diode @ voltages[1:]
    slack = table.v_forward - v
    slack[np.abs(slack) < 1e-9 * (1 + np.abs(v))] = 0
    firm = np.isfinite(table.r_off) | ((table.r_on > 0) & (slack < 0))
    room = np.where(np.isfinite(table.v_reverse), v + table.v_reverse, np.inf)
    room[np.abs(room) < 1e-9 * (1 + np.abs(v))] = 0
    firm |= room < 0
    tied = np.vstack((data.rigid, data.soft, data.diode[firm], data.injected[None]))
    free, walled = ~firm, ~firm & np.isfinite(room)
    upper = np.vstack((data.diode[free], -data.diode[walled], np.zeros((1, n))))
    limit = np.concatenate((slack[free], room[walled], [0.0]))
    unique = np.ones(n + 1, dtype=bool)
    aims = np.random.default_rng(1).uniform(0.5, 1, n) * np.random.default_rng(2).choice((-1, 1), n)
    while True:
        moved = np.zeros(n)
        for aim in (aims, -aims):
            result = linprog(
                aim * unique[1:], upper, limit, tied, np.zeros(len(tied)), bounds=(-1, 1)
            )
            moved = np.maximum(moved, np.abs(result.x) * unique[1:])
        if moved.max(initial=0) < 1e-6:
            return unique
        unique[1:] &= moved < 1e-6


def unique_voltages(circuit, voltages: np.ndarray) -> np.ndarray:
    """The voltages with NaN where they could be others."""
    return np.where(_unique(circuit, voltages), voltages, np.nan)
