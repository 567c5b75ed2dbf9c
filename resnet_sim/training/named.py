"""What outputs are called; tables whose columns have names go by them, arrays by position."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import UsageError
from ..model.names import array

#: an output as one writes it: v(node), v(node,node), i(source) or a node
_OUTPUT = re.compile(
    r"v\(\s*([^\s,()]+)\s*(?:,\s*([^\s,()]+)\s*)?\)|(i)\(\s*([^\s,()]+)\s*\)|([^\s,()]+)",
    re.IGNORECASE,
)


def output(text: str) -> str | tuple[str, str]:
    """Return what `Network` takes for an output as people write it.

    Raises
    ------
    UsageError
        If that is no form of an output.

    Examples
    --------
    >>> from resnet_sim.training.named import output
    >>> output("v(o1)"), output("v(o1, o2)"), output("i(Vm)"), output("o1")
    ('o1', ('o1', 'o2'), 'i(vm)', 'o1')
    """
    match = _OUTPUT.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{text!r} is not of the form NODE, v(NODE), v(NODE,NODE) or i(SOURCE)")
    first, second, current, source, bare = (part and part.lower() for part in match.groups())
    if current:
        return f"i({source})"
    return (first, second) if second else str(first or bare)


def title(output: str | tuple[str, str]) -> str:
    """Return what a column is called that has an output: ``v(o1)``, ``v(o1,o2)``, ``i(vm)``."""
    if isinstance(output, str):
        return output if output.startswith("i(") else f"v({output})"
    return f"v({','.join(output)})"


def by_name(table: Any, names: Sequence[str]) -> Any:
    """Return the columns of a data frame, or a dict of columns, in the order of `names`.

    Anything else is returned as it is.  Case does not matter, nor whether a node stands as ``out``
    or ``v(out)``.  A frame of which no column is called like any of them is an array like others.

    Parameters
    ----------
    table : array_like, data frame or mapping of str to array_like, shape (B, n)
    names : sequence of str, length n

    Raises
    ------
    UsageError
        If some names are there and others are not, or one stands for two columns.
    """
    plain = isinstance(table, Mapping)
    if not plain and (not hasattr(table, "columns") or callable(table.columns)):
        return table
    titles = [_bare(str(title)) for title in (table if plain else table.columns)]
    wanted = [_bare(name) for name in names]
    known = [name for name in wanted if name in titles]
    if not known and not plain:
        return np.asarray(table)
    for name in wanted:
        if titles.count(name) != 1:
            count = "none" if name not in titles else "two"
            others = f"columns for {known[0]} and others, but {count}" if known else "no column"
            raise UsageError(f"the table has {others} for {name}")
    which = [titles.index(name) for name in wanted]
    if plain:
        columns = list(table.values())
        return array([columns[k] for k in which], "the columns of the table").T
    return np.asarray(table)[:, which]


def _bare(title: str) -> str:
    title = title.strip().lower()
    return title[2:-1] if title.startswith("v(") and title.endswith(")") else title
