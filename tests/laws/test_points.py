"""The certificate of many points passes and refuses what that of single ones does."""

import ast
from pathlib import Path

import numpy as np
import pytest
from circuits import FAMILIES, random_circuit

import resnet_sim as rs
from resnet_sim.errors import ConvergenceError, TopologyError
from resnet_sim.laws.certificate import certify_points
from resnet_sim.laws.points import certify_many

POINTS = 9
NONE = np.zeros(0, dtype=bool)


def points(circuit, seed):
    """Points of a circuit with other resistances and sources, and what differs; None if unsolved.

    About half of them are off, by little or much, in one voltage or current each.
    """
    rng = np.random.default_rng(seed)
    columns, solved = {}, []
    for table, column in (("resistors", "ohms"), ("voltage_sources", "volts")):
        values = getattr(circuit.tables[table], column)
        columns[table] = {column: values * rng.uniform(0.8, 1.2, (POINTS, len(values)))}
    for k in range(POINTS):
        variant = circuit._with_columns(
            {table: {name: x[k] for name, x in some.items()} for table, some in columns.items()}
        )
        try:
            solved.append(rs.solve(variant))
        except (TopologyError, ConvergenceError):
            return None
    v = np.array([op.node_voltages for op in solved])
    i = np.array([op.element_currents for op in solved])
    if np.isnan(v).any() or np.isnan(i).any():
        return None
    for numbers in (v, i):
        for k in np.flatnonzero(rng.random(POINTS) < 0.3):
            size = np.abs(numbers[k]).max() * 10.0 ** rng.integers(-13, -3)
            numbers[k, rng.integers(numbers.shape[1])] += size
    return columns, v, i


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_verdicts_and_residuals_are_those_of_the_slow_certificate(family):
    for seed in range(8):
        circuit = random_circuit(family, seed)
        given = points(circuit, seed)
        if given is None:
            continue
        columns, v, i = given
        closed = circuit.switches.closed
        proofs, good = certify_many(circuit, columns, v, i, closed, 1e-9)
        slow, wanted = certify_points(circuit._with_columns(columns), v, i, closed, 1e-9)
        assert np.array_equal(good, wanted)
        assert all(proof.ok for proof in proofs)
        assert bool(proofs) == wanted.any()
        if wanted.all():
            # sums in another order differ by roundings
            noise = 1e-13 * (np.abs(i).max() + np.abs(v).max())
            for name in ("kcl_residual", "law_residual", "diode_voltage_violation",
                         "diode_current_violation", "power_mismatch"):  # fmt: skip
                mine = max(getattr(proof, name) for proof in proofs)
                assert mine == pytest.approx(getattr(slow, name), rel=1e-6, abs=noise), name


def test_what_is_infinite_or_no_number_does_not_pass():
    circuit = rs.parse_netlist("deck\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\nD1 b 0 d\n.model d d(vfwd=1)")
    op = rs.solve(circuit)
    v, i = (np.repeat(x[None], 5, axis=0) for x in (op.node_voltages, op.element_currents))
    v[1, 2], v[2, 1], i[3, 1], i[4, 3] = np.nan, np.inf, np.nan, -np.inf
    with np.errstate(invalid="ignore", over="ignore"):
        proofs, good = certify_many(circuit, {}, v, i, NONE, 1e-9)
    assert good.tolist() == [True, False, False, False, False]
    assert len(proofs) == 1


def test_clusters_excuse_nothing_that_leaves_them():
    # rounding hides what flows between b and c, but not what leaves the two of them
    deck = "stiff\nV1 a 0 1\nR1 a b 1g\nR2 b c 1u\nR3 c 0 1g"
    circuit = rs.parse_netlist(deck)
    op = rs.solve(circuit)
    v, i = (np.repeat(x[None], 3, axis=0) for x in (op.node_voltages, op.element_currents))
    i[1, 1] *= 1 + 1e-7
    i[2, 2] *= 1 + 1e-7
    _, good = certify_many(circuit, {}, v, i, NONE, 1e-9)
    _, wanted = certify_points(circuit, v, i, NONE, 1e-9)
    assert np.array_equal(good, wanted)
    assert good.tolist() == [True, True, False]


def test_the_compiled_loops_are_made_of_nothing_from_other_files():
    """Numba's cache looks at the file of a function alone: other files may change without it."""
    file = Path(rs.__file__).parent / "laws" / "_proofs.py"
    tree = ast.parse(file.read_text())
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {node.module for node in imported} <= {"__future__", "collections.abc", "typing"}


def test_laws_are_asked_once_for_all_points(monkeypatch):
    """Blocks that stay in the cache are many, and each takes its share of what was asked."""
    from resnet_sim.laws import points as module
    from resnet_sim.laws.resistor import ResistorLaw

    circuit = rs.generators.grid(4, mixture=rs.generators.Mixture(diodes=0.0, ground_diodes=0.0))
    rng, asked, line = np.random.default_rng(0), [], ResistorLaw.line
    ohms = circuit.resistors.ohms * rng.uniform(0.8, 1.2, (40, len(circuit.resistors.ohms)))
    solved = [rs.solve(circuit._with_columns({"resistors": {"ohms": row}})) for row in ohms]
    v, i = (np.array([getattr(op, kind) for op in solved]) for kind in
            ("node_voltages", "element_currents"))  # fmt: skip
    v[17] *= 1.001
    monkeypatch.setattr(module, "CACHED", 1)  # blocks of eight points
    monkeypatch.setattr(ResistorLaw, "line", lambda *given: asked.append(0) or line(*given))
    _, good = certify_many(circuit, {"resistors": {"ohms": ohms}}, v, i, NONE, 1e-9)
    assert np.flatnonzero(~good).tolist() == [17] and len(asked) == 1
