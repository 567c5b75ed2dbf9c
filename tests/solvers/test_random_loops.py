"""Random feedback circuits of hundreds of nodes, against ngspice and every state of the diodes."""

import numpy as np
import pytest
from loop_circuits import loop_circuit
from loop_states import states
from ngspice_tools import as_written, requires_ngspice

import resnet_sim as rs


def assert_as_ngspice(seeds, directory, largest=2_000):
    circuits = [loop_circuit(seed, diodes=0, largest=largest) for seed in seeds]
    decks = [rs.format_netlist(circuit) for circuit in circuits]
    for circuit, theirs in zip(circuits, as_written(decks, directory), strict=True):
        ours = rs.solve(circuit)
        assert ours.certificate.ok, circuit.title
        assert theirs is not None, circuit.title
        volts = np.array([theirs[f"v({node})"] for node in circuit.nodes[1:]])
        size = np.abs(volts).max()
        np.testing.assert_allclose(
            ours.node_voltages[1:], volts, rtol=1e-6, atol=1e-7 * size, err_msg=circuit.title
        )


def judged(seed: int, largest: int) -> str:
    """Compare a circuit with all states of its diodes; return what there is."""
    circuit = loop_circuit(seed, diodes=1 + seed % 12, largest=largest)
    known = states(circuit)
    try:
        ours = rs.solve(circuit)
    except rs.TopologyError:
        assert not known, circuit.title
        return "none"
    except rs.ConvergenceError:
        return "gave up"
    assert ours.certificate.ok, circuit.title
    size = max(np.abs(v).max() for v in known) if known else 1.0
    off = [np.abs(ours.node_voltages - v).max() / size for v in known]
    assert min(off, default=1.0) < 1e-7, circuit.title
    if 1 + seed % 12 < 12:  # not all states of more are tried
        said = "W205" in [d.code for d in ours.diagnostics]
        assert said == (len(known) > 1), circuit.title
    return "several" if len(known) > 1 else "one"


@requires_ngspice
def test_linear_loops_agree_with_ngspice(tmp_path):
    assert_as_ngspice(range(20), tmp_path, largest=500)


def test_loops_with_diodes_have_the_states_that_exhaustion_finds():
    words = [judged(seed, largest=300) for seed in range(24)]
    assert words.count("gave up") <= 1
    assert {"one", "none", "several"} <= set(words)


@pytest.mark.long
@requires_ngspice
def test_more_linear_loops_agree_with_ngspice(tmp_path):
    assert_as_ngspice(range(1_000, 1_150), tmp_path)


@pytest.mark.long
def test_more_loops_with_diodes_have_the_states_that_exhaustion_finds():
    words = [judged(seed, largest=2_000) for seed in range(1_000, 1_150)]
    assert words.count("gave up") <= 3
    assert {"one", "none", "several"} <= set(words)
