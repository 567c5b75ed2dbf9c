"""Documents and examples that come with the package."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from ..errors import UsageError


def decks() -> dict[str, Path]:
    """Return the example decks by name."""
    return {path.stem: path for path in sorted(shipped("examples/netlists").glob("*.net"))}


def shipped(place: str) -> Path:
    """Return a file or folder of the repository, which an installation has under ``share``.

    Raises
    ------
    UsageError
        If it has been left out of the installation.
    """
    repository = Path(__file__).parents[2] / place
    installed = Path(sysconfig.get_path("data")) / "share" / "resnet_sim" / Path(place).name
    for path in (repository, installed):
        if path.exists():
            return path
    raise UsageError(f"{installed} is missing: it was not installed with the package")
