"""Functions that run as plain Python on small circuits and compiled by numba on large ones.

Importing numba takes longer than solving a small circuit, and compiling far longer.  A
`kernel` is written once, in the subset of Python that numba compiles; ``f.at(size)`` is
the plain function where `size` is small and the compiled one where it is not, or once so
much has been interpreted that numba would have paid: whoever rents skis until the rent
comes to their price never pays more than twice the least.  What is not in numba's cache is
compiled a little later, too: one call of many points does without.

Both twins give the same bits: without fast-math LLVM neither reorders sums nor contracts
``a * b + c``.  A vectorised twin keeps the order of the loop's sums, too: `numpy.bincount` and
`numpy.cumsum` add one after the other, `numpy.sum` does not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any

from . import policy

#: Options of what only compiled functions call.
_INTERNAL = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "error_model": "numpy"}


class kernel:
    """Decorator that makes a function available both interpreted and compiled.

    Where plain Python is too slow even for small sizes, `interpreted` is another function
    that gives the same bits.
    """

    #: sum of the costs so far: of all kernels until numba is imported, of each from then on
    spent, paid = 0, 0
    #: whether it is compiled, or worth it
    ready = False

    def __init__(
        self, function: Callable[..., Any], interpreted: Callable[..., Any] | None = None
    ) -> None:
        self.function, self.interpreted = function, interpreted or function
        update_wrapper(self, function)  # type: ignore[arg-type]

    def at(self, size: int, cost: int | None = None) -> Callable[..., Any]:
        """Return the version that suits a problem of `size`, nodes and edges say.

        `cost` is about how many microseconds interpreting takes, by default `size`.
        """
        limits, cost = policy.POLICY, size if cost is None else cost
        if "numba" in sys.modules:
            worth = size <= limits.handful or not self._pays(size, cost)
        else:
            kernel.spent += cost
            worth = size <= limits.interpreted and kernel.spent <= limits.rent
        return self.interpreted if worth else self.compiled

    def _pays(self, size: int, cost: int) -> bool:
        """Tell whether it is compiled, or worth it."""
        if not self.ready:
            limits = policy.POLICY
            # no less than a share, as costs of small ones are rough
            self.paid += max(cost, int(limits.price / 20))
            dear = size > limits.interpreted or self.paid > limits.price
            self.ready = dear or self.kept
        return self.ready

    @cached_property
    def kept(self) -> bool:
        """Whether it is in numba's cache."""
        from .stamps import kept

        return kept(self.compiled)

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """The function compiled by numba, from its cache where that is possible."""
        return compiled(self.function)


_solved = 0.0


def expect_more(size: int) -> None:
    """Import numba for the next of several medium problems, of `size` (`Policy.again`)."""
    global _solved
    if _solved > policy.POLICY.again:
        import numba  # noqa: F401
    _solved += size


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Return the function compiled by numba, from its cache where that is possible.

    Imports numba at once: as a decorator it is for modules that are imported when needed.
    """
    import numba

    from .stamps import stamped

    options.setdefault("no_cfunc_wrapper", True)  # for callers in C, which there are none of
    try:
        return stamped(numba.njit(cache=True, nogil=True, **options)(function))
    except RuntimeError:  # no writable place for the cache
        return numba.njit(nogil=True, **options)(function)


def subroutine(function: Callable[..., Any]) -> Any:
    """As `compiled`, for functions that only compiled ones call; these compile faster."""
    return compiled(function, **_INTERNAL)


def loops(function: Callable[..., Any], **options: Any) -> Any:
    """As `compiled`, for functions that make no arrays.

    For each call numba counts references to all arrays up and down, atomically; with tens of
    arrays in a tuple that costs more than a short loop.  The caller holds them anyway.
    """
    return compiled(function, _nrt=False, **options)


def subloops(function: Callable[..., Any]) -> Any:
    """As `loops`, for functions that only compiled ones call."""
    return loops(function, **_INTERNAL)


def inlined(function: Callable[..., Any]) -> Any:
    """As `subloops`, for one place in an inner loop: no call has to pass all those arrays on."""
    return loops(function, forceinline=True, **_INTERNAL)


def inserted(function: Callable[..., Any]) -> Any:
    """As `inlined`, but numba puts the statements there: they are compiled with the caller alone.

    What LLVM inlines is compiled by itself first, and so is what that inlines.
    """
    return loops(function, inline="always", **_INTERNAL)
