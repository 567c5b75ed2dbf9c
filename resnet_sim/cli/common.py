"""What the subcommands share: exit status, reading the deck, delivering results, messages."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NetlistError, UsageError
from ..results.formats.registry import FORMATS
from ..workers.progress import report
from .options import reading

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic
    from ..model.circuit import Circuit
    from ..results.operating_point import OperatingPoint
    from ..results.predictions import Result

SOLVED, TOLERANCE, BAD_INPUT, NO_SOLUTION, NO_SIMULATOR, NO_WORKERS = 0, 1, 2, 3, 4, 5
INTERNAL_ERROR, INTERRUPTED, BROKEN_PIPE = 70, 130, 141

#: so many points without solution are explained on stderr
MOST_EXPLAINED = 5


def load(options: argparse.Namespace) -> Circuit:
    """Read the deck and apply ``--set``, ``--close`` and ``--open``."""
    from ..diagnostics import Diagnostic
    from ..netlist import read_netlist

    report("reading %s", options.file)
    options.circuit = circuit = read_netlist(options.file, **reading(options))
    report("%d nodes, %d elements", len(circuit.nodes), circuit.n_elements)
    if not circuit.n_elements:
        message = "nothing to solve: the file holds no elements, only definitions"
        hint = "include it in a deck that has elements"
        raise NetlistError([*circuit.diagnostics, Diagnostic("E101", message, hint=hint)])
    circuit = circuit.with_settings(dict(options.set))
    switches = dict.fromkeys(options.open, False) | dict.fromkeys(options.close, True)
    if both := set(options.open) & set(options.close):
        raise UsageError(f"{min(both)} can't be both open and closed")
    return circuit.with_switches(switches) if switches else circuit


def check_output(options: argparse.Namespace, circuit: Circuit | None = None) -> None:
    """Refuse what can't be written, before time is spent on a result."""
    names = getattr(options, "print", None) or (circuit.outputs if circuit else ())
    for name in names:
        if circuit and name != "all":
            from ..results.outputs import check_name

            check_name(circuit, name)
    if options.output in (None, "-"):
        form = getattr(options, "format", None)
        if form is not None and not FORMATS[form].text:
            raise UsageError(f"{form} is not text: name a file with -o")
        return
    from ..model.outputs import OUTPUT

    if OUTPUT.fullmatch(options.output):  # elsewhere --output says what is asked for
        raise UsageError(f"-o names a file: --print '{options.output}' says what to write")
    target = Path(options.output).resolve()
    sources = circuit.sources if circuit else ()
    if any(Path(source.name).resolve() == target for source in sources):
        raise UsageError(f"the output {options.output} would overwrite the netlist")
    if target.is_dir():
        raise UsageError(f"the output {options.output} is a directory")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UsageError(f"can't write {options.output}: no such directory, or read-only")


def deliver(content: str | bytes | Iterable[str | bytes], options: argparse.Namespace) -> None:
    """Print the text, maybe in parts, or replace the output file by it; bytes need a file."""
    if options.output in (None, "-"):
        parts = [content] if isinstance(content, str | bytes) else content
        sys.stdout.writelines(map(str, parts))
    else:
        from ..workers.atomic_file import replace_file

        replace_file(Path(options.output).resolve(), content)


def deliver_results(
    results: Sequence[Result], options: argparse.Namespace, answers: dict[str, Any] | None = None
) -> None:
    """Write results in the format and with the outputs that are asked for."""
    form = FORMATS[options.format]
    if answers and not form.reports:
        others = " and ".join(f.name for f in FORMATS.values() if f.reports)
        complain(f"what .sens, .tf, .meas and --worst ask for is in --format {others}")
    with _fitted(options):
        deliver(form.parts(results, getattr(options, "print", ()), answers), options)


@contextmanager
def _fitted(options: argparse.Namespace) -> Iterator[None]:
    """Make tables as wide as the terminal, if that is where they go."""
    if options.format != "table" or options.output is not None or not sys.stdout.isatty():
        yield
        return
    import shutil

    from ..results.formats.table import terminal

    token = terminal.set(shutil.get_terminal_size().columns)
    try:
        yield
    finally:
        terminal.reset(token)


def verdict(ops: Sequence[OperatingPoint]) -> int:
    """Return the exit status, and say on stderr what has no solution or is not exact."""
    for op in ops:
        for point, reason in list(op.unsolved.items())[:MOST_EXPLAINED]:
            complain(f"point {point} of the sweep (from 0) has no solution: {reason}")
        if (more := len(op.unsolved) - MOST_EXPLAINED) > 0:
            complain(f"{more} more points have no solution: --format json explains each")
        if op.status == "not converged":
            complain("not converged: " + "; ".join(op.certificate.failures[:3]))
    statuses = {op.status for op in ops}
    if "no solution" in statuses:
        return NO_SOLUTION
    return TOLERANCE if "not converged" in statuses else SOLVED


#: codes and severities that are not shown; what ``--silence`` and ``--quiet`` say
_silenced: set[str] = set()


def silence(options: argparse.Namespace) -> None:
    """Show no more of what ``--silence`` and ``--quiet`` name."""
    _silenced.clear()
    _silenced.update(getattr(options, "silence", ()))
    if getattr(options, "quiet", False):
        _silenced.update(("warning", "note"))


def show_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Print each diagnostic once on stderr."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for diagnostic in dict.fromkeys(diagnostics):
        if not _silenced.isdisjoint((diagnostic.code, diagnostic.severity)):
            continue
        head, *rest = diagnostic.render().split("\n")
        if colour:
            red, yellow, cyan = "\033[1;31m", "\033[1;33m", "\033[1;36m"
            paint = {"error": red, "warning": yellow}.get(diagnostic.severity, cyan)
            head = f"{paint}{head}\033[0m"
        print("\n".join([head, *rest]), file=sys.stderr)


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"resnet-sim: {message}", file=sys.stderr)


def explain(options: argparse.Namespace, text: str) -> None:
    """With ``--debug``, print on stderr what solves many points, and why nothing faster does."""
    if options.debug and text:
        print(text, file=sys.stderr)
