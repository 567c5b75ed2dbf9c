"""Tests that need ngspice: in continuous integration they fail where it is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.results.rawfile import read_raw

#: without ngspice a developer's run skips; CI=true must not hide that nothing was compared
requires_ngspice = pytest.mark.skipif(
    shutil.which("ngspice") is None and os.environ.get("CI") != "true",
    reason="ngspice is not installed",
)


def as_written(decks: list[str], directory: Path, *options: str) -> list[dict[str, float] | None]:
    """Return the operating points that ngspice computes of decks, None where it refuses one.

    One process does them all; where a deck makes it give up, the next one goes on behind that.
    """
    for k, text in enumerate(decks):
        (directory / f"{k}.cir").write_text(text)
    start = 0
    while start < len(decks):
        commands = ["set filetype=ascii"]
        for k in range(start, len(decks)):
            commands += [f"echo begin {k}", f"source {k}.cir", "op", f"write {k}.raw"]
            commands += ["destroy all", "remcirc"]
        run = subprocess.run(
            ["ngspice", "-n", "-p", *options],
            input="\n".join([*commands, "quit 0", ""]),
            cwd=directory, capture_output=True, text=True, check=False,
            timeout=120 + 2 * len(decks),
        )  # fmt: skip
        start = max(map(int, re.findall(r"begin (\d+)", run.stdout)), default=start) + 1
    return [_operating_point(directory / f"{k}.raw") for k in range(len(decks))]


def assert_as_ngspice(circuits: list[rs.Circuit], directory: Path, small: float) -> None:
    """Solve circuits as ngspice does: to a millionth, or `small` of the largest voltage."""
    decks = [rs.format_netlist(circuit) for circuit in circuits]
    for circuit, theirs in zip(circuits, as_written(decks, directory), strict=True):
        ours = rs.solve(circuit)
        assert ours.certificate.ok, circuit.title
        assert theirs is not None, circuit.title
        volts = np.array([theirs[f"v({node})"] for node in circuit.nodes[1:]])
        np.testing.assert_allclose(
            ours.node_voltages[1:], volts, rtol=1e-6, atol=small * np.abs(volts).max(),
            err_msg=circuit.title,
        )  # fmt: skip


def _operating_point(file: Path) -> dict[str, float] | None:
    # what fails leaves a plot of constants
    if not file.exists() or b"Plotname: Operating Point" not in file.read_bytes():
        return None
    (plot,) = read_raw(file.read_bytes())
    return dict(zip(plot.names, plot.values[0].tolist(), strict=True))
