"""Training the conductances of a circuit of any topology with local rules.

>>> from resnet_sim import training as tr          # doctest: +SKIP
>>> net = tr.Network(circuit, inputs=["v1", "v2"], outputs=["out"], trainable="r*")
>>> trainer = tr.Trainer(net, rule=tr.EquilibriumPropagation(beta=1e-3))
>>> trainer.fit(X, Y, epochs=100)
"""

from __future__ import annotations

from .contrast import Gradient, KneeWarning
from .costs import Cost, CrossEntropy, CustomCost, Hinge, SquaredError
from .imperfections import Devices
from .network import Network
from .optimizers import SGD, Adam, Momentum, Optimizer, cosine, exponential
from .rules import (
    Adjoint,
    ContrastiveLearning,
    CoupledLearning,
    EquilibriumPropagation,
    FrequencyPropagation,
    Rule,
    gradient,
    gradients,
)
from .trainer import EarlyStopping, Trainer

__all__ = [
    "SGD",
    "Adam",
    "Adjoint",
    "ContrastiveLearning",
    "Cost",
    "CoupledLearning",
    "CrossEntropy",
    "CustomCost",
    "Devices",
    "EarlyStopping",
    "EquilibriumPropagation",
    "FrequencyPropagation",
    "Gradient",
    "Hinge",
    "KneeWarning",
    "Momentum",
    "Network",
    "Optimizer",
    "Rule",
    "SquaredError",
    "Trainer",
    "cosine",
    "exponential",
    "gradient",
    "gradients",
]

#: modules that other packages may use
DOORS = (
    "costs",
    "data.tables",
    "evaluate",
)
