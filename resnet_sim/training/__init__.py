"""Training the conductances of a circuit of any topology with local rules.

>>> net = tr.Network(rs.generators.ladder(3), inputs=["v0"], outputs=["n3"], trainable="r*")
>>> trainer = tr.Trainer(net, tr.EquilibriumPropagation(beta=1e-3), optimizer=tr.SGD(lr=5.0))
>>> history = trainer.fit([[1.0], [2.0]], [[0.1], [0.2]], epochs=100)
>>> trainer.predict([[3.0]]).round(3)
array([[0.3]])
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
