"""Laws of devices of several terminals: currents that are functions of all voltages.

The functions are written so that they take complex voltages: an imaginary step of 1e-100 gives
derivatives without cancellation (Squire and Trapp, SIAM Review 40, 1998).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from ..arrays import Floats
from ..model.circuit import Circuit
from ..model.devices.multipole import Multipole
from .check import EPS, ROUNDINGS, Check
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

T = TypeVar("T", bound=Multipole)

STEP = 1e-100
#: elementary charge over Boltzmann's constant, K/V; zero Celsius, K
KELVIN_PER_VOLT, ZERO = 1.6021766208e-19 / 1.38064852e-23, 273.15
#: Newton steps for the voltages behind resistances
STEPS = 300
#: V; a foreign voltage is not known better than this share of what moves a current e times
THERMAL = 0.0258


def real(values: Any) -> Any:
    """Return the real part, by which a branch of a formula is chosen."""
    return np.real(values)


def junction(v: Any, amps: Any, volts: Any) -> Any:
    """Return the current of a junction; far below zero by ngspice's cube."""
    back = real(v) < -3.0 * real(volts)
    inner = np.where(back, -1.0, v)
    safe = np.where(real(inner) / real(volts) > 700.0, 700.0 * volts, inner)
    share = 3.0 * volts / (math.e * np.where(back, v, -1.0))
    cube = share * share * share  # a power takes as long as all else
    return amps * np.where(back, -1.0 - cube, np.exp(safe / volts) - 1.0)


def kelvin(given: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the temperatures of the devices, and those that their parameters are of, K."""
    return given["temp"] + ZERO, given["tnom"] + ZERO


def beside(parts: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Return what belongs to the terminals, one after the other along a last axis."""
    return np.stack([np.broadcast_to(part, shape) for part in parts], axis=-1)


class MultipoleLaw(Law[T]):
    """``i = f(v - r i)`` at each terminal, with the resistances r of the terminals.

    Arrays have shape (..., devices, terminals), the last of which is the reference.
    """

    curved = True
    #: parameters whose influence is told even where they are the usual
    main: ClassVar[tuple[str, ...]] = ()
    #: parameters that are no quantities
    marks: ClassVar[frozenset[str]] = frozenset(
        {"polarity", "subs", "tlev", "gmin", "tnom", "temp"}
    )

    def __init__(self, circuit: Circuit) -> None:
        super().__init__(circuit)
        self.given = {key: self.table.parameter(key) for key in self.table.defaults}

    @cached_property
    def p(self) -> Mapping[str, Any]:
        """What the law consists of."""
        return self.prepared(self.given)

    def prepared(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the law consists of: parameters at the temperature of each device."""
        raise NotImplementedError

    def currents(self, v: Any, p: Mapping[str, Any]) -> Any:
        """Return what flows into the terminals at the voltages behind their resistances."""
        raise NotImplementedError

    def resistances(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return the resistance of each terminal, ohm, at voltages and currents behind it."""
        raise NotImplementedError

    # ---- voltages and currents of the elements ----

    def terminals(self, voltages: Floats) -> Floats:
        """Return the voltages of the terminals."""
        table = self.table
        return np.stack([voltages[..., table.ends(letter)] for letter in table.terminals], axis=-1)

    def all_currents(self, i: Any) -> Any:
        """Return the currents of all terminals from those of the elements."""
        into = i.reshape(*i.shape[:-1], -1, self.table.width)
        return np.concatenate([into, -into.sum(axis=-1, keepdims=True)], axis=-1)

    def behind(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return the voltages behind the resistances through which currents flow."""
        return v - self.resistances(v, i, p) * i

    def image(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return the currents that the law has for what flows."""
        return self.currents(self.behind(v, i, p), p)

    def slopes(self, v: Any, p: Mapping[str, Any]) -> Floats:
        """Return the derivatives by the voltages behind, shape (..., terminals, terminals)."""
        units = STEP * 1j * np.eye(v.shape[-1])
        columns = [np.imag(self.currents(v + unit, p)) / STEP for unit in units]
        return np.stack(columns, axis=-1)

    # ---- what is asked of laws ----

    def certify(self, check: Check) -> None:
        """Judge the currents by the law, and what rounding of the voltages explains."""
        v, i, open_ = self._looked_at(check)
        found = self.image(v, i, self.p)
        error = np.abs(found - i)[..., :-1].reshape(len(i), -1)
        size = np.abs(i)[..., :-1].reshape(len(i), -1)
        open_ = open_ + ROUNDINGS * EPS * np.repeat(
            np.abs(i).max(axis=-1), self.table.width, axis=-1
        )
        check.linear(self.table.names, f"{self.table.kind} (A)", error, size, open_)

    def openness(self, check: Check) -> Floats:
        """The slopes times what is open in the voltages."""
        return self._looked_at(check)[2]

    def _looked_at(self, check: Check) -> tuple[Floats, Floats, Floats]:
        """Return voltages and currents of the terminals, and what is open in the elements'."""
        name = self.device.plural
        if name not in check.known:
            check.known[name] = self._look(check)
        found: tuple[Floats, Floats, Floats] = check.known[name]
        return found

    def _look(self, check: Check) -> tuple[Floats, Floats, Floats]:
        i = self.all_currents(check.i[:, self.rows])
        v = self.terminals(check.v)
        slopes = np.abs(self.slopes(self.behind(v, i, self.p), self.p))
        blur = self.terminals(check.node_blur)
        open_ = (slopes @ blur[..., None])[..., 0] + self.loose(v, i) * blur
        return v, i, np.asarray(open_[..., :-1].reshape(len(i), -1))

    def loose(self, v: Floats, i: Floats) -> Floats | float:
        """Return the conductances through which rounding of voltages moves currents besides."""
        return 0.0

    def judge(self, judged: Judged) -> None:
        """The voltages give the currents; those behind resistances are found first."""
        v = self.terminals(judged.v)
        i = self._flowing(v)
        slopes = np.abs(self.slopes(self.behind(v, i, self.p), self.p)).sum(axis=-1)
        judged.known[self.rows] = i[:, :-1].ravel()
        judged.size[self.rows] = (np.abs(i) + THERMAL * slopes)[:, :-1].ravel()

    def _flowing(self, v: Floats) -> Floats:
        """Return the currents at given voltages of the terminals, by Newton's method."""
        u = v.copy()
        eye = np.eye(v.shape[-1])
        for _ in range(STEPS):
            i, slopes = self.currents(u, self.p), self.slopes(u, self.p)
            ohms = self.resistances(u, i, self.p)
            off = u + ohms * i - v
            step = np.linalg.solve(eye + ohms[..., None] * slopes, off[..., None])[..., 0]
            u = u - np.clip(step, -1.0, 1.0)
            if np.abs(step).max(initial=0.0) <= 1e-14 * (1.0 + np.abs(v).max(initial=0.0)):
                break
        return np.asarray(self.currents(u, self.p))

    def derive(self, at: Influence) -> None:
        """By each parameter that is not the usual."""
        table, given, count = self.table, self.given, len(self.given["m"])
        v, i = self.terminals(at.v), self.all_currents(at.i[self.rows])
        push = at.by_amps[self.rows].reshape(count, -1)
        units = STEP * 1j * np.eye(i.shape[-1])
        by_i = [np.imag(self.image(v, i + unit, self.p)) / STEP for unit in units]
        matrix = np.eye(i.shape[-1]) - np.stack(by_i, axis=-1)
        for key, usual in table.defaults.items():
            if key in self.marks:
                continue
            shown = (given[key] != usual) | (key in self.main) | (key == table.value)
            if not shown.any():
                continue
            moved = self.image(v, i, self.prepared({**given, key: given[key] + STEP * 1j}))
            change = np.linalg.solve(matrix, np.imag(moved)[..., None] / STEP)[..., :-1, 0]
            slope = (push * change).sum(axis=-1)
            for k in np.flatnonzero(shown).tolist():
                name = table.names[k * table.width]
                own = name if key == table.value else f"{name}:{key}"
                at.note(own, given[key][k], slope[k])
