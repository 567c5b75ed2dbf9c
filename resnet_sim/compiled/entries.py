"""Compiled functions that others call by an address which they are given.

Whatever one compiled function calls, numba links into it and compiles it once more: a long loop
that several call, which are called in turn, is compiled many times over.  Behind an *entry* it is
compiled once, and not before somebody needs it.  A call takes as long as any that isn't inlined.
Importing this module imports numba.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.extending import intrinsic

#: Where a function begins, and for which types it was compiled.
Entry = tuple[int, int]
#: What stands for a function that nobody is going to call.
NOWHERE: Entry = (0, 0)


def entry(function: Any, *arguments: Any) -> Entry:
    """Return where the code of a `subloops` or `subroutine` for such arguments begins.

    It stays there as long as the function itself.
    """
    kinds = tuple(map(typeof, arguments))
    function.compile(kinds)
    code = function.overloads[kinds]
    return code.library.get_pointer_to_function(code.fndesc.llvm_func_name), _digest(kinds)


def _digest(kinds: Any) -> int:
    return crc32(repr(tuple(kinds)).encode())


def _call(typing: Any, place: Any, like: Any, *arguments: Any) -> Any:
    """Call what is at an entry, which returns something `like` that: ``call(at, None, x, y)``."""
    kinds, result = tuple(map(types.unliteral, arguments)), types.unliteral(like)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address, known = cgutils.unpack_tuple(builder, args[0])
        # nothing else would notice: the callee would read numbers as addresses
        wrong = builder.icmp_unsigned("!=", known, ir.IntType(64)(_digest(kinds)))
        with builder.if_then(wrong, likely=False):
            message = "an entry is called with other types than it was compiled for"
            context.call_conv.return_user_exc(builder, TypeError, (message,))
        pointer = context.call_conv.get_function_type(result, kinds).as_pointer()
        status, value = context.call_conv.call_function(
            builder, builder.inttoptr(address, pointer), result, kinds,
            cgutils.unpack_tuple(builder, args[2]),
        )  # fmt: skip
        with builder.if_then(status.is_error, likely=False):
            context.call_conv.return_status_propagate(builder, status)
        return value

    return result(place, like, types.StarArgTuple(kinds)), code


call: Any = intrinsic(_call)
