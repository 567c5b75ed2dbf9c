"""``train`` and ``predict``: what tables mean, what is refused, and runs that are interrupted."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ngspice_tools import requires_ngspice
from training_tasks import CORNERS, XOR, xor_with_a_pair

import resnet_sim as rs
from resnet_sim import training as tr

DIVIDER = "divider\nv1 a 0 1\nv2 b 0 1\nr1 a o 1k\nr2 b o 1k\nr3 o 0 1k\n.end\n"
#: two thirds of v1 and a quarter of v2 could be had, more could not
TABLE = "v1,v2,o\n1,0,0.4\n0,1,0.2\n1,1,0.6\n-1,1,-0.2\n"
DIVIDED = ("--input", "v1,v2", "--output", "o")
XOR_OPTIONS = ("--data", "xor.csv", "--input", "va,vb", "--output", "v(o1,o2)")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with decks and tables."""
    monkeypatch.chdir(tmp_path)
    Path("divider.net").write_text(DIVIDER)
    Path("table.csv").write_text(TABLE)
    rs.write_netlist(xor_with_a_pair(0)[0].circuit, "xor.net")
    rows = [f"{a},{b},{0.1 * y}" for (a, b), y in zip(CORNERS, XOR[:, 0], strict=True)]
    Path("xor.csv").write_text("\n".join(["a,b,y", *rows, ""]))
    return tmp_path


@pytest.fixture
def run(folder, in_process):
    """Run the command in the working directory."""
    return in_process


def test_currents_are_outputs(run):
    Path("meter.net").write_text("meter\nv1 a 0 1\nr1 a b 1k\nvm b c 0\nr2 c 0 2k\n.end\n")
    Path("amps.csv").write_text("v1,i(vm)\n1,0.0004\n2,0.0008\n")
    asked = ("--data", "amps.csv", "--input", "v1", "--output", "i(vm)")
    status, out, err = run("train", "meter.net", *asked, "--epochs", "100", "-o", "out.net")
    assert (status, err) == (0, "")
    assert float(out.split("error ")[1].split(" A")[0]) < 2e-6
    status, out, err = run("predict", "out.net", *asked)
    assert status == 0 and list(predictions(out)[0]) == ["i(vm)"] and " A, " in err
    ohms = sum(rs.read_netlist("out.net").resistors.ohms)
    assert float(predictions(out)[1]["i(vm)"]) == pytest.approx(2 / ohms)
    status, out, _ = run("gradcheck", "meter.net", *asked)
    assert status == 0 and "r2" in out


def test_one_sample_for_validation_has_no_variance(run):
    options = ("--validation", "0.25", "--epochs", "2", "-o", "out.net")
    status, out, _ = run("train", "divider.net", "--data", "table.csv", *DIVIDED, *options)
    told = out.splitlines()[-1]
    assert status == 0 and told.startswith("validation: root mean square error") and "," not in told


def predictions(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


# ---- what it does ----


def test_xor_is_learned_and_predicted(run):
    status, out, err = run("train", "xor.net", *XOR_OPTIONS, "-o", "trained.net")
    assert (status, err) == (0, "")
    assert out.startswith("trained 60 values on 4 samples for 100 epochs\ntraining: root mean")
    status, out, err = run("predict", "trained.net", *XOR_OPTIONS)
    assert status == 0
    found = np.array([[float(row["v(o1,o2)"])] for row in predictions(out)])
    assert np.allclose(found, 0.1 * XOR, atol=2e-3)
    assert "root mean square error" in err
    # what stands in the file is what was learned
    solved = rs.solve(
        rs.read_netlist("trained.net"), inputs=dict(zip(("va", "vb"), CORNERS.T, strict=True))
    )
    assert np.allclose(solved.voltage("o1", "o2"), found[:, 0], rtol=0, atol=1e-9)


@requires_ngspice
def test_a_trained_deck_is_accepted_by_ngspice(run):
    options = (*XOR_OPTIONS, "--epochs", "3")
    assert run("train", "xor.net", *options, "-o", "trained.net")[0] == 0
    assert run("validate", "trained.net", "--set", "va=-1", "--set", "vb=1")[0] == 0
    assert run("train", "xor.net", *options, "-o", "foreign.net", "--to", "ngspice")[0] == 0
    assert run("solve", "foreign.net")[0] == 0
    process = subprocess.run(
        ["ngspice", "-b", "foreign.net"], capture_output=True, text=True, check=False
    )
    assert "o1" in process.stdout
    assert process.returncode == 0


def test_without_o_the_deck_goes_to_standard_output(run):
    status, out, err = run("train", "divider.net", "--data", "table.csv", *DIVIDED)
    assert status == 0
    assert len(rs.parse_netlist(out).resistors) == 3
    assert "trained 3 values" in err


@pytest.mark.parametrize(
    "options",
    [
        ["--rule", "ep", "--beta", "1u", "--variant", "positive"],
        ["--rule", "coupled", "--eta", "0.2", "--variant", "centered"],
        ["--rule", "contrastive"],
        ["--rule", "frequency", "--beta", "1u"],
        ["--rule", "adjoint", "--optimizer", "sgd", "--lr", "2u"],
        ["--optimizer", "momentum", "--lr", "0.5u", "--momentum", "0.8", "--schedule", "0.999"],
        ["--lr", "r1=40u,r*=20u", "--schedule", "cosine", "--batch-size", "2", "--seed", "3"],
    ],
    ids=" ".join,
)
def test_every_rule_and_optimiser_learns_a_divider(run, options):
    status, out, _ = run(
        "train", "divider.net", "--data", "table.csv", *DIVIDED, *options, "--epochs", "150",
        "-o", "trained.net",
    )  # fmt: skip
    assert status == 0
    error = float(out.split("root mean square error ")[1].split(" V")[0])
    assert error < 0.01


def test_only_what_is_trainable_learns_within_bounds(run):
    status, _, _ = run(
        "train", "divider.net", "--data", "table.csv", *DIVIDED, "--trainable", "r1,r3",
        "--bounds", "0.9m,1.1m", "-o", "trained.net",
    )  # fmt: skip
    assert status == 0
    trained = rs.read_netlist("trained.net")
    ohms = dict(zip(trained.resistors.names, trained.resistors.ohms.tolist(), strict=True))
    assert ohms["r2"] == 1000.0
    assert ohms["r1"] != 1000.0
    assert all(ohms[name] * (1 + 1e-12) >= 1 / 1.1e-3 for name in ("r1", "r3"))
    assert all(ohms[name] <= (1 + 1e-12) / 0.9e-3 for name in ("r1", "r3"))


def test_biases_learn(run):
    Path("biased.net").write_text(DIVIDER.replace("r3 o", "ib 0 o 0\nr3 o"))
    status, out, _ = run(
        "train", "biased.net", "--data", "table.csv", *DIVIDED, "--biases", "ib", "-o", "t.net"
    )
    assert status == 0
    assert out.startswith("trained 4 values")


def test_classes_are_learned_and_named(run):
    rng = np.random.default_rng(0)
    kinds = ["low", "mid", "high"]
    x = np.concatenate([rng.normal(m, 0.15, (20, 2)) for m in ([-1, 0], [0, 1], [1, -1])])
    lines = [f"{a},{b},{kinds[k // 20]}" for k, (a, b) in enumerate(x.tolist())]
    Path("classes.csv").write_text("\n".join(["x;y;kind".replace(";", ","), *lines]))
    sources = "".join(f"v{n} {n} 0 1\n" for n in ("x", "nx", "y", "ny"))
    edges = [(s, f"o{k}") for s in ("x", "nx", "y", "ny", "0") for k in range(3)]
    edges = "".join(f"r{k} {p} {q} 1k\n" for k, (p, q) in enumerate(edges))
    Path("classes.net").write_text(f"classes\n{sources}{edges}.end\n")
    meaning = (
        "--data", "classes.csv", "--input", "vx=x,vnx=-x,vy=y,vny=-y", "--output", "o*",
        "--target", "kind", "--labels",
    )  # fmt: skip
    for cost in (("hinge", "--margin", "0.2"), ("cross-entropy", "--scale", "10"),
                 ("squared", "--codes=-0.3,0.3")):  # fmt: skip
        status, out, _ = run("train", "classes.net", *meaning, "--cost", *cost, "-o", "t.net",
                             "--epochs", "200")  # fmt: skip
        assert status == 0
        assert "60 of 60 classes right" in out, cost
    status, out, err = run("predict", "t.net", *meaning)
    assert "60 of 60 classes right" in err
    found = [row["class"] for row in predictions(out)]
    assert found == [kinds[k // 20] for k in range(60)]
    # without targets, in another order of the classes
    Path("new.csv").write_text("x,y\n" + "\n".join(f"{a},{b}" for a, b in x.tolist()))
    status, out, err = run(
        "predict", "t.net", "--data", "new.csv", *meaning[2:8], "--classes", "high,low,mid"
    )
    assert (status, err) == (0, "")
    assert [row["class"] for row in predictions(out)] == found
    new = ("predict", "t.net", "--data", "new.csv", *meaning[2:6])
    status, _, err = run(*new, "--classes", "high,low")
    assert status == 2
    assert "2 classes (high, low), but 3 outputs tell 3 apart" in err
    numbers = [row["class"] for row in predictions(run(*new, "--labels")[1])]
    assert [("high", "low", "mid")[int(number)] for number in numbers] == found


def test_validation_metrics_and_stopping_early(run):
    options = ("train", "xor.net", *XOR_OPTIONS, "-o", "t.net", "--metrics", "m.jsonl")
    assert run(*options, "--validation", "0.25", "--epochs", "5")[0] == 0
    records = [json.loads(line) for line in Path("m.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == list(range(5))
    assert {"cost", "validation_cost", "validation_score"} <= set(records[0])
    status, out, _ = run(*options, "--validation", "xor.csv", "--epochs", "500", "--patience", "3",
                         "--lr", "1")  # fmt: skip
    assert status == 0
    assert "validation: root mean" in out
    assert len(Path("m.jsonl").read_text().splitlines()) < 500


def test_progress_is_told(run):
    _, _, err = run("train", "divider.net", "--data", "table.csv", *DIVIDED, "-o", "t.net",
                    "--progress", "--epochs", "3")  # fmt: skip
    assert "epoch 3/3: cost" in err


def test_targets_out_of_reach_are_warned_of(run):
    Path("far.csv").write_text("v1,v2,o\n1,0,5\n")
    status, _, err = run("train", "divider.net", "--data", "far.csv", *DIVIDED, "-o", "t.net")
    assert status == 0
    assert "warning: targets of 1 sample are out of reach: sample 0 asks for 5 V" in err
    assert ".py" not in err


def test_outputs_that_sources_fix_are_warned_of(run):
    _, _, err = run("train", "divider.net", "--data", "table.csv", "--input", "v1,v2", "--output",
                    "0", "-o", "t.net", "--epochs", "1")  # fmt: skip
    assert "warning: sources alone fix output 0" in err
    assert ".py" not in err


# ---- what is refused ----


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--input", "r1,v2"], "none for r1"),
        (["--input", "v1,w*"], "no independent source is called 'w*'"),
        (["--input", "v1=x=y,"], "no column is called 'x=y'"),
        (["--output", "v(o"], "'v(o' is not of the form NODE"),
        (["--output", "i(q*)"], "no voltage source is called 'q*'"),
        (["--output", "i(r1)"], "only voltage sources are ammeters"),
        (["--output", "q"], "no node 'q'"),
        (["--output", "q*"], "no node is called 'q*'"),
        (["--trainable", "q*"], "no resistor is called 'q*'"),
        (["--biases", "q*"], "no current source is called 'q*'"),
        (["--bounds", "2,1"], "g_min <= g_max"),
        (["--bounds", "2"], "not of the form MIN,MAX"),
        (["--eta", "0.1"], "--eta does nothing with --rule ep"),
        (["--rule", "adjoint", "--beta", "1m"], "--beta does nothing with --rule adjoint"),
        (["--momentum", "0.5"], "--momentum does nothing with --optimizer adam"),
        (["--checkpoint-every", "5"], "--checkpoint-every does nothing without --checkpoint"),
        (["--lr", "q*=1"], "nothing that learns matches 'q*'"),
        (["--lr", "r1=1,2"], "not of the form GLOB=RATE"),
        (["--schedule", "2"], "neither constant, cosine, nor from 0 to 1"),
        (["--cost", "hinge"], "--cost hinge is for classes: it needs --labels"),
        (["--labels"], "the squared error needs a voltage for each class"),
        (["--codes", "0,1"], "it needs --labels"),
        (["--labels", "--cost", "hinge", "--target", "v2"], "needs one output for each class"),
        (["--labels", "--cost", "hinge", "--codes", "0,1"], "--codes does nothing with"),
        (["--classes", "a,a"], "all different"),
        (["--epochs", "0"], "'0' is not a whole number of at least 1"),
        (["--validation", "2"], "a share is between 0 and 1"),
        (["--validation", "0.01"], "leaves no samples on one side"),
        (["--patience", "3"], "it needs --validation"),
        (["--resume"], "name it by --checkpoint"),
        (["--checkpoint", "table.csv"], "table.csv is not a directory"),
        (["-o", "divider.net"], "would overwrite the netlist"),
        (["-o", "./table.csv"], "the output ./table.csv would overwrite the data"),
        (["--metrics", "divider.net"], "--metrics divider.net would overwrite the netlist"),
        (["-o", "no/such/place"], "no such directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_explained(run, options, message):
    given = dict(zip(options[::2], options[1::2], strict=False)) if len(options) % 2 == 0 else {}
    kept = [w for k in range(0, 4, 2) if DIVIDED[k] not in given for w in DIVIDED[k : k + 2]]
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    status, out, err = run("train", "divider.net", "--data", "table.csv", *kept, *options)
    assert (status, out) == (2, "")
    assert message in err
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_one_way_sources_are_warned_of_but_for_the_adjoint(run):
    behind = "r3 o 0 1k\ne1 c 0 o 0 2\nr4 c p 1k\nd1 p q ideal\nr5 q 0 1k\n.model ideal d(ron=0)"
    Path("buffer.net").write_text(DIVIDER.replace("r3 o 0 1k", behind))
    options = ("train", "buffer.net", "--data", "table.csv", "--input", "v1,v2", "--output", "q")
    options += ("--epochs", "2", "-o", "t.net")
    status, _, err = run(*options)
    assert status == 0
    assert "warning: e1 acts one way" in err
    status, _, err = run(*options, "--rule", "adjoint")
    assert (status, "one way" in err) == (0, False)


def test_a_sample_without_operating_point_is_named_by_its_line(run):
    Path("shorted.net").write_text(
        "shorted\nv1 a 0 1\nv2 b 0 1\nd1 a b ideal\nr1 a o 1k\nr2 o b 1k\n.model ideal d(ron=0)\n"
    )
    Path("t.csv").write_text("v1,v2,o\n0,1,0\n\n0,2,0\n2,1,0\n")
    for command in ("train", "predict"):
        extra = ("--batch-size", "1") if command == "train" else ()
        status, out, err = run(command, "shorted.net", "--data", "t.csv", *DIVIDED, *extra)
        assert (status, out) == (3, "")
        assert "t.csv:5: this sample has no operating point" in err
        assert "d1" in err


# ---- interruptions ----


def begin(*options: str) -> subprocess.Popen[str]:
    """Start a long run in a process of its own."""
    command = [sys.executable, "-m", "resnet_sim", "train", "xor.net", *XOR_OPTIONS, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_lines(path: Path, count: int) -> None:
    limit = time.monotonic() + 180
    while not path.exists() or path.read_text().count("\n") < count:
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.slow
def test_killed_and_interrupted_runs_are_resumed_to_the_same_bytes(folder, run):
    common = (
        "--epochs",
        "200",
        "--batch-size",
        "2",
        "--checkpoint",
        "run",
        "--metrics",
        "m.jsonl",
    )
    for kind in (signal.SIGKILL, signal.SIGINT):
        lines = Path("m.jsonl").read_text().count("\n") if Path("m.jsonl").exists() else 0
        process = begin(*common, "--resume", "-o", "trained.net")
        wait_for_lines(Path("m.jsonl"), lines + 20)
        process.send_signal(kind)
        _, err = process.communicate()
        assert not Path("trained.net").exists()
        if kind == signal.SIGINT:
            assert process.returncode == 130
            assert "--resume goes on from run" in err
            assert "Traceback" not in err
    assert run("train", "xor.net", *XOR_OPTIONS, *common)[0] == 2  # a run is there
    other = run("train", "xor.net", *XOR_OPTIONS, *common, "--resume", "--seed", "1")
    assert other[0] == 2
    assert "begun with another --seed" in other[2]
    assert run("train", "xor.net", *XOR_OPTIONS, *common, "--resume", "-o", "trained.net")[0] == 0
    assert run("train", "xor.net", *XOR_OPTIONS, *common[:4], "-o", "whole.net")[0] == 0
    assert Path("trained.net").read_bytes() == Path("whole.net").read_bytes()
    records = [json.loads(line) for line in Path("m.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == list(range(200))


def test_a_run_is_resumed_with_what_it_was_begun_with_or_longer(run):
    options = ("train", "divider.net", "--data", "table.csv", *DIVIDED, "--checkpoint", "run")
    assert run(*options, "--epochs", "3", "-o", "t.net")[0] == 0
    assert run(*options, "--epochs", "5", "--resume", "-o", "t.net")[0] == 0
    assert run(*options[:6], *DIVIDED[2:], "--epochs", "5", "-o", "whole.net")[0] == 0
    assert Path("t.net").read_bytes() == Path("whole.net").read_bytes()
    for change, message in (
        (["--set", "r1=2k"], "another circuit:"),
        (["--lr", "1u", "--rule", "adjoint"], "another --lr and --rule:"),
        (["--input", "v1,v2=o"], "another --input and data:"),
    ):
        status, _, err = run(*options, *change, "--resume")
        assert status == 2
        assert f"the run in run was begun with {message}" in err
    Path("run/run.json").write_text("{")
    status, _, err = run(*options, "--resume")
    assert status == 2
    assert "does not tell what the run was about" in err


def test_an_interruption_without_checkpoint_says_that_nothing_is_kept(run, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tr.Trainer, "fit", interrupt)
    status, _, err = run("train", "divider.net", "--data", "table.csv", *DIVIDED, "-o", "t.net")
    assert status == 130
    assert "nothing is kept without --checkpoint" in err
    assert not Path("t.net").exists()


def test_a_failed_training_leaves_the_old_output(run):
    Path("t.net").write_text("old")
    Path("bad.csv").write_text("v1,v2,o\n1,0,nan\n")
    assert run("train", "divider.net", "--data", "bad.csv", *DIVIDED, "-o", "t.net")[0] == 2
    assert Path("t.net").read_text() == "old"


def test_help_does_not_wait_for_numpy():
    code = (
        "import sys\nfrom resnet_sim.cli import main\ntry: main(['train', '--help'])\n"
        "except SystemExit: pass\nassert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
