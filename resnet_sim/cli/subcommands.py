"""The subcommands of ``resnet-sim``, each a module beside this one: `add_options` and `run`.

A module is imported when its command is given, and what needs numpy inside its functions:
``--help`` must not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

#: name -> what it is for, in the order of ``--help``
COMMANDS = {
    "solve": "print voltages and currents",
    "sweep": "solve many variants: the deck's sweeps, or random samples",
    "tolerances": "worst case, mean, deviation and yield when components are off",
    "check": "print every diagnostic, but no voltages and currents",
    "validate": "compare with ngspice, or with what it has written",
    "export": "write the circuit for another simulator",
    "graph": "draw the circuit as a schematic, with its voltages and currents",
    "lab": "open a page to try circuits out: edit, turn values, watch; on this machine alone",
    "plot": "draw curves of what the deck asks for, histograms, or a learning run",
    "train": "teach resistors to turn inputs into targets",
    "predict": "print what a circuit gives out for a table of inputs",
    "gradcheck": "compare derivatives of a cost: ours, those by ngspice, and finite differences",
    "explain": "say what the code of a message means, and what to do",
    "examples": "list the examples, or print one",
    "manual": "print the man page: resnet-sim manual | man -l -",
    "completion": "print the completions of a shell",
}


def load(name: str) -> ModuleType:
    """Return the module of a subcommand."""
    return import_module(f".{name}", __package__)
