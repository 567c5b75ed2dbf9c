"""A barrier for threads inside compiled code, where a lock of Python's costs more than a step."""

from __future__ import annotations

import os
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .kernels import subloops

#: Turns of the waiting loop after which a thread offers its core to others.
SPINS = 2000


@intrinsic
def _add(typing: Any, array: Any, number: Any) -> Any:
    """Add to ``array[0]`` (int64) at once; return what was there before."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        counter = cgutils.create_struct_proxy(signature.args[0])(context, builder, args[0])
        value = context.cast(builder, args[1], signature.args[1], types.int64)
        # sequentially consistent: what a thread wrote before it arrives is seen by all that leave
        return builder.atomic_rmw("add", counter.data, value, "seq_cst")

    return types.int64(array, number), code


@intrinsic
def _offer_core(typing: Any) -> Any:
    """Let other threads run, where the system has a call for it."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if os.name == "posix":
            kind = ir.FunctionType(ir.IntType(32), [])
            yielding = cgutils.get_or_insert_function(builder.module, kind, "sched_yield")
            builder.call(yielding, [])
        return context.get_dummy_value()

    return types.none(), code


@subloops
def wait(counter, goal):  # type: ignore[no-untyped-def]
    """Arrive at a barrier and wait until `goal` threads have arrived there since its start."""
    # the goal grows from barrier to barrier and the counter is never set back: nobody can miss it
    if _add(counter, 1) + 1 >= goal:  # type: ignore[call-arg]
        return
    turns = 0
    # adding 0 is a load that LLVM can't move out of the loop
    while _add(counter, 0) < goal:
        # a step may take less time than going to sleep and waking up; but where there are more
        # threads than cores, those that wait would keep the others from arriving
        turns += 1
        if turns > SPINS:
            _offer_core()
