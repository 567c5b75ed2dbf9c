"""Crossbars with wires beside badcrossbar, if it is installed: seconds, and how far apart.

`crossbar_currents` is ours; `solve` has all voltages and currents, certified.
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


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the time of a call, and what it returned."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--columns", type=int, default=128)
    parser.add_argument("--vectors", type=int, nargs="*", default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    other = None
    if find_spec("badcrossbar"):
        other = import_module("badcrossbar")
        logging.disable(logging.INFO)
    rng = np.random.default_rng(0)
    ohms = rng.uniform(1e3, 1e5, (options.rows, options.columns))
    circuit = rs.generators.crossbar(
        1.0 / ohms, volts=np.zeros(options.rows), row_wire=1.0, column_wire=2.0
    )
    names = circuit.voltage_sources.names[: options.rows]
    print(
        f"{'vectors':>7} {'ours, s':>9} {'solve, s':>9} {'badcrossbar, s':>15} {'ratio':>6} "
        f"{'difference':>10}"
    )
    for count in options.vectors:
        v = rng.uniform(0, 1, (count, options.rows))
        ours, whole, theirs, apart = [], [], [], 0.0
        for _ in range(options.rounds + 1):  # the first pays for imports
            taken, currents = seconds(lambda v=v: rs.crossbar_currents(v, ohms, 1.0, 2.0))
            ours.append(taken)
            inputs = dict(zip(names, v.T, strict=True))
            whole.append(seconds(lambda inputs=inputs: rs.solve(circuit, inputs=inputs))[0])
            if other is not None:
                taken, found = seconds(
                    lambda v=v: other.compute(v.T, ohms, r_i_word_line=1.0, r_i_bit_line=2.0)
                )
                theirs.append(taken)
                apart = np.abs(found.currents.output - currents).max() / np.abs(currents).max()
        one, all_ = float(np.median(ours[1:])), float(np.median(whole[1:]))
        if other is None:
            print(f"{count:7} {one:9.4f} {all_:9.4f} {'not installed':>15}")
        else:
            two = float(np.median(theirs[1:]))
            print(f"{count:7} {one:9.4f} {all_:9.4f} {two:15.4f} {one / two:6.2f} {apart:10.1e}")


if __name__ == "__main__":
    main()
