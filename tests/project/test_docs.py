"""The documents tell the truth: modules, files and names exist, and examples run."""

import ast
import configparser
import doctest
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from documents import blocks, steady

from resnet_sim.cli import main
from resnet_sim.diagnostics import CODES
from resnet_sim.model.builder import CircuitBuilder
from resnet_sim.model.circuit import Circuit
from resnet_sim.model.devices import CARDS, DEVICES, Crossbars, Table
from resnet_sim.netlist.read import cards, placer, readers

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "resnet_sim"
DOCUMENTS = sorted([ROOT / "CONTRIBUTING.md", ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
#: "Save this as `name`:", and what is saved
SAVED = re.compile(
    r"[Ss]ave\s+this\s+as `([\w.-]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
THEORY = (ROOT / "docs" / "theory.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
HABITS = (ROOT / "docs" / "habits.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
SYNTAX = (ROOT / "docs" / "netlist-syntax.md").read_text()

# ---- examples ----


def name_of(document: Path) -> str:
    return document.stem


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the examples, and what a document tells to save."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)

    def prepare(document: Path) -> None:
        for name, content in SAVED.findall(document.read_text()):
            (tmp_path / name).write_text(content)

    return prepare


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_python_examples_print_what_they_show(document, place):
    place(document)
    for package in set(re.findall(r"from (sklearn)|\.to_(pandas|xarray)", document.read_text())):
        pytest.importorskip("".join(package))
    source = "\n".join(b for b in blocks(document.read_text(), "python") if ">>>" in b)
    example = doctest.DocTestParser().get_doctest(source, {}, document.name, document.name, 0)
    report: list[str] = []
    results = doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert results.failed == 0, "".join(report)
    assert example.examples or document.stem not in ("theory", "architecture")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_console_examples_print_what_they_show(document, place, capsys):
    place(document)
    for session in "".join(blocks(document.read_text(), "console")).split("$ ")[1:]:
        command, _, wanted = session.partition("\n")
        words = shlex.split(command)
        if not wanted.strip():
            continue
        assert words[0].endswith("resnet-sim"), f"can't be run here: {command}"
        main(words[1:])
        printed = capsys.readouterr()
        assert steady(printed.err + printed.out) == steady(wanted)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#]+)", document.read_text())
    assert not [t for t in targets if "://" not in t and not (document.parent / t).exists()]


def test_every_habit_has_its_test():
    rows = re.findall(r"^\| (.+?) \| `([\w/.]+)::(\w+)` \|$", HABITS, flags=re.MULTILINE)
    assert len(rows) > 40
    for habit, file, test in rows:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), habit
    assert len(re.findall(r"^\| .* \| `", HABITS, flags=re.MULTILINE)) == len(rows)


# ---- names ----


def path_of(module: str) -> Path:
    """Return the file of a module named as in the architecture, such as ``netlist.parser``."""
    stem = PACKAGE.joinpath(*module.split("."))
    return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")


def definitions(source: str) -> set[str]:
    """Return the names that a Python file defines at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                found.add(name)
    return found


@cache
def known_names(path: Path) -> set[str]:
    text = path.read_text()
    if path.suffix == ".py":
        return definitions(text)
    return set(re.findall(r"\w+", text))


def spans(text: str) -> list[str]:
    """Return what a document sets in code style, blocks excepted."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def layers() -> list[set[str]]:
    """Return the lines of the import rule, which lint-imports finds complete."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["importlinter:contract:layers"]["layers"].strip().splitlines()
    return [set(re.findall(r"\w+", line)) for line in lines]


def rooms() -> dict[str, Path]:
    """Return all packages as the architecture names them."""
    found = {".".join(p.parent.relative_to(PACKAGE).parts): p for p in PACKAGE.rglob("__init__.py")}
    return {name: path for name, path in found.items() if name}


def test_the_architecture_has_a_paragraph_for_every_room_and_no_other():
    described = re.findall(r"^\*\*`([\w.]+)`\*\* ", ARCHITECTURE, flags=re.MULTILINE)
    assert len(described) == len(set(described))
    assert set(described) == set(rooms())
    assert len(ARCHITECTURE.splitlines()) <= 200


def test_the_picture_shows_the_layers_of_the_import_rule():
    (picture,) = [b for b in blocks(ARCHITECTURE, "text") if "laws" in b]
    shown = re.findall(r"^ \| (.+?) +\|", picture, flags=re.MULTILINE)
    assert [set(line.split()) for line in shown] == layers()


def resolves(name: str) -> bool:
    """Tell whether a dotted name leads to a module, or to a name in one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        path = path_of(".".join(parts[:cut]))
        if path.exists():
            return set(parts[cut:]) <= known_names(path)
    everywhere = set().union(*(known_names(path) for path in PACKAGE.rglob("*.py")))
    return set(parts) <= everywhere


OUTSIDE = {"setup.cfg"}


@pytest.mark.parametrize("text", [THEORY, ARCHITECTURE], ids=["theory", "architecture"])
def test_dotted_names_in_the_documents_exist(text):
    dotted = {s for s in spans(text) if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", s)} - OUTSIDE
    assert len(dotted) > 10
    assert not sorted(name for name in dotted if not resolves(name))


def test_files_named_in_the_documents_exist():
    for text in (THEORY, ARCHITECTURE, CONTRIBUTING):
        files = [s for s in spans(text) if re.fullmatch(r"[\w.-]+/[\w./-]*|\w+\.(cfg|toml|md)", s)]
        assert not [f for f in files if not (ROOT / f).exists() and "/bin/" not in f]


def test_every_code_in_the_theory_is_a_diagnostic():
    mentioned = set(re.findall(r"\b[EWN]\d{3}\b", THEORY))
    assert len(mentioned) > 5
    assert mentioned <= set(CODES)


def steps() -> list[str]:
    """Return the numbered steps of CONTRIBUTING from "Add a device" on."""
    text = CONTRIBUTING[CONTRIBUTING.index("## Add a device") :]
    found = re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]
    return [re.split(r"\n\n", step)[0] for step in found]


#: what stands in code style in the steps and is no name in a file of this project
WORDS = {"_", "* expect", "key=value", '"auto"', "--method", "--format", "--lr"}


@pytest.mark.parametrize("step", steps(), ids=lambda step: " ".join(step.split())[:50])
def test_the_files_of_a_step_exist_and_define_the_names_in_it(step):
    found = spans(step)
    files = [s for s in found if "/" in s]
    assert all((ROOT / f).exists() for f in files), files
    defined: set[str] = set()
    for path in (ROOT / f for f in files):
        defined |= known_names(path) if path.is_file() else set()
    names = [s for s in found if s not in files and s not in WORDS]
    missing = [n for n in names if not set(n.split(".")) <= defined]
    assert not missing, f"not in {files}"


# ---- the steps describe what is there ----


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_every_device_has_what_the_steps_ask_for(device):
    assert issubclass(device, Table | Crossbars)
    assert device.kind
    assert "::" in (device.__doc__ or ""), f"{device} draws nothing"
    assert callable(getattr(CircuitBuilder(), device.kind.replace(" ", "_")))
    circuit = Circuit()
    assert isinstance(getattr(circuit, device.plural), device)
    # crossbars come whole
    assert bool(device.cards) == (device is not Crossbars)


def test_every_element_card_has_what_the_steps_ask_for():
    assert {card.form for _, card in CARDS.values()} <= set(readers.FORMS)
    # instances are expanded by the elaboration
    assert set(placer._FORMS) == set(cards.Device.__args__) - {cards.Instance}
    for letter in (*CARDS, "x"):
        assert re.search(rf"^\| .*`{letter}name ", SYNTAX, flags=re.MULTILINE | re.IGNORECASE)
