"""Compiled training in float32, held against a plain float64 model of the same networks."""

from fnmatch import fnmatch

import numpy as np
import pytest

from resnet_sim import training as tr
from resnet_sim.errors import ConvergenceError, UsageError
from resnet_sim.generators import layered
from resnet_sim.many.layered.detection import find_layers
from resnet_sim.many.layered.engine import EpochLoop, Settings, unsuited

FIRST_LAYER = {1: 1e-4, 2: 1e-3, 3: 1e-3}


class Model:
    """Chains of crossbars with half of the hidden units at least 0 V, half at most 0 V."""

    def __init__(self, crossbars, biases, beta, least):
        self.g = [np.array(g, dtype=float) for g in crossbars]
        self.b = [np.array(b, dtype=float) for b in biases]
        self.beta, self.least = beta, least
        self.mean = [np.zeros_like(p) for p in (*self.g, *self.b)]

    def box(self, k):
        n = len(self.b[k])
        if k == len(self.b) - 1:
            return -np.inf, np.inf
        up = np.arange(n) < (n + 1) // 2
        return np.where(up, 0.0, -np.inf), np.where(up, np.inf, 0.0)

    def state(self, x, y, beta, sweeps=60):
        """Gauss-Seidel, layer by layer."""
        v = [x, *(np.zeros((len(x), len(b))) for b in self.b)]
        for _ in range(sweeps):
            for k in range(len(self.g)):
                current = v[k] @ self.g[k] + self.b[k]
                total = self.g[k].sum(axis=0)
                if k + 1 < len(self.g):
                    current = current + v[k + 2] @ self.g[k + 1].T
                    total = total + self.g[k + 1].sum(axis=1)
                else:
                    current, total = current + beta * y, total + beta
                v[k + 1] = np.clip(current / total, *self.box(k))
        return v

    def gradient(self, x, y):
        low, high = self.state(x, y, -self.beta), self.state(x, y, self.beta)
        width = 2 * self.beta * len(x)

        def energy(v, k):
            return 0.5 * ((v[k][:, :, None] - v[k + 1][:, None, :]) ** 2).sum(axis=0)

        by_g = [(energy(high, k) - energy(low, k)) / width for k in range(len(self.g))]
        by_b = [(a - b).sum(axis=0) / width for a, b in zip(low[1:], high[1:], strict=True)]
        return [*by_g, *by_b]

    def step(self, x, y, rates, momentum):
        """Learn; return the gradient that counts and the cost of the free states."""
        cost = 0.5 * ((self.state(x, y, 0.0)[-1] - y) ** 2).sum(axis=1)
        count = len(self.g)
        for k, gradient in enumerate(self.gradient(x, y)):
            self.mean[k] = momentum * self.mean[k] + gradient
            rate = rates[k % count][k // count]
            if k < count:
                self.g[k] = np.maximum(self.g[k] - rate * self.mean[k], self.least)
            else:
                self.b[k - count] -= rate * self.mean[k]
        return cost


class Task:
    """A network, random samples, and its model."""

    def __init__(self, sizes, batch, samples, *, pairs="inverted", momentum=0.0, seed=0,
                 threads=1, beta=0.5, amplification=40.0, least=1e-4):  # fmt: skip
        rng = np.random.default_rng(seed)
        self.rng, self.sizes, self.batch, self.momentum = rng, sizes, batch, momentum
        circuit = layered(sizes, input_pairs=pairs, crossbars=True, g_min=least, seed=seed,
                          dtype=np.float32)  # fmt: skip
        inputs = [f"v{'p' if pairs else ''}{k}" for k in range(sizes[0])]
        if pairs is True:
            inputs += [f"vn{k}" for k in range(sizes[0])]
        outputs = [f"o{k}" for k in range(sizes[-1])]
        biases = circuit.current_sources.names
        self.layers = find_layers(circuit, inputs, outputs, "rw*", biases)
        self.g = np.concatenate([block.g.ravel() for block in self.layers.blocks])
        self.b = (0.1 * rng.normal(size=len(biases))).astype(np.float32).astype(float)
        self.x = amplification * rng.uniform(-1, 1, (samples, sizes[0])).astype(np.float32)
        self.x[rng.random(self.x.shape) < 0.4] = 0.0
        if pairs is True:
            self.x = np.hstack([self.x, -self.x])
        self.labels = rng.integers(sizes[-1], size=samples)
        self.order = rng.permutation(samples)
        targets = np.eye(sizes[-1])
        self.least = least
        settings = Settings(beta, momentum, self.least, np.inf, threads=threads)
        self.engine = EpochLoop(
            self.layers, self.g, self.b, settings, batch, self.x, targets, self.labels
        )
        self.potentials = self.layers.inputs.potentials(self.x.astype(float))
        self.y = targets[self.labels]
        self.model = Model(*self.split(self.g, self.b), beta, self.least)

    def split(self, g, b):
        shapes = [block.g.shape for block in self.layers.blocks]
        ends = np.cumsum([rows * columns for rows, columns in shapes])[:-1]
        parts = [p.reshape(s) for p, s in zip(np.split(g, ends), shapes, strict=True)]
        return parts, np.split(b, np.cumsum(self.sizes[1:])[:-1])

    def stored(self):
        g, b = np.zeros_like(self.g), np.zeros_like(self.b)
        self.engine.form.store(g)
        self.engine.form.store_biases(b)
        return g, b

    def learned(self):
        return [p.astype(float) for part in self.split(*self.stored()) for p in part]


def close(found, expected, before, tolerance):
    """Steps agree, relative to the norm of the step, but for the rounding of the result."""
    step = expected - before
    rounding = 1e-7 * np.linalg.norm(expected)
    return np.linalg.norm(found - expected) <= tolerance * np.linalg.norm(step) + rounding


CASES = [
    ([50, 70, 3], 4, {}),
    ([50, 70, 3], 4, {"pairs": True, "momentum": 0.9}),
    ([13, 33, 10], 32, {"pairs": False}),
    ([20, 40, 20], 8, {"momentum": 0.5}),
    ([50, 70, 40, 3], 4, {"momentum": 0.9}),
    ([30, 40, 50, 40, 10], 20, {"amplification": 400.0}),
    ([12, 33, 64, 5], 33, {"pairs": False}),
]


@pytest.mark.parametrize(("sizes", "batch", "options"), CASES)
def test_steps_are_those_of_the_model(sizes, batch, options):
    samples = 3 * batch - 1  # the last minibatch is short
    task = Task(sizes, batch, samples, **options)
    rng = np.random.default_rng(3)
    rates = 0.02 * rng.uniform(0.5, 1.0, (len(sizes) - 1, 2))
    tolerance = FIRST_LAYER[len(sizes) - 2]
    for epoch in range(2):
        before = [p.copy() for p in (*task.model.g, *task.model.b)]
        order = task.order if epoch == 0 else task.order[::-1]
        found_cost = task.engine.epoch(order, rates)
        cost = np.concatenate([
            task.model.step(task.potentials[rows], task.y[rows], rates, task.momentum)
            for rows in np.split(order, range(batch, samples, batch))
        ])  # fmt: skip
        np.testing.assert_allclose(found_cost, cost, rtol=0, atol=1e-3 * cost.max())
        expected = (*task.model.g, *task.model.b)
        for found, wanted, old in zip(task.learned(), expected, before, strict=True):
            assert close(found, wanted, old, 3 * tolerance)


@pytest.mark.parametrize("sizes", [[50, 70, 10], [30, 40, 50, 40, 10]])
def test_threads_do_not_change_a_bit(sizes):
    rates = [(0.02, 0.01)] * (len(sizes) - 1)
    found = []
    for threads in (1, 2, 3):
        task = Task(sizes, 20, 59, threads=threads)
        costs = task.engine.epoch(task.order, rates)
        found.append((costs, *task.stored()))
    for other in found[1:]:
        for one, another in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, another)


def test_a_nudge_that_is_too_large_is_refused():
    task = Task([50, 70, 3], 4, 8, beta=50.0)
    with pytest.raises(UsageError, match="a nudge of -50 S makes the circuit unstable"):
        task.engine.epoch(task.order, [(0.01, 0.01)] * 2)


@pytest.mark.parametrize("sizes", [[50, 70, 3], [30, 40, 50, 40, 10]])
def test_states_that_do_not_settle_are_no_result(sizes):
    task = Task(sizes, 4, 8)
    task.engine.task.data[3, 5] = np.nan
    with pytest.raises(ConvergenceError, match="did not settle"):
        task.engine.epoch(task.order, [(0.01, 0.01)] * (len(sizes) - 1))


def chain(**options):
    circuit = layered([6, 5, 4], crossbars=True, **options)
    inputs = [f"v{sign}{k}" for sign in "pn" for k in range(6)]
    return circuit, inputs


@pytest.mark.parametrize(
    ("outputs", "trainable", "biases", "reason"),
    [
        (["o0", "o1", "o2", "o3"], "rw*", "ib*", None),
        (["o1", "o0", "o2", "o3"], "rw*", "ib*", "its outputs are not"),
        ([("o0", "o1")], "rw*", "ib*", "its outputs are not"),
        (["o0", "o1", "o2", "o3"], "rw1_0_*", "ib*", "some conductances between"),
        (["o0", "o1", "o2", "o3"], "rw*", "ib1_2", "some biases of a layer"),
    ],
)
def test_what_the_loops_are_not_made_for(outputs, trainable, biases, reason):
    circuit, inputs = chain()
    names = [n for n in circuit.current_sources.names if fnmatch(n, biases)]
    found = unsuited(find_layers(circuit, inputs, outputs, trainable, names))
    assert found is None if reason is None else found.startswith(reason)


# ---- through the trainer ----

PIXELS, CLASSES, BATCH = 50, 10, 8


def network(seed=0):
    circuit = layered([PIXELS, 900, CLASSES], input_pairs="inverted", crossbars=True, g_min=1e-4,
                      seed=seed, dtype=np.float32)  # fmt: skip
    inputs, outputs = [f"vp{k}" for k in range(PIXELS)], [f"o{k}" for k in range(CLASSES)]
    return tr.Network(circuit, inputs, outputs, "rw*", biases="ib*", g_min=1e-4)


def trainer(momentum=0.9, rate=0.003):
    net, cost = network(), tr.SquaredError(np.eye(CLASSES))
    schedule = tr.exponential(0.9)
    optimizer = tr.Momentum(rate, momentum, schedule) if momentum else tr.SGD(rate, schedule)
    return tr.Trainer(net, tr.EquilibriumPropagation(0.5), cost, optimizer)


def samples(count=40):
    rng = np.random.default_rng(5)
    labels = rng.integers(CLASSES, size=count)
    x = rng.uniform(0, 1, (count, PIXELS))
    x[np.arange(count), labels] += 1.0
    return (30 * x).astype(np.float32), labels


def state(trained):
    return trained.net.conductances, trained.net.biases


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_trainer_learns_as_in_float64(momentum):
    x, y = samples()
    fast, exact = trainer(momentum), trainer(momentum)
    before = state(fast)
    fast.fit(x, y, 2, BATCH, single=True)
    exact.fit(x, y, 2, BATCH, single=False)
    for found, wanted, old in zip(state(fast), state(exact), before, strict=True):
        assert close(found, wanted, old, 1e-3)
    costs = [[record["cost"] for record in one.history] for one in (fast, exact)]
    np.testing.assert_allclose(*costs, rtol=1e-3)
    assert costs[0][1] < costs[0][0]


def test_an_interrupted_run_goes_on_with_the_same_bits(tmp_path):
    x, y = samples()
    whole, first, second = trainer(), trainer(), trainer()
    whole.fit(x, y, 3, BATCH, single=True)
    path = tmp_path / "run.npz"
    first.fit(x, y, 3, BATCH, checkpoint=path, callbacks=[lambda *_: len(first.history) == 2])
    assert len(first.history) == 2
    second.fit(x, y, 3, BATCH, checkpoint=path, resume=True)
    for one, another in zip(state(whole), state(second), strict=True):
        np.testing.assert_array_equal(one, another)
    assert whole.history == second.history


def test_checkpoints_hold_float32_and_few_names(tmp_path):
    x, y = samples()
    trained, path = trainer(momentum=0.0), tmp_path / "run.npz"
    trained.fit(x, y, 1, BATCH, single=True, checkpoint=path)
    with np.load(path) as file:
        assert file["conductances"].dtype == np.float32
        np.testing.assert_array_equal(file["conductances"], trained.net.conductances)
    assert path.stat().st_size < 8 * len(trained.net.trainable)
    others = network().circuit
    inputs, outputs = [f"vp{k}" for k in range(PIXELS)], [f"o{k}" for k in range(CLASSES)]
    fewer = tr.Trainer(tr.Network(others, inputs, outputs, "rw1_*", biases="ib*", g_min=1e-4))
    with pytest.raises(UsageError, match="a network with other parameters"):
        fewer.load(path)


def test_the_trainer_takes_the_loops_where_they_fit():
    x, y = samples(16)
    fits, other = trainer(), trainer()
    other.rule = tr.EquilibriumPropagation(0.5, "positive")
    fits.fit(x, y, 1, BATCH)
    other.fit(x, y, 1, BATCH)
    assert "knees" not in fits.history[0] and "knees" in other.history[0]
    assert "in float32: used\nbackend: layered (" in fits.explain_backend()
    assert "in float32: not, they know centered" in other.explain_backend()
    with pytest.raises(UsageError, match="can't be trained in float32: they know centered"):
        other.fit(x, y, 1, BATCH, single=True)


class OwnRule(tr.EquilibriumPropagation):
    pass


class OwnCost(tr.SquaredError):
    pass


@pytest.mark.parametrize("part", [{"rule": OwnRule(0.5)}, {"cost": OwnCost(np.eye(CLASSES))}])
def test_a_subclass_is_never_replaced_by_what_it_is_derived_from(part):
    trained = trainer()
    for name, value in part.items():
        setattr(trained, name, value)
    trained.fit(*samples(16), 1, BATCH)
    assert "knees" in trained.history[0]


def test_bad_inputs_are_refused_before_training():
    x, y = samples(16)
    x[13, 2] = np.inf
    with pytest.raises(UsageError, match="sample 13: an input is not finite"):
        trainer().fit(x, y, 1, BATCH)
    with pytest.raises(UsageError, match="class numbers must be from 0 to 9"):
        trainer().fit(samples(16)[0], np.full(16, 10), 1, BATCH)


# ---- published networks ----


@pytest.mark.long
@pytest.mark.parametrize(
    ("hidden", "amplification", "beta", "rate"),
    [([100], 100, 1.0, 0.006), ([1024], 480, 1.0, 0.006), ([1024] * 2, 2000, 1.0, 0.002),
     ([1024] * 3, 4000, 2.0, 0.005)],
    ids=["XS", "1H", "2H", "3H"],
)  # fmt: skip
def test_first_layer_gradients_of_published_networks(hidden, amplification, beta, rate):
    """At the start and after some steps; the momentum of one step is its gradient."""
    task = Task([784, *hidden, 10], 4, 204, momentum=1e-30, beta=beta,
                amplification=amplification, least=0.0)  # fmt: skip
    for order, rates in ((task.order[:4], 0.0), (task.order[4:200], rate), (task.order[200:], 0.0)):
        task.model.g, task.model.b = ([p.astype(float) for p in part]
                                      for part in task.split(*task.stored()))  # fmt: skip
        task.engine.epoch(order, [(rates, rates)] * (len(hidden) + 1))
        if rates == 0.0:
            mean = np.zeros_like(task.g)
            task.engine.form.store_momentum(mean, np.zeros_like(task.b))
            found = task.split(mean, task.b)[0][0]
            wanted = task.model.gradient(task.potentials[order], task.y[order])[0]
            error = np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
            assert error <= FIRST_LAYER[len(hidden)]
