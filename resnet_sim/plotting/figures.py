"""Empty figures, and figures to files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..workers.atomic_file import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; sizes in inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "pictures need matplotlib: pip install 'resnet_sim[plot]', or pip install matplotlib"
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure; the ending of the name says in which format.

    The file is replaced when the picture is complete.

    Raises
    ------
    UsageError
        If the format is unknown.

    Examples
    --------
    >>> from pathlib import Path
    >>> from resnet_sim import plotting
    >>> plotting.save(plotting.draw_circuit(rs.generators.ladder(2)), "ladder.svg")
    >>> Path("ladder.svg").read_text()[:5]
    '<?xml'
    """
    target = Path(path)
    if target.suffix[1:].lower() not in figure.canvas.get_supported_filetypes():
        raise UsageError(f"{target.name} is no name of a picture: .svg, .png and .pdf are")
    replace_file(target, picture(figure, target.suffix[1:].lower()))


def picture(figure: Figure, form: str) -> bytes:
    """Return a figure as a file of a format."""
    buffer = io.BytesIO()
    # without a date and random names the same picture is the same file
    metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form, {})
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "resnet_sim", "svg.fonttype": "none"}):
        figure.savefig(buffer, format=form, metadata=metadata or None, bbox_inches="tight", dpi=150)
    return buffer.getvalue()
