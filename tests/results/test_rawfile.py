"""Raw files: what is written is read back, for every kind; the sizes of others' files are right."""

import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ngspice_tools import requires_ngspice
from raw_files import format_raw, pack_ltspice, pack_raw

import resnet_sim as rs
from resnet_sim import UsageError
from resnet_sim.results.formats.registry import FORMATS
from resnet_sim.results.rawfile import (
    DC_SWEEP,
    OPERATING_POINT,
    Plot,
    is_raw,
    read_raw,
)

EXAMPLES = Path(__file__).parents[2] / "examples" / "netlists"
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=8)
#: whatever a title may be, a line feed's half in UTF-16 (U+0A0A, U+0A00) among it
TITLES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=20),
    st.just("\u0a0a x \u0a00"),
).map(str.strip)
NUMBERS = st.floats(width=64).filter(lambda x: x == 0 or not np.isnan(x))


@st.composite
def plots(draw, numbers=NUMBERS) -> Plot:
    vectors, points = draw(st.integers(1, 5)), draw(st.integers(0, 6))
    sweep = draw(st.booleans())
    values = [[draw(numbers) for _ in range(vectors)] for _ in range(points)]
    return Plot(
        title=draw(TITLES),
        name=DC_SWEEP if sweep else OPERATING_POINT,
        names=tuple(draw(NAMES) for _ in range(vectors)),
        kinds=tuple(
            draw(st.sampled_from(["voltage", "current", "notype"])) for _ in range(vectors)
        ),
        values=np.array(values, dtype=float).reshape(points, vectors),
    )


def assert_same(found: Plot, wanted: Plot, values=None) -> None:
    assert (found.title, found.name) == (wanted.title, wanted.name)
    assert (found.names, found.kinds) == (wanted.names, wanted.kinds)
    np.testing.assert_array_equal(found.values, wanted.values if values is None else values)


@given(st.lists(plots(), min_size=1, max_size=3))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_ascii_files_of_several_plots_come_back_exactly(some):
    data = format_raw(some).encode()
    assert is_raw(data)
    for found, wanted in zip(read_raw(data), some, strict=True):
        assert_same(found, wanted)
        assert found.resolution == 0


@given(st.lists(plots(), min_size=1, max_size=3))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_binary_files_of_several_plots_come_back_exactly(some):
    for found, wanted in zip(read_raw(pack_raw(some)), some, strict=True):
        assert_same(found, wanted)


@given(plots(), st.booleans())
@settings(deadline=None, derandomize=True, max_examples=60)
def test_ltspice_files_of_doubles_come_back_exactly(plot, fast):
    (found,) = read_raw(pack_ltspice(plot, double=True, fast_access=fast))
    assert_same(found, plot)
    assert found.resolution == 0


@given(plots(st.floats(width=32, allow_nan=False)), st.booleans())
@settings(deadline=None, derandomize=True, max_examples=60)
def test_ltspice_files_of_singles_come_back_exactly(plot, fast):
    (found,) = read_raw(pack_ltspice(plot, fast_access=fast))
    assert_same(found, plot)


def test_the_scale_of_an_ltspice_sweep_keeps_its_precision_and_the_rest_does_not():
    third = 1 / 3
    plot = Plot("t", DC_SWEEP, ("v1", "V(a)"), ("voltage",) * 2, np.full((2, 2), third))
    (found,) = read_raw(pack_ltspice(plot))
    np.testing.assert_array_equal(found.values[:, 0], third)
    np.testing.assert_array_equal(found.values[:, 1], np.float64(np.float32(third)))
    assert 1e-8 < found.resolution < 1e-6


def test_an_ltspice_operating_point_is_all_singles_or_has_a_double_in_front():
    head = (
        "Title: * t\nPlotname: Operating Point\nFlags: real forward\nNo. Variables: 3\n"
        "No. Points: 1\nVariables:\n\t0\tV(a)\tvoltage\n\t1\tV(b)\tvoltage\n\t2\tI(V1)\t"
        "device_current\nBinary:\n"
    ).encode("utf-16-le")
    for body in (struct.pack("<3f", 1.5, -2.0, 0.25), struct.pack("<dff", 1.5, -2.0, 0.25)):
        (found,) = read_raw(head + body)
        assert found.values.tolist() == [[1.5, -2.0, 0.25]]


@pytest.mark.parametrize("cut", [1, 8, 40, 100])
def test_a_binary_file_that_is_cut_short_is_refused(cut):
    plot = Plot("t", DC_SWEEP, ("v1", "v(a)"), ("voltage",) * 2, np.full((4, 2), 123.456))
    with pytest.raises(UsageError, match=r"missing|ends within"):
        read_raw(pack_raw([plot])[:-cut])


@pytest.mark.parametrize("cut", [40, 120, 250])
def test_an_ascii_file_that_lacks_values_is_refused(cut):
    plot = Plot("t", DC_SWEEP, ("v1", "v(a)"), ("voltage",) * 2, np.full((4, 2), 123.456))
    with pytest.raises(UsageError, match=r"holds|ends within"):
        read_raw(format_raw([plot]).encode()[:-cut])


def test_what_is_no_raw_file_of_real_values_is_refused():
    with pytest.raises(UsageError, match="Title"):
        read_raw(b"a = 1.0\n")
    plot = Plot("t", "AC Analysis", ("f",), ("frequency",), np.zeros((1, 1)), flags=("complex",))
    with pytest.raises(UsageError, match="complex"):
        read_raw(pack_raw([plot]))
    with pytest.raises(UsageError, match="points"):
        read_raw(pack_raw([replace(plot, flags=("real",))]).replace(b"Points: 1", b"Points: many"))


@requires_ngspice
@pytest.mark.parametrize("filetype", ["ascii", "binary"])
def test_ngspice_files_of_two_analyses_are_read(filetype, tmp_path):
    deck = "two plots\nV1 a 0 5\nR1 a b 1k\nR2 b 0 3k\n.op\n.dc V1 -1 1 0.5\n.end\n"
    (tmp_path / "deck.cir").write_text(deck)
    command = ["ngspice", "-n", "-b", "-D", f"filetype={filetype}", "-r", "out.raw", "deck.cir"]
    subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    first, second = read_raw((tmp_path / "out.raw").read_bytes())
    sweep, point = (first, second) if first.is_sweep else (second, first)
    assert sweep.names == ("v(v-sweep)", "v(a)", "v(b)", "i(v1)")
    np.testing.assert_allclose(sweep.values[:, 0], [-1, -0.5, 0, 0.5, 1], atol=1e-12)
    np.testing.assert_allclose(sweep.values[:, 2], 0.75 * sweep.values[:, 0], atol=1e-12)
    assert dict(zip(point.names, point.values[0], strict=True)) == pytest.approx(
        {"v(a)": 5.0, "v(b)": 3.75, "i(v1)": -1.25e-3}
    )
    assert point.title == "two plots"


@requires_ngspice
@pytest.mark.parametrize(
    "pack", [pack_raw, lambda p: format_raw(p).encode()], ids=["binary", "ascii"]
)
def test_ngspice_loads_what_is_written(pack, tmp_path):
    values = np.array([[0.0, 1 / 3, -1e-15], [1.0, 2 / 3, 1e15]])
    plot = Plot("t", DC_SWEEP, ("v(v-sweep)", "v(a)", "i(v1)"), ("voltage",) * 3, values)
    (tmp_path / "in.raw").write_bytes(pack([plot]))
    script = "t\n.control\nset numdgt=16\nload in.raw\nprint v(a) i(v1)\nquit 0\n.endc\n.end\n"
    (tmp_path / "deck.cir").write_text(script)
    run = subprocess.run(
        ["ngspice", "-n", "-b", "deck.cir"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    rows = [line.split() for line in run.stdout.splitlines() if line[:2] in ("0\t", "1\t")]
    found = [[float(word) for word in row[1:]] for row in rows]
    np.testing.assert_allclose(found, values[:, 1:], rtol=1e-14)


def shown(tmp_path, name):
    """A raw file of ours, and v(out) of its example."""
    circuit = rs.read_netlist(EXAMPLES / f"{name}.net")
    (op,) = rs.run(circuit)
    path = tmp_path / f"{name}.raw"
    path.write_text(FORMATS["raw"].write([op]))
    return path, np.atleast_1d(op.voltage("out"))


SHOWN = ["divider", "nested-sweep", "bridge-rectifier-sweep", "parameter-step"]


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("package", ["spicelib", "PyLTSpice"])
def test_viewers_open_what_is_written(package, name, tmp_path):
    reader = pytest.importorskip(package).RawRead
    path, wanted = shown(tmp_path, name)
    assert np.array_equal(reader(str(path)).get_trace("v(out)").data, wanted)


@pytest.mark.parametrize("name", SHOWN)
def test_ltspice_of_pypi_opens_what_is_written(name, tmp_path):
    path, wanted = shown(tmp_path, name)
    raw = pytest.importorskip("ltspice").Ltspice(str(path))
    raw.parse()
    found = [raw.get_data("v(out)", case) for case in range(raw.case_count)]
    assert np.array_equal(np.concatenate(found), wanted)


@requires_ngspice
@pytest.mark.parametrize("name", SHOWN)
def test_ngspice_loads_what_is_written_without_a_complaint(name, tmp_path):
    path, wanted = shown(tmp_path, name)
    script = f"t\n.control\nload {path.name}\nset wr_singlescale\nset numdgt=16\n"
    script += "wrdata out.txt v(out)\nquit 0\n.endc\n.end\n"
    (tmp_path / "load.cir").write_text(script)
    run = subprocess.run(
        ["ngspice", "-n", "-b", "load.cir"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not [x for x in (run.stdout + run.stderr).lower().splitlines() if "rror" in x]
    table = np.loadtxt(tmp_path / "out.txt", ndmin=2)
    assert np.allclose(table[:, -1], wanted, rtol=1e-14)
