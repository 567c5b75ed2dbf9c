"""Code in numba's cache is used only as long as all is as it was that it is made of."""

import subprocess
import sys

import pytest

CALLER = """
from resnet_sim.compiled.kernels import compiled
from .callee import FACTOR, add

@compiled
def both(x):
    return FACTOR * add(x)

print(both(1.0), sum(both.stats.cache_hits.values()))
"""
CALLEE = """
from resnet_sim.compiled.kernels import subroutine
from . import deep

FACTOR = {factor}

@subroutine
def add(x):
    return x + deep.more(x)
"""
DEEP = """
from resnet_sim.compiled.kernels import subroutine

@subroutine
def more(x):
    return {more} * x
"""


def run(directory, **numbers):
    package = directory / "made"
    package.mkdir(exist_ok=True)
    for name, text in {"__init__": "", "caller": CALLER, "callee": CALLEE, "deep": DEEP}.items():
        written = text.format(**numbers) if "{" in text else text
        path = package / f"{name}.py"
        if not path.exists() or path.read_text() != written:
            path.write_text(written)
    code = f"import sys; sys.path.insert(0, {str(directory)!r}); import made.caller"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    value, hits = out.stdout.split()
    return float(value), hits == "1"


@pytest.mark.slow
def test_what_is_called_from_other_files_may_change(tmp_path):
    assert run(tmp_path, factor=2.0, more=3.0) == (8.0, False)
    assert run(tmp_path, factor=2.0, more=3.0) == (8.0, True)
    assert run(tmp_path, factor=2.0, more=5.0)[0] == 12.0  # two files away
    assert run(tmp_path, factor=4.0, more=5.0)[0] == 24.0  # a constant
