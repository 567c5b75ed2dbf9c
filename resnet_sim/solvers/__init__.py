"""Solvers: one method a file, listed in `registry`; `solve` calls one by its name.

Every method takes a `Problem` and returns a `Solution`; none knows what a circuit is.
"""

from __future__ import annotations

from .registry import METHODS, solve

#: modules that other packages may use
DOORS = (
    "linear.common_factor", "linear.descent", "linear.frontal", "linear.fronts", "linear.laplacian",
    "linear.stiff", "linear.superlu", "mixed", "registry", "stable", "tangents",
)  # fmt: skip
__all__ = ["METHODS", "solve"]
