"""What is not said follows the circuit: small and large are measured by its conductances.

A circuit of microsiemens wants another nudge and other steps than one of siemens; `Trainer` and
the command take both from here.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import numpy as np

from .network import Network
from .registry import OPTIMIZERS, RULES, Entry, Option

Thing = TypeVar("Thing")


def typical(net: Network) -> float:
    """Return the median size of the conductances, S."""
    return float(np.median(np.abs(net.conductances)))


def value(option: Option, net: Network) -> float:
    """Return what an option is for a network where it is not given."""
    return option.share * typical(net) ** option.power


def make(entry: Entry, net: Network, **given: Any) -> Any:
    """Return a rule, cost or optimiser; what is not given, or None, follows the circuit."""
    chosen = {name: number for name, number in given.items() if number is not None}
    for name, option in entry.options.items():
        if option.share and name not in chosen:
            chosen[name] = value(option, net)
    return entry.make(**chosen)


def settled(rule: Thing, net: Network) -> Thing:
    """Return a rule whose amounts that are None follow the circuit."""
    for name, option in _open(rule, RULES).items():
        rule = copy.copy(rule)
        # rules are frozen, and this copy is nobody's yet
        object.__setattr__(rule, name, value(option, net))
    return rule


def rate(optimizer: object, net: Network) -> float | None:
    """Return the learning rate of an optimiser that has none, None if it has one."""
    option = _open(optimizer, OPTIMIZERS).get("lr")
    return None if option is None else value(option, net)


def _open(thing: object, entries: dict[str, Entry]) -> dict[str, Option]:
    """Return the parameters with a default that a thing leaves open, by name."""
    return {
        name: option
        for entry in entries.values()
        for name, option in entry.options.items()
        if option.share and getattr(thing, name, 0.0) is None and entry.describes(thing)
    }
