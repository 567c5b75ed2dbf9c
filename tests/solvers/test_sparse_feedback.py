"""Large loops of feedback: sparse equations against dense ones, exhaustion and other programs."""

import random

import numpy as np
import pytest
from circuits import random_circuit
from judgement import GAVE_UP, RIGHT, RIGHTLY_REFUSED, UNJUDGED, UNPROVED, verdict
from laws import violations
from loop_states import states

import resnet_sim as rs
from resnet_sim import CircuitBuilder, ConvergenceError
from resnet_sim.compiled import policy
from resnet_sim.solvers import complementarity, mixed, sparse

FAMILIES = (
    "random_feedback",
    "negative_resistors",
    "operational_amplifiers",
    "cancelling_resistors",
)


@pytest.mark.parametrize("family", FAMILIES)
def test_sparse_equations_of_small_circuits_agree_with_the_witness(family):
    """What a regular set leaves open is told by dense matrices, as ever."""
    with policy.using(dense=0):
        words = {verdict(random_circuit(family, seed)).word for seed in range(40)}
    assert words <= {RIGHT, RIGHTLY_REFUSED, UNJUDGED, GAVE_UP}


@pytest.mark.parametrize("family", FAMILIES[:3])
def test_flips_of_the_whole_are_right_or_find_nothing(family):
    """As with more rectifiers than can be tried out."""
    with policy.using(dense=0, enumerated=0, feedback=0):
        judged = [verdict(random_circuit(family, seed)) for seed in range(100, 130)]
    words = [j.word for j in judged if "solutions" not in j.detail]
    assert set(words) <= {RIGHT, RIGHTLY_REFUSED, UNPROVED, GAVE_UP, UNJUDGED}
    assert words.count(RIGHT) > 15


def ladder(n: int, gain: float = 10.0) -> rs.Circuit:
    """n sections, and an amplifier from its middle and end back to its first quarter."""
    b = CircuitBuilder("ladder")
    b.voltage_source("v1", "x0", "0", 1.0)
    for k in range(n):
        b.resistor(f"r{k}", f"x{k}", f"x{k + 1}", 1.0 + k % 7)
        b.resistor(f"g{k}", f"x{k + 1}", "0", 1e6)
    b.vcvs("e1", "y", "0", f"x{n // 2}", f"x{n}", gain)
    b.resistor("ry", "y", f"x{n // 4}", 50.0)
    return b.build()


@pytest.mark.parametrize("n", [300, 5_000])
def test_a_ladder_with_an_amplifier_is_solved_like_any_linear_circuit(n):
    circuit = ladder(n)
    point = rs.solve(circuit)
    assert point.certificate.ok
    assert (point.solver.method, point.solver.iterations) == ("feedback (sparse)", 1)
    np.testing.assert_allclose(point.node_voltages, states(circuit)[0], rtol=1e-8, atol=1e-10)
    currents = point.element_currents
    assert not violations(circuit, point.node_voltages, currents, circuit.switches.closed)
    wrong = point.node_voltages.copy()
    wrong[circuit.nodes.index("x10")] *= 1 + 1e-7
    assert violations(circuit, wrong, currents, circuit.switches.closed)


def grid(side: int, amplifiers: int, diodes: int, seed: int = 1) -> rs.Circuit:
    rng = np.random.default_rng(seed)
    b = CircuitBuilder("grid")
    name = [[f"n{i}_{j}" for j in range(side)] for i in range(side)]
    for i in range(side):
        for j in range(side):
            if i + 1 < side:
                b.resistor(f"rv{i}_{j}", name[i][j], name[i + 1][j], rng.uniform(1, 10))
            if j + 1 < side:
                b.resistor(f"rh{i}_{j}", name[i][j], name[i][j + 1], rng.uniform(1, 10))
    b.voltage_source("v1", name[0][0], "0", 1.0)
    b.resistor("rg", name[-1][-1], "0", 1.0)
    for k in range(amplifiers):
        plus, minus, near = (name[i][j] for i, j in rng.integers(0, side, (3, 2)))
        b.vcvs(f"e{k}", f"o{k}", "0", plus, minus, rng.uniform(-0.5, 0.5))
        b.resistor(f"ro{k}", f"o{k}", near, 50.0)
    for k in range(diodes):
        i, j = rng.integers(0, side - 1, 2)
        b.diode(f"d{k}", name[i][j], name[i][j + 1], v_forward=rng.choice([0.0, 1e-3]))
    return b.build()


@pytest.mark.parametrize("diodes", [0, 5, 300])
def test_grids_with_amplifiers_and_diodes_obey_every_law(diodes):
    """Some diodes lie side by side: of their currents any share solves the circuit."""
    circuit = grid(30, 9, diodes)
    point = rs.solve(circuit)
    assert point.certificate.ok
    assert point.solver.method == "feedback (sparse)"
    closed = circuit.switches.closed
    assert not violations(circuit, point.node_voltages, point.element_currents, closed)
    if not diodes:
        np.testing.assert_allclose(point.node_voltages, states(circuit)[0], rtol=1e-9, atol=1e-12)


def test_factors_of_another_set_that_lose_digits_are_left(monkeypatch):
    """What refinement ends with must not depend on whose factors it began with."""
    exact, ended = sparse.Factored.solve, []

    def early(self, rhs, *args, **options):
        """End when a step still moves by 1e-7, as with factors of a set that is too far."""
        y, change = exact(self, rhs, *args, **options)
        if self.is_own:
            return y, change
        ended.append(1e-7 * float(np.abs(y * self.columns).max()) / self.columns)
        return y + ended[-1] * np.cos(np.arange(len(y))), change + ended[-1]

    monkeypatch.setattr(sparse.Factored, "solve", early)
    circuit = grid(30, 9, 300)
    point = rs.solve(circuit)
    assert ended
    assert point.certificate.ok
    assert point.certificate.kcl_relative < 1e-13
    closed = circuit.switches.closed
    assert not violations(circuit, point.node_voltages, point.element_currents, closed)


def trigger(size: int) -> CircuitBuilder:
    """A Schmitt trigger with a ladder on its output."""
    b = CircuitBuilder("trigger")
    b.voltage_source("v1", "in", "0", 0.1)
    b.resistor("r1", "in", "p", 1e3)
    b.resistor("r2", "p", "o", 1e4)
    b.vcvs("e1", "a", "0", "p", "0", 1e4)
    b.resistor("ro", "a", "o", 100.0)
    for sign in (1, -1):
        b.voltage_source(f"vs{sign}", f"rail{sign}", "0", 5.0 * sign)
        b.diode(f"d{sign}", *(("o", "rail1"), ("rail-1", "o"))[sign < 0])
    for k in range(size):
        b.resistor(f"l{k}", "o" if k == 0 else f"x{k - 1}", f"x{k}", 10.0)
        b.resistor(f"m{k}", f"x{k}", "0", 1e5)
    return b


def test_all_solutions_of_a_large_trigger_are_found_as_those_of_a_small_one():
    small, large = (rs.solve(trigger(size).build()) for size in (2, 4_000))
    assert [d.code for d in large.diagnostics] == [d.code for d in small.diagnostics] == ["W205"]
    chosen = rs.solve(trigger(4_000).build(), start={"o": -5.0})
    assert chosen.certificate.ok
    assert chosen.voltage("o") == pytest.approx(-5.0)


def test_what_a_large_loop_leaves_undefined_is_told_or_refused():
    def cancelling(size: int) -> rs.Circuit:
        b = trigger(size)
        b.resistor("c1", "o", "free", 7.0)
        b.resistor("c2", "free", "rail1", -7.0)
        return b.build()

    point = rs.solve(cancelling(150), start={"o": 5.0})
    assert np.isnan(point.voltage("free")) and np.isnan(point.current("c1"))
    with policy.using(feedback=600), pytest.raises(ConvergenceError, match="singular"):
        rs.solve(cancelling(700), start={"o": 5.0})


EXAMPLES = (
    "common-emitter", "current-mirror", "differential-pair", "flip-flop", "jfet-follower",
    "log-amplifier", "cmos-inverter",
)  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_laws_over_sparse_equations_agree_with_dense_ones(name):
    circuit = rs.read_netlist(f"examples/netlists/{name}.net")
    dense = rs.solve(circuit)
    with policy.using(dense=0, feedback=0):
        sparse = rs.solve(circuit)
    assert sparse.certificate.ok
    assert [d.code for d in sparse.diagnostics] == [d.code for d in dense.diagnostics]
    np.testing.assert_allclose(sparse.node_voltages, dense.node_voltages, rtol=1e-7, atol=1e-9)
    assert sparse.solver.method == dense.solver.method


def test_a_long_line_of_transistors_is_solved_as_by_dense_equations():
    """Followers, each of which drives a load of its own, and sources that sense the line."""
    text = "line\nv1 x0 0 5\nvc c 0 9\n.model n npn(bf=100)\n" + "".join(
        f"r{k} x{k} x{k + 1} 100\ng{k} x{k + 1} 0 x{k // 2} 0 1e-5\n"
        f"q{k} c x{k + 1} e{k} n\nre{k} e{k} 0 10k\n"
        for k in range(100)
    )
    sparse = rs.solve(text)
    with policy.using(dense=1_000):
        dense = rs.solve(text)
    assert sparse.certificate.ok and dense.certificate.ok
    assert np.ptp(sparse.node_voltages) > 1
    np.testing.assert_allclose(sparse.node_voltages, dense.node_voltages, rtol=1e-9)


@pytest.mark.parametrize(("searched", "most"), [(0.0, 25), (2e11, 10_000)])
def test_the_search_of_what_has_no_solution_ends(searched, most, monkeypatch):
    """Every diode would short an amplifier's output."""
    evaluate, tried = complementarity.Search._evaluate, []
    monkeypatch.setattr(
        complementarity.Search, "_evaluate",
        lambda *args: tried.append(args) or evaluate(*args),
    )  # fmt: skip
    monkeypatch.setattr(complementarity, "mixed_integer", lambda problem: None)
    b = CircuitBuilder("shorted")
    b.voltage_source("v1", "in", "0", 1.0)
    for k in range(14):
        b.resistor(f"ra{k}", "in", f"x{k}", 1.0)
        b.resistor(f"rb{k}", f"x{k}", f"o{k}", 1.0 + k)
        b.vcvs(f"e{k}", f"o{k}", "0", f"x{k}", "0", 0.5)
        b.resistor(f"rc{k}", f"o{k}", f"x{(k + 1) % 14}", 2.0)
        b.diode(f"d{k}", f"o{k}", "0")
    with policy.using(searched=searched), pytest.raises(ConvergenceError, match="one may exist"):
        rs.solve(b.build())
    assert (0 if searched == 0 else 25) < len(tried) <= most


def test_where_dense_matrices_cost_little_flips_are_not_tried_from_everywhere(monkeypatch):
    """Amplifiers with rails, a third of them fed back to their positive inputs."""
    draw, lines, looked = random.Random(3), ["rails", "vin o55 0 1.3"], []
    for k in range(55):
        back, other = ("p", "m") if draw.random() < 0.3 else ("m", "p")
        lines.append(f"b{k} o{k} 0 v=limit(1e5*v(p{k},m{k}),-10,10)")
        for j, ends in enumerate((
            f"o{k} {back}{k}", f"o{draw.randrange(56)} {back}{k}",
            f"o{draw.randrange(56)} {other}{k}", f"{other}{k} 0",
        )):  # fmt: skip
            lines.append(f"r{k}_{j} {ends} {10 ** draw.uniform(3, 5):.5g}")
    evaluate = mixed._Large.evaluate
    monkeypatch.setattr(
        mixed._Large, "evaluate", lambda *args, **how: looked.append(1) or evaluate(*args, **how)
    )
    assert rs.solve("\n".join(lines)).certificate.ok
    assert 0 < len(looked) <= 120
