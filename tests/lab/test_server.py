"""Who is let in, and what the server gives: nothing without the token, nothing to other pages."""

from __future__ import annotations

import http.client
import json
import threading

import pytest

from resnet_sim.lab import Lab
from resnet_sim.lab.guard import Guard

DECK = "load\nV1 a 0 2\nR1 a 0 1k\n"


@pytest.fixture(scope="module")
def lab():
    with Lab({"load": DECK}, first={"deck": DECK, "name": "load.net"}) as lab:
        thread = threading.Thread(target=lab.serve, daemon=True)
        thread.start()
        yield lab
        lab.close()
        thread.join()


@pytest.fixture
def ask(lab):
    """Send a request; returns status, headers and text."""
    port = lab.guard.port

    def call(method: str, path: str, body: str = "", **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        head = {"Host": f"127.0.0.1:{port}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, body or None, head)
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, reply.headers, text

    return call


def job(ask, lab, name: str, data: dict, **headers: str):
    given = {"X_Lab_Token": lab.guard.token} | headers
    status, _, text = ask("POST", f"/do/{name}", json.dumps(data), **given)
    return status, (json.loads(text) if status == 200 else text)


def test_it_listens_on_this_machine_alone(lab):
    assert lab._server.server_address[0] == "127.0.0.1"


def test_the_first_address_gives_a_cookie_and_the_page_without_its_token(ask, lab):
    status, headers, _ = ask("GET", f"/?token={lab.guard.token}")
    assert status == 303 and headers["Location"] == "/"
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite" in cookie
    status, headers, page = ask("GET", "/", Cookie=cookie.partition(";")[0])
    assert status == 200 and "<title>" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    # the page asks nobody else for anything
    assert (
        "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page
    )
    for part in ("lab.css", "lab.js", "editor.js"):
        assert ask("GET", f"/{part}", Cookie=cookie.partition(";")[0])[0] == 200


@pytest.mark.parametrize("path", ["/", "/lab.js", "/?token=guess", "/?token="])
def test_without_the_token_there_is_no_page(ask, path):
    status, _, text = ask("GET", path)
    assert status == 403 and "token" not in text and "<" not in text


@pytest.mark.parametrize(
    "path",
    ["/../state.py", "/%2e%2e/state.py", "/..%2fstate.py", "//etc/passwd", "/worker.py", "/x"],
)
def test_the_page_and_its_parts_are_all_there_is(ask, lab, path):
    status, _, text = ask("GET", path, Cookie=f"lab-{lab.guard.port}={lab.guard.token}")
    assert status == 404 and "import" not in text


def test_answers_need_the_token_and_cookies_do_not_do(ask, lab):
    assert job(ask, lab, "answer", {"deck": DECK})[1]["voltages"] == [["a", 2.0]]
    cookie = f"lab-{lab.guard.port}={lab.guard.token}"
    for wrong in ("", "guess", lab.guard.token[:-1], lab.guard.token + "x", "ü"):
        given = {"X_Lab_Token": wrong.encode().decode("latin-1")}
        assert job(ask, lab, "answer", {"deck": DECK}, Cookie=cookie, **given)[0] == 403
    assert ask("POST", "/do/answer", "{}", Cookie=cookie)[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8137", "127.0.0.1", "", "[::1]:1"])
def test_foreign_hosts_are_refused(ask, lab, host):
    cookie = f"lab-{lab.guard.port}={lab.guard.token}"
    assert ask("GET", "/", Host=host, Cookie=cookie)[0] == 403
    assert job(ask, lab, "answer", {"deck": DECK}, Host=host)[0] == 403


def test_foreign_pages_are_refused(ask, lab):
    own = f"http://localhost:{lab.guard.port}"
    assert job(ask, lab, "answer", {"deck": DECK}, Origin=own)[0] == 200
    for origin in ("http://evil.example", "null", "https" + own[4:], own + "0", ""):
        assert job(ask, lab, "answer", {"deck": DECK}, Origin=origin)[0] == 403
        assert ask("GET", f"/?token={lab.guard.token}", Origin=origin)[0] == 403


def test_every_lab_has_a_token_of_its_own():
    tokens = {Guard(1).token for _ in range(20)}
    assert len(tokens) == 20 and min(map(len, tokens)) >= 32


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("answer", "{", 400), ("answer", "[]", 404), ("nothing", "{}", 404), ("../answer", "{}", 404)],
)
def test_nonsense_is_refused(ask, lab, path, body, status):
    assert ask("POST", f"/do/{path}", body, X_Lab_Token=lab.guard.token)[0] == status


def test_too_much_is_refused_before_it_is_read(ask, lab):
    given = {"X_Lab_Token": lab.guard.token}
    assert ask("POST", "/do/answer", **given, Content_Length=str(10**12))[0] == 413
    assert ask("POST", "/do/answer", **given, Content_Length="-1")[0] == 413
    status, found = job(ask, lab, "answer", {"deck": "x" * 1_100_000})
    assert status == 200 and found["status"] == "error"


def test_wrong_kinds_of_data_are_answered(ask, lab):
    for data in ({"deck": 3}, {"deck": DECK, "turn": 5}, {"deck": DECK, "turn": {"name": "r1"}}):
        status, found = job(ask, lab, "answer", data)
        assert status == 200 and found["diagnostics"][0]["severity"] == "error"
    # and its process lives
    assert job(ask, lab, "answer", {"deck": DECK})[1]["status"] == "solved"
