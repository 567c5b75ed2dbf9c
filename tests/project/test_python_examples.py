"""The programs of examples/python run, and print what they should."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))


@pytest.fixture
def printed(capsys):
    """Return what runs a program as its own ``__main__``, and gives the lines it prints."""

    def run(name: str) -> list[str]:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run


def numbers(line: str) -> list[float]:
    """Return the decimal numbers in a line."""
    return [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", line)]


def test_the_readme_has_a_line_for_every_program_and_each_is_tested():
    readme = (EXAMPLES / "README.md").read_text()
    listed = re.findall(r"^- \[(\w+\.py)\]\(\1\): ", readme, flags=re.MULTILINE)
    assert sorted(listed) == [path.name for path in PROGRAMS]
    asked = set(re.findall(r'printed\("(\w+\.py)"\)', Path(__file__).read_text()))
    assert asked == set(listed)


def test_solve(printed):
    clamped, low, refused = printed("solve.py")
    # 2 V at the clamp leave 3 V over 1 kohm, and 2 kohm take 1 mA of that
    assert numbers(clamped)[1:] == [2.0, 2e-3]
    assert numbers(low) == [1.5, 1.0, 0.0]
    assert "d1 shorts v1" in refused


def test_sweep(printed):
    swept, mean, spread = printed("sweep.py")
    # a half of the rectified voltage
    assert numbers(swept) == [-2.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0, 0.5, 2.0, 1.0]
    assert numbers(mean)[0] == pytest.approx(1 / np.pi, abs=1e-3)
    _, low, high = numbers(spread)
    assert 0.95 <= low < 1.0 < high <= 1.05


def test_train_any_topology(printed):
    errors, outputs = printed("train_any_topology.py")
    with_diodes, without = numbers(errors)
    # an even function is no linear one: what is left without diodes is its deviation
    assert with_diodes < 0.15
    assert without == pytest.approx(1.0, abs=0.01)
    left, middle, right = numbers(outputs.partition(":")[2])
    assert min(left, right) > middle + 0.3


def test_equilibrium_propagation(printed):
    *compared, last = printed("equilibrium_propagation.py")
    assert len(compared) == 3
    costs = []
    for line in compared:
        cost, package, derivative = numbers(line)
        assert package < 1e-9
        # nudges of a hundredth of the conductances: an error that falls as their square
        assert package < derivative < 1e-4
        costs.append(cost)
    assert costs == sorted(costs, reverse=True)
    # exclusive or of -1 and 1, in tenths of a volt
    assert numbers(last.partition("outputs")[2]) == pytest.approx([-0.1, 0.1, 0.1, -0.1], abs=1e-3)
