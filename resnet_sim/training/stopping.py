"""When to stop early, and which parameters were the best until then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..arrays import Floats
from ..errors import UsageError
from ..model.names import whole
from .amounts import amount


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
