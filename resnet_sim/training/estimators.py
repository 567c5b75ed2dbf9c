"""Estimators of scikit-learn whose models are resistive networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from ..analyses.given import Given
from ..arrays import Floats
from ..errors import UsageError
from . import recipes
from .callbacks import missing
from .costs import Cost, Hinge, SquaredError
from .evaluate import predict
from .network import Network
from .optimizers import Optimizer
from .roles import Output
from .rules import Rule
from .trainer import Callback, Trainer
from .warned import warn

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise missing("the estimators", "scikit-learn 1.6 or later", "sklearn") from error


class _Resistive(BaseEstimator):  # type: ignore[misc]
    """What both estimators have in common: a network, and tables that become voltages."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (64,),
        *,
        circuit: Given | None = None,
        inputs: Sequence[str] | Mapping[str, str | int] | None = None,
        outputs: Sequence[Output] | None = None,
        trainable: str | Sequence[str] = "r*",
        biases: str | Sequence[str] = (),
        scale: bool = True,
        volts: float = 3.0,
        epochs: int | None = None,
        batch_size: int = 32,
        learning_rate: float | None = None,
        beta: float | None = None,
        rule: Rule | None = None,
        optimizer: Optimizer | None = None,
        callbacks: Sequence[Callback] = (),
        random_state: Any = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.circuit, self.inputs, self.outputs = circuit, inputs, outputs
        self.trainable, self.biases = trainable, biases
        self.scale, self.volts = scale, volts
        self.epochs, self.batch_size, self.learning_rate = epochs, batch_size, learning_rate
        self.beta, self.rule, self.optimizer = beta, rule, optimizer
        self.callbacks, self.random_state = callbacks, random_state

    def _train(self, X: Floats, targets: Any, cost: Cost, n_outputs: int) -> None:
        """Make a network for these samples, and train it."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._scale = recipes.Scale.of(X) if self.scale else None
        self.network_ = self._network(X.shape[1], n_outputs, seed)
        batch = min(self.batch_size, len(X))
        epochs = self.epochs or recipes.epochs_for(len(X), batch)
        rule = self.rule or recipes.rule_for(self.network_, self.circuit is None, self.beta)
        trainer = Trainer(self.network_, rule, cost, self._optimizer(epochs), seed)
        volts = self._volts(X)
        trainer.fit(volts, targets, epochs, batch, callbacks=self.callbacks)
        self.history_ = trainer.history
        self._judge(cost, predict(self.network_, volts), targets)

    def _check(self) -> None:
        if not (0 < self.volts < np.inf):
            raise UsageError(f"volts={self.volts} is not positive and finite")
        if self.batch_size < 1 or (self.epochs is not None and self.epochs < 1):
            raise UsageError("epochs and batch_size must be at least 1")
        if self.circuit is not None and (self.inputs is None or self.outputs is None):
            raise UsageError("a circuit needs inputs and outputs: names of sources and of nodes")
        if self.circuit is None and not (self.inputs is None and self.outputs is None):
            raise UsageError("inputs and outputs are those of a circuit, and none is given")

    def _network(self, n_features: int, n_outputs: int, seed: int) -> Network:
        """Return the network, and remember what is wired to its inputs."""
        if self.circuit is None:
            self._wiring = None
            hidden = np.atleast_1d(self.hidden_layer_sizes).tolist()
            return recipes.layers(n_features, tuple(hidden), n_outputs, seed)
        assert self.inputs is not None and self.outputs is not None
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        sources, self._wiring = recipes.wiring(self.inputs, names, n_features)
        return Network(self.circuit, sources, self.outputs, self.trainable, biases=self.biases)

    def _optimizer(self, epochs: int) -> Optimizer:
        if self.optimizer is not None:
            return self.optimizer
        built = self.circuit is None
        return recipes.optimizer_for(self.network_, built, self.volts, self.learning_rate, epochs)

    def _volts(self, X: Floats) -> Floats:
        """Return what the sources are set to, V or A, shape (n_samples, n_inputs)."""
        volts = X if self._scale is None else self.volts * self._scale.to(X)
        return volts if self._wiring is None else self._wiring.to(volts)

    def _judge(self, cost: Cost, outputs: Floats, targets: Any) -> None:
        """Warn if the network is no better than one that always gives the best constant."""
        if len(outputs) < 2:
            return
        idle = self._idle(cost, outputs, targets)
        reached = float(cost.value(outputs, targets).mean())
        if not reached < idle:
            warn(
                f"nothing was learned: the cost is {reached:.4g}, and {idle:.4g} with outputs "
                "that never change; train longer, or choose another learning_rate",
                ConvergenceWarning,
            )

    def _idle(self, cost: Cost, outputs: Floats, targets: Any) -> float:
        """Return the cost of outputs that never change."""
        raise NotImplementedError

    def _outputs(self, X: Any) -> Floats:
        """Return the outputs of the network, V, shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return predict(self.network_, self._volts(X))


class ResistiveClassifier(ClassifierMixin, _Resistive):  # type: ignore[misc]
    """A network of resistors and diodes that sorts samples into classes, for scikit-learn.

    Without a `circuit` a layered network is built: inputs as x and -x, hidden nodes with
    ideal diodes, an output node for each class, of which the highest counts.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Nodes of the hidden layers of a network that is built.
    circuit : Circuit, path or str, optional
        What is trained instead; `inputs` and `outputs` must be given.
    inputs : sequence of str, or mapping of str to str or int
        Sources of `circuit`: in the order of the columns, or called like those of a
        DataFrame; or source to column, ``{"va": "length", "vna": "-length"}``.
    outputs : sequence of str or (str, str)
        Nodes of `circuit`, or pairs of them, one for each class; one is enough for two.
    trainable, biases : str or sequence of str
        What learns in `circuit`, see `Network`.
    scale : bool
        Whether columns are shifted and stretched to mean 0 and a deviation of `volts`;
        otherwise they are volts as they stand.
    volts : float
        V.
    epochs : int, optional
        By default 15, and at least so many that there are 300 steps.
    batch_size : int
    learning_rate : float, optional
        S; of Adam, or of momentum where the circuit is large enough for compiled epochs.
    beta : float, optional
        Nudge of equilibrium propagation, S.
    rule : Rule, optional
    optimizer : Optimizer, optional
    callbacks : sequence of callable
        See `Trainer.fit`.
    random_state : int, RandomState or None
        Of the first conductances and the order of the samples.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    network_ : Network
        Its ``circuit`` is what has been learned, ready for `resnet_sim.write_netlist`.
    history_ : list of dict
        Of `Trainer.history`.

    Warns
    -----
    ConvergenceWarning
        If the network is no better than one that knows nothing.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = tr.ResistiveClassifier(hidden_layer_sizes=(16,)).fit(X[::2], y[::2])
    >>> bool(classifier.score(X[1::2], y[1::2]) > 0.9), classifier.predict(X[:2])
    (True, array([0, 0]))
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples X, shape (n_samples, n_features), of classes y, shape (n_samples,)."""
        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise UsageError(f"one class alone, {self.classes_[0]}, leaves nothing to learn")
        self._train(X, labels.astype(np.int64), self._cost(count), count)
        return self

    def _cost(self, count: int) -> Cost:
        if self.circuit is None:
            return SquaredError(np.eye(count))
        ends = len(self.outputs or ())
        if ends == count:
            # whatever voltages the circuit can give, the right one is to be the highest
            return Hinge(0.1 * self.volts)
        if ends == 1 and count == 2:
            return SquaredError([[-0.1 * self.volts], [0.1 * self.volts]])
        raise UsageError(f"{count} classes need as many outputs (two do with one), not {ends}")

    def _idle(self, cost: Cost, outputs: Floats, targets: Any) -> float:
        if isinstance(cost, Hinge):
            return float(cost.value(np.zeros_like(outputs), targets).mean())
        assert isinstance(cost, SquaredError)
        wanted = cost.target(outputs, targets)
        return float(cost.value(np.tile(wanted.mean(axis=0), (len(wanted), 1)), wanted).mean())

    def decision_function(self, X: Any) -> Floats:
        """Return how high each class is, V, shape (n_samples, n_classes).

        For two classes shape (n_samples,): positive for the second.
        """
        outputs = self._outputs(X)
        if len(self.classes_) > 2:
            return outputs
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]

    def predict(self, X: Any) -> Any:
        """Return the class of each sample, shape (n_samples,)."""
        decided = self.decision_function(X)
        number = (decided > 0).astype(int) if decided.ndim == 1 else decided.argmax(axis=1)
        return self.classes_[number]


class ResistiveRegressor(RegressorMixin, _Resistive):  # type: ignore[misc]
    """A network of resistors and diodes that predicts numbers, for scikit-learn.

    Without a `circuit` a layered network is built: inputs as x and -x, hidden nodes with
    ideal diodes, an output node for each column of y.  With ``scale=True`` one volt of the
    outputs stands for a standard deviation of y (``volts / 5`` in a `circuit` that is given);
    with ``scale=False`` y is in volts.

    Parameters are those of `ResistiveClassifier`; `outputs` are as many as y has columns.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 60)[:, None]
    >>> model = tr.ResistiveRegressor(hidden_layer_sizes=(16,)).fit(x, np.abs(x[:, 0]))
    >>> bool(model.score(x, np.abs(x[:, 0])) > 0.9)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples X, shape (n_samples, n_features), with values y, one or more each."""
        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        self._one = y.ndim == 1
        y = np.asarray(y, dtype=float).reshape(len(X), -1)
        if self.circuit is not None and len(self.outputs or ()) != y.shape[1]:
            raise UsageError(f"y has {y.shape[1]} columns, outputs are {len(self.outputs or ())}")
        self._unit = 1.0 if self.circuit is None else self.volts / 5
        self._target = recipes.Scale.of(y) if self.scale else None
        wanted = y if self._target is None else self._unit * self._target.to(y)
        self._train(X, wanted, SquaredError(), y.shape[1])
        return self

    def _idle(self, cost: Cost, outputs: Floats, targets: Any) -> float:
        spread = 0.5 * float(targets.var(axis=0).sum())
        # targets that don't vary are learned by any outputs that don't
        return spread if spread > 0 else np.inf

    def predict(self, X: Any) -> Floats:
        """Return the values of each sample, shape (n_samples,) or (n_samples, n_outputs)."""
        outputs = self._outputs(X)
        if self._target is not None:
            outputs = self._target.back(outputs / self._unit)
        return outputs[:, 0] if self._one else outputs
