"""What a solver made of a circuit, judged by the witnesses.

`verdict` returns one of the words below; a test then says which of them it accepts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from circuits import CONVEX, LARGE, ONE_WAY, random_circuit
from convex_witness import operating_point, solvable, unique_voltages
from enumeration import (
    MOST_COMBINATIONS,
    Outcome,
    Undecided,
    all_outcomes,
    apart,
    combinations,
    merged,
)
from laws import violations

from resnet_sim import ConvergenceError, OperatingPoint, TopologyError, format_netlist, solve

RIGHT = "right"
RIGHTLY_REFUSED = "rightly refused"
#: said that it found nothing although there is a solution: honest
GAVE_UP = "gave up"
#: could not tell that there is no solution: honest
UNPROVED = "unproved"
#: proved that there is no solution although there is one
REFUSED = "refused a solvable circuit"
#: a certified answer to a circuit without a solution
INVENTED = "invented"
WRONG = "wrong"
#: several isolated solutions exist, and nothing says so; or only one, and something does
SILENT = "several solutions not reported"
CRIED_WOLF = "several solutions reported of one"
#: a current that is one of many, given as if it were the only one
UNFLAGGED = "current not flagged as one of many"
#: the witness has no opinion
UNJUDGED = "unjudged"

ERRORS = {REFUSED, INVENTED, WRONG, SILENT, CRIED_WOLF, UNFLAGGED}
VOLTS = 1e-7


class Verdict(NamedTuple):
    word: str
    detail: str = ""


def attempt(circuit, method: str) -> OperatingPoint | TopologyError | ConvergenceError:
    try:
        return solve(circuit, method=method)
    except (TopologyError, ConvergenceError) as error:
        return error


def verdict(circuit, method: str = "auto", *, connected: bool = False) -> Verdict:
    """Judge a circuit that can be exhausted; `connected`: its solutions hang together."""
    try:
        found = all_outcomes(circuit)
    except Undecided as error:
        return Verdict(UNJUDGED, str(error))
    result = attempt(circuit, method)
    if isinstance(result, OperatingPoint) and result.certificate.ok:
        if not found:
            return Verdict(INVENTED, str(result.voltages))
        truths = [merged(found)] if connected else apart(found)
        return _compare(result, truths, connected)
    proved = isinstance(result, TopologyError)
    if not found:
        return Verdict(RIGHTLY_REFUSED if proved else UNPROVED)
    detail = str(result if isinstance(result, Exception) else result.certificate.failures)
    return Verdict(REFUSED if proved else GAVE_UP, detail)


def _compare(result: OperatingPoint, truths: list[Outcome], connected: bool) -> Verdict:
    broken = violations(
        result.circuit, result.node_voltages, result.element_currents, result.closed
    )
    if broken:
        return Verdict(WRONG, "; ".join(broken[:3]))
    misses = [_differences(result, truth) for truth in truths]
    fewest = min(map(len, misses))
    best = [truth for truth, miss in zip(truths, misses, strict=True) if len(miss) == fewest]
    if fewest:
        first = next(miss for miss in misses if len(miss) == fewest)
        return Verdict(WRONG, "node: got, true: " + "; ".join(first[:5]))
    said = any(d.code == "W205" for d in result.diagnostics)
    if not connected and said != (len(truths) > 1) and not len(result.circuit.switches):
        return Verdict(CRIED_WOLF if said else SILENT, f"{len(truths)} solutions")
    # Solutions may differ by less than VOLTS in their voltages and by more in their currents,
    # which flow through milliohms.  A result is one of them if it has the currents of the same
    # one whose voltages it has; nothing is accepted that no single solution says.
    judged = [_currents(result, truth) for truth in best]
    return next((j for j in judged if j.word == RIGHT), judged[0])


def _differences(result: OperatingPoint, truth: Outcome) -> list[str]:
    pairs = zip(result.circuit.nodes, result.node_voltages, truth.voltages, strict=True)
    return [f"{n}: {got!r}, {_show(true)}" for n, got, true in pairs if not _same(got, true, VOLTS)]


def _currents(result: OperatingPoint, truth: Outcome) -> Verdict:
    """Unique currents must be right, others flagged or undefined."""
    largest = max((abs(float(c)) for c in truth.currents if c is not None), default=0.0)
    wrong, loose = [], []
    names = result.circuit.element_names
    for name, got, true in zip(names, result.element_currents, truth.currents, strict=True):
        if true is None and not math.isnan(got) and name not in result.nonunique:
            loose.append(name)
        elif true is not None and not _same(got, true, 1e-8 * largest + 1e-15):
            wrong.append(f"i({name}) = {got!r}, truly {_show(true)}")
    if wrong:
        return Verdict(WRONG, "; ".join(wrong[:5]))
    return Verdict(UNFLAGGED, ", ".join(loose)) if loose else Verdict(RIGHT)


def _same(got: float, true: Fraction | None, absolute: float) -> bool:
    if true is None:
        return math.isnan(got)
    return abs(got - float(true)) <= max(absolute, VOLTS * abs(float(true)))


def _show(value: Fraction | None) -> str:
    return "not unique" if value is None else repr(float(value))


def verdict_of_large(circuit, method: str = "auto") -> Verdict:
    """Judge a circuit without controlled sources by linear and quadratic programs."""
    result = attempt(circuit, method)
    possible = solvable(circuit)
    if isinstance(result, Exception) or not result.certificate.ok:
        if isinstance(result, TopologyError):
            return Verdict(REFUSED, str(result)) if possible else Verdict(RIGHTLY_REFUSED)
        return Verdict(GAVE_UP if possible else UNPROVED)
    if not possible:
        return Verdict(INVENTED)
    broken = violations(circuit, result.node_voltages, result.element_currents, result.closed)
    if broken:
        return Verdict(WRONG, "; ".join(broken[:3]))
    witness = operating_point(circuit)
    if witness is None:
        return Verdict(UNJUDGED)
    true = unique_voltages(circuit, witness[0])
    close = np.isclose(result.node_voltages, true, rtol=VOLTS, atol=VOLTS, equal_nan=True)
    wrong = [circuit.nodes[k] for k in np.flatnonzero(~close)]
    return Verdict(WRONG, f"nodes {wrong}") if wrong else Verdict(RIGHT)


def survey(
    family: str, seeds: Iterable[int], method: str = "auto", decades: int = 6
) -> tuple[Counter[str], list[str]]:
    """Judge many circuits of a family: how often each word fell, and a text for each error."""
    words: Counter[str] = Counter()
    reports = []
    for seed in seeds:
        circuit = random_circuit(family, seed, decades=decades)
        if family in LARGE:
            judged = verdict_of_large(circuit, method)
        elif combinations(circuit) > MOST_COMBINATIONS:
            judged = Verdict(UNJUDGED)
        else:
            judged = verdict(circuit, method, connected=family in CONVEX | ONE_WAY)
        words[judged.word] += 1
        if judged.word not in (RIGHT, RIGHTLY_REFUSED, UNJUDGED):
            title = f"{family}, seed {seed}, method {method}, {decades} decades: {judged.word}"
            reports.append(f"{title}\n{judged.detail}\n{format_netlist(circuit)}")
    return words, reports
