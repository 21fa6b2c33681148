"""`bnncost explore --serve`: the page for this machine alone, and the real model behind it.

The server listens on the loopback address and a free port, answers only below a random path, and only requests that
name this very host and come from its own page. It reads no file that a request names: a profile arrives as text and may
extend shipped profiles alone.
"""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from analysis.report.page.data import Space, costs_on, keys_of
from analysis.report.page.profile_prices import profile_record
from analysis.show.safe import visible_values
from costmodel import BnncostError, load_profile, shipped_profiles
from costmodel.demand.arrays import OperationKey
from costmodel.errors import unknown
from costmodel.hardware import HardwareProfile
from costmodel.hardware.text.yaml_lines import read_yaml
from costmodel.output import write_whole

LARGEST = 256 * 1024
"""Bytes of a request that are read at most."""
_DIGITS = len(str(LARGEST))  # Python does not read a number of 5,000 of them
_HOST = "127.0.0.1"
_FILE = "profile.yaml"
_WAIT_S = 30
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


class PageServer(ThreadingHTTPServer):
    """Serves one page, and prices the designs of its spaces on profiles that are sent to it."""

    daemon_threads = True

    def __init__(self, page: Path, spaces: Sequence[Space], operations: Sequence[OperationKey]) -> None:
        """Listen on a free port of the loopback address; `operations` are those of the page's designs."""
        super().__init__((_HOST, 0), _Handler)
        self.page = page
        self.spaces = {space.name: space for space in spaces}
        self.operations = tuple(operations)
        self.token = secrets.token_urlsafe(24)
        self.one_at_a_time = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that go away or fall silent, which is no fault; of any other error all."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a request may call this server."""
        return tuple(f"{name}:{self.server_port}" for name in (_HOST, "localhost"))

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{_HOST}:{self.server_port}/{self.token}/"

    def answer(self, asked: object) -> dict[str, Any]:
        """The record of the profile that a request sends, and the costs on it; raises BnncostError for a bad one."""
        if not isinstance(asked, Mapping) or not all(
            isinstance(asked.get(name), str) for name in ("yaml", "dataset")
        ):
            raise BnncostError("a request has the texts `yaml` and `dataset`.")
        wanted = [space for space in self.spaces.values() if space.dataset == asked["dataset"]]
        if not wanted:
            raise unknown("data set", asked["dataset"], {space.dataset for space in self.spaces.values()})
        chip = profile_of(asked["yaml"])
        with self.one_at_a_time:
            return {
                "profile": profile_record(chip, self.operations),
                "on": {space.name: costs_on(space, keys_of(space), chip) for space in wanted},
            }


def profile_of(text: str) -> HardwareProfile:
    """Read a profile that was sent as text; one that extends a file, or has a shipped one's name, is refused."""
    data = read_yaml(text, _FILE).data
    given = data if isinstance(data, Mapping) else {}
    base, name = given.get("extends"), given.get("name")
    if base is not None and base not in shipped_profiles():
        raise unknown("profile to extend", str(base), shipped_profiles(), f"{_FILE}: extends")
    if name in shipped_profiles():
        raise BnncostError(f"{_FILE}: name: '{name}' is a shipped profile; give yours another name.")
    with tempfile.TemporaryDirectory() as folder:
        try:
            return load_profile(write_whole(Path(folder) / _FILE, text))
        except BnncostError as error:
            raise BnncostError(str(error).replace(f"{folder}/", "")) from None


def serve_page(
    page: Path, spaces: Sequence[Space], operations: Sequence[OperationKey], console: Console
) -> None:
    """Serve a page until it is interrupted."""
    with PageServer(page, spaces, operations) as server:
        console.print(Text(f"Open {server.address} (on this machine alone; Ctrl-C ends it)"), soft_wrap=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print(Text("Served."))


class _Handler(BaseHTTPRequestHandler):
    """Answers the page's own requests, and refuses all others."""

    server: PageServer
    timeout = _WAIT_S
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send the page."""
        if not self._is_welcome("/"):
            return
        try:
            page = self.server.page.read_bytes()
        except OSError:
            self._refuse(HTTPStatus.GONE)
        else:
            self._send(HTTPStatus.OK, page, "text/html; charset=utf-8")

    def do_POST(self) -> None:
        """Price what is sent."""
        if not self._is_welcome("/price"):
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif len(length) > _DIGITS or int(length) > LARGEST:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        elif self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        else:
            self._price(self.rfile.read(int(length)))

    def _price(self, body: bytes) -> None:
        try:
            answer = self.server.answer(json.loads(body))
        except BnncostError as error:
            self._json(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)})
        except (ValueError, RecursionError):
            self._json(HTTPStatus.BAD_REQUEST, {"error": "the request is not JSON."})
        else:
            self._json(HTTPStatus.OK, answer)

    def _is_welcome(self, path: str) -> bool:
        """Whether a request names this host, its path and its page; any other is refused here."""
        here = {f"http://{host}" for host in self.server.hosts}
        if self.headers.get("Host") not in self.server.hosts:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
        elif self.headers.get("Origin", min(here)) not in here or self.headers.get(
            "Sec-Fetch-Site", "none"
        ) not in ("none", "same-origin"):
            self._refuse(HTTPStatus.FORBIDDEN)
        elif not secrets.compare_digest(self.path.encode(), f"/{self.server.token}{path}".encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
        else:
            return True
        return False

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True  # what was sent with it is not read
        self._send(status, status.phrase.encode(), "text/plain; charset=utf-8")

    def _json(self, status: HTTPStatus, answer: Mapping[str, Any]) -> None:
        self._send(status, json.dumps(visible_values(answer), allow_nan=False).encode(), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        if self.close_connection:
            self.send_header("Connection", "close")
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal is the user's."""
