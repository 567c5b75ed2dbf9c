"""What is not said follows the circuit: small and large are measured by its conductances.

A circuit of microsiemens wants another nudge and other steps than one of siemens; `Trainer` and
the command take both from here.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import numpy as np

from ..arrays import Floats
from .amounts import refuse_lost
from .network import Network
from .registry import OPTIMIZERS, RULES, Entry, Option

Thing = TypeVar("Thing")


class Usual(float):
    """An amount that nobody chose: it may be less where a circuit does not bear it."""


def typical(net: Network) -> float:
    """Return the median size of the conductances that learn, or of all if none does, S."""
    g = net.conductances
    if not len(g):
        ohms = net.circuit.resistors.ohms
        g = 1.0 / ohms[(ohms != 0) & np.isfinite(ohms)]
    if not len(g):
        return 1.0
    # as `numpy.median`, in a third of the time
    middle = (len(g) - 1) // 2, len(g) // 2
    parted = np.partition(np.abs(g), middle)
    return 0.5 * float(parted[middle[0]] + parted[middle[1]])


def value(option: Option, net: Network) -> float:
    """Return what an option is for a network where it is not given."""
    return option.share * typical(net) ** option.power


def make(entry: Entry, net: Network, **given: Any) -> Any:
    """Return a rule, cost or optimiser; what is not given, or None, follows the circuit."""
    chosen = {name: number for name, number in given.items() if number is not None}
    for name, option in entry.options.items():
        # a learning rate is worked out where the optimiser meets the network
        if option.share and name not in chosen and name != "lr":
            chosen[name] = Usual(value(option, net))
    return entry.make(**chosen)


def settled(rule: Thing, net: Network) -> Thing:
    """Return a rule whose amounts that are None follow the circuit."""
    for name, option in _open(rule, RULES).items():
        rule = copy.copy(rule)
        # rules are frozen, and this copy is nobody's yet
        object.__setattr__(rule, name, Usual(value(option, net)))
    return rule


def nudge(rule: Any, net: Network) -> float:
    """Return the `beta` of a rule, S; one that follows the circuit where it has none.

    Raises
    ------
    UsageError
        If it is lost in rounding beside the conductances of the circuit.
    """
    option = _open(rule, RULES).get("beta")
    beta: float = rule.beta if option is None else Usual(value(option, net))
    if not isinstance(beta, Usual):  # which is a share of what it would be lost in
        refuse_lost(beta, typical(net), "S")
    return beta


def rate(optimizer: object, net: Network) -> float | Floats | None:
    """Return the learning rate of an optimiser that has none, None if it has one.

    That of a parameter, which may have any unit, follows its own size.
    """
    option = _open(optimizer, OPTIMIZERS).get("lr")
    if option is None:
        return None
    usual, own = value(option, net), np.abs(list(net.parameters.values()))
    if not len(own):
        return usual
    own[own == 0] = np.median(own[own > 0]) if own.any() else typical(net)
    others = np.full(len(net.parameter_names) - len(own), usual)
    return np.concatenate((others, option.share * own**option.power))


def _open(thing: object, entries: dict[str, Entry]) -> dict[str, Option]:
    """Return the parameters with a default that a thing leaves open, by name."""
    return {
        name: option
        for entry in entries.values()
        for name, option in entry.options.items()
        if option.share and getattr(thing, name, 0.0) is None and entry.describes(thing)
    }
