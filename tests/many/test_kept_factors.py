"""Factors with which states settled serve what is asked of these states next."""

from __future__ import annotations

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.compiled import policy


def network(side=7):
    """A grid whose samples differ in what conducts, with inputs and targets."""
    circuit = rs.generators.grid(side, seed=3)
    inputs = circuit.current_sources.names[:3] or circuit.voltage_sources.names[:3]
    net = tr.Network(circuit, inputs, list(circuit.nodes[5:9]), "r*")
    rng = np.random.default_rng(side)
    return net, rng.normal(size=(21, len(inputs))), 0.1 * rng.normal(size=(21, 4))


def forget(net):
    net._backend.lanes._kept.clear()


def poison(net):
    ((_, _, every),) = net._backend.lanes._kept
    assert every
    for kept in every:
        kept.pivot[:] = np.nan


ASKED = {
    "adjoint": lambda net, free, x, y: free.adjoint(free.outputs - y),
    "reaction": lambda net, free, x, y: net.pulled(x, free, 1e-3, y).voltages,
}


@pytest.mark.parametrize("asked", ASKED)
def test_bits_are_the_same_whether_factors_were_kept_or_not(asked):
    net, x, y = network()
    kept = ASKED[asked](net, net.free(x), x, y)
    free = net.free(x)
    forget(net)
    assert np.array_equal(kept, ASKED[asked](net, free, x, y))


@pytest.mark.parametrize("asked", ASKED)
def test_factors_that_were_kept_are_used(asked):
    net, x, y = network()
    free = net.free(x)
    right = ASKED[asked](net, free, x, y)
    free = net.free(x)
    poison(net)
    try:
        other = ASKED[asked](net, free, x, y)
    except Exception:  # whatever is not a number may be refused
        return
    assert not np.array_equal(right, other)


def test_factors_of_other_states_are_not_used():
    net, x, y = network()
    right = ASKED["adjoint"](net, net.free(x), x, y)
    free = net.free(x)
    net.free(2.0 * x[::-1])
    assert np.array_equal(right, ASKED["adjoint"](net, free, x, y))
    g = net.conductances
    net.conductances = 1.5 * g
    net.free(x)
    assert np.array_equal(right, ASKED["adjoint"](net, free, x, y))


def test_the_next_states_are_kept_in_the_same_memory():
    net, x, _ = network()
    net.free(x)
    ((_, _, before),) = net._backend.lanes._kept
    net.conductances = 1.5 * net.conductances
    net.free(x)
    ((_, _, after),) = net._backend.lanes._kept
    assert all(a.factor is b.factor for a, b in zip(before, after, strict=True))
    room = sum(kept.factor.size for kept in after)
    net.free(x[:9])
    ((_, _, fewer),) = net._backend.lanes._kept
    assert sum(kept.factor.size for kept in fewer) < room


def test_what_a_thread_works_with_no_other_writes_to(monkeypatch):
    net, x, y = network()
    right = ASKED["adjoint"](net, net.free(x), x, y)
    lanes, free = net._backend.lanes, net.free(x)
    hold = lanes._share

    def meanwhile(*arguments):
        monkeypatch.undo()
        net.free(2.0 * x[::-1])
        return hold(*arguments)

    monkeypatch.setattr(lanes, "_share", meanwhile)
    assert np.array_equal(right, ASKED["adjoint"](net, free, x, y))


def test_there_is_a_limit_to_what_is_kept():
    net, x, y = network()
    right = ASKED["adjoint"](net, net.free(x), x, y)
    with policy.using(kept=0):
        free = net.free(x)
        assert not net._backend.lanes._kept
        assert np.abs(ASKED["adjoint"](net, free, x, y) - right).max() < 1e-12


def test_groups_with_few_points_are_not_worth_their_factors():
    from resnet_sim.many.lane_room import Kept, chosen

    def held(*counts):
        sample = np.full((len(counts), 8), -1)
        first = np.cumsum((0, *counts))
        for row, (begin, count) in enumerate(zip(first, counts, strict=False)):
            sample[row, :count] = np.arange(begin, begin + count)
        return Kept(sample, *np.zeros((2, len(counts), 0, 0)))

    def used(counts, price):
        (found,) = chosen([held(*counts)], 32, price)
        return (found.sample >= 0).sum(axis=1).tolist()

    # four groups of eight are needed at least; of those that are not used points go together
    assert used((8, 8, 8, 8), 0.5) == [8, 8, 8, 8]
    assert used((5, 4, 4, 7, 7, 3, 1, 1), 0.5) == [0] * 8
    assert used((3, 6, 6, 5, 8, 3, 1), 10.0) == [3, 6, 6, 5, 8, 3, 1]
    assert used((), 10.0) == []


def test_threads_share_out_factors_eight_points_at_a_time(monkeypatch):
    net, X, Y = network()
    lanes, shared = net._backend.lanes, []

    def noted(work, parts, count, then):
        shared.append(parts)
        return share(work, parts, count, then)

    with policy.using(threads=2, tiles=0):
        free = net.free(X)
        share = lanes._share
        monkeypatch.setattr(lanes, "_share", noted)
        free.adjoint(Y)
    (parts,) = shared
    assert all((kept.sample >= 0).any() for kept in parts)
    assert {len(kept.sample) for kept in parts if len(kept.factor)} == {1}
    assert sorted(k for kept in parts for k in kept.sample.ravel() if k >= 0) == list(range(21))
    # what has no factors takes longest, and comes first
    known = [len(kept.factor) > 0 for kept in parts]
    assert any(known) and known == sorted(known)
