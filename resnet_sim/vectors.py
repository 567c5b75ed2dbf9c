"""Vectors of sixteen float32, for compiled loops that LLVM doesn't vectorise well by itself.

All but `aligned` can only be called from functions compiled by numba.  A vector is one
register of AVX-512; on other machines LLVM splits it.  A *bank* is a tuple of vectors, say
accumulators that stay in registers.  Indices count float32 from the start of a C-contiguous
array, whatever its shape, and are not checked; where vectors are loaded and stored they must
be multiples of sixteen, in an array made by `aligned`.

>>> import numba                                    # doctest: +SKIP
>>> @numba.njit(nogil=True, cache=True)
... def scale(a, factor):
...     for i in range(0, a.size, 16):
...         store(a, i, mul(load(a, i), splat(factor)))

Importing this module imports numba.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce, wraps
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

#: float32 in a vector
LANES = 16
#: bytes; loads across cache lines cost a third of the speed
ALIGNMENT = 64

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INDEX = ir.IntType(64)


def aligned(
    shape: int | tuple[int, ...], dtype: npt.DTypeLike = np.float32, alignment: int = ALIGNMENT
) -> npt.NDArray[Any]:
    """Return an array of zeros that starts at a multiple of `alignment` bytes."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    raw = np.zeros(size + alignment, dtype=np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + size].view(kind).reshape(shape)


class VectorType(types.Type):
    """numba's name for ``<16 x float>``."""

    def __init__(self) -> None:
        super().__init__(name="float32x16")


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: VectorType) -> None:
        super().__init__(manager, kind, _VECTOR)


#: the type, for explicit signatures
vector = VectorType()


class _Operand(NamedTuple):
    kind: Any
    value: Any


class _Emitter:
    """Emits the LLVM code of one call."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder

    def cast(self, operand: _Operand, kind: Any) -> Any:
        return self.context.cast(self.builder, operand.value, operand.kind, kind)

    def address(self, array: _Operand, index: _Operand, offset: Any = 0) -> Any:
        struct = cgutils.create_struct_proxy(array.kind)(self.context, self.builder, array.value)
        offset = _INDEX(offset) if isinstance(offset, int) else offset
        place = self.builder.add(self.cast(index, types.intp), offset)
        return self.builder.gep(struct.data, [place])

    def load(self, address: Any) -> Any:
        place = self.builder.bitcast(address, _VECTOR.as_pointer())
        return self.builder.load(place, align=ALIGNMENT)

    def store(self, value: Any, address: Any) -> None:
        place = self.builder.bitcast(address, _VECTOR.as_pointer())
        self.builder.store(value, place, align=ALIGNMENT)

    def splat(self, scalar: Any) -> Any:
        one = self.builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, _INDEX(0))
        return self.permute(one, [0] * LANES)

    def shuffle(self, one: Any, other: Any, lanes: list[int]) -> Any:
        """Pick lanes of two vectors, those of the second counted from `LANES`."""
        order = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
        return self.builder.shuffle_vector(one, other, order)

    def permute(self, value: Any, lanes: list[int]) -> Any:
        return self.shuffle(value, value, lanes)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        # fmuladd: fused where the machine can, never a call of the C library
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        name = f"llvm.fmuladd.v{LANES}f32"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c])

    def total(self, value: Any) -> Any:
        for shift in (8, 4, 2, 1):
            other = self.permute(value, [(k + shift) % LANES for k in range(LANES)])
            value = self.builder.fadd(value, other)
        return self.builder.extract_element(value, ir.IntType(32)(0))

    def choose(self, relation: str, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered(relation, b, a), b, a)

    def unpack(self, operand: _Operand) -> list[Any]:
        return list(cgutils.unpack_tuple(self.builder, operand.value))

    def pack(self, vectors: list[Any]) -> Any:
        return cgutils.pack_array(self.builder, vectors, ty=_VECTOR)


def _intrinsic(result: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Make an intrinsic of a function that emits its code.

    `result` gives the type of what is returned from the types of the operands.
    """

    def decorate(emit: Callable[..., Any]) -> Any:
        @wraps(emit)
        def typer(typing: Any, *kinds: Any) -> Any:
            kind = result(*kinds)

            def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                operands = map(_Operand, signature.args, args)
                value = emit(_Emitter(context, builder), *operands)
                return context.get_dummy_value() if kind is types.none else value

            return kind(*kinds), code

        return intrinsic(prefer_literal=True)(typer)

    return decorate


def _elementwise(emit: Callable[..., Any]) -> Any:
    """Make an intrinsic of vectors and banks; a vector meets each vector of a bank."""

    def result(*kinds: Any) -> Any:
        return next((kind for kind in kinds if kind is not vector), vector)

    def code(emitter: _Emitter, *operands: _Operand) -> Any:
        kind = result(*(operand.kind for operand in operands))
        if kind is vector:
            return emit(emitter, *(operand.value for operand in operands))
        columns = [
            [operand.value] * kind.count if operand.kind is vector else emitter.unpack(operand)
            for operand in operands
        ]
        return emitter.pack([emit(emitter, *row) for row in zip(*columns, strict=True)])

    return _intrinsic(result)(wraps(emit)(code))


# ---- vectors ----


@_intrinsic(lambda *_: vector)
def load(emit: _Emitter, array: _Operand, index: _Operand) -> Any:
    """Return ``array[index : index + 16]``."""
    return emit.load(emit.address(array, index))


@_intrinsic(lambda *_: types.none)
def store(emit: _Emitter, array: _Operand, index: _Operand, a: _Operand) -> Any:
    """``array[index : index + 16] = a``."""
    emit.store(a.value, emit.address(array, index))


@_intrinsic(lambda *_: vector)
def splat(emit: _Emitter, scalar: _Operand) -> Any:
    """Return a vector of sixteen times `scalar`."""
    return emit.splat(emit.cast(scalar, types.float32))


@_intrinsic(lambda *_: types.float32)
def total(emit: _Emitter, a: _Operand) -> Any:
    """Return the sum of the lanes: of halves, quarters and so on."""
    return emit.total(a.value)


@_intrinsic(lambda *_: types.float32)
def largest(emit: _Emitter, a: _Operand) -> Any:
    """Return the largest absolute value of the lanes."""
    value = emit.choose(">", a.value, emit.builder.fneg(a.value))
    for shift in (8, 4, 2, 1):
        other = emit.permute(value, [(k + shift) % LANES for k in range(LANES)])
        value = emit.choose(">", value, other)
    return emit.builder.extract_element(value, ir.IntType(32)(0))


@_intrinsic(lambda *_: vector)
def load_any(emit: _Emitter, array: _Operand, index: _Operand) -> Any:
    """Return ``array[index : index + 16]`` of bytes or float32, wherever that begins."""
    number = emit.context.get_value_type(array.kind.dtype)
    kind = ir.VectorType(number, LANES)
    place = emit.builder.bitcast(emit.address(array, index), kind.as_pointer())
    value = emit.builder.load(place, align=emit.context.get_abi_sizeof(number))
    return value if kind == _VECTOR else emit.builder.uitofp(value, _VECTOR)


@_intrinsic(lambda *_: types.none)
def store_halves(
    emit: _Emitter, array: _Operand, first: _Operand, second: _Operand, a: _Operand
) -> Any:
    """``array[first : first + 8], array[second : second + 8] = a[:8], a[8:]``.

    Places must be multiples of eight.
    """
    for index, lane in ((first, 0), (second, LANES // 2)):
        half = emit.shuffle(a.value, a.value, list(range(lane, lane + LANES // 2)))
        place = emit.builder.bitcast(emit.address(array, index), half.type.as_pointer())
        emit.builder.store(half, place, align=ALIGNMENT // 2)


@_intrinsic(lambda *_: types.none)
def prefetch(emit: _Emitter, array: _Operand, index: _Operand, count: _Operand) -> Any:
    """Ask for `count` vectors (a constant) from `index` before they are needed.

    They may be beyond the end of the array.
    """
    pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer] + 3 * [number])
    function = cgutils.get_or_insert_function(emit.builder.module, kind, "llvm.prefetch.p0i8")
    # to read; into the second-level cache; data
    how = [number(0), number(2), number(1)]
    for k in range(_count(count.kind)):
        address = emit.builder.bitcast(emit.address(array, index, k * LANES), pointer)
        emit.builder.call(function, [address, *how])


# ---- vectors and banks ----


@_elementwise
def add(emit: _Emitter, a: Any, b: Any) -> Any:
    """Return ``a + b``."""
    return emit.builder.fadd(a, b)


@_elementwise
def sub(emit: _Emitter, a: Any, b: Any) -> Any:
    """Return ``a - b``."""
    return emit.builder.fsub(a, b)


@_elementwise
def mul(emit: _Emitter, a: Any, b: Any) -> Any:
    """Return ``a * b``."""
    return emit.builder.fmul(a, b)


@_elementwise
def div(emit: _Emitter, a: Any, b: Any) -> Any:
    """Return ``a / b``."""
    return emit.builder.fdiv(a, b)


@_elementwise
def fma(emit: _Emitter, a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c``."""
    return emit.fma(a, b, c)


@_elementwise
def minimum(emit: _Emitter, a: Any, b: Any) -> Any:
    """Return the lesser of `a` and `b`; `a` where that is NaN."""
    return emit.choose("<", a, b)


@_elementwise
def maximum(emit: _Emitter, a: Any, b: Any) -> Any:
    """Return the greater of `a` and `b`; `a` where that is NaN."""
    return emit.choose(">", a, b)


# ---- banks ----


def _count(like: Any) -> int:
    return int(like.literal_value if isinstance(like, types.IntegerLiteral) else like.count)


def _bank(*kinds: Any) -> Any:
    return types.UniTuple(vector, _count(kinds[-1]))


@_intrinsic(_bank)
def bank(emit: _Emitter, like: _Operand) -> Any:
    """Return a bank of zeros, as many vectors as the constant or the tuple `like` says."""
    return emit.pack([ir.Constant(_VECTOR, [0.0] * LANES)] * _count(like.kind))


@_intrinsic(_bank)
def load_bank(
    emit: _Emitter, array: _Operand, index: _Operand, step: _Operand, like: _Operand
) -> Any:
    """Return the vectors at `index`, ``index + step``, ... as a bank like `like`."""
    stride = emit.cast(step, types.intp)
    offsets = [emit.builder.mul(stride, _INDEX(k)) for k in range(_count(like.kind))]
    return emit.pack([emit.load(emit.address(array, index, offset)) for offset in offsets])


@_intrinsic(lambda *_: types.none)
def store_bank(
    emit: _Emitter, array: _Operand, index: _Operand, step: _Operand, a: _Operand
) -> Any:
    """Store the vectors of the bank `a` at `index`, ``index + step``, ..."""
    stride = emit.cast(step, types.intp)
    for k, value in enumerate(emit.unpack(a)):
        emit.store(value, emit.address(array, index, emit.builder.mul(stride, _INDEX(k))))


@_intrinsic(lambda *_: types.none)
def store_totals(emit: _Emitter, array: _Operand, index: _Operand, a: _Operand) -> Any:
    """``array[index + k]`` = the `total` of vector k of the bank `a`."""
    for k, value in enumerate(emit.unpack(a)):
        emit.builder.store(emit.total(value), emit.address(array, index, k))


@_intrinsic(lambda *_: vector)
def totals(emit: _Emitter, a: _Operand) -> Any:
    """Return a vector: lane k is the sum of the lanes of vector k of `a`, 0 where there is none."""
    vectors = emit.unpack(a)
    vectors += [ir.Constant(_VECTOR, [0.0] * LANES)] * (LANES - len(vectors))
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


@_intrinsic(lambda *_: types.none)
def add_quarters(
    emit: _Emitter, array: _Operand, index: _Operand, step: _Operand, a: _Operand
) -> Any:
    """Add lanes 4k to 4k + 3 to ``array[index + k * step : ...]``, for k from 0 to 3.

    Places must be multiples of four.
    """
    stride, quarter = emit.cast(step, types.intp), ir.VectorType(ir.FloatType(), 4)
    for k in range(4):
        address = emit.address(array, index, emit.builder.mul(stride, _INDEX(k)))
        place = emit.builder.bitcast(address, quarter.as_pointer())
        own = emit.shuffle(a.value, a.value, list(range(4 * k, 4 * k + 4)))
        old = emit.builder.load(place, align=ALIGNMENT // 4)
        emit.builder.store(emit.builder.fadd(old, own), place, align=ALIGNMENT // 4)


@_intrinsic(lambda *_: vector)
def together(emit: _Emitter, a: _Operand) -> Any:
    """Return the sum of the vectors of a bank."""
    first, *others = emit.unpack(a)
    return reduce(emit.builder.fadd, others, first)


@_intrinsic(lambda a, *_: a)
def outer(
    emit: _Emitter, a: _Operand, array: _Operand, index: _Operand, step: _Operand, v: _Operand
) -> Any:
    """Return a bank: vector k of the bank `a`, plus ``array[index + k * step] * v``."""
    vectors, stride = emit.unpack(a), emit.cast(step, types.intp)
    for k, accumulated in enumerate(vectors):
        offset = emit.builder.mul(stride, _INDEX(k))
        scalar = emit.builder.load(emit.address(array, index, offset))
        vectors[k] = emit.fma(emit.splat(scalar), v.value, accumulated)
    return emit.pack(vectors)


@_intrinsic(lambda *_: vector)
def inner(emit: _Emitter, v: _Operand, array: _Operand, index: _Operand, a: _Operand) -> Any:
    """Return `v` plus the sum over k of ``array[index + k]`` times vector k of the bank `a`."""
    value = v.value
    for k, term in enumerate(emit.unpack(a)):
        scalar = emit.builder.load(emit.address(array, index, k))
        value = emit.fma(emit.splat(scalar), term, value)
    return value


@_intrinsic(lambda v, *_: v)
def products(
    emit: _Emitter, v: _Operand, array: _Operand, index: _Operand, step: _Operand, a: _Operand,
    columns: _Operand,
) -> Any:  # fmt: skip
    """Return a bank: `inner` for several rows of an array and several banks at once.

    With n `columns` (a constant), of which each has k vectors in the bank `a`, vector
    ``r * n + c`` of `v` is increased by the sum over j of ``array[index + r * step + j]``
    times vector ``c * k + j`` of `a`.
    """
    vectors, terms, n = emit.unpack(v), emit.unpack(a), _count(columns.kind)
    k, stride = len(terms) // n, emit.cast(step, types.intp)
    starts = [emit.builder.mul(stride, _INDEX(row)) for row in range(len(vectors) // n)]
    # sums side by side, so that none waits for itself
    for j in range(k):
        for row, start in enumerate(starts):
            place = emit.builder.add(start, _INDEX(j))
            scalar = emit.splat(emit.builder.load(emit.address(array, index, place)))
            for c in range(n):
                value = vectors[row * n + c]
                vectors[row * n + c] = emit.fma(scalar, terms[c * k + j], value)
    return emit.pack(vectors)
