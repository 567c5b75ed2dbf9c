"""Jobs: many variants of one circuit, cut into tasks that any worker can do.

Tasks are ranges of points of a fixed length, and each starts from the same knowledge,
whatever ran before it in the same worker: the result has the same bits however many workers
there are.
"""

from __future__ import annotations

import concurrent.futures as futures
import dataclasses
import hashlib
import pickle
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.devices import DEVICES
from ..model.names import whole
from ..point.certified import CHUNK, decode, encode, join, nodeset
from ..point.engine import PointSolver
from ..point.plan import compiled
from ..results.operating_point import OperatingPoint
from ..workers.jobs import run_job
from ..workers.journal import Entry
from .backend import Choice, Question, choose
from .one_by_one import OneByOne, Task
from .variants import Grid, Variants

#: Columns of values that may differ within a structure.
_VARIED = {name: str(device.value) for name, device in DEVICES.items() if device.sets}


@dataclass(frozen=True)
class Job:
    """Variants of a circuit to be solved.

    Attributes
    ----------
    start : ndarray of float, shape (n_nodes,), optional
        V, where an iteration starts.
    """

    circuit: Circuit
    variants: Variants
    method: str = "auto"
    tolerance: float = 1e-9
    start: Mapping[str, float] | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that the result depends on."""
        digest = hashlib.sha256(repr((self.method, self.tolerance)).encode())
        digest.update(told(self.variants))
        start = self.circuit.nodeset if self.start is None else self.start
        digest.update(repr((self.circuit.nodes, sorted(start.items()))).encode())
        digest.update(structure_key(self.circuit, with_values=True))
        if not {"element", "switch", "model"}.issuperset(self.variants.of):
            # the deck is elaborated anew: circuits that are alike may come of different ones
            texts = [(source.text, source.titled) for source in self.circuit.sources]
            overrides = sorted(self.circuit.overrides.items())
            digest.update(repr((texts, overrides)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    @cached_property
    def known_as(self) -> str:
        """Digest of all that is said with the result, too: warnings of the deck, and its lines."""
        circuit, digest = self.circuit, hashlib.sha256(self.fingerprint.encode())
        texts = [(source.name, source.text) for source in circuit.sources]
        digest.update(repr((texts, circuit.diagnostics)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    @cached_property
    def sequential(self) -> bool:
        """Points depend on each other: switches, laws and loops go on from where the last one is.

        Those of a sweep do; samples and corners are circuits by themselves.
        """
        if not isinstance(self.variants, Grid):
            return False
        circuit = self.circuit
        if circuit.smooth or not circuit.switches.fixed.all():
            return True
        driven = (circuit.tables[name] for name in ("controlled_sources", "behavioural_sources"))
        return any(map(len, driven)) and compiled(circuit, circuit.switches.closed).may_trigger

    def solve(self, first: int, last: int) -> OperatingPoint:
        """Solve points first to last - 1."""
        values = self.variants.values(first, last)
        inner = [k for k, of in enumerate(self.variants.of) if of == "element"]
        outer = [k for k, of in enumerate(self.variants.of) if of != "element"]
        if not outer:
            return self._choice.points(values)
        if self.sequential:
            return _walk(self, values, inner, outer)
        return _by_structure(self, values, inner, outer)

    @cached_property
    def _choice(self) -> Choice:
        return choose(self.question(self.circuit, self.variants.names))

    def question(self, circuit: Circuit, names: Sequence[str]) -> Question:
        """Return what is asked of a variant of the circuit."""
        return Question(
            circuit, tuple(names), self.variants.count, method=self.method,
            tolerance=self.tolerance, start=nodeset(circuit, self.start),
            following=self.sequential,
        )  # fmt: skip

    def named(self, values: Floats, columns: list[int]) -> dict[str, float]:
        """Return some of the values at a point by name."""
        return {self.variants.names[k]: float(values[k]) for k in columns}

    def outer_circuit(self, values: Floats, outer: list[int]) -> Circuit:
        """Return the circuit with the parameters and switches of a point."""
        of = self.variants.of
        parameters = self.named(values, [k for k in outer if of[k] not in _AFTER])
        states = self.named(values, [k for k in outer if of[k] == "switch"])
        models = self.named(values, [k for k in outer if of[k] == "model"])
        draws = self.named(values, [k for k in outer if of[k] == "draw"])
        circuit = self.circuit.with_parameters(parameters) if parameters else self.circuit
        for seed, sample in draws.items():
            circuit = circuit.with_draw(f"{seed}/{sample:.0f}")
        if models:
            circuit = circuit.with_model_parameters(models)
        if (
            circuit.nodes != self.circuit.nodes
            or circuit.element_names != self.circuit.element_names
        ):
            names = ", ".join(parameters)
            raise UsageError(
                f"nodes or elements of the circuit change with {names}: its points have no common "
                "table; solve each by itself, or all with solve_many"
            )
        held = {name: value != 0 for name, value in states.items()}
        return circuit.with_switches(held) if held else circuit


#: what changes in a circuit after its deck has been read
_AFTER = ("switch", "model", "draw")


def told(value: Any) -> bytes:
    """Return all that `repr` tells of a value; of many numbers in a fraction of the time."""
    kinds = set(map(type, value)) if isinstance(value, tuple) else set()
    if is_dataclass(value):
        inner = [told(getattr(value, column.name)) for column in fields(value)]
    elif kinds == {float}:
        inner = [array("d", value).tobytes()]
    elif any(map(is_dataclass, kinds)):
        inner = list(map(told, value))
    else:
        inner = [repr(value).encode("utf-8", "surrogatepass")]
    return b"".join([f"{type(value).__name__} {[*map(len, inner)]} ".encode(), *inner])


def structure_key(circuit: Circuit, with_values: bool = False) -> bytes:
    """Return a digest of everything in a circuit's tables but the values that may vary."""
    digest = hashlib.sha256()
    for name, table in circuit.tables.items():
        digest.update(name.encode())
        for column in fields(table):
            if column.name in ("file", "line"):
                continue
            if not with_values and _VARIED.get(name) == column.name:
                continue
            value = getattr(table, column.name)
            digest.update(column.name.encode())
            array = isinstance(value, np.ndarray)
            digest.update(value.tobytes() if array else pickle.dumps(value))
    return digest.digest()


def _by_structure(job: Job, values: Floats, inner: list[int], outer: list[int]) -> OperatingPoint:
    """Solve points whose circuits are elaborated one by one; those of one structure together."""
    groups: OrderedDict[bytes, list[int]] = OrderedDict()
    circuits: list[Circuit] = []
    last: tuple[bytes, Circuit] | None = None
    for k, row in enumerate(values):
        key = row[outer].tobytes()
        if last is None or last[0] != key:
            last = key, job.outer_circuit(row, outer)
        chosen = job.named(row, inner)
        circuits.append(last[1].with_values(chosen) if chosen else last[1])
        groups.setdefault(structure_key(circuits[-1]), []).append(k)
    parts = [_solve_alike(job, [circuits[k] for k in rows]) for rows in groups.values()]
    order = np.argsort(np.concatenate([np.array(rows) for rows in groups.values()]))
    return join(job.circuit, parts, {}, 0.0).pick(order)


def _solve_alike(job: Job, circuits: list[Circuit]) -> OperatingPoint:
    """Solve circuits that differ in values only."""
    base = circuits[0]
    names: list[str] = []
    columns: list[Floats] = []
    for table, column in _VARIED.items():
        many = np.array([getattr(c.tables[table], column) for c in circuits])
        varied = np.flatnonzero((many != many[0]).any(axis=0))
        names += [base.tables[table].names[k] for k in varied.tolist()]
        columns.append(many[:, varied])
    return choose(job.question(base, names)).points(np.concatenate(columns, axis=1))


def _walk(job: Job, values: Floats, inner: list[int], outer: list[int]) -> OperatingPoint:
    """Go from point to point; switches start from the states of the point before."""
    names = [job.variants.names[k] for k in inner]

    def tasks() -> Iterator[Task]:
        last: tuple[bytes, PointSolver] | None = None
        for row in values:
            key = row[outer].tobytes()
            if last is None or last[0] != key:
                base = job.outer_circuit(row, outer)
                start = nodeset(base, job.start)
                solver = PointSolver(base, job.method, job.tolerance, start)
                if last is not None:
                    solver.follow(last[1])
                last = key, solver
            yield last[1], last[1].circuit.with_values(job.named(row, inner))

    return OneByOne(job.question(job.circuit, names)).collect(tasks())


# ---- in workers ----

#: the jobs that this process worked on last, with what they have found out
_recent: OrderedDict[str, Job] = OrderedDict()
_lock = threading.Lock()


def _solve_range(job: Job, key: str, first: int, last: int) -> Entry:
    """Do one task; what is known of the job's circuit stays for the next."""
    with _lock:
        known = _recent.setdefault(key, job)
        _recent.move_to_end(key)
        while len(_recent) > 2:
            _recent.popitem(last=False)
    return encode(known.solve(first, last))


# ---- in the main process ----


def run(
    job: Job,
    executor: str | futures.Executor = "threads",
    journal: str | Path | None = None,
    progress: bool = False,
    chunk: int = CHUNK,
) -> OperatingPoint:
    """Solve all points of a job; see `analyses.sweep` for the parameters."""
    began = time.perf_counter()
    count = job.variants.count
    chunk = whole(chunk, "chunk", 1)
    size = count if job.sequential else chunk
    ranges = [(k, min(k + size, count)) for k in range(0, count, size)]
    if len(ranges) == 1 and isinstance(executor, str) and executor.startswith("threads"):
        executor = "serial"
    key = job.fingerprint
    entries = run_job(
        _solve_range,
        [(job, job.known_as, first, last) for first, last in ranges],
        executor=executor, journal=journal, job=f"{key}/{size}",
        sizes=[last - first for first, last in ranges], progress=progress,
    )  # fmt: skip
    parts = [decode(job.circuit, *entry) for entry in entries]
    seconds = time.perf_counter() - began
    found = join(job.circuit, parts, job.variants.axes(), seconds)
    return dataclasses.replace(found, sampled=job.variants.sampled())
