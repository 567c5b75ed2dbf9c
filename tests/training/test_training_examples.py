"""The commands of examples/training/README.md run, and reach what they should."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from documents import blocks

import resnet_sim as rs
from resnet_sim.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples" / "training"
COMMANDS = [
    line.removeprefix("$ ")
    for block in blocks((EXAMPLES / "README.md").read_text(), "console")
    for line in block.splitlines()
]

#: what must be left of the variance of the targets, or how many classes right, at most one fifth
#: of the epochs into the longer runs
GOALS = {
    "xor.net": 1e-3,
    "pair.net": 1e-3,
    "again.net": 1e-3,
    "abs.net": 0.01,
    "parabola.net": 0.05,
    "sine.net": 0.05,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Run every command, long ones shorter, in a copy of the directory; return that."""
    folder = tmp_path_factory.mktemp("examples") / "training"
    shutil.copytree(EXAMPLES, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in COMMANDS:
            words = shlex.split(command.replace("--epochs 1000", "--epochs 200"))
            assert words[0] == "resnet-sim"
            assert main(words[1:]) == 0, command
    return folder


def verdicts(results: Path, capsys, command: str) -> str:
    """Return what ``predict`` says of a trained deck, run on its training data."""
    words = shlex.split(command)
    deck, data = words[words.index("-o") + 1], words[words.index("--data") + 1]
    options = ["--input", words[words.index("--input") + 1]]
    options += ["--output", words[words.index("--output") + 1]]
    options += ["--labels"] if "--labels" in words else []
    assert main(["predict", str(results / deck), "--data", str(results / data), *options]) == 0
    return capsys.readouterr().err


TRAININGS = [command for command in COMMANDS if " train " in command]


@pytest.mark.parametrize("command", TRAININGS, ids=lambda command: command.split()[-1])
def test_example_reaches_its_goal(results, capsys, command):
    verdict = verdicts(results, capsys, command)
    name = command.split()[-1]
    if name == "iris-trained.net":
        right = int(re.match(r"(\d+) of 75", verdict)[1])
        assert right >= 72
        return
    left = float(re.search(r", (\S+) of the variance", verdict)[1])
    assert left < GOALS[name]


def test_the_readme_shows_every_example():
    shown = {word for command in COMMANDS for word in command.split()}
    assert {path.name for path in EXAMPLES.iterdir()} - shown == {"README.md"}


def test_resuming_a_run_that_never_stopped_gives_the_same_deck(results):
    assert (results / "again.net").read_bytes() == (results / "pair.net").read_bytes()


def test_predictions_are_one_row_a_sample(results):
    lines = (results / "sine-predicted.csv").read_text().splitlines()
    assert lines[0] == "v(o)"
    circuit = rs.read_netlist(results / "sine.net")
    x = np.linspace(-1, 1, 41)
    op = rs.solve(circuit, inputs={"vx": x, "vnx": -x})
    assert np.allclose(np.array(lines[1:], dtype=float), op.voltage("o"), rtol=0, atol=1e-9)


def test_the_picture_of_the_readme_is_drawn(results):
    assert ">d6</text>" in (results / "sine.svg").read_text()
