"""Circuits that differ in structure: each is solved by itself, many at a time."""

from __future__ import annotations

import concurrent.futures as futures
import hashlib
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..arrays import Bools, Floats
from ..errors import UsageError
from ..many.jobs import structure_key
from ..many.one_by_one import Task, Unsolved, walk
from ..model.circuit import Circuit
from ..model.names import several, whole
from ..point.certified import nodeset, single
from ..point.engine import PointSolver
from ..workers.jobs import run_job
from ..workers.journal import Entry

#: Circuits per task.
CHUNK = 64

Recipe = Circuit | Callable[[], Circuit]


@dataclass(frozen=True)
class Outputs:
    """Some outputs of many circuits.

    Attributes
    ----------
    names : tuple of str
    values : ndarray, shape (circuits, outputs)
        V or A; NaN where undefined or without a solution.
    certified : ndarray of bool, shape (circuits,)
    unsolved : dict of int to str
        Circuit -> why it has no solution.

    Examples
    --------
    >>> found = rs.solve_many([rs.generators.ladder(n) for n in (1, 2)], ["v(n1)", "i(v0)"])
    >>> found.values.round(3)
    array([[ 0.5, -0.5],
           [ 0.4, -0.6]])
    >>> found.certified, found.unsolved
    (array([ True,  True]), {})
    """

    names: tuple[str, ...]
    values: Floats
    certified: Bools
    unsolved: dict[int, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Floats:
        """Return one output of all circuits, shape (circuits,)."""
        try:
            column: Floats = self.values[:, self.names.index(name)]
        except ValueError:
            raise UsageError(f"{name!r} is not among {', '.join(self.names)}") from None
        return column


def solve_many(
    circuits: Sequence[Recipe],
    outputs: str | Sequence[str],
    *,
    method: str = "auto",
    tolerance: float = 1e-9,
    executor: str | futures.Executor = "threads",
    journal: str | Path | None = None,
    progress: bool = False,
    chunk: int = CHUNK,
) -> Outputs:
    """Solve circuits that need not have anything in common but the names of some outputs.

    Parameters
    ----------
    circuits : sequence of Circuit or callable
        A callable without arguments returns the circuit, and is called by the worker: it is
        smaller to send, ``functools.partial(rs.generators.grid, 10, seed=3)`` say.
    outputs : str or sequence of str
        ``v(node)``, ``v(node,node)`` or ``i(element)``; each must exist in every circuit.
    method, tolerance
        See `solve`.
    executor, journal, progress, chunk
        See `monte_carlo`; processes or Dask, as threads can't share what is plain Python.

    Raises
    ------
    UsageError
        If a circuit lacks an output.

    Examples
    --------
    >>> ladders = [rs.generators.ladder(n) for n in (1, 2, 3)]
    >>> rs.solve_many(ladders, ["v(n1)"])["v(n1)"].round(4)
    array([0.5   , 0.4   , 0.3846])
    """
    outputs = several(outputs, "outputs")
    circuits = list(circuits) if isinstance(circuits, Iterable) else [circuits]
    if not all(isinstance(one, Circuit) or callable(one) for one in circuits):
        raise UsageError("circuits, or callables that return them, are needed: rs.read_netlist")
    if not outputs or not circuits:
        raise UsageError("at least one circuit and one output are needed")
    chunk = whole(chunk, "chunk", 1)
    ranges = range(0, len(circuits), chunk)
    tasks = [(list(circuits[k : k + chunk]), tuple(outputs), method, tolerance) for k in ranges]
    job = hashlib.sha256(repr((tuple(outputs), method, tolerance, chunk)).encode())
    if journal is not None:
        for recipe in circuits:
            job.update(
                structure_key(recipe, with_values=True)
                if isinstance(recipe, Circuit)
                else pickle.dumps(recipe)
            )
    entries = run_job(
        _solve_all, tasks, executor=executor, journal=journal, job=job.hexdigest(),
        sizes=[len(task[0]) for task in tasks], progress=progress,
    )  # fmt: skip
    unsolved = {
        first + k: why
        for first, (_, facts) in zip(ranges, entries, strict=True)
        for k, why in facts["unsolved"]
    }
    return Outputs(
        tuple(outputs),
        np.concatenate([arrays["values"] for arrays, _ in entries]),
        np.concatenate([arrays["certified"] for arrays, _ in entries]),
        unsolved,
    )


def _solve_all(
    recipes: Sequence[Recipe], outputs: Sequence[str], method: str, tolerance: float
) -> Entry:
    values = np.full((len(recipes), len(outputs)), np.nan)
    certified = np.zeros(len(recipes), dtype=np.bool_)
    unsolved = Unsolved()

    def tasks() -> Iterator[Task]:
        for recipe in recipes:
            circuit = recipe if isinstance(recipe, Circuit) else recipe()
            if not isinstance(circuit, Circuit):
                raise UsageError(f"{recipe!r} returns no circuit, but {type(circuit).__name__}")
            yield PointSolver(circuit, method, tolerance, nodeset(circuit, None)), circuit

    for k, point in enumerate(walk(tasks(), unsolved)):
        if point is not None:
            op = single(point.circuit, point, 0.0, tolerance)
            values[k] = [op.value(output) for output in outputs]
            certified[k] = op.certificate.ok
    facts = {"unsolved": list(unsolved.reasons.items())}
    return {"values": values, "certified": certified}, facts
