"""Values that follow parameters, as a deck says it: ``R1 a b {1/k}``.

Generated circuits know what follows their parameters; with this their decks do, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...model.affine import Affine
from ...model.circuit import Circuit
from ...model.devices.device import text

#: parameters in a card
IN_A_CARD = 8


def formulas(circuit: Circuit) -> dict[str, str]:
    """Return the formulas of elements' values, by name; where they give them to the bit."""
    parts: tuple[Affine, ...] = getattr(circuit.rebuild, "parts", ())
    names, theta = list(circuit.parameters), np.array(list(circuit.parameters.values()))
    found = {}
    for part in parts:
        device = circuit.tables[part.table]
        if part.column != device.value:
            continue
        right = part(theta) == getattr(device, part.column)[part.at]
        for row, formula in enumerate(_spelled(part, names)):
            if right[row]:
                found[device.names[int(part.at[row])]] = formula
    return found


def cards(circuit: Circuit) -> Iterator[str]:
    """Yield .param cards."""
    pairs = [f"{name}={text(value)}" for name, value in circuit.parameters.items()]
    for first in range(0, len(pairs), IN_A_CARD):
        yield f".param {' '.join(pairs[first : first + IN_A_CARD])}"


def _spelled(part: Affine, names: list[str]) -> Iterator[str]:
    """Yield the formula of each value of a part: terms are added as `Affine.form` adds them."""
    terms: list[list[str]] = [[] for _ in part.at]
    for row, parameter, slope in zip(
        part.row.tolist(), part.parameter.tolist(), part.slope.tolist(), strict=True
    ):
        name = names[parameter]
        terms[row].append(name if slope == 1.0 else f"{text(slope)}*{name}")
    for own, offset in zip(terms, part.offset.tolist(), strict=True):
        form = "+".join([*own, *([text(offset)] if offset else [])])
        if part.inverse:
            yield "{1/" + (f"({form})" if "+" in form or "*" in form else form) + "}"
        else:
            yield "{" + form + "}"
