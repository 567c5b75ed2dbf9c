"""Generated circuits whose values follow parameters, as those of decks with ``.param`` cards do.

What follows which parameter is known here, so `training` need not find it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Ints
from ..errors import UsageError
from ..model.affine import Affine, applied
from ..model.circuit import Circuit


@dataclass(frozen=True)
class Shared:
    """What makes a circuit with other parameters: the ``rebuild`` of the circuits that it makes.

    Attributes
    ----------
    circuit : Circuit
        Without parameters.
    parameters : mapping of str to float
    parts : tuple of Affine
        What follows them, in their order.
    given : mapping of str to float
        Parameters that were set before.
    """

    circuit: Circuit
    parameters: Mapping[str, float]
    parts: tuple[Affine, ...]
    given: Mapping[str, float]

    def __call__(self, values: Mapping[str, float], draw: str | None = None) -> Circuit:
        """Return the circuit with other parameters; nothing is random, whatever is drawn."""
        given = {**self.given, **{name.lower(): float(value) for name, value in values.items()}}
        if strange := [name for name in given if name not in self.parameters]:
            raise UsageError(f"no parameter {strange[0]!r}")
        parameters = {**self.parameters, **given}
        theta = np.array(list(parameters.values()))
        if not np.isfinite(theta).all():
            raise UsageError("a parameter is not finite")
        return replace(
            applied(self.circuit, self.parts, theta),
            rebuild=replace(self, given=given), parameters=parameters, overrides=given,
        )  # fmt: skip

    def knowing(self, values: Mapping[str, float]) -> Shared:
        """Return what makes circuits in which some parameters have been set."""
        return replace(self, given={**self.given, **values})


def equal(table: str, column: str, parameter: Ints) -> Affine:
    """Return values, or conductances of resistors, each of which is a parameter; -1: is none."""
    at = np.flatnonzero(parameter >= 0)
    n = len(at)
    return Affine(
        table, column, at, table == "resistors", np.zeros(n), np.arange(n), parameter[at],
        np.ones(n),
    )  # fmt: skip


def made(circuit: Circuit, parameters: Mapping[str, float], parts: Sequence[Affine]) -> Circuit:
    """Return a circuit with parameters and what follows them."""
    return Shared(circuit, dict(parameters), tuple(p for p in parts if len(p.at)), {})({})
