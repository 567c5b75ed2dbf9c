"""What is seen of a circuit before it is drawn: its supplies, and its subcircuits."""

from __future__ import annotations

import numpy as np

from ...model.circuit import Circuit
from ...model.devices.multipole import Multipole


def insides(circuit: Circuit) -> dict[str, tuple[int, list[str]]]:
    """Return the subcircuits of the deck itself: name -> how many elements, and outer nodes."""
    found: dict[str, tuple[int, dict[str, None]]] = {}
    for table in circuit.tables.values():
        for row, name in enumerate(table.names):
            instance, dot, _ = name.partition(".")
            if dot and ":" not in name:
                count, nets = found.get(instance, (0, {}))
                nodes = [circuit.nodes[k] for k in table.touched(row)]
                # ground is everywhere, and no terminal
                outer = (n for n in nodes if n != "0" and not n.startswith(f"{instance}."))
                nets |= dict.fromkeys(outer)
                found[instance] = count + 1, nets
    return {name: (count, list(nets)) for name, (count, nets) in found.items()}


def count_parts(circuit: Circuit, boxes: bool = False) -> int:
    """Return how many symbols a schematic would have: one of a transistor, and of a crossbar."""
    tables = [table for table in circuit.tables.values() if table.plural != "crossbars"]
    sizes = (len(t.values if isinstance(t, Multipole) else t) for t in tables)
    total = len(circuit.crossbars.devices) + sum(sizes)
    if not boxes:
        return total
    inside = sum("." in name and ":" not in name for table in tables for name in table.names)
    return total - inside + len(insides(circuit))


def rails(circuit: Circuit) -> dict[str, int]:
    """Return supplies, which are not wired but named: node -> 1 (drawn above) or -1 (below).

    A supply is a voltage to ground at which three elements or more hang, or a transistor's
    channel may end.
    """
    swept = {swept.name for analysis in circuit.analyses for swept in analysis.quantities}
    sources = circuit.voltage_sources
    p, q = circuit.terminals
    multipoles = [t for t in circuit.present.values() if isinstance(t, Multipole)]
    controls = {int(n) for t in multipoles for n in t.ends("b" if "c" in t.terminals else "g")}
    controls |= {int(n) for table in circuit.tables.values() for n in table.controls()[0]}
    single = np.ones(circuit.n_elements, dtype=np.bool_)  # a crossbar counts once
    start = circuit.first["crossbars"]
    single[start : start + len(circuit.crossbars)] = False
    arrays = [ends for d in circuit.crossbars.devices for ends in (d.rows, d.columns)]
    found = {}
    for row, name in enumerate(sources.names):
        node = int(sources.p[row])
        if sources.q[row] or not node or name in swept or node in controls:
            continue
        others = int(((p == node) ^ (q == node))[single].sum()) - 1
        others += sum(bool((ends == node).any()) for ends in arrays)
        if others >= 3 or (multipoles and others >= 1):
            found[circuit.nodes[node]] = 1 if sources.volts[row] >= 0 else -1
    return found
