"""The house: few rooms, doors that are used, no circles, not even of imports for types."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import networkx as nx
import pytest

PACKAGE = Path(__file__).parents[2] / "resnet_sim"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def name_of(path: Path) -> str:
    parts = ("resnet_sim", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py")}


@cache
def imports(module: str) -> tuple[tuple[str, str], ...]:
    """Return the module that each import statement names, and the name taken from it."""
    return tuple(_imports(module))


def _imports(module: str) -> Iterator[tuple[str, str]]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package.split(".")
            base = base[: len(base) - node.level + 1] if node.level else []
            source = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            if source.partition(".")[0] == "resnet_sim":
                yield from ((source, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("resnet_sim") for alias in node.names)


def target(source: str, name: str) -> str:
    return f"{source}.{name}" if f"{source}.{name}" in MODULES else source


def test_a_stranger_sees_the_rooms_at_a_glance():
    entries = [p for p in PACKAGE.iterdir() if p.name != "__pycache__"]
    assert len(entries) <= 24


def test_no_import_leads_back_where_it_came_from():
    graph = nx.DiGraph()
    for module in MODULES:
        if module != "resnet_sim":  # which names everything, and loads it at first use
            graph.add_edges_from((module, target(*pair)) for pair in imports(module))
    circles = [c for c in nx.strongly_connected_components(graph) if len(c) > 1]
    assert not circles


def doors(room: str) -> set[str]:
    """Return the names that a package exports, and the modules that are doors themselves."""
    package = import_module(f"resnet_sim.{room}")
    return {*getattr(package, "__all__", ()), *getattr(package, "DOORS", ())}


@pytest.mark.parametrize("room", ROOMS)
def test_what_others_import_from_a_room_is_a_door(room):
    inside = f"resnet_sim.{room}"
    used = set()
    for module in MODULES:
        if module == inside or module.startswith(f"{inside}."):
            continue
        for source, name in imports(module):
            whole = target(source, name)
            if source == inside:
                used.add(name)
            elif whole.startswith(f"{inside}."):
                used.add(whole.removeprefix(f"{inside}."))
    assert not used - doors(room)


@pytest.mark.parametrize("room", ROOMS)
def test_doors_lead_somewhere(room):
    package = import_module(f"resnet_sim.{room}")
    assert package.__doc__
    assert doors(room)
    for door in doors(room):
        assert f"resnet_sim.{room}.{door}" in MODULES or hasattr(package, door), door
