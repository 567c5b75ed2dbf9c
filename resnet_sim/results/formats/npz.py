"""numpy's ``.npz``: the table that CSV has, as arrays.

``names`` are those of the columns, ``values`` has shape (points, columns) and NaN where
undefined.  Where there are classes, ``class_names`` is what their numbers stand for.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..predictions import Answers, Result
from .joined import joined


def write(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> bytes:
    """Return the content of the file."""
    names, values = joined(results, outputs)
    arrays: dict[str, Any] = {"names": np.array(names), "values": values}
    arrays |= {f"{name}_names": np.array(known) for name, known in results[0].words.items()}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()
