"""Training the conductances of a circuit of any topology with local rules.

>>> net = tr.Network(rs.generators.ladder(3), inputs=["v0"], outputs=["n3"], trainable="r*")
>>> trainer = tr.Trainer(net, tr.EquilibriumPropagation(beta=1e-3), optimizer=tr.SGD(lr=5.0))
>>> history = trainer.fit([[1.0], [2.0]], [[0.1], [0.2]], epochs=100)
>>> trainer.predict([[3.0]]).round(3)
array([[0.3]])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .registry import COSTS, OPTIMIZERS, RULES, Entry, Option

if TYPE_CHECKING:
    from .callbacks import CSVLog, ProgressBar, TensorBoard
    from .costs import Cost, CrossEntropy, CustomCost, Hinge, SquaredError
    from .derivatives import Gradient, KneeWarning, gradient, gradients
    from .estimators import ResistiveClassifier, ResistiveRegressor
    from .gradient_check import GradientCheck, gradcheck
    from .imperfections import Devices
    from .memory import EarlyStopping
    from .network import Network
    from .optimizers import SGD, Adam, Momentum, Optimizer, cosine, exponential
    from .real_diodes import Transfer, transfer, with_part
    from .rules import (
        Adjoint,
        ContrastiveLearning,
        CoupledLearning,
        EquilibriumPropagation,
        FrequencyPropagation,
        Rule,
    )
    from .trainer import Trainer
    from .truncated import TruncatedBackprop
    from .vector_field import VectorFieldEP

__all__ = [
    "COSTS", "OPTIMIZERS", "RULES", "SGD", "Adam", "Adjoint", "CSVLog", "ContrastiveLearning",
    "Cost", "CoupledLearning", "CrossEntropy", "CustomCost", "Devices", "EarlyStopping", "Entry",
    "EquilibriumPropagation", "FrequencyPropagation", "Gradient", "GradientCheck", "Hinge",
    "KneeWarning", "Momentum", "Network", "Optimizer", "Option", "ProgressBar",
    "ResistiveClassifier", "ResistiveRegressor", "Rule", "SquaredError", "TensorBoard", "Trainer",
    "Transfer", "TruncatedBackprop", "VectorFieldEP", "cosine", "exponential", "gradcheck",
    "gradient", "gradients", "transfer", "with_part",
]  # fmt: skip

#: modules that other packages may use
DOORS = ("checkpoint", "costs", "data.tables", "defaults", "evaluate", "named")

#: module -> what is public of it
_MODULES = {
    "callbacks": "CSVLog ProgressBar TensorBoard",
    "costs": "Cost CrossEntropy CustomCost Hinge SquaredError",
    "derivatives": "Gradient KneeWarning gradient gradients",
    "estimators": "ResistiveClassifier ResistiveRegressor",
    "gradient_check": "GradientCheck gradcheck",
    "imperfections": "Devices",
    "network": "Network",
    "optimizers": "SGD Adam Momentum Optimizer cosine exponential",
    "rules": "Adjoint ContrastiveLearning CoupledLearning EquilibriumPropagation "
    "FrequencyPropagation Rule",
    "memory": "EarlyStopping",
    "trainer": "Trainer",
    "real_diodes": "Transfer transfer with_part",
    "truncated": "TruncatedBackprop",
    "vector_field": "VectorFieldEP",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: the command's help needs none of these."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_HOME[name]}", __name__), name)
    return value
