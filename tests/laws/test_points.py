"""The certificate of many points passes and refuses what that of single ones does."""

import ast
from dataclasses import replace
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


def junctions(rng, count):
    """A circuit of junctions with all that they may have, each beside a source."""
    b = rs.CircuitBuilder("junctions")

    def some(low, high, absent):
        return 10.0 ** rng.uniform(low, high) if rng.random() < 0.5 else absent

    for k in range(count):
        b.voltage_source(f"v{k}", f"{k + 1}", "0", 1.0)
        b.junction_diode(
            f"d{k}", f"{k + 1}", "0", 10.0 ** rng.uniform(-16, -8), rng.uniform(1, 2),
            series=some(-1, 1, 0.0), leak=some(-13, -9, 0.0), breakdown=some(0.5, 1, np.inf),
            recombination=some(-12, -9, 0.0), knee=some(-4, -1, np.inf),
            reverse_knee=some(-13, -8, np.inf),
        )  # fmt: skip
    return b.build()


@pytest.mark.parametrize("share", [1e-9, 1e-4])
@pytest.mark.parametrize("seed", range(6))
def test_junctions_pass_where_the_slow_certificate_lets_them(seed, share):
    from resnet_sim.laws.junction import JunctionLaw, current

    rng = np.random.default_rng(seed)
    circuit, count = junctions(rng, 12), 60
    table = circuit.junctions
    saturation = table.saturation * rng.uniform(0.5, 2.0, (count, 12))
    u = rng.choice((-1.0, 1.0), (count, 12)) * 10.0 ** rng.uniform(-6, 1, (count, 12))
    u = np.clip(u, -12.0, 0.8)
    with np.errstate(over="ignore"):
        amps = current(replace(table, saturation=saturation), u)
    # most are on the curve, some off it by about what is allowed and by more
    amps *= 1.0 + share * 10.0 ** rng.uniform(-3, 3, amps.shape) * (rng.random(amps.shape) < 0.1)
    v = np.concatenate((np.zeros((count, 1)), u + table.series * amps), axis=1)
    i = np.concatenate((-amps, amps), axis=1)
    columns = {"voltage_sources": {"volts": v[:, 1:]}, "junctions": {"saturation": saturation}}
    _, good = certify_many(circuit, columns, v, i, NONE, share)
    _, wanted = certify_points(circuit._with_columns(columns), v, i, NONE, share)
    assert np.array_equal(good, wanted) and 0 < wanted.sum() < count
    # alone, the loops are sure of all that are good, and say how far off these are
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(JunctionLaw, "certify")
        columns = {t: {c: x[good] for c, x in some.items()} for t, some in columns.items()}
        proofs, sure = certify_many(circuit, columns, v[good], i[good], NONE, share)
    slow, _ = certify_points(circuit._with_columns(columns), v[good], i[good], NONE, share)
    assert sure.all() and len(proofs) == 1 and slow.law_residual > 1e-3 * share
    assert proofs[0].law_residual == pytest.approx(slow.law_residual, rel=1e-4, abs=1e-15)
    assert proofs[0].power_mismatch == pytest.approx(slow.power_mismatch, rel=1e-3, abs=1e-13)


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
