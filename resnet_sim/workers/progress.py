"""What long work is doing, for whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[str], None]] = []


def report(message: str, *values: object) -> None:
    """Tell all listeners; costs next to nothing if there are none.

    `values` go into the message by the ``%`` operator.
    """
    if _listeners:
        text = message % values
        for listener in _listeners:
            listener(text)


def listen(listener: Callable[[str], None]) -> Callable[[], None]:
    """Call `listener` with every report from now on; return the function that ends this."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)
