"""Variants solved together are what they are one by one; grids and samples are what they say."""

import functools
import json

import numpy as np
import pytest
from circuits import FAMILIES, random_circuit

import resnet_sim as rs
from resnet_sim.analyses import solve_many
from resnet_sim.cli import main
from resnet_sim.compiled import policy
from resnet_sim.errors import ConvergenceError, TopologyError, UsageError
from resnet_sim.many.backend import Question, choose
from resnet_sim.many.one_by_one import OneByOne
from resnet_sim.many.spreads import monte_carlo as draw
from resnet_sim.many.variants import Grid
from resnet_sim.model.requests import Sweep
from resnet_sim.results import rawfile


@pytest.fixture
def together():
    """Solve variants together however few they are."""
    with policy.using(lanes=0, fewest_points=0):
        yield


def varied(circuit, count, rng):
    """Return names and values of everything in a circuit that has one."""
    names, columns = [], []
    for table, column in (
        ("resistors", "ohms"), ("voltage_sources", "volts"),
        ("current_sources", "amps"), ("diodes", "v_forward"),
    ):  # fmt: skip
        rows = getattr(circuit, table)
        for name, value in zip(rows.names, getattr(rows, column).tolist(), strict=True):
            if np.isfinite(value) and (value or table != "resistors"):
                names.append(name)
                columns.append(value * (1 + rng.uniform(-0.3, 0.3, count)))
    return names, np.column_stack(columns) if columns else np.zeros((count, 0))


def alone(circuit, names, row):
    try:
        return rs.solve(circuit.with_values(dict(zip(names, row.tolist(), strict=True))))
    except (TopologyError, ConvergenceError) as error:
        return error


def assert_agree(op, k, single):
    """Point k of a batch says what a single solution says."""
    if isinstance(single, Exception):
        assert op.unsolved[k] == str(single)
        return
    assert k not in op.unsolved
    volts = np.nanmax(np.abs(single.node_voltages), initial=1e-12)
    np.testing.assert_allclose(
        op.node_voltages[k], single.node_voltages, rtol=1e-9, atol=1e-9 * volts
    )
    unique = ~np.isin(op.circuit.element_names, list({*single.nonunique, *op.nonunique}))
    amps = np.nanmax(np.abs(single.element_currents), initial=1e-12)
    np.testing.assert_allclose(
        op.element_currents[k][unique], single.element_currents[unique],
        rtol=1e-9, atol=1e-9 * amps,
    )  # fmt: skip


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_variants_of_random_circuits_agree_with_single_solutions(together, family):
    for seed in range(6):
        circuit = random_circuit(family, seed)
        names, values = varied(circuit, 5, np.random.default_rng(seed))
        if not names:
            continue
        op = choose(Question(circuit, tuple(names))).points(values)
        assert op.certificate.ok
        for k in range(len(values)):
            assert_agree(op, k, alone(circuit, names, values[k]))


def test_a_grid_with_diodes_is_solved_together(together, monkeypatch):
    circuit = rs.generators.grid(8, seed=3)
    names, values = varied(circuit, 70, np.random.default_rng(0))
    monkeypatch.setattr(OneByOne, "points", None)  # nothing may be left for it
    op = choose(Question(circuit, tuple(names))).points(values)
    assert op.status == "solved"
    for k in (0, 17, 69):
        assert_agree(op, k, alone(circuit, names, values[k]))


def test_a_variant_without_solution_is_told_apart(together):
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "a", "0", 1.0)
    b.resistor("r1", "a", "b", 1e3)
    b.resistor("r2", "b", "0", 1e3)
    b.diode("d1", "a", "0", v_forward=2.0)
    circuit = b.build()
    op = choose(Question(circuit, ("v1",))).points(np.array([[1.0], [3.0], [1.5]]))
    assert list(op.unsolved) == [1] and "d1" in op.unsolved[1]
    np.testing.assert_allclose(op.voltage("b"), [0.5, np.nan, 0.75])


def test_samples_depend_on_seed_and_number_only():
    circuit = rs.generators.grid(4)
    few, many = (draw(circuit, {"r*": 0.05}, n, seed=7) for n in (70, 200))
    assert np.array_equal(few.values(0, 70), many.values(0, 70))
    assert np.array_equal(many.values(0, 200)[60:130], many.values(60, 130))
    other = draw(circuit, {"r*": 0.05}, 70, seed=8)
    assert not np.array_equal(few.values(0, 70), other.values(0, 70))


@pytest.mark.parametrize(("distribution", "deviation"), [("uniform", 3**-0.5), ("normal", 1 / 3)])
def test_samples_have_the_distribution_asked_for(distribution, deviation):
    b = rs.CircuitBuilder()
    b.resistor("r1", "a", "0", 100.0)
    b.resistor("r2", "a", "0", 100.0)
    b.current_source("i1", "0", "a", 1.0)
    samples = draw(b.build(), {"r*": 0.1, "r2": 0.01}, 20_000, 1, distribution)
    z = (samples.values(0, 20_000) / [100.0, 100.0] - 1) / [0.1, 0.01]
    assert samples.names == ("r1", "r2")
    assert np.abs(z.mean(axis=0)).max() < 0.03
    np.testing.assert_allclose(z.std(axis=0), deviation, rtol=0.03)
    if distribution == "uniform":
        assert np.abs(z).max() <= 1.0 + 1e-9 and np.abs(z).max() > 0.999


@pytest.mark.parametrize(
    ("spread", "message"),
    [
        ({"q*": 0.1}, "no element with a value matches"),
        ({"r9": 0.1}, "no element 'r9'"),
        ({"r*": 1.5}, "not between 0 and 1"),
        ({}, "nothing varies"),
    ],
)
def test_spreads_that_make_no_sense(spread, message):
    b = rs.CircuitBuilder()
    b.resistor("r1", "a", "0", 100.0)
    with pytest.raises(UsageError, match=message):
        rs.monte_carlo(b.build(), spread, 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tolerance": {"r*": 0.05}}, r"accuracy of results; write spread=\{'r\*': 0.05\}"),
        ({"spread": {"r*": 0.05}, "accuracy": 1e-6}, "called tolerance now; write tolerance=1e-06"),
        ({}, "no spread is given"),
    ],
)
def test_old_names_are_refused_with_the_new_ones(arguments, message):
    b = rs.CircuitBuilder()
    b.resistor("r1", "a", "0", 100.0)
    with pytest.raises(UsageError, match=message):
        rs.monte_carlo(b.build(), samples=10, **arguments)


def test_spread_by_name_and_by_position_are_the_same():
    b = rs.CircuitBuilder()
    b.current_source("i1", "0", "a", 1e-3)
    b.resistor("r1", "a", "0", 100.0)
    found = rs.monte_carlo(b.build(), {"r*": 0.05}, 10)
    named = rs.monte_carlo(b.build(), spread={"r*": 0.05}, samples=10, tolerance=1e-6)
    assert np.array_equal(found.node_voltages, named.node_voltages)
    assert (found.certificate.tolerance, named.certificate.tolerance) == (1e-9, 1e-6)


def test_monte_carlo_together_and_one_by_one(together):
    circuit = rs.generators.grid(6)
    op = rs.monte_carlo(circuit, {"r*": 0.1, "i*": 0.2}, 100, seed=5)
    samples = draw(circuit, {"r*": 0.1, "i*": 0.2}, 100, seed=5)
    assert op.sweep["sample"].tolist() == list(range(100))
    for k in (0, 63, 64, 99):
        assert_agree(op, k, alone(circuit, samples.names, samples.values(k, k + 1)[0]))


DECK = """a
.param g=1 n=2
v1 in 0 1
r1 in out {1k/g}
r2 out 0 {n*1k}
d1 out 0 di
s1 out 0 ctl 0 sw
vc ctl 0 0
.model di d(ron=0 roff=inf vfwd=.45)
.model sw sw(ron=1k roff=1g vt=.5 vh=0)
"""


def exact(v, g, n, closed=False):
    """Return v(out): a divider, held at .45 V."""
    load = 1 / n + (1.0 if closed else 1e-6)
    return min(0.45, v * g / (g + load))


def test_nested_steps_of_a_source_parameters_and_a_switch():
    deck = DECK + ".dc v1 0 1 .25\n.step param g list 1 3\n.step n 1 2 1\n.step s1 list 0 1\n"
    circuit = rs.parse_netlist(deck)
    (op,) = rs.run(circuit)
    assert list(op.sweep) == ["v1", "g", "n", "s1"] and len(op.node_voltages) == 5 * 2 * 2 * 2
    rows = zip(*op.sweep.values(), strict=True)
    wanted = [exact(v, g, n, closed) for v, g, n, closed in rows]
    np.testing.assert_allclose(op.voltage("out"), wanted, rtol=1e-9)


def test_steps_that_differ_in_values_only_run_as_one_batch(together, monkeypatch):
    circuit = rs.parse_netlist(DECK.replace("s1 out", "*").replace("vc ctl", "*"))
    monkeypatch.setattr(OneByOne, "points", None)
    grid = (Sweep("g", (1.0, 2.0, 3.0), "parameter"), Sweep("v1", (0.5, 1.0)))
    op = rs.sweep(circuit, grid)
    wanted = [min(0.45, v * g / (g + 0.5)) for v in (0.5, 1.0) for g in (1.0, 2.0, 3.0)]
    np.testing.assert_allclose(op.voltage("out"), wanted, rtol=1e-9)


def test_values_of_a_grid_of_points():
    grid = Grid((Sweep("a", (1.0, 2.0)), Sweep("b", (3.0, 4.0, 5.0))))
    assert grid.values(1, 5).tolist() == [[2, 3], [1, 4], [2, 4], [1, 5]]
    assert grid.axes()["b"].tolist() == [3, 3, 4, 4, 5, 5]


def test_a_parameter_that_changes_the_nodes_is_refused():
    deck = "a\n.param n=1\nv1 a 0 1\nr1 a 0 1\n.if (n>1)\nr2 a b 1\nr3 b 0 1\n.endif\n"
    circuit = rs.parse_netlist(deck)
    with pytest.raises(UsageError, match="nodes or elements of the circuit change with n"):
        rs.sweep(circuit, [Sweep("n", (1.0, 2.0), "parameter")])


def test_tables_for_pandas_and_xarray():
    pytest.importorskip("pandas")
    pytest.importorskip("xarray")
    circuit = rs.parse_netlist(DECK + ".dc v1 0 1 .25 vc 0 1 1\n.print v(out)\n")
    (op,) = rs.run(circuit)
    frame = op.to_pandas()
    assert list(frame.columns) == ["v1", "vc", "v(out)"] and len(frame) == 10
    data = op.to_xarray()
    assert data["v(out)"].dims == ("vc", "v1")
    for v in (0.25, 1.0):
        for c in (0.0, 1.0):
            wanted = exact(v, 1, 2, c == 1.0)
            assert float(data["v(out)"].sel(v1=v, vc=c)) == pytest.approx(wanted)
            row = frame[(frame.v1 == v) & (frame.vc == c)]
            assert row["v(out)"].item() == pytest.approx(wanted)


def test_circuits_of_different_structure():
    recipes = [functools.partial(rs.generators.grid, n, seed=n) for n in (3, 4, 5)]
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "n0_0", "0", 1.0)
    b.diode("d1", "n0_0", "0")
    found = rs.solve_many([*recipes, b.build()], ["v(n0_0)"], chunk=2)
    for k, recipe in enumerate(recipes):
        assert found["v(n0_0)"][k] == rs.solve(recipe()).voltage("n0_0")
    assert found.certified.tolist() == [True, True, True, False]
    assert list(found.unsolved) == [3] and "d1" in found.unsolved[3]
    with pytest.raises(UsageError, match="no node 'x'"):
        rs.solve_many(recipes, ["v(x)"])


def test_circuits_of_different_structure_are_journalled(tmp_path, monkeypatch):
    recipes = [functools.partial(rs.generators.grid, 3, seed=n) for n in range(6)]
    journal = tmp_path / "circuits"
    found = rs.solve_many(recipes, ["v(n1_1)"], chunk=2, journal=journal)
    monkeypatch.setattr(solve_many, "walk", None)  # nothing may be computed again
    again = rs.solve_many(recipes, ["v(n1_1)"], chunk=2, journal=journal)
    assert again.values.tobytes() == found.values.tobytes()
    with pytest.raises(UsageError, match="another job"):
        rs.solve_many(recipes[1:], ["v(n1_1)"], chunk=2, journal=journal)


def test_decks_that_are_alike_at_first_are_not_taken_for_each_other():
    for formula, wanted in (("{x}", [1.0, 2.0]), ("{x*x}", [1.0, 4.0])):
        op = rs.sweep(f"one\n.param x=1\nI1 0 a 1\nR1 a 0 {formula}\n", x=[1.0, 2.0])
        assert op.voltage("a").tolist() == wanted


@pytest.mark.parametrize("form", ["csv", "json", "raw", "npz"])
def test_the_command_writes_samples(form, tmp_path, capsys):
    deck, out = tmp_path / "deck.net", tmp_path / "out"
    deck.write_text("a\nv1 in 0 1\nr1 in out 1k\nr2 out 0 1k\n.print v(out)\n")
    options = ["--spread", "r*=5%", "--samples", "20", "--seed", "3", "--format", form]
    assert main(["sweep", str(deck), *options, "-o", str(out)]) == 0
    wanted = rs.monte_carlo(rs.read_netlist(deck), {"r*": 0.05}, 20, seed=3).voltage("out")
    if form == "npz":
        with np.load(out) as data:
            assert data["names"].tolist() == ["sample", "v(out)", "r1", "r2"]
            assert np.array_equal(data["values"][:, 1], wanted)
    elif form == "csv":
        rows = out.read_text().splitlines()
        assert rows[0] == "sample,v(out),r1,r2"
        assert [float(row.split(",")[1]) for row in rows[1:]] == wanted.tolist()
    elif form == "json":
        assert json.loads(out.read_text())["voltages"]["out"] == wanted.tolist()
    else:
        (plot,) = rawfile.read_raw(out.read_bytes())
        assert np.allclose(plot.values[:, plot.names.index("v(out)")], wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing to vary"),
        (["--tolerance", "r*=5%"], "for the spread of components write --spread r*=5%"),
        (["--spread", "r*=5%", "--accuracy", "1u"], "called --tolerance now: --tolerance 1u"),
        (["--spread", "q=5%"], "no element 'q'"),
        (["--spread", "r*=5%", "--executor", "cloud"], "no executor 'cloud'"),
        (["--spread", "r*=5%", "--format", "npz"], "npz is not text"),
        (["--spread", "r*=5%", "--print", "v(x)"], "no node 'x'"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(options, message, tmp_path, capsys):
    deck = tmp_path / "deck.net"
    deck.write_text("a\nv1 in 0 1\nr1 in 0 1k\n")
    assert main(["sweep", str(deck), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_sweep_knows_nothing_of_another_that_starts_elsewhere():
    """``3 v (v - 1) (v - 2) = 1 - v`` has three solutions, of which two last."""
    cards = (
        "two states\nv1 a 0 1\nr1 a b 1k\nb1 b 0 i=3m*v(b)*(v(b)-1)*(v(b)-2)\n.dc v1 1 1.1 .05\n"
    )
    for start in (0.1, 2.3, 0.1):
        circuit = rs.parse_netlist(f"{cards}.nodeset v(b)={start}\n")
        (sweep,) = rs.run(circuit)
        wanted = 1 + np.copysign(np.sqrt(2 / 3), start - 1)
        assert sweep["b"][0] == pytest.approx(wanted, rel=1e-9)


def test_a_sweep_says_nothing_of_another_deck():
    cards = "v1 a 0 1\nr1 a b 1k\nr2 b 0 1k\n.dc v1 0 1 .5\n"
    for deck in (f"t\n{cards}.print dc v(c)\n", f"t\n{cards}", f"t\n* a\n{cards}.print dc v(c)\n"):
        circuit = rs.parse_netlist(deck)
        assert rs.run(circuit)[0].diagnostics == circuit.diagnostics
