"""Layered networks, solved layer by layer with matrix products."""

from __future__ import annotations

from .detection import find_layers
from .structure import Layers

__all__ = ["Layers", "find_layers"]
