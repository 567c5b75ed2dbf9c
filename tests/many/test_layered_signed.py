"""Layers with conductances of either sign: states that last, found layer by layer."""

import numpy as np
import pytest
from slopes import slopes

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.generators import hopfield

#: Sizes and spread of the weights: from one state to many.
NETWORKS = [([5, 7, 3], 1.0), ([4, 9, 6, 3], 2.0), ([6, 14, 9, 4], 4.0), ([3, 20, 12, 8, 4], 6.0)]


def by_layers(circuit, sizes, **options):
    outputs = [f"o{k}" for k in range(sizes[-1])]
    return tr.Network(
        circuit, [f"v{k}" for k in range(sizes[0])], outputs, "rw*", biases="ib*", **options
    )


def both_ways(circuit, sizes):
    """Return a network that is solved by layers, and one that is solved one by one."""
    one = by_layers(circuit, sizes)
    with policy.using(signed_layers=np.inf):
        other = by_layers(circuit, sizes)
    assert one.layers is not None and other.layers is None
    return one, other


@pytest.mark.parametrize(("sizes", "spread"), NETWORKS)
def test_states_are_those_of_solve_and_last(sizes, spread):
    for seed in range(3):
        circuit = hopfield(sizes, spread=spread, bias=0.5, seed=seed)
        net = by_layers(circuit, sizes)
        u = np.random.default_rng(seed).uniform(0, 1, (5, sizes[0]))
        found = net.free(u)
        assert not len(found.detail.rescued)
        for row, x in enumerate(u.tolist()):
            values = {f"v{k}": volts for k, volts in enumerate(x)}
            op = rs.solve(circuit.with_values(values))
            assert op.certificate.stable is True
            assert found.voltages[row] == pytest.approx(op.node_voltages, abs=1e-12)


def test_gradients_are_those_of_finite_differences():
    compared = 0
    for seed, (sizes, spread) in enumerate(NETWORKS[:3]):
        net = by_layers(hopfield(sizes, spread=0.6 * spread, bias=0.5, seed=seed), sizes)
        rng = np.random.default_rng(seed)
        u, y = rng.uniform(0, 1, (4, sizes[0])), rng.uniform(0, 1, (4, sizes[-1]))
        exact = tr.gradients(net, u, y, tr.Adjoint())
        assert (exact.knees < 0).all()
        for nudge in ("conductance", "current"):
            near = tr.gradients(net, u, y, tr.EquilibriumPropagation(1e-5, nudge=nudge))
            assert np.abs(near.vector - exact.vector).max() < 1e-7
        some = rng.choice(len(net.conductances), 12, replace=False)
        for k, slope in zip(some, slopes(net, u, y, some), strict=True):
            assert exact.conductances[k] == pytest.approx(slope, abs=1e-8)
            compared += abs(slope) > 1e-5
    assert compared > 12


def paired(seed):
    """A network of weights of either sign whose outputs are differences of units without diodes."""
    rng = np.random.default_rng(seed)
    cards = ["pairs", "vone one 0 1"]
    cards += [f"v{k} x{k} 0 0" for k in range(3)]
    hidden, outputs = [f"h{k}" for k in range(6)], ["op0", "on0", "op1", "on1"]
    for layer, (before, after) in enumerate((([f"x{k}" for k in range(3)], hidden),
                                             (hidden, outputs))):  # fmt: skip
        for a in before:
            cards += [f"rw{layer}_{a}_{b} {a} {b} {1 / rng.normal(0, 0.3)}" for b in after]
    for k, unit in enumerate([*hidden, *outputs]):
        cards += [f"rs{k} {unit} 0 {1 / rng.uniform(1.5, 2.5)}", f"ib{k} 0 {unit} {rng.normal()}"]
    for unit in hidden:
        cards += [f"du{unit} {unit} one di", f"dl{unit} 0 {unit} di"]
    return rs.parse_netlist("\n".join([*cards, ".model di d(ron=0 roff=inf)"]))


RULES = [
    tr.Adjoint(),
    tr.EquilibriumPropagation(0.01),
    tr.EquilibriumPropagation(0.01, "positive", "current"),
    tr.EquilibriumPropagation(0.01, "negative"),
    tr.CoupledLearning(0.05, "centered"),
    tr.ContrastiveLearning(),
]


@pytest.mark.parametrize("pairs", [False, True])
def test_all_rules_give_what_they_give_one_by_one(pairs):
    rng, nets = np.random.default_rng(2), []
    circuit = paired(0) if pairs else hopfield([3, 6, 2], spread=0.8, bias=0.5, seed=3)
    outputs = [("op0", "on0"), ("op1", "on1")] if pairs else ["o0", "o1"]
    for least in (0, np.inf):
        with policy.using(signed_layers=least):
            nets.append(tr.Network(circuit, ["v0", "v1", "v2"], outputs, "rw*", biases="ib*"))
    assert [net.layers is None for net in nets] == [False, True]
    u, y = rng.uniform(0, 1, (4, 3)), rng.uniform(0.2, 0.8, (4, 2))
    for rule in RULES[: None if pairs else 4]:  # what diodes hold can't be clamped elsewhere
        found, wanted = (tr.gradients(net, u, y, rule) for net in nets)
        assert found.outputs == pytest.approx(wanted.outputs, abs=1e-11)
        size = np.abs(wanted.vector).max()
        assert np.abs(found.vector - wanted.vector).max() <= 1e-8 * size, rule


def test_a_saddle_that_sweeps_rest_on_is_left():
    # two units that push each other apart; nothing at zero says which way
    cards = ["apart", "v1 x 0 0", "vh h 0 1", "vl l 0 -1", "rx x a 10", "rw a b -1"]
    for unit in "ab":
        cards += [f"rs{unit} {unit} 0 .9", f"du{unit} {unit} h di", f"dl{unit} l {unit} di"]
    circuit = rs.parse_netlist("\n".join([*cards, ".model di d(ron=0 roff=inf)"]))
    net = tr.Network(circuit, ["v1"], ["b"], "r*")
    assert net.layers is not None
    (out,) = net.forward([[0.0]])
    assert abs(out[0]) == pytest.approx(1.0)


def test_weights_of_either_sign_are_not_trained_in_loops_that_prove_nothing():
    sizes = [3, 6, 2]
    net = by_layers(hopfield(sizes, seed=1), sizes)
    rng = np.random.default_rng(0)
    trainer = tr.Trainer(net, optimizer=tr.SGD(0.01))
    with policy.using(epochs=0), pytest.raises(rs.UsageError, match="proved to last"):
        trainer.fit(rng.uniform(0, 1, (8, 3)), rng.uniform(0, 1, (8, 2)), 1, single=True)
