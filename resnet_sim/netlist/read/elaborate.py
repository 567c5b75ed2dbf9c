"""Deck to circuit: parameters get values, subcircuits are expanded, elements are built."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from ...diagnostics import Diagnostic
from ...errors import UsageError
from ...model.builder import CircuitBuilder
from ...model.circuit import Circuit
from ...model.devices.cards import READINGS, Conditions, bad_reading
from ...model.devices.device import number
from ...model.names import folded, mapping
from ..dialects import Dialect
from ..expressions.functions import drawing
from ..report import Abandoned
from .alterations import RUN
from .analyses import AnalysisReader
from .body_cache import Preparer
from .deck import Body, Deck
from .declarations import Gatherer
from .expansion import MAX_ELEMENTS, Expansion
from .models import ModelReader
from .placer import Placer
from .scope import Evaluator, Scope

#: names of ordinary nodes that look like ground
_LIKE_GROUND = ("00", "ground", "gnd!", "0!", "vss")


class Elaboration:
    """One elaboration of a deck.

    Parameters
    ----------
    overrides : mapping of str to float
        Values that replace those of top-level .param cards; ``temp`` is the temperature.
    forward_drop, diodes : optional
        As in `parse_netlist`.
    max_elements : int
        Limit of the expansion.
    quick : bool
        False: no short cuts around the grammar.
    draw : str, optional
        Seed of random functions, which otherwise are what is nominal.
    """

    def __init__(
        self,
        deck: Deck,
        overrides: Mapping[str, float],
        *,
        forward_drop: float | None = None,
        diodes: str | None = None,
        max_elements: int = MAX_ELEMENTS,
        quick: bool = True,
        draw: str | None = None,
    ) -> None:
        self._deck, self._report, self._draw = deck, deck.report.copy(), draw
        named = mapping(overrides, "parameters").items()
        overrides = {name: number(name, value) for name, value in named}
        given = {"forward_drop": forward_drop, "diodes": diodes}
        options: dict[str, Any] = {**given, "max_elements": max_elements, "quick": quick}
        self._overrides, self._quick = overrides, quick
        self._rebuild = partial(_rebuild, deck, overrides, options)
        self._body = _run(deck, overrides)
        self._preparer = Preparer(self._report, deck.body, self._body, quick=quick)
        self._evaluator = Evaluator(self._report)
        conditions = _conditions(self._report.dialect, forward_drop, diodes)
        models = ModelReader(self._report, self._evaluator, conditions, overrides)
        self._builder = CircuitBuilder(deck.title)
        self._placer = Placer(self._builder, self._report, self._evaluator, models)
        self._parts = Scope("", deck.parts or Body())
        self._top = Scope("", self._body, outer=self._parts)
        fixed = frozenset(name for name, value in given.items() if value is not None)
        self._gatherer = Gatherer(
            self._report, self._preparer, self._evaluator, self._placer, overrides, fixed,
            quick=quick,
        )  # fmt: skip
        self._expansion = Expansion(
            self._placer, self._preparer, self._gatherer, self._parts, self._top,
            max_elements=max_elements, quick=quick, draws=draw is not None,
        )  # fmt: skip

    def run(self) -> Circuit:
        """Return the circuit.

        Raises
        ------
        NetlistError
        UsageError
            If an override names no parameter.
        """
        try:
            with drawing(self._draw):
                reader = self._elaborate()
        except Abandoned:
            self._report.check()
            raise
        diagnostics = self._report.check()
        circuit = self._builder.build(
            analyses=reader.analyses(),
            nodeset=reader.nodeset,
            outputs=tuple(reader.outputs),
            plots=tuple(reader.plots),
            formulas=reader.formulas,
            derivatives=tuple(reader.requests.derivatives),
            measures=tuple(reader.requests.measures),
            diagnostics=diagnostics,
            sources=tuple(file.as_source() for file in self._report.files),
            rebuild=self._rebuild,
            overrides=self._overrides,
            parameters=self._top.independent(),
            spread=self._placer.spread,
        )
        return self._check_ground(circuit)

    def _elaborate(self) -> AnalysisReader:
        self._gatherer.set_temperature(self._report.dialect.celsius, self._top)
        self._gatherer.gather(self._parts.body, self._parts, self._top)
        self._gatherer.gather(self._body, self._top, self._top)
        runs = len(self._deck.runs)
        self._gatherer.check_overrides(self._top, {RUN} if runs > 1 else set())
        self._expansion.elements(self._body, self._top)
        self._placer.shunt_nodes()
        # what refers to an element that is missing for its errors needs no error of its own
        failed = self._placer.failed
        failed |= self._preparer.unreadable
        self._placer.check()
        reader = AnalysisReader(
            self._report,
            self._evaluator,
            self._top,
            self._builder,
            failed,
            self._placer.factors,
            quick=self._quick,
        )
        # tables stand where they like
        for keyword, card in sorted(self._gatherer.commands, key=lambda c: c[0] != "data"):
            reader.read(keyword, card)
        reader.repeat(runs)
        reader.finish()
        return reader

    def _check_ground(self, circuit: Circuit) -> Circuit:
        """Warn of names that people take for ground, where there is no ground."""
        p, q = circuit.terminals
        if not circuit.n_elements or (p == 0).any() or (q == 0).any():
            return circuit
        for name in _LIKE_GROUND:
            if name not in circuit.nodes:
                continue
            node = circuit.node(name)
            span = circuit.span(int(((p == node) | (q == node)).argmax()))
            message = f"node {name!r} is not ground"
            warning = Diagnostic("W107", message, span, "ground is called 0 or gnd")
            circuit = dataclasses.replace(circuit, diagnostics=(*circuit.diagnostics, warning))
        return circuit


def _rebuild(
    deck: Deck,
    overrides: Mapping[str, float],
    options: Mapping[str, Any],
    values: Mapping[str, float],
    draw: str | None = None,
) -> Circuit:
    """Elaborate a deck anew; what is called as ``Circuit.rebuild``."""
    merged = {**overrides, **{folded(name): value for name, value in values.items()}}
    return Elaboration(deck, merged, draw=draw, **options).run()


def _run(deck: Deck, overrides: Mapping[str, float]) -> Body:
    """Return the cards of the run that is asked for."""
    run = overrides.get(RUN, 0.0)
    if len(deck.runs) < 2 or run in range(len(deck.runs)):
        return deck.runs[int(run)] if len(deck.runs) > 1 else deck.body
    raise UsageError(f"{RUN} is a number from 0 to {len(deck.runs) - 1}, not {run:g}")


def _conditions(spoken: Dialect, forward_drop: float | None, diodes: str | None) -> Conditions:
    """Return what the whole deck says of devices, before any of its cards."""
    if diodes is not None and (known := bad_reading(diodes)):
        raise UsageError(f"diodes={diodes!r} is not known: {known}")
    return Conditions(
        spoken.celsius, spoken.celsius, forward_drop=forward_drop, diodes=diodes or READINGS[0],
        r_on=spoken.r_on, leaks=spoken.leaks, knows_ideal=spoken.knows_ideal,
        junction=spoken.junction, shunts=spoken.shunts,
    )  # fmt: skip
