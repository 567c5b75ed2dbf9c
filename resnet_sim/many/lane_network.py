"""The network of lanes that a question about states comes down to, or why it has none."""

from __future__ import annotations

import numpy as np

from .bends import Bends
from .iterated import fitting
from .lane_data import Network
from .lanes import Lanes
from .question import Question
from .states import Terminals
from .structure import Structure, Unsupported


class Bundles:
    """Edges between the same two coordinates, which loops see as one.

    Most are to the reference: all that joins a node to inputs.

    Attributes
    ----------
    p, q : ndarray of int, shape (bundles,)
    number : ndarray of int, shape (e,)
        The bundle of each edge of the structure.
    """

    def __init__(self, question: Question) -> None:
        s = question.structure
        assert isinstance(s, Structure)
        low, high = np.minimum(s.edge_p, s.edge_q), np.maximum(s.edge_p, s.edge_q)
        keys, self.number = np.unique(low * (s.n + 1) + high, return_inverse=True)
        self.p, self.q = keys // (s.n + 1), keys % (s.n + 1)


def lanes_of(question: Question) -> Lanes:
    """Return the lanes that solve a circuit which is one convex problem, but for its curves."""
    return fitting(_network(question))


def bends_of(question: Question) -> Bends | None:
    """Return what solves the same with its curves, None if there are none."""
    s = question.structure
    assert isinstance(s, Structure)
    return Bends(_network(question), s.curves) if len(s.curves) else None


def unfit(question: Question) -> str | None:
    """Return why there is no room for what solves it, None if there is."""
    bends = question.once(bends_of)
    return (bends.lanes if bends else question.once(lanes_of)).unfit


def _network(question: Question) -> Network:
    s, outputs, edges = question.structure, question.once(Terminals.of), question.once(Bundles)
    assert isinstance(s, Structure)
    p, q = outputs.p, outputs.q
    return Network(
        s.n + 1, edges.p, edges.q, s.diode_p, s.diode_q, s.resistance,
        s.coordinate[p], s.coordinate[q], s.scale[p], s.scale[q],
    )  # fmt: skip


def no_structure(question: Question) -> str | None:
    """Return why a circuit is not one convex problem whose data are affine in the inputs."""
    if question.unlearnable:
        return question.unlearnable
    if question.signed:
        return "conductances may be negative: there may be several states"
    structure = question.structure
    return str(structure) if isinstance(structure, Unsupported) else None
