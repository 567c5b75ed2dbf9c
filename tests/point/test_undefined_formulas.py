"""Formulas at arguments for which their functions have no value, or one by convention."""

import pickle
import re

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs


@pytest.mark.parametrize(("cards", "said"), [
    ("v1 a 0 0\nb1 b 0 v={2+log(v(a))}",
     "b1 (line 3): log(v(a)) is undefined where its argument is 0"),
    ("v1 a 0 2\nb1 b 0 v=acos(v(a))", "its argument is 2"),
    ("v1 s 0 -2\nr1 s a 1k\nr2 a 0 1k\nb1 b 0 v=v(b)*sqrt(2*v(a))",
     "sqrt(2.0*v(a)) is undefined where"),
    ("v1 a 0 0\nr1 a b 1k\nb1 b 0 i={v(b)/v(a)/v(a)+1/v(a)}", "its arguments are 1 and 0"),
])  # fmt: skip
def test_a_function_that_is_undefined_is_named_with_its_argument(cards, said):
    with pytest.raises(rs.ConvergenceError, match=re.escape(said)):
        rs.solve(f"undefined\n{cards}\nr9 b 0 1k\n")


def test_what_is_undefined_has_its_place_and_its_line():
    card = "b1 b 0 v=ln(v(a))"
    with pytest.raises(rs.ConvergenceError) as caught:
        rs.solve(rs.parse_netlist(f"t\nv1 a 0 0\n  {card}\nr1 b 0 1\n", name="deck.net"))
    (told,) = pickle.loads(pickle.dumps(caught.value)).diagnostics
    span = told.span
    assert (told.code, span.file, span.line, span.column) == ("E208", "deck.net", 3, 3)
    assert f"3  |   {card}\n" in told.render()


def test_what_is_not_chosen_may_be_undefined():
    op = rs.solve("* t\nv1 a 0 -1\nb1 b 0 v={v(a)>0 ? log(v(a)) : v(b)*v(b)+.1}\nr1 b 0 1k\n")
    assert op.certificate.ok
    assert op.voltage("b") == pytest.approx((1 - np.sqrt(0.6)) / 2)


def test_zero_to_the_power_of_zero_is_one_as_in_ngspice():
    op = rs.solve(
        "* t\nv1 a 0 0\nb1 b 0 v=pwr(v(a),0)\nb2 c 0 v=pwr(v(a),v(a))\nb3 d 0 v=pwr(0,0)\n"
    )
    assert op.certificate.ok
    assert [op.voltage(node) for node in "bcd"] == [1.0, 1.0, 1.0]


LATE = "t\nv1 a 0 1\nr1 a b 1k\nb1 b 0 i=log(v(b)-2)\n"


def test_a_formula_without_a_value_where_the_search_begins_is_named():
    said = "in b1 (line 4) log(-2.0+v(b)) is undefined where its argument is -2"
    with pytest.raises(rs.ConvergenceError, match=re.escape(said)):
        rs.solve(LATE)


@requires_ngspice
def test_a_nodeset_leads_to_where_a_formula_has_a_value():
    deck = f"{LATE}.nodeset v(b)=3\n"
    b = rs.solve(deck)["b"]
    assert np.log(b - 2) == pytest.approx((1 - b) / 1000)
    assert rs.ngspice.compare(deck).as_written.status == "agree"
