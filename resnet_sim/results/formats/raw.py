"""SPICE raw files in ASCII, which ngspice and waveform viewers load.

Analyses follow each other as plots.  The innermost swept quantity is the scale, the others are
vectors of the name of what is swept.  There is no date: the same deck gives the same file.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import rawfile
from ..predictions import Answers, Result

_KINDS = {"v(": "voltage", "i(": "current", "p(": "power"}


def write(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> str:
    """Return the file; undefined values are ``nan``."""
    return rawfile.format_raw(_plot(result, outputs) for result in results)


def _plot(result: Result, outputs: Sequence[str]) -> rawfile.Plot:
    names, values = result.table(outputs)
    swept = len(result.sweep)
    kinds = ["notype"] * swept + [_KINDS.get(name[:2], "notype") for name in names[swept:]]
    if swept:
        names[0] = _scale_name(result, names[0])
    return rawfile.Plot(
        title="".join(c if c.isprintable() else " " for c in result.circuit.title),
        name=rawfile.DC_SWEEP if swept else rawfile.OPERATING_POINT,
        names=tuple(names),
        kinds=tuple(kinds),
        values=values,
    )


def _scale_name(result: Result, name: str) -> str:
    """Return what ngspice calls the scale when `name` is swept."""
    circuit = result.circuit
    if name in circuit.voltage_sources.names:
        return "v(v-sweep)"
    if name in circuit.current_sources.names:
        return "i(i-sweep)"
    return "res-sweep" if name in circuit.resistors.names else f"{name}-sweep"
