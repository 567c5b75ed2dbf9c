"""Results have the same bits whatever the process has imported or solved before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bit_cases import CASES

import resnet_sim

SETTINGS = ("numba", "third", "thread", "process")
ROOTS = Path(resnet_sim.__file__).parents[1], Path(__file__).parents[1] / "makers"


def digests(setting, *cases):
    """Return what a new process prints of each case, by case."""
    paths = os.pathsep.join(map(str, ROOTS))
    done = subprocess.run(
        [sys.executable, "-m", "bit_cases", setting, *cases],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    printed = [line.split("\t") for line in done.stdout.splitlines()]
    return {case: digest for digest, case in printed}


@pytest.fixture(scope="module")
def fresh():
    """Each case alone in a process of its own."""
    return digests("plain", *CASES)


@pytest.mark.parametrize("setting", SETTINGS)
def test_results_have_the_bits_of_a_fresh_process(setting, fresh):
    assert digests(setting, *CASES) == fresh
