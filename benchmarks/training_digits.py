"""Digits (8 x 8 pixels, from scikit-learn) on layered networks and on a random sparse graph.

    python benchmarks/training_digits.py layered --seeds 5
    python benchmarks/training_digits.py kendall --seeds 5
    python benchmarks/training_digits.py sparse --seeds 5
    python benchmarks/training_digits.py sparse --seeds 5 --no-diodes
    python benchmarks/training_digits.py layered --seeds 1 --curve curve.svg --picture fields.svg
    python benchmarks/training_digits.py layered --seeds 1 --ngspice 500
    python benchmarks/training_digits.py kendall --seeds 1 --real 1n4148 --ngspice 100
    python benchmarks/training_digits.py kendall --seeds 1 --off 0.1 --rule vector-field

1,297 images to train, 500 to test.  Inputs come as x and -x, outputs are differences of pairs.

layered   half the hidden nodes at least 0 V, half at most 0 V (Scellier, arXiv 2402.11674)
kendall   hidden nodes between antiparallel diodes with thresholds, a bidirectional amplifier
          behind each (Kendall et al., arXiv 2006.01981)
sparse    a random graph; diodes join free nodes only: no layers, no bound at a given potential

Accuracy alone proves no nonlinear learning: compare the relative mean squared error with that of
the same circuit without diodes.  With --real the diodes become a part after training: what is
foretold of it (`tr.transfer`) stands beside what ngspice answers, and beside it how much longer a
step of training takes with that part than with ideal diodes.  With --off all that comes back
through the amplifiers is too large by that share: there is no co-content, and `--rule adjoint` is
exact.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from resnet_sim import CircuitBuilder, format_netlist, ngspice, parse_netlist, plotting
from resnet_sim import training as tr
from resnet_sim.generators import layered

PIXELS, CLASSES, TRAIN = 64, 10, 1297
#: what is printed of a run
LINE = "{:.1%} right, relative mse {:.3f}, {:.0f} s, {:.3f} ms a sample after the first epoch"
INPUTS = [f"v{sign}{k}" for sign in "pn" for k in range(PIXELS)]
OUTPUTS = [(f"op{k}", f"on{k}") for k in range(CLASSES)]


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels from 0 to 1 and classes, to train with and to test with."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    x, y = digits.data[order] / 16.0, digits.target[order]
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]


def layered_network(seed: int, hidden: int, off: float = 0.0, **options: Any) -> tr.Network:
    """A layered network of one hidden layer; `options` are those of `generators.layered`.

    What its amplifiers pass back is `off` by that share.
    """
    sizes = [PIXELS, hidden, CLASSES]
    circuit = layered(sizes, output_pairs=True, seed=seed, g_min=1e-6, **options)
    if off:
        table = circuit.controlled_sources
        back = np.repeat([name.startswith("fa") for name in table.names], np.diff(table.ptr))
        gain = np.where(back, (1.0 + off) * table.gain, table.gain)
        circuit = circuit.with_tables(controlled_sources=replace(table, gain=gain))
    return tr.Network(circuit, INPUTS, OUTPUTS, "rw*", biases="ib*", g_min=1e-6)


def sparse_network(
    seed: int, free: int = 200, degree: int = 4, diodes: int = 200, fan_in: int = 32,
    fan_out: int = 40,
) -> tr.Network:  # fmt: skip
    """A random graph of free nodes; each input, inverted input and output joined to some of them.

    Every node has resistors to both rails besides, which serve as biases.
    """
    rng = np.random.default_rng(seed)
    b = CircuitBuilder("random sparse graph")
    hidden = b.nodes("h", free)
    pixels = np.concatenate([b.nodes("xp", PIXELS), b.nodes("xn", PIXELS)])
    high, low = b.node("high"), b.node("low")
    outputs = b.nodes([f"o{sign}{k}" for k in range(CLASSES) for sign in "pn"])
    b.voltage_sources("vp", pixels[:PIXELS], 0, np.zeros(PIXELS))
    b.voltage_sources("vn", pixels[PIXELS:], 0, np.zeros(PIXELS))
    b.voltage_source("vhigh", "high", "0", 1.0)
    b.voltage_source("vlow", "low", "0", -1.0)
    upper = np.array([(i, j) for i in range(free) for j in range(i)])
    edges = upper[rng.choice(len(upper), free * degree // 2, replace=False)]
    p = [hidden[edges[:, 0]], np.repeat(pixels, fan_in), np.repeat(outputs, fan_out)]
    q = [hidden[edges[:, 1]]]
    q += [hidden[rng.choice(free, fan_in, replace=False)] for _ in pixels]
    q += [hidden[rng.choice(free, fan_out, replace=False)] for _ in outputs]
    for rail in (high, low):
        p.append(np.full(free + len(outputs), rail))
        q.append(np.concatenate([hidden, outputs]))
    ends = np.concatenate(p), np.concatenate(q)
    b.resistors("r", *ends, 1.0 / rng.uniform(0.01, 0.3, len(ends[0])))
    if diodes:
        anode, cathode = upper[rng.choice(len(upper), diodes, replace=False)].T
        turned = rng.random(diodes) < 0.5
        anode, cathode = np.where(turned, cathode, anode), np.where(turned, anode, cathode)
        b.diodes("d", hidden[anode], hidden[cathode])
    return tr.Network(b.build(), INPUTS, OUTPUTS, "r*", g_min=1e-4)


def layered_trainer(seed: int, options: argparse.Namespace) -> tr.Trainer:
    net = layered_network(seed, options.hidden, diodes=None if options.no_diodes else "half")
    rates = {"*1_*": options.lr, "*2_*": 5 * options.lr}
    optimizer = tr.SGD(rates, schedule=tr.exponential(options.decay))
    cost = tr.SquaredError(np.eye(CLASSES))
    return tr.Trainer(net, tr.EquilibriumPropagation(0.2), cost, optimizer, seed)


def kendall_trainer(seed: int, options: argparse.Namespace) -> tr.Trainer:
    diodes = None if options.no_diodes else "antiparallel"
    net = layered_network(seed, options.hidden, options.off, diodes=diodes, gain=4.0, threshold=0.3)
    rates = {"*1_*": options.lr, "*2_*": 5 * options.lr}
    optimizer = tr.SGD(rates, schedule=tr.exponential(options.decay))
    cost = tr.SquaredError(np.eye(CLASSES))
    rule = KENDALL_RULES[options.rule]
    return tr.Trainer(net, rule, cost, optimizer, seed)


#: the rules that a network with amplifiers may be trained with
KENDALL_RULES: dict[str, tr.Rule] = {
    "ep": tr.EquilibriumPropagation(0.02),
    "vector-field": tr.VectorFieldEP(1e-3),
    "adjoint": tr.Adjoint(),
}


def sparse_trainer(seed: int, options: argparse.Namespace) -> tr.Trainer:
    net = sparse_network(seed, diodes=0 if options.no_diodes else 200)
    optimizer = tr.Adam(options.lr, schedule=tr.cosine(options.epochs, 0.05))
    cost = tr.SquaredError(0.2 * (2 * np.eye(CLASSES) - 1))
    return tr.Trainer(net, tr.EquilibriumPropagation(1e-3), cost, optimizer, seed)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained unless options say otherwise."""

    trainer: Callable[[int, argparse.Namespace], tr.Trainer]
    epochs: int
    #: learning rate (S), and its decay per epoch
    lr: float
    decay: float
    batch_size: int
    #: voltages of black and white pixels
    black: float
    white: float


RECIPES = {
    "layered": Recipe(layered_trainer, 20, 0.003, 0.95, 8, 0.0, 100.0),
    "kendall": Recipe(kendall_trainer, 12, 0.02, 0.9, 8, 0.0, 10.0),
    "sparse": Recipe(sparse_trainer, 12, 0.03, 1.0, 32, -1.0, 1.0),
}


def encode(kind: str, x: np.ndarray) -> np.ndarray:
    """Return the voltages of pixels: x and -x, shape (B, 2 PIXELS)."""
    recipe = RECIPES[kind]
    volts = recipe.black + (recipe.white - recipe.black) * x
    return np.hstack([volts, -volts])


def run(kind: str, seed: int, options: argparse.Namespace) -> tuple[tr.Trainer, list[float]]:
    """Train; return the trainer, and accuracy, relative mean squared error, seconds, and ms.

    These are of CPU time a sample, all but the first epoch.
    """
    x, y, x_test, y_test = data(seed)
    trainer = RECIPES[kind].trainer(seed, options)
    began = time.perf_counter()
    ends: list[float] = []
    trainer.fit(
        encode(kind, x), y, options.epochs, batch_size=RECIPES[kind].batch_size,
        callbacks=[lambda *_: ends.append(time.process_time())],
    )  # fmt: skip
    seconds = time.perf_counter() - began
    later = 1e3 * (ends[-1] - ends[0]) / (len(x) * max(len(ends) - 1, 1))
    outputs = trainer.predict(encode(kind, x_test))
    target = trainer.cost.target(outputs, y_test)
    right = float((trainer.cost.decode(outputs) == y_test).mean())
    return trainer, [right, float(((outputs - target) ** 2).mean() / target.var()), seconds, later]


def fields(net: tr.Network) -> np.ndarray:
    """Return what each hidden node of a layered network sees of an image, (n, 8, 8), S."""
    g = dict(zip(net.trainable, net.conductances.tolist(), strict=True))
    hidden = max(int(name.split("_")[2]) for name in g if name.startswith("rw1_")) + 1
    weights = np.array([[g[f"rw1_{i}_{j}"] for i in range(2 * PIXELS)] for j in range(hidden)])
    return (weights[:, :PIXELS] - weights[:, PIXELS:]).reshape(hidden, 8, 8)


def ask_ngspice(
    trainer: tr.Trainer, x: np.ndarray, y: np.ndarray
) -> tuple[int, float, float, float]:
    """Let ngspice solve the deck, as it is written, for some images.

    Returns how many validate, the largest difference of an output relative to the largest
    output, and the share of right answers by our voltages and by those of ngspice.
    """
    circuit = parse_netlist(format_netlist(trainer.net.circuit))
    theirs: list[list[float]] = []
    agreeing = 0
    for row in x:
        variant = circuit.with_values(dict(zip(INPUTS, row.tolist(), strict=True)))
        report = ngspice.compare(variant)
        agreeing += report.agrees
        reading = report.comparisons[0].reading
        theirs.append([float((reading.voltage(p) - reading.voltage(q))[0]) for p, q in OUTPUTS])
    ours = trainer.predict(x)
    apart = float(np.abs(np.array(theirs) - ours).max() / np.abs(ours).max())
    here, there = ((trainer.cost.decode(np.array(o)) == y).mean() for o in (ours, theirs))
    return agreeing, apart, float(here), float(there)


def build(trainer: tr.Trainer, part: str, x: np.ndarray, y: np.ndarray) -> tr.Trainer:
    """Return the trainer of the same network with a real part; print what becomes of it."""
    found = tr.transfer(trainer.net, part, x)
    real = tr.Trainer(found.net, trainer.rule, trainer.cost, trainer.optimizer)
    before, after = ((trainer.cost.decode(o) == y).mean() for o in (found.ideal, found.real))
    moved = np.abs(found.real - found.ideal).max() / np.abs(found.ideal).max()
    print(
        f"{part}: outputs move by up to {moved:.2g}, right {before:.1%} before, {after:.1%} after"
    )
    seconds = []
    for each in (trainer, real):
        few = x[:8], y[:8]
        tr.gradients(each.net, *few, each.rule, each.cost)  # compiled, or loaded
        began = time.thread_time()
        tr.gradients(each.net, *few, each.rule, each.cost)
        seconds.append(time.thread_time() - began)
    print(f"a step of 8 images: {1e3 * seconds[0]:.0f} ms ideal, {1e3 * seconds[1]:.0f} ms real, "
          f"{seconds[1] / seconds[0]:.1f} times (target 5)")  # fmt: skip
    return real


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=RECIPES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--lr", type=float, help="S, of the first layer if there are layers")
    parser.add_argument(
        "--decay", type=float, help="factor of the rate per epoch, for networks of layers"
    )
    parser.add_argument("--hidden", type=int, default=64, help="nodes of the hidden layer")
    parser.add_argument("--off", type=float, default=0.0, help="kendall: error of amplifiers")
    parser.add_argument(
        "--rule", choices=KENDALL_RULES, default="ep", help="kendall: how it learns"
    )
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--no-diodes", action="store_true", help="resistors alone")
    parser.add_argument("--curve", metavar="FILE", help="picture of the cost over the epochs")
    parser.add_argument("--picture", metavar="FILE", help="layered: what hidden nodes see")
    parser.add_argument("--ngspice", type=int, default=0, metavar="N", help="validate N images")
    parser.add_argument("--real", metavar="PART", help="what diodes become after training")
    options = parser.parse_args()
    if options.network != "kendall" and (options.off or options.rule != "ep"):
        parser.error("--off and --rule are for kendall's network")
    for name in ("epochs", "lr", "decay"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(RECIPES[options.network], name))
    found, histories = [], {}
    for seed in range(options.first, options.first + options.seeds):
        trainer, result = run(options.network, seed, options)
        found.append(result)
        histories[f"seed {seed}"] = trainer.history
        print(f"seed {seed}: " + LINE.format(*result), flush=True)
    print("median: " + LINE.format(*np.median(found, axis=0)))
    if options.curve:
        plotting.save(plotting.learning_curve(histories), options.curve)
    if options.picture:
        plotting.save(plotting.draw_fields(fields(trainer.net), columns=16), options.picture)
    _, _, x, y = data(seed)
    if options.real:
        images = encode(options.network, x[: options.ngspice or 100])
        trainer = build(trainer, options.real, images, y[: len(images)])
    if options.ngspice:
        images = encode(options.network, x[: options.ngspice])
        agreeing, apart, here, there = ask_ngspice(trainer, images, y[: len(images)])
        print(
            f"ngspice: {agreeing} of {len(images)} images validate, outputs at most {apart:.1e} "
            f"apart; right {here:.1%} here, {there:.1%} there"
        )


if __name__ == "__main__":
    main()
