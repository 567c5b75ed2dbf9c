"""Exact solutions of nonlinear resistive circuits given as SPICE netlists.

The names below are imported when they are first used, so that ``import resnet_sim``
costs next to nothing; a command that needs no numpy does not load it.

Examples in docstrings assume ``import numpy as np``, ``import resnet_sim as rs`` and
``from resnet_sim import training as tr``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import generators, ngspice, plotting, training
    from .analyses.crossbar import crossbar_currents
    from .analyses.measure import measure
    from .analyses.monte_carlo import monte_carlo
    from .analyses.sensitivity import (
        Sensitivity,
        TransferFunction,
        sensitivities,
        transfer_function,
    )
    from .analyses.solve import check, solve
    from .analyses.solve_many import Outputs, solve_many
    from .analyses.supply import SupplyNet, supply_nets
    from .analyses.sweep import run, sweep
    from .analyses.tolerances import Statistics, WorstCase, statistics, worst_case
    from .diagnostics import Diagnostic
    from .errors import (
        ConvergenceError,
        ExecutorError,
        NetlistError,
        ResnetSimError,
        SimulatorError,
        TopologyError,
        UsageError,
    )
    from .model.builder import CircuitBuilder
    from .model.circuit import Circuit
    from .netlist import format_netlist, parse_netlist, read_netlist, write_netlist
    from .results.operating_point import OperatingPoint
    from .results.proof import Certificate

__version__ = "0.2.0"

__all__ = [
    "Certificate", "Circuit", "CircuitBuilder", "ConvergenceError", "Diagnostic", "ExecutorError",
    "NetlistError", "OperatingPoint", "Outputs", "ResnetSimError", "Sensitivity", "SimulatorError",
    "Statistics", "SupplyNet", "TopologyError", "TransferFunction", "UsageError", "WorstCase",
    "__version__", "check", "crossbar_currents", "format_netlist", "generators", "measure",
    "monte_carlo", "ngspice", "parse_netlist", "plotting", "read_netlist", "run", "sensitivities",
    "solve", "solve_many", "statistics", "supply_nets", "sweep", "training", "transfer_function",
    "worst_case", "write_netlist",
]  # fmt: skip

#: module -> what is public of it
_MODULES = {
    "analyses.crossbar": "crossbar_currents",
    "analyses.measure": "measure",
    "analyses.monte_carlo": "monte_carlo",
    "analyses.sensitivity": "Sensitivity TransferFunction sensitivities transfer_function",
    "analyses.solve": "check solve",
    "analyses.solve_many": "Outputs solve_many",
    "analyses.supply": "SupplyNet supply_nets",
    "analyses.sweep": "run sweep",
    "analyses.tolerances": "Statistics WorstCase statistics worst_case",
    "diagnostics": "Diagnostic",
    "errors": "ConvergenceError ExecutorError NetlistError ResnetSimError SimulatorError "
    "TopologyError UsageError",
    "model.builder": "CircuitBuilder",
    "model.circuit": "Circuit",
    "netlist": "format_netlist parse_netlist read_netlist write_netlist",
    "results.operating_point": "OperatingPoint",
    "results.proof": "Certificate",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}
_PACKAGES = ("generators", "ngspice", "plotting", "training")


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f".{name}", __name__)
    if name not in _HOME:
        from .errors import did_you_mean

        meant = did_you_mean(name, __all__)
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}" + (meant and f": {meant}")
        )
    # the next access finds it without coming here
    value = globals()[name] = getattr(import_module(f".{_HOME[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
