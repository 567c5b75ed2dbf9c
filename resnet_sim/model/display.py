"""How values show themselves at a prompt and in a notebook: short, whatever their size."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

#: rows of a table in a notebook; what is beyond is counted
MAX_ROWS = 20


def how_many(number: int, thing: str, plural: str = "") -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> how_many(1, "node"), how_many(2, "diode"), how_many(2, "index", "indices")
    ('1 node', '2 diodes', '2 indices')
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {plural or thing + 's'}"


def printable(title: str) -> str:
    """Return a title with blanks in place of what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in title)


def few(texts: Sequence[str], most: int = 8, total: int | None = None) -> str:
    """Return some of many texts, and how many more there are; with `total`, of so many."""
    more = (len(texts) if total is None else total) - most
    return ", ".join(texts[:most]) + (f", ... {more:,} more" if more > 0 else "")


def aligned(rows: Sequence[Sequence[str]], left: Container[int] = (0,)) -> list[str]:
    """Return rows of cells as lines; cells of the columns `left` stand at the left.

    Examples
    --------
    >>> aligned([["node", "V"], ["a", "12"]])
    ['node   V', 'a     12']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" if k in left else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def html_table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], total: int | None = None
) -> str:
    """Return a table for notebooks.

    Parameters
    ----------
    rows : iterable of sequence of str
        Cells as plain text.
    total : int, optional
        How many rows there are in all; a last one says how many are not shown.
    """
    from html import escape  # commands never need its table of entities

    body = [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
    if total is not None and total > len(body):
        more = f"{total - len(body):,} more"
        body.append(f'<tr><td colspan="{len(header)}">{more}</td></tr>')
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    )
