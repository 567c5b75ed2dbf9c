"""Functions called by address, and tuples of arrays passed by address."""

import subprocess
import sys

import numpy as np
import pytest

from resnet_sim.compiled.entries import NOWHERE, call, entry
from resnet_sim.compiled.kernels import loops, subloops
from resnet_sim.compiled.packs import Pack, part

NUMBERS, MARKS = 0, 1


@subloops
def raised(a, by, wanted):
    a[0] += by
    return wanted and a[0] > 2.0


@subloops
def cleared(both):
    both[1][:] = 0.0


@loops
def driven(at, a, by, other, b):
    found = call(at, True, a, by, by > 0.0)
    if len(b) > 0:
        call(other, None, (a, b))
    return found


@loops
def picked(pack, k):
    x, (y, z) = part(pack, NUMBERS)
    part(pack, MARKS)[0][k] = True
    return x[k] + y[k, 1] * z[0]


def test_what_is_called_by_address_does_what_it_does():
    a, b = np.ones(2), np.ones(3)
    at, other = entry(raised, a, 1.0, True), entry(cleared, (a, b))
    assert driven(at, a, 0.5, other, b) is False
    assert (a.tolist(), b.tolist()) == ([1.5, 1.0], [0.0, 0.0, 0.0])
    assert driven(at, a, 2.0, NOWHERE, b[:0]) is True
    assert a[0] == 3.5


def test_it_is_called_only_with_what_it_was_compiled_for():
    a, whole = np.ones(2), np.ones(2, dtype=np.int64)
    for wrong in (entry(raised, whole, 1.0, True), entry(raised, a, 1, True), NOWHERE):
        with pytest.raises(TypeError, match="other types"):
            driven(wrong, a, 1.0, NOWHERE, a[:0])
    assert a[0] == 1.0


def test_packs_are_taken_apart():
    x, y, z = np.arange(3.0), np.arange(6).reshape(3, 2), np.array([7], np.int32)
    marks = np.zeros(3, bool)
    pack = Pack((x, (y, z)), (marks,))
    assert picked(pack, 1) == x[1] + y[1, 1] * 7
    assert marks.tolist() == [False, True, False]
    x[1] = 100.0
    assert picked(pack, 1) == 100.0 + 3 * 7
    assert Pack((x, (y, z)), (marks,)).kind is pack.kind
    # strides count
    assert picked(Pack((x, (np.asfortranarray(y), z)), (marks,)), 2) == 2.0 + 5 * 7
    assert picked(Pack((x[::2], (y[::2], z)), (marks,)), 1) == 2.0 + 5 * 7


PROGRAM = """
import numpy as np
from resnet_sim.compiled.entries import call, entry
from resnet_sim.compiled.kernels import loops, subloops
from resnet_sim.compiled.packs import Pack, part

@subloops
def inner(pack, by):
    part(pack, 0)[0][:] = by

@loops
def outer(at, pack):
    call(at, None, pack, 2.0)

x = np.zeros(2)
pack = Pack((x,))
outer(entry(inner, pack, 1.0), pack)
print(x.tolist(), sum(inner.stats.cache_hits.values()), sum(outer.stats.cache_hits.values()))
"""


def test_both_are_taken_from_the_cache(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    for hits in (0, 1):
        out = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
        assert out.stdout == f"[2.0, 2.0] {hits} {hits}\n"
