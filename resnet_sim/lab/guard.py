"""Who is let in: pages of this lab, and nobody else on this machine or outside.

Every page of the web that is open in the same browser can send requests to this machine.  It can't
know the token, and what it sends names the page (``Origin``) or, after its name has been bound
to this machine (DNS rebinding), a foreign ``Host``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.cookies import CookieError, SimpleCookie

Headers = Message | Mapping[str, str]

#: header that has the token in requests of the page
HEADER = "X-Lab-Token"


@dataclass(frozen=True)
class Guard:
    """Knows the token and the names of this server.

    Parameters
    ----------
    port : int
    token : str
        Random by default, new with every start.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def hosts(self) -> tuple[str, ...]:
        """What ``Host`` may say."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    @property
    def address(self) -> str:
        """The address that opens the page for the first time."""
        return f"http://{self.hosts[0]}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """What a browser is given, so that links without a token open later on."""
        return f"{self._cookie}={self.token}; Path=/; HttpOnly; SameSite=Lax"

    @property
    def _cookie(self) -> str:
        return f"lab-{self.port}"  # cookies of one machine are shared by all its ports

    def stranger(self, headers: Headers) -> str:
        """Return why a request comes from elsewhere; empty if it doesn't."""
        if headers.get("Host") not in self.hosts:
            return "this server answers to the name of this machine only"
        origin = headers.get("Origin")
        if origin is not None and origin not in [f"http://{host}" for host in self.hosts]:
            return "this server answers to its own page only"
        return ""

    def knows(self, token: str | None) -> bool:
        """Tell whether a token is the right one, in the same time whatever is wrong."""
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())

    def has_been_here(self, headers: Headers) -> bool:
        """Tell whether a browser has opened the page by its first address before."""
        try:
            cookie = SimpleCookie(headers.get("Cookie") or "").get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and self.knows(cookie.value)
