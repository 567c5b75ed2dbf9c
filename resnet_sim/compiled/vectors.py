"""Vectors of sixteen float32 or eight float64, for loops that LLVM doesn't vectorise well.

They can only be called from functions compiled by numba.  A vector is one register of
AVX-512; on other machines LLVM splits it.  A *bank* is a tuple of vectors, say accumulators
that stay in registers.  Indices count numbers from the start of a C-contiguous array, whatever
its shape, and are not checked; where vectors are loaded and stored they must be multiples of a
vector's length, in an array made by `registers.aligned`.

>>> import numba                                    # doctest: +SKIP
>>> @numba.njit(nogil=True, cache=True)
... def scale(a, factor):
...     for i in range(0, a.size, 16):
...         store(a, i, mul(load(a, i), splat(factor)))

Importing this module imports numba.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from .intrinsics import (
    INDEX,
    VECTOR,
    Emitter,
    Operand,
    doubles,
    elementwise,
    length,
    operation,
    vector,
    vector_of,
)
from .registers import ALIGNMENT, DOUBLES, LANES

# ---- vectors ----


@operation(lambda array, *_: vector_of(array))
def load(emit: Emitter, array: Operand, index: Operand) -> Any:
    """Return ``array[index : index + 16]``, of float64 ``array[index : index + 8]``."""
    return emit.load(emit.address(array, index))


@operation(lambda *_: types.none)
def store(emit: Emitter, array: Operand, index: Operand, a: Operand) -> Any:
    """``array[index : index + 16] = a``."""
    emit.store(a.value, emit.address(array, index))


@operation(lambda *_: vector)
def splat(emit: Emitter, scalar: Operand) -> Any:
    """Return a vector of sixteen times `scalar`."""
    return emit.splat(emit.cast(scalar, types.float32))


@operation(lambda array, *_: vector_of(array))
def broadcast(emit: Emitter, array: Operand, index: Operand) -> Any:
    """Return a vector that is ``array[index]`` in all lanes."""
    return emit.splat(emit.builder.load(emit.address(array, index)))


@operation(lambda a: types.float64 if a == doubles else types.float32)
def total(emit: Emitter, a: Operand) -> Any:
    """Return the sum of the lanes: of halves, quarters and so on."""
    return emit.total(a.value)


@operation(lambda *_: types.float32)
def largest(emit: Emitter, a: Operand) -> Any:
    """Return the largest absolute value of the lanes."""
    value = emit.choose(">", a.value, emit.builder.fneg(a.value))
    for shift in (8, 4, 2, 1):
        other = emit.permute(value, [(k + shift) % LANES for k in range(LANES)])
        value = emit.choose(">", value, other)
    return emit.builder.extract_element(value, ir.IntType(32)(0))


@operation(lambda *_: vector)
def load_any(emit: Emitter, array: Operand, index: Operand) -> Any:
    """Return ``array[index : index + 16]`` of bytes or float32, wherever that begins."""
    number = emit.context.get_value_type(array.kind.dtype)
    kind = ir.VectorType(number, LANES)
    place = emit.builder.bitcast(emit.address(array, index), kind.as_pointer())
    # their own alignment only: rows of data begin anywhere
    value = emit.builder.load(place, align=emit.context.get_abi_sizeof(number))
    return value if kind == VECTOR else emit.builder.uitofp(value, VECTOR)


@operation(lambda *_: types.none)
def store_halves(emit: Emitter, array: Operand, first: Operand, second: Operand, a: Operand) -> Any:
    """``array[first : first + 8], array[second : second + 8] = a[:8], a[8:]``.

    Places must be multiples of eight.
    """
    for index, lane in ((first, 0), (second, LANES // 2)):
        half = emit.shuffle(a.value, a.value, list(range(lane, lane + LANES // 2)))
        place = emit.builder.bitcast(emit.address(array, index), half.type.as_pointer())
        emit.builder.store(half, place, align=ALIGNMENT // 2)


@operation(lambda *_: types.none)
def prefetch(emit: Emitter, array: Operand, index: Operand, count: Operand) -> Any:
    """Ask for `count` vectors (a constant) from `index` before they are needed.

    They may be beyond the end of the array.
    """
    pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer] + 3 * [number])
    function = cgutils.get_or_insert_function(emit.builder.module, kind, "llvm.prefetch.p0i8")
    # to read; into the second-level cache; data
    how = [number(0), number(2), number(1)]
    for k in range(length(count.kind)):
        address = emit.builder.bitcast(emit.address(array, index, k * LANES), pointer)
        emit.builder.call(function, [address, *how])


# ---- vectors and banks ----


@elementwise
def add(emit: Emitter, a: Any, b: Any) -> Any:
    """Return ``a + b``."""
    return emit.builder.fadd(a, b)


@elementwise
def sub(emit: Emitter, a: Any, b: Any) -> Any:
    """Return ``a - b``."""
    return emit.builder.fsub(a, b)


@elementwise
def mul(emit: Emitter, a: Any, b: Any) -> Any:
    """Return ``a * b``."""
    return emit.builder.fmul(a, b)


@elementwise
def div(emit: Emitter, a: Any, b: Any) -> Any:
    """Return ``a / b``."""
    return emit.builder.fdiv(a, b)


@elementwise
def fma(emit: Emitter, a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c``."""
    return emit.fma(a, b, c)


@elementwise
def inverse(emit: Emitter, a: Any) -> Any:
    """Return ``1 / a``, and 0 where `a` is not positive."""
    one, none = (ir.Constant(a.type, [number] * a.type.count) for number in (1.0, 0.0))
    positive = emit.builder.fcmp_ordered(">", a, none)
    return emit.builder.select(positive, emit.builder.fdiv(one, a), none)


@elementwise
def magnitude(emit: Emitter, a: Any) -> Any:
    """Return ``|a|``."""
    return emit.call("fabs", a)


@elementwise
def minimum(emit: Emitter, a: Any, b: Any) -> Any:
    """Return the lesser of `a` and `b`; `a` where that is NaN."""
    return emit.choose("<", a, b)


@elementwise
def maximum(emit: Emitter, a: Any, b: Any) -> Any:
    """Return the greater of `a` and `b`; `a` where that is NaN."""
    return emit.choose(">", a, b)


@elementwise
def reaching(emit: Emitter, a: Any, b: Any, one: Any, other: Any) -> Any:
    """Return `one` where `a` is at least `b`, else `other`."""
    return emit.builder.select(emit.builder.fcmp_ordered(">=", a, b), one, other)


# ---- banks ----


def _bank(*kinds: Any) -> Any:
    return types.UniTuple(vector, length(kinds[-1]))


def _bank_of(array: Any, *kinds: Any) -> Any:
    return types.UniTuple(vector_of(array), length(kinds[-1]))


@operation(_bank)
def bank(emit: Emitter, like: Operand) -> Any:
    """Return a bank of zeros, as many vectors as the constant or the tuple `like` says."""
    return emit.pack([ir.Constant(VECTOR, [0.0] * LANES)] * length(like.kind))


@operation(_bank_of)
def bank_of(emit: Emitter, array: Operand, like: Operand) -> Any:
    """Return a bank of zeros like `like`, of the vectors that an array has."""
    kind = vector_of(array.kind).code
    return emit.pack([ir.Constant(kind, [0.0] * kind.count)] * length(like.kind))


@operation(_bank_of)
def load_bank(emit: Emitter, array: Operand, index: Operand, step: Operand, like: Operand) -> Any:
    """Return the vectors at `index`, ``index + step``, ... as a bank like `like`."""
    places = emit.addresses(array, index, step, length(like.kind))
    return emit.pack([emit.load(place) for place in places])


@operation(_bank_of)
def broadcast_bank(
    emit: Emitter, array: Operand, index: Operand, step: Operand, like: Operand
) -> Any:
    """Return a bank like `like` of vectors that are `broadcast` from every `step`-th number."""
    places = emit.addresses(array, index, step, length(like.kind))
    return emit.pack([emit.splat(emit.builder.load(place)) for place in places])


@operation(lambda *_: types.none)
def store_bank(emit: Emitter, array: Operand, index: Operand, step: Operand, a: Operand) -> Any:
    """Store the vectors of the bank `a` at `index`, ``index + step``, ..."""
    vectors = emit.unpack(a)
    places = emit.addresses(array, index, step, len(vectors))
    for value, place in zip(vectors, places, strict=True):
        emit.store(value, place)


@operation(lambda *kinds: types.UniTuple(doubles, length(kinds[-1])))
def load_wide(emit: Emitter, array: Operand, index: Operand, like: Operand) -> Any:
    """Return float32 from `index` as a bank of float64, one vector after the other."""
    narrow, wide = (ir.VectorType(kind(), DOUBLES) for kind in (ir.FloatType, ir.DoubleType))
    found = []
    for k in range(length(like.kind)):
        place = emit.builder.bitcast(emit.address(array, index, k * DOUBLES), narrow.as_pointer())
        found.append(emit.builder.fpext(emit.builder.load(place, align=ALIGNMENT // 2), wide))
    return emit.pack(found)


@operation(lambda *_: types.none)
def store_narrow(emit: Emitter, array: Operand, index: Operand, a: Operand) -> Any:
    """Store a bank of float64 as float32, one vector after the other."""
    kind = ir.VectorType(ir.FloatType(), DOUBLES)
    for k, value in enumerate(emit.unpack(a)):
        place = emit.builder.bitcast(emit.address(array, index, k * DOUBLES), kind.as_pointer())
        emit.builder.store(emit.builder.fptrunc(value, kind), place, align=ALIGNMENT // 2)


@operation(lambda *_: types.none)
def store_totals(emit: Emitter, array: Operand, index: Operand, a: Operand) -> Any:
    """``array[index + k]`` = the `total` of vector k of the bank `a`."""
    for k, value in enumerate(emit.unpack(a)):
        emit.builder.store(emit.total(value), emit.address(array, index, k))


@operation(lambda *_: vector)
def totals(emit: Emitter, a: Operand) -> Any:
    """Return a vector: lane k is the sum of the lanes of vector k of `a`, 0 where there is none."""
    vectors = emit.unpack(a)
    vectors += [ir.Constant(VECTOR, [0.0] * LANES)] * (LANES - len(vectors))
    # halves of all vectors are added in pairs, then quarters: 15 additions for up to 16 sums,
    # where each by itself takes four
    for shift in (8, 4, 2, 1):
        # lanes with this bit clear go on with the first of a pair, the others with the second
        kept = [lane + LANES * (lane & shift > 0) for lane in range(LANES)]
        added = [lane ^ shift for lane in kept]
        pairs = zip(vectors[:shift], vectors[shift:], strict=True)
        vectors = [
            emit.builder.fadd(emit.shuffle(one, other, kept), emit.shuffle(one, other, added))
            for one, other in pairs
        ]
    return vectors[0]


@operation(lambda *_: types.none)
def add_quarters(emit: Emitter, array: Operand, index: Operand, step: Operand, a: Operand) -> Any:
    """Add lanes 4k to 4k + 3 to ``array[index + k * step : ...]``, for k from 0 to 3.

    Places must be multiples of four.
    """
    quarter = ir.VectorType(ir.FloatType(), 4)
    for k, address in enumerate(emit.addresses(array, index, step, 4)):
        place = emit.builder.bitcast(address, quarter.as_pointer())
        own = emit.shuffle(a.value, a.value, list(range(4 * k, 4 * k + 4)))
        old = emit.builder.load(place, align=ALIGNMENT // 4)
        emit.builder.store(emit.builder.fadd(old, own), place, align=ALIGNMENT // 4)


@operation(lambda a: a.dtype)
def together(emit: Emitter, a: Operand) -> Any:
    """Return the sum of the vectors of a bank."""
    # one after the other, so that the sum has the same bits on every machine
    first, *others = emit.unpack(a)
    return reduce(emit.builder.fadd, others, first)


@operation(lambda v, *_: v)
def dot(emit: Emitter, v: Operand, a: Operand, b: Operand) -> Any:
    """Return `v` plus the sum of the products of the vectors of two banks."""
    value = v.value
    for one, other in zip(emit.unpack(a), emit.unpack(b), strict=True):
        value = emit.fma(one, other, value)
    return value


@operation(lambda a, *_: a)
def outer(
    emit: Emitter, a: Operand, array: Operand, index: Operand, step: Operand, v: Operand
) -> Any:
    """Return a bank: vector k of the bank `a`, plus ``array[index + k * step] * v``."""
    vectors = emit.unpack(a)
    for k, place in enumerate(emit.addresses(array, index, step, len(vectors))):
        scalar = emit.builder.load(place)
        # AVX-512 can multiply by a number in memory: the broadcast takes no register
        vectors[k] = emit.fma(emit.splat(scalar), v.value, vectors[k])
    return emit.pack(vectors)


@operation(lambda v, *_: v)
def products(
    emit: Emitter, v: Operand, array: Operand, index: Operand, step: Operand, a: Operand,
    columns: Operand,
) -> Any:  # fmt: skip
    """Return a bank: sums of products of several rows of an array and several banks at once.

    With n `columns` (a constant), of which each has k vectors in the bank `a`, vector
    ``r * n + c`` of `v` is increased by the sum over j of ``array[index + r * step + j]``
    times vector ``c * k + j`` of `a`.
    """
    vectors, terms, n = emit.unpack(v), emit.unpack(a), length(columns.kind)
    k, stride = len(terms) // n, emit.cast(step, types.intp)
    starts = [emit.builder.mul(stride, INDEX(row)) for row in range(len(vectors) // n)]
    # sums side by side, so that none waits for itself
    for j in range(k):
        for row, start in enumerate(starts):
            place = emit.builder.add(start, INDEX(j))
            scalar = emit.splat(emit.builder.load(emit.address(array, index, place)))
            for c in range(n):
                value = vectors[row * n + c]
                vectors[row * n + c] = emit.fma(scalar, terms[c * k + j], value)
    return emit.pack(vectors)
