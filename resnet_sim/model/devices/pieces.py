"""What devices consist of, with the switches in given states."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...arrays import Bools, Floats, Ints, repeated
from ...curves import Curve
from .characteristic import Characteristic


class Pieces:
    """Collects the pieces of devices: ties, conductors, rectifiers, injections, curves, laws.

    `element` holds element numbers, p and q nodes; all arrays have shape (pieces,).  The
    current of a piece counts `sign` times into that of its element.  `source` is the row of the
    control that adds to its volts or amps.

    Attributes
    ----------
    closed : ndarray of bool, shape (n_switches,)
    nodes : int
        Nodes so far, those within devices come last.
    ties, conductors, rectifiers, injections, curves : list of tuple
        Element, p, q, sign, volts or the like, and source or ohms.
    controls : list of tuple
        Element, number of terms, rest, and of each term: of a current?, index, gain.
    laws : list of tuple
        Element, p, q, sign, each of shape (devices, branches), and a `Characteristic`.
    """

    def __init__(self, nodes: int, closed: Bools) -> None:
        self.nodes, self.closed = nodes, closed
        self.ties: list[tuple[Any, ...]] = []
        self.conductors: list[tuple[Any, ...]] = []
        self.rectifiers: list[tuple[Any, ...]] = []
        self.injections: list[tuple[Any, ...]] = []
        self.controls: list[tuple[Any, ...]] = []
        self._n_controls = 0
        self.curves: list[tuple[Any, ...]] = []
        self.laws: list[tuple[Any, ...]] = []

    def tie(self, element: Ints, p: Ints, q: Ints, volts: Floats, source: Ints | int = -1) -> None:
        """Add ``v = volts``."""
        _add(self.ties, element, p, q, 1.0, volts, source)

    def conductor(
        self, element: Ints, p: Ints, q: Ints, siemens: Floats, sign: float = 1.0
    ) -> None:
        """Add ``i = siemens v``."""
        _add(self.conductors, element, p, q, sign, siemens)

    def resistance(self, element: Ints, p: Ints, q: Ints, ohms: Floats) -> None:
        """Add ``v = ohms i``: a tie, a conductor, or nothing where that is infinite."""
        short = ohms == 0
        some = ~short & np.isfinite(ohms)
        if some.all():
            self.conductor(element, p, q, 1.0 / ohms)
            return
        self.tie(element[short], p[short], q[short], np.zeros(int(short.sum())))
        self.conductor(element[some], p[some], q[some], 1.0 / ohms[some])

    def rectifier(
        self, element: Ints, p: Ints, q: Ints, drop: Floats, ohms: Floats, sign: float = 1.0
    ) -> None:
        """Add ``i >= 0``, ``v - ohms i <= drop``, complementary."""
        _add(self.rectifiers, element, p, q, sign, drop, ohms)

    def injection(
        self, element: Ints, p: Ints, q: Ints, amps: Floats,
        source: Ints | int = -1, sign: float = 1.0,
    ) -> None:  # fmt: skip
        """Add ``i = amps``."""
        _add(self.injections, element, p, q, sign, amps, source)

    def control(
        self,
        element: Ints,
        count: Ints,
        of_current: Bools,
        index: Ints,
        gain: Floats,
        rest: float = math.nan,
    ) -> Ints:
        """Add sums of voltages and currents, each for one tie or injection; return their rows.

        `count` terms each, whose `index` is the number of a node, or of an element that is a
        tie where it is `of_current`.  `rest` is the voltage of the node that is fed by nothing
        else, where a current of zero leaves that open.
        """
        self.controls.append((element, count, np.full(len(element), rest), of_current, index, gain))
        self._n_controls += len(element)
        return self._n_controls - len(element) + np.arange(len(element))

    def curve(self, element: Ints, p: Ints, q: Ints, law: Curve) -> None:
        """Add ``i = f(v)`` with increasing f; `law` has a row for each element."""
        if len(element):
            self.curves.append((element, p, q, np.ones(len(element)), law))

    def law(
        self, element: Ints, p: Ints, q: Ints, sign: Floats, characteristic: Characteristic
    ) -> None:
        """Add currents that are functions of voltages, of devices with several branches each."""
        self.laws.append((element, p, q, np.broadcast_to(sign, p.shape), characteristic))

    def inner(self, count: int) -> Ints:
        """Return the numbers of new nodes within devices, which nobody outside sees."""
        self.nodes += count
        return self.nodes - count + np.arange(count)


def _add(pieces: list[tuple[Any, ...]], element: Ints, *columns: Any) -> None:
    if count := len(element):
        rows = (c if isinstance(c, np.ndarray) else repeated(c, count) for c in columns)
        pieces.append((element, *rows))
