"""Samples and what tells jobs apart."""

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.many.jobs import Job, told
from resnet_sim.many.spreads import monte_carlo

DIVIDER = rs.parse_netlist("two\nV1 a 0 1\nR1 a b 1k\nR2 b 0 3k")


@pytest.mark.parametrize("distribution", ["uniform", "normal", "lognormal"])
def test_any_part_of_the_samples_is_that_of_all(distribution):
    """Samples are drawn in blocks: parts begin and end within one, at its ends, or in the next."""
    drawn = monte_carlo(DIVIDER, {"r*": 0.1, "v1": 0.2}, 200, 5, distribution)
    whole = drawn.values(0, 200)
    for first, last in ((0, 64), (0, 10), (10, 20), (60, 70), (64, 200), (63, 130), (128, 128)):
        assert np.array_equal(drawn.values(first, last), whole[first:last])


def test_uniform_samples_are_those_of_numpy():
    """As they always were: a run that was begun goes on with the same samples."""
    values = monte_carlo(DIVIDER, {"r*": 0.05}, 70, 7).values(0, 70)
    for block, rows in ((0, slice(0, 64)), (1, slice(64, 70))):
        z = np.random.default_rng([7, block]).uniform(-1.0, 1.0, (64, 2))
        wanted = np.array([1e3, 3e3]) + z * (np.array([1e3, 3e3]) * np.array([0.05, 0.05]))
        assert np.array_equal(values[rows], wanted[: len(values[rows])])


def test_jobs_that_differ_have_other_fingerprints():
    given = [({"r*": 0.1}, 9, 0), ({"r*": 0.2}, 9, 0), ({"r*": 0.1}, 8, 0), ({"r*": 0.1}, 9, 1),
             ({"r1": 0.1}, 9, 0), ({"r*": 0.1, "v1": 0.1}, 9, 0)]  # fmt: skip
    prints = [Job(DIVIDER, monte_carlo(DIVIDER, *one)).fingerprint for one in given]
    assert len(set(prints)) == len(given)
    assert prints[0] == Job(DIVIDER, monte_carlo(DIVIDER, *given[0])).fingerprint


def test_what_is_told_of_values_has_ends():
    """What stands side by side can't be taken for something else."""
    words = [("ab", "c"), ("a", "bc"), ("abc",), (), "", "()", (("a",), ("b",))]
    values = [*words, (1.0, 2.0), (1, 2), ((1.0,), 2.0), (-0.0,), (0.0,)]
    assert len({told(value) for value in values}) == len(values)
