"""What a search among tangents takes: linear solves, and corrections of each of them."""

import pytest
from junction_circuits import circuit

import resnet_sim as rs
from resnet_sim.solvers.linear.contracted import ContractedNetwork


@pytest.fixture
def corrections(monkeypatch):
    """Count the applications of inverses."""
    found = []
    step = ContractedNetwork.step

    def counting(*arguments):
        found.append(1)
        return step(*arguments)

    monkeypatch.setattr(ContractedNetwork, "step", counting)
    return found


@pytest.mark.parametrize(("kind", "seed"), [("bridges", 1), ("bridges", 7), ("pairs", 1)])
def test_what_is_far_off_is_not_solved_to_the_last_digit(kind, seed, corrections):
    op = rs.solve(circuit(kind, seed, 1000))
    # to the last digit each takes four or more
    assert op.certificate.ok
    assert len(corrections) <= 3 * op.solver.iterations


def test_ideal_diodes_that_others_hold_at_their_drop_flip_no_more():
    op = rs.solve(circuit("pairs", 3, 300, hard=True))
    # with every antiparallel one taken for conducting first, 35
    assert op.certificate.ok
    assert op.solver.iterations <= 30
