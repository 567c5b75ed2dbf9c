"""Costs: what the outputs ought to be, and how much each sample's cost changes with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeGuard, TypeVar

import numpy as np

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.names import real
from .amounts import amount


class Cost(Protocol):
    """A differentiable function of outputs and targets, sample by sample.

    Examples
    --------
    >>> class Absolute:
    ...     def value(self, outputs, targets):
    ...         return np.abs(outputs - targets).sum(axis=1)
    ...     def slope(self, outputs, targets):
    ...         return np.sign(outputs - targets)
    ...     def decode(self, outputs):
    ...         return outputs.argmax(axis=1)
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], tr.Adjoint(), Absolute())
    array([ 0.25, -0.25])
    """

    def value(self, outputs: Floats, targets: Any) -> Floats:
        """Return the cost of each sample, shape (B,)."""

    def slope(self, outputs: Floats, targets: Any) -> Floats:
        """Return the derivatives by the outputs, shape (B, n_outputs), per V."""

    def decode(self, outputs: Floats) -> Ints:
        """Return the class that each sample's outputs stand for, shape (B,)."""


def _argmax(outputs: Floats) -> Ints:
    """Return the highest output; a single one stands for class 1 where it is positive."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0).astype(np.int64)
    return np.asarray(outputs.argmax(axis=1))


def _sums(terms: Floats) -> Floats:
    return np.asarray(terms.sum(axis=1), dtype=float)


Kind = TypeVar("Kind")


def built_in(thing: object, *kinds: type[Kind]) -> TypeGuard[Kind]:
    """Tell whether a thing is of one of these classes, with all its methods as they are there.

    A subclass may override any of them, and so may attributes of the thing itself.
    """
    own = (getattr(type(thing), name, None) for name in getattr(thing, "__dict__", ()))
    return type(thing) in kinds and not any(map(callable, own))


def is_labels(targets: Any) -> bool:
    """Tell whether targets are class numbers: integers, one per sample."""
    targets = np.asarray(targets)
    return targets.ndim == 1 and targets.dtype.kind in "iub"


def finite(values: Floats, what: str) -> Floats:
    """Return what each sample has, shape (B,) or (B, n), which has to be finite.

    Raises
    ------
    UsageError
        Naming the first sample whose is not.
    """
    fine = np.isfinite(values)
    if not fine.all():
        bad = int(fine.reshape(len(values), -1).all(axis=1).argmin())
        error = UsageError(f"{what} is {values[bad]}, which is not finite")
        error.sample = bad
        raise error
    return values


def values(cost: Cost, outputs: Floats, targets: Any) -> Floats:
    """Return the cost of each sample, shape (B,).

    Raises
    ------
    UsageError
        If one is not finite, or a cost of one's own returns something of another shape.
    """
    found = cost.value(outputs, targets)
    wanted = {"value": (found, outputs.shape[:1], "the cost")}
    if not built_in(cost, SquaredError, CrossEntropy, Hinge):
        slope = cost.slope(outputs, targets)
        wanted["slope"] = slope, outputs.shape, "the slope of the cost"
    for method, (array, shape, what) in wanted.items():
        if not isinstance(array, np.ndarray) or array.shape != shape:
            is_array = isinstance(array, np.ndarray)
            kind = f"an array of shape {array.shape}" if is_array else f"a {type(array).__name__}"
            raise UsageError(
                f"{type(cost).__name__}.{method} returns {kind}, "
                f"where an array of shape {shape} is needed"
            )
        finite(array, what)
    return found


def decoded(cost: Cost, outputs: Floats) -> Ints:
    """Return the class that each sample's outputs stand for, shape (B,).

    Raises
    ------
    UsageError
        If a cost of one's own does not tell.
    """
    if not callable(getattr(cost, "decode", None)):
        raise UsageError(
            f"{type(cost).__name__} has no decode(outputs), which tells the classes they stand for"
        )
    return np.asarray(cost.decode(outputs))


def _checked(targets: Any) -> Floats:
    """Return targets as finite numbers."""
    return finite(real(targets, "targets"), "its target")


class SquaredError:
    """``1/2 sum (o - y)^2``.

    Parameters
    ----------
    codes : array_like, shape (n_classes, n_outputs), optional
        Target voltages of the classes, for targets that are class numbers.

    Notes
    -----
    Its nudge is a conductance that joins each output to its target.

    Examples
    --------
    >>> cost, outputs = tr.SquaredError(codes=[[0.1, 0.0], [0.0, 0.1]]), np.array([[0.3, 0.1]])
    >>> cost.slope(outputs, [0]).round(6), cost.value(outputs, [0]).round(6), cost.decode(outputs)
    (array([[0.2, 0.1]]), array([0.025]), array([0]))
    """

    def __init__(self, codes: Any = None) -> None:
        self.codes = None if codes is None else real(codes, "codes")
        if self.codes is not None and self.codes.ndim == 1:
            self.codes = self.codes[:, None]

    def target(self, outputs: Floats, targets: Any) -> Floats:
        """Return target voltages, shape (B, n_outputs), V."""
        if is_labels(targets) and self.codes is not None:
            if self.codes.shape[1:] != outputs.shape[1:]:
                raise UsageError(f"codes have shape {self.codes.shape}, outputs {outputs.shape}")
            return np.asarray(self.codes[_labels(len(self.codes), targets)])
        y = _checked(targets)
        if y.ndim == 1 and self.codes is not None:
            kind = np.asarray(targets).dtype
            raise UsageError(f"codes are of classes, and class numbers are integers, not {kind}")
        if y.ndim == 1 and outputs.shape[1] == 1:
            y = y[:, None]
        if y.shape != outputs.shape:
            raise UsageError(f"targets have shape {y.shape}, outputs {outputs.shape}")
        return y

    def value(self, outputs: Floats, targets: Any) -> Floats:
        """Return the cost of each sample, shape (B,), V^2."""
        return 0.5 * _sums(self.slope(outputs, targets) ** 2)

    def slope(self, outputs: Floats, targets: Any) -> Floats:
        """Return ``o - y``, shape (B, n_outputs), V."""
        return outputs - self.target(outputs, targets)

    def decode(self, outputs: Floats) -> Ints:
        """Return the class with the nearest code, else the highest output."""
        if self.codes is None:
            return _argmax(outputs)
        distance = ((outputs[:, None, :] - self.codes[None]) ** 2).sum(axis=2)
        return np.asarray(distance.argmin(axis=1))


def is_squared(cost: Cost) -> TypeGuard[SquaredError]:
    """Tell whether a cost's slope is that of the squared error, whatever its targets are."""
    own = getattr(cost.slope, "__func__", None) is SquaredError.slope
    return isinstance(cost, SquaredError) and own


class CrossEntropy:
    """Cross-entropy of the softmax of the outputs.

    Parameters
    ----------
    scale : float
        Outputs are multiplied by this (1/V) first: millivolts make poor logits.

    Examples
    --------
    >>> cost, outputs = tr.CrossEntropy(scale=10.0), np.array([[0.1, 0.0], [0.0, 0.1]])
    >>> cost.value(outputs, [0, 0]).round(3), cost.decode(outputs)
    (array([0.313, 1.313]), array([0, 1]))
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = amount(scale, "the scale")

    def _log_softmax(self, outputs: Floats) -> Floats:
        z = self.scale * outputs
        z = z - z.max(axis=1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    def value(self, outputs: Floats, targets: Any) -> Floats:
        """Return the cost of each sample, shape (B,)."""
        wanted = _probabilities(outputs, targets)
        return -_sums(wanted * self._log_softmax(outputs))

    def slope(self, outputs: Floats, targets: Any) -> Floats:
        """Return the derivatives by the outputs, shape (B, n_outputs), 1/V."""
        wanted = _probabilities(outputs, targets)
        share: Floats = np.exp(self._log_softmax(outputs)) * wanted.sum(axis=1, keepdims=True)
        return self.scale * (share - wanted)

    def decode(self, outputs: Floats) -> Ints:
        """Return the highest output."""
        return _argmax(outputs)


class Hinge:
    """``sum over the wrong classes of max(0, margin - (o_right - o_wrong))``.

    Parameters
    ----------
    margin : float
        V.

    Examples
    --------
    >>> cost, outputs = tr.Hinge(margin=0.25), np.array([[0.5, 0.0], [0.5, 0.0]])
    >>> cost.value(outputs, [0, 1])  # V
    array([0.  , 0.75])
    """

    def __init__(self, margin: float = 0.1) -> None:
        self.margin = amount(margin, "the margin", 0)

    def _excess(self, outputs: Floats, targets: Any) -> tuple[Floats, Ints]:
        right = _labels(outputs.shape[1], targets)
        rows = np.arange(len(outputs))
        excess = np.maximum(0.0, self.margin - outputs[rows, right][:, None] + outputs)
        excess[rows, right] = 0.0
        return excess, right

    def value(self, outputs: Floats, targets: Any) -> Floats:
        """Return the cost of each sample, shape (B,), V."""
        return _sums(self._excess(outputs, targets)[0])

    def slope(self, outputs: Floats, targets: Any) -> Floats:
        """Return the derivatives by the outputs, shape (B, n_outputs)."""
        excess, right = self._excess(outputs, targets)
        slope = (excess > 0).astype(float)
        slope[np.arange(len(slope)), right] = -slope.sum(axis=1)
        return slope

    def decode(self, outputs: Floats) -> Ints:
        """Return the highest output."""
        return _argmax(outputs)


class CustomCost:
    """A cost of one's own.

    Parameters
    ----------
    value : callable
        ``value(outputs, targets)`` of shape (B,).
    slope : callable
        ``slope(outputs, targets)``: its derivatives by the outputs, shape (B, n_outputs).
    decode : callable, optional
        ``decode(outputs)``: classes, shape (B,); by default the highest output.

    Examples
    --------
    >>> cost = tr.CustomCost(lambda o, y: ((o - y) ** 4).sum(axis=1), lambda o, y: 4 * (o - y) ** 3)
    >>> cost.value(np.array([[0.5]]), np.array([[0.0]])), cost.slope(np.array([[0.5]]), 0.0)
    (array([0.0625]), array([[0.5]]))
    """

    def __init__(
        self,
        value: Callable[[Floats, Any], Floats],
        slope: Callable[[Floats, Any], Floats],
        decode: Callable[[Floats], Ints] = _argmax,
    ) -> None:
        self.value, self.slope, self.decode = value, slope, decode


def _labels(classes: int, targets: Any) -> Ints:
    labels = np.asarray(targets)
    if not is_labels(labels):
        raise UsageError("this cost needs class numbers as targets, one integer per sample")
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise UsageError(
            f"class numbers must be from 0 to {classes - 1}, not {labels.min()} to {labels.max()}"
        )
    return labels.astype(np.int64)


def _probabilities(outputs: Floats, targets: Any) -> Floats:
    """Return one probability per class from class numbers or from themselves."""
    if is_labels(targets):
        return np.eye(outputs.shape[1])[_labels(outputs.shape[1], targets)]
    wanted = _checked(targets)
    if wanted.shape != outputs.shape:
        raise UsageError(f"targets have shape {wanted.shape}, outputs {outputs.shape}")
    return wanted
