"""Crossbars as their users mean them, against dense nodal analysis."""

from __future__ import annotations

import numpy as np
import pytest
from crossbar_states import currents

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.analyses import crossbar
from resnet_sim.compiled import policy


def random_crossbar(seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Voltages, resistances (some open) and wires (some without resistance)."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 13, 2)
    ohms = 10.0 ** rng.uniform(2, 6, (rows, columns))
    ohms[rng.random(ohms.shape) < rng.choice([0.0, 0.2, 0.7])] = np.inf
    sizes = {n: float(rng.choice([0.0, rng.uniform(0, 10)]))
             for n in ("row_wire", "column_wire", "source", "load")}  # fmt: skip
    return rng.normal(size=(int(rng.integers(1, 20)), rows)), ohms, sizes


@pytest.mark.parametrize("seed", range(60))
def test_currents_are_those_of_nodal_analysis(seed):
    v, ohms, sizes = random_crossbar(seed)
    expected = currents(v, ohms, **sizes)
    scale = np.abs(expected).max(initial=1e-300)
    found = rs.crossbar_currents(v, ohms, **sizes)
    assert np.abs(found - expected).max() <= 1e-9 * scale
    one = rs.crossbar_currents(v[0], ohms, **sizes)
    assert np.abs(one - expected[0]).max() <= 1e-9 * scale
    # driven columns: the same, with rows and columns changed
    turned = dict(sizes, row_wire=sizes["column_wire"], column_wire=sizes["row_wire"])
    found = rs.crossbar_currents(v, ohms.T, drive="columns", **turned)
    assert np.abs(found - expected).max() <= 1e-9 * scale


@pytest.mark.parametrize("seed", range(8))
def test_large_ones_go_the_way_of_other_circuits(seed, monkeypatch):
    v, ohms, sizes = random_crossbar(seed)
    expected = currents(v, ohms, **sizes)
    # nothing else is asked
    monkeypatch.delattr(crossbar, "_Network")
    for drive in ("rows", "columns"):
        with policy.using(currents=0, lanes=0):
            found = rs.crossbar_currents(
                v, ohms if drive == "rows" else ohms.T, drive=drive, **sizes
            )
        assert found.shape == expected.shape
        scale = np.abs(expected).max(initial=1e-300)
        assert np.abs(found - expected).max() <= 1e-9 * scale
        sizes["row_wire"], sizes["column_wire"] = sizes["column_wire"], sizes["row_wire"]


@pytest.mark.parametrize("drive", ["rows", "columns"])
def test_the_circuit_is_that_of_the_arrays(drive):
    for seed in range(8):
        v, ohms, sizes = random_crossbar(seed)
        ohms = ohms if drive == "rows" else ohms.T
        op = rs.solve(rs.generators.crossbar(1.0 / ohms, volts=v[0], drive=drive, **sizes))
        expected = rs.crossbar_currents(v[0], ohms, drive=drive, **sizes)
        name = "rl{}" if sizes["load"] else "vs{}"
        found = [op.current(name.format(k)) for k in range(len(expected))]
        assert np.allclose(
            found, expected, rtol=0, atol=1e-9 * np.abs(expected).max(initial=1e-300)
        )


@pytest.mark.long
def test_large_crossbars():
    rng = np.random.default_rng(0)
    for rows, columns in ((40, 25), (17, 50)):
        ohms = 10.0 ** rng.uniform(3, 5, (rows, columns))
        v = rng.normal(size=(4, rows))
        expected = currents(v, ohms, 1.0, 3.0)
        found = rs.crossbar_currents(v, ohms, 1.0, 3.0)
        assert np.abs(found - expected).max() <= 1e-9 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("voltages", "ohms", "options", "message"),
    [
        ([1.0], [[1.0], [1.0]], {}, "need 2 finite columns"),
        ([1.0, np.nan], [[1.0], [1.0]], {}, "need 2 finite columns"),
        ([1.0], [[0.0]], {}, "all positive"),
        ([1.0], [1.0], {}, "need rows and columns"),
        ([1.0], [[1.0]], {"row_wire": -1.0}, "not negative"),
        ([1.0], [[1.0]], {"load": np.inf}, "finite"),
        ([1.0], [[1.0]], {"drive": "row"}, "there are rows and columns"),
        ([1.0], [[1.0]], {"row_wires": 1.0}, "did you mean row_wire"),
        ([1.0], [[1.0]], {"row_wire": [1.0]}, "value .* of row_wire is not a number"),
        ([1.0], [[1.0]], {"tolerance": 0}, "tolerance 0 is not between"),
        ([1j], [[1.0]], {}, "voltages must be real numbers, not complex"),
        ([1.0], np.array([[1j]]), {}, "resistances must be real numbers, not complex"),
        (["a"], [[1.0]], {}, "voltages must be real numbers, not text"),
        (np.ma.masked_array([1.0], [True]), [[1.0]], {}, "voltages: some are masked"),
        ([[1.0], [1.0, 2.0]], [[1.0]], {}, "voltages must be one table"),
    ],
)
def test_what_makes_no_sense_is_refused(voltages, ohms, options, message):
    with pytest.raises(rs.UsageError, match=message):
        rs.crossbar_currents(voltages, ohms, **options)


def test_wires_may_be_in_the_writing_of_spice():
    ohms = [[1e3, 2e3], [2e3, 1e3]]
    found = rs.crossbar_currents([1.0, 0.5], ohms, "0.1k", "2")
    assert np.array_equal(found, rs.crossbar_currents([1.0, 0.5], ohms, 100.0, 2.0))


# ---- pairs, and currents that are outputs ----


def test_differential_pairs_multiply_by_signed_weights():
    rng = np.random.default_rng(0)
    w, v = rng.normal(size=(6, 4)), rng.normal(size=(5, 6))
    g = rs.generators.differential_pairs(w, 1e-6, 1e-4)
    assert g.min() >= 1e-6 and g.max() == pytest.approx(1e-4)
    i = rs.crossbar_currents(v, 1.0 / g)
    expected = (v @ w) * (1e-4 - 1e-6) / np.abs(w).max()
    assert np.allclose(i[:, ::2] - i[:, 1::2], expected, rtol=0, atol=1e-12)


def test_currents_of_voltage_sources_are_outputs():
    rng = np.random.default_rng(1)
    ohms = 10.0 ** rng.uniform(3, 4, (3, 4))
    circuit = rs.generators.crossbar(1.0 / ohms, row_wire=5.0, column_wire=2.0)
    inputs = ["v0", "v1", "v2"]
    net = tr.Network(circuit, inputs, ["i(vs0)", ("i(VS1)", "i(vs2)"), "col2_1"], "rw*")
    X, Y = rng.normal(size=(5, 3)), 1e-3 * rng.normal(size=(5, 3))
    found, i = net.forward(X), rs.crossbar_currents(X, ohms, 5.0, 2.0)
    assert net.outputs.names == ("i(vs0)", "i(VS1),i(vs2)", "col2_1")
    assert np.allclose(found[:, 0], i[:, 0], rtol=0, atol=1e-12)
    assert np.allclose(found[:, 1], i[:, 1] - i[:, 2], rtol=0, atol=1e-12)
    exact, g = tr.gradient(net, X, Y, tr.Adjoint()), net.conductances
    cost = tr.SquaredError()
    for k in range(len(g)):
        ends = []
        for step in (1e-5, -1e-5):
            moved = g.copy()
            moved[k] *= 1 + step
            net.conductances = moved
            ends.append(cost.value(net.forward(X), Y).mean())
        net.conductances = g
        slope = (ends[0] - ends[1]) / (2e-5 * g[k])
        assert exact[k] == pytest.approx(slope, rel=1e-6, abs=1e-6 * np.abs(exact).max())
    with pytest.raises(rs.UsageError, match="only voltage sources are ammeters"):
        tr.Network(circuit, inputs, ["i(rw0_0)"], "rw*")
    nudged = tr.gradient(net, X, Y, tr.EquilibriumPropagation(1e-3, strict=True))
    assert np.abs(nudged - exact).max() < 1e-6 * np.abs(exact).max()
