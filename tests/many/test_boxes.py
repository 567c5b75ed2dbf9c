"""Batches in single precision against double precision, and the benchmark in a small form."""

import copy
import dataclasses

import numpy as np
import pytest
from benchmark_modules import load
from scipy.sparse import csr_array

import resnet_sim as rs
from resnet_sim import CircuitBuilder
from resnet_sim import generators as gen
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.many.boxes import BoxLanes
from resnet_sim.many.drive import Drive, Map
from resnet_sim.many.lane_states import LaneStates

#: conductances over two decades, diodes to ground only
BOXES = gen.Mixture(diodes=0.0, ground_diodes=0.6, grounds=0.05, sources=0.2)
VOLTS = {"n0": 1.0, "n1": -1.0, "n2": 0.5}
#: a node, a pair of free nodes, a node against an input
OUTPUTS = ["n5", ("n6", "n7"), ("n8", "n0")]


def networks(circuit, *arguments, **options):
    """Return a network in single and in double precision."""
    return tuple(
        tr.Network(circuit, *arguments, precision=precision, **options)
        for precision in ("single", "double")
    )


def random_networks(seed, mixture=BOXES, nodes=60):
    circuit = gen.random_graph(nodes, 6, mixture=mixture, volts=VOLTS, seed=seed)
    return networks(circuit, ["v0", "v1", "v2"], OUTPUTS, "r[0-9]*")


def samples(seed, count):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 3)), 0.1 * rng.standard_normal((count, 3))


def close(found, wanted, relative):
    return np.abs(found - wanted).max() <= relative * np.abs(wanted).max()


def refuses(*_):
    raise AssertionError("solved in double precision")


pytestmark = pytest.mark.filterwarnings("ignore::resnet_sim.training.KneeWarning")


@pytest.fixture
def alone(monkeypatch):
    """Let nothing be solved in double precision by the single-precision backend."""

    def forbid(net):
        monkeypatch.setattr(net._backend, "precise", Unhelpful(net._backend.precise))

    return forbid


class Unhelpful:
    """A `LaneStates` that states problems and does not solve them."""

    def __init__(self, precise):
        self._precise = precise

    solve = nudged = adjoint = adjoint_of = refuses

    def __getattr__(self, name):
        return getattr(self._precise, name)


@pytest.mark.parametrize("count", [1, 16, 40, 200])
def test_states_are_those_of_double_precision(alone, count):
    for seed in range(4):
        single, double = random_networks(seed)
        alone(single)
        X, _ = samples(seed, count)
        found, wanted = single.free(X), double.free(X)
        assert close(found.voltages, wanted.voltages, 1e-6), seed
        assert close(found.outputs, wanted.outputs, 1e-6)
        np.testing.assert_array_equal(found.knee < 0, wanted.knee < 0)
        regular = wanted.knee < 0
        np.testing.assert_array_equal(found.on[regular], wanted.on[regular])


@pytest.mark.parametrize(
    "rule",
    [
        tr.Adjoint(),
        tr.EquilibriumPropagation(0.1, "positive"),
        tr.EquilibriumPropagation(1e-6),
        tr.EquilibriumPropagation(1e-3, "negative", nudge="current"),
        tr.FrequencyPropagation(0.1),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_gradients_are_those_of_double_precision(alone, rule):
    for seed in range(4):
        single, double = random_networks(seed)
        alone(single)
        X, Y = samples(seed, 48)
        found, wanted = (tr.gradient(net, X, Y, rule) for net in (single, double))
        assert close(found, wanted, 1e-5), seed


@pytest.mark.parametrize("rule", [tr.Adjoint(), tr.EquilibriumPropagation(0.1)])
def test_where_factors_are_full_sweeps_give_all_digits(alone, rule):
    for seed in range(3):
        with policy.using(filled=0.0):
            _, swept = random_networks(seed)
        _, double = random_networks(seed)
        assert isinstance(swept._backend, BoxLanes)
        assert isinstance(double._backend, LaneStates)
        alone(swept)
        X, Y = samples(seed, 48)
        assert close(swept.free(X).voltages, double.free(X).voltages, 1e-12), seed
        found, wanted = (tr.gradient(net, X, Y, rule) for net in (swept, double))
        # roundings of states that differ by a ten-thousandth of them
        assert close(found, wanted, 1e-9), seed


def test_random_graphs_of_many_edges_are_swept_in_double_precision():
    # factors of the points would take fifty times as long
    graph = gen.random_graph(1000, 10, mixture=gen.Mixture(diodes=0.0, ground_diodes=0.6))
    net = tr.Network(graph, [graph.current_sources.names[0]], ["n5"], "r0")
    assert net.explain_backend().startswith("backend: boxes")


def test_slow_circuits_are_proved_too(alone):
    # a grid whose only ways to ground are at its corners: 1e3 times the step is the error
    mixture = dataclasses.replace(BOXES, ground_diodes=0.02, grounds=0.0, sources=0.05)
    volts = {"n0_0": 1.0, "n14_14": 0.0}
    circuit = gen.grid(15, mixture=mixture, volts=volts, seed=3)
    single, double = networks(circuit, ["v0", "v1"], ["n7_7"], "r[0-9]*")
    alone(single)
    X = np.random.default_rng(0).standard_normal((20, 2))
    found = single.free(X)
    assert found.start.posed.laplacian.amplification > 500
    assert close(found.voltages, double.free(X).voltages, 1e-6)


def test_the_bound_of_the_error_holds():
    single, double = random_networks(1)
    X, _ = samples(1, 64)
    lanes = single._backend
    exact = lanes.structure.coordinates(double.free(X).voltages, np.asarray(single._columns(X)))
    held = single.free(X).start
    tiles = held.tiles
    for tolerance in (1e-1, 1e-2, 1e-3):
        outcome = tiles.solve(dataclasses.replace(held.posed, tolerance=tolerance))
        x = tiles.unpack(outcome.x)
        bound = tolerance * tiles.unpack(outcome.error[:, None])[:, 0] * np.abs(x).max(axis=1)
        assert (np.abs(x - exact).max(axis=1) <= bound).all()


def test_the_number_of_threads_changes_nothing():
    found = []
    for threads in (1, 2, 3):
        single, _ = random_networks(5)
        with policy.using(tiles=0, threads=threads):
            found.append(single.free(samples(5, 300)[0]).voltages)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_what_was_solved_before_changes_nothing():
    X, Y = samples(6, 40)
    found = []
    for factor in (None, 0.5):
        net, _ = random_networks(6)
        g = net.conductances
        if factor is not None:
            net.conductances = np.maximum(factor * g, net.g_min)
            tr.gradient(net, X, Y, tr.EquilibriumPropagation(0.1))
            net.conductances = g
        found.append(tr.gradient(net, X, Y, tr.EquilibriumPropagation(0.1)))
    np.testing.assert_array_equal(found[0], found[1])


def boxed(low, high):
    """A node between 1 V, 1 ohm away, and diodes to two potentials."""
    b = CircuitBuilder()
    b.voltage_source("v1", "in", "0", 1.0)
    b.voltage_source("vl", "low", "0", low)
    b.voltage_source("vh", "high", "0", high)
    b.resistor("r1", "in", "a", 1.0)
    b.resistor("r2", "a", "0", 1.0)
    b.diode("dl", "low", "a")
    b.diode("dh", "a", "high")
    return b.build()


def test_bounds_may_be_inputs():
    net = tr.Network(boxed(-1.0, 1.0), ["v1", "vl", "vh"], ["a"], "r*", precision="single")
    X = [[1.0, -1.0, 1.0], [4.0, -1.0, 1.5], [-4.0, -0.5, 1.0], [1.0, 0.75, 2.0]]
    np.testing.assert_allclose(net.forward(X)[:, 0], [0.5, 1.5, -0.5, 0.75], rtol=1e-6)
    on = net.free(X).on
    np.testing.assert_array_equal(on.sum(axis=1), [0, 1, 1, 1])


def test_circuits_without_diodes_are_solved(alone):
    single, double = random_networks(4, dataclasses.replace(BOXES, ground_diodes=0.0))
    alone(single)
    X, Y = samples(4, 20)
    assert close(single.free(X).voltages, double.free(X).voltages, 1e-6)
    found, wanted = (tr.gradient(net, X, Y) for net in (single, double))
    assert close(found, wanted, 1e-5)


def test_an_impossible_sample_is_named():
    net = tr.Network(boxed(-1.0, 1.0), ["v1", "vl", "vh"], ["a"], "r*", precision="single")
    with pytest.raises(rs.TopologyError, match=r"sample 1: .*dl"):
        net.forward([[1.0, -1.0, 1.0], [1.0, 2.0, 1.0]])


def test_samples_without_proof_are_solved_in_double_precision(monkeypatch):
    from resnet_sim.many import tiles

    monkeypatch.setattr(tiles, "ROUNDS", 0)
    single, double = random_networks(2)
    single._backend.problem._laplacians = np.zeros(0), np.zeros(0), {}
    monkeypatch.setattr(tiles.Laplacian, "_prove", lambda self: setattr(self, "proved", True))
    X, Y = samples(2, 20)
    found, wanted = single.free(X), double.free(X)
    np.testing.assert_allclose(found.voltages, wanted.voltages, atol=1e-12)
    np.testing.assert_array_equal(found.on, wanted.on)
    # what nudged states and the adjoint start from is that of double precision, too
    assert close(found.start.tiles.unpack(found.start.x), _coordinates(single, wanted, X), 1e-12)
    monkeypatch.undo()
    slope = wanted.outputs - Y
    assert close(found.adjoint(slope), wanted.adjoint(slope), 1e-5)


def _coordinates(net, states, X):
    return net._backend.structure.coordinates(states.voltages, np.asarray(net._columns(X)))


def test_an_unstable_nudge_is_refused_as_in_double_precision():
    single, double = random_networks(0)
    X, Y = samples(0, 4)
    free = single.free(X)
    messages = []
    for net in (single, double):
        with pytest.raises(rs.UsageError, match="makes the circuit unstable") as error:
            net.pulled(X, free if net is single else double.free(X), -1000.0, Y)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_a_circuit_with_diodes_between_free_nodes_is_refused():
    circuit = gen.random_graph(20, 4, volts=VOLTS)
    with pytest.raises(rs.UsageError, match=r"single precision: .*d\d.* one end at a fixed"):
        tr.Network(circuit, ["v0"], ["n5"], "r*", precision="single")
    with pytest.raises(rs.UsageError, match="unknown precision 'half'"):
        tr.Network(circuit, ["v0"], ["n5"], "r*", precision="half")


def test_the_backend_is_asked_for():
    single, double = random_networks(0)
    assert isinstance(single._backend, BoxLanes)
    assert isinstance(double._backend, LaneStates)
    assert single.batched


def test_a_network_learns_in_single_precision():
    found = []
    for net in random_networks(3):
        X, Y = samples(3, 64)
        trainer = tr.Trainer(net, optimizer=tr.Adam(0.01))
        history = trainer.fit(X, Y, 5, batch_size=16)
        found.append([record["cost"] for record in history])
    assert close(np.array(found[0]), np.array(found[1]), 1e-5)
    assert found[0][-1] < found[0][0]


def test_the_benchmark_runs(capsys):
    load("lanes").main(["--nodes", "60", "--degree", "6", "--tiles", "2", "--repeats", "2"])
    printed = capsys.readouterr().out
    assert "one core / scipy" in printed
    difference = float(printed.split("largest difference ")[1].split()[0])
    assert difference < 1e-6


def shared_networks(circuit, outputs):
    inputs = [name for name in circuit.voltage_sources.names if name.startswith("v")]
    return networks(
        circuit, inputs, outputs, "rw*", biases="ibo*", parameters=["k*", "b*"], g_min=1e-4
    )


@pytest.mark.parametrize("cost", [tr.SquaredError(np.eye(3)), tr.CrossEntropy(10.0)])
@pytest.mark.parametrize("pool", [1, 2])
def test_what_shares_parameters_learns_as_in_double_precision(alone, cost, pool):
    # units have sources of their own, whose values are common to all samples
    circuit = gen.convolutional(
        (6, 6), [4], 3, kernel=3, pool=pool, output_pairs=True, amplification=10.0, seed=2
    )
    pair = shared_networks(circuit, [(f"op{k}", f"on{k}") for k in range(3)])
    alone(pair[0])
    rng = np.random.default_rng(1)
    x, labels = rng.uniform(0, 10, (20, 36)), rng.integers(0, 3, 20)
    for net in pair:
        net.biases = net.biases + np.linspace(0.0, 0.05, len(net.biases))
    rule = tr.EquilibriumPropagation(0.01)
    found, wanted = (tr.gradients(net, np.hstack((x, -x)), labels, rule, cost) for net in pair)
    assert close(found.vector, wanted.vector, 1e-5)
    assert close(found.outputs, wanted.outputs, 1e-6)


def test_behind_amplifiers_contrasts_count_as_there(alone):
    circuit = gen.layered([5, 6, 4, 3], diodes="half", gain=4.0, seed=1)
    inputs = list(circuit.voltage_sources.names)
    pair = networks(circuit, inputs, ["o0", "o1", "o2"], "r*", biases="ib*")
    alone(pair[0])
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((40, len(inputs))), 0.1 * rng.standard_normal((40, 3))
    for variant in ("centered", "positive"):
        rule = tr.EquilibriumPropagation(1e-6, variant)
        found, wanted = (tr.gradients(net, X, Y, rule).vector for net in pair)
        assert close(found, wanted, 1e-5)


def test_currents_that_are_inputs_drive_boxes():
    circuit = gen.random_graph(60, 6, mixture=BOXES, volts=VOLTS, seed=7)
    inputs = ["v0", *circuit.current_sources.names[:2]]
    single, double = networks(circuit, inputs, OUTPUTS, "r[0-9]*", biases=[])
    X = np.random.default_rng(3).standard_normal((33, 3))
    found, wanted = (tr.gradient(net, X, np.zeros((33, 3))) for net in (single, double))
    assert close(found, wanted, 1e-5)


def test_runs_keep_what_conducts_only_where_states_begin_with_it(tmp_path):
    x, y = samples(5, 12)
    for net, kept in zip(random_networks(5), (0, 1), strict=True):
        path, whole, begun = tmp_path / f"{kept}.ckpt", copy.deepcopy(net), copy.deepcopy(net)
        tr.Trainer(whole).fit(x, y, 4, batch_size=5)
        tr.Trainer(begun).fit(x, y, 2, batch_size=5, checkpoint=path)
        with np.load(path) as archive:
            assert (archive["on_shape"][1] > 0) == kept
        after = tr.Trainer(net)
        after.load(path)
        after.fit(x, y, 2, batch_size=5)
        assert np.array_equal(net.conductances, whole.conductances)


@pytest.mark.parametrize("own", [0, 3])
def test_maps_of_drives_are_products(own):
    rng = np.random.default_rng(own)
    matrix = rng.normal(size=(7, 5)) * (rng.random((7, 5)) < 0.5)
    matrix[:, :3] *= own > 0
    drive = Drive(rng.normal(size=(4, 3)), rng.normal(size=2))
    for form in (np.array, csr_array):
        found = Map(form(matrix))(drive)
        assert found.shape == (7, 4 if own else 1)
        assert np.allclose(found, matrix @ drive.whole.T, rtol=1e-13, atol=1e-13)
