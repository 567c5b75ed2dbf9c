"""What the sources impose, as affine functions of the inputs.

Offsets of nodes, and the data of stages, are linear in what sources hold whatever the
conductances are; so they are worked out once for all inputs.  `Sources` is evaluated at one
point for each input, with this at 1 and all else at 0, and at one where all inputs are 0: as
nothing is subtracted, these are the coefficients in columns *inputs, then 1*, as exact as gains
and sums of constants are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Ints
from ..point.branches import Kind
from ..point.plan import Compiled
from ..point.sources import Sources, column


def imposed(compiled: Compiled, inputs: Sequence[str]) -> tuple[Sources, Ints]:
    """Return the coefficients of the sources, and those that depend on the state.

    The latter are rows of the controls that not inputs alone control; what these impose
    is left out.
    """
    red = compiled.reduction
    of_input = {red.circuit.element(name): k for k, name in enumerate(inputs)}
    sources = Sources(compiled.replace(
        ties=_columns(red.ties, of_input), injections=_columns(red.injections, of_input),
        rectifiers=_columns(red.rectifiers, of_input),
    ))  # fmt: skip
    table = red.controls
    one_way = np.zeros(len(table), dtype=np.bool_)
    for plan in compiled.plans:
        rows = plan.stage.sources[~compiled.paired[plan.stage.sources]]
        if plan.stage.feedback:
            one_way[rows] = True
            continue
        term, owner = compiled.terms(rows)
        if not len(term):
            continue
        node = np.where(table.of_current[term], 0, table.index[term])
        unknown = table.of_current[term] | (red.coordinate[node] != 0) | red.moved(one_way)[node]
        one_way[owner[unknown]] = True
        given = ~one_way[owner]
        above: Any = sources.offset[node[given]]
        gain = column(table.gain[term[given]], above)
        sources.control(owner[given], (gain * above).tocsr())
    return sources, np.flatnonzero(one_way)


def _columns(branches: Kind, of_input: dict[int, int]) -> Kind:
    """Return branches that hold coefficients: a sparse array of shape (rows, columns)."""
    from scipy.sparse import csr_array

    last = len(of_input)
    where = np.array([of_input.get(k, last) for k in branches.element.tolist()], dtype=np.int64)
    data = np.where(where == last, branches.held, 1.0)
    coefficients: Any = csr_array(
        (data, (np.arange(len(branches)), where)), shape=(len(branches), last + 1)
    )
    coefficients.eliminate_zeros()
    return branches.holding(coefficients)
