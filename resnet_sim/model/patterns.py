"""Regular expressions that are compiled when they are first used: a deck needs few of them."""

from __future__ import annotations

import re
from typing import Any, cast


class _Waiting:
    """Stands for a compiled pattern, whose methods become its own as they are asked for."""

    def __init__(self, text: str, flags: int) -> None:
        self._given = text, flags

    def __getattr__(self, name: str) -> Any:
        method = getattr(re.compile(*self._given), name)
        setattr(self, name, method)
        return method


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return what behaves as ``re.compile(text, flags)``, and costs nothing until it is used.

    Examples
    --------
    >>> pattern("r[0-9]+").fullmatch("r12").group()
    'r12'
    """
    return cast("re.Pattern[str]", _Waiting(text, flags))
