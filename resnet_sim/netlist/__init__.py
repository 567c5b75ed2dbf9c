"""The netlist language: text to `Circuit` and back."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..diagnostics import Diagnostic
from ..errors import NetlistError, UsageError
from ..model.circuit import Circuit
from ..model.names import file_name, one, spelled, whole, word
from .dialects import DIALECTS
from .read.elaborate import Elaboration
from .read.expansion import MAX_ELEMENTS
from .read.parser import Parser
from .read.parts import NAME as PARTS
from .read.parts import names as names_of_parts
from .read.parts import text as text_of_parts
from .report import Abandoned, Report
from .source import Unreadable, read_text

if TYPE_CHECKING:
    from .write.export import exported_names, format_netlist, write_netlist

__all__ = ["exported_names", "format_netlist", "parse_netlist", "read_netlist", "write_netlist"]

#: modules that other packages may use
DOORS = (
    "dialects", "expressions.functions", "expressions.machine", "expressions.programs",
    "read.grammar", "report", "source", "write.dialects", "write.export",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    # reading, which most commands do and nothing else, need not wait for the writers
    if name in ("exported_names", "format_netlist", "write_netlist"):
        from .write import export

        return getattr(export, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@spelled
def read_netlist(
    path: str | os.PathLike[str],
    *,
    overrides: Mapping[str, float] | None = None,
    forward_drop: float | None = None,
    diodes: str | None = None,
    dialect: str = "auto",
    title: bool = True,
    builtin_parts: bool = False,
    max_elements: int = MAX_ELEMENTS,
    includes: Sequence[str | os.PathLike[str]] | None = None,
) -> Circuit:
    r"""Read a SPICE netlist from a file.

    Parameters
    ----------
    path : str or path-like
        ``"-"`` is standard input.
    overrides, forward_drop, diodes, dialect, title, builtin_parts, max_elements, includes
        See `parse_netlist`.

    Raises
    ------
    NetlistError
        If the file can't be read or there is any error in it; carries all diagnostics.
    UsageError
        If an override names no parameter.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("load.net").write_text("load\n.param r=1k\nV1 a 0 1\nR1 a 0 {r}")
    >>> rs.solve(rs.read_netlist("load.net", overrides={"r": 2e3})).current("r1")
    0.0005
    """
    name = os.fspath(file_name(path, "a netlist's name"))
    try:
        text, is_utf8 = read_text(path)
    except Unreadable as error:
        message = f"can't read {name}: {error}"
        raise NetlistError([Diagnostic("E101", message)]) from None
    report = Report()
    if not is_utf8:
        report.add("W118", f"{name} is not UTF-8: read as Latin-1")
    directory = Path() if name == "-" else Path(path).parent
    shown = "<stdin>" if name == "-" else str(name)
    return _parse(
        text, shown, directory, report, True, overrides, forward_drop, diodes, dialect, title,
        builtin_parts, max_elements, includes,
    )  # fmt: skip


@spelled
def parse_netlist(
    text: str,
    *,
    name: str = "<text>",
    directory: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, float] | None = None,
    forward_drop: float | None = None,
    diodes: str | None = None,
    dialect: str = "auto",
    title: bool = True,
    builtin_parts: bool = False,
    max_elements: int = MAX_ELEMENTS,
    includes: Sequence[str | os.PathLike[str]] | None = None,
    quick: bool = True,
) -> Circuit:
    r"""Parse a SPICE netlist; its first line is the title, unless it has none.

    Parameters
    ----------
    text : str
    name : str
        What messages call the text.
    directory : path-like, optional
        Where the names of included files start from; default: the working directory.
    overrides : mapping of str to float, optional
        Values that replace those of top-level ``.param`` cards; ``temp`` is in Celsius.
    forward_drop : float, optional
        Forward voltage (V) of piecewise-linear diodes whose model gives no Vfwd; default: what
        ``.options vfwd=`` says, or 0.
    diodes : {"real", "ideal", "pieces:K"}, optional
        How models of junction diodes (``IS``, ``N``, ``RS`` ...) are read: as they stand, as
        piecewise linear with one knee, or with K straight pieces; default: what
        ``.options diodes=`` says, or as they stand.
    dialect : {"auto", "ngspice", "ltspice", "pspice", "xyce", "hspice"}
        As which simulator reads it, where they differ; ``"auto"`` recognises it from the deck,
        and says so by a note (N110), and takes ngspice's language with ideal elements if
        nothing is recognised.
    title : bool
        False says that the deck has no title: its first line is a card as any other.
    builtin_parts : bool
        Amplifiers and diodes that the deck does not define may be built-in ideal ones.
    max_elements : int
        Decks that expand to more are refused.
    includes : sequence of path-like, optional
        Folders that files may be included from, with what is in them; default: any.
    quick : bool
        False leaves every card to the grammar: slow, and the same result.

    Raises
    ------
    NetlistError
        If there is any error; carries all diagnostics, warnings and notes included.
    UsageError
        If an override names no parameter, or the dialect is unknown.

    Examples
    --------
    >>> circuit = rs.parse_netlist("divider\n.param r=1k\nV1 in 0 1\nR1 in out {r}\nR2 out 0 {3*r}")
    >>> circuit.nodes, circuit.element_names
    (('0', 'in', 'out'), ('r1', 'r2', 'v1'))
    >>> round(rs.solve(circuit).voltage("out"), 9)
    0.75
    >>> rs.parse_netlist("V1 a 0 1\nR1 a 0 1k", title=False).element_names
    ('r1', 'v1')
    """
    where = Path() if directory is None else Path(file_name(directory, "the directory"))
    return _parse(
        text, name, where, Report(), quick, overrides, forward_drop, diodes, dialect, title,
        builtin_parts, max_elements, includes,
    )  # fmt: skip


def _parse(
    text: str, name: str, directory: Path, report: Report, quick: bool,
    overrides: Mapping[str, float] | None, forward_drop: float | None, diodes: str | None,
    dialect: str, title: bool, builtin_parts: bool, max_elements: int,
    includes: Sequence[str | os.PathLike[str]] | None,
) -> Circuit:  # fmt: skip
    if word(dialect, "the dialect") not in ("auto", *DIALECTS):
        raise UsageError(f"dialect={dialect!r} is not known: auto, {', '.join(DIALECTS)}")
    if not isinstance(text, str):
        kind = type(text).__name__
        raise UsageError(f"the text of a netlist is needed, not {kind}; read_netlist reads files")
    forward_drop = forward_drop if forward_drop is None else one("forward_drop", forward_drop)
    if forward_drop is not None and not math.isfinite(forward_drop):
        raise UsageError(f"forward_drop is a finite voltage, not {forward_drop}")
    whole(max_elements, "max_elements", 1)
    if isinstance(includes, str | os.PathLike):
        includes = [includes]
    if not isinstance(includes, Iterable | None):
        raise UsageError(f"includes are folders, not {type(includes).__name__}")
    named = includes if includes is None else [file_name(one, "a folder") for one in includes]
    allowed = None if named is None else list(map(Path, named))
    try:
        parser = Parser(report, dialect, titled=title, quick=quick, includes=allowed)
        deck = parser.parse(text, name, directory)
    except Abandoned:
        report.check()
        raise
    if builtin_parts:
        deck.parts = Parser(report, report.dialect.name).parse(text_of_parts(), PARTS, Path()).body
    else:
        report.parts = names_of_parts
    return Elaboration(
        deck, {} if overrides is None else overrides, forward_drop=forward_drop, diodes=diodes,
        max_elements=max_elements, quick=quick,
    ).run()  # fmt: skip
