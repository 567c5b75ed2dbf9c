"""Habits of command lines: endings choose formats, slips are answered, examples are at hand."""

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from optional_formats import formats

from resnet_sim.cli import main
from resnet_sim.cli.subcommands import COMMANDS
from resnet_sim.diagnostics import CODES
from resnet_sim.results.formats.registry import FORMATS

DECK = "load\nV1 a 0 1\nR1 a 0 4k7\n.end\n"


@pytest.fixture
def run(in_process, tmp_path, monkeypatch):
    """Run the command in a folder with a deck."""
    monkeypatch.chdir(tmp_path)
    Path("load.net").write_text(DECK)
    return in_process


@pytest.mark.parametrize("form", formats())
def test_the_ending_of_the_output_chooses_the_format(run, form):
    form = FORMATS[form]
    name = f"out.{form.ending.upper()}"
    assert run("solve", "load.net", "-o", name)[0] == 0
    assert run("solve", "load.net", "--format", form.name, "-o", "given")[0] == 0
    if form.name == "xlsx":  # it holds the time at which it was made
        assert Path(name).read_bytes()[:2] == Path("given").read_bytes()[:2] == b"PK"
        return
    hide = re.compile(rb"\d+(\.\d+)?( ms| us|e-\d+| s\b)|\"seconds\": [^,}]*")
    assert hide.sub(b"", Path(name).read_bytes()) == hide.sub(b"", Path("given").read_bytes())


def test_a_format_that_is_given_counts_more_than_an_ending(run):
    assert run("solve", "load.net", "--format", "json", "-o", "out.csv")[0] == 0
    assert json.loads(Path("out.csv").read_text())["voltages"] == {"a": 1.0}


def test_an_unknown_ending_leaves_the_usual_format(run):
    assert run("solve", "load.net", "-o", "out.xyz")[0] == 0
    assert "certificate: ok" in Path("out.xyz").read_text()


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["sovle", "load.net"], "solve"),
        (["solve", "load.net", "--formt", "json"], "--format"),
        (["solve", "load.net", "--format", "jsn"], "json"),
        (["validate", "load.net", "--aginst", "x"], "--against"),
        (["explain", "E1111"], "E111"),
        (["examples", "zenr"], "'zener'"),
        (["solve", "load.net", "-o", "out.cvs"], ".csv"),
        (["solve", "load.net", "-o", "out.jsn"], ".json"),
        (["solve", "load.net", "--set", "r11=1k"], "r1"),
        (["solve", "load.net", "--json"], "--format json"),
        (["sweep", "load.net", "--csv"], "--format csv"),
    ],
)
def test_slips_are_answered_with_the_nearest_right_word(run, arguments, meant):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert f"did you mean {meant}?" in err


@pytest.mark.parametrize("command", ["solve", "sweep", "tolerances"])
def test_a_quantity_is_no_file_to_write_to(run, command):
    status, out, err = run(command, "load.net", "--output", "v(a)")
    assert (status, out) == (2, "") and "--print 'v(a)' says what to write" in err
    assert not Path("v(a)").exists()


def test_prints_add_up_and_what_is_meant_by_a_bare_name_is_said(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.net").write_text("d\nV1 in 0 2\nR1 in out 1\nR2 out 0 1\n")
    both = run("solve", "d.net", "--print", "v(out)", "--print", "i(r2) v(in)", "--format", "csv")
    assert both[0] == 0 and both[1].split() == ["v(out),i(r2),v(in)", "1,1,2"]
    for name, meant in (("out", "v(out)"), ("R1", "i(r1)")):
        status, _, err = run("solve", "d.net", "--print", name)
        assert status == 2 and f"did you mean {meant}?" in err
    assert "did you mean" not in run("solve", "d.net", "--print", "nothing")[2]


def test_a_deck_without_a_command_is_told_what_comes_first(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("d.net").write_text("d\nV1 in 0 2\nR1 in 0 1\n")
    with pytest.raises(SystemExit, match="2"):
        main(["d.net"])
    assert "a command comes first: resnet-sim solve d.net" in capsys.readouterr().err


def test_warnings_are_silenced_all_or_by_code(run):
    assert "W105" in run("solve", "load.net")[2]
    assert run("solve", "load.net", "-q")[2] == ""
    assert run("solve", "load.net", "--silence", "w105,N103")[2] == ""
    assert "W105" in run("solve", "load.net", "--silence", "N103")[2]
    assert run("solve", "load.net", "--silence", "E107")[0] == 2  # errors are never silent
    Path("bad.net").write_text("bad\nR1 a 0 {x}\n")
    assert "E107" in run("solve", "bad.net", "-q")[2]


def test_several_decks_are_solved_and_the_worst_status_counts(run):
    Path("bad.net").write_text("bad\nR1 a 0 {x}\n")
    status, out, err = run("solve", "bad.net", "load.net", "--format", "json")
    assert status == 2
    objects = [json.loads(line) for line in out.splitlines()]
    assert [each["status"] for each in objects] == ["error", "solved"]
    assert "E107" in err
    assert run("check", "load.net", "load.net")[0] == 0
    assert run("solve", "load.net", "load.net", "-o", "x.csv")[0] == 2
    assert not Path("x.csv").exists()


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(run, code):
    status, out, _ = run("explain", code.lower())
    assert status == 0
    assert out.startswith(code)
    assert code in run("explain")[1]


def test_examples_are_listed_and_solved_as_they_are_printed(run):
    names = [line.split()[0] for line in run("examples")[1].splitlines()]
    assert {"zener", "wheatstone-bridge"} <= set(names)
    assert run("examples", "zener", "-o", "mine.net")[0] == 0
    assert Path("mine.net").read_text() == run("examples", "zener")[1]
    assert run("solve", "mine.net", "-q")[0] == 0


def test_a_watched_deck_is_solved_again_when_it_changes(tmp_path):
    deck = tmp_path / "load.net"
    deck.write_text("load\n.include part.inc\nV1 a 0 1\n.end\n")
    (tmp_path / "part.inc").write_text("R1 a 0 1k\n")
    options = ("--watch", "--format", "csv")
    command = [sys.executable, "-um", "resnet_sim", "solve", str(deck), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        timer = threading.Timer(30, process.kill)  # rather than wait for ever
        timer.start()
        lines = [process.stdout.readline() for _ in range(2)]
        assert "-0.001" in lines[1]
        time.sleep(0.3)
        (tmp_path / "part.inc").write_text("R1 a 0 500\n")
        lines = [process.stdout.readline() for _ in range(3)]
        assert "has changed" in lines[0]
        assert "-0.002" in lines[2]
        timer.cancel()
        process.kill()


def test_standard_input_is_not_watched(run, monkeypatch):
    import io

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DECK.encode())))
    status, _, err = run("solve", "-", "--watch")
    assert status == 2
    assert "does not change" in err


# ---- completions and the man page ----


def completions(run, *words: str) -> list[str]:
    """Return what bash would offer for the last of some words."""
    script = run("completion", "bash")[1]
    quoted = " ".join(f"'{word}'" for word in ("resnet-sim", *words))
    lines = f"{script}\nCOMP_WORDS=({quoted})\nCOMP_CWORD={len(words)}\n_resnet_sim\n"
    lines += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    done = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_choices_and_files(run):
    assert completions(run, "so") == ["solve"]
    assert set(completions(run, "solve", "x.net", "--format", "")) == set(FORMATS)
    assert completions(run, "solve", "--for") == ["--forward-drop", "--format"]
    assert completions(run, "solve", "lo") == ["load.net"]
    assert completions(run, "completion", "f") == ["fish"]
    assert completions(run, "train", "--rule", "co") == ["coupled", "contrastive"]


def test_zsh_and_fish_have_all_commands_and_options(run):
    assert run("completion", "zsh")[1].startswith("#compdef resnet-sim\n")
    fish = run("completion", "fish")[1]
    assert all(f"-f -a {name} -d" in fish for name in COMMANDS)
    assert re.search(r"from solve' -l format -x -a '[^']*\bjson\b", fish)
    assert "%(" not in fish


def test_the_man_page_has_every_command_and_option(run):
    status, text, _ = run("manual")
    assert status == 0
    page = text.replace("\\-", "-")
    assert all(f".SS resnet-sim {name}" in page for name in COMMANDS)
    assert f".B --format {chr(124).join(FORMATS)}" in page
    assert "default: 1e-09" in page or "default 1e-09" in page
    assert not re.search(r"^[.'](?!TH|SH|SS|TP|B )", page, re.MULTILINE)  # nothing else is meant


def test_man_reads_the_page_without_a_complaint(run):
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("no groff")
    page = run("manual")[1]
    done = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize(("columns", "shown"), [(200, 5), (30, 3), (10, 2)])
def test_tables_are_as_wide_as_the_terminal(run, monkeypatch, columns, shown):
    Path("sweep.net").write_text(DECK.replace(".end", ".dc v1 0 1 1\n.end"))
    arguments = ("solve", "sweep.net", "-q", "--print", "v(a) i(r1) p(r1) v(a,0)")
    whole = run(*arguments)[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run(*arguments)[1].splitlines()
    header = next(line for line in lines if line.split()[:1] == ["v1"])
    assert header.split() == ["v1", "v(a)", "i(r1)", "p(r1)", "v(a,0)"][:shown]
    assert shown == 2 or len(header) <= columns
    assert (f"({5 - shown} more columns" in "\n".join(lines)) == (shown < 5)
    assert all(name in whole for name in ("p(r1)", "v(a,0)"))  # nothing is cut in a pipe
