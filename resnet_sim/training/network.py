"""A circuit seen as something that learns: inputs, outputs, and conductances that change."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..analyses.given import Given, as_circuit, spelled
from ..analyses.solve import solve
from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..graph.graphs import components
from ..many.backend import Question, choose
from ..many.layered.structure import Layers
from ..many.nudges import nudged
from ..many.states import Nudge, States
from ..many.structure import Structure, Unsupported, analyse
from ..many.trainable import Selection, select
from ..model.circuit import Circuit
from ..model.devices.crossbar import JoinedNames
from ..model.display import few, how_many
from ..model.names import folded, several
from ..point.amplifiers import nominal_scales
from ..point.reduction import reduce
from ..workers.atomic_file import replace_file
from .ammeters import measured
from .amounts import real
from .costs import Cost, SquaredError, built_in
from .following import Following
from .imperfections import Devices
from .named import by_name
from .shared import Wanted, learn
from .transconductances import split, with_transconductances
from .wires import wired

Output = str | tuple[str, str]


class Network:
    """A trainable circuit.

    Parameters
    ----------
    circuit : Circuit
        Any circuit.  Its structure is analysed once; only values change afterwards.
    inputs : sequence of str
        Independent sources that are set for each sample, V or A.
    outputs : sequence of str or (str, str)
        Nodes whose voltages are the outputs; a pair stands for the difference of two.
        ``i(v1)`` in place of a node is the current of a voltage source, A; rules that nudge by
        currents add volts there.
    trainable : str or sequence of str
        Resistors, crossbars and G sources that learn: names or globs; by default ``"r*"``.  A
        reciprocal pair of G sources learns one transconductance, in S, which is called like the
        first of them and is found among `parameters`.
    biases : str or sequence of str, optional
        Current sources that learn, names or globs.
    parameters : str, sequence of str, or mapping of str to (float, float), optional
        Parameters of the deck that learn, names or globs, maybe with bounds.  Every element whose
        value, or its reciprocal, is affine in them learns with them: resistors, sources, drops
        and resistances of diodes, gains.  By default nothing else learns beside them.
    g_min, g_max : float
        Bounds of the conductances, S.  By default the lower one is a millionth of the
        largest conductance that the circuit starts with: with zero, parts of the circuit
        may come loose.  Conductances that start out of bounds are moved to them.  Where some
        start negative, the lower bound is by default ``-g_max``: weights of either sign.
        A state that such a circuit has is stable, or there is an error.
    devices : Devices, optional
        How real the learning conductances are; ideal by default.
    precision : {"double", "single"}
        Single: samples side by side in vector registers, sweeps in float32, proved to 1e-6 of
        the largest voltage, for circuits whose diodes each have one end at a fixed
        potential.

    Raises
    ------
    UsageError
        If a name is unknown or means something that can't play the role.

    Warns
    -----
    UserWarning
        If sources alone say what an output is: nothing that learns changes it.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(2), inputs=["v0"], outputs=["n2"], trainable="rs*")
    >>> net.trainable, net.conductances
    (('rs0', 'rs1'), array([1., 1.]))
    >>> net.free([[1.0], [5.0]]).outputs.round(6)  # V
    array([[0.2],
           [1. ]])
    """

    @spelled
    def __init__(
        self,
        circuit: Given,
        inputs: Sequence[str],
        outputs: Sequence[Output],
        trainable: str | Sequence[str] | None = None,
        *,
        biases: str | Sequence[str] = (),
        parameters: Wanted = (),
        g_min: float | None = None,
        g_max: float = np.inf,
        devices: Devices | None = None,
        precision: str = "double",
    ) -> None:
        circuit = as_circuit(circuit)
        self.inputs = tuple(folded(name) for name in several(inputs))
        self._check_inputs(circuit)
        shared = learn(circuit, parameters) if parameters else None
        if trainable is None:
            trainable = () if shared else "r*"
        trainable, sources = split(circuit, trainable)
        self._shared = with_transconductances(circuit, shared, sources)
        circuit, pairs, names, self._ammeters = measured(
            circuit, [outputs] if isinstance(outputs, str) else outputs
        )
        if not pairs:
            raise UsageError("a network needs at least one output")
        self.devices = devices or Devices()
        self._selection = self._by_itself(select(circuit, trainable), trainable)
        if self.devices.wire:
            self._selection = self._with_wires()
            circuit = self._selection.circuit
        self.trainable = self._selection.names
        self._currents = _select(circuit.current_sources.names, biases, "current source")
        self._follow(circuit)
        self._bound(g_min, g_max)
        self.devices.check(self.g_min, self.g_max)
        self._noise = self.devices.generator(2)
        #: rules that have said how good they are where sources act one way
        self.told: set[str] = set()
        #: epoch and step of the run that trains it
        self.moment = 0, 0
        first = circuit.first["current_sources"]
        rows = np.array([circuit.element(n) - first for n in self._currents], dtype=np.int64)
        self._biases: Floats = circuit.current_sources.amps[rows].copy()
        self.bias_p = circuit.current_sources.p[rows]
        self.bias_q = circuit.current_sources.q[rows]
        if self._shared is not None:
            self._biases = np.concatenate((self._biases, self._shared.start))
            self._confirmed = self._theta.copy()
        _distinct(self._question_of(circuit, pairs, precision).sources)
        self._attach(circuit, pairs, names, precision)

    def _by_itself(self, chosen: Selection, wanted: Sequence[str]) -> Selection:
        """Return what learns by itself: not what follows parameters."""
        if self._shared is None:
            return chosen
        follow = self._shared.rows("resistors")
        names = set(wanted)
        for k in follow.tolist():
            if (name := chosen.circuit.resistors.names[k]) in names:
                raise UsageError(f"{name} can't learn by itself: it follows parameters that learn")
        return replace(chosen, resistors=np.setdiff1d(chosen.resistors, follow))

    def _follow(self, circuit: Circuit) -> None:
        """Work out what follows parameters."""
        shared, self._following = self._shared, None
        #: names of what learns beside conductances: current sources, then parameters
        self.bias_names = self._currents
        if shared is None:
            return
        if self.devices != Devices():
            raise UsageError("devices= are those of single resistors: parameters are numbers")
        self._following = Following(circuit, shared, self._selection)
        self.bias_names = (*self._currents, *shared.names)

    @property
    def _whole(self) -> Selection:
        """All conductances that change."""
        return self._selection if self._following is None else self._following.whole

    def _bound(self, g_min: float | None, g_max: float) -> None:
        """Set the bounds of what learns; conductances of crossbars may begin at 0."""
        selection = self._whole
        ohms = selection.circuit.resistors.ohms[selection.resistors]
        unfit = np.flatnonzero((ohms == 0) | ~np.isfinite(ohms))
        if len(unfit):
            name = selection.names[int(unfit[0])]
            raise UsageError(f"{name} can't learn: its resistance is {ohms[unfit[0]]:g}")
        self.g_max = float(g_max)
        low, high = selection.extremes()
        self.g_min = float(g_min) if g_min is not None else 1e-6 * high if low >= 0 else -self.g_max
        if not self.g_min <= self.g_max:
            raise UsageError(f"needs g_min <= g_max, not {self.g_min} and {self.g_max}")
        self._untouched = self.g_min <= low and high <= self.g_max and self._ideal
        self._untouched &= not self.devices.levels and self._shared is None
        if self._shared is not None and self._following is not None:
            self._shared = self._following.shared = self._shared.bounded(self.g_min, self.g_max)
        self._origin = self._selection.conductances
        self._parts: Callable[[], Iterator[npt.NDArray[np.float32]] | None] | None = None

    def _attach(
        self,
        circuit: Circuit,
        outputs: Sequence[tuple[str, str]],
        names: tuple[str, ...],
        precision: str,
    ) -> None:
        """Choose what solves the circuit."""
        self._question = self._question_of(circuit, outputs, precision)
        self._choice = choose(self._question)
        self._backend = self._choice.backend
        self.outputs = replace(self._backend.outputs, names=names)
        #: the circuit as a chain of layers, if it is solved as one
        self.layers: Layers | None = getattr(self._backend, "layers", None)
        if self.layers is None:
            self._warn_of_fixed_outputs()

    def _question_of(
        self, circuit: Circuit, outputs: Sequence[tuple[str, str]], precision: str
    ) -> Question:
        follow = self._following
        return Question(
            circuit, self.inputs, outputs=tuple(outputs),
            trainable=replace(self._whole, circuit=circuit),
            biases=(*self._currents, *(follow.sources if follow else ()), *self._apart),
            flows=() if follow is None else follow.flows,
            bounds=(self.g_min, self.g_max), precision=precision,
        )  # fmt: skip

    @property
    def _apart(self) -> tuple[str, ...]:
        """Ammeters whose voltage nothing else sets."""
        known = {*self.inputs, *(self._following.sources if self._following else ())}
        return tuple(name for name in self._ammeters.sources if name not in known)

    def _warn_of_fixed_outputs(self) -> None:
        """Warn of outputs that no conductance can change: their derivatives are all zero."""
        red, at = self._question.reduction, self.outputs
        given = red.ties.source < 0  # the others depend on what is elsewhere
        _, joined = components(len(red.coordinate), red.ties.p[given], red.ties.q[given])
        rigid = joined[at.p] == joined[at.q]
        for k in np.flatnonzero(rigid)[:1]:
            more = int(rigid.sum()) - 1
            warnings.warn(
                f"sources alone fix output {at.names[k]}"
                + (f" and {how_many(more, 'other')}" if more else "")
                + ": nothing that learns changes it",
                UserWarning,
                stacklevel=5,
            )

    def _check_inputs(self, circuit: Circuit) -> None:
        for name in self.inputs:
            kind = circuit.kind(circuit.element(name))
            if kind not in ("voltage source", "current source"):
                raise UsageError(f"input {name} is a {kind}, not an independent source")

    def _with_wires(self) -> Selection:
        """Return what learns, in a circuit whose wires have resistance."""
        if any(map(len, self._selection.cells)):
            raise UsageError("wires with resistance need cells that are single resistors")
        old = self._selection
        return replace(old, circuit=wired(old.circuit, old.resistors, self.devices.wire))

    # ---- parameters ----

    @cached_property
    def _g(self) -> Floats:
        # a network that is trained elsewhere in float32 never needs it, or only in float32
        g = self._origin()
        np.clip(g, self.g_min, self.g_max, out=g)
        return self.devices.settle(g, self.g_min, self.g_max)

    @property
    def own(self) -> Floats | None:
        """Conductances, S, not copied; None as long as they are those of the circuit's arrays."""
        return None if self._untouched and "_g" not in self.__dict__ else self._g

    def defer(
        self,
        conductances: Callable[[], npt.NDArray[Any]],
        parts: Callable[[], Iterator[npt.NDArray[np.float32]] | None] | None = None,
    ) -> None:
        """Set conductances (S) to the new array that a function returns once they are needed.

        Another one may yield the same in float32, some at a time, unless it returns None.
        """
        self.__dict__.pop("_g", None)
        self._untouched, self._origin, self._parts = False, conductances, parts

    @property
    def parts(self) -> Iterator[npt.NDArray[np.float32]] | None:
        """Conductances as `defer` got them, some at a time; None where they are known anyway."""
        return None if "_g" in self.__dict__ or self._parts is None else self._parts()

    @property
    def conductances(self) -> Floats:
        """Conductances in the order of `trainable`, shape (n_trainable,), S; can be set.

        Devices with levels end up on the nearest ones.
        """
        return self._g.astype(float)

    @conductances.setter
    def conductances(self, values: Any) -> None:
        g = _vector(values, len(self._selection), "conductances")
        outside = np.flatnonzero((g < self.g_min) | (g > self.g_max))
        if len(outside):
            k = int(outside[0])
            raise UsageError(
                f"the conductance {g[k]:.6g} S of {self.trainable[k]} is not "
                f"between {self.g_min:.6g} and {self.g_max:.6g} S"
            )
        self._g = self.devices.settle(g, self.g_min, self.g_max)

    @property
    def biases(self) -> Floats:
        """Currents, A, then parameters, in the order of `bias_names`, shape (n_biases,).

        Can be set.
        """
        return self._biases.copy()

    @biases.setter
    def biases(self, values: Any) -> None:
        wanted = _vector(values, len(self._biases), "biases")
        if self._shared is not None:
            theta = wanted[len(self._currents) :]
            kept = self._shared.within(self._theta, theta, self.g_min, self.g_max)
            if (bad := np.flatnonzero(kept != theta)).size:
                name = self._shared.names[bad[0]]
                raise UsageError(f"{theta[bad[0]]:.6g} of {name} is not within its bounds")
        self._set_biases(wanted)

    def _set_biases(self, values: Floats) -> None:
        """Set what learns beside conductances; maybe the problem is another one then."""
        before, self._biases = self._biases, values
        follow = self._following
        if follow is None or not follow.structural or np.array_equal(before, values):
            return
        question = self._question
        circuit = follow.shared.applied(question.circuit, self._theta)
        self.__dict__.pop("nominal_scales", None)
        self._question = self._question_of(circuit, question.outputs, question.precision)
        self._choice = choose(self._question)
        self._backend = self._choice.backend

    @property
    def _theta(self) -> Floats:
        """Values of the parameters that learn."""
        return self._biases[len(self._currents) :]

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of the deck that learn, and their values; can be set, all or some."""
        return dict(zip(self.bias_names[len(self._currents) :], self._theta.tolist(), strict=True))

    @parameters.setter
    def parameters(self, values: Mapping[str, float]) -> None:
        folded = {name.lower(): value for name, value in values.items()}
        known = self.parameters
        if strange := [name for name in folded if name not in known]:
            raise UsageError(f"{strange[0]!r} is no parameter that learns")
        theta = [folded.get(name, value) for name, value in known.items()]
        self.biases = np.concatenate((self._biases[: len(self._currents)], theta))

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """Lower and upper bounds of all that learns, in the order of `parameter_names`."""
        n, currents = len(self._selection), np.full(len(self._currents), np.inf)
        shared = self._shared
        low, high = ((), ()) if shared is None else (shared.low, shared.high)
        return (
            np.concatenate((np.full(n, self.g_min), -currents, low)),
            np.concatenate((np.full(n, self.g_max), currents, high)),
        )

    @property
    def parameter_names(self) -> Sequence[str]:
        """Names of everything that learns: conductances, then current sources and parameters."""
        if isinstance(self.trainable, tuple):
            return (*self.trainable, *self.bias_names)
        return JoinedNames((self.trainable, self.bias_names))

    @property
    def circuit(self) -> Circuit:
        """The circuit as learned so far, ready for `resnet_sim.write_netlist`."""
        circuit = self._applied
        if self._shared is not None and not np.array_equal(self._confirmed, self._theta):
            self._shared.confirm(circuit, self._theta)
            self._confirmed = self._theta.copy()
        return circuit

    @property
    def _applied(self) -> Circuit:
        """The circuit with what has been learned."""
        values = dict(zip(self._currents, self._biases.tolist(), strict=False))
        circuit = self._selection.applied(self._g).with_values(values)
        return circuit if self._shared is None else self._shared.applied(circuit, self._theta)

    def altered(self, change: Callable[[Circuit], Circuit]) -> Self:
        """Return the network with other parts around what has been learned.

        Parameters
        ----------
        change : callable
            Returns the circuit with the same nodes and resistors, and other diodes for example.
        """
        other, before = copy.copy(self), self._question
        circuit = change(self._applied)
        other._selection = replace(self._selection, circuit=circuit)
        other._follow(circuit)
        other._attach(circuit, before.outputs, self.outputs.names, before.precision)
        return other

    @property
    def one_way(self) -> tuple[str, ...]:
        """Controlled sources that act one way: with them the circuit has no co-content."""
        return tuple(n for n in self._backend.one_way if n not in self._ammeters.copies)

    @property
    def ammeters(self) -> tuple[str, ...]:
        """Voltage sources whose currents are outputs."""
        return self._ammeters.sources

    @property
    def flows(self) -> tuple[str, ...]:
        """Elements whose currents derivatives by parameters need."""
        return self._question.flows

    @property
    def batched(self) -> bool:
        """Whether samples are solved together, or one after the other."""
        return self._choice.entry.name != "one by one"

    def __repr__(self) -> str:
        title = self._selection.circuit.title
        words = [how_many(len(self.inputs), "input"), how_many(len(self.outputs.names), "output")]
        words.append(how_many(len(self._selection), "trainable conductance"))
        words += [how_many(len(self._currents), "bias", "biases")] if self._currents else []
        words += [how_many(len(self.parameters), "parameter")] if self.parameters else []
        return f"<Network{f' {title!r}' if title else ''}: {', '.join(words)}>"

    def summary(self) -> str:
        """Return what the network consists of and what solves it, in some lines.

        Examples
        --------
        >>> print(tr.Network(rs.generators.ladder(2), ["v0"], ["n2"]).summary())
        1 input: v0
        1 output: n2
        4 trainable conductances: rs0, rs1, rp0, rp1
          1 to 1 S, bounds 1e-06 and inf S
        backend: lanes (samples as lanes of vectors, each with its own set of conducting rectifiers)
        """
        g, title = self.conductances, self._selection.circuit.title
        lines = [title] if title else []
        lines += [f"{how_many(len(n), what)}: {few(n, 8)}" for n, what in (
            (self.inputs, "input"), (self.outputs.names, "output"),
            (self.trainable, "trainable conductance"),
        )]  # fmt: skip
        if len(g):
            span = f"{g.min():.4g} to {g.max():.4g} S"
            lines.append(f"  {span}, bounds {self.g_min:.4g} and {self.g_max:.4g} S")
        for found, one, some in (
            (self._currents, "bias", "biases"), (tuple(self.parameters), "parameter", "parameters"),
        ):  # fmt: skip
            lines += [f"{how_many(len(found), one, some)}: {few(found, 8)}"] if found else []
        return "\n".join([*lines, self.explain_backend().partition("\n")[0]])

    def explain_backend(self) -> str:
        """Return in words what solves the circuit, and why nothing faster does.

        Examples
        --------
        >>> b = rs.CircuitBuilder()
        >>> b.voltage_source("v1", "in", "0", 1.0)
        >>> b.resistor("r1", "in", "out", 1e3)
        >>> b.resistor("r2", "out", "0", 1e3)
        >>> print(tr.Network(b.build(), ["v1"], ["out"]).explain_backend())
        backend: lanes (samples as lanes of vectors, each with its own set of conducting rectifiers)
          not layered: 2 resistors are too few to pay, and no crossbar
          not boxes: single precision is not asked for, and elimination fills little
        """
        return str(self._choice)

    def problem(self) -> Structure:
        """Return the one convex problem that the circuit is as learned so far.

        Raises
        ------
        UsageError
            If it is none.
        """
        try:
            return analyse(self._applied, self._question.sources)
        except Unsupported as reason:
            raise UsageError(f"the circuit is not one convex problem: {reason}") from reason

    @property
    def g_weight(self) -> Floats:
        """Weight of each conductance's co-content, see `correlate`."""
        weight = self._backend.g_weight
        return weight if self._following is None else weight[self._following.own]

    # ---- files ----

    def save(self, path: str | Path) -> None:
        """Write the network to a file, with its circuit and all that it has learned.

        Examples
        --------
        >>> net = tr.Network(rs.generators.ladder(2), ["v0"], ["n2"])
        >>> net.save("ladder.network")
        >>> tr.Network.load("ladder.network").forward([[5.0]]).round(6)
        array([[1.]])
        """
        replace_file(Path(path).resolve(), pickle.dumps(self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the network that `save` wrote: the same outputs, bit by bit.

        The file is a pickle: what it says is executed.  Load none that you don't trust.

        Raises
        ------
        UsageError
            If the file can't be read or holds no network of this version.
        """
        try:
            net = pickle.loads(Path(path).read_bytes())
        except OSError as error:
            raise UsageError(f"can't read {path}: {error.strerror}") from None
        except Exception as error:  # there is none that a pickle can't raise
            raise UsageError(f"{path} is no saved network of this version: {error}") from error
        if not isinstance(net, cls):
            raise UsageError(f"{path} holds no network, but {type(net).__name__}")
        return net

    def __getstate__(self) -> dict[str, Any]:
        if self._untouched and "_g" not in self.__dict__:
            return self.__dict__
        # who has trained it may still hold the conductances: fetch them
        own = {"_g": self._g, "_parts": None, "_origin": self._selection.conductances}
        return self.__dict__ | own

    # ---- states ----

    def forward(self, X: Any) -> Floats:
        """Return the outputs, shape (B, n_outputs), V.

        Parameters
        ----------
        X : array_like, shape (B, n_inputs)
            V or A, in the order of `inputs`; a data frame whose columns are called like them
            may have any order.

        Raises
        ------
        TopologyError, ConvergenceError, UsageError
            If some sample, which the message names, has no operating point or leaves an
            output floating.
        """
        return self.free(X).outputs

    def free(self, X: Any, start: Bools | None = None) -> States:
        """Return the states of the circuit by itself; `start` is `States.on` of similar ones."""
        g = self._given(self._g if self.layers is None else self.own)
        return self._read(self._backend.solve(g, self._columns(X), start))

    def _given(self, own: Floats | None) -> Floats | None:
        """Return all conductances that change, S, for those that learn by themselves."""
        if self._following is None:
            return own
        return self._following.conductances(self._g if own is None else own, self._theta)

    def pulled(self, X: Any, near: States, stiffness: float, target: Floats) -> States:
        """Return the states with outputs joined to targets by conductances (S).

        An infinite `stiffness` clamps them.  Behind an amplifier of gain A the conductance
        is A^2 times as large.
        """
        return self._nudged(X, near, Nudge(stiffness, target=target))

    def pushed(self, X: Any, near: States, force: Floats) -> States:
        """Return the states with currents (A) fed into the outputs.

        Where an output is the current of a source, the volts of that source are raised instead.
        """
        signs = self._ammeters.signs
        if not self._ammeters.sources:
            return self._nudged(X, near, Nudge(force=force))
        if np.any(self._question.reduction.scale != 1.0):
            raise UsageError(
                f"{few(self.ammeters, 8)} may count before and behind amplifiers: only "
                "rule=Adjoint() tells how currents of sources follow conductances there"
            )
        voltages = np.where(signs.any(axis=1), 0.0, force)
        return self._nudged(X, near, Nudge(force=voltages), force @ signs)

    def _nudged(self, X: Any, near: States, nudge: Nudge, volts: Floats | None = None) -> States:
        """Return nudged states, of the copy of the circuit that is meant for them.

        `volts` are added to ammeters, shape (B, ammeters).
        """
        if volts is None and self.ammeters:
            raise UsageError(
                f"the currents of {few(self.ammeters, 8)} can't be clamped or pulled: "
                'nudge="current" or rule=Adjoint()'
            )
        columns = self._columns(X)
        if volts is not None:
            at = [self._question.sources.index(name) for name in self.ammeters]
            columns[:, at] += volts
        ideal = self.layers is not None and self._ideal and not self.devices.mismatch
        given = self._given(self.own if ideal else self.devices.copy(self._g))
        start = near.on if near.start is None else near.start
        return self._read(self._backend.nudged(given, columns, nudge, start))

    @property
    def _ideal(self) -> bool:
        """Whether the numbers of the devices say all about them."""
        return built_in(self.devices, Devices)

    def _read(self, states: States) -> States:
        """Return states with the voltages that a rule gets to see."""
        if self._ideal and not self.devices.read_noise:
            return states
        return replace(states, voltages=self.devices.read(states.voltages, self._noise))

    def correlate(self, change: Floats, level: Floats) -> tuple[Floats, Floats]:
        """Return the mean of ``change * level`` across each conductance, of `change` across biases.

        Parameters
        ----------
        change, level : ndarray, shape (B, n_nodes)
        """
        follow = self._following
        if follow is None:
            by_g, by_bias = self._backend.correlate(change, level)
            return by_g, by_bias[: len(self._currents)]
        voltages = slice(0, change.shape[1] - len(follow.flows))
        by_g, by_bias = self._backend.correlate(change[:, voltages], level[:, voltages])
        shared = follow.contrast(change, level, self._theta, self._question.reduction)
        return by_g[follow.own], np.concatenate((by_bias[: len(self._currents)], shared))

    def derivatives(self, adjoint: Floats, level: Floats) -> tuple[Floats, Floats]:
        """Return the mean derivatives by what learns, given the multipliers of KCL.

        Parameters
        ----------
        adjoint, level : ndarray, shape (B, n_nodes)
            See `States.adjoint`; voltages.
        """
        follow = self._following
        nodes = adjoint.shape[1] - (len(follow.flows) if follow else 0)
        # these multipliers know about scales already
        by_g, _ = self._backend.correlate(-adjoint[:, :nodes], level[:, :nodes])
        by_g, mean = by_g / self._backend.g_weight, adjoint.mean(axis=0)
        by_bias = mean[self.bias_q] - mean[self.bias_p]
        if follow is None:
            return by_g, by_bias
        shared = follow.derivatives(adjoint, level, self._theta)
        return by_g[follow.own], np.concatenate((by_bias, shared))

    def at_step(self, epoch: int, step: int, *shard: int) -> None:
        """Fix the random numbers of imperfect devices by the place in a run."""
        self.moment = epoch, step
        self._noise = self.devices.generator(3, epoch, step, *shard)

    def write(self, wanted: Floats) -> None:
        """Ask for conductances, S; `conductances` tells what became of it."""
        wanted = np.clip(wanted, self.g_min, self.g_max)
        self._g = self.devices.write(self._g, wanted, self.g_min, self.g_max, self._noise)

    @cached_property
    def nominal_scales(self) -> Floats:
        """Scales of nodes if amplifiers were as good as they are meant, shape (n_nodes,).

        See `resnet_sim.point.amplifiers`: co-content behind one of gain A counts 1/A^2.
        """
        whole = self._question.whole
        return nominal_scales(reduce(whole, whole.switches.closed))

    def moves(self, nodes: Ints) -> Bools:
        """Tell which nodes' voltages sources alone do not fix."""
        moved: Bools = self._question.reduction.coordinate[nodes] != 0
        return moved

    def refuse_flows(self, rule: str) -> None:
        """Raise `UsageError` where derivatives need currents that a rule does not know."""
        if self.flows:
            raise UsageError(
                f"{rule} knows voltages only, and the currents of {few(self.flows, 8)} count: "
                "use rule=Adjoint()"
            )

    def write_biases(self, wanted: Floats) -> None:
        """Set currents, and parameters as far towards what is wanted as their bounds allow."""
        wanted = np.array(wanted)
        if self._shared is not None:
            own = slice(len(self._currents), None)
            wanted[own] = self._shared.within(self._theta, wanted[own], self.g_min, self.g_max)
        self._set_biases(wanted)

    def nudged_circuit(self, x: Any, y: Any, beta: float) -> Circuit:
        """Return the circuit of one sample with its outputs nudged towards targets.

        Each output gets a switch (closed), a conductance `beta` and a source of the target's
        voltage, all in series; write it out to check it with another simulator.

        Parameters
        ----------
        x : array_like, shape (n_inputs,)
            V or A.
        y : array_like, shape (n_outputs,)
            Targets, V.
        beta : float
            S; may be negative as long as the circuit is stable, infinite to clamp.
        """
        x = _vector(x, len(self.inputs), "inputs")
        y = _vector(y, len(self.outputs.p), "targets")
        near = self.free(x[None])
        self.pulled(x[None], near, beta, y[None])  # refuses what can't be
        values = dict(zip(self.inputs, x.tolist(), strict=True))
        nudge = Nudge(beta, target=y[None])
        return nudged(self.circuit.with_values(values), self.outputs, nudge, switched=True)

    def adjoint_circuit(self, x: Any, y: Any, cost: Cost | None = None) -> Circuit:
        """Return the adjoint network of one sample: its voltages are the adjoint of the state.

        It keeps the names of nodes and resistors, and is written, exported and solved like any
        other circuit.  ``dC/dg`` of a resistor is the voltage across it there times the voltage
        across it in the free state.

        Parameters
        ----------
        x : array_like, shape (n_inputs,)
            V or A.
        y : array_like
            Target of the sample, as the cost wants it.
        cost : Cost, optional
            By default `SquaredError`.

        Raises
        ------
        UsageError
            If the circuit has elements other than resistors, sources, piecewise-linear diodes,
            capacitors and inductors.
        """
        from .adjoint_circuit import adjoint_circuit

        x = _vector(x, len(self.inputs), "inputs")
        values = dict(zip(self.inputs, x.tolist(), strict=True))
        op = solve(self.circuit.with_values(values))
        at = self.outputs
        outputs = (op.node_voltages[at.p] - op.node_voltages[at.q])[None]
        slope = (cost or SquaredError()).slope(outputs, np.asarray(y)[None])[0]
        ends = list(zip(at.p.tolist(), at.q.tolist(), strict=True))
        return adjoint_circuit(op, ends, slope)

    @property
    def only_potentials(self) -> bool:
        """Nothing but potentials against ground drives the circuit: no node leaves their range."""
        circuit = self._question.circuit
        if any(d.amplifies and len(d) for d in circuit.tables.values()):
            return False
        if len(circuit.current_sources):
            return False
        if self.layers is not None:
            held = self.layers.place < 0
        else:
            held = self._question.reduction.coordinate == 0
        return bool(held[circuit.voltage_sources.p].all())

    def check_inputs(self, x: Any, first: int = 0) -> None:
        """Raise `UsageError` for inputs that can't be; `first` is the number of the first."""
        if x.ndim != 2 or x.shape[1] != len(self.inputs):
            raise UsageError(
                f"inputs have shape {x.shape}; they need one row per sample and "
                f"{len(self.inputs)} columns ({', '.join(self.inputs[:8])})"
            )
        bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
        if len(bad):
            raise UsageError(f"sample {first + bad[0]}: an input is not finite")

    def _columns(self, X: Any) -> Floats:
        """Return what the backend wants: inputs, biases and 1 side by side."""
        x = real(by_name(X, self.inputs), "inputs")
        self.check_inputs(x)
        biases = self._biases
        if self._following is not None:
            follow = self._following.values(self._theta)
            biases = np.concatenate((biases[: len(self._currents)], follow))
        apart = [self._question.circuit.element(name) for name in self._apart]
        first = self._question.circuit.first["voltage_sources"]
        volts = self._question.circuit.voltage_sources.volts
        biases = np.concatenate((biases, [volts[k - first] for k in apart]))
        biases = np.broadcast_to(biases, (len(x), len(biases)))
        return np.concatenate((x, biases, np.ones((len(x), 1))), axis=1)


def _select(names: Sequence[str], wanted: str | Sequence[str], what: str) -> tuple[str, ...]:
    """Return the names that globs select, in the circuit's order."""
    patterns = [p.lower() for p in ([wanted] if isinstance(wanted, str) else wanted)]
    chosen: set[str] = set()
    for pattern in patterns:
        found = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
        if not found:
            raise UsageError(f"no {what} is called {pattern!r}")
        chosen.update(found)
    return tuple(name for name in names if name in chosen)


def _distinct(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"{name} is named twice among inputs and biases")
        seen.add(name)


def _vector(values: Any, n: int, what: str) -> Floats:
    vector = np.array(values, dtype=float)
    if vector.shape != (n,) or not np.isfinite(vector).all():
        raise UsageError(f"{what}: needs {n} finite numbers, not an array of {vector.shape}")
    return vector
