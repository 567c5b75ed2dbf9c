"""Points as rows amount to what states do; how many threads work on them leaves no trace."""

from dataclasses import replace

import numpy as np
import pytest
from circuits import CONVEX, LARGE, random_circuit

import resnet_sim as rs
from resnet_sim.compiled import policy
from resnet_sim.laws.check import EPS
from resnet_sim.many import threads
from resnet_sim.many.question import Question
from resnet_sim.many.together import Together
from resnet_sim.solvers.linear.common_factor import CommonFactor

POINTS = 9


def question(circuit, seed):
    """A question about some sources and resistors of a circuit, and values."""
    rng = np.random.default_rng(seed)
    varied = {}
    for name, volts in zip(circuit.voltage_sources.names, circuit.voltage_sources.volts,
                           strict=True):  # fmt: skip
        varied[name] = volts * rng.choice([-1.0, 0.5, 1.0, 2.0], POINTS)
    for name, amps in zip(circuit.current_sources.names, circuit.current_sources.amps,
                          strict=True):  # fmt: skip
        varied[name] = amps * rng.choice([-1.0, 0.5, 1.0, 2.0], POINTS)
    for name, ohms in zip(circuit.resistors.names, circuit.resistors.ohms, strict=True):
        if seed % 2 and 0 < ohms < np.inf:
            varied[name] = ohms * rng.uniform(0.9, 1.1, POINTS)
    columns = np.array(list(varied.values())).T
    return Question(circuit, tuple(varied), POINTS), columns


#: sources there depend on others, or form loops
OTHERS = {"reciprocal_amplifiers", "decimal_loop"}


@pytest.mark.parametrize("family", sorted({*CONVEX, *LARGE} - OTHERS))
def test_rows_amount_to_what_states_do(family):
    compared = 0
    for seed in range(6):
        asked, values = question(random_circuit(family, seed), seed)
        together = Together(asked) if asked.varied else None
        if together is None or together.reason or together.rows is None:
            continue
        shape = (POINTS, len(asked.circuit.nodes)), (POINTS, asked.circuit.n_elements)
        (v, i), (volts, amps) = ([np.full(s, np.nan) for s in shape] for _ in range(2))
        with np.errstate(all="ignore"):
            settled, steps, loops, at = together._by_rows(values, v, i)
            wanted, others, patterns, point = together._by_state(values, volts, amps)
        assert np.array_equal(settled, wanted)
        assert steps == others
        size_v, size_i = (np.abs(x[settled]).max(initial=0.0) for x in (volts, amps))
        assert np.abs(v - volts)[settled].max(initial=0.0) <= 1e-13 * size_v
        assert np.abs(i - amps)[settled].max(initial=0.0) <= 1e-11 * size_i
        same = [
            np.array_equal(a[settled], b[settled]) for a, b in zip(loops, patterns, strict=True)
        ]
        assert all(same)
        for k in np.flatnonzero(settled)[:2].tolist():
            one, other = at(k), point(k)
            assert np.abs(one.currents() - other.currents()).max(initial=0.0) <= 1e-11 * size_i
        compared += int(settled.sum())
    assert compared


@pytest.mark.parametrize("kind", ["inputs", "samples", "sweep"])
def test_the_number_of_threads_leaves_no_trace(kind):
    circuit = rs.generators.grid(15, seed=3)
    source = circuit.current_sources.names[0]
    values = np.linspace(-2.0, 2.0, 5 * threads.PART // 2)

    def answer(count):
        with policy.using(tiles=0, lanes=0, threads=count):
            if kind == "inputs":
                return rs.solve(circuit, inputs={source: values})
            if kind == "sweep":
                return rs.sweep(circuit, **{source: values}, chunk=len(values))
            return rs.monte_carlo(circuit, {"r*": 0.1}, len(values), executor="serial")

    one, two, four = (answer(count) for count in (1, 2, 4))
    assert one.solver.backend.startswith("backend: lanes")
    for other in (two, four):
        assert one.node_voltages.tobytes() == other.node_voltages.tobytes()
        assert one.element_currents.tobytes() == other.element_currents.tobytes()
        assert one.certificate == other.certificate
        assert one.solver.iterations == other.solver.iterations


def linear(decades):
    """A grid without diodes whose conductances spread over decades, and a question about it."""
    mixture = replace(rs.generators.DIODES, diodes=0.0, ground_diodes=0.0, decades=decades)
    circuit = rs.generators.grid(12, seed=4, mixture=mixture)
    names = circuit.current_sources.names[:3]
    values = np.random.default_rng(1).uniform(-1.0, 1.0, (21, len(names)))
    return Question(circuit, names, len(values)), values


@pytest.mark.parametrize("decades", [1.0, 8.0, 14.0])
def test_one_factor_serves_all_points_of_a_linear_circuit(decades):
    asked, values = linear(decades)
    assert Together(asked).straight
    with policy.using(lanes=0):
        found = rs.solve(asked.circuit, inputs=dict(zip(asked.varied, values.T, strict=True)))
    assert found.certificate.ok
    for k in (0, 11, 20):
        variant = asked.circuit.with_values(dict(zip(asked.varied, values[k], strict=True)))
        one = rs.solve(variant)
        assert found.node_voltages[k] == pytest.approx(one.node_voltages, rel=1e-9, abs=1e-12)
        # no more than a few roundings of the voltages across a small resistance
        volts = np.abs(one.node_voltages).max()
        open_ = np.zeros(asked.circuit.n_elements)
        open_[: len(asked.circuit.resistors)] = 4 * EPS * volts / asked.circuit.resistors.ohms
        off = np.abs(found.element_currents[k] - one.element_currents)
        assert (off <= 1e-9 * np.abs(one.element_currents) + open_ + 1e-15).all()


def test_what_one_factor_gets_wrong_is_solved_by_others(monkeypatch):
    asked, values = linear(1.0)
    inputs = dict(zip(asked.varied, values.T, strict=True))

    def wrong(self, load):
        return right(self, load) * (1.0 + 1e-3 * (np.arange(len(load))[:, None] % 2))

    with policy.using(lanes=0):
        wanted = rs.solve(asked.circuit, inputs=inputs)
        right = CommonFactor.solve
        monkeypatch.setattr(CommonFactor, "solve", wrong)
        found = rs.solve(asked.circuit, inputs=inputs)
    assert found.certificate.ok
    assert found.node_voltages == pytest.approx(wanted.node_voltages, rel=1e-9, abs=1e-12)
    assert found.element_currents == pytest.approx(wanted.element_currents, rel=1e-9, abs=1e-12)
