"""What a run knows besides its network: how far it is, what was best and when to stop for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..model.display import how_many, html_table
from ..model.names import whole
from . import checkpoint
from .amounts import amount
from .network import Network
from .optimizers import Optimizer

#: rows of a table in a notebook
MOST_SHOWN = 12


class History(list[dict[str, Any]]):
    """Records of epochs: a list, but for what it shows.

    Examples
    --------
    >>> from resnet_sim.training.memory import History
    >>> History({"epoch": k, "cost": 1.0 / (k + 1)} for k in range(200))
    <History: 200 epochs, cost 1 to 0.005>
    """

    def __repr__(self) -> str:
        costs = [record["cost"] for record in self if "cost" in record]
        told = f", cost {costs[0]:.4g} to {costs[-1]:.4g}" if costs else ""
        return f"<History: {how_many(len(self), 'epoch')}{told}>"

    def _repr_html_(self) -> str:
        """Return a table of some epochs, the first and the last among them."""
        shown = np.unique(np.linspace(0, max(len(self) - 1, 0), MOST_SHOWN).astype(int)).tolist()
        rows = [self[k] for k in shown if k < len(self)]
        names = [k for k, v in rows[0].items() if isinstance(v, int | float)] if rows else []
        cells = [tuple(f"{row.get(name, np.nan):.6g}" for name in names) for row in rows]
        return html_table(repr(self).strip("<>"), tuple(names), cells, len(rows))


def costs(record: Mapping[str, Any]) -> str:
    """Return the costs of an epoch in words."""
    names = (name for name in ("cost", "validation_cost") if name in record)
    return ", ".join(f"{name} {record[name]:.4g}" for name in names).replace("_cost", "")


class Best(NamedTuple):
    """The best epoch so far: its metric, its number, and the parameters after it."""

    metric: float
    epoch: int
    parameters: Floats


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when a metric has not fallen by `least` for `patience` epochs.

    With `restore`, the parameters of the best epoch come back at the end.

    Examples
    --------
    >>> trainer = tr.Trainer(tr.Network(rs.generators.ladder(1), ["v0"], ["n1"]))
    >>> stop = tr.EarlyStopping(patience=2, metric="cost", least=1e-3)
    >>> len(trainer.fit([[1.0]], [[0.25]], epochs=1000, early_stopping=stop))
    17
    """

    patience: int = 10
    metric: str = "validation_cost"
    least: float = 0.0
    restore: bool = True

    def __post_init__(self) -> None:
        whole(self.patience, "patience", 1)
        amount(self.least, "least", 0)

    def better(
        self, best: Best | None, record: Mapping[str, Any], parameters: Callable[[], Floats]
    ) -> Best | None:
        """Return the best epoch, which may be that of a new record."""
        if self.metric not in record:
            raise UsageError(f"early stopping: there is no metric {self.metric!r}")
        value = float(record[self.metric])
        if best is None or value < best.metric - self.least:
            return Best(value, int(record["epoch"]), parameters())
        return best

    def ends(self, best: Best | None, history: Sequence[Mapping[str, Any]]) -> bool:
        """Tell whether a run ends, as its best epoch is too long ago."""
        return best is not None and int(history[-1]["epoch"]) - best.epoch >= self.patience


def functions(callbacks: Any) -> list[Callable[..., Any]]:
    """Return callbacks, any of which may end a run; one alone needs no brackets."""
    several = isinstance(callbacks, Iterable) and not callable(callbacks)
    found = list(callbacks) if several else [callbacks]
    if not all(map(callable, found)):
        raise UsageError("callbacks are functions of the trainer and the record of an epoch")
    return found


#: of the names of arrays that an optimiser keeps
PREFIX = "optimizer_"


class Memory:
    """Everything that the rest of a run depends on.

    Attributes
    ----------
    history : History
    best : Best or None
        The best epoch, where a run may stop early.
    """

    def __init__(self) -> None:
        self.history = History()
        self.best: Best | None = None
        self._stopping: EarlyStopping | None = None
        #: which rectifiers conducted, by samples
        self._on: Bools = np.zeros((0, 0), dtype=np.bool_)

    def begin(self, samples: int, stopping: EarlyStopping | None) -> None:
        """Begin a run with other samples."""
        if stopping is not None and not isinstance(stopping, EarlyStopping):
            raise UsageError("early_stopping takes a tr.EarlyStopping(patience=...)")
        self._stopping, self.best = stopping, None
        self._on = np.zeros((samples, 0), dtype=np.bool_)

    def ended(self) -> bool:
        """Tell whether the run ends early."""
        return self._stopping is not None and self._stopping.ends(self.best, self.history)

    def note(self, record: dict[str, Any], net: Network) -> None:
        """Add the record of an epoch, after which the network is as it is now."""
        self.history.append(record)
        if self._stopping is not None:
            self.best = self._stopping.better(self.best, record, partial(parameters, net))

    def end(self, net: Network) -> None:
        """Leave the network as it was at its best, if that is asked for."""
        if self._stopping is not None and self._stopping.restore and self.best is not None:
            n = len(net.trainable)
            net.conductances, net.biases = self.best.parameters[:n], self.best.parameters[n:]

    def conducting(self, rows: Ints) -> Bools | None:
        """Return which diodes conducted when these samples were last seen, if any were."""
        return self._on[rows] if self._on.shape[1] else None

    def remember(self, rows: Ints, on: Bools) -> None:
        """Note which diodes conduct at these samples."""
        if self._on.shape[1] != on.shape[1]:
            # what conducts in most of the first is where samples that are yet to come begin
            self._on = np.tile(2 * on.sum(axis=0) > len(on), (len(self._on), 1))
        self._on[rows] = on

    def save(self, net: Network, optimizer: Optimizer, path: Path, **facts: Any) -> None:
        """Write it all to a checkpoint, with other facts that JSON can express."""
        arrays: dict[str, Any] = {
            "conductances": checkpoint.conductances(net),
            "biases": net.biases,
            "on": np.packbits(self._on),
            "on_shape": np.array(self._on.shape),
        }
        arrays |= {PREFIX + name: value for name, value in optimizer.state.items()}
        names = checkpoint.some(net.parameter_names)
        facts |= {"history": self.history, "parameters": names, "ends": _ends(net)}
        facts["optimizer"] = type(optimizer).__name__
        if self.best is not None:
            facts["best"] = self.best.metric, self.best.epoch
            arrays["best"] = self.best.parameters
        checkpoint.save(path, arrays, facts)

    def load(
        self, net: Network, optimizer: Optimizer, path: Path, run: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Take over a checkpoint, of the same `run` as far as that is said; return its facts.

        Raises
        ------
        UsageError
            If it is of another network or run.
        """
        arrays, facts = checkpoint.load(path)
        if not checkpoint.fits(facts["parameters"], net.parameter_names):
            raise UsageError(f"{path} is a checkpoint of a network with other parameters")
        if facts.get("ends", _ends(net)) != _ends(net):
            raise UsageError(f"{path} is a checkpoint of a network with other inputs or outputs")
        own = type(optimizer).__name__
        if (other := facts.get("optimizer", own)) != own:
            raise UsageError(f"{path} is a checkpoint of a run with {other}, not {own}")
        shape = tuple(arrays["on_shape"].tolist())
        known = {"samples": shape[0] or None, **facts}
        for what, own in run.items():
            if (other := known.get(what)) not in (None, own):
                told = f"other {what}" if "data" in what else f"{what} {other}, not {own}"
                raise UsageError(
                    f"{path} is a checkpoint of a run with {told}; to train "
                    "on with another, load it: trainer.load(path)"
                )
        net.conductances, net.biases = arrays["conductances"], arrays["biases"]
        if shape[0]:
            count = int(np.prod(shape))
            self._on = np.unpackbits(arrays["on"], count=count).reshape(shape).astype(np.bool_)
        optimizer.state = {
            name.removeprefix(PREFIX): value
            for name, value in arrays.items()
            if name.startswith(PREFIX)
        }
        self.history = History(facts["history"])
        self.best = None
        if "best" in facts:
            metric, epoch = facts["best"]
            self.best = Best(metric, epoch, arrays["best"])
        return facts


def parameters(net: Network) -> Floats:
    """Return the conductances of a network, S, then what else learns."""
    return np.concatenate((net.conductances, net.biases))


def _ends(net: Network) -> list[list[Any]]:
    return [list(net.inputs), list(net.outputs.names)]
