"""How an output depends on the elements of a circuit that is linear in its present state.

Two numbers say all about an element: how the output moves with a current source in parallel
to it, and with a voltage source in series.  Its law then says what its values do; how it is
made of pieces does not matter (Director and Rohrer 1969).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..arrays import Bools, Floats
from ..model.circuit import Circuit


@dataclass
class Influence:
    """What moves an output, and the derivatives that follow.

    Attributes
    ----------
    v, i : ndarray, shapes (n_nodes,) and (n_elements,)
        Solution, V and A.
    closed : ndarray of bool, shape (n_switches,)
    drop : ndarray, shape (n_elements,)
        Voltages across the elements, V.
    by_amps : ndarray, shape (n_elements,)
        Change of the output per amp that flows from p to q in addition, through the element.
    by_volts : ndarray, shape (n_elements,)
        Change of the output per volt in series with an element that fixes its voltage now;
        0 for the others.
    derivatives, values : dict of str to float
        What has been noted so far.
    """

    circuit: Circuit
    v: Floats
    i: Floats
    closed: Bools
    drop: Floats
    by_amps: Floats
    by_volts: Floats
    derivatives: dict[str, float] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, value: float, derivative: float) -> None:
        """Note the derivative by a value of an element."""
        self.values[name], self.derivatives[name] = float(value), float(derivative) + 0.0
