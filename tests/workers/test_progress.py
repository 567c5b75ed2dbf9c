"""Progress: one mechanism, for every command and for long work in Python."""

import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.cli import main
from resnet_sim.workers import progress
from resnet_sim.workers.progress import counted, report, shown

DIVIDER = "divider\nv1 in 0 1\nr1 in out 1k\nr2 out 0 1k\n"
LINE = re.compile(r"\[ *\d+\.\d\d s\] (.+)")


def lines(text: str) -> list[str]:
    assert not text or text.endswith("\n")
    return [match[1] for match in map(LINE.fullmatch, text.splitlines()) if match]


def count(total: int, steps: int) -> None:
    with counted(total, "point") as advance:
        for k in range(steps):
            report("inside %d", k)
            advance(1, f"remark {k}")


def test_nothing_is_shown_unless_it_is_asked_for(capsys):
    with shown(False):
        report("something")
        count(3, 3)
    assert capsys.readouterr() == ("", "")


def test_a_count_is_told_by_its_first_and_last_line_and_hides_reports(capsys):
    with shown():
        report("before")
        count(100, 100)
        report("after")
    told = lines(capsys.readouterr().err)
    assert told == ["before", "point 1/100: remark 0", "point 100/100: remark 99", "after"]


def test_lines_come_once_a_pause(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    with shown():
        count(5, 5)
    assert len(lines(capsys.readouterr().err)) == 5


def test_a_count_that_is_broken_off_says_where(capsys):
    with pytest.raises(RuntimeError), shown(), counted(10, "epoch") as advance:
        advance(1)
        advance(3)
        raise RuntimeError
    assert lines(capsys.readouterr().err) == ["epoch 1/10", "epoch 4/10"]
    report("silence")
    assert capsys.readouterr().err == ""


def test_what_is_shown_already_is_shown_once(capsys):
    with shown(), shown(), counted(2, "epoch") as outer:
        count(3, 3)
        outer(2)
    assert lines(capsys.readouterr().err) == ["epoch 2/2"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_tqdm_draws_a_bar_on_a_terminal(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with shown():
        count(7, 7)
    text = terminal.getvalue()
    assert "7/7" in text and "remark 6" in text and "inside" not in text
    assert text.endswith("\n")


def test_without_tqdm_a_terminal_gets_lines(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with shown():
        count(7, 7)
    assert lines(terminal.getvalue())[-1] == "point 7/7: remark 6"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("deck.net").write_text(DIVIDER)
    Path("swept.net").write_text(DIVIDER + ".dc v1 0 1 .1\n")
    Path("data.csv").write_text("v1,out\n1,0.2\n2,0.4\n")
    return tmp_path


DATA = ["--data", "data.csv", "--input", "v1", "--output", "out"]
COMMANDS = {
    "solve": (["solve", "deck.net"], "reading deck.net"),
    "solve a sweep": (["solve", "swept.net"], "point 11/11"),
    "check": (["check", "deck.net"], "3 nodes, 3 elements"),
    "export": (["export", "deck.net", "--to", "ngspice"], "3 nodes, 3 elements"),
    "sweep": (["sweep", "deck.net", "--spread", "r*=5%", "--samples", "40"], "point 40/40"),
    "train": (["train", "deck.net", *DATA, "--epochs", "3"], r"epoch 3/3: cost [\d.e-]+"),
    "predict": (["predict", "deck.net", *DATA], "sample 2/2"),
    "validate": (["validate", "deck.net"], "running ngspice"),
    "graph": (["graph", "deck.net", "-o", "deck.svg"], "reading deck.net"),
}


@pytest.mark.parametrize(("words", "said"), COMMANDS.values(), ids=list(COMMANDS))
def test_every_command_says_how_far_it_is_on_stderr_alone(words, said, folder, capsys):
    status = main(words)
    if words[0] == "validate" and status == 4:
        pytest.skip("needs ngspice")
    quiet = capsys.readouterr()
    assert not lines(quiet.err)
    assert main([*words, "--progress"]) == status
    loud = capsys.readouterr()
    assert any(re.fullmatch(said, line) for line in lines(loud.err)), loud.err
    times = r"\d[\d.]* [mun]?s\b"  # what took how long
    assert re.sub(times, "", loud.out) == re.sub(times, "", quiet.out)


def test_long_work_in_python_takes_the_same_way(capsys):
    circuit = rs.parse_netlist(DIVIDER)
    rs.monte_carlo(circuit, {"r*": 0.1}, 20, progress=True)
    assert lines(capsys.readouterr().err)[-1] == "point 20/20"
    rs.solve_many([circuit] * 4, ["v(out)"], progress=True)
    assert lines(capsys.readouterr().err)[-1] == "point 4/4"
    trainer = tr.Trainer(tr.Network(circuit, ["v1"], ["out"], "r*"), optimizer=tr.SGD(1e-9))
    x, y = np.ones((2, 1)), np.full((2, 1), 0.4)
    trainer.fit(x, y, 3, validation=(x, y), progress=True)
    assert re.fullmatch(r"epoch 3/3: cost .+, validation .+", lines(capsys.readouterr().err)[-1])
    trainer.fit(x, y, 2, progress=True)
    assert lines(capsys.readouterr().err)[0].startswith("epoch 3/5")


def test_points_in_a_journal_are_counted(capsys, tmp_path):
    circuit = rs.parse_netlist(DIVIDER)
    for told in (["point 5/20", "point 20/20"], ["point 20/20"]):
        rs.monte_carlo(circuit, {"r*": 0.1}, 20, chunk=5, journal=tmp_path / "j", progress=True,
                       executor="serial")  # fmt: skip
        assert lines(capsys.readouterr().err) == told
