"""What is asked of one circuit at many points: the input to the choice of a backend.

Small sweeps need little of what can be found out, and import no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..arrays import Floats, Ints, as_slice
from ..compiled import policy
from ..errors import ResnetSimError, UsageError
from ..model.circuit import Circuit
from ..model.devices import DEVICES
from ..model.display import few
from ..model.names import word
from ..point.recent import known

if TYPE_CHECKING:
    from ..point.plan import Compiled
    from ..point.reduction import Reduction
    from .structure import Structure, Unsupported
    from .trainable import Selection, Ties

Found = TypeVar("Found")
#: Called with the number of a point without solution, and why: notes it, or raises.
Failed = Callable[[int, ResnetSimError], None]


@dataclass(frozen=True, eq=False)
class Question:
    """One circuit, many points.

    Without `outputs`, certified operating points are asked for; with them, states that can be
    nudged there, at conductances that are common to all points and change between calls.

    Attributes
    ----------
    circuit : Circuit
    varied : tuple of str
        Elements whose values (ohms, volts, amps) differ from point to point.
    points : int
        How many are expected in all.
    outputs : tuple of (str, str)
        Pairs of nodes between which outputs are measured.
    trainable : Selection, optional
        Conductances that are common and change between calls.
    ties : Ties, optional
        Which of these are always equal.
    biases : tuple of str
        Current sources that do the same.
    flows : tuple of str
        Elements whose currents count for derivatives: of ties, and of rectifiers.  They are the
        last columns of the states' voltages, A.
    bounds : (float, float)
        S; conductances of the circuit are moved there before they are learned from.
    precision : {"double", "single"}
    method, tolerance
        See `analyses.solve`.
    start : ndarray of float, shape (n_nodes,), optional
        V, where an iteration starts; NaN for nowhere in particular.
    following : bool
        Points depend on each other: switches and laws start from where the last point is.
    """

    circuit: Circuit
    varied: tuple[str, ...]
    points: int = 1
    outputs: tuple[tuple[str, str], ...] = ()
    trainable: Selection | None = None
    ties: Ties | None = None
    biases: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    bounds: tuple[float, float] = (0.0, np.inf)
    precision: str = "double"
    method: str = "auto"
    tolerance: float = 1e-9
    start: Floats | None = None
    following: bool = False
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if word(self.precision, "the precision") not in ("double", "single"):
            raise UsageError(f"unknown precision {self.precision!r}: double or single")
        if self.outputs:
            return  # a trainer keeps its question
        start = None if self.start is None else self.start.tobytes()
        asked = self.varied, self.points, self.method, self.tolerance, start, self.following
        object.__setattr__(self, "_found", known(self.circuit, ("question", asked), dict))

    def __getstate__(self) -> dict[str, Any]:
        # what was found out may hold functions, and is found out again
        return {name: self.__dict__[name] for name in self.__dataclass_fields__} | {"_found": {}}

    def once(self, work: Callable[[Question], Found]) -> Found:
        """Return what some work on this question finds; backends that need the same share it."""
        if work not in self._found:
            self._found[work] = work(self)
        found: Found = self._found[work]
        return found

    @property
    def asks(self) -> str:
        """What is to be answered: ``"points"`` or ``"states"``."""
        return "states" if self.outputs else "points"

    @property
    def sources(self) -> tuple[str, ...]:
        """Elements that the columns of u set, but for the last column, which is 1."""
        return (*self.varied, *self.biases)

    @cached_property
    def selection(self) -> Selection:
        """What changes between calls, maybe nothing."""
        from .trainable import select

        return select(self.circuit, ()) if self.trainable is None else self.trainable

    @cached_property
    def learned(self) -> Floats:
        """Conductances to learn from, S, in the order of `selection`."""
        return np.clip(self.selection.conductances(), *self.bounds)

    @cached_property
    def whole(self) -> Circuit:
        """The circuit with all that learns in place: of a crossbar, zeros would be left out."""
        crossbars = self.circuit.crossbars.devices
        return self.selection.applied(self.learned) if crossbars else self.circuit

    @property
    def signed(self) -> bool:
        """Whether conductances may be negative, so that there may be several states."""
        if not self.outputs:
            return False
        return self.bounds[0] < 0 or bool((self.reduction.conductors.siemens < 0).any())

    @property
    def apart(self) -> str | None:
        """Why points have no linear structure in common, None if they have."""
        circuit = self.circuit
        if self.method != "auto":
            return f"the method {self.method} is asked for"
        if not circuit.switches.fixed.all():
            names = np.array(circuit.switches.names)[~circuit.switches.fixed].tolist()
            return f"the state of {few(names)} depends on the solution"
        return None if self.varied else "nothing differs from point to point"

    @property
    def lawful(self) -> str | None:
        """Which laws are smooth functions of several voltages, in words; None if none are."""
        smooth = self.circuit.smooth
        return f"there are smooth laws: {few(smooth)}" if smooth else None

    @property
    def unlearnable(self) -> str | None:
        """Why conductances can't be learned as they begin, None if they can."""
        positive = not self.outputs or self.signed or (self.learned > 0).all()
        return None if positive else "0 S can't be learned from here: g_min must be positive"

    def too_few(self, worth: float) -> str | None:
        """Return that there are too few points to pay, None if points times size are `worth` it."""
        nodes, elements = len(self.circuit.nodes), self.circuit.n_elements
        # grids have two to three elements a node, and full layers many more
        if self.points * (max(nodes, elements / 3) + policy.POLICY.any_point) >= worth:
            return None
        return f"{self.points} points of {nodes} nodes, {elements} elements, are too few to pay"

    @cached_property
    def compiled(self) -> Compiled:
        """What never changes, with the switches as they are."""
        from ..point.plan import compiled

        return compiled(self.circuit, self.circuit.switches.closed)

    @cached_property
    def reduction(self) -> Reduction:
        """The coordinates of the circuit."""
        from .structure import Unsupported, reduced

        found = self.structure
        return reduced(self.whole) if isinstance(found, Unsupported) else found.reduction

    @cached_property
    def structure(self) -> Structure | Unsupported:
        """The one convex problem that the circuit is, or why it is none."""
        from .structure import Unsupported, analyse

        try:
            return analyse(self.whole, self.sources)
        except Unsupported as reason:
            return reason

    @cached_property
    def places(self) -> tuple[npt.NDArray[np.str_], Ints]:
        """Table and row of each varied element.

        Raises
        ------
        UsageError
            If a name is unknown or has no value.
        """
        circuit = self.circuit
        places = [circuit.locate(circuit.element(name)) for name in self.varied]
        for name, (table, _) in zip(self.varied, places, strict=True):
            if DEVICES[table].value is None:
                kind = getattr(circuit, table).kind
                raise UsageError(f"{name} is a {kind}: it has no value to set")
        tables = np.array([table for table, _ in places], dtype=np.str_)
        return tables, np.array([row for _, row in places], dtype=np.int64)

    @cached_property
    def by_table(self) -> dict[str, tuple[slice | Ints, slice | Ints]]:
        """Which of the names that vary are in each table, and the rows there."""
        tables, rows = self.places
        every = {table: np.flatnonzero(tables == table) for table in sorted(set(tables.tolist()))}
        return {table: (as_slice(mine), as_slice(rows[mine])) for table, mine in every.items()}

    def columns(self, values: Floats) -> dict[str, dict[str, Floats]]:
        """Return the columns of tables in which points differ, shape (points, rows).

        At values of what varies, shape (points, names).
        """
        found: dict[str, dict[str, Floats]] = {}
        for table, (mine, rows) in self.by_table.items():
            name = str(DEVICES[table].value)
            column = getattr(self.circuit.tables[table], name)
            chosen = values[:, mine]
            if isinstance(rows, slice) and rows == slice(0, len(column)):
                found[table] = {name: chosen}
                continue
            many = np.repeat(column[None, :], len(values), axis=0)
            many[:, rows] = chosen
            found[table] = {name: many}
        return found
