"""The ``resnet-sim`` command.

Exit status: 0 solved and certified; 1 the tolerance was not met; 2 bad usage or bad
netlist; 3 the circuit has no solution; 4 ngspice is missing or failed; 70 internal error;
130 interrupted.

Modules that need numpy are imported inside the functions that use them: ``--help`` must
not wait for them.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import Command, build_parser
from .errors import (
    ConvergenceError,
    NetlistError,
    ResnetSimError,
    SimulatorError,
    TopologyError,
    UsageError,
)

if TYPE_CHECKING:
    from .circuit import Circuit
    from .diagnostics import Diagnostic
    from .results import OperatingPoint

SOLVED, TOLERANCE, BAD_INPUT, NO_SOLUTION, NO_SIMULATOR = 0, 1, 2, 3, 4
INTERNAL_ERROR, INTERRUPTED, BROKEN_PIPE = 70, 130, 141

#: so many points of a sweep without solution are explained on stderr
MAX_POINTS_EXPLAINED = 5

_EXIT_STATUS = {"solved": SOLVED, "not converged": TOLERANCE, "no solution": NO_SOLUTION}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; `arguments` default to ``sys.argv[1:]``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a C locale must not stop a result
    options = build_parser(COMMANDS).parse_args(arguments)
    try:
        status = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more when it exits: give it somewhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        print("resnet-sim: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def _run(options: argparse.Namespace) -> int:
    try:
        status: int = options.command(options)
    except BrokenPipeError:
        raise
    except Exception as error:
        return _report_failure(error, options)
    return status


# ---- commands ----


def _solve(options: argparse.Namespace) -> int:
    from .analysis import run

    circuit = _load(options)
    _check_output(options, circuit)
    ops = run(circuit, method=options.method, tolerance=options.tolerance)
    _show_diagnostics(d for op in ops for d in op.diagnostics)
    _deliver(_format(ops, options.format), options)
    status = max((_EXIT_STATUS[op.status] for op in ops), default=SOLVED)
    for op in ops:
        for point, reason in list(op.unsolved.items())[:MAX_POINTS_EXPLAINED]:
            _complain(f"point {point} of the sweep (from 0) has no solution: {reason}")
        if (more := len(op.unsolved) - MAX_POINTS_EXPLAINED) > 0:
            _complain(f"{more} more points have no solution: --format json explains each")
        if op.status == "not converged":
            _complain("not converged: " + "; ".join(op.certificate.failures[:3]))
    if options.strict and status == SOLVED and any(op.floating for op in ops):
        _complain("part of the circuit floats, which --strict does not accept")
        return NO_SOLUTION
    return status


def _check(options: argparse.Namespace) -> int:
    from .analysis import check
    from .output import diagnostic_record

    circuit = _load(options)
    diagnostics = tuple(dict.fromkeys((*circuit.diagnostics, *check(circuit))))
    _show_diagnostics(diagnostics)
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = sum(d.severity == "warning" for d in diagnostics)
    floats = any(d.code == "W201" for d in diagnostics)
    if options.format == "json":
        import json

        record = {
            "title": circuit.title,
            "status": "no solution" if errors else "ok",
            "diagnostics": [diagnostic_record(d) for d in diagnostics],
        }
        print(json.dumps(record, allow_nan=False))
    else:
        print(f"{options.file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return NO_SOLUTION if errors or (options.strict and floats) else SOLVED


def _export(options: argparse.Namespace) -> int:
    from .netlist import format_netlist

    circuit = _load(options)
    _check_output(options, circuit)
    text = format_netlist(circuit, dialect=options.to)
    _show_diagnostics(circuit.diagnostics)
    _deliver(text, options)
    return SOLVED


def _validate(options: argparse.Namespace) -> int:
    from . import ngspice

    circuit = _load(options)
    report = ngspice.compare(
        circuit,
        against=options.against,
        columns=options.columns,
        rtol=options.rtol,
        time_limit=options.time_limit,
    )
    _show_diagnostics(d for part in report.comparisons for d in part.op.diagnostics)
    form = ngspice.format_json if options.format == "json" else ngspice.format_report
    sys.stdout.write(form(report))
    return ngspice.exit_status(report)


def _load(options: argparse.Namespace) -> Circuit:
    """Read the deck and apply ``--set``, ``--close`` and ``--open``."""
    from .netlist import read_netlist

    extra: dict[str, Any] = {}
    if options.forward_drop is not None:
        extra["forward_drop"] = options.forward_drop
    options.circuit = circuit = read_netlist(options.file, **extra)
    values = dict(options.set)
    elements = {name: value for name, value in values.items() if name in circuit.element_names}
    parameters = {name: value for name, value in values.items() if name not in elements}
    if parameters:
        circuit = circuit.with_parameters(parameters)
    if elements:
        circuit = circuit.with_values(elements)
    switches = dict.fromkeys(options.open, False) | dict.fromkeys(options.close, True)
    if both := set(options.open) & set(options.close):
        raise UsageError(f"{min(both)} can't be both open and closed")
    return circuit.with_switches(switches) if switches else circuit


def _format(ops: Sequence[OperatingPoint], form: str) -> str:
    if form == "table":
        from .table import format_table

        return format_table(ops)
    from . import output

    return {"json": output.format_json, "csv": output.format_csv, "raw": output.format_raw}[form](
        ops
    )


# ---- where results and messages go ----


def _check_output(options: argparse.Namespace, circuit: Circuit) -> None:
    """Refuse an output file that can't be, before time is spent on a result."""
    if options.output in (None, "-"):
        return
    target = Path(options.output).resolve()
    if any(Path(source.name).resolve() == target for source in circuit.sources):
        raise UsageError(f"the output {options.output} would overwrite the netlist")
    if target.is_dir():
        raise UsageError(f"the output {options.output} is a directory")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UsageError(f"can't write {options.output}: no such directory, or read-only")


def _deliver(text: str, options: argparse.Namespace) -> None:
    """Print the text, or replace the output file by it."""
    if options.output in (None, "-"):
        sys.stdout.write(text)
    else:
        from .files import replace_file

        replace_file(Path(options.output).resolve(), text)


def _show_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for diagnostic in dict.fromkeys(diagnostics):
        head, *rest = diagnostic.render().split("\n")
        if colour:
            red, yellow, cyan = "\033[1;31m", "\033[1;33m", "\033[1;36m"
            paint = {"error": red, "warning": yellow}.get(diagnostic.severity, cyan)
            head = f"{paint}{head}\033[0m"
        print("\n".join([head, *rest]), file=sys.stderr)


def _complain(message: str) -> None:
    print(f"resnet-sim: {message}", file=sys.stderr)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _report_failure(error: Exception, options: argparse.Namespace) -> int:
    """Say on stderr, and in JSON if that was wanted, why there is no result."""
    exit_status, status, message = _explain(error)
    if exit_status == INTERNAL_ERROR and options.debug:
        import traceback

        traceback.print_exception(error)
    own: tuple[Diagnostic, ...] = getattr(error, "diagnostics", ())
    circuit = getattr(options, "circuit", None)  # if it got as far as that
    diagnostics = (*circuit.diagnostics, *own) if circuit is not None else own
    _show_diagnostics(diagnostics)
    if not own:
        _complain(message)
    if getattr(options, "format", None) == "json":
        import json

        from .output import diagnostic_record

        records = [diagnostic_record(d) for d in diagnostics]
        if not own:
            blank = dict.fromkeys(("file", "line", "column", "hint"))
            records.append({"code": None, "severity": "error", "message": message} | blank)
        title = None if circuit is None else circuit.title
        record = {"title": title, "status": status, "diagnostics": records}
        if isinstance(error, TopologyError):
            record |= {"elements": error.elements, "nodes": error.nodes, "lines": error.lines}
        print(json.dumps(record, allow_nan=False))
    return exit_status


def _explain(error: Exception) -> tuple[int, str, str]:
    """Return exit status, status word and message of an exception."""
    if isinstance(error, TopologyError):
        return NO_SOLUTION, "no solution", str(error)
    if isinstance(error, ConvergenceError):
        return TOLERANCE, "not converged", f"not converged: {error}"
    if isinstance(error, SimulatorError):
        return NO_SIMULATOR, "ngspice failed", f"error: {error}"
    if isinstance(error, NetlistError | ResnetSimError):
        return BAD_INPUT, "error", f"error: {error}"
    if isinstance(error, OSError) and error.filename is not None:
        return BAD_INPUT, "error", f"error: {error.filename}: {error.strerror}"
    kind = type(error).__name__
    text = f"internal error: {kind}: {error}; --debug shows where; please report it"
    return INTERNAL_ERROR, "error", text


COMMANDS: dict[str, Command] = {
    "solve": _solve,
    "check": _check,
    "export": _export,
    "validate": _validate,
}
