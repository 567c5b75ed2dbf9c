"""SPICE raw files in ASCII, which ngspice and waveform viewers load.

Analyses follow each other as plots.  The innermost swept quantity is the scale, the others are
vectors of the name of what is swept.  There is no date: the same deck gives the same file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model.display import printable
from .. import rawfile
from ..predictions import Answers, Result

_KINDS = {"v(": "voltage", "i(": "current", "p(": "power"}


def write(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> str:
    """Return the file; undefined values are ``nan``."""
    return "".join(parts(results, outputs, answers))


def parts(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> Iterator[str]:
    """Yield the file in parts."""
    for result in results:
        title = printable(result.circuit.title)
        name = rawfile.DC_SWEEP if result.sweep else rawfile.OPERATING_POINT
        yield from rawfile.written(title, name, _vectors(result, outputs), result.rows(outputs))


def _vectors(result: Result, outputs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the names and the kinds of what is written."""
    swept = len(result.sweep)
    for k, name in enumerate(result.headings(outputs)):
        if k < swept:
            yield name if k else _scale_name(result, name), "notype"
        else:
            yield name, _KINDS.get(name[:2], "notype")


def _scale_name(result: Result, name: str) -> str:
    """Return what ngspice calls the scale when `name` is swept."""
    circuit = result.circuit
    if name in circuit.voltage_sources.names:
        return "v(v-sweep)"
    if name in circuit.current_sources.names:
        return "i(i-sweep)"
    return "res-sweep" if name in circuit.resistors.names else f"{name}-sweep"
