"""Exact solutions of nonlinear resistive circuits given as SPICE netlists.

The names below are imported when they are first used, so that ``import resnet_sim``
costs next to nothing; a command that needs no numpy does not load it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import generators, ngspice, training
    from .analysis import check, run, solve, sweep
    from .builder import CircuitBuilder
    from .circuit import Circuit
    from .diagnostics import Diagnostic
    from .errors import (
        ConvergenceError,
        NetlistError,
        ResnetSimError,
        SimulatorError,
        TopologyError,
        UsageError,
    )
    from .netlist import format_netlist, parse_netlist, read_netlist, write_netlist
    from .results import Certificate, OperatingPoint

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "Circuit",
    "CircuitBuilder",
    "ConvergenceError",
    "Diagnostic",
    "NetlistError",
    "OperatingPoint",
    "ResnetSimError",
    "SimulatorError",
    "TopologyError",
    "UsageError",
    "__version__",
    "check",
    "format_netlist",
    "generators",
    "ngspice",
    "parse_netlist",
    "read_netlist",
    "run",
    "solve",
    "sweep",
    "training",
    "write_netlist",
]

_MODULES = {
    "analysis": ("check", "run", "solve", "sweep"),
    "builder": ("CircuitBuilder",),
    "circuit": ("Circuit",),
    "diagnostics": ("Diagnostic",),
    "errors": (
        "ConvergenceError",
        "NetlistError",
        "ResnetSimError",
        "SimulatorError",
        "TopologyError",
        "UsageError",
    ),
    "netlist": ("format_netlist", "parse_netlist", "read_netlist", "write_netlist"),
    "results": ("Certificate", "OperatingPoint"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in ("generators", "ngspice", "training"):
        return import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value  # the next access finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
