"""Tuples of arrays that compiled functions are given by address.

Whoever calls a compiled function with an array has it taken apart into seven numbers: with tens of
arrays in tuples that takes numba longer to compile than what is done with them, in what Python
calls and again wherever one function calls another, and Python some microseconds at each call.
Importing this module imports numba.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core.datamodel import models
from numba.extending import NativeValue, intrinsic, register_model, typeof_impl, unbox


class _PackType(types.Type):
    """numba's name for a pack of tuples of such types."""

    def __init__(self, parts: Any) -> None:
        # a short name, as it is part of those of all functions that are given one
        super().__init__(name=f"Pack{sha256(repr(parts).encode()).hexdigest()[:16]}")
        self.parts = parts


@register_model(_PackType)
class _PackModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: _PackType) -> None:
        super().__init__(manager, kind, ir.IntType(8).as_pointer())


class Pack:
    """Tuples of arrays, which may be in tuples, that compiled functions take apart by `part`.

    The arrays stay where they are and what they are, and live as long as the pack.
    """

    def __init__(self, *parts: Any) -> None:
        self.parts, key = parts, _key(parts)
        if key not in _KINDS:
            _KINDS[key] = _PackType(typeof(parts))
        self.kind = _KINDS[key]
        self._words = np.array(list(_words(parts)), dtype=np.int64)
        self.address = self._words.ctypes.data


#: What packs have been made so far: numba takes ten microseconds to find out what an array is.
_KINDS: dict[Any, _PackType] = {}


def _key(part: Any) -> Any:
    """Return all that decides what numba takes arrays for."""
    if isinstance(part, tuple):
        return tuple(map(_key, part))
    return part.dtype.str, part.ndim, part.flags.num


def _words(part: Any) -> Iterator[int]:
    """Yield what numba holds of arrays: no owners, sizes, the address, shape and strides."""
    if isinstance(part, tuple):
        for one in part:
            yield from _words(one)
    else:
        yield from (0, 0, part.size, part.itemsize, part.ctypes.data, *part.shape, *part.strides)


@typeof_impl.register(Pack)
def _kind(pack: Pack, _: Any) -> _PackType:
    return pack.kind


@unbox(_PackType)  # type: ignore[untyped-decorator]
def _unbox(_: Any, pack: Any, c: Any) -> NativeValue:
    number = c.pyapi.object_getattr_string(pack, "address")
    address = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    return NativeValue(address)


def _part(typing: Any, pack: Any, which: Any) -> Any:
    """Return one of the tuples of a pack, by a number that is known when compiling."""
    number, whole = which.literal_value, pack.parts

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = builder.bitcast(args[0], context.get_value_type(whole).as_pointer())
        place = [ir.IntType(32)(0), ir.IntType(32)(number)]
        return builder.load(builder.gep(start, place, inbounds=True))

    return whole[number](pack, which), code


part: Any = intrinsic(prefer_literal=True)(_part)
