"""What would quietly train nothing, or something else, is refused, said, or made right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from training_tasks import CORNERS, XOR, xor_with_a_pair

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.cli.command import main

XOR_DECK = Path(__file__).parents[2] / "examples" / "training" / "xor-pair.net"
FLOATING = "floating part\nV1 a 0 1\nR0 a 0 1\nI1 n1 n3 1m\nR1 n1 n2 1k\nR2 n2 n3 3k\n"


def divider(scale: float = 1.0, **options: object) -> tr.Network:
    b = rs.CircuitBuilder()
    b.voltage_source("va", "a", "0", 1.0)
    b.voltage_source("vb", "b", "0", 1.0)
    for k, (p, ohms) in enumerate([("a", 1.0), ("b", 2.0), ("0", 4.0)]):
        b.resistor(f"r{k}", p, "o", ohms / scale)
    return tr.Network(b.build(), ["va", "vb"], ["o"], "r*", **options)


# ---- what is no network, no samples, no run ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tr.Trainer(FLOATING), "a tr.Network is needed, not str"),
        (lambda: tr.Trainer(divider(), seed=1.5), "seed must be a whole number"),
        (lambda: tr.Trainer(divider()).fit("x", [[1.0]], 1), "0 inputs, but 1 targets"),
        (lambda: tr.Trainer(divider()).fit(CORNERS, None, 1), "4 inputs, but 0 targets"),
        (lambda: tr.Trainer(divider()).fit(CORNERS[:0], XOR[:0], 1), "there are no samples"),
        (lambda: tr.Trainer(divider()).fit(CORNERS, XOR, 1, early_stopping=True), "EarlyStopping"),
        (lambda: tr.Trainer(divider()).fit(CORNERS, XOR, 1, resume=True), "checkpoint="),
        (lambda: divider(devices=3), "not int"),
        (lambda: divider(g_min="small"), "'small' of g_min"),
        (lambda: tr.Network(FLOATING, ["v1"], [("a", "n1", "n2")]), "a pair of nodes"),
    ],
)
def test_what_is_no_network_and_no_run_is_told(call, message):
    with pytest.raises(rs.UsageError, match=message):
        call()


def test_a_run_does_not_go_on_with_other_outputs(tmp_path):
    path, first = tmp_path / "run.npz", divider()
    tr.Trainer(first).fit(CORNERS, 0.1 * CORNERS[:, :1], 1, checkpoint=path)
    other = tr.Network(first.circuit, ["vb", "va"], ["o"], "r*")
    with pytest.raises(rs.UsageError, match="other inputs or outputs"):
        tr.Trainer(other).fit(CORNERS, 0.1 * CORNERS[:, :1], 2, checkpoint=path, resume=True)


# ---- amounts ----


@pytest.mark.parametrize("bad", [0, 0.0, np.nan, np.inf, -np.inf, 1e-3j, "1m"])
@pytest.mark.parametrize(
    "make",
    [
        lambda x: tr.EquilibriumPropagation(beta=x),
        lambda x: tr.FrequencyPropagation(beta=x),
        lambda x: tr.CoupledLearning(eta=x),
    ],
)
def test_nudges_that_are_no_nudges_are_refused(make, bad):
    with pytest.raises(rs.UsageError, match="must be a finite number other than zero"):
        make(bad)


LOST = {
    "ep": tr.EquilibriumPropagation(1e-30), "frequency": tr.FrequencyPropagation(-1e-25),
    "vector field": tr.VectorFieldEP(1e-22), "coupled": tr.CoupledLearning(1e-20),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOST)
def test_nudges_that_rounding_loses_are_refused(kind):
    net, X, Y = xor_with_a_pair(0)
    with pytest.raises(rs.UsageError, match="lost in the rounding"):
        tr.gradient(net, X, Y, LOST[kind])


@pytest.mark.parametrize("bad", [1, 2, 0, -8, 2.5, np.nan])
def test_a_wave_needs_three_moments(bad):
    with pytest.raises(rs.UsageError, match="at least 3"):
        tr.FrequencyPropagation(samples=bad)


def test_three_moments_are_enough():
    net, X, Y = xor_with_a_pair(0)
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    found = tr.gradient(net, X, Y, tr.FrequencyPropagation(1e-6, samples=3))
    assert np.linalg.norm(found - exact) < 1e-6 * np.linalg.norm(exact)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 1j])
@pytest.mark.parametrize("kind", [tr.SGD, tr.Momentum, tr.Adam])
def test_learning_rates_are_numbers(kind, bad):
    for lr in (bad, {"r*": bad}):
        with pytest.raises(rs.UsageError, match="learning rate"):
            tr.Trainer(divider(), optimizer=kind(lr=lr))


# ---- outputs and targets ----


def test_an_output_that_sources_fix_is_said():
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "a", "0", 1.0)
    b.voltage_source("v2", "p", "q", 1.0)
    b.resistor("r1", "a", "p", 1.0)
    b.resistor("r2", "q", "0", 1.0)
    for output in ("a", ("p", "q")):
        with pytest.warns(UserWarning, match="sources alone fix output"):
            net = tr.Network(b.build(), ["v1"], [output, "q"])
        assert not tr.gradient(net, [[1.0]], [[0.5, net.forward([[1.0]])[0, 1]]]).any()
    tr.Network(b.build(), ["v1"], ["p", "q", ("a", "q")])  # warnings are errors here


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("cost", [tr.SquaredError(), tr.CrossEntropy()])
def test_targets_that_are_no_numbers_are_named(cost, bad):
    net, Y = divider(), np.full((4, 1), 0.25)
    X = np.ones((4, 2))
    Y[2] = bad
    for act in (
        lambda: tr.gradient(net, X, Y, cost=cost),
        lambda: tr.Trainer(net, cost=cost).fit(X, Y, 2, batch_size=1),
        lambda: tr.Trainer(net, cost=cost).fit(X[:2], Y[:2], 2, validation=(X, Y)),
    ):
        with pytest.raises(rs.UsageError, match=r"sample 2: its target is .*, which is not finite"):
            act()


def test_complex_numbers_are_refused_everywhere():
    net, X, Y = divider(), np.ones((2, 2)), np.ones((2, 1))
    for act in (
        lambda: net.forward(X + 1j),
        lambda: tr.gradient(net, X, Y + 1j),
        lambda: tr.Trainer(net).fit(X, Y + 1j, 1),
        lambda: tr.Trainer(net).fit(X + 0j, Y, 1),
    ):
        with pytest.raises(rs.UsageError, match="real numbers"):
            act()


class Frame:
    """What a data frame shows of itself."""

    def __init__(self, **columns: object) -> None:
        self.columns = list(columns)
        self.values = np.array(list(columns.values())).T

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.values

    def __len__(self) -> int:
        return len(self.values)


def test_columns_of_data_frames_go_by_their_names():
    net, a, b = divider(), np.array([1.0, 2.0]), np.array([5.0, -1.0])
    right, swapped = Frame(va=a, vb=b), Frame(note=a, VB=b, va=a)
    expected = net.forward(np.column_stack([a, b]))
    trainer = tr.Trainer(net)
    for X in (right, swapped, Frame(x=a, y=b)):
        assert np.array_equal(net.forward(X), expected)
        assert np.array_equal(trainer.predict(X), expected)
    by_name, by_place = (divider() for _ in range(2))
    tr.Trainer(by_name).fit(swapped, Frame(**{"v(o)": a}), 3)
    tr.Trainer(by_place).fit(np.column_stack([a, b]), a[:, None], 3)
    assert np.array_equal(by_name.conductances, by_place.conductances)
    with pytest.raises(rs.UsageError, match="but none for vb"):
        net.forward(Frame(va=a, z=b))
    pandas = pytest.importorskip("pandas")
    assert np.array_equal(net.forward(pandas.DataFrame({"vb": b, "va": a})), expected)


# ---- defaults ----


@pytest.mark.parametrize("scale", [1e-9, 1e-4, 1.0, 1e2])
@pytest.mark.parametrize("kind", [tr.SGD, tr.Momentum, tr.Adam])
def test_training_does_not_depend_on_the_unit_of_conductance(kind, scale):
    X, Y = np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([[0.5], [0.7]])
    runs = [tr.Trainer(divider(s), optimizer=kind()).fit(X, Y, 20) for s in (1.0, scale)]
    one, other = ([record["cost"] for record in run] for run in runs)
    assert np.allclose(one, other, rtol=1e-4)
    assert other[-1] < other[0]


@pytest.mark.parametrize(("scale", "volts"), [(1e6, 1e-6), (1e-6, 1e6), (1e3, 1e-3)])
def test_adam_does_not_depend_on_units(scale, volts):
    X, Y = np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([[0.5], [0.7]])
    one = tr.Trainer(divider()).fit(X, Y, 40)
    other = tr.Trainer(divider(scale)).fit(volts * X, volts * Y, 40)
    costs = [[record["cost"] for record in run] for run in (one, other)]
    assert np.allclose(costs[0], np.array(costs[1]) / volts**2, rtol=1e-4)
    assert costs[0][-1] < 0.3 * costs[0][0]


def test_adam_keeps_the_units_of_parameters_apart():
    def run(ohm: float) -> list[float]:
        deck = f"d\n.param k={ohm} b={1 / ohm}\nva a 0 1\nr1 a o {{k}}\nr2 o 0 {{1/b}}"
        net = tr.Network(deck, ["va"], ["o"], [], parameters=["k", "b"])
        return [record["cost"] for record in tr.Trainer(net).fit([[1.0]], [[0.3]], 20)]

    assert np.allclose(run(1e9), run(1.0), rtol=1e-4)


def test_an_epsilon_that_is_said_counts():
    optimizer = tr.Adam(0.1, epsilon=1.0)
    optimizer.prepare(["r1"])
    assert optimizer.step(np.array([1e-6]), 0) == pytest.approx([-1e-7], rel=1e-4)


@pytest.mark.parametrize("crossbars", [False, True])
def test_usual_nudges_are_what_outputs_bear(crossbars):
    """An output that hangs on a millionth of what others have: a thousandth would be too much."""
    b = rs.CircuitBuilder()
    for k in range(3):
        b.voltage_source(f"v{k}", f"x{k}", "0", 1.0)
    weights = np.array([[2e-6], [1e-6], [3e-6]])
    if crossbars:
        first = np.random.default_rng(0).uniform(0.5, 2.0, (3, 3))
        b.crossbar("rw1", ["x0", "x1", "x2"], ["h0", "h1", "h2"], first)
        b.crossbar("rw2", ["h0", "h1", "h2"], ["o"], weights)
    else:
        for k, siemens in enumerate(weights[:, 0]):
            b.resistor(f"r{k}", f"x{k}", f"h{k}", 1.0 + k)
            b.resistor(f"rs{k}", f"h{k}", "0", 2.0)
            b.resistor(f"rw{k}", f"h{k}", "o", 1.0 / siemens)
    net = tr.Network(b.build(), ["v0", "v1", "v2"], ["o"], g_min=1e-9)
    X, Y = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 2.0]]), np.array([[0.3], [0.9]])
    assert (net.layers is not None) == crossbars
    trainer = tr.Trainer(net)
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    for rule in (trainer.rule, tr.EquilibriumPropagation()):
        found = tr.gradient(net, X, Y, rule)
        assert np.allclose(found, exact, atol=1e-4 * np.abs(exact).max())
    with pytest.raises(rs.UsageError, match="unstable; it must stay above"):
        tr.gradient(net, X, Y, tr.EquilibriumPropagation(float(trainer.rule.beta)))
    history = tr.Trainer(net, optimizer=tr.Adam(1e-8)).fit(X, Y, 5)
    assert history[-1]["cost"] < history[0]["cost"]


@pytest.mark.parametrize("kind", [tr.EquilibriumPropagation, tr.FrequencyPropagation,
                                  tr.VectorFieldEP])  # fmt: skip
@pytest.mark.parametrize("settle", [False, True])
def test_usual_nudges_are_small_beside_millivolts_whatever_the_cost(kind, settle):
    deck = "t\nva a 0 1\nr1 a o 1k\nr2 o 0 1k\nr3 a p 1k\nr4 p 0 2k\nr5 o p 1k\nd1 o q\nr6 q 0 1k"
    net = tr.Network(deck, ["va"], ["o", "p"])
    X, classes, cost = np.array([[2e-3], [-1e-3]]), np.array([0, 1]), tr.CrossEntropy(1e5)
    exact = tr.gradient(net, X, classes, tr.Adjoint(), cost)
    rule = tr.Trainer(net, kind(), cost).rule if settle else kind()
    found = tr.gradient(net, X, classes, rule, cost)
    assert np.allclose(found, exact, rtol=1e-4, atol=1e-6 * np.abs(exact).max())


def test_nudges_may_be_numbers_of_numpy():
    net = divider()
    plain = tr.gradient(net, CORNERS[:, :2], np.ravel(XOR)[:, None], tr.EquilibriumPropagation(0.5))
    for kind in (np.float32, np.float64):
        found = tr.gradient(
            net, CORNERS[:, :2], np.ravel(XOR)[:, None], tr.EquilibriumPropagation(kind(0.5))
        )
        assert np.array_equal(found, plain)


def test_the_class_and_the_command_have_one_set_of_defaults(tmp_path, capsys):
    deck = rs.read_netlist(XOR_DECK)
    table = np.hstack([CORNERS, 0.05 * np.asarray(XOR).reshape(-1, 1)])
    np.savetxt(tmp_path / "t.csv", table, delimiter=",", header="a,b,y", comments="")
    command = ["train", str(XOR_DECK), "--data", str(tmp_path / "t.csv"), "--input", "va=a,vb=b",
               "--output", "v(o1,o2)", "--target", "y", "--epochs", "7"]  # fmt: skip
    for options, optimizer in (
        ([], None), (["--optimizer", "sgd"], tr.SGD()), (["--optimizer", "momentum"], tr.Momentum())
    ):  # fmt: skip
        assert main([*command, *options, "-o", str(tmp_path / "t.net")]) == 0
        net = tr.Network(deck, ["va", "vb"], [("o1", "o2")])
        history = tr.Trainer(net, optimizer=optimizer).fit(table[:, :2], table[:, 2:], 7)
        learned = rs.read_netlist(tmp_path / "t.net")
        assert np.array_equal(learned.resistors.ohms, net.circuit.resistors.ohms)
        assert history[-1]["cost"] < history[0]["cost"]


def test_a_cost_that_rises_is_said():
    circuit, Y = rs.read_netlist(XOR_DECK), 0.05 * np.asarray(XOR).reshape(-1, 1)

    def trainer(*parts: object) -> tr.Trainer:
        return tr.Trainer(tr.Network(circuit, ["va", "vb"], [("o1", "o2")]), *parts)

    for epochs in (2, 6):
        of_siemens = trainer(tr.EquilibriumPropagation(1e-3), None, tr.SGD(lr=0.01))
        told = rf"the cost rose from .* in the first {min(epochs, 5)} epochs.*lr"
        with pytest.warns(UserWarning, match=told):
            of_siemens.fit(CORNERS, Y, epochs)
    trainer().fit(CORNERS, Y, 6)  # warnings are errors here


def test_a_cost_of_no_number_names_its_sample():
    cost = tr.CustomCost(lambda o, y: np.sqrt(o[:, 0] - y) * 0 + [0, np.nan], lambda o, y: o)
    with pytest.raises(rs.UsageError, match="sample 1: the cost is nan"):
        tr.gradient(divider(), np.ones((2, 2)), np.zeros(2), cost=cost)


def test_a_cost_that_does_not_move_is_said():
    trainer = tr.Trainer(divider(), optimizer=tr.SGD(lr=0.0))
    with pytest.warns(UserWarning, match="the cost has not moved"):
        trainer.fit(np.ones((2, 2)), np.zeros((2, 1)), 3)


# ---- levels ----


def test_devices_have_their_levels_from_the_start():
    net = divider(g_min=0.0, g_max=1.0, devices=tr.Devices(levels=2))
    assert net.conductances.tolist() == [1.0, 0.0, 0.0]  # of 1, .5 and .25 S; halves are even
    ideal = divider(g_min=0.0, g_max=1.0)
    ideal.conductances = [1.0, 0.0, 0.0]
    assert np.array_equal(net.forward([[1.0, 5.0]]), ideal.forward([[1.0, 5.0]]))
    net.conductances = [0.4, 0.9, 0.7]
    assert net.conductances.tolist() == [0.0, 1.0, 1.0]
    assert net.circuit.element_names == ideal.circuit.element_names


# ---- differences within what floats ----


def test_differences_within_a_floating_part_are_defined_everywhere():
    exact = -4.0  # 1 mA through 4 kohm
    op = rs.solve(FLOATING)
    assert op.voltage("n1", "n3") == pytest.approx(exact, abs=1e-12)
    assert op["v(n3,n2)"] == pytest.approx(3.0, abs=1e-12)
    assert np.isnan(op.voltage("n1")) and np.isnan(op.voltage("n1", "a"))
    many = rs.solve(FLOATING, inputs={"i1": np.array([1e-3, 2e-3])})
    swept = rs.sweep(FLOATING, i1=[1e-3, 2e-3])
    net = tr.Network(FLOATING, ["i1"], [("n1", "n3")])
    for found in (many["v(n1,n3)"], swept["v(n1,n3)"], net.forward([[1e-3], [2e-3]])[:, 0]):
        assert np.allclose(found, [exact, 2 * exact], atol=1e-12)
    assert np.isnan(many["n1"]).all()
    assert many.pick(np.array([1]))["v(n1,n3)"] == pytest.approx([2 * exact])


def test_floating_parts_have_nothing_to_do_with_each_other():
    op = rs.solve(FLOATING + "I2 m1 m2 2m\nR3 m1 m2 1k\nD1 m1 n1 ideal\n.model ideal D(Ron=0)\n")
    assert op.voltage("m1", "m2") == pytest.approx(-2.0)
    assert np.isnan(op.voltage("m1", "n3"))
