"""Nonlinear regression on diode networks of arbitrary topology: |x|, a parabola, sin(pi x).

    python benchmarks/training_regression.py --seeds 10
    python benchmarks/training_regression.py --seeds 1 --curve curve.svg
    python benchmarks/training_regression.py --tasks abs --seeds 1 --picture abs.svg

One output; inputs x and -x; six hidden nodes, each joined to every other node and to all
sources by resistors that learn.  Diodes from hidden nodes to the output make its voltage a
maximum of what they offer, diodes to hidden nodes a minimum.  Targets stay within 0.1 V,
where the sources reach 1 V.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from resnet_sim import CircuitBuilder, plotting
from resnet_sim import training as tr

X = np.linspace(-1.0, 1.0, 41)[:, None]

#: function, diodes from hidden nodes to the output, diodes back
TASKS: dict[str, tuple[Callable[[Any], Any], int, int]] = {
    "abs": (lambda x: 0.2 * (np.abs(x) - 0.5), 3, 3),
    "parabola": (lambda x: 0.2 * (0.5 - x**2), 0, 6),
    "sine": (lambda x: 0.1 * np.sin(np.pi * x), 3, 3),
}


def network(seed: int, ups: int, downs: int) -> tr.Network:
    """A circuit of all resistors between seven free nodes and four sources, and some diodes."""
    rng = np.random.default_rng(seed)
    b = CircuitBuilder("regression")
    for name, volts in (("x", 0.0), ("nx", 0.0), ("high", 1.0), ("low", -1.0)):
        b.voltage_source(f"v{name}", name, "0", volts)
    free = ["o", *(f"h{k}" for k in range(ups + downs))]
    count = 0
    for k, p in enumerate(free):
        for q in [*free[k + 1 :], "x", "nx", "high", "low"]:
            b.resistor(f"r{count}", p, q, 1.0 / rng.uniform(0.02, 0.4))
            count += 1
    for k in range(ups + downs):
        b.diode(f"d{k}", *((f"h{k}", "o") if k < ups else ("o", f"h{k}")))
    return tr.Network(b.build(), ["vx", "vnx"], ["o"], "r*", g_min=1e-3)


def train(task: str, seed: int, steps: int, lr: float) -> tuple[float, tr.Trainer]:
    """Return the root mean square error over the targets' deviation, and the trainer."""
    function, ups, downs = TASKS[task]
    optimizer = tr.Adam(lr, schedule=tr.cosine(steps))
    trainer = tr.Trainer(
        network(seed, ups, downs), tr.EquilibriumPropagation(1e-3), None, optimizer
    )
    y = function(X)
    trainer.fit(np.hstack([X, -X]), y, steps)
    error = trainer.predict(np.hstack([X, -X])) - y
    return float(np.sqrt((error**2).mean()) / y.std()), trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--lr", type=float, default=0.1, help="S")
    parser.add_argument("--curve", metavar="FILE", help="picture of the cost, last seed")
    parser.add_argument("--picture", metavar="FILE", help="conductances of the last circuit")
    options = parser.parse_args()
    histories = {}
    for task in options.tasks:
        began = time.perf_counter()
        runs = [train(task, seed, options.steps, options.lr) for seed in range(options.seeds)]
        seconds = (time.perf_counter() - began) / options.seeds
        found = [error for error, _ in runs]
        histories[task] = runs[-1][1].history
        each = " ".join(f"{value:.3f}" for value in sorted(found))
        print(f"{task}: rmse/std median {np.median(found):.3f} ({each}), {seconds:.1f} s a seed")
    if options.curve:
        plotting.save(plotting.learning_curve(histories), options.curve)
    if options.picture:
        circuit = runs[-1][1].net.circuit
        plotting.save(plotting.draw_conductances(circuit), options.picture)


if __name__ == "__main__":
    main()
