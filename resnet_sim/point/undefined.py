"""Formulas that have no value at the only voltages that there can be."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..diagnostics import Diagnostic, Span
from ..errors import ConvergenceError
from ..model.derivatives import FUNCTIONS
from ..model.formula import Formula, Sum
from ..model.spelling import spelled
from .equations import Equations

#: what stands for a value that the stage is still to find, V: none of them must help
ANY = np.array([0.0, 1.0, -1.0, 0.1, 10.0])
#: where a search begins, V
NOTHING = np.zeros(1)


def undefined(equations: Equations) -> ConvergenceError | None:
    """Return the error that names a function of a formula without a value at any unknowns.

    Its argument is what other stages have found.  There is none where there is no such function.
    """
    if (found := _first(equations, ANY)) is None:
        return None
    name, place, span, fault = found
    hint = "the rest of the circuit fixes the argument: check it, or say what holds there"
    told = Diagnostic("E208", f"{name}: {fault}", span, hint)
    return ConvergenceError(f"{name}{place}: {fault}", (told,))


def undefined_at_first(equations: Equations) -> str:
    """Return words about a formula that has no value where all that is unknown is 0 V."""
    found = _first(equations, NOTHING)
    return f"; with 0 V to begin with, in {found[0]}{found[1]} {found[3]}" if found else ""


def _first(equations: Equations, any_of: Floats) -> tuple[str, str, Span | None, str] | None:
    """Return name, place and fault of the first formula without a value."""
    circuit = equations.red.circuit
    for element in dict.fromkeys(equations.laws.element.tolist()):
        table, row = circuit.locate(element)
        formulas = getattr(circuit.tables[table], "formulas", ())
        fault = _fault(equations, formulas[row], any_of) if formulas else ""
        if fault:
            span = circuit.span(element)
            place = f" (line {span.line})" if span else ""
            return circuit.element_names[element], place, span, fault
    return None


def _fault(equations: Equations, formula: Formula, any_of: Floats) -> str:
    """Name the first known call without a value if then the formula has none either."""
    volts = equations.state.node_voltages()
    known = ~(equations.moved | equations.later)
    if any_of is NOTHING:  # there nothing is unknown
        volts, known = np.where(known, volts, 0.0), np.ones_like(known)
    values: list[tuple[Floats, bool]] = []

    def total(some: Sum) -> tuple[Floats, bool]:
        value, sure = np.full(len(any_of), some.constant), not some.currents
        for node, gain in some.voltages:
            sure &= bool(known[int(node)])
            value = value + gain * (volts[int(node)] if known[int(node)] else any_of)
        for _, gain in some.currents:
            value = value + gain * any_of
        for call, gain in some.calls:
            value, sure = value + gain * values[call][0], sure and values[call][1]
        return value, sure

    fault = ""
    with np.errstate(all="ignore"):
        for number, call in enumerate(formula.calls):
            arguments = [total(some) for some in call.arguments]
            value = np.asarray(FUNCTIONS[call.name](*(each for each, _ in arguments))[0])
            values.append((value, all(sure for _, sure in arguments)))
            if not fault and values[-1][1] and not np.isfinite(value).any():
                fault = _words(equations, formula, number, [float(x[0]) for x, _ in arguments])
        return "" if np.isfinite(total(formula.value)[0]).any() else fault


def _words(equations: Equations, formula: Formula, number: int, at: list[float]) -> str:
    circuit = equations.red.circuit
    text = spelled(
        Formula(Sum.of_call(number), formula.calls[: number + 1]),
        circuit.nodes.__getitem__, circuit.element_names.__getitem__,
    )  # fmt: skip
    arguments = "its argument is" if len(at) == 1 else "its arguments are"
    return f"{text[1:-1]} is undefined where {arguments} {' and '.join(f'{x:.6g}' for x in at)}"
