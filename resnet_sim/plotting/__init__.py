"""Pictures: curves, a circuit, what training did to it, and how the cost fell.

Needs matplotlib: ``pip install 'resnet_sim[plot]'``.  Every function returns a matplotlib
`Figure`, which `save` writes so that the same picture gives the same bytes.
"""

from .circuits import draw_circuit, draw_conductances
from .curves import plot
from .drops import draw_drops
from .figures import save
from .learning import draw_fields, learning_curve

__all__ = [
    "draw_circuit", "draw_conductances", "draw_drops", "draw_fields", "learning_curve", "plot",
    "save",
]  # fmt: skip

#: modules that other packages may use
DOORS = (
    "charts", "circuits", "curves", "drops", "learning", "results", "schematic", "schematic.svg",
    "text",
)  # fmt: skip
