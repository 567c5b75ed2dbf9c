"""Every public name has an example in its docstring, and the examples print what they show."""

import doctest
import importlib
import inspect
import re

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim import training

PACKAGES = ("", ".training", ".generators", ".ngspice", ".plotting", ".netlist")
#: what the docstring of the package says that examples assume
ASSUMED = {"np": np, "rs": rs, "tr": training}
#: whose examples run ngspice; others read a file instead, or want it to fail
RUN_NGSPICE = {f"resnet_sim.ngspice.{name}" for name in ("Reading", "compare", "run")}
#: packages that are optional -> whose examples need them
OPTIONAL = {
    "matplotlib": (".plotting",),
    "sklearn": ("ResistiveClassifier", "ResistiveRegressor"),
    "tensorboardX": ("TensorBoard",),
    "tqdm": ("ProgressBar",),
}
SECTION = re.compile(r"^Examples\n-{8}\n(.*)", re.MULTILINE | re.DOTALL)


def public() -> dict[str, object]:
    """Return the packages and their functions and classes, each once, by where they are found."""
    found: dict[str, object] = {}
    for package in PACKAGES:
        module = importlib.import_module(f"resnet_sim{package}")
        found[module.__name__] = module
        for name in module.__all__:
            value = getattr(module, name)
            if (inspect.isroutine(value) or inspect.isclass(value)) and value not in found.values():
                found[f"{module.__name__}.{name}"] = value
    return found


PUBLIC = public()


def docstring(name: str) -> str:
    """Return the docstring of a name itself, never that of a class it derives from."""
    return inspect.cleandoc(PUBLIC[name].__doc__ or "")


@pytest.mark.parametrize("name", [n for n in PUBLIC if not inspect.ismodule(PUBLIC[n])])
def test_every_public_name_has_an_example(name):
    section = SECTION.search(docstring(name))
    assert section and ">>> " in section[1]


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=requires_ngspice if n in RUN_NGSPICE else ()) for n in PUBLIC],
)
def test_examples_print_what_they_show(name, tmp_path, monkeypatch):
    for package, names in OPTIONAL.items():
        if any(part in name for part in names):
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)  # some write files
    example = doctest.DocTestParser().get_doctest(docstring(name), dict(ASSUMED), name, name, 0)
    report: list[str] = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    doctest.DocTestRunner(verbose=False, optionflags=flags).run(example, out=report.append)
    assert not report, "".join(report)
    assert "+SKIP" not in docstring(name)
