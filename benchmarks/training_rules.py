"""All learning rules on the same task with the same budget: XOR with an output pair.

    python benchmarks/training_rules.py --seeds 10

Cosine with the exact gradient at the start, and how many seeds learn: all four signs right
and a mean cost below 1e-3 V^2 within the budget.  The network has eight free nodes joined to
each other and to four sources, and six diodes between free nodes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from resnet_sim import CircuitBuilder
from resnet_sim import training as tr

X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
Y = 0.1 * np.array([[-1.0], [1.0], [1.0], [-1.0]])

RULES: list[tuple[str, tr.Rule]] = [
    ("adjoint (exact)", tr.Adjoint()),
    ("EP centered, beta 1e-3 S", tr.EquilibriumPropagation(1e-3, "centered")),
    ("EP centered, beta 0.1 S", tr.EquilibriumPropagation(0.1, "centered")),
    ("EP positive, beta 0.1 S", tr.EquilibriumPropagation(0.1, "positive")),
    ("EP negative, beta 0.1 S", tr.EquilibriumPropagation(0.1, "negative")),
    ("EP centered, currents, 0.1 S", tr.EquilibriumPropagation(0.1, "centered", "current")),
    ("coupled learning P, eta 0.1", tr.CoupledLearning(0.1, "positive")),
    ("coupled learning N, eta 0.1", tr.CoupledLearning(0.1, "negative")),
    ("coupled learning C, eta 0.1", tr.CoupledLearning(0.1, "centered")),
    ("contrastive learning", tr.ContrastiveLearning()),
    ("frequency propagation, 0.1 S", tr.FrequencyPropagation(0.1)),
]


def network(seed: int) -> tr.Network:
    rng = np.random.default_rng(seed)
    b = CircuitBuilder("xor")
    for name, volts in (("a", 0.0), ("b", 0.0), ("high", 1.0), ("low", -1.0)):
        b.voltage_source(f"v{name}", name, "0", volts)
    free = ["o1", "o2", *(f"h{k}" for k in range(6))]
    count = 0
    for k, p in enumerate(free):
        for q in [*free[k + 1 :], "a", "b", "high", "low"]:
            b.resistor(f"r{count}", p, q, 1.0 / rng.uniform(0.02, 0.4))
            count += 1
    for k in range(3):
        b.diode(f"d{k}", f"h{k}", "o1")
        b.diode(f"e{k}", "o2", f"h{k + 3}")
    return tr.Network(b.build(), ["va", "vb"], [("o1", "o2")], "r*", g_min=1e-3)


def cosine(seed: int, rule: tr.Rule) -> float:
    net = network(seed)
    exact, found = tr.gradient(net, X, Y, tr.Adjoint()), tr.gradient(net, X, Y, rule)
    return float(exact @ found / np.linalg.norm(exact) / np.linalg.norm(found))


def steps(seed: int, rule: tr.Rule, budget: int, lr: float) -> int | None:
    """Steps until the task is learned, None if it is not."""
    trainer = tr.Trainer(network(seed), rule, optimizer=tr.Adam(lr))
    history = trainer.fit(X, Y, budget, callbacks=[lambda _, record: record["cost"] < 1e-4])
    right = (np.sign(trainer.predict(X)) == np.sign(Y)).all()
    return len(history) if right and history[-1]["cost"] < 1e-3 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, default=300, help="steps")
    parser.add_argument("--lr", type=float, default=0.03)
    options = parser.parse_args()
    print(f"{'rule':32}{'cosine (lowest)':>20}{'learned':>10}{'steps':>8}{'s':>7}")
    for name, rule in RULES:
        began = time.perf_counter()
        cosines = [cosine(seed, rule) for seed in range(options.seeds)]
        runs = [steps(seed, rule, options.budget, options.lr) for seed in range(options.seeds)]
        learned = [n for n in runs if n is not None]
        median = f"{np.median(learned):.0f}" if learned else "-"
        spread = f"{np.mean(cosines):.4f} ({min(cosines):.3f})"
        print(
            f"{name:32}{spread:>20}{f'{len(learned)}/{len(runs)}':>10}{median:>8}"
            f"{time.perf_counter() - began:>7.1f}"
        )


if __name__ == "__main__":
    main()
