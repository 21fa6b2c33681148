"""The page's server: the real model for its own page, and nothing for anybody else."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analysis.report.page.data import Space, operations_of, space_record
from analysis.report.page.profile_prices import draft
from analysis.report.page.screen import energies_j
from analysis.report.page.server import LARGEST, PageServer, profile_of
from costmodel import BnncostError, cost, load_profile

SPACE = Space("resnet20", "cifar100")
EDITED = """\
name: edited
extends: fpga-zynq7020
clock: {value: 90, unit: MHz, source: engineering-estimate, status: assumed}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    page = tmp_path_factory.mktemp("served") / "index.html"
    page.write_text("<!doctype html><title>page</title>", "utf-8")
    operations = operations_of([space_record(SPACE, [])])
    with PageServer(page, [SPACE], operations) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(
    server: PageServer,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes, Mapping[str, str]]:
    """A request below the server's own path, with other headers if given."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    try:
        connection.request(method, f"/{server.token}{path}", body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def priced(server: PageServer, asked: object) -> tuple[int, dict[str, Any]]:
    status, content, _ = ask(
        server, "POST", "/price", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    return status, json.loads(content)


def test_it_listens_on_the_loopback_address_alone(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32 and server.address.endswith(f"/{server.token}/")


def test_the_page_comes_with_headers_that_keep_it_apart(server: PageServer) -> None:
    status, content, headers = ask(server, "GET", "/")
    assert status == 200 and b"<title>page" in content
    assert headers["X-Frame-Options"] == "DENY" and headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"


def test_an_edited_profile_is_priced_by_the_model(server: PageServer, tmp_path: Path) -> None:
    status, answer = priced(server, {"yaml": EDITED, "dataset": "cifar100"})
    assert status == 200, answer
    (tmp_path / "edited.yaml").write_text(EDITED, "utf-8")
    space = {**space_record(SPACE, []), "on": {"edited": answer["on"][SPACE.name]}}
    truth = cost("resnet20/cifar100", tmp_path / "edited.yaml")
    assert energies_j(space, answer["profile"])[0] == pytest.approx(truth.energy_j, rel=1e-12)
    assert answer["profile"]["clock_hz"][0] == 90e6


@pytest.mark.parametrize("name", ["asic-22nm-bnn", "mcu-cortex-m33", "asic-45nm"])
def test_the_draft_of_an_edit_is_a_sound_profile(name: str) -> None:
    chip, edited = load_profile(name), profile_of(draft(load_profile(name)))
    assert edited.name == f"{name}-edited"
    assert edited.clock.si == chip.clock.si
    assert {key: level.size_bits for key, level in edited.memories.items()} == {
        key: pytest.approx(level.size_bits) for key, level in chip.memories.items()
    }


@pytest.mark.parametrize(
    ("yaml", "part"),
    [
        ("name: a\nextends: ../../../etc/passwd.yaml\n", "extends"),
        ("name: a\nextends: /etc/hosts\n", "extends"),
        ("name: a\nextends: [asic-45nm]\n", "extends"),
        ("name: asic-45nm\nextends: asic-45nm\n", "shipped profile"),
        ("name: a\nextends: asic-45nm\nclock: 3\n", "clock"),
        ("name: '<b>'\nextends: asic-45nm\n", "name"),
        ("{{{{", "profile.yaml"),
        ("", "profile.yaml"),
        ("a: &a [*a]", "profile.yaml"),
    ],
)
def test_a_bad_profile_is_refused_with_a_sentence_and_no_path(
    server: PageServer, yaml: str, part: str
) -> None:
    status, answer = priced(server, {"yaml": yaml, "dataset": "cifar100"})
    assert status == 422 and part in answer["error"]
    assert "/tmp" not in answer["error"].replace(yaml, "") and "Traceback" not in answer["error"]
    with pytest.raises(BnncostError):
        profile_of(yaml)


@pytest.mark.parametrize(
    "asked", [[], {}, {"yaml": 3, "dataset": "cifar100"}, {"yaml": EDITED, "dataset": "../x"}]
)
def test_a_request_of_another_form_is_refused(server: PageServer, asked: object) -> None:
    status, answer = priced(server, asked)
    assert status == 422 and answer["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "example.org"}, 421),
        ({"Host": "127.0.0.1"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Origin": "http://example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://127.0.0.1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_hosts_and_origins_are_refused(
    server: PageServer, method: str, headers: dict[str, str], status: int
) -> None:
    path = "/" if method == "GET" else "/price"
    assert ask(server, method, path, b"{}" if method == "POST" else None, headers)[0] == status


def test_the_pages_own_origin_is_welcome(server: PageServer) -> None:
    own = {"Origin": f"http://127.0.0.1:{server.server_port}", "Sec-Fetch-Site": "same-origin"}
    assert ask(server, "GET", "/", headers=own)[0] == 200


@pytest.mark.parametrize(
    "path", ["", "/index.html", "/../", "/%2e%2e/", "/price/", "//", "/?x", "/etc/passwd"]
)
def test_other_paths_are_not_there(server: PageServer, path: str) -> None:
    assert ask(server, "GET", path)[0] == 404
    if path:
        assert ask(server, "POST", path, b"{}")[0] == 404


def test_another_token_is_not_there(server: PageServer) -> None:
    near = server.token[:-1] + ("y" if server.token.endswith("x") else "x")
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)) as plain:
        for path in ("/", f"/{near}/", f"/{'x' * len(server.token)}/", "/price"):
            plain.request("GET", path)
            answer = plain.getresponse()
            answer.read()
            assert answer.status == 404


def test_other_methods_are_refused(server: PageServer) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert ask(server, method, "/price")[0] in (404, 405, 501)


def test_bodies_are_json_of_a_stated_and_small_length(server: PageServer) -> None:
    kind = {"Content-Type": "application/json"}
    assert ask(server, "POST", "/price", b"{}", {"Content-Type": "text/plain"})[0] == 415
    assert ask(server, "POST", "/price", b"{", kind)[0] == 400
    assert ask(server, "POST", "/price", b"[" * 100_000, kind)[0] == 400
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as plain:
        head = f"POST /{server.token}/price HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
        for line, status in (
            (f"Content-Length: {LARGEST + 1}", b"413"),
            (f"Content-Length: {'9' * 5000}", b"413"),
            ("Content-Length: -1", b"411"),
            ("Transfer-Encoding: chunked", b"411"),
        ):
            with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as plain:
                plain.sendall(f"{head}{line}\r\n\r\n".encode())
                assert status in plain.recv(200)


@pytest.mark.parametrize(
    "sent", ["GET /", "POST /{token}/price HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n{kind}\r\n{{"]
)
def test_a_browser_that_goes_away_leaves_no_word_in_the_terminal(
    server: PageServer, sent: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = threading.Event()
    monkeypatch.setattr(server, "shutdown_request", lambda request: (request.close(), done.set()))
    text = sent.format(token=server.token, host=server.hosts[0], kind="Content-Type: application/json\r\n")
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as gone:
        gone.sendall(text.encode())
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset when closed
    assert done.wait(60)
    assert capsys.readouterr().err == ""


def test_a_page_that_was_deleted_is_gone(tmp_path: Path) -> None:
    with PageServer(tmp_path / "gone", [], []) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert ask(server, "GET", "/")[0] == 410
        server.shutdown()
