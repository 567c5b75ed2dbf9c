"""Targets that outputs can't be clamped to are told by the names of the outputs."""

from __future__ import annotations

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr

DECK = """pair
V1 a 0 1
R1 a b 1k
R2 a c 1k
R3 b 0 1k
R4 c 0 1k
D1 b c ideal
.model ideal D(Ron=0 Roff=inf Vfwd=0)
"""


def test_targets_that_a_diode_contradicts_are_named():
    net = tr.Network(rs.parse_netlist(DECK), ["v1"], ["b", "c"])
    trainer = tr.Trainer(net, tr.CoupledLearning(eta=1.0))
    with pytest.raises(rs.TopologyError) as caught:
        trainer.fit(np.ones((2, 1)), [[0.2, 0.4], [1.0, 0.2]], 1)
    error = caught.value
    assert "sample 1: error[E202]: the targets (b = 1 V, c = 0.2 V) contradict d1:" in str(error)
    assert "nudge" not in str(error).replace("nudge towards", "")
    assert (error.elements, error.lines) == (("d1",), (7,))
