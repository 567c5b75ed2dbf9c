"""XOR on 16 nodes whose 32 edges are transistors, as Dillavou et al. (2024) built it.

    python benchmarks/training_transistors.py --seeds 10
    python benchmarks/training_transistors.py --rule exact
    python benchmarks/training_transistors.py --task knee --seeds 3 --epochs 2500

A square lattice of 4 x 4 nodes with periodic boundaries; every edge is a transistor in its triode
region, whose gate voltage learns.  Two nodes are inputs of 0 or 0.45 V, two are held at 0.11 and
0.33 V, and the difference of two is the output: 0 V where the inputs are equal, -0.087 V where
they differ.  In the second state of coupled learning both output nodes are clamped, each half of
the way, and a gate changes by what the squares of the voltage across its transistor differ by.
With `--task knee` one input is held at 0 V, and the output shall stay at 0 V up to the middle of
the other and fall from there on, which no linear network does: nine points, beside what the best
straight line misses.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np

import resnet_sim as rs
from resnet_sim import training as tr

SIDE = 4
#: nodes of the lattice by what they are, in rows and columns
ROLES = {(0, 0): "om", (1, 1): "low", (1, 3): "high", (2, 2): "op", (3, 1): "y", (3, 3): "x"}
#: A/V^2 of the transistors, their threshold, V, and bounds of the gates, V
BETA, THRESHOLD, GATES = 4e-4, 0.7, (0.9, 6.0)
VOLTS, LABEL = 0.45, -0.087
X = VOLTS * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = LABEL * np.array([0, 1, 1, 0])
#: inputs and outputs of the nonlinear regression, V
RAMP = np.linspace(0.0, 1.0, 9)
KNEE = LABEL * np.maximum(0.0, 2.0 * RAMP - 1.0)


class Difference:
    """A quarter of the square of ``op - om - y``: each output makes half of the way.

    Parameters
    ----------
    margin : float, optional
        Outputs that are farther than this on the right side of the middle cost nothing, V.
    """

    def __init__(self, margin: float | None = None) -> None:
        self.margin = margin

    def _missing(self, outputs: np.ndarray, targets: Any) -> np.ndarray:
        found = outputs[:, 0] - outputs[:, 1]
        missing = found - targets
        if self.margin is not None:
            side = np.where(np.asarray(targets) < LABEL / 2, -1.0, 1.0)
            missing[side * (found - LABEL / 2) > self.margin] = 0.0
        return missing

    def value(self, outputs: np.ndarray, targets: Any) -> np.ndarray:
        """Return the cost of each sample, V^2."""
        return 0.25 * self._missing(outputs, targets) ** 2

    def slope(self, outputs: np.ndarray, targets: Any) -> np.ndarray:
        """Return the derivatives by the outputs, V."""
        return 0.5 * self._missing(outputs, targets)[:, None] * [1.0, -1.0]

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Tell which inputs are taken for different ones."""
        return (outputs[:, 0] - outputs[:, 1] < LABEL / 2).astype(np.int64)


def lattice(seed: int) -> str:
    """Return the deck; gates begin at random."""
    rng = np.random.default_rng(seed)

    def place(row: int, column: int) -> str:
        at = row % SIDE, column % SIDE
        return ROLES.get(at, f"n{at[0]}_{at[1]}")

    lines = [f"lattice {seed}", "vx x 0 0", "vy y 0 0", "vlow low 0 0.11", "vhigh high 0 0.33"]
    gates = []
    for k, (row, column, down) in enumerate(np.ndindex(SIDE, SIDE, 2)):
        lines.append(
            f"m{k} {place(row, column)} w{k} {place(row + down, column + 1 - down)} 0 edge"
        )
        lines.append(f"vw{k} w{k} 0 {{g{k}}}")
        gates.append(f"g{k}={rng.uniform(1.5, 3.0):.4f}")
    lines += [".param " + " ".join(gates), f".model edge nmos(vto={THRESHOLD} kp={BETA})", ".end"]
    return "\n".join(lines)


def network(seed: int) -> tr.Network:
    """Return the network."""
    return tr.Network(
        rs.parse_netlist(lattice(seed)), ["vx", "vy"], ["op", "om"], parameters={"g*": GATES}
    )


RULES = {
    "coupled": (tr.CoupledLearning(1.0), tr.SGD(240.0 / BETA)),
    "exact": (tr.Adjoint(), tr.Adam(0.05)),
}


def train(seed: int, rule: str, epochs: int, margin: float | None) -> tuple[int, np.ndarray]:
    """Return after how many epochs all four are right for good, and the outputs in the end."""
    net = network(seed)
    learning, optimizer = RULES[rule]
    trainer = tr.Trainer(net, learning, Difference(margin), optimizer)
    last = 0

    def look(trainer: tr.Trainer, record: dict[str, Any]) -> None:
        nonlocal last
        if (trainer.classify(X) != (Y != 0)).any():
            last = record["epoch"] + 1

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # how far the rule is from the gradient
        trainer.fit(X, Y, epochs, callbacks=[look])
    outputs = net.forward(X)
    return last, outputs[:, 0] - outputs[:, 1]


def regress(seed: int, rule: str, epochs: int) -> tuple[float, float]:
    """Return what is missed in the end, and by the best straight line: root mean squares, V."""
    net, x = network(seed), np.stack((VOLTS * RAMP, np.zeros_like(RAMP)), axis=1)
    learning, optimizer = RULES[rule]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        tr.Trainer(net, learning, Difference(), optimizer).fit(x, KNEE, epochs)
    outputs = net.forward(x)
    line = np.polyval(np.polyfit(RAMP, KNEE, 1), RAMP)
    missed = (outputs[:, 0] - outputs[:, 1] - KNEE, line - KNEE)
    mine, straight = (float(np.sqrt((each**2).mean())) for each in missed)
    return mine, straight


def state_time() -> float:
    """Return the CPU time of a state in a batch of 64, ms: the least of nine."""
    net, inputs = network(0), np.random.default_rng(0).uniform(0.0, VOLTS, (64, 2))
    net.free(inputs)
    times = []
    for _ in range(9):
        began = time.process_time()
        net.free(inputs)
        times.append(time.process_time() - began)
    return 1e3 * min(times) / len(inputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rule", choices=list(RULES), default="coupled")
    parser.add_argument("--task", choices=["xor", "knee"], default="xor")
    parser.add_argument("--epochs", type=int, default=1200)
    parser.add_argument("--margin", type=float, default=0.015)
    options = parser.parse_args()
    if options.task == "knee":
        for seed in range(options.first, options.first + options.seeds):
            mine, straight = regress(seed, options.rule, options.epochs)
            print(f"seed {seed}: {1e3 * mine:.2f} mV missed, by a straight line "
                  f"{1e3 * straight:.2f} mV", flush=True)  # fmt: skip
        return
    learned = 0
    for seed in range(options.first, options.first + options.seeds):
        began = time.process_time()
        last, found = train(seed, options.rule, options.epochs, options.margin)
        right = last < options.epochs
        learned += right
        told = f"right from epoch {last + 1} on" if right else "not learned"
        print(
            f"seed {seed}: {told}; outputs {np.array2string(1e3 * found, precision=1)} mV, "
            f"{time.process_time() - began:.0f} s of CPU",
            flush=True,
        )
    print(f"{learned} of {options.seeds}; a state in a batch of 64 takes {state_time():.2f} ms")


if __name__ == "__main__":
    main()
