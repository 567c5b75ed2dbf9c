"""Crossbars: an array of conductances that is one device, and behaves as if expanded."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim import generators
from resnet_sim.analyses.sensitivity import sensitivities
from resnet_sim.laws.certificate import certify
from resnet_sim.many.trainable import select
from resnet_sim.model.devices import crossbar as crossbars
from resnet_sim.model.requests import Sweep
from resnet_sim.netlist import format_netlist

G = np.array([[1.0, 0.0, 2.0], [0.5, 3.0, 0.0]])


def circuit_of(g, *, expanded=False):
    """Sources drive the rows; columns have a load each, a diode, a source; one sensed current."""
    b = rs.CircuitBuilder("crossbar")
    rows, columns = g.shape
    for i in range(rows):
        b.voltage_source(f"v{i}", f"x{i}", "0", 1.0 + i)
    if expanded:
        for i, j in product(range(rows), range(columns)):
            if g[i, j]:
                b.resistor(f"xb_{i}_{j}", f"x{i}", f"y{j}", 1.0 / g[i, j])
    else:
        b.crossbar("xb", [f"x{i}" for i in range(rows)], [f"y{j}" for j in range(columns)], g)
    for j in range(columns):
        b.resistor(f"rl{j}", f"y{j}", "0", 2.0)
    b.diode("d1", "0", "y0")
    b.current_source("i1", "y0", "0", 9.0)
    b.cccs("f1", "y1", "0", "v0", 0.25)
    return b.build()


def random_array(seed=0, shape=(7, 5), zeros=0.4):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 5.0, shape) * (rng.random(shape) > zeros)


# ---- as if expanded ----


@pytest.mark.parametrize("seed", range(5))
def test_a_crossbar_is_what_its_resistors_are(seed):
    g = random_array(seed)
    found, wanted = rs.solve(circuit_of(g)), rs.solve(circuit_of(g, expanded=True))
    assert found.certificate.ok
    for node, volts in wanted.voltages.items():
        assert found.voltage(node) == pytest.approx(volts, rel=1e-12, abs=1e-13)
    for name, amps in wanted.currents.items():
        assert found.current(name) == pytest.approx(amps, rel=1e-11, abs=1e-12)
    open_ = set(found.currents) - set(wanted.currents)
    assert len(open_) == (g == 0).sum()
    assert all(found.current(name) == 0.0 for name in open_)


def test_by_hand():
    b = rs.CircuitBuilder("two into one")
    b.voltage_source("v1", "a", "0", 6.0)
    b.crossbar("xb", ["a", "0"], ["m"], [[2.0], [1.0]])
    op = rs.solve(b.build())
    assert op.voltage("m") == pytest.approx(4.0, rel=1e-14)
    assert op.current("xb_0_0") == pytest.approx(4.0, rel=1e-14)
    assert op.current("xb_1_0") == pytest.approx(-4.0, rel=1e-14)


@pytest.mark.parametrize("dialect", ["resnet-sim", "ngspice"])
def test_it_is_written_as_resistors(dialect):
    text = format_netlist(circuit_of(G), dialect)
    assert text.count("xb_") == np.count_nonzero(G)
    again = rs.parse_netlist(format_netlist(circuit_of(G)))
    assert not again.crossbars.devices
    wanted, found = rs.solve(circuit_of(G)), rs.solve(again)
    assert "xb_0_1" not in again.element_names
    for name, amps in found.currents.items():
        assert wanted.current(name) == pytest.approx(amps, rel=1e-12, abs=1e-12)


@requires_ngspice
def test_ngspice_agrees():
    report = rs.ngspice.compare(circuit_of(G))
    assert report.agrees
    assert report.comparisons[0].compared["voltages"] >= 5


def test_the_certificate_checks_each_conductance():
    circuit = circuit_of(G)
    op = rs.solve(circuit)
    currents = op.element_currents.copy()
    assert certify(circuit, op.node_voltages, currents, op.closed, 1e-9).ok
    currents[circuit.element("xb_1_1")] *= 1.001
    proof = certify(circuit, op.node_voltages, currents, op.closed, 1e-9)
    assert any("xb_1_1" in failure for failure in proof.failures)
    currents = op.element_currents.copy()
    currents[circuit.element("xb_0_1")] = 1e-3  # nothing is there
    assert not certify(circuit, op.node_voltages, currents, op.closed, 1e-9).ok


def test_single_conductances_are_swept_varied_and_differentiated():
    array, single = circuit_of(G), circuit_of(G, expanded=True)
    ohms = Sweep("xb_1_1", (0.5, 1.0, 2.0))
    found, wanted = rs.sweep(array, [ohms]), rs.sweep(single, [ohms])
    assert found.certificate.ok
    assert np.ptp(found.voltage("y1")) > 0.1
    assert found.voltage("y1") == pytest.approx(wanted.voltage("y1"), rel=1e-12)
    slopes, truth = (sensitivities(c, ["v(y1)"])[0].derivatives for c in (array, single))
    assert truth["xb_1_1"] < -0.1
    assert slopes["xb_1_1"] == pytest.approx(truth["xb_1_1"], rel=1e-12)
    assert np.ptp(rs.monte_carlo(array, {"xb_*": 0.1}, 5).voltage("y2")) > 0.001


def test_as_a_graph():
    graph = circuit_of(G).to_networkx()
    single = circuit_of(G, expanded=True).to_networkx()
    assert sorted(graph.edges(keys=True)) == sorted(single.edges(keys=True))
    assert graph.edges["x1", "y1", "xb_1_1"]["ohms"] == pytest.approx(1 / 3)


# ---- names and numbers ----


def test_names_are_a_sequence():
    circuit = circuit_of(G)
    names = circuit.element_names
    listed = list(names)
    assert len(names) == circuit.n_elements == len(listed) == 6 + 2 + 3 + 3
    assert listed[3:9] == [f"xb_{i}_{j}" for i in range(2) for j in range(3)]
    assert [names[k] for k in range(-len(names), len(names))] == listed * 2
    assert names[2:5] == tuple(listed[2:5])
    assert [circuit.element(name) for name in listed] == list(range(len(listed)))
    assert all(name in names for name in listed)
    assert "xb_2_0" not in names
    with pytest.raises(IndexError):
        names[len(names)]
    assert circuit.kind(circuit.element("XB_1_2")) == "crossbar"


@pytest.mark.parametrize(
    "name", ["xb_2_0", "xb_0_3", "xb_00_1", "xb", "xb_0", "yb_0_0", "xb_0_0_0"]
)
def test_names_that_mean_nothing(name):
    with pytest.raises(rs.UsageError, match="no element"):
        circuit_of(G).element(name)


def test_which_conductances_globs_mean():
    circuit = circuit_of(G)

    def names(*patterns):
        return list(select(circuit, patterns).names)

    cells = [f"xb_{i}_{j}" for i in range(2) for j in range(3)]
    assert names("xb") == names("xb*") == names("xb_*") == names("*_*") == cells
    assert names("xb_1_*") == ["xb_1_0", "xb_1_1", "xb_1_2"]
    assert names("XB_?_2", "rl1", "xb_0_0") == ["rl1", "xb_0_0", "xb_0_2", "xb_1_2"]
    assert names("*") == ["rl0", "rl1", "rl2", *cells]
    chosen = select(circuit, ["xb_1_*", "rl0"])
    assert chosen.conductances().tolist() == [0.5, 0.5, 3.0, 0.0]
    assert chosen.elements().tolist() == [0, 6, 7, 8]
    changed = chosen.applied(np.array([4.0, 1.0, 0.0, 2.0]))
    assert changed.resistors.ohms.tolist() == [0.25, 2.0, 2.0]
    assert changed.crossbars.devices[0].conductances.tolist() == [[1, 0, 2], [1, 0, 2]]
    with pytest.raises(rs.UsageError, match="no resistor is called 'xb_5_\\*'"):
        select(circuit, "xb_5_*")


# ---- values ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_kept_as_given(dtype):
    g = np.asfortranarray(G, dtype=dtype)
    kept = circuit_of(g).crossbars.devices[0].conductances
    assert kept.dtype == dtype
    assert np.shares_memory(kept, g)
    assert not kept.flags.writeable
    assert g.flags.writeable  # the caller's array stays the caller's


def test_other_values():
    circuit = circuit_of(G)
    changed = circuit.with_values({"xb_0_0": 4.0, "xb_1_1": np.inf, "rl0": 1.0})
    assert changed.crossbars.devices[0].conductances.tolist() == [[0.25, 0, 2], [0.5, 0, 0]]
    assert circuit.crossbars.devices[0].conductances[0, 0] == 1.0
    whole = circuit.with_conductances({"XB": 2 * G})
    assert whole.crossbars.devices[0].conductances.tolist() == (2 * G).tolist()
    assert rs.solve(whole).current("xb_0_2") != rs.solve(circuit).current("xb_0_2")


BAD = {
    "of that shape": np.ones((3, 2)),
    "at least one of each": np.ones((0, 3)),
    "finite and not negative": [[1.0, -1.0, 0.0], [0.0, 0.0, 0.0]],
    "finite and": [[1.0, np.nan, 0.0], [0.0, 0.0, 0.0]],
    "must be finite": [[1.0, np.inf, 0.0], [0.0, 0.0, 0.0]],
}


@pytest.mark.parametrize("message", BAD)
def test_bad_arrays(message):
    with pytest.raises(rs.UsageError, match=message):
        circuit_of(G).with_conductances({"xb": BAD[message]})
    with pytest.raises(rs.UsageError, match=message):
        rs.CircuitBuilder().crossbar("xb", ["a", "b"], ["c", "d", "e"], BAD[message])


def test_bad_values_and_names():
    circuit = circuit_of(G)
    for ohms in (0.0, -1.0):
        with pytest.raises(rs.UsageError, match="part of a crossbar"):
            circuit.with_values({"xb_0_0": ohms})
    with pytest.raises(rs.UsageError, match="no crossbar 'yb': there are xb"):
        circuit.with_conductances({"yb": G})
    with pytest.raises(rs.UsageError, match="xb_0_0 is a crossbar, not a switch"):
        circuit.with_switches({"xb_0_0": True})
    b = rs.CircuitBuilder()
    b.crossbar("xb", ["a"], ["b"], [[1.0]])
    with pytest.raises(rs.UsageError, match="two elements called xb"):
        b.resistor("xb", "a", "b", 1.0)
    with pytest.raises(rs.UsageError, match="node numbers"):
        b.crossbar("xc", np.array([9]), ["b"], [[1.0]])
    b.resistor("xb_0_0", "a", "b", 1.0)
    with pytest.raises(rs.UsageError, match="xb_0_0 is also the name of a conductance"):
        b.build()


# ---- size ----


def test_what_takes_conductances_one_by_one_refuses_too_many(monkeypatch):
    monkeypatch.setattr(crossbars, "MOST_EXPANDED", 5)
    with pytest.raises(rs.UsageError, match="crossbars of 6 conductances are too many"):
        rs.solve(circuit_of(G))


# ru_maxrss of a child begins with what its parent held when it forked
LARGEST = """
import re
from pathlib import Path
import numpy as np
from resnet_sim.generators import layered
from resnet_sim.many.layered import find_layers
circuit = layered((784, 32768, 10), input_pairs="inverted", g_min=0.0, dtype=np.float32)
outputs = [f"o{k}" for k in range(10)]
inputs = [f"vp{k}" for k in range(784)]
layers = find_layers(circuit, inputs, outputs, "rw*", circuit.current_sources.names)
assert layers.widths == (1568, 32768, 10) and layers.inputs.mirrored
assert layers.blocks[0].g.base is not None and layers.n_parameters == 1568 * 32768 + 32768 * 10
name = circuit.element_names[circuit.element("rw1_1567_32767")]
assert name == "rw1_1567_32767", name
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory")
def test_the_largest_published_network_fits():
    """51.7 million conductances in at most 1.3 times their float32 size plus 100 MB."""
    run = subprocess.run(
        [sys.executable, "-c", LARGEST], capture_output=True, text=True, check=False
    )
    assert not run.returncode, run.stderr
    count = 1568 * 32768 + 32768 * 10
    assert float(run.stdout) <= 1.3 * count * 4 / 2**20 + 100


# ---- by rule ----


def test_generated_networks_are_the_same_with_crossbars():
    single = generators.layered((3, 4, 2), crossbars=False, seed=5)
    array = generators.layered((3, 4, 2), crossbars=True, seed=5)
    assert sorted(array.element_names) == sorted(single.element_names)
    one, other = rs.solve(single), rs.solve(array)
    for name, amps in one.currents.items():
        assert other.current(name) == pytest.approx(amps, rel=1e-11, abs=1e-14)


def test_inverted_inputs():
    plain = rs.solve(generators.layered((3, 4, 2), seed=5))
    inverted = rs.solve(generators.layered((3, 4, 2), seed=5, input_pairs="inverted"))
    for node, volts in plain.voltages.items():
        assert inverted.voltage(node) == pytest.approx(volts, rel=1e-11, abs=1e-14)
    assert list(generators.layered_inputs([[1.0, 2.0]], pairs="inverted")) == ["vp0", "vp1"]


def test_large_ones_are_crossbars_by_themselves():
    assert not generators.layered((10, 10, 2)).crossbars.devices
    large = generators.layered((200, 3000, 2), dtype=np.float32, g_min=0.0)
    assert [d.name for d in large.crossbars.devices] == ["rw1", "rw2"]
    g = large.crossbars.devices[0].conductances
    # U(-s, s) clamped at 0: half are 0, the others have the mean s / 2
    limit = 400**-0.5
    assert g.dtype == np.float32
    assert (g == 0).mean() == pytest.approx(0.5, abs=0.01)
    assert g[g > 0].mean() == pytest.approx(limit / 2, rel=0.01)
    assert g.max() == pytest.approx(limit, rel=0.001)
    with pytest.raises(rs.UsageError, match="float64 or float32"):
        generators.layered((200, 3000, 2), dtype=np.int64)
