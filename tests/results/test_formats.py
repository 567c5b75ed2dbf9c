"""Every output format, for one point and for many: the numbers that are written are read back."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from optional_formats import formats

import resnet_sim as rs
from resnet_sim.cli.command import build_parser
from resnet_sim.model.numbers import read_number
from resnet_sim.results import rawfile
from resnet_sim.results.formats.registry import FORMATS
from resnet_sim.results.predictions import Predictions
from resnet_sim.results.rawfile import read_raw

#: x and y float; beyond v1 = 1 the diode, whose ends sources hold, leaves no solution
DECK = """a title
v1 in 0 {value}
v2 top 0 1
d1 in top ideal
.model ideal d(ron=0 roff=inf vfwd=0)
r1 in out 3k
r2 out 0 1k
r3 x y 1k
{cards}
.end
"""
CARDS = {
    "one point": "",
    "many points": ".dc v1 -2 1 1",
    "unsolved points": ".dc v1 0 2 1",
    "nested": ".dc v1 0 1 1 r2 1k 3k 2k",
    "several analyses": ".op\n.dc v1 -1 1 1\n.dc r2 1k 2k 1k",
}
CHOSEN = {"everything": "", "chosen": ".print v(in,out) i(r1) v(x)"}


def results(cards: str) -> list[rs.OperatingPoint]:
    return rs.run(rs.parse_netlist(DECK.format(value=-1 / 3, cards=cards)))


def number(text: str) -> float:
    return float(text) if text else math.nan


# Each reader returns a list of columns by name, one for each analysis.


def read_csv(text: str):
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    yield from _split(header, np.array([[number(cell) for cell in row] for row in rows]))


def read_npz(data: bytes):
    with np.load(io.BytesIO(data)) as arrays:
        yield from _split(arrays["names"].tolist(), arrays["values"])


def _split(names, values):
    """Take one table apart: analyses, and what each of them did not sweep."""
    if names[0] != "analysis":
        yield dict(zip(names, values.T, strict=True))
        return
    for k in np.unique(values[:, 0]):
        rows = values[values[:, 0] == k]
        columns = dict(zip(names[1:], rows[:, 1:].T, strict=True))
        yield {n: v for n, v in columns.items() if n[1] == "(" or not np.isnan(v).all()}


def read_raw_file(text: str):
    for plot in read_raw(text.encode()):
        yield dict(zip(plot.names, plot.values.T, strict=True))


def read_json(text: str):
    record = json.loads(text)
    for part in record.get("analyses", [record]):
        outputs = part.get("outputs")
        if outputs is None:
            outputs = {f"v({n})": v for n, v in part["voltages"].items()}
            outputs |= {f"i({n})": v for n, v in part["currents"].items()}
        columns = part.get("sweep", {}) | outputs
        yield {n: np.atleast_1d(np.array(v, dtype=float)) for n, v in columns.items()}


def read_table(text: str):
    """Read the figures that a person sees; six digits."""
    for block in re.split(r"\n(?=certificate)", text)[:-1]:
        lines = [
            re.split(r"  +", line.strip())
            for line in block.splitlines()
            if re.match(r"  [^(]", line)
        ]
        if lines[0] == ["point"] or len(lines[0]) > 2 or lines[0][0] in ("v1", "r2"):
            columns = zip(*lines, strict=True)
            yield {name: np.array([figure(c) for c in cells]) for name, *cells in columns}
        else:
            kind, found = "", {}
            for name, cell, *_ in lines:
                if name in ("node", "element", "output"):
                    kind = {"node": "v({})", "element": "i({})", "output": "{}"}[name]
                else:
                    found[kind.format(name)] = np.array([figure(cell)])
            yield found


def figure(cell: str) -> float:
    read = read_number(re.sub(r"M\b", "meg", cell.replace(" ", "").rstrip("VA")).lower())
    return math.nan if read is None else read.value


def read_parquet(data: bytes):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(data))
    yield from _split(table.column_names, np.column_stack([np.array(c) for c in table.columns]))


def read_xlsx(data: bytes):
    import openpyxl

    header, *rows = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    cells = [[math.nan if cell is None else float(cell) for cell in row] for row in rows]
    yield from _split(list(header), np.array(cells))


READERS = {
    "csv": read_csv, "npz": read_npz, "raw": read_raw_file, "json": read_json, "table": read_table,
    "parquet": read_parquet, "xlsx": read_xlsx,
}  # fmt: skip


@pytest.mark.parametrize("chosen", CHOSEN.values(), ids=list(CHOSEN))
@pytest.mark.parametrize("cards", CARDS.values(), ids=list(CARDS))
@pytest.mark.parametrize("form", formats())
def test_the_same_numbers_are_read_back(form, cards, chosen):
    ops = results(f"{cards}\n{chosen}")
    found = list(READERS[form](FORMATS[form].write(ops)))
    assert len(found) == len(ops)
    for columns, op in zip(found, ops, strict=True):
        names = ["v(in,out)", "i(r1)", "v(x)"] if chosen else [
            *(f"v({node})" for node in op.circuit.nodes[1:]),
            *(f"i({element})" for element in op.circuit.element_names),
        ]  # fmt: skip
        swept = [np.asarray(values) for values in op.sweep.values()]
        if form == "table" and not chosen and swept:  # the text says how many are left out
            shown = list(columns)[len(swept) :]
            assert len(shown) == 8 and set(shown) < set(names)
            names = shown
        wanted = [*swept, *(np.atleast_1d(op.value(name)) for name in names)]
        assert list(columns)[len(swept) :] == names
        # a table has six digits, a sheet sixteen
        rounded = {"table": {"rtol": 1e-5, "atol": 1e-12}, "xlsx": {"rtol": 1e-15, "atol": 0.0}}
        exact = rounded.get(form, {"rtol": 0.0, "atol": 0.0})
        for column, values in zip(columns.values(), wanted, strict=True):
            np.testing.assert_allclose(column, values, **exact)


@pytest.mark.parametrize("form", formats())
def test_names_given_count_for_more_than_those_of_the_deck(form):
    (op,) = results(".dc v1 -1 1 1\n.print v(in)")
    (found,) = READERS[form](FORMATS[form].write([op], ["i(v1)", "v(out)"]))
    assert list(found)[1:] == ["i(v1)", "v(out)"]
    (all_of_it,) = READERS[form](FORMATS[form].write([op], ["all"]))
    assert len(all_of_it) > 8


@pytest.mark.parametrize("form", formats())
def test_a_batch_without_a_sweep_has_a_row_per_point(form):
    circuit = rs.parse_netlist(DECK.format(value=1, cards=".print v(out) i(r1)"))
    op = rs.solve(circuit, inputs={"v1": [-1.0, 0.25, 1 / 3]})
    (found,) = READERS[form](FORMATS[form].write([op]))
    assert np.allclose(found["v(out)"], op.voltage("out"), rtol=1e-5)
    assert len(found["i(r1)"]) == 3


@pytest.mark.parametrize("form", formats())
def test_what_a_network_answers_is_written_by_the_same_writers(form):
    circuit = rs.parse_netlist(DECK.format(value=1, cards=""))
    values = np.array([[1 / 3, 1.0], [-2e-3, 0.0]])
    content = FORMATS[form].write(
        [Predictions(circuit, ("v(out)", "class"), values, {"class": ("no", "yes")})]
    )
    if form == "npz":
        with np.load(io.BytesIO(content)) as arrays:
            assert arrays["names"].tolist() == ["v(out)", "class"]
            assert np.array_equal(arrays["values"], values)
            assert arrays["class_names"].tolist() == ["no", "yes"]
    elif form == "raw":
        (plot,) = read_raw(content.encode())
        assert (plot.names, plot.kinds) == (("v(out)", "class"), ("voltage", "notype"))
        assert np.array_equal(plot.values, values)
    elif form == "json":
        record = json.loads(content)
        assert record["outputs"] == {"v(out)": [1 / 3, -2e-3], "class": ["yes", "no"]}
    elif form == "parquet":
        frame = pytest.importorskip("pandas").read_parquet(io.BytesIO(content))
        assert frame.to_dict("list") == {"v(out)": [1 / 3, -2e-3], "class": ["yes", "no"]}
    elif form == "xlsx":
        frame = pytest.importorskip("pandas").read_excel(io.BytesIO(content))
        assert frame.to_dict("list") == {"v(out)": [1 / 3, -2e-3], "class": ["yes", "no"]}
    elif form == "csv":
        assert content == f"v(out),class\r\n{1 / 3!r},yes\r\n-0.002,no\r\n"
    else:
        assert re.search(r"0 +333.333 mV +yes\n +1 +-2.00000 mV +no\n", content)


def test_no_number_is_written_as_minus_zero_or_with_an_empty_fraction():
    circuit = rs.parse_netlist("t\nv1 a 0 -10\nr1 a 0 1e-20\n.end\n")
    predictions = Predictions(circuit, ("v(a)", "v(b)"), np.array([[-10.0, -0.0], [1e22, 0.5]]), {})
    assert FORMATS["csv"].write([predictions]) == "v(a),v(b)\r\n-10,0\r\n1e+22,0.5\r\n"


def subcommand(name: str):
    (action,) = [a for a in build_parser()._actions if hasattr(a, "choices") and a.choices]
    return action.choices[name]


@pytest.mark.parametrize("command", ["solve", "sweep", "predict", "check", "validate"])
def test_the_command_offers_all_formats(command):
    (option,) = [a for a in subcommand(command)._actions if "--format" in a.option_strings]
    reports = command in ("check", "validate")
    wanted = [form for form in FORMATS.values() if form.reports or not reports]
    assert list(option.choices) == [form.name for form in wanted]
    assert all(form.description in option.help for form in wanted)


def test_every_format_names_its_files():
    assert len({form.ending for form in FORMATS.values()}) == len(FORMATS)
    assert all(re.fullmatch(r"[a-z]+", form.ending) for form in FORMATS.values())


def test_the_documents_list_the_formats():
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `\.(\w+)` \| (.*?) \| (yes|no) \|$", text, re.MULTILINE)
    wanted = [(f.name, f.ending, f.description, "yes" if f.reports else "no")
              for f in FORMATS.values()]  # fmt: skip
    assert rows == wanted


def test_what_is_missing_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    op = rs.solve(rs.parse_netlist(DECK.format(value=1, cards="")))
    with pytest.raises(rs.UsageError, match=r"parquet needs pandas and pyarrow: pip install"):
        FORMATS["parquet"].write([op])


def test_a_sheet_holds_only_so_much(monkeypatch):
    pytest.importorskip("openpyxl")
    monkeypatch.setattr("resnet_sim.results.formats.xlsx.MOST_COLUMNS", 5)
    op = rs.solve(rs.parse_netlist(DECK.format(value=1, cards="")))
    with pytest.raises(rs.UsageError, match="5 columns"):
        FORMATS["xlsx"].write([op])


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_parts_are_the_whole(form):
    if any(importlib.util.find_spec(package) is None for package in form.needs):
        pytest.skip("not installed")
    ops = results(CARDS["several analyses"])
    ops = ops if form.name in ("raw", "json", "table") else ops[1:2]
    whole = form.write(ops)
    if form.name not in ("xlsx", "parquet"):  # which hold the time
        assert whole[:0].join(form.parts(ops)) == whole


def test_a_raw_file_comes_in_parts(monkeypatch):
    monkeypatch.setattr(rawfile, "BLOCK", 10)
    op = rs.solve(rs.generators.grid(8))
    parts = list(FORMATS["raw"].parts([op]))
    assert max(map(len, parts)) < sum(map(len, parts)) / 20
    (plot,) = read_raw("".join(parts).encode())
    np.testing.assert_array_equal(plot.values, op.table()[1])
    assert list(plot.names) == op.table()[0]
