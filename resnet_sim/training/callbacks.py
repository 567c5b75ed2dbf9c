"""Callbacks of `Trainer.fit` that show or keep how a run goes."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError, writing

if TYPE_CHECKING:
    from .trainer import Record, Trainer


class ProgressBar:
    """A bar of tqdm with the last costs, on a terminal and in notebooks.

    Parameters
    ----------
    epochs : int, optional
        How many there will be.

    Raises
    ------
    UsageError
        If tqdm is not installed: ``pip install 'resnet_sim[progress]'``.

    Examples
    --------
    >>> trainer = tr.Trainer(tr.Network(rs.generators.ladder(1), ["v0"], ["n1"]))
    >>> bar = tr.ProgressBar(3)
    >>> history = trainer.fit([[1.0]], [[0.25]], epochs=3, callbacks=[bar])
    >>> bar.bar.n
    3
    """

    def __init__(self, epochs: int | None = None) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            raise missing("a progress bar", "tqdm", "progress") from None
        self.bar = tqdm(total=epochs, unit="epoch")

    def __call__(self, trainer: Trainer, record: Record) -> None:
        """Show an epoch."""
        self.bar.set_postfix({name: f"{value:.4g}" for name, value in numbers(record).items()})
        self.bar.update(1)
        if self.bar.n == self.bar.total:
            self.bar.close()


class CSVLog:
    """A table with a row an epoch, which can be read while it grows.

    Parameters
    ----------
    path : path
        Replaced when a run begins; a run that is resumed adds its rows.

    Examples
    --------
    >>> trainer = tr.Trainer(tr.Network(rs.generators.ladder(1), ["v0"], ["n1"]), tr.Adjoint())
    >>> history = trainer.fit([[1.0]], [[0.25]], epochs=2, callbacks=[tr.CSVLog("run.csv")])
    >>> from pathlib import Path
    >>> print(Path("run.csv").read_text().strip())
    epoch,cost,knees
    0,0.03125,0
    1,0.0276...,0
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __call__(self, trainer: Trainer, record: Record) -> None:
        """Add a row."""
        begins = record["epoch"] == 0 or not self.path.exists()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(record), lineterminator="\n")
        if begins:
            writer.writeheader()
        writer.writerow(record)
        mode = "w" if begins else "a"
        with writing(self.path), self.path.open(mode, newline="", encoding="utf-8") as file:
            file.write(text.getvalue())


class TensorBoard:
    """Scalars for TensorBoard: each metric, and the extremes of what learns.

    Parameters
    ----------
    folder : path
        Where TensorBoard is told to look: ``tensorboard --logdir FOLDER``.

    Raises
    ------
    UsageError
        If tensorboardX is not installed: ``pip install 'resnet_sim[tensorboard]'``.

    Examples
    --------
    >>> trainer = tr.Trainer(tr.Network(rs.generators.ladder(1), ["v0"], ["n1"]))
    >>> board = tr.TensorBoard("runs/first")
    >>> history = trainer.fit([[1.0]], [[0.25]], epochs=2, callbacks=[board])
    >>> board.close()
    >>> import os
    >>> [name.startswith("events.out.tfevents") for name in os.listdir("runs/first")]
    [True]
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise missing("TensorBoard", "tensorboardX", "tensorboard") from None
        self.writer = SummaryWriter(str(folder), flush_secs=1)

    def __call__(self, trainer: Trainer, record: Record) -> None:
        """Add a point to each curve."""
        g = trainer.net.conductances
        values = numbers(record) | {"conductance/least": g.min(), "conductance/largest": g.max()}
        for name, value in values.items():
            self.writer.add_scalar(name, value, record["epoch"])

    def close(self) -> None:
        """Write what is still on its way; otherwise that takes a second."""
        self.writer.close()


def numbers(record: Record) -> dict[str, float]:
    """Return what a record measures, without the number of the epoch."""
    return {name: value for name, value in record.items() if name != "epoch"}


def missing(what: str, package: str, extra: str) -> UsageError:
    """Return the error that says how to install what is optional."""
    remedy = f"pip install 'resnet_sim[{extra}]'"
    return UsageError(f"{what} needs the package {package}, which is not installed: {remedy}")
