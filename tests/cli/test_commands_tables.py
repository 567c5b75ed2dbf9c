"""Tables of ``train`` and ``predict``: which column means what, and mistakes with their place."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

DIVIDER = "divider\nv1 a 0 1\nv2 b 0 1\nr1 a o 1k\nr2 b o 1k\nr3 o 0 1k\n.end\n"
DIVIDED = ("--input", "v1,v2", "--output", "o")


@pytest.fixture
def run(tmp_path, monkeypatch, in_process):
    """Run the command in a directory with a deck."""
    monkeypatch.chdir(tmp_path)
    Path("divider.net").write_text(DIVIDER)
    return in_process


def predictions(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def read(run, table: str, *options: str) -> np.ndarray:
    """Return v(o) and v(p) of each row, which follow v1 and v2."""
    Path("wires.net").write_text(
        "wires\nv1 a 0 1\nv2 b 0 1\nr1 a o 1\nr2 b o 1e9\nr3 b p 1\nr4 a p 1e9\n.end\n"
    )
    Path("t.csv").write_text(table)
    status, out, err = run("predict", "wires.net", "--data", "t.csv", "--output", "o,p", *options)
    assert status == 0, err
    return np.round([[float(row["v(o)"]), float(row["v(p)"])] for row in predictions(out)], 6)


@pytest.mark.parametrize(
    ("table", "options"),
    [
        ("v1,v2\n1,2\n3,4\n", ["--input", "v1,v2"]),
        ("V2, V1\n2,1\n4,3\n", ["--input", "v1,v2"]),
        ("1,2\n3,4\n", ["--input", "v1,v2"]),
        ("1;2\n3;4\n", ["--input", "v*"]),
        ("v1;v2\n1,0;2\n+,3e1;4,00\n", ["--input", "v*"]),
        ("1,0;2,0\n3;4\n", ["--input", "v*"]),
        ("# v2,v1\n2,1\n4,3\n", ["--input", "v1,v2"]),
        ("\ufeffx\ty\r\n1\t2\r\n\r\n3\t4\r\n", ["--input", "v*"]),
        ('"x,1","say ""y"""\n1,2\n3,4\n', ["--input", "v1,v2"]),
        ("1,2,0,0\n3,4,0,0\n", ["--input", "v1,v2"]),
        ("0,1,2,0\n0,3,4,0\n", ["--input", "v1,v2", "--target", "1,4"]),
        ("a,b\n2,1\n4,3\n", ["--input", "v1=b,v2=a"]),
        ("a,b\n-1,2\n-3,4\n", ["--input", "v1=-a,v2=2"]),
        ("o,p,v2,v1\n0,0,2,1\n0,0,4,3\n", ["--input", "v1,v2"]),
        ("n,v1,v2,q\n7,1,2,8\n7,3,4,8\n", ["--input", "v1,v2"]),
    ],
    ids=lambda value: repr(value) if isinstance(value, str) else " ".join(value),
)
def test_columns_find_their_sources(run, table, options):
    assert read(run, table, *options).tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("v1,v2,o\n1,0,0\n1,x,0\n", [], "t.csv:3: column 2 (v2): 'x' is not a finite number"),
        ("1,0,0\n1,1_0,0\n", [], "t.csv:2: column 2: '1_0' is not a finite number"),
        ("v1,v2,o\n1,0,inf\n", [], "t.csv:2: column 3 (o): 'inf' is not a finite number"),
        ("v1,v2,o\n\n1,,0\n", [], "t.csv:3: column 2 (v2): '' is not a finite number"),
        ("v1,v2,o\n1,0\n", [], "t.csv:2: 2 columns, but 3 in line 1"),
        ('v1,v2,o\n1,"0,0\n', [], "t.csv:2: unexpected end of data"),
        ("v1,v2,o\n", [], "t.csv has no rows of data"),
        ("", [], "t.csv has no rows of data"),
        ("v1,v1,o\n1,0,0\n", [], "two columns are called 'v1'"),
        ("v1,x,o\n1,0,0\n", [], "columns for some inputs, but none for v2"),
        ("v1,v2\n1,0\n", [], "which columns of t.csv are the targets? --target says so"),
        ("1,2,3,4,5\n", [], "has 5 columns, of which none is called like an input"),
        ("v1,v2,o\n1,0,0\n", ["--target", "y"], "no column is called 'y'"),
        ("v1,v2,o\n1,0,0\n", ["--target", "4"], "nor is that a position from 1 to 3"),
        ("v1,v2,o\n1,0,0\n", ["--target", "o,o"], "--target names 2 columns; needed: 1"),
        ("1,0,a\n0,1,b\n0,0,c\n", ["--labels", "--codes", "0,1"], "3 classes (a, b, c), but 1 out"),
        ("1,0,a\n0,1,\n", ["--labels", "--codes", "0,1"], "t.csv:2: column 3: the field is empty"),
        ("1,0,a\n0,1,c\n", ["--classes", "a,b", "--codes", "0,1"], "the class 'c' is none of a, b"),
    ],
)  # fmt: skip
def test_mistakes_in_tables_are_named_with_their_place(run, table, options, message):
    Path("t.csv").write_text(table)
    status, out, err = run("train", "divider.net", "--data", "t.csv", *DIVIDED, *options)
    assert (status, out) == (2, "")
    assert message in err


def test_a_table_may_come_from_standard_input(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\ufeffv1,v2\n1,2\n4,5\n"))
    status, out, _ = run("predict", "divider.net", "--data", "-", *DIVIDED)
    assert status == 0
    found = [float(row["v(o)"]) for row in predictions(out)]
    assert found == pytest.approx([1.0, 3.0])


def test_tables_that_cannot_be_read_are_named(run):
    Path("latin.csv").write_bytes("v1,v2,o\n1,2,\xb5\n".encode("latin-1"))
    for name, message in (
        ("latin.csv", "latin.csv is not UTF-8 text"),
        ("nowhere.csv", "can't read nowhere.csv: No such file"),
    ):
        status, _, err = run("train", "divider.net", "--data", name, *DIVIDED)
        assert status == 2
        assert message in err
