"""Kernels that are not in numba's cache are interpreted until compiling them would have paid."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
from resnet_sim.compiled import policy
from resnet_sim.compiled.kernels import kernel

@kernel
def double(a):
    a *= 2.0

@kernel
def halve(a):
    a /= 2.0

def runs(one, *sizes):
    return ["compiled" if one.at(size) is one.compiled else "interpreted" for size in sizes]

assert "numba" not in sys.modules
import numba
with policy.using(price=1000, interpreted=5000, handful=10):
    print(*runs(double, 600, 300, 600, 50, 5), *runs(halve, 600, 6000, 600))
double.at(1e9)(np.ones(3))
"""


@pytest.mark.slow
def test_what_is_in_the_cache_is_run_and_what_is_not_when_it_pays(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    i, c = "interpreted", "compiled"
    for expected in ([i, i, c, c, i, i, c, c], [c, c, c, c, i, i, c, c]):
        out = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
        assert out.stdout.split() == expected
    path.write_text(PROGRAM.replace("a *= 2.0", "a *= 3.0"))  # the cache is no longer of use
    out = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    assert out.stdout.split()[:2] == [i, i]
