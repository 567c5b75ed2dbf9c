"""What another simulator says may be beyond what laws can be evaluated at: numpy is silent."""

from __future__ import annotations

import warnings

import numpy as np

import resnet_sim as rs
from resnet_sim.laws.strangers import strangers

DECK = """follower
vcc c 0 5
v1 b 0 1
q1 c b e n
re e 0 1k
.model n npn(bf=100 vaf=50)
"""


def test_voltages_of_a_simulator_that_failed_are_judged_in_silence():
    op = rs.solve(DECK)
    closed = np.zeros(0, dtype=np.bool_)
    volts = op.node_voltages.copy()
    assert strangers(op.circuit, volts, op.element_currents, closed, 1e-6) == []
    # vbc = vaf: there the charge of the base has a pole
    volts[op.circuit.node("b")], volts[op.circuit.node("c")] = 50.0, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = strangers(op.circuit, volts, op.element_currents, closed, 1e-6)
    assert found


def test_what_a_search_stands_on_beyond_all_numbers_is_no_solution():
    # to a search an exponential goes on as its tangent; beside 1e132 V rounding excused all else
    deck = "t\nV1 a 0 1000\nR1 a 0 1k\nB1 b 0 V={}\nR2 b 0 1k\n"
    for formula in ("exp(v(a))", "exp(v(a)/2)"):
        found = rs.solve(deck.format(formula))
        assert (found.status, found.certificate.ok) == ("not converged", False)
    for formula, volts in (("min(exp(v(a)),5)", 5.0), ("1/exp(v(a))", 0.0)):
        found = rs.solve(deck.format(formula))
        assert found.certificate.ok and abs(found["b"] - volts) < 1e-12
