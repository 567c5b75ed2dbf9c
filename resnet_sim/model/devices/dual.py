"""Numbers that carry their derivatives along: what long formulas of transistors are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Bools, Floats


class Dual:
    """Values, shape (n,), and their derivatives by some variables, shape (variables, n).

    Other operands of ``+ - * /`` are duals or arrays without derivatives.
    """

    __slots__ = ("slopes", "x")
    #: arrays leave operations with duals to these
    __array_ufunc__ = None

    def __init__(self, x: Floats, slopes: Floats) -> None:
        self.x, self.slopes = x, slopes

    def __add__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.x + other.x, self.slopes + other.slopes)
        return Dual(self.x + other, self.slopes)

    def __neg__(self) -> Dual:
        return Dual(-self.x, -self.slopes)

    def __sub__(self, other: Any) -> Dual:
        return self + -other

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    def __mul__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.x * other.x, self.slopes * other.x + other.slopes * self.x)
        return Dual(self.x * other, self.slopes * other)

    def __truediv__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            x = self.x / other.x
            return Dual(x, (self.slopes - other.slopes * x) / other.x)
        return Dual(self.x / other, self.slopes / other)

    def __rtruediv__(self, other: Any) -> Dual:
        x = other / self.x
        return Dual(x, self.slopes * (-x / self.x))

    __radd__, __rmul__ = __add__, __mul__

    def sqrt(self) -> Dual:
        """Return the root of what is not negative; that of 0 has no slope."""
        x = np.sqrt(np.maximum(self.x, 0.0))
        return Dual(x, self.slopes * np.divide(0.5, x, out=np.zeros_like(x), where=x > 0))

    def log(self) -> Dual:
        """Return the natural logarithm."""
        return Dual(np.log(self.x), self.slopes / self.x)

    def exp(self) -> Dual:
        """Return the exponential."""
        x = np.exp(self.x)
        return Dual(x, self.slopes * x)


def variables(*values: Floats) -> list[Dual]:
    """Return values as the variables by which derivatives are taken."""
    unit = np.eye(len(values))[:, :, None] + np.zeros_like(values[0])
    return [Dual(x, unit[k]) for k, x in enumerate(values)]


def constants(*values: Floats) -> list[Dual]:
    """Return values without derivatives."""
    return [Dual(x, np.zeros((0, *np.shape(x)))) for x in values]


def where(condition: Bools, one: Any, other: Any) -> Dual:
    """Return one of two where a condition holds, the other elsewhere; one at least is a dual."""
    shape = one.slopes.shape if isinstance(one, Dual) else other.slopes.shape

    def parts(value: Any) -> tuple[Any, Any]:
        return (value.x, value.slopes) if isinstance(value, Dual) else (value, np.zeros(shape))

    (x, dx), (y, dy) = parts(one), parts(other)
    return Dual(np.where(condition, x, y), np.where(condition, dx, dy))


def least(one: Dual, other: Dual) -> Dual:
    """Return the smaller of two."""
    return where(one.x < other.x, one, other)
