"""Which currents never fall as their own voltage rises."""

from random import Random

import numpy as np
import pytest
from formulas import random_formula

from resnet_sim import parse_netlist

#: formulas of x, the voltage across, that are curves
RISING = (
    "1e-4*sinh(3*x)", "2m*tanh(x/2)+x/1meg", "1e-3*x*abs(x)", "x*x*x/1k", "1e-14*(exp(x/0.025)-1)",
    "1m*atan(x)+2e-5*asinh(4*x)", "1m*pwrs(x,1.5)", "1m*x*cosh(x)", "1m*x*(1+x*x)", "1m+sinh(x)/1k",
    "table(x,-1,-1m,0,0,1,0,2,5m)", "pwl(x,0,0,1,1m,2,5m)", "limit(x/100,-1m,2m)",
    "x>0 ? x/1k : x/10k", "max(x/1k,2*x/1k-1m)", "min(x/1k,1m)", "abs(x)/2k+x/1k", "1m*uramp(x-1)",
    "-exp(-x/0.1)/1k", "-1m*x*x*(-x)", "1m*tanh(uramp(x))+limit(x,-1,1)/1k",
)  # fmt: skip
#: those that are not, or that nobody knows it of
OTHERS = (
    "1e-3*(x*x*x-x)", "1m*sin(x)", "-x/1k*abs(x)", "1m*x*exp(-x)", "1m*u(x)", "1m*sgn(x)",
    "table(x,0,0,1,2m,2,1m)", "abs(x)/1k", "1m*v(c)", "1m*x*v(c)", "1m*x*i(v1)", "1m*v(a)*v(b)",
    "1m*sqrt(x)", "1m*ln(x)", "1m*x/(1+x*x)", "x/1k-abs(x)/500", "1m*x*x",
)  # fmt: skip


def source(formula, ends="a b"):
    """Return the table of a source with a formula of x, the voltage across it."""
    text = formula.replace("exp", "EXP").replace("x", "v(a,b)").replace("EXP", "exp")
    text = text.replace("mav(a,b)", "max")
    deck = f"t\nv1 a 0 1\nr1 a b 1k\nrb b 0 1k\nrc c 0 1\nrd c a 1\nb1 {ends} i={text}\n"
    return parse_netlist(deck).behavioural_sources


@pytest.mark.parametrize("formula", RISING)
def test_what_rises_is_a_curve(formula):
    assert list(source(formula).rising) == [0]


@pytest.mark.parametrize("formula", OTHERS)
def test_what_may_fall_is_none(formula):
    table = source(formula)
    assert not len(table) or not table.rising


@pytest.mark.parametrize("formula", RISING[:8])
def test_the_direction_counts(formula):
    assert not source(formula, "b a").rising
    assert list(source(f"-({formula})", "b a").rising) == [0]


def test_random_straight_formulas_are_curves_exactly_if_they_rise():
    kinds = {False: 0, True: 0}
    for seed in range(120):
        made = random_formula(Random(seed), 2, ("v(a,b)",))
        deck = f"t\nv1 a b 1\nr1 b 0 1\nb1 a b i={{{made.text}}}\n"
        table = parse_netlist(deck).behavioural_sources
        if not len(table):
            continue
        x = np.linspace(-30, 30, 6001)
        y = np.array([made.value({"v(a,b)": v}) for v in x])
        rises = bool((np.diff(y) >= -1e-9 * np.abs(y[1:])).all())
        kinds[rises] += 1
        assert bool(table.rising) == rises, (seed, made.text)
    assert min(kinds.values()) > 10
