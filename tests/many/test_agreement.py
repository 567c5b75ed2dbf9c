"""Batches of random circuits with mixed values: lanes against the point solver and the witness."""

import numpy as np
import pytest
from circuits import CONVEX, FEEDBACK, LARGE, ONE_WAY, random_circuit
from enumeration import Undecided, all_outcomes, apart

import resnet_sim as rs
from resnet_sim.compiled import policy

FAMILIES = sorted(CONVEX | LARGE | ONE_WAY | FEEDBACK)
#: that many points, so that lanes are refilled and some stay empty
POINTS = 11


def batch(circuit, seed):
    """Values of all sources and some of all resistors, shape (points,), by name."""
    rng = np.random.default_rng(seed)
    values = {}
    for table, column in (("voltage_sources", "volts"), ("current_sources", "amps")):
        device = circuit.tables[table]
        for name, value in zip(device.names, getattr(device, column).tolist(), strict=True):
            values[name] = value * rng.choice([0.0, 1.0, -1.0, 0.5, 2.0], POINTS)
    if seed % 2:
        for name, ohms in zip(circuit.resistors.names, circuit.resistors.ohms, strict=True):
            if 0 < ohms < np.inf and rng.random() < 0.7:
                values[name] = ohms * rng.uniform(0.9, 1.1, POINTS)
    return values


def one_by_one(circuit, values):
    """The points, or the errors, of the solver of single points."""
    found = []
    for k in range(POINTS):
        variant = circuit.with_values({name: float(column[k]) for name, column in values.items()})
        try:
            found.append(rs.solve(variant))
        except rs.ResnetSimError as error:
            found.append(error)
    return found


def close(found, wanted, scale):
    """Whether voltages agree; what floats has none in either."""
    defined = ~np.isnan(wanted)
    if not np.array_equal(defined, ~np.isnan(found)):
        return False
    return bool((np.abs(found - wanted)[defined] <= 1e-9 * scale).all())


def witnessed(circuit):
    """Voltages of all isolated solutions by exact exhaustion, None if that has no opinion."""
    if len(circuit.diodes) > 8:
        return None
    try:
        outcomes = apart(all_outcomes(circuit))
    except Undecided:
        return None
    return [
        np.array([np.nan if volts is None else float(volts) for volts in one.voltages])
        for one in outcomes
    ]


def check(family, seed):
    """Compare a batch; return whether lanes solved it, and how many points the witness saw."""
    circuit = random_circuit(family, seed, decades=4)
    values = batch(circuit, seed)
    wanted = one_by_one(circuit, values)
    wrong = [one for one in wanted if isinstance(one, rs.ResnetSimError)]
    if not values or wrong:
        if values:
            with policy.using(lanes=0, fewest_points=1, factor=0), pytest.raises(type(wrong[0])):
                rs.solve(circuit, inputs=values)
        return False, 0
    with policy.using(lanes=0, fewest_points=1, factor=0):
        found = rs.solve(circuit, inputs=values)
    # what the solver of single points owns up to, it owns up to here
    assert found.certificate.ok == all(point.certificate.ok for point in wanted)
    seen = 0
    for k, point in enumerate(wanted):
        scale = np.nanmax(np.abs(point.node_voltages), initial=1e-300)
        assert close(found.node_voltages[k], point.node_voltages, scale), (family, seed, k)
        judged = k == seed % POINTS and point.certificate.ok
        exact = witnessed(point.circuit) if judged else None
        if exact is not None:
            seen += 1
            # only with feedback there may be several solutions, and then that is said
            told = any(one.code == "W205" for one in point.diagnostics)
            assert len(exact) == 1 or (family in FEEDBACK and told), (family, seed, k)
            right = [close(found.node_voltages[k], one, scale) for one in exact]
            assert any(right), (family, seed, k)
    return "lanes" in found.solver.backend.splitlines()[0], seen


def survey(family, seeds):
    laned = seen = 0
    for seed in seeds:
        in_lanes, points = check(family, seed)
        laned, seen = laned + in_lanes, seen + points
    return laned, seen


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_agree_with_single_points_and_with_the_witness(family):
    survey(family, range(4))


@pytest.mark.parametrize(
    ("family", "seed"), [("diode_bundles", 1105), ("diode_bundles", 1138), ("fixed_switches", 1105)]
)
def test_what_only_idle_rectifiers_hold_has_no_voltage(family, seed):
    check(family, seed)


@pytest.mark.parametrize(
    ("family", "seed"),
    [
        ("operational_amplifiers", 2038),
        ("operational_amplifiers", 2050),
        ("cancelling_resistors", 2046),
    ],
)
def test_of_several_solutions_one_is_given_and_that_is_said(family, seed):
    assert check(family, seed)[1] == 1


def test_most_batches_are_lanes_and_most_are_witnessed():
    laned, seen = np.sum([survey(f, range(4, 8)) for f in ("linear", "sparse_diodes")], axis=0)
    assert laned >= 4
    assert seen >= 4


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
def test_5_000_batches_agree_with_single_points_and_with_the_witness(family):
    survey(family, range(1_000, 1_000 + 5_000 // len(FAMILIES) + 1))
