"""Vectors for compiled loops do what numpy does, in the process that compiles and in the next."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from resnet_sim.compiled import vectors
from resnet_sim.compiled.registers import aligned

BANK = 5


@numba.njit
def elementwise(a, b, c, found):
    u, v, w = vectors.load(a, 0), vectors.load(b, 16), vectors.load(c, 0)
    vectors.store(found, 0, vectors.add(u, v))
    vectors.store(found, 16, vectors.sub(u, v))
    vectors.store(found, 32, vectors.mul(u, v))
    vectors.store(found, 48, vectors.fma(u, v, w))
    vectors.store(found, 64, vectors.minimum(u, v))
    vectors.store(found, 80, vectors.maximum(u, v))
    vectors.store(found, 96, vectors.splat(2.5))
    vectors.store(found, 112, vectors.div(u, v))
    vectors.store(found, 128, vectors.magnitude(u))
    return vectors.total(u)


@numba.njit
def products(x, h, found):
    accumulated = vectors.bank(BANK)
    for b in range(len(h)):
        accumulated = vectors.outer(accumulated, x, BANK * b, 1, vectors.load(h, 16 * b))
    one = vectors.add(vectors.bank(1), vectors.splat(1))
    vectors.store_bank(found, 0, 16, vectors.products(one, x, 0, BANK, accumulated, 1))
    vectors.store_bank(found, 16, 16, accumulated)
    vectors.store(found, 16 * (1 + BANK), vectors.together(accumulated))
    others = vectors.load_bank(h, 0, 32, (1, 2, 3))
    others = vectors.fma(others, vectors.splat(2), others)
    vectors.store_bank(found, 16 * (2 + BANK), 16, others)
    strided = vectors.outer(vectors.bank(1), x, 2, BANK, vectors.load(h, 0))
    strided = vectors.outer(vectors.bank(2), x, 2, BANK, vectors.together(strided))
    vectors.store_bank(found, 16 * (5 + BANK), 16, strided)
    vectors.store_totals(found, 16 * (7 + BANK) + 3, others)


@numba.njit
def moves(a, pixels, found):
    vectors.store(found, 0, vectors.load_any(a, 3))
    vectors.store(found, 16, vectors.load_any(pixels, 5))
    vectors.store_halves(found, 40, 56, vectors.load(a, 0))
    vectors.store(found, 64, vectors.totals(vectors.load_bank(a, 0, 16, BANK)))
    return vectors.largest(vectors.load(a, 16))


@numba.njit
def matrices(x, h, found):
    several = vectors.load_bank(h, 0, 16, 6)
    sums = vectors.products(vectors.load_bank(found, 0, 16, 4), x, 1, BANK, several, 2)
    vectors.store_bank(found, 0, 16, sums)


@numba.njit
def quarters(a, found):
    vectors.add_quarters(found, 4, 16, vectors.load(a, 16))


@numba.njit
def of_doubles(a, found, narrow):
    several = vectors.load_bank(a, 0, 8, 2)
    vectors.store(found, 0, vectors.together(several))
    vectors.store_narrow(narrow, 8, several)
    return vectors.total(vectors.load(a, 8))


def random(*shape):
    array = aligned(shape)
    array[...] = np.random.default_rng(sum(shape)).normal(size=shape)
    return array


@pytest.mark.parametrize("shape", [7, (3, 5), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_aligned_arrays(shape, dtype):
    array = aligned(shape, dtype)
    assert array.shape == np.empty(shape).shape and array.dtype == dtype
    assert array.ctypes.data % 64 == 0 and not array.any() and array.flags.c_contiguous
    assert aligned(8, alignment=4096).ctypes.data % 4096 == 0


def test_elementwise():
    a, b, c, found = random(16), random(2, 16), random(17), aligned((9, 16))
    total = elementwise(a, b, c, found)
    u, v, w = a, b[1], c[:16]
    exact = u.astype(float) * v + w
    np.testing.assert_array_equal(found[:3], [u + v, u - v, u * v])
    np.testing.assert_allclose(found[3], exact, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found[4:6], [np.minimum(u, v), np.maximum(u, v)])
    np.testing.assert_array_equal(found[6:8], [np.full(16, 2.5, np.float32), u / v])
    np.testing.assert_array_equal(found[8], np.abs(u))
    assert (u < 0).any()
    assert total == pytest.approx(u.astype(float).sum(), abs=1e-6)


def test_a_nan_in_the_first_operand_stays():
    a, b, found = aligned(16), aligned(32), aligned((9, 16))
    b[16:] = 1
    a[3], b[16 + 5] = np.nan, np.nan
    elementwise(a, b, b, found)
    assert np.flatnonzero(np.isnan(found[4])).tolist() == [3]
    assert np.flatnonzero(np.isnan(found[5])).tolist() == [3]


def test_banks():
    x, h, found = random(9, BANK), random(9, 16), aligned((8 + BANK, 16))
    products(x, h, found)
    rows = x.T.astype(float) @ h
    np.testing.assert_allclose(found[1 : 1 + BANK], rows, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found[0], 1 + x[0] @ rows, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found[1 + BANK], rows.sum(axis=0), rtol=0, atol=1e-5)
    np.testing.assert_allclose(found[2 + BANK : 5 + BANK], 3 * h[:5:2], rtol=1e-6)
    strided = x[0, 2] * x[:2, 2, None] * h[0]
    np.testing.assert_allclose(found[5 + BANK : 7 + BANK], strided, rtol=1e-6)
    np.testing.assert_allclose(found[7 + BANK, 3:6], 3 * h[:5:2].sum(axis=1), atol=1e-5)


def test_moves():
    a, found = random(6, 16), aligned((5, 16))
    pixels = np.arange(100, 150, dtype=np.uint8)
    pixels[7] = 255
    assert moves(a, pixels, found) == np.abs(a[1]).max()
    np.testing.assert_array_equal(found[0], a.ravel()[3:19])
    np.testing.assert_array_equal(found[1], pixels[5:21])
    np.testing.assert_array_equal(found[2:4, :8], np.zeros((2, 8)))
    np.testing.assert_array_equal(found[2:4, 8:], a[0].reshape(2, 8))
    np.testing.assert_allclose(found[4, :BANK], a[:BANK].sum(axis=1), atol=1e-5)
    assert not found[4, BANK:].any()


def test_doubles_are_added_and_narrowed():
    a, found, narrow = aligned((2, 8), np.float64), aligned(8, np.float64), aligned(32)
    a[...] = np.random.default_rng(0).normal(size=(2, 8))
    assert of_doubles(a, found, narrow) == pytest.approx(a[1].sum(), abs=1e-15)
    np.testing.assert_array_equal(found, a[0] + a[1])
    np.testing.assert_array_equal(narrow[8:24], a.ravel().astype(np.float32))
    assert not narrow[:8].any() and not narrow[24:].any()
    assert aligned((3, 8), np.float64, zero=False).ctypes.data % 64 == 0


def test_quarters_are_added():
    a, found = random(2, 16), random(4, 16)
    expected = found.copy()
    expected[:, 4:8] += a[1].reshape(4, 4)
    quarters(a, found)
    np.testing.assert_array_equal(found, expected)


def test_products_of_rows_and_banks():
    x, h, found = random(3, BANK), random(6, 16), random(4, 16)
    before = found.reshape(2, 2, 16).copy()
    matrices(x, h, found)
    # two rows of three numbers each, two columns of three vectors each
    exact = before + np.einsum("rj,cjl->rcl", x[:2, 1:4], h.reshape(2, 3, 16))
    np.testing.assert_allclose(found.reshape(2, 2, 16), exact, rtol=0, atol=1e-5)


SCRIPT = """
import numba
import numpy as np
from resnet_sim.compiled import vectors
from resnet_sim.compiled.registers import aligned

@numba.njit(nogil=True, cache=True)
def double(a):
    for i in range(0, a.size, 16):
        twice = vectors.add(vectors.load_bank(a, i, 0, 2), vectors.bank(2))
        vectors.store(a, i, vectors.together(twice))

a = aligned(48)
a[:] = np.arange(48)
double(a)
assert (a == 2 * np.arange(48)).all()
print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))
"""


@pytest.mark.slow
def test_compiled_code_is_cached(tmp_path):
    script = tmp_path / "double.py"
    script.write_text(SCRIPT)
    root = str(Path(vectors.__file__).parents[2])
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": root}
    found = [
        subprocess.run(
            [sys.executable, script], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert found == [["0", "1"], ["1", "0"]]
