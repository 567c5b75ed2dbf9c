"""How ``train`` learns: its options for rule, cost and optimiser, and what they amount to."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .common import number, positive

if TYPE_CHECKING:
    from ..training import Cost, Network, Optimizer, Rule
    from .samples import Meaning

#: beta and the steps of Adam where none are given, in units of the median conductance
BETA, STEP = 1e-3, 0.03

#: which options belong to which choices of others
_BELONGS = {
    "beta": ("rule", ("ep", "frequency")),
    "eta": ("rule", ("coupled",)),
    "variant": ("rule", ("ep", "coupled")),
    "scale": ("cost", ("cross-entropy",)),
    "margin": ("cost", ("hinge",)),
    "codes": ("cost", ("squared",)),
    "momentum": ("optimizer", ("momentum",)),
}


def add_learning_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what learns, and how."""
    group = parser.add_argument_group("learning")
    group.add_argument(
        "--trainable",
        default="r*",
        metavar="GLOBS",
        help="resistors that learn, default all: 'r*'",
    )
    group.add_argument("--biases", metavar="GLOBS", help="current sources that learn too")
    group.add_argument(
        "--bounds",
        type=_bounds,
        default=(None, math.inf),
        metavar="MIN,MAX",
        help="of conductances, S (default: a millionth of the largest, and no upper one)",
    )
    group.add_argument(
        "--rule",
        choices=("ep", "coupled", "contrastive", "frequency", "adjoint"),
        default="ep",
        help="default %(default)s, equilibrium propagation",
    )
    group.add_argument(
        "--beta", type=positive, help=f"nudge, S (default: {BETA:g} of the median conductance)"
    )
    group.add_argument("--eta", type=positive, help="share of the way for --rule coupled")
    group.add_argument("--variant", choices=("positive", "negative", "centered"))
    group.add_argument("--cost", choices=("squared", "cross-entropy", "hinge"), default="squared")
    group.add_argument("--scale", type=positive, help="of voltages in the cross-entropy, 1/V")
    group.add_argument("--margin", type=positive, help="of the hinge cost, V")
    group.add_argument("--optimizer", choices=("adam", "sgd", "momentum"), default="adam")
    group.add_argument("--momentum", type=number, help="default 0.9")
    group.add_argument(
        "--lr",
        type=_rates,
        metavar="RATE",
        help="learning rate, or rates by glob such as 'rw1*=3m,rw2*=15m' "
        f"(default for adam: {STEP:g} of the median conductance)",
    )
    group.add_argument(
        "--schedule",
        type=_schedule,
        default=("constant", 1.0),
        metavar="constant|cosine|RATE",
        help="how the learning rate falls: along half a cosine, or by a factor each epoch",
    )


def check(options: argparse.Namespace) -> None:
    """Refuse options that the chosen rule, cost or optimiser does not have."""
    for name, (owner, choices) in _BELONGS.items():
        chosen = getattr(options, owner)
        if getattr(options, name) is not None and chosen not in choices:
            raise UsageError(f"--{name} does nothing with --{owner} {chosen}")
    labelled = options.labels or options.classes
    if options.cost != "squared" and not labelled:
        raise UsageError(f"--cost {options.cost} is for classes: it needs --labels")
    if options.cost == "squared" and labelled and not options.codes:
        raise UsageError(
            "the squared error needs a voltage for each class: --codes LOW,HIGH, "
            "or choose --cost cross-entropy or hinge"
        )


def rule(options: argparse.Namespace, net: Network) -> Rule:
    """Return the learning rule."""
    from .. import training as tr

    beta = BETA * typical(net) if options.beta is None else options.beta
    if options.rule == "ep":
        return tr.EquilibriumPropagation(beta, options.variant or "centered")
    if options.rule == "coupled":
        return tr.CoupledLearning(options.eta or 0.1, options.variant or "positive")
    if options.rule == "frequency":
        return tr.FrequencyPropagation(beta)
    return tr.ContrastiveLearning() if options.rule == "contrastive" else tr.Adjoint()


def cost(options: argparse.Namespace, meaning: Meaning) -> Cost:
    """Return the cost, which must suit the targets."""
    from .. import training as tr

    if options.cost == "squared":
        return meaning.squared_error()
    if len(meaning.outputs) == 1:
        raise UsageError(f"--cost {options.cost} needs one output for each class")
    if options.cost == "hinge":
        return tr.Hinge(options.margin or 0.1)
    return tr.CrossEntropy(options.scale or 1.0)


def optimizer(options: argparse.Namespace, net: Network) -> Optimizer:
    """Return the optimiser."""
    from .. import training as tr

    rate = options.lr
    if rate is None:
        if options.optimizer != "adam":
            raise UsageError(f"--optimizer {options.optimizer} needs a learning rate: --lr")
        rate = STEP * typical(net)
    kind, factor = options.schedule
    schedules: dict[str, Any] = {
        "constant": None,
        "cosine": tr.cosine(options.epochs),
        "exponential": tr.exponential(factor),
    }
    schedule = schedules[kind]
    if options.optimizer == "adam":
        return tr.Adam(rate, schedule=schedule)
    if options.optimizer == "sgd":
        return tr.SGD(rate, schedule=schedule)
    momentum = 0.9 if options.momentum is None else options.momentum
    return tr.Momentum(rate, momentum, schedule=schedule)


def typical(net: Network) -> float:
    """Return the median conductance, S: what small and large is measured by."""
    import numpy as np

    return float(np.median(net.conductances))


def _bounds(text: str) -> tuple[float | None, float]:
    low, comma, high = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form MIN,MAX; either may be left out"
        )
    return (number(low) if low.strip() else None, number(high) if high.strip() else math.inf)


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
