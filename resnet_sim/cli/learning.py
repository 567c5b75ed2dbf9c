"""How ``train`` learns: its options for rule, cost and optimiser, and what they amount to."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .options import ends, listed, number, positive

if TYPE_CHECKING:
    from ..model.circuit import Circuit
    from ..training import Cost, Entry, Network, Optimizer, Option, Rule
    from .samples import Meaning

#: what is chosen from a registry, and the options of other modules that belong to one choice
KINDS = ("rule", "cost", "optimizer")
_ELSEWHERE = {"codes": ("cost", ["squared"])}


def _registry(kind: str) -> dict[str, Entry]:
    from ..training import COSTS, OPTIMIZERS, RULES

    return {"rule": RULES, "cost": COSTS, "optimizer": OPTIMIZERS}[kind]


def add_learning_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what learns, and how."""
    group = parser.add_argument_group("learning")
    _add_values(group)
    for kind in KINDS:
        entries = _registry(kind)
        group.add_argument(
            f"--{kind}", choices=list(entries), default=next(iter(entries)),
            help=f"{listed(entries)} (default: %(default)s)",
        )  # fmt: skip
        options = {n: o for entry in entries.values() for n, o in entry.options.items()}
        for name, option in options.items():
            if name != "lr":
                _add_option(group, name, option)
    _add_rates(group)


def _add_values(group: argparse._ArgumentGroup) -> None:
    """Declare which values learn, and within what bounds."""
    group.add_argument(
        "--trainable",
        metavar="GLOBS",
        help="resistors that learn; default all, 'r*', or none beside --parameters",
    )
    group.add_argument(
        "--parameters", type=_parameters, default={}, metavar="GLOBS",
        help="parameters of the deck that learn, and with them every value that is affine in "
        "them; with bounds: 'k*=0:1m'",
    )  # fmt: skip
    group.add_argument("--biases", metavar="GLOBS", help="current sources that learn too")
    group.add_argument(
        "--bounds", type=_bounds, default=(None, math.inf), metavar="MIN,MAX",
        help="of conductances, S (default: a millionth of the largest, and no upper one)",
    )  # fmt: skip


def _add_rates(group: argparse._ArgumentGroup) -> None:
    """Declare how fast they learn."""
    rates = {n: e.options["lr"] for n, e in _registry("optimizer").items() if "lr" in e.options}
    defaults = ", ".join(f"for {name} {_share(option)}" for name, option in rates.items())
    group.add_argument(
        "--lr", type=_rates, metavar="RATE",
        help=f"learning rate, or rates by glob such as 'rw1*=3m,rw2*=15m' (default: {defaults})",
    )  # fmt: skip
    group.add_argument(
        "--schedule", type=_schedule, default=("constant", 1.0), metavar="constant|cosine|RATE",
        help="how the learning rate falls: along half a cosine, or by a factor each epoch",
    )  # fmt: skip


def _add_option(group: argparse._ArgumentGroup, name: str, option: Option) -> None:
    """Declare a parameter of rules, costs or optimisers."""
    flag = "--" + name.replace("_", "-")
    if option.choices:
        group.add_argument(flag, choices=option.choices, help=option.help)
        return
    text = f"{option.help} (default: {_share(option)})"
    kind = number if option.zero else positive
    group.add_argument(flag, type=kind, help=text if option.share else option.help)


def _share(option: Option) -> str:
    """Return in words what an option is by default."""
    square = "" if option.power == 1 else "the square of "
    return f"{option.share:g} of {square}the median conductance"


def check(options: argparse.Namespace) -> None:
    """Refuse options that the chosen rule, cost or optimiser does not have."""
    belongs: dict[str, tuple[str, list[str]]] = dict(_ELSEWHERE)
    for kind in KINDS:
        for choice, entry in _registry(kind).items():
            for name in entry.options:
                belongs.setdefault(name, (kind, []))[1].append(choice)
    belongs.pop("lr", None)
    for name, (kind, choices) in belongs.items():
        chosen = getattr(options, kind)
        if getattr(options, name) is not None and chosen not in choices:
            raise UsageError(f"--{name} does nothing with --{kind} {chosen}")
    labelled, entry = options.labels or options.classes, _registry("cost")[options.cost]
    if entry.classes and not labelled:
        raise UsageError(f"--cost {options.cost} is for classes: it needs --labels")
    if options.cost == "squared" and labelled and not options.codes:
        raise UsageError(
            "the squared error needs a voltage for each class: --codes LOW,HIGH, "
            "or choose --cost cross-entropy or hinge"
        )


def network(options: argparse.Namespace, circuit: Circuit, meaning: Meaning) -> Network:
    """Return the network that learns."""
    from ..training import Network

    low, high = options.bounds
    return Network(
        circuit,
        meaning.sources,
        meaning.outputs,
        options.trainable and options.trainable.split(","),
        biases=options.biases.split(",") if options.biases else (),
        parameters=options.parameters,
        g_min=low,
        g_max=high,
    )


def rule(options: argparse.Namespace, net: Network) -> Rule:
    """Return the learning rule."""
    return _make("rule", options, net)


def cost(options: argparse.Namespace, meaning: Meaning, net: Network) -> Cost:
    """Return the cost, which must suit the targets."""
    if options.cost == "squared":
        return meaning.squared_error()
    if len(meaning.outputs) == 1 and _registry("cost")[options.cost].classes:
        raise UsageError(f"--cost {options.cost} needs one output for each class")
    return _make("cost", options, net)


def optimizer(options: argparse.Namespace, net: Network) -> Optimizer:
    """Return the optimiser."""
    from .. import training as tr

    kind, factor = options.schedule
    schedules: dict[str, Any] = {
        "constant": None,
        "cosine": tr.cosine(options.epochs),
        "exponential": tr.exponential(factor),
    }
    if options.lr is None and "lr" not in tr.OPTIMIZERS[options.optimizer].options:
        raise UsageError(f"--optimizer {options.optimizer} needs a learning rate: --lr")
    given = {"schedule": schedules[kind], "lr": options.lr}
    return _make("optimizer", options, net, **given)


def _make(kind: str, options: argparse.Namespace, net: Network, **given: Any) -> Any:
    """Return what is chosen, with the options that are given."""
    from ..training.defaults import make

    entry = _registry(kind)[getattr(options, kind)]
    named = {name: getattr(options, name) for name in entry.options}
    return make(entry, net, **(named | given))


def _bounds(text: str) -> tuple[float | None, float]:
    low, comma, high = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form MIN,MAX; either may be left out"
        )
    return (number(low) if low.strip() else None, number(high) if high.strip() else math.inf)


def _parameters(text: str) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for part in text.split(","):
        pattern, equals, given = part.partition("=")
        low, colon, high = given.partition(":")
        if not pattern.strip() or (equals and not colon):
            raise argparse.ArgumentTypeError(f"{part!r} is not of the form GLOB or GLOB=LOW:HIGH")
        found[pattern.strip()] = ends(low, high)
    return found


def _rates(text: str) -> float | dict[str, float]:
    if "=" not in text:
        return positive(text)
    rates: dict[str, float] = {}
    for part in text.split(","):
        pattern, equals, rate = part.partition("=")
        if not equals or not pattern.strip():
            raise argparse.ArgumentTypeError(f"{part!r} is not of the form GLOB=RATE")
        rates[pattern.strip()] = positive(rate)
    return rates


def _schedule(text: str) -> tuple[str, float]:
    if text in ("constant", "cosine"):
        return text, 1.0
    factor = number(text)
    if not 0 < factor <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither constant, cosine, nor from 0 to 1")
    return "exponential", factor
