"""Layers are found in any circuit that has them, and solved layer by layer in float64."""

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.generators import grid, layered
from resnet_sim.many.layered import find_layers
from resnet_sim.many.layered.exact import Exact
from resnet_sim.many.layered.potentials import NotLayered
from resnet_sim.many.layered.structure import outer
from resnet_sim.netlist import format_netlist


def sources(count):
    return [f"vp{k}" for k in range(count)] + [f"vn{k}" for k in range(count)]


def refused(circuit, inputs, outputs=("o0",)):
    """Expect that a circuit is no chain of layers, and that it is said why."""
    with pytest.raises(NotLayered, match=r"\w{2,} \w{2,}"):
        find_layers(circuit, inputs, outputs)


def found_in(circuit, inputs, outputs=("o0",), trainable="r*", biases=()):
    return find_layers(circuit, inputs, outputs, trainable, biases)


def shuffled(circuit, seed=0):
    """Return the same circuit read from a deck whose cards come in another order."""
    title, *cards = format_netlist(circuit).strip().splitlines()
    models = [card for card in cards if card.startswith(".")]
    cards = [card for card in cards if not card.startswith(".")]
    order = np.random.default_rng(seed).permutation(len(cards))
    return rs.parse_netlist("\n".join([title, *(cards[k] for k in order), *models]) + "\n")


def by_hand(*more):
    """Two inputs, three hidden nodes, one output; `more` cards."""
    cards = ["by hand", "v1 x1 0 1", "v2 x2 0 2"]
    for k, (a, b, c) in enumerate([(1, 2, 3), (4, 5, 6), (7, 8, 9)]):
        cards += [f"ra{k} x1 h{k} {a}", f"rb{k} h{k} x2 {b}", f"rc{k} o0 h{k} {c}"]
    return rs.parse_netlist("\n".join([*cards, *more, ".model di d(ron=0 roff=inf)", ".end\n"]))


# ---- what is found ----


def test_a_crossbar_is_the_block():
    circuit = layered((3, 5, 4, 2), crossbars=True)
    found = find_layers(circuit, sources(3), ["o0", "o1"], "rw*", [*circuit.current_sources.names])
    assert found.widths == (6, 5, 4, 2)
    assert found.simple
    for block, device in zip(found.blocks, circuit.crossbars.devices, strict=True):
        assert np.shares_memory(block.g, device.conductances)
        assert block.g.shape == device.conductances.shape
    assert [block.index for block in found.blocks] == [0, 30, 50]
    assert found.units[1].lower.tolist() == [0, 0, -np.inf, -np.inf]
    assert found.units[1].upper.tolist() == [np.inf, np.inf, 0, 0]
    assert found.units[1].bias_index.tolist() == [5, 6, 7, 8]
    assert found.units[1].bias_sign.tolist() == [1] * 4
    assert not len(found.leaks)


@pytest.mark.parametrize("seed", range(4))
def test_every_entry_of_a_shuffled_deck_is_the_resistor_between_its_nodes(seed):
    circuit = shuffled(layered((3, 5, 4, 2), g_min=1e-3, seed=seed), seed)
    some = [name for name in circuit.resistors.names if not name.endswith("1")]
    found = find_layers(circuit, sources(3), ["o1", "o0"], some)
    names = tr.Network(circuit, sources(3), ["o0"], some).trainable
    graph = circuit.to_networkx()
    nodes = [found.inputs.nodes, *(units.nodes for units in found.units)]
    assert [[circuit.nodes[k] for k in layer] for layer in nodes][-1] == ["o1", "o0"]
    assert found.widths == (6, 5, 4, 2)
    for block, before, here in zip(found.blocks, nodes, nodes[1:], strict=False):
        for (i, j), g in np.ndenumerate(block.g):
            p, q = circuit.nodes[before[i]], circuit.nodes[here[j]]
            ((name, edge),) = graph[p][q].items()
            assert g == pytest.approx(1 / edge["ohms"], rel=1e-15)
            index = block.numbers()[i, j]
            assert (names[index] if index >= 0 else None) == (name if name in some else None)


def test_inverted_inputs_are_mirrored():
    circuit = layered((3, 4, 2), input_pairs="inverted", crossbars=True)
    for variant in (circuit, shuffled(circuit)):
        found = find_layers(variant, ["vp2", "vp0", "vp1"], ["o0", "o1"])
        assert found.inputs.mirrored
        potentials = found.inputs.potentials(np.array([[5.0, 7.0, 11.0]]))
        by_node = {"xp0": 7, "xp1": 11, "xp2": 5, "xn0": -7, "xn1": -11, "xn2": -5}
        wanted = [by_node[variant.nodes[k]] for k in found.inputs.nodes]
        assert potentials[0].tolist() == wanted
        assert wanted[:3] == [-w for w in wanted[3:]]
    assert not find_layers(layered((3, 4, 2)), sources(3), ["o0", "o1"]).inputs.mirrored


def test_boxes_leaks_and_biases():
    circuit = by_hand(
        "d1 0 h0 di", "d2 h0 lim di", "vlim lim 0 3", "dz 0 h1 dz", "vz h1 aux 0",
        ".model dz d(ron=0 roff=50 vfwd=0.5 vrev=4 rrev=0)",
        "i1 0 h0 1m", "i2 h1 0 2m", "i3 h1 h2 3m", "rg h2 0 10", "rr h2 lim 20", "rs o0 x1 40",
    )  # fmt: skip
    found = found_in(circuit, ["v1", "v2"], biases=["i2"])
    names = [[circuit.nodes[k] for k in units.nodes] for units in found.units]
    assert names == [["h0", "h1", "h2"], ["o0"]]
    hidden = found.units[0]
    assert hidden.lower.tolist() == [0.0, -0.5, -np.inf]
    assert hidden.upper.tolist() == [3.0, 4.0, np.inf]
    elements = [circuit.element_names[k] for k in hidden.lower_element[:2]]
    assert elements == ["d1", "dz"]
    assert circuit.element_names[hidden.upper_element[0]] == "d2"
    assert hidden.bias == pytest.approx([1e-3, -3e-3, 3e-3])
    assert hidden.bias_index.tolist() == [-1, 0, -1]
    assert hidden.bias_sign.tolist()[1] == -1.0
    leaks = {
        (int(k), int(j)): (g, v)
        for k, j, g, v in zip(
            found.leaks.layer, found.leaks.unit, found.leaks.g,
            found.leaks.far.potentials(np.array([[1.5, 0.0]]))[0], strict=True,
        )
    }  # fmt: skip
    assert leaks.pop((1, 0)) == (pytest.approx(1 / 40), 1.5)
    assert leaks.pop((0, 1)) == (pytest.approx(1 / 50), 0.0)
    assert (0, 2) in leaks
    assert found.leaks.g[found.leaks.unit == 2] == pytest.approx([1 / 10, 1 / 20])
    assert sorted(found.leaks.far.offset[found.leaks.unit == 2]) == [0.0, 3.0]


NOT_LAYERED = {
    "units of one layer joined": ["rx h0 h1 1"],
    "a diode between units": ["d1 h0 h1 di"],
    "a diode to an input": ["d1 h0 x1 di"],
    "a diode with a resistance": ["d1 0 h0 ds", ".model ds d(ron=1 roff=inf)"],
    "a unit that is joined to none": ["rx lone 0 1"],
    "resistors in parallel": ["rx h0 o0 1"],
    "a source between units": ["vx h0 h1 1"],
    "a one-way controlled source": ["e1 y 0 h0 0 2", "rx y o0 1"],
    "a switch that follows the solution": ["s1 h0 0 o0 0 sm", ".model sm sw(vt=1)"],
    "a diode without room": ["d1 h0 0 di", "vx a 0 1", "d2 a h0 di"],
}


@pytest.mark.parametrize("case", NOT_LAYERED)
def test_what_is_no_chain_of_layers(case):
    assert found_in(by_hand(), ["v1", "v2"]) is not None
    refused(by_hand(*NOT_LAYERED[case]), ["v1", "v2"])


def test_other_roles_and_other_circuits_that_are_no_chain_of_layers():
    refused(by_hand(), ["v1", "v2"], ["h0"])
    refused(by_hand("i1 0 h0 1m"), ["v1", "i1"])
    refused(by_hand(), [])
    square = grid(6, 6)
    refused(square, square.voltage_sources.names[:1], square.nodes[-1:])
    for crossbars in (False, True):
        circuit = layered((3, 4, 2), gain=2.0, crossbars=crossbars)
        refused(circuit, sources(3), ["o0", "o1"])


def test_sparse_blocks_are_left_to_others():
    weights = [np.eye(8), np.ones((8, 2))]
    circuit = layered((8, 8, 2), input_pairs=False, weights=weights, crossbars=False)
    refused(circuit, [f"v{k}" for k in range(8)], ["o0", "o1"])


def test_crossbars_in_pieces_are_put_together():
    """One crossbar from the inputs, two to the outputs, one of which stands upside down."""
    rng = np.random.default_rng(0)
    one, two, three = (
        rng.uniform(1, 2, (2, 4)),
        rng.uniform(1, 2, (2, 3)),
        rng.uniform(1, 2, (3, 2)),
    )
    b = rs.CircuitBuilder()
    b.voltage_sources("v", b.nodes("x", 2), 0, [1.0, 2.0])
    b.crossbar("xa", ["x1", "x0"], ["h0", "h2", "h1", "h3"], one)
    b.crossbar("xb", ["h2", "h0"], ["o0", "o1", "o2"], two)
    b.crossbar("xc", ["o2", "o0", "o1"], ["h1", "h3"], three)
    circuit = b.build()
    found = find_layers(circuit, ["v0", "v1"], ["o0", "o1", "o2"], ["xa", "xc"])
    assert np.shares_memory(found.blocks[0].g, one)
    # hidden units stand in the order of the columns of xa
    whole = np.stack([two[1], two[0], three.T[0][[1, 2, 0]], three.T[1][[1, 2, 0]]])
    assert found.blocks[1].g == pytest.approx(whole)
    index = found.blocks[1].numbers()
    assert (index[:2] == -1).all()
    assert index[2].tolist() == [10, 12, 8]
    check_states(circuit, found, np.array([[1.0, 2.0]]), None)


# ---- states ----


def check_states(circuit, layers, u, biases, tolerance=1e-9):
    """Compare all voltages with those of `solve`, which certifies its points."""
    exact = Exact(layers)
    values = exact.values(parameters_of(layers))
    phase = exact.settle(
        values, exact.conditions(values, u, np.zeros(0) if biases is None else biases)
    )
    assert phase.settled.all()
    names = [circuit.voltage_sources.names[k] for k in range(u.shape[1])]
    wanted = rs.solve(circuit, inputs=dict(zip(names, u.T, strict=True)))
    assert wanted.certificate.ok
    for units, v in zip(layers.units, phase.v, strict=True):
        truth = wanted.node_voltages[:, units.nodes]
        assert np.abs(v - truth).max() <= tolerance * np.abs(truth).max()


def parameters_of(layers):
    """Return the parameters that the circuit has."""
    parameters = np.zeros(layers.n_parameters)
    for block in layers.blocks:
        index = block.numbers()
        parameters[index[index >= 0]] = block.g[index >= 0]
    some = layers.leaks.index >= 0
    parameters[layers.leaks.index[some]] = layers.leaks.g[some]
    return parameters


@pytest.mark.parametrize("sizes", [(4, 3), (5, 7, 2), (6, 9, 8, 3), (4, 6, 5, 7, 2)])
@pytest.mark.parametrize("diodes", ["half", "antiparallel", None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_states_are_those_of_solve(sizes, diodes, dtype):
    rng = np.random.default_rng(len(sizes))
    circuit = layered(
        sizes, diodes=diodes, amplification=20.0, crossbars=True, dtype=dtype, biases=False,
        g_min=0.0, seed=rng,
    )  # fmt: skip
    outputs = [f"o{k}" for k in range(sizes[-1])]
    found = find_layers(circuit, sources(sizes[0]), outputs, "rw*")
    x = 20 * rng.uniform(-1, 1, (7, sizes[0]))
    check_states(circuit, found, np.concatenate((x, -x), axis=1), None)


def test_states_with_leaks_boxes_and_biases():
    circuit = by_hand(
        "d1 0 h0 di", "vlim lim 0 -1", "d2 h1 lim di", "i1 0 h0 1m", "i2 h2 0 2", "rg h2 0 10",
        "rr h2 lim 20", "rs o0 x1 40",
    )  # fmt: skip
    found = found_in(circuit, ["v1", "v2"])
    u = np.random.default_rng(0).normal(size=(9, 2))
    check_states(circuit, found, u, None, 1e-12)


def network(circuit, sizes, **options):
    outputs = [f"o{k}" for k in range(sizes[-1])]
    return tr.Network(circuit, sources(sizes[0]), outputs, "rw*", biases="ib*", **options)


@pytest.fixture
def always():
    """Use layers for the smallest circuits too."""
    with policy.using(layers=0):
        yield


def both_ways(circuit, sizes, **options):
    """Return a network that is solved by layers, and one that is not."""
    with policy.using(layers=0):
        one = network(circuit, sizes, **options)
    with policy.using(layers=np.inf):
        other = network(circuit, sizes, **options)
    assert one.layers is not None
    assert other.layers is None
    return one, other


RULES = [
    tr.Adjoint(),
    tr.EquilibriumPropagation(0.01),
    tr.EquilibriumPropagation(0.01, "positive", "current"),
    tr.CoupledLearning(0.1, "centered"),
    tr.ContrastiveLearning(),
    tr.FrequencyPropagation(),
]


@pytest.mark.parametrize("options", [{}, {"output_pairs": True}, {"diodes": "antiparallel"}])
def test_all_rules_give_what_they_give_without_layers(options):
    sizes, rng = (5, 8, 6, 3), np.random.default_rng(2)
    circuit = layered(sizes, amplification=10.0, crossbars=False, seed=rng, **options)
    names = [f"op{k}" for k in range(3)], [f"on{k}" for k in range(3)]
    outputs = list(zip(*names, strict=True)) if "output_pairs" in options else ["o0", "o1", "o2"]
    nets = []
    for least in (0, np.inf):
        with policy.using(layers=least):
            nets.append(tr.Network(circuit, sources(5), outputs, "rw*", biases="ib*"))
        nets[-1].biases = np.linspace(-0.1, 0.1, len(nets[-1].biases))
    assert [net.layers is None for net in nets] == [False, True]
    x, y = rng.uniform(-10, 10, (6, 5)), rng.normal(size=(6, 3))
    u = np.concatenate((x, -x), axis=1)
    for rule in RULES:
        found, wanted = (tr.gradients(net, u, y, rule) for net in nets)
        assert found.outputs == pytest.approx(wanted.outputs, rel=1e-11, abs=1e-12)
        size = np.abs(wanted.vector).max()
        assert np.abs(found.vector - wanted.vector).max() <= 1e-9 * size


# ---- the same numbers, however they come about ----


def test_single_resistors_give_the_numbers_of_crossbars(always):
    sizes, rng = (7, 15, 11, 4), np.random.default_rng(5)
    circuit = layered(sizes, amplification=100.0, crossbars=True, seed=rng)
    x, y = rng.uniform(-100, 100, (20, 7)), rng.normal(size=(20, 4))
    u = np.concatenate((x, -x), axis=1)
    one, other = network(circuit, sizes), network(shuffled(circuit), sizes)
    for rule in (tr.Adjoint(), tr.EquilibriumPropagation(0.1)):
        a, b = tr.gradients(one, u, y, rule), tr.gradients(other, u, y, rule)
        assert np.abs(a.outputs - b.outputs).max() <= 1e-12 * np.abs(a.outputs).max()
        order = [other.parameter_names.index(name) for name in one.parameter_names]
        assert np.abs(a.vector - b.vector[order]).max() <= 1e-12 * np.abs(a.vector).max()


def test_a_start_changes_the_sweeps_and_not_the_state(always):
    sizes, rng = (6, 9, 8, 3), np.random.default_rng(7)
    net = network(layered(sizes, amplification=10.0, crossbars=True, seed=rng), sizes)
    exact = Exact(net.layers)
    values = exact.values(net.conductances)
    conditions = exact.conditions(values, rng.normal(size=(4, 12)), net.biases)
    cold = exact.settle(values, conditions)
    warm = exact.settle(values, conditions, cold)
    assert warm.sweeps < cold.sweeps
    for a, b in zip(cold.v, warm.v, strict=True):
        assert a == pytest.approx(b, rel=1e-13, abs=1e-14)
    assert outer(net.layers) == [0, 2]


# ---- what may go wrong ----


def test_a_negative_nudge_has_the_limit_that_it_has_without_layers():
    sizes = (3, 4, 2)
    nets = both_ways(layered(sizes, crossbars=False), sizes)
    messages = []
    for net in nets:
        x = np.ones((1, 6))
        near = net.free(x)
        with pytest.raises(rs.UsageError, match="unstable") as caught:
            net.pulled(x, near, -50.0, np.zeros((1, 2)))
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_outputs_that_diodes_keep_from_being_clamped(always):
    net = tr.Network(by_hand("d1 0 o0 di"), ["v1", "v2"], ["o0"], "ra*")
    assert net.layers is not None
    near = net.free([[1.0, 2.0]])
    assert net.pulled([[1.0, 2.0]], near, np.inf, np.array([[1.5]])).outputs[0, 0] == 1.5
    with pytest.raises(rs.TopologyError, match="sample 0"):
        net.pulled([[1.0, 2.0]], near, np.inf, np.array([[-1.0]]))


def test_knees_are_told(always):
    net = tr.Network(by_hand("d1 0 h0 di"), ["v1", "v2"], ["o0"], "r*")
    assert net.layers is not None
    assert net.free([[0.0, 0.0]]).knee[0] == net.circuit.element("d1")
    assert net.free([[1.0, 1.0]]).knee[0] == -1


def test_a_unit_that_comes_loose_is_no_number(always):
    g = [np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0], [0.0]])]
    circuit = layered((1, 2, 1), weights=g, crossbars=True, diodes=None)
    net = network(circuit, (1, 2, 1), g_min=0.0)
    assert net.layers is not None
    states = net.free([[3.0, 1.0]])
    assert states.outputs[0, 0] == pytest.approx(2.0)
    assert np.isnan(states.voltages[0, circuit.node("h1_1")])
    found = tr.gradient(net, [[3.0, 1.0]], [[1.0]], tr.Adjoint())
    assert np.isfinite(found).all()


def test_units_are_anchored_by_whatever_they_are_joined_to():
    """No conductance from the layer before, but one to the layer behind, or a leak."""
    b = rs.CircuitBuilder()
    b.voltage_sources("v", b.nodes("x", 1), 0, [4.0])
    b.crossbar("xa", ["x0"], ["h0", "h1", "h2"], [[1.0, 0.0, 0.0]])
    b.crossbar("xb", ["h0", "h1", "h2"], ["o0", "o1"], [[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    layers = find_layers(b.build(), ["v0"], ["o0", "o1"])
    assert not Exact(layers).values().anchored  # h2 and o1 float together
    b.resistor("r1", "o1", "0", 1.0)
    circuit = b.build()
    layers = find_layers(circuit, ["v0"], ["o0", "o1"])
    assert Exact(layers).values().anchored
    check_states(circuit, layers, np.array([[4.0]]), None)


# ---- training ----


def test_training_goes_by_layers_where_there_are_many_conductances():
    sizes, rng = (40, 130, 3), np.random.default_rng(8)
    deck = layered(sizes, amplification=10.0, crossbars=False, seed=1)
    x = 10 * rng.uniform(-1, 1, (30, 40))
    u, y = np.concatenate((x, -x), axis=1), rng.uniform(-0.5, 0.5, (30, 3))
    learned = []
    for circuit in (deck, layered(sizes, amplification=10.0, crossbars=True, seed=1)):
        net = network(circuit, sizes)
        assert net.layers is not None
        rule = tr.EquilibriumPropagation(0.5)
        trainer = tr.Trainer(net, rule, optimizer=tr.SGD(lr=1e-4))
        history = trainer.fit(u, y, epochs=4, batch_size=10)
        assert history[-1]["cost"] < history[0]["cost"]
        learned.append(net)
    one, other = learned
    assert list(one.parameter_names) == list(other.parameter_names)
    assert one.conductances == pytest.approx(other.conductances, rel=1e-11, abs=1e-12)
    # what was learned is a circuit, of crossbars where it was one
    assert len(other.circuit.crossbars.devices) == 2
    op = rs.solve(other.circuit, inputs=dict(zip(sources(40), u[:1].T, strict=True)))
    outputs = [op.voltage(f"o{k}")[0] for k in range(3)]
    assert outputs == pytest.approx(other.forward(u[:1])[0], rel=1e-9, abs=1e-11)


def test_conductances_of_crossbars_are_copied_when_they_change_and_not_before(always):
    net = network(layered((3, 4, 2), crossbars=True), (3, 4, 2), g_min=0.0)
    assert net.own is None
    first = net.layers.blocks[0]
    assert first.at(net.own) is first.g
    g = 2 * net.conductances
    assert net.own is not None  # asked for, hence there
    net.defer(lambda: g)
    assert net.conductances.tolist() == g.tolist()
    assert (first.at(net.own) == 2 * first.g).all()
    # out of bounds: moved to them, hence not those of the circuit
    net = network(layered((3, 4, 2), crossbars=True, g_min=0.0), (3, 4, 2), g_min=0.1)
    assert net.own is not None
    assert net.own.min() == 0.1


def test_a_nudged_circuit_of_crossbars_can_be_checked_elsewhere(always):
    sizes = (3, 5, 2)
    net = network(layered(sizes, amplification=5.0, crossbars=True), sizes)
    x, y = np.array([1.0, -2.0, 3.0]), np.array([0.5, -0.5])
    u = np.concatenate((x, -x))
    nudged = net.nudged_circuit(u, y, 0.3)
    assert nudged.crossbars.devices
    near = net.free(u[None])
    wanted = net.pulled(u[None], near, 0.3, y[None]).outputs[0]
    op = rs.solve(nudged)
    assert op.certificate.ok
    assert [op.voltage("o0"), op.voltage("o1")] == pytest.approx(wanted, rel=1e-9)
    assert np.abs(wanted - near.outputs[0]).max() > 0.01


def test_an_interrupted_run_goes_on_with_the_same_bits(tmp_path):
    sizes, rng = (4, 6, 2), np.random.default_rng(9)
    u, y = rng.normal(size=(12, 8)), rng.normal(size=(12, 2))
    learned = []
    for epochs in ((4,), (2, 2)):
        path = tmp_path / f"{len(epochs)}.npz"
        for more in epochs:
            net = network(layered(sizes, crossbars=True), sizes)
            trainer = tr.Trainer(net, tr.EquilibriumPropagation(0.1), optimizer=tr.SGD(lr=0.01))
            if path.exists():
                trainer.load(path)
            trainer.fit(u, y, epochs=more, batch_size=4, checkpoint=path)
        learned.append(net.conductances.tobytes())
    assert learned[0] == learned[1]


def test_crossbars_with_amplifiers_learn_as_resistors_do():
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(4, 6)), rng.normal(size=(4, 2))
    found, wanted = (
        tr.gradients(
            network(layered((3, 4, 2), gain=3.0, crossbars=crossbars), (3, 4, 2)),
            x, y, tr.EquilibriumPropagation(0.01),
        )
        for crossbars in (True, False)
    )  # fmt: skip
    assert found.vector == pytest.approx(wanted.vector, rel=1e-9, abs=1e-12)


def test_a_crossbar_learns_in_a_circuit_without_layers():
    b = rs.CircuitBuilder()
    b.voltage_sources("v", b.nodes("x", 2), 0, 1.0)
    b.crossbar("xb", ["x0", "x1"], ["a", "b"], [[1.0, 2.0], [3.0, 0.0]])
    b.resistor("r1", "a", "b", 1.0)
    b.resistor("r2", "a", "0", 1.0)
    net = tr.Network(b.build(), ["v0", "v1"], ["b"], "xb*", g_min=1e-3)
    assert net.layers is None
    assert net.trainable[1] == "xb_0_1"
    assert net.conductances.tolist() == [1.0, 2.0, 3.0, 1e-3]
    x, y = np.array([[1.0, -2.0], [0.5, 3.0]]), np.zeros((2, 1))

    def cost(g):
        net.conductances = g
        return float((0.5 * net.forward(x) ** 2).mean())

    g = net.conductances + 0.5
    net.conductances = g
    found = tr.gradient(net, x, y, tr.Adjoint())
    for k in range(4):
        step = 1e-5 * np.eye(4)[k]
        assert found[k] == pytest.approx((cost(g + step) - cost(g - step)) / 2e-5, rel=1e-6)
    with pytest.raises(rs.UsageError, match="g_min must be positive"):
        tr.Network(b.build(), ["v0", "v1"], ["b"], "xb*", g_min=0.0)
