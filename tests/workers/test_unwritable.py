"""Files that can't be written are told in one way, which is an OSError too."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import contextmanager

import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.cli import main
from resnet_sim.plotting.circuits import write_circuit

CIRCUIT = rs.generators.ladder(30)
DECK = "load\nv1 in 0 1\nr1 in out 1k\nr2 out 0 1k\n.dc v1 0 100 1\n.print v(out)\n.end\n"


def trainer():
    return tr.Trainer(tr.Network(CIRCUIT, ["v0"], ["n30"]), tr.Adjoint())


WRITERS = {
    "deck": lambda path: rs.write_netlist(CIRCUIT, path),
    "network": lambda path: trainer().net.save(path),
    "picture": lambda path: write_circuit(CIRCUIT, None, path),
    "checkpoint": lambda path: trainer().fit([[1.0]], [[0.1]], 1, checkpoint=path),
    "saved run": lambda path: trainer().save(path),
    "metrics": lambda path: trainer().fit([[1.0]], [[0.1]], 40, metrics=path),
    "log": lambda path: trainer().fit([[1.0]], [[0.1]], 99, callbacks=[tr.CSVLog(path)]),
    "journal": lambda path: rs.monte_carlo(CIRCUIT, {"r*": 0.1}, 50, journal=path),
}


@contextmanager
def little_room(size=600):
    """No file gets longer than that; what fails then is told as a full disk is.

    What is compiled there would be cut off as well: do once before what is done there.
    """
    old, writes = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        sys.dont_write_bytecode = writes


@pytest.mark.parametrize("kind", [rs.UsageError, OSError])
def test_what_writes_says_where_it_could_not(tmp_path, kind):
    circuit = rs.generators.ladder(1)
    target = tmp_path / "nowhere" / "file.net"
    for write in (
        lambda: rs.write_netlist(circuit, target),
        lambda: tr.Network(circuit, ["v0"], ["n1"]).save(target),
    ):
        with pytest.raises(kind, match=r"can't write .*file\.net: No such file or directory"):
            write()


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path, what):
    path = tmp_path / "some.svg"
    (tmp_path / "before").mkdir()
    WRITERS[what](tmp_path / "before" / "some.svg")
    path.touch()
    with little_room(), pytest.raises(rs.UsageError, match=r"can't write .*some\.svg: File too la"):
        WRITERS[what](path)
    if what not in ("metrics", "log", "journal"):  # which grow
        assert path.read_bytes() == b""
        assert {*tmp_path.iterdir()} == {path, tmp_path / "before"}


@pytest.mark.parametrize("form", ["csv", "json", "raw", "npz", "table"])
def test_commands_end_with_2_where_the_disk_is_full(tmp_path, capsys, form):
    deck, target = tmp_path / "deck.net", tmp_path / "out.txt"
    deck.write_text(DECK)
    command = ["sweep", str(deck), "--format", form, "-o"]
    assert main([*command, str(tmp_path / "before")]) == 0
    with little_room():
        status = main([*command, str(target)])
    assert status == 2
    assert f"can't write {target}: File too large" in capsys.readouterr().err
    assert not target.exists()


def test_training_ends_with_2_where_the_disk_is_full(tmp_path, capsys):
    (tmp_path / "deck.net").write_text(DECK)
    (tmp_path / "data.csv").write_text("v1,y\n1,.2\n2,.4\n")
    command = ["train", str(tmp_path / "deck.net"), "--data", str(tmp_path / "data.csv"),
               "--input", "v1", "--output", "out", "--epochs", "3"]  # fmt: skip
    assert main([*command, "--checkpoint", str(tmp_path / "before")]) == 0
    capsys.readouterr()
    with little_room():
        status = main([*command, "--checkpoint", str(tmp_path / "run")])
    assert status == 2
    assert "can't write" in (told := capsys.readouterr().err)
    assert "run/run." in told


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_full_disk(tmp_path):
    deck, pipe = tmp_path / "deck.net", tmp_path / "pipe"
    deck.write_text(DECK.replace("100 1", "100000 1"))
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "resnet_sim", "sweep", deck, "--format", "csv", "-o", pipe]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        read = subprocess.run(
            ["head", "-n", "1", pipe], capture_output=True, timeout=120, check=True
        )
        assert read.stdout.startswith(b"v1,")
        assert run.stderr.read() == ""
    assert run.returncode == 141
