"""Random network problems, and textbook ways to decide whether they have a solution."""

import networkx as nx
import numpy as np

from resnet_sim.graph.problem import Problem

DROPS = (0.0, 0.0, 0.3, 0.7, -0.2)


def random_problem(seed, most=30, decades=6.0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, most))
    edges, rectifiers = rng.integers(0, 3 * n), rng.integers(0, 2 * n)
    edge_p, edge_q = _ends(rng, n, edges)
    diode_p, diode_q = _ends(rng, n, rectifiers)
    injection = np.where(rng.random(n) < 0.3, rng.choice([1e-3, -1e-3, 1e-6, 1.0], n), 0.0)
    emf = np.where(rng.random(len(edge_p)) < 0.3, rng.choice([1.0, -1.0, 5.0], len(edge_p)), 0.0)
    return Problem(
        n=n,
        edge_p=edge_p,
        edge_q=edge_q,
        conductance=10.0 ** rng.uniform(-decades, 0.0, len(edge_p)),
        emf=emf,
        injection=injection,
        turnover=np.abs(injection),
        diode_p=diode_p,
        diode_q=diode_q,
        drop=rng.choice(DROPS if rng.random() < 0.3 else DROPS[:4], len(diode_p)),
        resistance=np.where(
            rng.random(len(diode_p)) < 0.2, 10.0 ** rng.uniform(-decades, 0, len(diode_p)), 0.0
        ),
    )


def _ends(rng, n, count):
    p, q = rng.integers(0, n, count), rng.integers(0, n, count)
    return p[p != q], q[p != q]


def feasible(problem):
    """Bellman and Ford, as networkx has it, with a hundredth of a volt to spare."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(problem.n))
    hard = problem.resistance == 0
    for p, q, drop in zip(
        problem.diode_p[hard], problem.diode_q[hard], problem.drop[hard], strict=True
    ):
        known = graph.get_edge_data(int(q), int(p), {"weight": np.inf})["weight"]
        graph.add_edge(int(q), int(p), weight=min(float(drop) + 1e-9, known))
    return not nx.negative_edge_cycle(graph)


def routable(problem):
    """Maximum flow from surplus to need, as networkx has it; currents are whole microamps."""
    graph = nx.DiGraph()
    graph.add_nodes_from([*range(problem.n), "source", "sink"])
    for p, q in zip(problem.edge_p, problem.edge_q, strict=True):
        graph.add_edge(int(p), int(q))
        graph.add_edge(int(q), int(p))
    for p, q in zip(problem.diode_p, problem.diode_q, strict=True):
        graph.add_edge(int(p), int(q))
    surplus = np.rint(problem.injection * 1e6).astype(int)
    surplus[0] = 0
    surplus[0] = -surplus.sum()  # the reference balances
    for k, amount in enumerate(surplus.tolist()):
        if amount > 0:
            graph.add_edge("source", k, capacity=amount)
        if amount < 0:
            graph.add_edge(k, "sink", capacity=-amount)
    return nx.maximum_flow_value(graph, "source", "sink") == surplus[surplus > 0].sum()
