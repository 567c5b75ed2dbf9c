"""A page in the browser: a deck, what it amounts to, and values to turn; for this machine alone.

`server` answers the page, behind `guard`, which lets nobody else in.  What a deck asks for is
computed by `jobs` in other processes (`worker`), which bind themselves: a deck may come from
anywhere, by a link.  `workshop` starts these processes, and ends and replaces them.  The page
itself is in ``page``: it needs no network, and no package besides the core.

A toolkit such as NiceGUI would have brought an editor and charts, and with them a web server,
fifty packages and megabytes of scripts between a keystroke and its answer; what a deck needs of
an editor are some hundred lines.
"""

from .server import Lab

__all__ = ["Lab"]

#: modules that other packages may use
DOORS = ("state", "workshop")
