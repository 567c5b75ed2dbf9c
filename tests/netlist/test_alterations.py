"""HSPICE's .alter: each run gives what a deck of its own gives that has the cards written out."""

import pytest

import resnet_sim as rs
from resnet_sim.cli import command

LIBRARY = """* corners
.lib tt
.model dx d(is=1e-14)
.endl
.lib ss
.model dx d(is=1e-16 n=1.1)
.param k=2
.endl
"""
BASE = """corners
.option post
.lib 'corners.lib' tt
.param r=1k k=1
v1 1 0 2
r1 1 2 r
r2 2 0 1k
r3 2 3 50
d1 3 0 dx
x1 2 0 s
.subckt outer a b
x1 a b s
.ends
x2 2 0 outer
.subckt s a b
r1 a b '100k*k'
.ends
"""
BLOCKS = """.alter slow
.del lib 'corners.lib' tt
.lib 'corners.lib' ss
.alter another load, and another r
R2 2 0 3k
.param r=2k
.alter subcircuit and temperature
.subckt s a b
r1 a b 10k
.ends
.temp 100
.end
"""
SLOW = BASE.replace(" tt", " ss").replace("k=1", "")
LOADED = SLOW.replace("r2 2 0 1k", "r2 2 0 3k").replace("r=1k", "r=2k")
WRITTEN_OUT = [BASE, SLOW, LOADED, LOADED.replace("'100k*k'", "10k") + ".temp 100\n"]


def parsed(text, folder):
    (folder / "corners.lib").write_text(LIBRARY)
    return rs.parse_netlist(text, directory=folder, dialect="hspice")


def test_each_run_is_the_deck_that_has_the_cards_written_out(tmp_path):
    (op,) = rs.run(parsed(BASE + BLOCKS, tmp_path))
    assert op.sweep[".alter"].tolist() == [0, 1, 2, 3]
    for run, text in enumerate(WRITTEN_OUT):
        alone = rs.solve(parsed(text, tmp_path))
        for node in alone.circuit.nodes:
            assert op.voltage(node)[run] == pytest.approx(alone.voltage(node), rel=1e-9, abs=1e-12)
    assert len(set(op.voltage("2").round(6))) == 4


def test_runs_stand_around_sweeps(tmp_path):
    circuit = parsed(BASE + ".dc v1 1 2 1\n.step r2 list 1k 2k\n" + BLOCKS, tmp_path)
    (op,) = rs.run(circuit)
    assert list(op.sweep) == ["v1", "r2", ".alter"]
    assert op.sweep[".alter"].tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
    alone = rs.sweep(parsed(SLOW, tmp_path), {"v1": [1, 2], "r2": [1e3, 2e3]})
    assert op.voltage("3")[4:8] == pytest.approx(alone.voltage("3"), rel=1e-9)


def test_one_run_is_chosen_by_its_number(tmp_path):
    circuit = parsed(BASE + BLOCKS, tmp_path)
    assert circuit.with_parameters({".alter": 2}).resistors.ohms[1] == 3e3
    with pytest.raises(rs.UsageError, match="0 to 3, not 4"):
        circuit.with_parameters({".alter": 4})


@pytest.mark.parametrize(
    ("block", "code", "row"),
    [
        (".alter\n.dc v1 0 1 1\n", "E115", 2),
        (".alter\n.del lib 'corners.lib' ff\n", "E124", 2),
        (".del lib 'corners.lib' tt\n", "E119", 1),
    ],
)
def test_what_can_not_be_done_is_refused_at_its_line(block, code, row, tmp_path):
    with pytest.raises(rs.NetlistError) as caught:
        parsed(BASE + block, tmp_path)
    (found,) = caught.value.diagnostics[-1:]
    assert (found.code, found.span.line) == (code, BASE.count("\n") + row)


@pytest.mark.parametrize(
    ("cards", "status", "words"),
    [
        ("r2 2 0 {nothing}", 2, "undefined parameter 'nothing'"),
        ("r2 2 0 1k\nr2 2 0 2k", 2, "two elements called r2"),
        ("r9 1 0 1k", 2, "change with .alter"),
    ],
)
def test_runs_that_can_not_be_told_end_in_an_error(cards, status, words, tmp_path, capsys):
    deck = tmp_path / "deck.sp"
    deck.write_text(f"t\n.option post\nv1 1 0 1\nr1 1 2 1k\nr2 2 0 1k\n.alter\n{cards}\n.end\n")
    assert command.main(["solve", str(deck)]) == status
    assert words in capsys.readouterr().err


def test_ngspice_is_not_asked_about_runs_that_it_has_not(tmp_path):
    report = rs.ngspice.compare(parsed(BASE + BLOCKS, tmp_path))
    assert ".alter" in report.as_written.why
