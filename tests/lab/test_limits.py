"""Processes that read other people's decks: what they may take and see, and that they come back."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from resnet_sim.cli.lab import _trainings
from resnet_sim.lab.worker import Wall
from resnet_sim.lab.workshop import Exceeded, Limits, Workshop

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "netlists").glob("*.net"))
GOOD = "load\nV1 a 0 2\nR1 a 0 1k\n"
#: minutes of work in a line
SLOW = "slow\nV1 a 0 1\nR1 a b 1k\nD1 b 0 d\n.model d d(is=1e-14)\n.dc V1 0 1 1.1e-6\n"


@pytest.fixture(scope="module")
def shop():
    shop = Workshop(Limits(seconds=5.0, training_seconds=60.0, bytes=700 << 20), [])
    yield shop
    shop.close()


def ask(shop: Workshop, job: str, deck: str, **more: object) -> dict:
    return shop.worker(job).ask(job, {"deck": deck, **more})


@pytest.mark.slow
def test_what_takes_too_long_is_ended_and_the_next_is_answered(shop):
    ask(shop, "curves", GOOD)
    before = shop.worker("curves")._process.pid
    started = time.monotonic()
    with pytest.raises(Exceeded, match="5 s"):
        ask(shop, "curves", SLOW)
    assert time.monotonic() - started < 30
    assert shop.worker("curves")._process.pid != before
    with pytest.raises(ProcessLookupError):
        subprocess.os.kill(before, 0)
    assert ask(shop, "curves", GOOD)["panels"] == []


@pytest.mark.slow
def test_what_takes_too_much_memory_is_ended_and_the_next_is_answered():
    shop = Workshop(Limits(seconds=60.0, bytes=24 << 20), [])
    try:
        deck = "wide\nV1 n0 0 1\n" + "".join(f"R{k} n{k} n{k + 1} 1\n" for k in range(40_000))
        with pytest.raises(Exceeded, match="memory"):
            ask(shop, "answer", deck)
        assert ask(shop, "answer", GOOD)["status"] == "solved"
    finally:
        shop.close()


@pytest.mark.parametrize("card", [".include", ".lib", ".inc"])
@pytest.mark.parametrize("file", ["/etc/passwd", "/proc/self/environ", "../../etc/hostname", "~/x"])
def test_no_file_is_read(shop, card, file):
    found = ask(shop, "answer", f"{GOOD}{card} {file}\n")
    (told,) = found["diagnostics"]
    assert (told["code"], told["line"]) == ("E101", 4)
    assert "may not be read" in told["message"] and "--allow-includes" in told["hint"]


def test_the_wall_holds_without_the_reader(tmp_path):
    """In a process of its own: what is bound stays so."""
    code = f"""
import socket, subprocess, os
from resnet_sim.lab.worker import bind
bind(1 << 30, [])
tries = [lambda: open("/etc/passwd"), lambda: os.open("/etc/hostname", os.O_RDONLY),
         lambda: open({str(tmp_path / "x")!r}, "w"), lambda: subprocess.run(["true"]),
         lambda: os.system("true"), lambda: socket.create_connection(("127.0.0.1", 1)),
         lambda: os.remove({str(ROOT / "README.md")!r}), lambda: os.fork(),
         lambda: open(os.__file__, "a")]
for attempt in tries:
    try:
        attempt()
    except PermissionError as error:
        assert "a deck of the lab" in str(error), error
    else:
        raise AssertionError("not held")
import colorsys  # what belongs to Python loads
try:
    bytearray(2 << 30)
except MemoryError:
    print("held")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout.strip() == "held", done.stderr


def test_folders_that_are_allowed_are_open(tmp_path):
    (tmp_path / "load.inc").write_text("R2 a 0 1k\n")
    wall = Wall([tmp_path])
    wall("open", (str(tmp_path / "load.inc"), "r", 0))
    with pytest.raises(PermissionError):
        wall("open", (str(tmp_path / "load.inc"), "w", 1))
    with pytest.raises(PermissionError):
        wall("open", (str(tmp_path) + "-other/x", "r", 0))
    shop = Workshop(Limits(), [tmp_path])
    try:
        found = ask(shop, "answer", f"{GOOD}.include load.inc\n")
        assert [row[0] for row in found["currents"]] == ["r1", "r2", "v1"]
    finally:
        shop.close()


def test_decks_are_read_as_the_command_says():
    shop = Workshop(Limits(), [], {"title": False, "diodes": "ideal"})
    try:
        found = ask(shop, "answer", "V1 a 0 2\nD1 a b d\nR1 b 0 1k\n.model d d(is=1e-14)\n")
        assert dict(found["voltages"]) == {"a": 2.0, "b": 2.0}
    finally:
        shop.close()


@pytest.mark.slow
def test_every_example_opens_without_an_error():
    """Answer, schematic, curves and table; those without a solution say so."""
    shop = Workshop(Limits(seconds=60.0), [])
    try:
        for path in EXAMPLES:
            deck = path.read_text()
            found = ask(shop, "answer", deck)
            severities = {told["severity"] for told in found["diagnostics"]}
            if path.stem.startswith("impossible"):
                assert found["status"] == "no solution" and "error" in severities
            else:
                assert found["status"] == "solved" and "error" not in severities, path
                assert found["certificate"]["ok"]
                assert ask(shop, "table", deck)["text"].count("\n") >= 2
            if found["elements"] <= 15:  # larger ones take long; all are drawn elsewhere
                assert ask(shop, "picture", deck)["svg"].startswith("<?xml")
            assert bool(ask(shop, "curves", deck)["panels"]) == bool(found["sweeps"]), path
    finally:
        shop.close()


@pytest.mark.slow
def test_a_training_run_comes_frame_by_frame_and_may_be_left(shop):
    training = _trainings()[0]
    frames = list(shop.worker("training").stream("training", training | {"epochs": 3}))
    assert [frame.get("epoch") for frame in frames] == [None, 0, 1, 2, 3, None]
    assert frames[4]["cost"] < frames[1]["cost"]
    assert len(frames[1]["siemens"]) == 60
    before = shop.worker("training")._process.pid
    run = shop.worker("training").stream("training", training | {"epochs": 5000})
    next(run)
    run.close()
    assert shop.worker("training")._process.pid != before


OWN = "two of them\nV1 a 0 1\nV2 b 0 1\nR1 a o 1k\nR2 b o 1k\nR3 o 0 1k\nR4 o p 1k\nR5 p 0 1k\n"


def test_the_deck_in_the_editor_learns_from_a_table(shop):
    table = 'v1,V2,o,"v(o,p)"\n1,0,0.3,0.15\n0,1,0.2,0.1\n'
    given = {"deck": OWN, "values": {"r1": 2000.0}, "csv": table, "epochs": 30}
    first, *frames, last = shop.worker("training").stream("training", given)
    assert first["samples"]["inputs"] == ["v1", "v2"]
    assert first["samples"]["outputs"] == ["o", ["o", "p"]]
    assert (first["samples"]["sources"], first["samples"]["watched"]) == (["a", "b"], ["o", "p"])
    assert frames[0]["siemens"][0] == pytest.approx(1 / 2000)
    assert frames[-1]["cost"] < 0.1 * frames[0]["cost"]
    assert "R4" in last["deck"].upper()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "has no rows of data"),
        ("1,2,3\n4,5,6", "names sources and outputs"),
        ("v1,v2\n1,2", "names sources and outputs"),
        ("v1,o\n1,x", "the table:2: column 2 (o): 'x' is not a finite number"),
        ("v1,q\n1,2", "no node 'q'"),
        ("v1,o(\n1,2", "is not of the form NODE"),
    ],
)
def test_a_table_that_can_not_be_read_says_why(shop, table, told):
    (frame,) = shop.worker("training").stream("training", {"deck": OWN, "csv": table})
    assert told in frame["failed"][0]["message"]


def test_a_run_that_can_not_be_says_why(shop):
    training = _trainings()[0] | {"outputs": ["nowhere"]}
    (frame,) = shop.worker("training").stream("training", training)
    assert "nowhere" in frame["failed"][0]["message"]
