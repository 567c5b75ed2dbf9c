"""Which values of a circuit vary by how much: spreads by name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fnmatch import translate
from itertools import compress

from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.names import mapping, word
from .variants import DISTRIBUTIONS, MonteCarlo


def monte_carlo(
    circuit: Circuit,
    spread: Mapping[str, float | str],
    samples: int,
    seed: int = 0,
    distribution: str = "uniform",
) -> MonteCarlo:
    """Return samples of a circuit's values with given relative spreads.

    Parameters
    ----------
    spread : mapping of str to float or str
        What a value may be off by, relative: 0.05 or ``"5%"``.  Of an element, or glob such
        as ``r*``; ``d*:vfwd`` for a parameter of the models of elements; or a parameter of
        the deck that is a number.  Where several
        match, the last counts; what ``tol=`` says comes before all.

    Raises
    ------
    UsageError
        If nothing matches, or a spread is negative or makes resistances negative.
    """
    known = DISTRIBUTIONS.get(word(distribution, "the distribution"))
    chosen: dict[str, tuple[str, float]] = {}
    nominal: dict[str, float] = {}
    everything = [*circuit.spread.items(), *mapping(spread, "spreads").items()]
    for pattern, given in everything:
        share = as_share(pattern, given)
        kind, found = _matching(circuit, pattern)
        wide = share >= 1 and known is not None and known.limited
        if share < 0 or (wide and not all(_has_sign(circuit, kind, n) for n in found)):
            raise UsageError(
                f"the spread {share:g} of {pattern} is not between 0 and 1; "
                "with distribution lognormal it may be larger"
            )
        chosen |= dict.fromkeys(found, (kind, share))
        nominal |= found
    if not chosen and not circuit.is_random:
        raise UsageError("no spread is given: nothing varies")
    return MonteCarlo(
        tuple(chosen), tuple(kind for kind, _ in chosen.values()), tuple(nominal.values()),
        tuple(share for _, share in chosen.values()), samples, seed, distribution,
        circuit.is_random,
    )  # fmt: skip


def as_share(name: str, given: float | str) -> float:
    """Return a spread as a number: 0.05, or ``"5%"``."""
    try:
        text = given.strip() if isinstance(given, str) else ""
        share = float(text[:-1]) / 100.0 if text.endswith("%") else float(given)
    except (TypeError, ValueError, OverflowError):
        share = math.nan
    if not math.isfinite(share):
        raise UsageError(f"the spread {given!r} of {name} is neither a number nor of the form 5%")
    return share


def _has_sign(circuit: Circuit, kind: str, name: str) -> bool:
    """Tell whether a value may as well be negative: that of a source."""
    if kind != "element":
        return False
    device = circuit.tables[circuit.locate(circuit.element(name))[0]]
    return device.fixes_voltage is True or device.fixes_current


def _matching(circuit: Circuit, pattern: str) -> tuple[str, dict[str, float]]:
    """Return what a name or a glob stands for, and the nominal values."""
    folded = pattern.strip().lower()
    known = circuit.find(folded) is not None
    elements, colon, key = folded.rpartition(":")
    if colon and not known:
        plain, found = _of_models(circuit, elements, key)
        if found:
            return ("element" if plain else "model"), found
        raise UsageError(f"no element that matches {elements!r} has a parameter {key!r}")
    values = dict(_values(circuit))
    if folded in values:
        return "element", {folded: values[folded]}
    if folded in circuit.parameters:
        return "parameter", {folded: circuit.parameters[folded]}
    if not any(c in folded for c in "*?["):
        number = circuit.element(folded)
        raise UsageError(f"{folded} is a {circuit.kind(number)} without a value to vary")
    matches = re.compile(translate(folded)).match
    found = {name: value for name, value in values.items() if matches(name)}
    if not found:
        raise UsageError(f"no element with a value matches {pattern!r}")
    return "element", found


def _values(circuit: Circuit) -> list[tuple[str, float]]:
    """Return names and values of the elements that can have a spread."""
    found: list[tuple[str, float]] = []
    for device in circuit.present.values():
        if device.varies:
            values = getattr(device, str(device.value)).tolist()
            which = device.varying().tolist()
            found += compress(zip(device.names, values, strict=True), which)
    return found


def _of_models(circuit: Circuit, pattern: str, key: str) -> tuple[bool, dict[str, float]]:
    """Return a parameter of the models of all elements that match a glob and have it.

    Also whether it is what `Circuit.with_values` sets, for all of them.
    """
    found: dict[str, float] = {}
    plain, matches = True, re.compile(translate(pattern)).match
    for device in circuit.tables.values():
        names = [k for k, name in enumerate(device.names) if matches(name)]
        if not names:
            continue
        try:
            values = device.of_model(key)
        except KeyError:
            continue
        finite = {device.names[k]: float(values[k]) for k in names if math.isfinite(values[k])}
        plain = plain and (not finite or device.parameters.get(key) == device.value)
        found |= finite
    return plain, found if plain else {f"{name}:{key}": x for name, x in found.items()}
