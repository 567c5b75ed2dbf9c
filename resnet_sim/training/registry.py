"""Rules, costs and optimisers by name: what the command offers, documents list and tests drive.

No numpy is imported before one is made: ``--help`` must not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from ..errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Option:
    """A parameter that the command line offers: a number, or a word of `choices`.

    Attributes
    ----------
    help : str
    choices : tuple of str
    zero : bool
        Whether the number may be zero or negative.
    share : float
        What it is where it is not given, in units of the median conductance to the `power`
        (`defaults`); 0: what the class says.
    power : int

    Examples
    --------
    >>> tr.RULES["ep"].options["beta"]
    Option(help='nudge, S', choices=(), zero=False, share=0.001, power=1)
    """

    help: str
    choices: tuple[str, ...] = ()
    zero: bool = False
    share: float = 0.0
    power: int = 1


@dataclass(frozen=True)
class Entry:
    """A rule, cost or optimiser.

    Attributes
    ----------
    kind : callable or str
        The class, or where it is: ``"package.module:Class"``.
    description : str
    promise : str
        Of rules: how they stand to the exact gradient.
    classes : bool
        Of costs: whether targets have to be class numbers.
    options : mapping of str to Option
        By the name of the parameter.  Entries that share a name share the option.

    Examples
    --------
    >>> class Steady(tr.Momentum):
    ...     def __init__(self, lr=0.01, momentum=0.99, schedule=None):
    ...         super().__init__(lr, momentum, schedule)
    >>> tr.OPTIMIZERS["steady"] = tr.Entry(Steady, "momentum that lasts")
    >>> tr.OPTIMIZERS.pop("steady").make(lr=0.1).momentum
    0.99
    """

    kind: Callable[..., Any] | str
    description: str
    promise: str = ""
    classes: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)

    def make(self, **arguments: Any) -> Any:
        """Return an instance."""
        return self._loaded()(**arguments)

    def describes(self, thing: object) -> bool:
        """Tell whether a thing is an instance of its class."""
        kind = self._loaded()
        return isinstance(kind, type) and isinstance(thing, kind)

    def _loaded(self) -> Callable[..., Any]:
        return _imported(self.kind) if isinstance(self.kind, str) else self.kind


@cache
def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module, __package__), name)


EXACT, LIMIT, OTHER = "exact", "error vanishes with beta", "another metric"
CUT = "error vanishes with sweeps"

_BETA = {"beta": Option("nudge, S", share=1e-3)}
_VARIANT = {"variant": Option("where the two states stand", ("positive", "negative", "centered"))}
_ETA = {"eta": Option("share of the way to the targets")}

RULES: dict[str, Entry] = {
    "ep": Entry(
        ".rules:EquilibriumPropagation",
        "equilibrium propagation: nudged more and less",
        LIMIT,
        options=_BETA | _VARIANT,
    ),
    "coupled": Entry(
        ".rules:CoupledLearning",
        "coupled learning: clamped part of the way, and free",
        OTHER,
        options=_ETA | _VARIANT,
    ),
    "contrastive": Entry(
        ".rules:ContrastiveLearning",
        "contrastive learning: clamped at the targets, and free",
        OTHER,
    ),
    "frequency": Entry(
        ".rules:FrequencyPropagation",
        "frequency propagation: one state, mean and in-phase amplitude",
        LIMIT,
        options=_BETA,
    ),
    "vector-field": Entry(
        ".vector_field:VectorFieldEP",
        "vector-field equilibrium propagation: nudged more and less, nominal gains",
        LIMIT,
        options=_BETA | _VARIANT,
    ),
    "adjoint": Entry(".rules:Adjoint", "implicit differentiation: free, and its adjoint", EXACT),
    "truncated": Entry(
        ".truncated:TruncatedBackprop",
        "backpropagation through the last sweeps: free, and reversed sweeps",
        CUT,
        options={"sweeps": Option("of truncated backpropagation")},
    ),
}
COSTS: dict[str, Entry] = {
    "squared": Entry(".costs:SquaredError", "half the sum of squares, to target voltages or codes"),
    "cross-entropy": Entry(
        ".costs:CrossEntropy",
        "of the softmax of the outputs",
        classes=True,
        options={"scale": Option("of voltages in the cross-entropy, 1/V")},
    ),
    "hinge": Entry(
        ".costs:Hinge",
        "what the right output lacks to a margin above each other",
        classes=True,
        options={"margin": Option("of the hinge cost, V")},
    ),
}
# a gradient is V^2/S: what it has to be multiplied with grows with the square of conductances
_STEP = {"lr": Option("", share=0.01, power=2)}

OPTIMIZERS: dict[str, Entry] = {
    "adam": Entry(".optimizers:Adam", "steps of one size", options={"lr": Option("", share=0.03)}),
    "sgd": Entry(".optimizers:SGD", "along the gradient", options=_STEP),
    "momentum": Entry(
        ".optimizers:Momentum",
        "along a decaying sum of gradients",
        options={"momentum": Option("what is left of it after a step", zero=True)} | _STEP,
    ),
}


def rule_of(given: Any) -> Any:
    """Return the rule that is meant: an instance, a class, a name of `RULES`; None: the usual one.

    Raises
    ------
    UsageError
        If it is none of these.

    Examples
    --------
    >>> rule_of("coupled").eta
    0.1
    """
    return _meant("rule", given, RULES, "estimate", "ep")


def cost_of(given: Any) -> Any:
    """Return the cost that is meant, see `rule_of`."""
    return _meant("cost", given, COSTS, "value", "squared")


def optimizer_of(given: Any) -> Any:
    """Return the optimiser that is meant, see `rule_of`."""
    return _meant("optimizer", given, OPTIMIZERS, "step", "adam")


def _meant(kind: str, given: Any, entries: Mapping[str, Entry], method: str, usual: str) -> Any:
    if given is None or isinstance(given, str):
        name = usual if given is None else given.lower()
        if name not in entries:
            known = did_you_mean(name, entries) or f"there are {', '.join(entries)}"
            raise UsageError(f"there is no {kind} {given!r}: {known}")
        return entries[name].make()
    made = given() if isinstance(given, type) else given
    if not callable(getattr(made, method, None)):
        a = "an" if kind[0] in "aeiou" else "a"
        raise UsageError(
            f"{a} {kind} has a method {method}(), which {given!r} has not: give one of this "
            f"package's, your own, or a name ({', '.join(entries)})"
        )
    return made
