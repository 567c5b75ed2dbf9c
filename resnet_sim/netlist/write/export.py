"""Writing circuits: to text, to files, and what elements are called there."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import UsageError
from ...model.circuit import Circuit
from ...model.names import word
from ...workers.atomic_file import replace_file
from .dialects import ForeignWriter, LtspiceWriter, NgspiceWriter
from .writer import Writer


def format_netlist(
    circuit: Circuit, dialect: str = "resnet-sim", *, r_on: float = 1e-3, r_off: float = 1e15
) -> str:
    r"""Return a circuit as netlist text.

    Parameters
    ----------
    dialect : {"resnet-sim", "ngspice", "ltspice"}
        The first is read back exactly by `parse_netlist`.
    r_on, r_off : float
        Resistances (ohm) that stand for 0 and infinity in the diodes of other simulators.

    Raises
    ------
    UsageError
        If the dialect is unknown or a name can't be written.

    Examples
    --------
    >>> circuit = rs.parse_netlist("clamp\nV1 a 0 1\nR1 a b 1k\nD1 b 0")
    >>> print(rs.format_netlist(circuit, "ltspice"))
    * clamp
    r1 a b 1000.0
    v1 a 0 1.0
    d1 b 0 dmod1
    .model dmod1 D(Ron=0.001 Roff=1000000000000000.0 Vfwd=0.0)
    .op
    .end
    """
    if not isinstance(circuit, Circuit):
        raise UsageError(f"a circuit is needed, not {type(circuit).__name__}")
    return _writer(circuit, dialect, r_on, r_off).text()


def exported_names(circuit: Circuit, dialect: str = "ngspice") -> dict[str, str]:
    r"""Return element name -> its name in the text of `format_netlist`.

    Elements that have no card there (open circuits) are missing.

    Parameters
    ----------
    circuit : Circuit
    dialect : {"resnet-sim", "ngspice", "ltspice"}

    Examples
    --------
    >>> circuit = rs.parse_netlist("short\nV1 a 0 1\nR1 a b 0\nR2 b 0 1k")
    >>> rs.netlist.exported_names(circuit)
    {'r1': 'v.r1', 'r2': 'r2', 'v1': 'v1'}
    """
    writer = _writer(circuit, dialect, 1e-3, 1e15)
    writer.text()
    return writer.names


def write_netlist(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write a circuit to a file that `read_netlist` reads back.

    Parameters
    ----------
    circuit : Circuit
    path : path-like
        It is replaced when the text is complete, so that it is never seen half-written.

    Raises
    ------
    UsageError
        If a name can't be written, or the file, which is an `OSError` too.

    Examples
    --------
    >>> rs.write_netlist(rs.generators.ladder(2), "ladder.net")
    >>> rs.read_netlist("ladder.net").element_names
    ('rs0', 'rs1', 'rp0', 'rp1', 'v0')
    """
    replace_file(Path(path), format_netlist(circuit), errors="strict")


def _writer(circuit: Circuit, dialect: str, r_on: float, r_off: float) -> Writer:
    if word(dialect, "the dialect") == "resnet-sim":
        return Writer(circuit)
    foreign: dict[str, type[ForeignWriter]] = {"ngspice": NgspiceWriter, "ltspice": LtspiceWriter}
    if dialect not in foreign:
        raise UsageError(f"unknown dialect {dialect!r}: one of resnet-sim, {', '.join(foreign)}")
    return foreign[dialect](circuit, r_on, r_off)
