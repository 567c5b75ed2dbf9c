"""Optimisers: what to do with a gradient.  The network's bounds are applied afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.names import whole
from .amounts import amount, share

Rate = float | Mapping[str, float]
Schedule = Callable[[int], float]


class Optimizer:
    """Base of the optimisers: learning rates by group and by epoch.

    Parameters
    ----------
    lr : float or mapping of glob to float, optional
        Learning rate; of the globs that match a parameter's name, the first one counts.
        A parameter that none matches does not learn.  By default `Trainer` chooses one
        that follows the circuit's conductances.
    schedule : callable, optional
        ``schedule(epoch)``, from 0: what the rates are multiplied with.

    Examples
    --------
    >>> class SignDescent(tr.Optimizer):
    ...     def direction(self, gradient):
    ...         return np.sign(gradient)
    >>> optimizer = SignDescent(lr=0.01, schedule=tr.exponential(0.5))
    >>> optimizer.prepare(["r1", "r2"])
    >>> optimizer.step(np.array([3.0, -0.2]), epoch=1)
    array([-0.005,  0.005])
    """

    #: names of the arrays that are kept from step to step
    slots: tuple[str, ...] = ()

    def __init__(self, lr: Rate | None = None, schedule: Schedule | None = None) -> None:
        if schedule is not None and not callable(schedule):
            raise UsageError(
                f"a schedule is a function of the epoch, as tr.exponential(0.99), not {schedule!r}"
            )
        self.lr, self.schedule = lr, schedule
        self.state: dict[str, Floats] = {}
        self._rates = np.zeros(0)

    def prepare(self, names: Sequence[str], rate: float | Floats | None = None) -> None:
        """Work out the rates of named parameters; state that fits them is kept.

        Parameters
        ----------
        names : sequence of str
        rate : float or ndarray, shape (n,), optional
            Learning rate, or rates, if `lr` says none.

        Raises
        ------
        UsageError
            If a glob matches nothing that learns, or a rate is none.
        """
        lr = rate if self.lr is None else self.lr
        if lr is None:
            raise UsageError(f"{type(self).__name__} needs a learning rate: lr=")
        if isinstance(lr, Mapping):
            for pattern in lr:
                if not any(fnmatchcase(name, pattern.lower()) for name in names):
                    raise UsageError(f"learning rates: nothing that learns matches {pattern!r}")
            self._rates = np.array([_first_match(name, lr) for name in names])
        elif isinstance(lr, np.ndarray):
            self._rates = lr
        else:
            # one number in memory, however many parameters
            self._rates = np.broadcast_to(
                np.float64(amount(lr, "the learning rate", 0)), len(names)
            )
        if any(len(self.state.get(slot, ())) != len(names) for slot in self.slots):
            self.state = {slot: np.zeros(len(names)) for slot in self.slots}

    @property
    def rates(self) -> Floats:
        """Learning rates of the parameters before the schedule, shape (n,)."""
        return self._rates

    def factor(self, epoch: int) -> float:
        """Return what the schedule multiplies the rates with."""
        if self.schedule is None:
            return 1.0
        return amount(self.schedule(epoch), "what the schedule returns", 0)

    def step(self, gradient: Floats, epoch: int) -> Floats:
        """Return what to add to the parameters."""
        direction = self.direction(gradient)
        if np.shape(direction) != gradient.shape:
            raise UsageError(
                f"{type(self).__name__}.direction returns an array of shape {np.shape(direction)}, "
                f"where {gradient.shape} is needed"
            )
        return -self.factor(epoch) * self._rates * direction

    def direction(self, gradient: Floats) -> Floats:
        """Return what the rates are multiplied with; updates the state."""
        raise NotImplementedError


class SGD(Optimizer):
    """Plain gradient descent.

    Parameters
    ----------
    lr, schedule
        See `Optimizer`.

    Examples
    --------
    >>> optimizer = tr.SGD(lr={"r*": 0.1, "ib*": 0.01})
    >>> optimizer.prepare(["r1", "r2", "ib1"])
    >>> optimizer.step(np.array([1.0, -2.0, 1.0]), epoch=0)
    array([-0.1 ,  0.2 , -0.01])
    """

    def direction(self, gradient: Floats) -> Floats:
        """Return the gradient."""
        return gradient


class Momentum(Optimizer):
    """Gradient descent with momentum: ``m <- momentum m + gradient``.

    Parameters
    ----------
    momentum : float
        What is left of m after a step.
    lr, schedule
        See `Optimizer`.

    Examples
    --------
    >>> optimizer = tr.Momentum(lr=0.1, momentum=0.5)
    >>> optimizer.prepare(["r1"])
    >>> [round(optimizer.step(np.ones(1), epoch).item(), 6) for epoch in range(3)]
    [-0.1, -0.15, -0.175]
    """

    slots = ("mean",)

    def __init__(
        self, lr: Rate | None = None, momentum: float = 0.9, schedule: Schedule | None = None
    ) -> None:
        super().__init__(lr, schedule)
        self.momentum = share(momentum, "momentum")

    def direction(self, gradient: Floats) -> Floats:
        """Return the decaying sum of gradients."""
        self.state["mean"] = self.momentum * self.state["mean"] + gradient
        return self.state["mean"]


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): steps of about `lr`, whatever the size of the gradient.

    Parameters
    ----------
    betas : (float, float)
        What is left after a step of the mean gradient, and of its mean square.
    epsilon : float, optional
        Added to the root of the latter, in units of the gradient.  By default 1e-8, or less where
        a circuit's units make its gradients small: at most a millionth of the largest root that
        there has been, by what steps of the size of the rates would change the cost.
    lr, schedule
        See `Optimizer`.

    Examples
    --------
    >>> optimizer = tr.Adam(lr=0.01)
    >>> optimizer.prepare(["r1", "r2"])
    >>> optimizer.step(np.array([1e-3, -1e3]), epoch=0).round(6)
    array([-0.01,  0.01])
    """

    slots = ("mean", "square", "steps", "largest")

    def __init__(
        self,
        lr: Rate | None = None,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(lr, schedule)
        if not isinstance(betas, Sequence) or len(betas) != 2:
            raise UsageError(f"betas are two numbers, as (0.9, 0.999), not {betas!r}")
        one, two = (share(beta, "each of betas") for beta in betas)
        self.betas = one, two
        self.epsilon = None if epsilon is None else amount(epsilon, "epsilon", 0)

    def direction(self, gradient: Floats) -> Floats:
        """Return the mean gradient over its root mean square, both freed of their start."""
        one, two = self.betas
        state = self.state
        state["steps"] = state["steps"] + 1
        steps = state["steps"][:1]  # they are all the same
        state["mean"] = one * state["mean"] + (1 - one) * gradient
        state["square"] = two * state["square"] + (1 - two) * gradient**2
        mean = state["mean"] / (1 - one**steps)
        root = np.sqrt(state["square"] / (1 - two**steps))
        below = root + (self._usual(root) if self.epsilon is None else self.epsilon)
        return np.divide(mean, below, out=np.zeros_like(mean), where=below > 0)

    def _usual(self, root: Floats) -> Floats | float:
        """Return what is added where nothing is said, shape (n,) or one number for all."""
        largest = np.maximum(self.state.get("largest", 0.0), (root * self._rates).max(initial=0.0))
        self.state["largest"] = largest
        # a change of the cost at the given rates has one unit, whatever those of the parameters
        least = 1e-6 * np.divide(
            largest, self._rates, out=np.full(len(root), np.inf), where=self._rates > 0
        )
        return np.minimum(1e-8, least)


def fresh(optimizer: object) -> Optimizer:
    """Return a copy of an optimiser as it was before any run: the next begins like the first.

    Raises
    ------
    UsageError
        If it is none.
    """
    if not isinstance(optimizer, Optimizer):
        raise UsageError(f"{type(optimizer).__name__} is no optimizer: derive it from tr.Optimizer")
    own = copy(optimizer)
    own.state = {name: kept for name, kept in own.state.items() if name not in own.slots}
    return own


def stepped(optimizer: Optimizer, gradient: Floats, epoch: int) -> Floats:
    """Return what an optimiser, which may be anybody's, adds to the parameters.

    Raises
    ------
    UsageError
        If that is not a finite number for each.
    """
    step = optimizer.step(gradient, epoch)
    if np.shape(step) != gradient.shape or not np.isfinite(step).all():
        raise UsageError(
            f"{type(optimizer).__name__} asks for steps that are not {len(gradient)} finite numbers"
        )
    return step


def exponential(rate: float) -> Schedule:
    """Return the schedule ``rate ** epoch``.

    Examples
    --------
    >>> [tr.exponential(0.5)(epoch) for epoch in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """
    return _Exponential(amount(rate, "the rate", 0))


def cosine(epochs: int, final: float = 0.0) -> Schedule:
    """Return a schedule that falls from 1 to `final` in `epochs`, along half a cosine.

    Examples
    --------
    >>> [round(tr.cosine(4)(epoch), 3) for epoch in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    return _Cosine(whole(epochs, "epochs", 1), amount(final, "final", 0))


@dataclass(frozen=True)
class _Exponential:
    """A class, not a closure: optimisers are sent to other processes."""

    rate: float

    def __call__(self, epoch: int) -> float:
        return float(self.rate**epoch)


@dataclass(frozen=True)
class _Cosine:
    epochs: int
    final: float

    def __call__(self, epoch: int) -> float:
        angle = math.pi * min(epoch / self.epochs, 1.0)
        return self.final + (1.0 - self.final) * 0.5 * (1.0 + math.cos(angle))


def _first_match(name: str, rates: Mapping[str, float]) -> float:
    for pattern, rate in rates.items():
        if fnmatchcase(name, pattern.lower()):
            return amount(rate, f"the learning rate of {pattern!r}", 0)
    return 0.0
