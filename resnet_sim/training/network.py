"""A circuit seen as something that learns: inputs, outputs, and conductances that change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..analyses.given import Given, as_circuit, spelled
from ..arrays import Bools, Floats
from ..errors import UsageError
from ..many.nudges import nudged
from ..many.states import Nudge, States, apart
from ..model.circuit import Circuit
from ..model.display import few, how_many
from .amounts import vector
from .costs import Cost
from .imperfections import Devices
from .learned import Learned
from .roles import Output
from .shared import Wanted


class Network(Learned):
    """A trainable circuit.

    Parameters
    ----------
    circuit : Circuit
        Any circuit.  Its structure is analysed once; only values change afterwards.
    inputs : sequence of str
        Independent sources that are set for each sample, V or A.
    outputs : sequence of str or (str, str)
        Nodes whose voltages are the outputs; a pair stands for the difference of two, as
        ``v(a,b)`` does.
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
        if devices is not None and not isinstance(devices, Devices):
            raise UsageError(f"devices are a tr.Devices(...), not {type(devices).__name__}")
        self.devices = devices or Devices()
        circuit, pairs, names = self._cast(
            as_circuit(circuit), inputs, outputs, trainable, biases, parameters
        )
        self._bound(g_min, g_max)
        self._begin(circuit)
        #: rules that have said how good they are where sources act one way
        self.told: set[str] = set()
        self._attach(circuit, pairs, names, precision)

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

    # ---- states ----

    def forward(self, X: Any) -> Floats:
        """Return the outputs, shape (B, n_outputs), V.

        Parameters
        ----------
        X : array_like, shape (B, n_inputs)
            V or A, in the order of `inputs`; a data frame, or a dict of columns, which are called
            like them may have any order.

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

    @property
    def takes_on(self) -> bool:
        """Whether `States.on` makes it faster to find similar states."""
        return self._backend.takes_on

    def pulled(self, X: Any, near: States, stiffness: float, target: Floats) -> States:
        """Return the states with outputs joined to targets by conductances (S).

        An infinite `stiffness` clamps them.  Behind an amplifier of gain A the conductance
        is A^2 times as large.
        """
        return self._nudged(X, near, Nudge(float(stiffness), target=target))

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
                'EquilibriumPropagation(nudge="current") or rule=Adjoint()'
            )
        columns = self._columns(X)
        if volts is not None:
            columns = np.array(columns)
            at = [self._question.sources.index(name) for name in self.ammeters]
            columns[:, at] += volts
        ideal = self.layers is not None and self._ideal and not self.devices.mismatch
        given = self._given(self.own if ideal else self.devices.copy(self._g))
        start = near.on if near.start is None else near.start
        return self._read(self._backend.nudged(given, columns, nudge, start))

    def _read(self, states: States) -> States:
        """Return states with the voltages that a rule gets to see."""
        if self._ideal and not self.devices.read_noise:
            return states
        return replace(states, found=self.devices.read(states.voltages, self._noise))

    @property
    def g_weight(self) -> Floats:
        """Weight of each conductance's co-content, see `correlate`."""
        weight = self._backend.g_weight
        return weight if self._following is None else weight[self._following.own]

    def contrast(self, first: States, second: States, width: float) -> tuple[Floats, Floats]:
        """Return ``[1/2 dv(second)^2 - 1/2 dv(first)^2] / width``, and the like for biases.

        Parameters
        ----------
        first, second : States
            At the same inputs.
        width : float
            By how much their nudges differ.
        """
        follow, seen = self._following, not self._ideal or self.devices.read_noise
        if seen or (follow is not None and follow.fields):
            return self.correlate(*apart(first, second, width))
        by_g, by_bias = self._backend.contrast(first, second, float(width))
        currents = by_bias[: len(self._currents)]
        if follow is None:
            return by_g, currents
        own, theirs = np.split(by_g, [len(self.trainable)])
        shared = follow.gathered(theirs, by_bias[len(currents) :], self._theta)
        return own, np.concatenate((currents, shared))

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
        red = self._question.reduction
        own, theirs = np.split(follow.ties.total(by_g), [len(self.trainable)])
        shared = follow.contrast(change, level, self._theta, red, theirs)
        return own, np.concatenate((by_bias[: len(self._currents)], shared))

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
        by_g, _ = self._backend.correlate(adjoint[:, :nodes], level[:, :nodes])
        by_g = -by_g / self._backend.g_weight
        into, out = (adjoint[:, end].mean(axis=0) for end in (self.bias_q, self.bias_p))
        by_bias = into - out
        if follow is None:
            return by_g, by_bias
        own, theirs = np.split(follow.ties.total(by_g), [len(self.trainable)])
        shared = follow.derivatives(adjoint, level, self._theta, theirs)
        return own, np.concatenate((by_bias, shared))

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
        x = vector(x, len(self.inputs), "inputs")
        y = vector(y, len(self.outputs.p), "targets")
        near = self.free(x[None])
        self.pulled(x[None], near, beta, y[None])  # refuses what can't be
        values = dict(zip(self.inputs, x.tolist(), strict=True))
        nudge = Nudge(beta, target=y[None])
        return nudged(self.circuit.with_values(values), self.outputs, nudge, switched=True)

    def adjoint_circuit(self, x: Any, y: Any, cost: Cost | str | None = None) -> Circuit:
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
        cost : Cost or str, optional
            By default `SquaredError`; or a name of `COSTS`.
        """
        from ..point.engine import PointSolver
        from .adjoint_circuit import adjoint_circuit
        from .registry import cost_of

        x = vector(x, len(self.inputs), "inputs")
        free, circuit = self.free(x[None]), self.circuit
        circuit = circuit.with_values(dict(zip(self.inputs, x.tolist(), strict=True)))
        start = free.voltages[0, : len(circuit.nodes)]
        state = PointSolver(circuit, "auto", self._question.tolerance, start).solve(circuit).state
        slope = cost_of(cost).slope(free.outputs, np.asarray(y)[None])[0]
        ends = list(zip(self.outputs.p.tolist(), self.outputs.q.tolist(), strict=True))
        return adjoint_circuit(state, ends, slope)
