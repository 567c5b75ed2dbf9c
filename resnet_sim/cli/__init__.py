"""The ``resnet-sim`` command: `main`, and one module a subcommand."""

from .command import main

__all__ = ["main"]
