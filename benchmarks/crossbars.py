"""Crossbars with wires beside badcrossbar, if it is installed: seconds, and how far apart.

`crossbar_currents` is ours; `solve` has all voltages and currents, certified.  Seconds are medians
of some rounds, in which all take turns.  Then training steps through exact wires: centered
equilibrium propagation and Adam, the columns read as voltages at loads of 1 ohm, or as currents
of ammeters.

Targets: 64 vectors in no longer than badcrossbar takes, as near to it as 1e-9; at most 40 ms a
sample and step at 128 x 128 and batch 16.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import resnet_sim as rs
from resnet_sim import training as tr


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the time of a call, and what it returned."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def compare(rows: int, columns: int, count: int, rounds: int) -> tuple[float, ...]:
    """Return seconds of `crossbar_currents`, `solve` and badcrossbar, and how far they are apart.

    Of badcrossbar NaN, unless it is installed.
    """
    other = None
    if find_spec("badcrossbar"):
        other = import_module("badcrossbar")
        logging.disable(logging.INFO)
    rng = np.random.default_rng(0)
    ohms = rng.uniform(1e3, 1e5, (rows, columns))
    circuit = rs.generators.crossbar(
        1.0 / ohms, volts=np.zeros(rows), row_wire=1.0, column_wire=2.0
    )
    v = rng.uniform(0, 1, (count, rows))
    inputs = dict(zip(circuit.voltage_sources.names[:rows], v.T, strict=True))
    taken: list[tuple[float, ...]] = []
    apart = np.nan
    for _ in range(rounds + 1):  # the first pays for imports
        one, currents = seconds(lambda: rs.crossbar_currents(v, ohms, 1.0, 2.0))
        whole, _ = seconds(lambda: rs.solve(circuit, inputs=inputs))
        theirs = np.nan
        if other is not None:
            theirs, found = seconds(
                lambda: other.compute(v.T, ohms, r_i_word_line=1.0, r_i_bit_line=2.0)
            )
            apart = np.abs(found.currents.output - currents).max() / np.abs(currents).max()
        taken.append((one, whole, theirs))
    return (*np.median(taken[1:], axis=0).tolist(), float(apart))


def training(rows: int, columns: int, batch: int, rounds: int, load: float) -> float:
    """Return the seconds of a sample and step through wires; the first step is not counted."""
    rng = np.random.default_rng(1)
    circuit = rs.generators.crossbar(
        1.0 / rng.uniform(1e3, 1e5, (rows, columns)), volts=np.zeros(rows), row_wire=1.0,
        column_wire=2.0, load=load,
    )  # fmt: skip
    names = circuit.voltage_sources.names[:rows]
    outputs = [f"col{j}" if load else f"i(vs{j})" for j in range(columns)]
    net = tr.Network(circuit, names, outputs, "rw*")
    x, y = rng.uniform(0, 1, (batch, rows)), rng.uniform(0, 0.01, (batch, columns))
    trainer = tr.Trainer(net, tr.EquilibriumPropagation(), optimizer=tr.Adam(1e-6))
    taken = [seconds(lambda: trainer.fit(x, y, 1, batch_size=batch))[0] for _ in range(rounds + 1)]
    return float(np.median(taken[1:])) / batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--columns", type=int, default=128)
    parser.add_argument("--vectors", type=int, nargs="*", default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--training", type=int, default=16, help="batch of a step; 0: none")
    options = parser.parse_args()
    print(
        f"{'vectors':>7} {'ours, s':>9} {'solve, s':>9} {'badcrossbar, s':>15} {'ratio':>6} "
        f"{'difference':>10}"
    )
    for count in options.vectors:
        one, whole, theirs, apart = compare(options.rows, options.columns, count, options.rounds)
        if np.isnan(theirs):
            print(f"{count:7} {one:9.4f} {whole:9.4f} {'not installed':>15}")
        else:
            print(f"{count:7} {one:9.4f} {whole:9.4f} {theirs:15.4f} {one / theirs:6.2f} "
                  f"{apart:10.1e}")  # fmt: skip
    print("targets of ratio and difference: 1.00 at 64 vectors, 1.0e-09")
    if options.training:
        size = options.rows, options.columns
        for load, read in ((1.0, "loads"), (0.0, "ammeters")):
            taken = 1e3 * training(*size, options.training, options.rounds, load)
            print(
                f"training, batch {options.training}, {read}: {taken:.1f} ms a sample and step (40)"
            )


if __name__ == "__main__":
    main()
