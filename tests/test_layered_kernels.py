"""Compiled training in float32, held against a plain float64 model of the same networks."""

import numpy as np
import pytest

from resnet_sim.errors import UsageError
from resnet_sim.generators import layered
from resnet_sim.layered.detection import find_layers
from resnet_sim.layered.engine import Engine, Settings, unsuited

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

    def state(self, x, y, beta, sweeps=400):
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
        by_b = [-(h - l).sum(axis=0) / width for h, l in zip(high[1:], low[1:], strict=True)]
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
                 threads=1, beta=0.5, amplification=40.0):  # fmt: skip
        rng = np.random.default_rng(seed)
        self.rng, self.sizes, self.batch, self.momentum = rng, sizes, batch, momentum
        circuit = layered(sizes, input_pairs=pairs, crossbars=True, g_min=1e-4, seed=seed,
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
        self.least = 1e-4
        settings = Settings(beta, momentum, self.least, np.inf, threads=threads)
        self.engine = Engine(
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
        self.engine.store(g, b)
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
