"""What a circuit has learned: values of all that learns, within bounds, and files of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..arrays import Floats
from ..errors import UsageError
from ..many.backend import choose
from ..many.structure import Structure, Unsupported, analyse
from ..model.circuit import Circuit
from ..model.devices.crossbar import JoinedNames
from ..model.names import real
from ..workers.atomic_file import replace_file
from .amounts import vector
from .named import by_name
from .roles import Roles


class Learned(Roles):
    """Conductances, currents and parameters that change, and the circuit that they make."""

    def _begin(self, circuit: Circuit) -> None:
        """Take the values that the circuit has."""
        self._origin = self._selection.conductances
        self._parts: Callable[[], Iterator[npt.NDArray[np.float32]] | None] | None = None
        #: what random numbers of devices depend on
        self._place: tuple[int, ...] = (2,)
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
        g = vector(values, len(self._selection), "conductances")
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
        wanted = vector(values, len(self._biases), "biases")
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

    def _given(self, own: Floats | None) -> Floats | None:
        """Return what the backend wants of all that change, S, for those that learn themselves."""
        if self._following is None:
            return own
        values = self._following.conductances(self._g if own is None else own, self._theta)
        return self._backend.given(values)

    def _columns(self, X: Any) -> Any:
        """Return what the backend wants: inputs, biases and 1."""
        x = real(by_name(X, self.inputs), "inputs")
        self.check_inputs(x)
        if not len(x):
            raise UsageError("there are no samples: inputs have a row for each")
        biases = self._biases
        if self._following is not None:
            follow = self._following.values(self._theta)
            biases = np.concatenate((biases[: len(self._currents)], follow))
        common = np.concatenate((biases, *(self._volts(name) for name in self._apart), (1.0,)))
        return self._backend.columns(x, common)

    def _volts(self, source: str) -> Floats:
        circuit = self._question.circuit
        row = circuit.element(source) - circuit.first["voltage_sources"]
        return circuit.voltage_sources.volts[row : row + 1]

    def at_step(self, epoch: int, step: int, *shard: int) -> None:
        """Fix the random numbers of imperfect devices by the place in a run."""
        self.moment, self._place = (epoch, step), (3, epoch, step, *shard)
        self.__dict__.pop("_noise", None)

    @cached_property
    def _noise(self) -> np.random.Generator:
        # few devices are noisy
        return self.devices.generator(*self._place)

    def write(self, wanted: Floats) -> None:
        """Ask for conductances, S; `conductances` tells what became of it."""
        wanted = np.clip(wanted, self.g_min, self.g_max)
        if self._ideal and self.devices.exact:
            self._g = wanted
        else:
            self._g = self.devices.write(self._g, wanted, self.g_min, self.g_max, self._noise)

    def write_biases(self, wanted: Floats) -> None:
        """Set currents, and parameters as far towards what is wanted as their bounds allow."""
        wanted = np.array(wanted)
        if self._shared is not None:
            own = slice(len(self._currents), None)
            wanted[own] = self._shared.within(self._theta, wanted[own], self.g_min, self.g_max)
        self._set_biases(wanted)

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
