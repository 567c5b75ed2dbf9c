"""Many models are read and evaluated by columns: the same circuit, and the same to say."""

import random

import pytest
from test_fuzz import described, outcome

from resnet_sim.compiled import policy
from resnet_sim.model.devices import junction
from resnet_sim.netlist import parse_netlist
from resnet_sim.netlist.read import models

COUNT = 80
#: what a diode's card says, for a random number
FORMS = {
    "short": lambda x: f"d(is={x:.6e})",
    "bare": lambda x: f"d is={x:.3e} n={1 + x * 1e12:.4f}",
    "series": lambda x: f"d( is={x}  rs={1e12 * x:.3f}k cjo=2p tt=3n )",
    "breakdown": lambda x: f"d(is={x} n=1.3 bv={20 + x * 1e13} nbv=1.7 ibv=0)",
    "at a current": lambda x: f"d(is={x} bv={20 + x * 1e13:.4f} ib={1e9 * x})",
    "recombination": lambda x: f"d(is={x} isr={1e3 * x} nr=2.1 pb=.7 mj={0.3 + x * 1e12})",
    "knees": lambda x: f"d(is={x} ikf={1e9 * x} ikr={1e10 * x} area={1 + x * 1e12})",
    "no recombination": lambda x: f"d(is={x} isr=0 vj=.6 ikf=0)",
    "aliases": lambda x: f"d(js={x} is={2 * x})",
    "piecewise": lambda x: f"d(ron={1e13 * x} vfwd=.6)",
    "sidiode": lambda x: f"sidiode(rs={1e12 * x})",
    "warm": lambda x: f"d(is={x} tnom=50)",
    "bent": lambda x: f"d(is={x} level=1 trs1=1m)",
}
#: what some of them have to say
SAID = {
    "a wrong one": lambda k: "d(is=-1)" if k == 70 else f"d(is={k + 1}e-15)",
    "no emission": lambda k: f"d(is=1f n={k - 40})",
    "milliohms": lambda k: f"d(is=1f rs={k}M)",
    "a unit": lambda k: f"d(is=1f rs={k}ohms)",
    "tiny": lambda k: f"d(is=1e-{250 + k})",
    "a typo": lambda k: f"d(is=1f rz={k})",
    "ignored": lambda k: f"d(is=1f mfg=someone iave={k})",
    "too much": lambda k: f"d(is=1f jtun={k})",
    "twice": lambda k: f"d(is=1f is={k + 1}f)",
    "varied": lambda k: f"ako:m{k + 1} d(n=1.{k})" if k < 79 else "d(is=1p)",
    "glued": lambda k: f"d(is=1f)n={k + 1}",
    "no type": lambda k: f"is={k + 1}f",
    "a formula": lambda k: f"d(is={{1f*{k + 1}}})",
}  # fmt: skip


@pytest.fixture(autouse=True)
def by_columns():
    with policy.using(blocks=0):
        yield


def deck(cards, more=""):
    diodes = "".join(f"d{k} a n{k} m{k}\nr{k} n{k} 0 1k\n" for k in range(COUNT))
    lines = "".join(f".model m{k} {cards(k)}\n" for k in range(COUNT))
    return f"t\nv1 a 0 1\n{diodes}{lines}{more}"


def compared(text, **options):
    quick = outcome(text, **options)
    assert described(quick) == described(outcome(text, quick=False, **options))
    return quick


@pytest.mark.parametrize("more", ["", ".options temp=50 gmin=1p\n", ".options temp=25 tnom=25\n"])
@pytest.mark.parametrize("form", FORMS)
def test_models_of_one_form_are_as_they_are_one_by_one(form, more):
    rng = random.Random(form)
    compared(deck(lambda _: FORMS[form](10 ** rng.uniform(-16, -12)), more))


@pytest.mark.parametrize("dialect", ["ngspice", "ltspice", "pspice", "xyce", "hspice"])
def test_they_are_in_every_dialect(dialect):
    rng = random.Random(dialect)
    some = [form for name, form in FORMS.items() if name != "sidiode"]
    compared(deck(lambda k: some[k % 3](10 ** rng.uniform(-16, -12))), dialect=dialect)
    compared(deck(lambda k: some[k // 7](10 ** rng.uniform(-16, -12))), dialect=dialect)


@pytest.mark.parametrize(
    "options", [{"diodes": "ideal"}, {"diodes": "pieces:3"}, {"forward_drop": 0.4}]
)
def test_they_are_read_as_all_diodes_are(options):
    compared(deck(lambda k: f"d(is={k + 1}f rs=2)"), **options)


@pytest.mark.parametrize("said", SAID)
def test_what_is_to_be_said_of_a_model_is_said(said):
    compared(deck(SAID[said]))


def test_a_parameter_of_one_model_is_swept():
    text = deck(lambda k: f"d(is={k + 1}f rs=2)")
    circuit = parse_netlist(text, overrides={"m7(rs)": 5.0})
    assert circuit.junctions.series.tolist() == [2.0] * 7 + [5.0] + [2.0] * 72


def test_models_of_a_subcircuit_are_its_own():
    inner = deck(lambda k: f"d(is={k + 1}f)").removeprefix("t\nv1 a 0 1\n")
    outer = deck(lambda k: f"d(is={k + 1}p)")
    circuit = compared(f"{outer}.subckt cell a\n{inner}.ends\nx1 a cell\n")
    values = dict(zip(circuit.junctions.names, circuit.junctions.saturation, strict=True))
    assert values["d4"] == pytest.approx(5e-12)
    assert values["x1.d4"] == pytest.approx(5e-15)


def test_plain_models_are_evaluated_by_columns(monkeypatch):
    """Else all the above would hold for nothing."""
    alone = []
    monkeypatch.setattr(models.ModelReader, "evaluate", lambda *arguments: alone.append(arguments))
    monkeypatch.setattr(
        junction.JunctionModel, "columns", lambda *arguments: alone.append(arguments)
    )
    circuit = parse_netlist(deck(lambda k: f"d(is={k + 1}f rs=2 bv=50 ibv=0)"))
    assert circuit.junctions.breakdown.tolist() == [50.0] * COUNT
    assert alone == []
