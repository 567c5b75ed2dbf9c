"""The server of the page: Python's own, on the loopback interface."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..errors import UsageError
from .guard import HEADER, Guard
from .state import MAX_DECK
from .workshop import WHO, Exceeded, Limits, Workshop

PAGE = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
#: bytes of a request
MOST_BYTES = 4 * MAX_DECK
#: scripts come from here alone, nothing is loaded from or sent to anywhere else
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class Lab:
    """A page in the browser, for this machine alone.

    Parameters
    ----------
    examples : mapping of str to str
        Name -> deck.
    trainings : sequence of dict
        Runs to watch, as `learning.frames` takes them, with a ``name``.
    first : mapping, optional
        What the page shows at first: a state, and the ``name`` of its file.
    folders : sequence of Path
        What decks may include files from.
    how : mapping
        How decks are read: arguments of `parse_netlist`, such as ``dialect``.
    limits : Limits
    port : int
        0: any that is free.

    Raises
    ------
    UsageError
        If the port is taken.

    Examples
    --------
    >>> from resnet_sim.lab import Lab
    >>> with Lab({"load": "load\\nV1 a 0 1\\nR1 a 0 1k"}) as lab:
    ...     print(lab.address.partition("?")[2][:6])
    token=
    """

    def __init__(
        self,
        examples: Mapping[str, str],
        trainings: Sequence[Mapping[str, Any]] = (),
        *,
        first: Mapping[str, Any] | None = None,
        folders: Sequence[Path] = (),
        how: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        port: int = 0,
    ) -> None:
        self.workshop = Workshop(limits or Limits(), folders, how)
        self.content = {
            "examples": dict(examples),
            "trainings": list(trainings),
            "first": dict(first or {}),
        }
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", "ports are 0 to 65535")
            raise UsageError(f"port {port} can't be used: {why}") from None
        self._server.lab = self
        self.guard = Guard(self._server.server_address[1])

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return self.guard.address

    def serve(self) -> None:
        """Answer until `close` is called from another thread, or Ctrl-C."""
        for job in ("answer", "picture"):  # which are needed at once
            self.workshop.worker(job)
        self._server.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """End the server and its processes."""
        self._server.shutdown()
        self._server.server_close()
        self.workshop.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()
        self.workshop.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    lab: Lab


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "lab", ""
    timeout = 600.0
    # small answers must not wait for each other (RFC 896)
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet."""

    def do_GET(self) -> None:
        guard, parts = self.server.lab.guard, urlsplit(self.path)
        if reason := guard.stranger(self.headers):
            return self._refuse(reason)
        token = parse_qs(parts.query).get("token", [None])[0]
        if parts.path == "/" and guard.knows(token):
            # away with the token: addresses are kept, shown and shared
            return self._send(
                b"", HTTPStatus.SEE_OTHER, {"Location": "/", "Set-Cookie": guard.cookie}
            )
        if not guard.has_been_here(self.headers):
            return self._refuse("open the address that resnet-sim lab has printed")
        file = PAGE / (parts.path[1:] or "index.html")
        if file.parent != PAGE or file.suffix not in KINDS or not file.is_file():
            return self._refuse("there is no such page", HTTPStatus.NOT_FOUND)
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".html":
            text = text.replace("{token}", guard.token)
        self._send(text.encode(), kind=KINDS[file.suffix])
        return None

    def do_POST(self) -> None:
        guard, job = self.server.lab.guard, urlsplit(self.path).path.removeprefix("/do/")
        if reason := guard.stranger(self.headers):
            return self._refuse(reason)
        if not guard.knows(self.headers.get(HEADER)):
            return self._refuse("the token is missing or wrong: open the page anew")
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return self._refuse("too long", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            data = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError:
            return self._refuse("this is no JSON", HTTPStatus.BAD_REQUEST)
        if job == "content":
            return self._send_json(self.server.lab.content)
        if job not in WHO or not isinstance(data, dict):
            return self._refuse("there is no such job", HTTPStatus.NOT_FOUND)
        worker = self.server.lab.workshop.worker(job)
        if job == "training":
            return self._stream(worker.stream(job, data))
        try:
            return self._send_json(worker.ask(job, data))
        except Exceeded as error:
            return self._send_json(_exceeded(error))

    # ---- answers ----

    def _stream(self, frames: Iterable[Mapping[str, Any]]) -> None:
        """Send frames as lines of JSON while they come, until the page has gone."""
        self._head(HTTPStatus.OK, {"Content-Type": "application/x-ndjson", "Connection": "close"})
        self.close_connection = True
        try:
            for frame in frames:
                self.wfile.write(json.dumps(frame).encode() + b"\n")
        except Exceeded as error:
            self.wfile.write(json.dumps({"failed": _exceeded(error)["diagnostics"]}).encode())
        except OSError:
            frames.close()  # type: ignore[attr-defined]

    def _send_json(self, data: Mapping[str, Any]) -> None:
        self._send(json.dumps(data).encode(), kind="application/json")

    def _refuse(self, reason: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> None:
        self.close_connection = True  # what was sent with it has not been read
        self._send(f"resnet-sim lab: {reason}\n".encode(), status)

    def _send(
        self,
        content: bytes,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        kind: str = "text/plain",
    ) -> None:
        length = {"Content-Length": str(len(content)), "Content-Type": f"{kind}; charset=utf-8"}
        self._head(status, length | dict(headers or {}))
        self.wfile.write(content)

    def _head(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        common = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        for name, value in (common | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()

    def setup(self) -> None:
        """Let head and content go as one packet."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _exceeded(error: Exceeded) -> dict[str, Any]:
    record = {"code": None, "severity": "error", "message": str(error), "hint": None,
              "line": None, "column": None, "length": 0}  # fmt: skip
    return {"status": "stopped", "diagnostics": [record]}
