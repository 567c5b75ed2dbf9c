"""The devices: one table per kind, each row a device, columns held in arrays.

A table says what its device *is*: its terminals, its parameters, and the law that its
voltage ``v = v_p - v_q`` (V) and current ``i`` (A, from ``p`` through the device to
``q``) must obey.  How a law becomes part of a problem is in `reduction`; how it is
checked afterwards is in `certificate`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np

from ..arrays import Bools, Floats, Ints


def _ints() -> Ints:
    return np.zeros(0, dtype=np.int64)


def _floats() -> Floats:
    return np.zeros(0)


def _bools() -> Bools:
    return np.zeros(0, dtype=np.bool_)


@dataclass(frozen=True)
class Table:
    """Columns common to all kinds; arrays have shape (rows,).

    Attributes
    ----------
    names : tuple of str
        Full lower-case names, such as ``x1.r1``.
    p, q : ndarray of int
        Node numbers of the first and second terminal.
    file, line : ndarray of int
        Where the card stands: index into ``Circuit.sources`` (-1: nowhere), line from 1.
    """

    kind: ClassVar[str]

    names: tuple[str, ...] = ()
    p: Ints = field(default_factory=_ints)
    q: Ints = field(default_factory=_ints)
    file: Ints = field(default_factory=_ints)
    line: Ints = field(default_factory=_ints)

    def __len__(self) -> int:
        return len(self.names)

    def __post_init__(self) -> None:
        for column in fields(self):
            value = getattr(self, column.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


@dataclass(frozen=True)
class Resistors(Table):
    """Resistor, ``i = v / ohms``.  0 ohm is an ideal short, infinity an open circuit.

    ::

        p o--/\\/\\/\\--o q

    Content and co-content are both ``v**2 / (2 ohms)``; a negative value makes the
    co-content concave.
    """

    kind: ClassVar[str] = "resistor"
    ohms: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class Capacitors(Table):
    """Capacitor: open at DC, ``i = 0``.

    ::

        p o--| |--o q
    """

    kind: ClassVar[str] = "capacitor"
    farads: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class Inductors(Table):
    """Inductor: an ideal short at DC, ``v = 0``.

    ::

        p o--uuuu--o q
    """

    kind: ClassVar[str] = "inductor"
    henries: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class VoltageSources(Table):
    """Ideal voltage source, ``v = volts``; delivers power when its current is negative.

    ::

        p o--(+ -)--o q
    """

    kind: ClassVar[str] = "voltage source"
    volts: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class CurrentSources(Table):
    """Ideal current source, ``i = amps`` flowing from p through the source to q.

    ::

        p o--(->)--o q

    Co-content ``amps * v``.
    """

    kind: ClassVar[str] = "current source"
    amps: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class Diodes(Table):
    """Piecewise-linear diode with anode p and cathode q.

    ::

        p o--|>|--o q            i |      / 1/r_on
                                   |     /
                        -v_reverse |____/_____ v      (slope 1/r_off between the knees)
                             ------'    v_forward
               1/r_reverse  /

    With ``r_on = 0`` and ``r_off = inf``: ``i >= 0``, ``v <= v_forward`` and
    ``i (v - v_forward) = 0``.  In general the current is ``v / r_off`` between the knees
    ``-v_reverse`` and ``v_forward``, and continues beyond them with slope ``1 / r_on``
    and ``1 / r_reverse`` (LTspice's law).  ``v_reverse = inf``: no breakdown.
    Requires ``r_on <= r_off``, ``r_reverse <= r_off`` and ``-v_reverse <= v_forward``.
    """

    kind: ClassVar[str] = "diode"
    v_forward: Floats = field(default_factory=_floats)
    r_on: Floats = field(default_factory=_floats)
    r_off: Floats = field(default_factory=_floats)
    v_reverse: Floats = field(default_factory=_floats)
    r_reverse: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class Switches(Table):
    """Switch, ``v = r_on i`` when closed and ``i = v / r_off`` when open.

    ::

        p o---/ ---o q     control: v(cp) - v(cn), or the current of element `ce`

    Closed when the control exceeds ``threshold + hysteresis``, open when it is below
    ``threshold - hysteresis``; in between, and on the limits, it keeps its state, except
    that without hysteresis a control equal to the threshold closes it.

    Attributes
    ----------
    cp, cn : ndarray of int
        Controlling nodes; -1 where a current controls.
    ce : ndarray of int
        Element number (see `Circuit`) whose current controls; -1 where a voltage does.
    threshold, hysteresis : ndarray of float
        In V or A.
    closed : ndarray of bool
        State to start from.
    fixed : ndarray of bool
        The state is what `closed` says, whatever the control (`Circuit.with_switches`).
    """

    kind: ClassVar[str] = "switch"
    r_on: Floats = field(default_factory=_floats)
    r_off: Floats = field(default_factory=_floats)
    cp: Ints = field(default_factory=_ints)
    cn: Ints = field(default_factory=_ints)
    ce: Ints = field(default_factory=_ints)
    threshold: Floats = field(default_factory=_floats)
    hysteresis: Floats = field(default_factory=_floats)
    closed: Bools = field(default_factory=_bools)
    fixed: Bools = field(default_factory=_bools)


@dataclass(frozen=True)
class ControlledSources(Table):
    """Linear controlled source (E, F, G, H and affine B): its voltage or current is

        ``constant + sum_k gain_k * (voltage of a node, or current of an element)``.

    ::

        p o--< + - >--o q       is_voltage: v is set       (E, H, B V=)
        p o--<  -> >--o q       otherwise:  i is set       (G, F, B I=)

    Attributes
    ----------
    is_voltage : ndarray of bool, shape (rows,)
    constant : ndarray of float, shape (rows,)
        V or A.
    ptr : ndarray of int, shape (rows + 1,)
        Terms of row k are ``ptr[k]:ptr[k+1]`` of the following three.
    of_current : ndarray of bool, shape (terms,)
    index : ndarray of int, shape (terms,)
        Node number, or element number where `of_current`.
    gain : ndarray of float, shape (terms,)
    """

    kind: ClassVar[str] = "controlled source"
    is_voltage: Bools = field(default_factory=_bools)
    constant: Floats = field(default_factory=_floats)
    ptr: Ints = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    of_current: Bools = field(default_factory=_bools)
    index: Ints = field(default_factory=_ints)
    gain: Floats = field(default_factory=_floats)
