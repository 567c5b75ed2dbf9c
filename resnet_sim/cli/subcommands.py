"""One module a subcommand of ``resnet-sim``: `HELP`, `add_options` and `run`.

Modules that need numpy are imported inside the functions that use them: ``--help`` must
not wait for them.
"""

from . import check, export, graph, predict, solve, sweep, train, validate

#: in the order of ``--help``
COMMANDS = (solve, sweep, check, validate, export, graph, train, predict)
