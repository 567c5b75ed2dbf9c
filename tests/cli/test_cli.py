"""The command: exit status, streams, options, and never a traceback."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import resnet_sim
from resnet_sim import ConvergenceError, OperatingPoint
from resnet_sim.analyses import sweep as analysis
from resnet_sim.results.formats.registry import FORMATS
from resnet_sim.results.proof import Certificate, SolverInfo
from resnet_sim.solvers import METHODS

EXAMPLES = Path(__file__).parents[2] / "examples" / "netlists"
DIVIDER = "divider\nV1 in 0 10\nR1 in out 3k\nR2 out 0 1k\n.end\n"
SHORTED = "shorted\nV1 a 0 5\nD1 a 0 di\n.model di d(ron=0 roff=inf vfwd=0)\n.end\n"
FLOATING = "floats\nV1 a 0 5\nR1 a 0 1k\nR2 x y 1k\n.end\n"
BROKEN = "broken\nV1 a 0 5\nR1 a\nR2 a 0 {nothing}\n.end\n"
SWITCHED = (
    "switched\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\nS1 b 0 c 0 sw\nVc c 0 0\n"
    ".model sw sw(ron=0 roff=inf vt=0.5 vh=0)\n.end\n"
)


@pytest.fixture
def deck(tmp_path):
    def write(text: str, name: str = "deck.net") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def run(in_process):
    """Run the command in this process."""
    return in_process


def process(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "resnet_sim", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def solved(run, *arguments: str) -> dict:
    status, out, _ = run("solve", *arguments, "--format", "json")
    assert status == 0
    return json.loads(out)


# ---- imports and start-up ----


def test_public_names_are_all_there_and_load_lazily():
    for name in resnet_sim.__all__:
        assert getattr(resnet_sim, name) is not None
        assert name in dir(resnet_sim)
    with pytest.raises(AttributeError, match="nonesuch"):
        _ = resnet_sim.nonesuch


@pytest.mark.parametrize(
    "code",
    [
        "import resnet_sim",
        "from resnet_sim.cli import main\ntry: main(['solve', '--help'])\nexcept SystemExit: pass",
    ],
)
def test_numpy_is_not_imported_without_need(code):
    check = "import sys; assert 'numpy' not in sys.modules, 'numpy was imported'"
    subprocess.run([sys.executable, "-c", f"{code}\n{check}"], check=True, capture_output=True)


def test_solving_a_small_deck_leaves_the_slow_modules_alone(deck):
    code = (
        f"import sys; from resnet_sim.cli import main; main(['solve', {deck(DIVIDER)!r}])\n"
        "slow = {'numba', 'scipy', 'networkx'} & set(sys.modules); assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_plain_deck_does_not_import_what_others_need(deck):
    words = "behavioural formula_ crossbar capacitor inductor switch controlled readers shutil"
    code = (
        f"import sys; from resnet_sim.cli import main; main(['solve', {deck(DIVIDER)!r}])\n"
        f"found = [name for name in sys.modules for word in {words.split()!r} if word in name]\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_version_is_printed(run):
    assert run("--version") == (0, f"resnet-sim {resnet_sim.__version__}\n", "")


# ---- solve ----


def test_table_is_the_default(run, deck):
    status, out, err = run("solve", deck(DIVIDER))
    assert status == 0
    assert "  out   2.50000 V" in out
    assert "certificate: ok" in out
    assert err == ""


def test_json_is_one_object(run, deck):
    record = solved(run, deck(DIVIDER))
    assert record["status"] == "solved"
    assert record["voltages"] == pytest.approx({"in": 10.0, "out": 2.5})
    assert record["currents"]["v1"] == pytest.approx(-2.5e-3)


def test_standard_input(monkeypatch, run):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(DIVIDER.encode())))
    assert solved(run, "-")["voltages"]["out"] == pytest.approx(2.5)


@pytest.mark.parametrize("method", METHODS)
def test_methods_agree(run, method):
    record = solved(run, str(EXAMPLES / "jam.net"), "--method", method)
    assert record["voltages"]["n1"] == pytest.approx(0.5, rel=1e-9)


def test_set_changes_elements_and_parameters(run, deck):
    file = deck("t\n.param load=1k\nV1 in 0 10\nR1 in out 1k\nR2 out 0 {load}\n.end\n")
    assert solved(run, file, "--set", "R1=4k", "--set", "load=1k")["voltages"]["out"] == 2.0
    assert solved(run, file, "--set", "load=4k")["voltages"]["out"] == pytest.approx(8.0)
    assert solved(run, file, "--set", "v1=-2.5m")["voltages"]["in"] == -2.5e-3


@pytest.mark.parametrize("text", ["r1", "r1=", "=1k", "r1=4k7", "r1=1,5", "r1=nan", "r1=1e999"])
def test_malformed_set_is_bad_usage(run, deck, text):
    status, out, err = run("solve", deck(DIVIDER), "--set", text)
    assert (status, out) == (2, "")
    assert "argument --set" in err


def test_set_of_an_unknown_name_is_an_error(run, deck):
    status, _, err = run("solve", deck(DIVIDER), "--set", "r3=1k")
    assert status == 2
    assert "r3" in err


def test_switches_are_held(run, deck):
    file = deck(SWITCHED)
    assert solved(run, file)["voltages"]["b"] == pytest.approx(0.5)
    closed = solved(run, file, "--close", "S1")
    assert closed["voltages"]["b"] == pytest.approx(0.0)
    assert closed["switches"] == {"s1": True}
    closed_by_control = solved(run, file, "--set", "vc=1")
    assert closed_by_control["switches"] == {"s1": True}
    assert solved(run, file, "--set", "vc=1", "--open", "s1")["switches"] == {"s1": False}


def test_switch_options_that_make_no_sense_are_bad_usage(run, deck):
    file = deck(SWITCHED)
    assert run("solve", file, "--close", "s1", "--open", "s1")[0] == 2
    assert run("solve", file, "--close", "r1")[0] == 2
    assert run("solve", file, "--close", "s9")[0] == 2


def test_forward_drop_sets_exponential_diodes(run, deck):
    file = deck("t\nV1 in 0 5\nR1 in out 1k\nD1 out 0 dj\n.model dj d(is=1e-14 n=1)\n.end\n")
    ideal = solved(run, file, "--forward-drop", "0.65", "--diodes", "ideal")
    assert ideal["voltages"]["out"] == pytest.approx(0.65)
    assert solved(run, file)["voltages"]["out"] == pytest.approx(0.69289, abs=1e-5)


# ---- exit status and messages ----


def test_a_floating_part_is_a_warning_unless_strict(run, deck):
    file = deck(FLOATING)
    status, out, err = run("solve", file, "--format", "json")
    record = json.loads(out)
    assert status == 0
    assert sorted(record["floating"]) == ["x", "y"]
    assert record["voltages"]["x"] is None
    assert "warning[W201]" in err
    assert run("solve", file, "--strict")[0] == 3
    assert run("check", file, "--strict")[0] == 3


def test_no_solution_is_status_3_with_the_culprits(run, deck):
    status, out, err = run("solve", deck(SHORTED))
    assert (status, out) == (3, "")
    assert "error[E202]" in err
    assert "D1 a 0 di" in err


def test_a_sweep_goes_on_after_points_without_solution(run, deck):
    swept = deck(SHORTED.replace(".end", "R1 a 0 1k\n.dc V1 -2 8 1\n.end"))
    status, out, err = run("solve", swept, "--format", "json")
    record = json.loads(out)
    assert (status, record["status"]) == (3, "no solution")
    assert record["voltages"]["a"] == [-2.0, -1.0, 0.0] + [None] * 8
    assert [u["point"] for u in record["unsolved"]] == list(range(3, 11))
    assert "point 3 of the sweep (from 0) has no solution: " in err
    assert "3 more points have no solution" in err
    _, table, _ = run("solve", swept)
    assert table.count("no solution") == 8 * 4  # quantities


def test_a_bad_netlist_is_status_2_with_all_its_errors(run, deck):
    status, out, err = run("solve", deck(BROKEN))
    assert (status, out) == (2, "")
    assert err.count("error[") == 2
    assert "deck.net:3" in err
    assert "deck.net:4" in err


@pytest.mark.parametrize(
    ("text", "status", "word"), [(SHORTED, 3, "no solution"), (BROKEN, 2, "error")]
)
def test_json_is_one_object_even_without_a_result(run, deck, text, status, word):
    got, out, _ = run("solve", deck(text), "--format", "json")
    record = json.loads(out)
    assert (got, record["status"]) == (status, word)
    first = record["diagnostics"][0]
    keys = {"code", "severity", "message", "file", "line", "column", "hint"}
    assert set(first) == keys
    assert first["severity"] == "error"
    assert first["line"] in (2, 3)


def test_bad_usage_in_json(run, deck):
    status, out, _ = run("solve", deck(DIVIDER), "--set", "r9=1", "--format", "json")
    record = json.loads(out)
    assert (status, record["status"]) == (2, "error")
    assert "r9" in record["diagnostics"][0]["message"]


def test_a_missing_file_is_status_2(run, tmp_path):
    status, _, err = run("solve", str(tmp_path / "nothing.net"))
    assert status == 2
    assert "nothing.net" in err


@pytest.mark.parametrize(
    "arguments", [[], ["solve"], ["conquer"], ["solve", "x", "--format", "xml"], ["export", "x"]]
)
def test_bad_usage_is_status_2(run, arguments):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage:")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "small"])
def test_tolerance_must_be_positive(run, deck, text):
    assert run("solve", deck(DIVIDER), f"--tolerance={text}")[0] == 2


def test_giving_up_is_status_1(run, deck, monkeypatch):
    def give_up(*_, **__):
        raise ConvergenceError("100 iterations")

    monkeypatch.setattr(analysis, "run", give_up)
    status, out, err = run("solve", deck(DIVIDER), "--format", "json")
    assert status == 1
    assert json.loads(out)["status"] == "not converged"
    assert "not converged: 100 iterations" in err


def test_a_failed_certificate_is_status_1(run, deck, monkeypatch):
    def wrong(circuit, **_):
        failures = ("KCL at out: 1 A",)
        bad = Certificate(False, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1e-9, failures)
        zeros = np.zeros(len(circuit.nodes)), np.zeros(circuit.n_elements)
        return [OperatingPoint(circuit, *zeros, bad, SolverInfo("newton", 1, 0.0))]

    monkeypatch.setattr(analysis, "run", wrong)
    status, out, err = run("solve", deck(DIVIDER))
    assert status == 1
    assert "certificate: FAILED" in out
    assert "KCL at out: 1 A" in err


def test_an_internal_error_is_one_line_unless_debug(run, deck, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("unheard of")

    monkeypatch.setattr(analysis, "run", fail)
    status, out, err = run("solve", deck(DIVIDER))
    assert (status, out) == (70, "")
    assert len(err.splitlines()) == 1
    assert "internal error: RuntimeError: unheard of" in err
    status, _, err = run("solve", deck(DIVIDER), "--debug")
    assert status == 70
    assert "Traceback" in err


RUNS = """runs
V1 a 0 1
R1 a b {r}
R2 b 0 1k
.param r=1k
.step param r list 1k 3k
.sens v(b)
.tf v(b) v1
"""


def test_sens_and_tf_are_answered_in_each_run(run, deck):
    status, out, _ = run("solve", deck(RUNS), "--format", "json")
    found = json.loads(out)[0] if out[0] == "[" else json.loads(out)
    assert status == 0
    for k, r in enumerate((1e3, 3e3)):
        sens, transfer = found["sensitivities"][k], found["transfer_functions"][k]
        assert sens["at"] == transfer["at"] == {"r": r}
        assert sens["value"] == pytest.approx(1e3 / (1e3 + r))
        assert sens["derivatives"]["r2"] == pytest.approx(r / (1e3 + r) ** 2)
        assert transfer["output_resistance"] == pytest.approx(1e3 * r / (1e3 + r))
    _, out, _ = run("solve", deck(RUNS))
    assert "sensitivity of v(b) = 0.25 at r = 3000\n" in out
    assert "transfer function v(b) / v1 at r = 1000\n" in out


def test_a_run_without_an_answer_says_which(run, deck):
    text = "runs\nV1 a 0 1\nG1 b 0 a 0 1m\nR1 b 0 1k\nV2 c 0 1\nV3 c d {x}\nV4 d 0 0\n"
    text += ".param x=1\n.step param x list 1 2\n.sens v(b)\n"
    _, _, err = run("solve", deck(text))
    assert "not answered at x = 2: " in err and "at x = 1" not in err


def test_interruption_is_status_130(run, deck, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(analysis, "run", stop)
    assert run("solve", deck(DIVIDER)) == (130, "", "resnet-sim: interrupted\n")


def test_a_closed_pipe_ends_quietly(deck):
    command = [sys.executable, "-m", "resnet_sim", "solve", deck(DIVIDER)]
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert run.returncode == 141
    assert run.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [(), ("--format", "json"), ("-o", "/dev/full")])
def test_a_full_disk_is_told(deck, arguments):
    command = [sys.executable, "-m", "resnet_sim", "solve", deck(DIVIDER), *arguments]
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    where = arguments[1] if "-o" in arguments else "standard output"
    assert run.stderr == f"resnet-sim: error: can't write {where}: No space left on device\n"
    assert run.returncode == 2


def test_a_command_without_standard_output_writes_its_file(deck, tmp_path):
    target, command = tmp_path / "o.csv", f'"{sys.executable}" -m resnet_sim solve "$0" -o "$1" >&-'
    run = subprocess.run(["sh", "-c", command, deck(DIVIDER), target], stderr=subprocess.PIPE)
    assert (run.returncode, run.stderr) == (0, b"")
    assert target.read_text().count("\n") > 1


def test_names_outside_the_encoding_of_the_terminal_are_escaped(deck):
    file = deck("t\nV1 µin 0 1\nR1 µin 0 1k\n.end\n")
    run = process("solve", file, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert run.returncode == 0
    assert "\\xb5in" in run.stdout


# ---- output files ----


def test_output_goes_to_the_file_alone(run, deck, tmp_path):
    target = tmp_path / "out.json"
    assert run("solve", deck(DIVIDER), "--format", "json", "-o", str(target))[:2] == (0, "")
    assert json.loads(target.read_text())["status"] == "solved"


def test_output_never_replaces_the_netlist(run, deck):
    file = deck(DIVIDER)
    status, _, err = run("solve", file, "-o", file)
    assert status == 2
    assert "overwrite" in err
    assert Path(file).read_text() == DIVIDER


def test_a_failing_deck_leaves_the_old_output_alone(run, deck, tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("old")
    assert run("solve", deck(SHORTED), "--format", "csv", "-o", str(target))[0] == 3
    assert target.read_text() == "old"


@pytest.mark.parametrize("where", ["no/such/place.csv", "."])
def test_an_unwritable_output_is_status_2(run, deck, tmp_path, where):
    status, out, err = run("solve", deck(DIVIDER), "-o", str(tmp_path / where))
    assert (status, out) == (2, "")
    assert str(tmp_path) in err


def test_a_device_is_written_to_not_replaced(run, deck):
    assert run("solve", deck(DIVIDER), "-o", os.devnull)[0] == 0
    assert not Path(os.devnull).is_file()


# ---- check and export ----


def test_check_reports_without_solving(run, deck):
    file = deck(FLOATING)
    status, out, err = run("check", file)
    assert status == 0
    assert out.startswith(f"{file}: no errors, ")
    assert "warning[W201]" in err
    assert run("check", deck(SHORTED))[0] == 3
    assert run("check", deck(BROKEN))[0] == 2


def test_check_in_json(run, deck):
    status, out, _ = run("check", deck(SHORTED), "--format", "json")
    record = json.loads(out)
    assert (status, record["status"]) == (3, "no solution")
    assert "E202" in [d["code"] for d in record["diagnostics"]]


@pytest.mark.parametrize("dialect", ["ngspice", "ltspice"])
def test_export_writes_a_deck(run, deck, tmp_path, dialect):
    target = tmp_path / "other.cir"
    file = str(EXAMPLES / "bridge-rectifier.net")
    assert run("export", file, "--to", dialect, "-o", str(target))[:2] == (0, "")
    text = target.read_text()
    assert text.splitlines()[0].endswith("bridge rectifier")
    assert "rload out 0" in text.lower()


def test_export_applies_set(run, deck):
    status, out, _ = run("export", deck(DIVIDER), "--to", "ngspice", "--set", "r1=1234")
    assert status == 0
    assert "1234" in out


def test_json_of_an_impossible_circuit_names_elements_nodes_and_lines(run, deck):
    path = deck("a short\nV1 a 0 5\nD1 a 0 di\n.model di d(ron=0 roff=inf vfwd=0)\n.end\n")
    status, out, _ = run("solve", path, "--format", "json")
    record = json.loads(out)
    assert status == 3
    assert record["title"] == "a short"
    assert record["elements"] == ["v1", "d1"]
    assert record["nodes"] == ["0", "a"]
    assert record["lines"] == [2, 3]


def test_npz_holds_the_arrays(run, deck, tmp_path):
    target = tmp_path / "out.npz"
    assert run("solve", deck(DIVIDER), "--format", "npz", "-o", str(target)) == (0, "", "")
    with np.load(target) as data:
        (values,) = data["values"]
        found = dict(zip(data["names"].tolist(), values, strict=True))
    assert found == pytest.approx(
        {"v(in)": 10.0, "v(out)": 2.5, "i(r1)": 2.5e-3, "i(r2)": 2.5e-3, "i(v1)": -2.5e-3}
    )


@pytest.mark.parametrize("form", [form for form in FORMATS.values() if not form.text])
@pytest.mark.parametrize("options", [[], ["-o", "-"]])
def test_bytes_are_not_printed(run, deck, form, options):
    status, out, err = run("solve", deck(SHORTED), "--format", form.name, *options)
    assert (status, out) == (2, "")
    assert f"{form.name} is not text: name a file with -o" in err


@pytest.mark.parametrize("command", ["solve", "sweep"])
def test_what_is_to_be_printed_is_checked_before_anything_is_solved(run, deck, command):
    status, out, err = run(command, deck(SHORTED), "--print", "v(a) i(d9)")
    assert (status, out) == (2, "")
    assert "no element 'd9'" in err


def test_names_on_the_command_line_stand_in_for_those_of_print(run, deck):
    file = deck(DIVIDER.replace(".end", ".print v(out)\n.end"))
    for options, header in (
        ([], "v(out)"),
        (["--print", "v(in,out), i(r1)"], '"v(in,out)",i(r1)'),
        (["--print", "all"], "v(in),v(out),i(r1),i(r2),i(v1)"),
    ):
        _, out, _ = run("solve", file, "--format", "csv", *options)
        assert out.splitlines()[0] == header
