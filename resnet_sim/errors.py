"""The exception family, and what is near to a misspelt word.

Everything the package raises on purpose is a `ResnetSimError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from .diagnostics import Diagnostic, render_all

if TYPE_CHECKING:
    from pathlib import Path


class ResnetSimError(Exception):
    """Base class of all errors that this package raises on purpose.

    Attributes
    ----------
    sample : int or None
        Where many inputs are solved: number of the one that the error is about, from 0.

    Examples
    --------
    >>> try:
    ...     rs.solve(rs.generators.ladder(2), method="guess")
    ... except rs.ResnetSimError as error:
    ...     print(f"{type(error).__name__}: {error}")
    UsageError: unknown method 'guess'; there are auto, cd, newton
    """

    sample: int | None = None

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.sample is None else f"sample {self.sample}: {text}"


class NetlistError(ResnetSimError):
    r"""The netlist can't be understood; all the reasons, in the order of the deck.

    Attributes
    ----------
    diagnostics : tuple of Diagnostic
        Everything found in one pass, warnings included; at least one is an error.
    file, line, column, excerpt, hint
        Place, source line and remedy of the first error.

    Examples
    --------
    >>> try:
    ...     rs.parse_netlist("load\nV1 a 0 1\nR1 a 0 1,5")
    ... except rs.NetlistError as error:
    ...     print(f"{error.line}:{error.column}: {error.hint}")
    3:9: write 1.5, not 1,5
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
    r"""The circuit has no solution, whatever the solver; the loop or cut that makes it so.

    Attributes
    ----------
    diagnostics : tuple of Diagnostic
    elements : tuple of str
        Names of the elements of the loop or cut.
    nodes : tuple of str
        Names of the nodes involved.
    lines : tuple of int
        Source lines of `elements`; 0 where an element has none.

    Examples
    --------
    >>> try:
    ...     rs.solve(rs.parse_netlist("loop\nV1 a 0 1\nV2 a 0 2"))
    ... except rs.TopologyError as error:
    ...     print(error.elements, error.nodes, error.lines)
    ('v1', 'v2') ('0', 'a') (2, 3)
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
    r"""The solver gave up: no solution was found, though one may exist.

    Attributes
    ----------
    diagnostics : tuple of Diagnostic
        Where it is, if that is known.

    Examples
    --------
    >>> deck = "floating control\nV1 a 0 1\nE1 a 0 x y 2\nC1 x y 1n\n.model ideal D(Vfwd=0)\n"
    >>> diodes = [f"D{k} a b ideal" for k in range(12)]  # too many to try out all states
    >>> rs.solve(rs.parse_netlist(deck + "\n".join(diodes)))
    Traceback (most recent call last):
    resnet_sim.errors.ConvergenceError: the voltages around the loop v1, e1 would have to fix ...
    """

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(message)


class UsageError(ResnetSimError, ValueError):
    """An argument names something that the circuit lacks, or makes no sense.

    Examples
    --------
    >>> rs.solve(rs.generators.ladder(10)).voltage("n100")
    Traceback (most recent call last):
    resnet_sim.errors.UsageError: no node 'n100': did you mean 'n10'?
    """


class UnwritableError(UsageError, OSError):
    """A file can't be written where it is asked for; programs may catch it as an `OSError`."""


@contextmanager
def writing(target: str | Path) -> Iterator[None]:
    """Say of a file that it can't be written, whatever the reason; a pipe that is closed is none.

    Raises
    ------
    UsageError
        Which is an `OSError` too.
    """
    try:
        yield
    except (BrokenPipeError, UnwritableError):
        raise
    except OSError as error:  # it may name a file that nobody has asked for, or none
        raise UnwritableError(f"can't write {target}: {error.strerror or error}") from None


class SimulatorError(ResnetSimError):
    """The simulator to compare with is missing, or failed; its own words are in the message.

    Examples
    --------
    >>> try:
    ...     reading = rs.ngspice.run(rs.generators.ladder(2), time_limit=1e-6)
    ... except rs.SimulatorError:
    ...     print("no second opinion")
    no second opinion
    """


class ExecutorError(ResnetSimError):
    """Workers or the cluster can't be reached, or were lost for good.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor() as pool:
    ...     pass  # on leaving, its threads end
    >>> rs.monte_carlo(rs.generators.ladder(2), {"r*": 0.1}, 8, executor=pool)
    Traceback (most recent call last):
    resnet_sim.errors.ExecutorError: workers or the cluster are gone (RuntimeError: ...
    """


def nearest(word: str, known: Iterable[str]) -> str:
    """Return which of the known words is nearest to one; empty if none is near."""
    # difflib is quadratic in the length, and slow to load: a hostile name must not cost
    # seconds, nor a right one anything
    if not word or len(word) > 60:
        return ""
    from difflib import get_close_matches

    near = get_close_matches(word, [*islice(known, 5000)], n=1)
    return near[0] if near else ""


def did_you_mean(word: str, known: Iterable[str], quoted: bool = False) -> str:
    """Return a question that names what is nearest to a word; empty if nothing is near."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near and quoted else near and f"did you mean {near}?"
