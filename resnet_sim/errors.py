"""The exception family.  Everything the package raises on purpose is a `ResnetSimError`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .diagnostics import Diagnostic, render_all


class ResnetSimError(Exception):
    """Base class of all errors that this package raises on purpose.

    Attributes
    ----------
    sample : int or None
        Where many inputs are solved: number of the one that the error is about, from 0.
    """

    sample: int | None = None

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.sample is None else f"sample {self.sample}: {text}"


class NetlistError(ResnetSimError):
    """The netlist can't be understood; all the reasons, in the order of the deck.

    Attributes
    ----------
    diagnostics : tuple of Diagnostic
        Everything found in one pass, warnings included; at least one is an error.
    file, line, column, excerpt, hint
        Place, source line and remedy of the first error.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        first = next(d for d in self.diagnostics if d.severity == "error")
        self.file = first.span.file if first.span else None
        self.line = first.span.line if first.span else None
        self.column = first.span.column if first.span else None
        self.excerpt = first.span.text if first.span else ""
        self.hint = first.hint
        super().__init__(render_all(d for d in self.diagnostics if d.severity == "error"))

    def __reduce__(self) -> Any:
        # the arguments are not what Exception takes for them
        return type(self), (self.diagnostics,), self.__dict__


class TopologyError(ResnetSimError):
    """The circuit has no solution, whatever the solver; the loop or cut that makes it so.

    Attributes
    ----------
    diagnostics : tuple of Diagnostic
    elements : tuple of str
        Names of the elements of the loop or cut.
    nodes : tuple of str
        Names of the nodes involved.
    lines : tuple of int
        Source lines of `elements`; 0 where an element has none.
    """

    def __init__(
        self,
        diagnostics: Sequence[Diagnostic],
        elements: Sequence[str] = (),
        nodes: Sequence[str] = (),
        lines: Sequence[int] = (),
    ) -> None:
        self.diagnostics = tuple(diagnostics)
        self.elements, self.nodes, self.lines = tuple(elements), tuple(nodes), tuple(lines)
        super().__init__(render_all(self.diagnostics))

    def __reduce__(self) -> Any:
        return type(self), (self.diagnostics,), self.__dict__


class ConvergenceError(ResnetSimError):
    """The solver gave up: no solution was found, though one may exist."""


class UsageError(ResnetSimError, ValueError):
    """An argument names something that the circuit lacks, or makes no sense."""


class SimulatorError(ResnetSimError):
    """The simulator to compare with is missing, or failed; its own words are in the message."""


class ExecutorError(ResnetSimError):
    """Workers or the cluster can't be reached, or were lost for good."""
