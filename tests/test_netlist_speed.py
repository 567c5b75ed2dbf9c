"""What reading costs: imports, time per card, growth with the number of instances."""

import subprocess
import sys
import time

from resnet_sim.netlist import parse_netlist

CELL = ".subckt cell a b r=1k\nr1 a m 1k\nr2 m b {r}\nd1 m b dm\n.ends\n.model dm d(ron=0)\n"


def seconds(text):
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        parse_netlist(text)
        best = min(best, time.process_time() - started)
    return best


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


def test_plain_cards_are_read_fast():
    count = 50_000
    text = "t\n" + "\n".join(f"r{k} n{k % 999} n{k % 777} {k + 1}.5" for k in range(count))
    # a third of what a slow machine does
    assert count / seconds(text) > 30_000


def test_the_time_for_instances_is_linear():
    def deck(count):
        return "t\n" + CELL + "\n".join(f"x{k} n{k} n{k + 1} cell r={k}" for k in range(count))

    assert seconds(deck(8000)) < 8 * seconds(deck(2000))
