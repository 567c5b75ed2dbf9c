"""``resnet-sim lab``: what it prints, opens and refuses."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from resnet_sim.cli import main
from resnet_sim.cli.lab import _first
from resnet_sim.lab.state import State, fragment

DECK = "load\nV1 a 0 2\nR1 a 0 1k\n"


def start(*arguments: str) -> tuple[subprocess.Popen, str]:
    """Start the command and return it with the address that it prints."""
    command = [sys.executable, "-m", "resnet_sim", "lab", "--no-browser", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, re.search(r"http://\S+", process.stdout.readline())[0]


def test_it_prints_its_address_serves_and_ends_by_ctrl_c(tmp_path):
    path = tmp_path / "load.net"
    path.write_text(DECK)
    process, address = start(str(path), "--port", "0")
    try:
        # the token leads to the page, which has another one for its requests
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(address, timeout=30) as reply:
            assert "<title>" in reply.read().decode() and "token" not in reply.url
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0 and said == ""


def test_a_port_that_is_taken_is_said_or_another_is_used(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["lab", "--no-browser", "--port", str(port)]) == 2
    assert f"port {port}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--allow-includes", "nowhere"], "no such folder"),
        (["nowhere.net"], "can't read nowhere.net"),
        (["--port", "99999"], "ports are 0 to 65535"),
        (["http://127.0.0.1/#lab=AAAA"], "damaged"),
    ],
)
def test_what_can_not_be_is_refused(arguments, said, capsys):
    assert main(["lab", "--no-browser", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_deck_or_a_link_comes_first(tmp_path):
    (tmp_path / "load.net").write_text(DECK)
    assert _first(str(tmp_path / "load.net")) == {"deck": DECK, "name": "load.net"}
    state = State(DECK, {"r1": 2e3}, {"s1": True})
    found = _first(f"http://127.0.0.1:9/#{fragment(state)}")
    assert State.of(found) == state
    assert _first(None) == {}
