"""Writing circuits: to text, to files, and what elements are called there."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import UsageError
from ...model.circuit import Circuit
from ...workers.atomic_file import replace_file
from .dialects import ForeignWriter, LtspiceWriter, NgspiceWriter
from .writer import Writer


def format_netlist(
    circuit: Circuit, dialect: str = "resnet-sim", *, r_on: float = 1e-3, r_off: float = 1e15
) -> str:
    """Return a circuit as netlist text.

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
    """
    return _writer(circuit, dialect, r_on, r_off).text()


def exported_names(circuit: Circuit, dialect: str = "ngspice") -> dict[str, str]:
    """Return element name -> its name in the text of `format_netlist`.

    Elements that have no card there (open circuits) are missing.
    """
    writer = _writer(circuit, dialect, 1e-3, 1e15)
    writer.text()
    return writer.names


def write_netlist(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write a circuit to a file that `read_netlist` reads back.

    The file is replaced when the text is complete, so that it is never seen half-written.

    Raises
    ------
    UsageError
        If a name can't be written.
    OSError
    """
    replace_file(Path(path), format_netlist(circuit), errors="strict")


def _writer(circuit: Circuit, dialect: str, r_on: float, r_off: float) -> Writer:
    if dialect == "resnet-sim":
        return Writer(circuit)
    foreign: dict[str, type[ForeignWriter]] = {"ngspice": NgspiceWriter, "ltspice": LtspiceWriter}
    if dialect not in foreign:
        raise UsageError(f"unknown dialect {dialect!r}: one of resnet-sim, {', '.join(foreign)}")
    return foreign[dialect](circuit, r_on, r_off)
