"""The directory in which ``train`` keeps a run, so that no other run goes on in its place."""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError, writing

if TYPE_CHECKING:
    from ..model.circuit import Circuit
    from .samples import Samples

#: options that a run may be resumed with otherwise than begun
_FREE = {"file", "output", "to", "data", "validation", "epochs", "checkpoint",
         "checkpoint_every", "resume", "quiet", "silence",
         "metrics", "progress", "debug", "run", "circuit", "set", "close", "open",
         "forward_drop", "diodes"}  # fmt: skip
#: options that are called otherwise than the attributes they set
_OPTION = {"inputs": "input", "outputs": "output"}


@dataclass(frozen=True)
class Run:
    """A run on disk, or not.

    Attributes
    ----------
    folder : Path or None
    """

    folder: Path | None

    @classmethod
    def open(
        cls,
        options: argparse.Namespace,
        circuit: Circuit,
        train: Samples,
        validation: Samples | None,
    ) -> Run:
        """Return the run of ``--checkpoint``; write down what it is about.

        Raises
        ------
        UsageError
            If another run is there, or one that should not be resumed.
        """
        if not options.checkpoint:
            return cls(None)
        folder = Path(options.checkpoint)
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"--checkpoint {folder} is not a directory")
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder)
        facts = _facts(options, circuit, train, validation)
        if run.checkpoint is not None and run.checkpoint.exists():
            if not options.resume:
                raise UsageError(
                    f"{folder} holds a run: --resume goes on with it, or choose another directory"
                )
            run._compare(facts)
        else:
            from ..workers.atomic_file import replace_file

            replace_file(run._description, json.dumps(facts, indent=1) + "\n")
        return run

    @property
    def checkpoint(self) -> Path | None:
        """File with the state of the run."""
        return None if self.folder is None else self.folder / "run.npz"

    @property
    def _description(self) -> Path:
        assert self.folder is not None
        return self.folder / "run.json"

    def _compare(self, facts: dict[str, str]) -> None:
        """Refuse to resume a run that was about something else."""
        try:
            begun = json.loads(self._description.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise UsageError(f"{self._description} does not tell what the run was about") from None
        other = [name for name in facts if begun.get(name) != facts[name]]
        if other:
            raise UsageError(
                f"the run in {self.folder} was begun with another {' and '.join(other)}: "
                "resume it as it was begun, or choose another directory"
            )

    def farewell(self, epochs: int) -> str:
        """Return what to say when the run is interrupted."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return f"interrupted after {epochs} epochs; nothing is kept without --checkpoint"
        return f"interrupted after {epochs} epochs; --resume goes on from {self.folder}"


def _facts(
    options: argparse.Namespace, circuit: Circuit, train: Samples, validation: Samples | None
) -> dict[str, str]:
    """Return what the bits of a run depend on, but for its length."""
    from ..netlist import format_netlist
    from ..training.checkpoint import digest

    facts = {
        "--" + _OPTION.get(name, name).replace("_", "-"): str(value)
        for name, value in sorted(vars(options).items())
        if name not in _FREE
    }
    if options.schedule[0] == "cosine":
        facts["--epochs"] = str(options.epochs)
    facts["circuit"] = hashlib.sha256(format_netlist(circuit).encode()).hexdigest()
    facts["data"] = digest(train.X, train.Y)
    if validation is not None:
        facts["validation data"] = digest(validation.X, validation.Y)
    return facts
