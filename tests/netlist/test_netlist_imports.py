"""What reading a deck imports; `benchmarks/command.py` tells how long it takes."""

import subprocess
import sys


def imported(text):
    program = (
        "import sys\nfrom resnet_sim.netlist import parse_netlist\n"
        f"parse_netlist({text!r})\nprint(*sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    return set(run.stdout.split()) & {"lark", "numba", "scipy", "networkx"}


def test_a_plain_deck_needs_neither_the_grammar_nor_the_solvers():
    text = (
        "t\nv1 a 0 5\nr1 a b 1k tc1=1m\nd1 b 0 dm\n.model dm d(ron=0 roff=inf)\n.param k=2 m={k}\n"
        "x1 a 0 cell r={m}\n.subckt cell p q r=1\nr1 p q {r}\n.ends\n.dc v1 0 5 1\n.op\n.end\n"
    )
    assert imported(text) == set()


def test_an_expression_needs_the_grammar_alone():
    assert imported("t\nr1 a 0 {1+1}\n") == {"lark"}
