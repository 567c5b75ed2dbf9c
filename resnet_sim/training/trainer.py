"""The training loop: minibatches, validation, stopping early, and going on after a crash."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..analyses.given import spelled
from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.display import how_many
from ..model.names import real, whole
from ..workers.executors import one_thread
from ..workers.progress import counted, shown
from . import evaluate
from .checkpoint import Files, digest, spelt_out, writable
from .costs import Cost, decoded
from .defaults import rate, settled
from .derivatives import gradients
from .layered_epochs import Epochs, fits
from .memory import EarlyStopping, History, Memory, costs, functions, parameters
from .named import by_name
from .network import Network
from .optimizers import Optimizer, fresh, stepped
from .parallel import Compute, shared
from .registry import cost_of, optimizer_of, rule_of
from .rules import Rule

Record = dict[str, Any]
#: called after each epoch; a true result ends the training
Callback = Callable[["Trainer", Record], Any]


class Trainer:
    """Trains a network.

    Parameters
    ----------
    net : Network
        Its conductances and biases are changed.
    rule : Rule or str
        By default `EquilibriumPropagation`; or a name of `RULES`.
    cost : Cost or str
        By default `SquaredError`; or a name of `COSTS`.
    optimizer : Optimizer or str
        By default `Adam`; or a name of `OPTIMIZERS`.  Nudges and learning rates that are not
        said follow the median conductance that the network has now, as in ``resnet-sim train``.
    seed : int
        Of the order of the samples; the same seed gives the same run, bit by bit.

    Attributes
    ----------
    history : list of dict
        One record per epoch: ``epoch``, ``cost`` (mean over the epoch, V^2 for the squared
        error), ``knees`` (samples met on a knee; not from compiled loops), and with
        validation data ``validation_cost`` and ``validation_score``.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> trainer = tr.Trainer(net, tr.Adjoint(), optimizer=tr.SGD(lr=1.0))
    >>> history = trainer.fit([[1.0], [2.0]], [[0.25], [0.5]], epochs=60)
    >>> trainer.predict([[4.0]]).round(3), history[-1]["cost"] < 1e-6
    (array([[1.]]), True)
    """

    @spelled
    def __init__(
        self,
        net: Network,
        rule: Rule | str | None = None,
        cost: Cost | str | None = None,
        optimizer: Optimizer | str | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(net, Network):
            raise UsageError(f"a tr.Network is needed, not {type(net).__name__}")
        if not net.parameter_names:
            raise UsageError("nothing of this network learns: trainable=, biases=, parameters=")
        self.net, self.seed = net, whole(seed, "the seed")
        self.rule: Rule = settled(rule_of(rule), net)
        self.cost: Cost = cost_of(cost)
        self.optimizer: Optimizer = fresh(optimizer_of(optimizer))
        chosen = rate(self.optimizer, net)
        self.optimizer.prepare(net.parameter_names, *([] if chosen is None else [chosen]))
        self._memory = Memory()
        self._gradients: Compute = gradients
        self._epochs: Epochs | None = None
        #: what a run can't be resumed without, as checkpoints tell it
        self._run: Record = {}

    def __repr__(self) -> str:
        rule, cost, by = (type(x).__name__ for x in (self.rule, self.cost, self.optimizer))
        done = how_many(len(self.history), "epoch")
        last = f", cost {self.history[-1]['cost']:.4g}" if self.history else ""
        return f"<Trainer {rule}, {cost}, {by}: {done}{last}; {self.net!r}>"

    @property
    def history(self) -> History:
        """One record per epoch."""
        return self._memory.history

    # ---- the loop ----

    @spelled
    def fit(
        self,
        X: Any,
        Y: Any,
        epochs: int,
        batch_size: int | None = None,
        validation: tuple[Any, Any] | None = None,
        *,
        shuffle: bool = True,
        early_stopping: EarlyStopping | None = None,
        callbacks: Callback | Sequence[Callback] = (),
        checkpoint: str | Path | None = None,
        checkpoint_every: int = 1,
        resume: bool = False,
        metrics: str | Path | None = None,
        progress: bool = False,
        executor: str | Executor | None = None,
        shards: int | None = None,
        single: bool | None = None,
        threads: int = 1,
    ) -> list[Record]:
        """Train for a number of epochs; return the history.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_inputs)
            V or A.
        Y : array_like
            Targets, as the cost wants them; first axis n_samples.
        epochs : int
        batch_size : int, optional
            All samples at once by default.
        validation : (X, Y), optional
            Samples that are not trained with.
        shuffle : bool
            Whether minibatches are drawn anew in each epoch.
        early_stopping : EarlyStopping, optional
        callbacks : callable or sequence of them
            Called with the trainer and the record after each epoch; a true result ends the run.
        checkpoint : path, optional
            File that is replaced every `checkpoint_every` epochs and at the end; it is whole
            at any moment.
        resume : bool
            Go on from `checkpoint`, if it exists, to the end of the run that wrote it: same
            bits as if that had not been interrupted.  It is refused for another seed, rule
            (its numbers included), cost, optimiser or batch size, and for other data.
        metrics : path, optional
            File of JSON lines, one per epoch.
        progress : bool
            Show on stderr how far it is: a bar with tqdm on a terminal, lines otherwise.
        executor : str or concurrent.futures.Executor, optional
            Where minibatches are computed in shards, see `resnet_sim.monte_carlo`; by default
            here, in one piece.
        shards : int, optional
            Shards per minibatch, 4 on an executor.  Parameters depend on their number in the
            last digit, and not on the executor or the number of workers.
        single : bool, optional
            Whether to train in float32 with compiled loops, of which `explain_backend` tells
            why they don't fit.  By default they are used where they do.
        threads : int
            Of the compiled loops; they give the same bits for any number.

        Returns
        -------
        list of dict
            `history`.

        Raises
        ------
        UsageError
            If numbers of inputs and targets differ, or ``single=True`` does not fit.

        Warns
        -----
        UserWarning
            If targets are out of reach of what the sources offer; if the cost rises, or
            does not move at all, over the first epochs.
        """
        x, y = evaluate.samples(self.net, X, Y)
        others = None if validation is None else evaluate.Validation(self.net, validation)
        calls = functions(callbacks)
        size = whole(len(x) if batch_size is None else batch_size, "batch_size", 1)
        whole(epochs, "epochs", 0)
        if resume and checkpoint is None:
            raise UsageError("resume needs the checkpoint to go on from: checkpoint=")
        path, log = writable(checkpoint, "checkpoint"), writable(metrics, "metrics")
        memory = self._memory
        memory.begin(len(x), early_stopping)
        start = len(self.history)
        rule, cost = (spelt_out(part) for part in (self.rule, self.cost))
        self._run = {
            "samples": len(x), "seed": self.seed, "rule": rule, "cost": cost,
            "batch_size": size, "shuffle": shuffle, "data": digest(x, y),
            "validation data": "none" if others is None else digest(others.x, others.y),
        }  # fmt: skip
        if resume and path is not None and path.exists():
            start = self._load(path, self._run)
        keep = None if path is None else partial(self.save, path, start)
        files = Files(keep, checkpoint_every, start, log, len(self.history))
        x = self._prepared(x, y, size, whole(threads, "threads", 1), executor, single)
        if not self.history:
            evaluate.warn_of_reach(self.net, self.cost, x, y)
        with (
            one_thread(),
            shown(progress),
            counted(start + epochs, "epoch") as advance,
            shared(executor, shards) as self._gradients,
        ):
            if self.history:
                advance(len(self.history))
            for epoch in range(len(self.history), start + epochs):
                if memory.ended():
                    break
                began = time.perf_counter()
                record = self._epoch(epoch, x, y, size, shuffle)
                if others is not None:
                    record |= others.record(self.cost)
                memory.note(record, self.net)
                if len(self.history) == evaluate.BEGINNING:
                    evaluate.warn_of_beginning(self.history)
                files.note(record, time.perf_counter() - began)
                advance(1, costs(record))
                asked = [callback(self, record) for callback in calls]
                if any(asked):
                    break
        if start < len(self.history) < evaluate.BEGINNING:
            evaluate.warn_of_beginning(self.history)
        memory.end(self.net)
        files.save()
        return self.history

    def _prepared(
        self,
        x: Any,
        y: Any,
        size: int,
        threads: int,
        executor: str | Executor | None,
        single: bool | None,
    ) -> Any:
        """Prepare compiled loops, where there are any; return the inputs."""
        self._epochs = None
        reason = self._not_compiled(executor, single)
        if reason is None:
            parts = self.net, self.rule, self.cost, self.optimizer
            self._epochs = Epochs(*parts, x, y, size, threads)
            return x
        if single:
            raise UsageError(f"single=True: this can't be trained in float32: {reason}")
        return real(x, "inputs")

    def _not_compiled(self, executor: str | Executor | None, single: bool | None) -> str | None:
        """Return why epochs don't run in compiled loops, None if they do."""
        if executor is not None:
            return "an executor is given"
        if single is False:
            return "single=False is asked for"
        return fits(self.net, self.rule, self.cost, self.optimizer)

    def explain_backend(
        self, executor: str | Executor | None = None, single: bool | None = None
    ) -> str:
        """Return in words what `fit` solves the circuit with, and why with nothing faster.

        `executor` and `single` are those of `fit`.
        """
        reason = self._not_compiled(executor, single)
        compiled = "compiled epochs in float32: " + ("used" if reason is None else f"not, {reason}")
        return f"{compiled}\n{self.net.explain_backend()}"

    def _epoch(self, epoch: int, x: Floats, y: Any, size: int, shuffle: bool) -> Record:
        order = np.arange(len(x))
        if shuffle and size < len(x):
            # a generator per epoch: nothing of it needs to be saved
            np.random.default_rng([self.seed, epoch]).shuffle(order)
        if self._epochs is not None:
            return {"epoch": epoch, "cost": float(self._epochs.run(epoch, order).mean())}
        total, knees = 0.0, 0
        for step, first in enumerate(range(0, len(x), size)):
            rows = order[first : first + size]
            self.net.at_step(epoch, step)
            with evaluate.numbered(rows):
                start = self._memory.conducting(rows)
                found = self._gradients(self.net, x[rows], y[rows], self.rule, self.cost, start)
            if self.net.takes_on:
                self._memory.remember(rows, found.on)
            total += float(found.cost.sum())
            knees += int((found.knees >= 0).sum())
            wanted = parameters(self.net) + stepped(self.optimizer, found.vector, epoch)
            self.net.write(wanted[: len(self.net.trainable)])
            self.net.write_biases(wanted[len(self.net.trainable) :])
        return {"epoch": epoch, "cost": total / len(x), "knees": knees}

    # ---- use ----

    def predict(self, X: Any) -> Floats:
        """Return the outputs, shape (B, n_outputs), V."""
        return evaluate.predict(self.net, X)

    def classify(self, X: Any) -> Ints:
        """Return the classes that the outputs stand for, as the cost reads them, shape (B,)."""
        return decoded(self.cost, self.predict(X))

    def score(self, X: Any, Y: Any) -> float:
        """Return the share of right classes, or for target voltages ``1 - mse / variance``."""
        return evaluate.score(self.cost, self.predict(X), by_name(Y, self.net.outputs.names))

    # ---- checkpoints ----

    def save(self, path: str | Path, start: int = 0) -> None:
        """Write everything that the rest of the run depends on to a file.

        Parameters
        ----------
        path : path-like
        start : int
            Epochs before the run that is being saved.
        """
        facts = self._run | {"start": start, "seed": self.seed}
        self._memory.save(self.net, self.optimizer, Path(path), **facts)

    def load(self, path: str | Path) -> None:
        """Take over parameters, optimiser and history from a checkpoint.

        Raises
        ------
        UsageError
            If it is of another network.
        """
        self._load(Path(path), {})

    def _load(self, path: Path, run: Record) -> int:
        """Load; return the epochs before the run that was saved, which is this `run`."""
        facts = self._memory.load(self.net, self.optimizer, path, run)
        self.seed = int(facts["seed"])
        return int(facts["start"])
