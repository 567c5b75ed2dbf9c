"""Ctrl-C, time limits and reports."""

import os
import signal
import subprocess
import sys
import time

import pytest

from resnet_sim import generators, write_netlist
from resnet_sim.cli import main
from resnet_sim.cli.interrupt import watched
from resnet_sim.workers import progress

#: as deaf to signals as a factorisation: C code that lets other threads run
DEAF = """
import hashlib
from resnet_sim.cli.interrupt import watched
from resnet_sim.workers.progress import report
with watched({limit}):
    report("factoring")
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)
"""


def run(code):
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def deck(tmp_path):
    path = tmp_path / "grid.net"
    write_netlist(generators.grid(25, seed=1), path)
    return path


@pytest.mark.slow
def test_ctrl_c_ends_code_that_does_not_listen():
    with run(DEAF.format(limit=None)) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.0)  # by now it is deaf
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = process.communicate(timeout=15)
    assert time.monotonic() - began < 15
    assert process.returncode == 130
    assert err == "resnet-sim: interrupted, last report: factoring\n"


@pytest.mark.slow
def test_a_time_limit_ends_code_that_does_not_listen():
    with run(DEAF.format(limit=0.2)) as process:
        _, err = process.communicate(timeout=15)
    assert process.returncode == 1
    assert err == "resnet-sim: stopped by --time-limit 0.2, last report: factoring\n"


def test_ctrl_c_reaches_python_code_at_once():
    with pytest.raises(KeyboardInterrupt), watched():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_passed_time_limit_is_an_ordinary_failure_of_the_command(
    deck, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr("resnet_sim.analyses.sweep.run", lambda *_, **__: time.sleep(30))
    target = tmp_path / "out.csv"
    target.write_text("precious")
    arguments = ["solve", str(deck), "--time-limit", "1", "--format", "json", "-o", str(target)]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert "not converged: stopped by --time-limit 1, last report: 626 nodes" in err
    assert '"status": "not converged"' in out
    assert target.read_text() == "precious"


def test_reports_say_what_is_done(deck, capsys):
    assert main(["solve", str(deck), "--progress"]) == 0
    err = capsys.readouterr().err
    assert f"reading {deck}" in err
    assert "625 unknowns" in err
    assert "0 rectifiers to flip" in err
    assert main(["solve", str(deck)]) == 0
    assert "reading" not in capsys.readouterr().err


def test_listeners_hear_reports_until_they_leave():
    heard = []
    leave = progress.listen(heard.append)
    progress.report("%d of %d", 1, 2)
    leave()
    progress.report("silence")
    assert heard == ["1 of 2"]
