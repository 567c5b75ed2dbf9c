"""A state of the page in the fragment of a link, which browsers never send to anybody.

It is JSON, deflated (RFC 1951), in base64 for addresses (RFC 4648): ``#lab=...``.  The page does
the same (``page/links.js``).
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import asdict

from ..errors import UsageError
from .state import MAX_DECK, State

MARK = "lab="


def fragment(state: State) -> str:
    """Return the fragment of a link that opens a state.

    Examples
    --------
    >>> from resnet_sim.lab.state import State
    >>> state = State("load\\nV1 a 0 1\\nR1 a 0 1k", {"r1": 2e3})
    >>> state_of("http://127.0.0.1:8137/#" + fragment(state)) == state
    True
    """
    text = json.dumps(asdict(state), separators=(",", ":")).encode()
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(text) + packer.flush()
    return MARK + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def state_of(link: str) -> State:
    """Return the state that a link opens; `UsageError` if it holds none, or a damaged one."""
    _, mark, text = link.partition("#" + MARK)
    if not mark:
        raise UsageError("the link holds no deck")
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacker = zlib.decompressobj(-15)
        # a few bytes can stand for gigabytes
        data = unpacker.decompress(packed, 2 * MAX_DECK)
        if unpacker.unconsumed_tail:
            raise UsageError(f"the deck of the link has more than {MAX_DECK} characters")
        return State.of(json.loads(data))
    except (binascii.Error, zlib.error, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError("the link is damaged: copy all of it") from None
