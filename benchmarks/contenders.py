"""Who solves a circuit: this package, general QP solvers, ngspice, and the linear yardstick.

A contender is prepared once (not timed) and then run; what it returns is turned into voltages
and diode currents afterwards (not timed either) for `QuadraticProgram.residual`.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from families import without_diodes
from quadratic import QuadraticProgram, quadratic_program
from scipy.sparse.linalg import splu

import resnet_sim as rs
from resnet_sim.arrays import Floats
from resnet_sim.netlist import format_netlist
from resnet_sim.point.plan import Compiled
from resnet_sim.point.state import State
from resnet_sim.results.rawfile import read_raw

#: on-resistance of a diode in ngspice, ohm; resistors are about 1 ohm
R_ON = 1e-6
#: values of an input, of which a linear circuit has as many solutions
INPUTS = 64
#: with the usual 1e-3 ngspice ends before the diodes have settled
NGSPICE_OPTIONS = ".options reltol=1e-9 vntol=1e-12 abstol=1e-15"

Result = tuple[Floats, Floats]


@dataclass(frozen=True)
class Task:
    """A circuit, a directory for files, and the seconds that a run may take.

    Its program is made when something asks for it: what is measured shall not hold it.
    """

    circuit: rs.Circuit
    directory: Path
    limit: float

    @cached_property
    def program(self) -> QuadraticProgram:
        """The quadratic program of the circuit."""
        return quadratic_program(self.circuit)


@dataclass(frozen=True)
class Ready:
    """What is timed, and what takes x and the diode currents out of its result.

    `result` is None if there are none to judge; `command` is the process that `run` starts, if
    it does; `yardstick` is what it is compared with, if that is not T0.
    """

    run: Callable[[], Any]
    result: Callable[[Any], Result] | None
    command: list[str] | None = None
    yardstick: Callable[[], Any] | None = None


class Unavailable(Exception):
    """The contender can't take part, and why."""


def linear(program: QuadraticProgram, solves: int = 1) -> Callable[[], Floats]:
    """Return T0: factor and solve of the circuit without its diodes, or so many solves."""
    matrix, vector = program.matrix, program.vector

    def run() -> Floats:
        factor = splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        for _ in range(solves):
            x: Floats = factor.solve(vector)
        return x

    return run


def prepare_linear(task: Task) -> Ready:
    return Ready(linear(task.program), None)


def prepare_solver(task: Task) -> Ready:
    """`resnet_sim.solvers.solve` of ready problems: what the QP solvers are given, too."""
    from resnet_sim.solvers import solve

    _refuse_amplifiers(task)
    closed = np.zeros(0, dtype=np.bool_)
    state = State(Compiled(task.circuit, closed))
    plans = [plan for plan in state.compiled.plans if plan.n > 1]
    problems = [state.problem(plan) for plan in plans]

    def result(solutions: list[Any]) -> Result:
        for plan, solution in zip(plans, solutions, strict=True):
            state.absorb(plan, solution)
        return _result(task, state.node_voltages(), state.currents())

    return Ready(lambda: [solve(problem) for problem in problems], result)


def prepare_package(task: Task) -> Ready:
    """`resnet_sim.solve` of a circuit: reduction, structure checks, solver, certificate."""

    def result(op: rs.OperatingPoint) -> Result:
        return _result(task, op.node_voltages, op.element_currents)

    return Ready(lambda: rs.solve(task.circuit), result)


def prepare_without_diodes(task: Task) -> Ready:
    """The same of the circuit without its diodes."""
    circuit = without_diodes(task.circuit)
    return Ready(lambda: rs.solve(circuit), None)


def prepare_inputs(task: Task) -> Ready:
    """64 values of some of its current sources, without diodes: over a factor and 64 solves."""
    circuit, rng = without_diodes(task.circuit), np.random.default_rng(0)
    inputs = {name: rng.uniform(-1, 1, INPUTS) for name in circuit.current_sources.names[:8]}
    yardstick = linear(task.program, INPUTS)
    return Ready(lambda: rs.solve(circuit, inputs=inputs), None, yardstick=yardstick)


def prepare_apxchol(task: Task) -> Ready:
    """Approximate Cholesky factorisation and conjugate gradients, to be compared with T0."""
    if importlib.util.find_spec("apxchol") is None:
        raise Unavailable("apxchol is not installed")
    import apxchol

    _refuse_amplifiers(task)
    matrix, vector = task.program.matrix, task.program.vector
    return Ready(lambda: apxchol.solve(matrix, vector, rtol=1e-12), None)


def _refuse_amplifiers(task: Task) -> None:
    if len(task.program.amplifiers.out):
        raise Unavailable("amplifiers are part of no quadratic program")


def _result(task: Task, voltages: Floats, currents: Floats) -> Result:
    first = task.circuit.first["diodes"]
    return task.program.reduce(voltages), currents[first + task.program.diodes]


def prepare_qp(solver: str, **settings: Any) -> Callable[[Task], Ready]:
    """Return what prepares a solver of qpsolvers."""

    def prepare(task: Task) -> Ready:
        _refuse_amplifiers(task)
        if importlib.util.find_spec("qpsolvers") is None:
            raise Unavailable("qpsolvers is not installed")
        import qpsolvers

        if solver not in qpsolvers.available_solvers:
            raise Unavailable(f"{solver} is not installed")
        prog = task.program
        problem = qpsolvers.Problem(prog.matrix, -prog.vector, prog.constraints, prog.bounds)

        def result(solution: qpsolvers.Solution) -> Result:
            if solution.x is None or solution.z is None:
                raise Unavailable("no solution found")
            return solution.x, solution.z

        return Ready(lambda: qpsolvers.solve_problem(problem, solver, **settings), result)

    return prepare


def prepare_command(task: Task) -> Ready:
    """Deck text to answer: ``resnet-sim solve`` as a process."""
    deck, out = task.directory / "deck.net", task.directory / "out.raw"
    rs.write_netlist(task.circuit, deck)
    command = [sys.executable, "-m", "resnet_sim", "solve", str(deck), "-o", str(out)]
    command += ["--format", "raw"]
    return Ready(_process(task, command), _from_raw(task, out), command)


def prepare_ngspice(task: Task) -> Ready:
    """Deck text to answer: ngspice as a process, ideal diodes with an on-resistance."""
    ngspice = shutil.which("ngspice")
    if ngspice is None:
        raise Unavailable("ngspice is not installed")
    deck, out = task.directory / "deck.cir", task.directory / "out.raw"
    title, _, cards = format_netlist(task.circuit, "ngspice", r_on=R_ON).partition("\n")
    deck.write_text(f"{title}\n{NGSPICE_OPTIONS}\n{cards}")
    command = [ngspice, "-n", "-b", "-r", str(out), str(deck)]
    return Ready(_process(task, command), _from_raw(task, out, R_ON), command)


def _process(task: Task, command: list[str]) -> Callable[[], None]:
    def run() -> None:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=task.limit,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Unavailable(f"status {done.returncode}: {done.stderr.strip()[-200:]}")

    return run


def _from_raw(task: Task, path: Path, r_on: float | None = None) -> Callable[[None], Result]:
    """Return what reads voltages; diode currents too, or from their law if they have `r_on`."""

    def result(_: object) -> Result:
        if not path.exists():
            raise Unavailable("no result")
        (plot,) = read_raw(path.read_bytes())
        found = dict(zip(plot.names, plot.values[0].tolist(), strict=True))
        nodes = task.circuit.nodes
        voltages = np.array([0.0, *(found.get(f"v({name})", np.nan) for name in nodes[1:])])
        d, rows = task.circuit.diodes, task.program.diodes
        if r_on is None:
            current = np.array([found[f"i({d.names[k]})"] for k in rows.tolist()])
        else:
            above = voltages[d.p] - voltages[d.q] - d.v_forward
            current = (np.maximum(above, 0.0) / r_on)[rows]
        return task.program.reduce(voltages), current

    return result


#: what the table calls them, and who prepares them
CONTENDERS: dict[str, Callable[[Task], Ready]] = {
    "solver": prepare_solver,
    "solve": prepare_package,
    "piqp": prepare_qp("piqp"),
    "osqp": prepare_qp("osqp", polishing=True),
    # as far as the others get by default
    "osqp-1e-5": prepare_qp("osqp", polishing=True, eps_abs=1e-5, eps_rel=1e-5),
    "clarabel": prepare_qp("clarabel"),
    "highs": prepare_qp("highs"),
    "command": prepare_command,
    "ngspice": prepare_ngspice,
    "linear": prepare_linear,
    "solve-linear": prepare_without_diodes,
    "inputs": prepare_inputs,
    "apxchol": prepare_apxchol,
}


def make_task(circuit: rs.Circuit, limit: float) -> Task:
    """Return a task with a new directory."""
    return Task(circuit, Path(tempfile.mkdtemp(prefix="resnet-sim-")), limit)
