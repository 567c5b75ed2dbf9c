"""Random feedback circuits of hundreds of nodes, against ngspice and every state of the diodes."""

import numpy as np
import pytest
from loop_circuits import loop_circuit
from loop_states import states
from ngspice_tools import assert_as_ngspice, requires_ngspice

import resnet_sim as rs


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
    circuits = [loop_circuit(seed, diodes=0, largest=500) for seed in range(20)]
    assert_as_ngspice(circuits, tmp_path, 1e-7)


def test_loops_with_diodes_have_the_states_that_exhaustion_finds():
    words = [judged(seed, largest=300) for seed in range(24)]
    assert words.count("gave up") <= 1
    assert {"one", "none", "several"} <= set(words)


def test_a_step_of_refinement_without_gain_is_not_the_end():
    # among the states of its diodes is one whose corrected factors gain nothing in the fourth step
    assert rs.solve(loop_circuit(1031, diodes=12)).certificate.ok


@pytest.mark.long
@requires_ngspice
def test_more_linear_loops_agree_with_ngspice(tmp_path):
    circuits = [loop_circuit(seed, diodes=0) for seed in range(1_000, 1_150)]
    assert_as_ngspice(circuits, tmp_path, 1e-7)


@pytest.mark.long
def test_more_loops_with_diodes_have_the_states_that_exhaustion_finds():
    words = [judged(seed, largest=2_000) for seed in range(1_000, 1_150)]
    assert words.count("gave up") <= 3
    assert {"one", "none", "several"} <= set(words)
