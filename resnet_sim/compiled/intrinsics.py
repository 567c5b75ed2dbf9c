"""How the operations of `vectors` are made: functions that emit LLVM code, as numba's intrinsics.

Importing this module imports numba.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from .registers import ALIGNMENT, DOUBLES, LANES

VECTOR = ir.VectorType(ir.FloatType(), LANES)
INDEX = ir.IntType(64)


class VectorType(types.Type):
    """numba's name for ``<16 x float>`` and ``<8 x double>``."""

    def __init__(self, name: str, code: Any) -> None:
        super().__init__(name=name)
        self.code = code


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: VectorType) -> None:
        super().__init__(manager, kind, kind.code)


#: the types, for explicit signatures
vector = VectorType("float32x16", VECTOR)
doubles = VectorType("float64x8", ir.VectorType(ir.DoubleType(), DOUBLES))


def vector_of(array: Any) -> VectorType:
    """Return the type of the vectors in an array."""
    return doubles if array.dtype == types.float64 else vector


def length(like: Any) -> int:
    """Return the length of a bank: of one of this type, or a constant."""
    # known when compiling, or the bank would be an array in memory
    return int(like.literal_value if isinstance(like, types.IntegerLiteral) else like.count)


def _filling(element: Any) -> Any:
    """Return the vector of elements that fills a register."""
    return doubles.code if element == ir.DoubleType() else VECTOR


class Operand(NamedTuple):
    """What an operation is called with: numba's type and the value in LLVM."""

    kind: Any
    value: Any


class Emitter:
    """Emits the LLVM code of one call."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder

    def cast(self, operand: Operand, kind: Any) -> Any:
        """Return an operand as another of numba's types."""
        return self.context.cast(self.builder, operand.value, operand.kind, kind)

    def address(self, array: Operand, index: Operand, offset: Any = 0) -> Any:
        """Return the address of an element, counted from the start of the array."""
        struct = cgutils.create_struct_proxy(array.kind)(self.context, self.builder, array.value)
        offset = INDEX(offset) if isinstance(offset, int) else offset
        # neither bounds nor negative indices are looked at: both would cost a comparison a load
        place = self.builder.add(self.cast(index, types.intp), offset)
        return self.builder.gep(struct.data, [place])

    def addresses(self, array: Operand, index: Operand, step: Operand, count: int) -> list[Any]:
        """Return the addresses of the elements at `index`, ``index + step``, ..."""
        stride = self.cast(step, types.intp)
        offsets = [self.builder.mul(stride, INDEX(k)) for k in range(count)]
        return [self.address(array, index, offset) for offset in offsets]

    def load(self, address: Any) -> Any:
        """Load an aligned vector."""
        # LLVM may assume this alignment: at any other address the program crashes or is wrong
        place = self.builder.bitcast(address, _filling(address.type.pointee).as_pointer())
        return self.builder.load(place, align=ALIGNMENT)

    def store(self, value: Any, address: Any) -> None:
        """Store an aligned vector."""
        place = self.builder.bitcast(address, value.type.as_pointer())
        self.builder.store(value, place, align=ALIGNMENT)

    def splat(self, scalar: Any) -> Any:
        """Return a vector of equal lanes."""
        kind = _filling(scalar.type)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, INDEX(0))
        return self.permute(one, [0] * kind.count)

    def shuffle(self, one: Any, other: Any, lanes: list[int]) -> Any:
        """Pick lanes of two vectors, those of the second counted from `LANES`."""
        order = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
        return self.builder.shuffle_vector(one, other, order)

    def permute(self, value: Any, lanes: list[int]) -> Any:
        """Pick lanes of a vector."""
        return self.shuffle(value, value, lanes)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """Return ``a * b + c``."""
        # fmuladd: fused where the machine can, never a call of the C library
        return self.call("fmuladd", a, b, c)

    def call(self, name: str, *vectors: Any) -> Any:
        """Return what an intrinsic of LLVM makes of vectors of one kind."""
        kind = vectors[0].type
        suffix = "v16f32" if kind == VECTOR else "v8f64"
        function = cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(kind, [kind] * len(vectors)),
            f"llvm.{name}.{suffix}",
        )  # fmt: skip
        return self.builder.call(function, vectors)

    def total(self, value: Any) -> Any:
        """Return the sum of the lanes."""
        # explicitly in halves, quarters ...: without fast-math LLVM keeps to the order of sums
        count = value.type.count
        shift = count // 2
        while shift:
            other = self.permute(value, [(k + shift) % count for k in range(count)])
            value, shift = self.builder.fadd(value, other), shift // 2
        return self.builder.extract_element(value, ir.IntType(32)(0))

    def choose(self, relation: str, a: Any, b: Any) -> Any:
        """Return lanes of b where they are, say, ``"<"`` those of a, else those of a."""
        # ordered: false where either is NaN, so that a NaN in a is never lost.  In this order of
        # operands it is one instruction on x86, whose minimum and maximum do the same.
        return self.builder.select(self.builder.fcmp_ordered(relation, b, a), b, a)

    def unpack(self, operand: Operand) -> list[Any]:
        """Return the vectors of a bank."""
        return list(cgutils.unpack_tuple(self.builder, operand.value))

    def pack(self, vectors: list[Any]) -> Any:
        """Return vectors as a bank."""
        return cgutils.pack_array(self.builder, vectors, ty=vectors[0].type)


def operation(result: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Make an intrinsic of a function that emits its code.

    `result` gives the type of what is returned from the types of the operands.
    """

    def decorate(emit: Callable[..., Any]) -> Any:
        @wraps(emit)
        def typer(typing: Any, *kinds: Any) -> Any:
            kind = result(*kinds)

            def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                operands = map(Operand, signature.args, args)
                value = emit(Emitter(context, builder), *operands)
                return context.get_dummy_value() if kind is types.none else value

            return kind(*kinds), code

        # constants arrive as types, so that banks have a length when code is emitted
        return intrinsic(prefer_literal=True)(typer)

    return decorate


def elementwise(emit: Callable[..., Any]) -> Any:
    """Make an intrinsic of vectors and banks; a vector meets each vector of a bank."""

    def result(*kinds: Any) -> Any:
        return next((kind for kind in kinds if not isinstance(kind, VectorType)), kinds[0])

    def code(emitter: Emitter, *operands: Operand) -> Any:
        kind = result(*(operand.kind for operand in operands))
        if isinstance(kind, VectorType):
            return emit(emitter, *(operand.value for operand in operands))
        columns = [
            [operand.value] * kind.count
            if isinstance(operand.kind, VectorType)
            else emitter.unpack(operand)
            for operand in operands
        ]
        return emitter.pack([emit(emitter, *row) for row in zip(*columns, strict=True)])

    return operation(result)(wraps(emit)(code))
