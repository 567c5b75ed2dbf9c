"""What plays which part in a circuit that learns, and what solves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..graph.graphs import components
from ..many.backend import Question, choose
from ..many.layered.structure import Layers
from ..many.trainable import Selection, select
from ..model.circuit import Circuit
from ..model.display import few, how_many
from ..model.names import folded, one, selected, several
from ..point.amplifiers import measured_scales, nominal_scales
from ..point.certified import nodeset
from ..point.reduction import reduce
from .ammeters import measured
from .costs import built_in
from .following import Following
from .imperfections import Devices, wired
from .shared import Wanted, learn
from .transconductances import split, with_transconductances
from .warned import warn

Output = str | tuple[str, str]


class Roles:
    """Inputs, outputs, what learns and its bounds, and the backend that solves such a circuit.

    What it has learned is kept by `resnet_sim.training.learned`.
    """

    devices: Devices

    def _cast(
        self,
        circuit: Circuit,
        inputs: Sequence[str],
        outputs: Sequence[Output],
        trainable: str | Sequence[str] | None,
        biases: str | Sequence[str],
        parameters: Wanted,
    ) -> tuple[Circuit, list[tuple[str, str]], tuple[str, ...]]:
        """Say who plays what.

        Returns
        -------
        circuit : Circuit
            With the ammeters that outputs need, and with wires if they have resistance.
        pairs : list of (str, str)
            Nodes whose differences are the outputs.
        names : tuple of str
            What the outputs are called.
        """
        self.inputs = tuple(folded(name) for name in several(inputs, "inputs"))
        self._check_inputs(circuit)
        if not isinstance(parameters, Mapping):
            parameters = several(parameters, "parameters")
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
        self._selection = self._by_itself(select(circuit, trainable), trainable)
        if self.devices.wire:
            self._selection = self._with_wires()
            circuit = self._selection.circuit
        self.trainable = self._selection.names
        self._currents = selected(circuit.current_sources.names, biases, "current source")
        self._follow(circuit)
        return circuit, pairs, names

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
        self.g_max = one("g_max", g_max)
        low, high = selection.extremes()
        least = 1e-6 * high if low >= 0 else -self.g_max
        self.g_min = least if g_min is None else one("g_min", g_min)
        if not self.g_min <= self.g_max:
            raise UsageError(f"needs g_min <= g_max, not {self.g_min} and {self.g_max}")
        self.devices.check(self.g_min, self.g_max)
        self._untouched = self.g_min <= low and high <= self.g_max and self._ideal
        self._untouched &= not (self.devices.levels or self.devices.part) and self._shared is None
        if self._shared is not None and self._following is not None:
            self._shared = self._following.shared = self._shared.bounded(self.g_min, self.g_max)

    def _attach(
        self,
        circuit: Circuit,
        outputs: Sequence[tuple[str, str]],
        names: tuple[str, ...],
        precision: str,
    ) -> None:
        """Choose what solves the circuit."""
        self._question = self._question_of(circuit, outputs, precision)
        _distinct(self._question.sources)
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
            ties=None if follow is None else follow.ties,
            biases=(*self._currents, *(follow.sources if follow else ()), *self._apart),
            flows=() if follow is None else follow.flows,
            bounds=(self.g_min, self.g_max), precision=precision, start=nodeset(circuit, None),
        )  # fmt: skip

    @property
    def _apart(self) -> tuple[str, ...]:
        """Ammeters whose voltage nothing else sets."""
        if not self._ammeters.sources:
            return ()
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
            warn(
                f"sources alone fix output {at.names[k]}"
                + (f" and {how_many(more, 'other')}" if more else "")
                + ": nothing that learns changes it",
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

    @property
    def _ideal(self) -> bool:
        """Whether the numbers of the devices say all about them."""
        return built_in(self.devices, Devices)

    @cached_property
    def nominal_scales(self) -> Floats:
        """Scales of nodes if amplifiers were as good as they are meant, shape (n_nodes,).

        See `resnet_sim.point.amplifiers`: co-content behind one of gain A counts 1/A^2.
        """
        whole = self._question.whole
        return nominal_scales(reduce(whole, whole.switches.closed))

    @property
    def measured_scales(self) -> Floats:
        """The same for amplifiers as they are, forth and back."""
        whole = self._question.whole
        return measured_scales(reduce(whole, whole.switches.closed))

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

    @property
    def only_potentials(self) -> bool:
        """Nothing but potentials against ground drives the circuit: no node leaves their range."""
        circuit = self._question.circuit
        if any(device.amplifies for device in circuit.present.values()):
            return False
        if len(circuit.current_sources) or self._question.signed:
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
                f"{how_many(len(self.inputs), 'column')} ({few(self.inputs)})"
            )
        finite = np.isfinite(x)
        if not finite.all():
            bad = first + int(finite.all(axis=1).argmin())
            raise UsageError(f"sample {bad}: an input is not finite")


def _distinct(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"{name} is named twice among inputs and biases")
        seen.add(name)
