"""The project holds together: lint, types, layers, and documents that tell the truth."""

import doctest
import json
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml
from documents import blocks, steady

from resnet_sim.cli import main
from resnet_sim.diagnostics import CODES

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
README = (ROOT / "README.md").read_text()
DIAGNOSTICS = (ROOT / "docs" / "diagnostics.md").read_text()


#: what is asked of the source, here and by the hooks of .pre-commit-config.yaml
LINT = {
    "lint": "ruff check",
    "format": "ruff format --check",
    "types": "mypy",
    "layers": "lint-imports",
}


@pytest.mark.lint
@pytest.mark.parametrize("command", LINT.values(), ids=LINT.keys())
def test_the_code_passes(command):
    name, *arguments = command.split()
    tool = SCRIPTS / name
    assert tool.exists(), f"{name} is missing: ./setup test"
    run = subprocess.run([tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_hooks_are_these_commands_and_fetch_nothing():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    assert {h["id"]: h["entry"].removeprefix(".venv/bin/") for h in repository["hooks"]} == LINT
    for hook in repository["hooks"]:
        # the whole tree, whatever has changed: a layer can be broken from anywhere
        assert (hook["language"], hook["always_run"], hook["pass_filenames"]) == (
            "system", True, False,
        )  # fmt: skip


#: the first block of the README
QUICK_START = [line.removeprefix("$ ") for line in blocks(README, "console")[0].splitlines()]


def test_the_quick_start_is_two_commands_that_set_up_what_they_need():
    solve, test = QUICK_START
    assert re.fullmatch(r"\./setup && \.venv/bin/resnet-sim solve examples/\S+\.net", solve)
    assert (ROOT / solve.split()[-1]).exists()
    assert test == "./setup test && .venv/bin/python -m pytest -n 2"


def test_continuous_integration_runs_the_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text()
    # the line of the script that takes them from the README, run by itself
    extraction = re.search(r"^commands=(\$\(.* README\.md .*\))$", script, flags=re.MULTILINE)
    assert extraction
    found = subprocess.run(
        ["bash", "-c", f'printf "%s" "{extraction[1]}"'],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.splitlines() == QUICK_START
    assert '    bash -c "$command" ' in script


def test_continuous_integration_installs_the_packages_of_the_setup():
    script, setup = ((ROOT / name).read_text() for name in (".ci/run", "setup"))
    installed = re.search(r"apt-get install -y (.*)", script)[1].split()
    wanted = re.search(r"missing=(python\S+)", setup)[1], re.search(r"packages=(\w+)", setup)[1]
    assert sorted(installed) == sorted(wanted)
    assert script.index("apt-get update") < script.index("apt-get install")


def test_the_console_example_of_the_readme_is_what_the_command_prints(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    sessions = re.split(r"^\$ ", "".join(blocks(README, "console")), flags=re.MULTILINE)
    ran = 0
    for session in sessions:
        command, _, wanted = session.partition("\n")
        if not command.startswith(".venv/bin/resnet-sim ") or not wanted.strip():
            continue
        main(command.split()[1:])
        assert steady(capsys.readouterr().out) == steady(wanted)
        ran += 1
    assert ran >= 1


def test_the_netlist_of_the_readme_is_the_example():
    (shown,) = blocks(README, "spice")
    deck = (ROOT / "examples" / "netlists" / "bridge-rectifier.net").read_text()
    assert shown.splitlines() == [x for x in deck.splitlines() if not x.startswith("*")]


def test_the_python_example_of_the_readme_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    source = "\n".join(blocks(README, "python"))
    example = doctest.DocTestParser().get_doctest(source, {}, "README.md", "README.md", 0)
    assert len(example.examples) >= 3
    report: list[str] = []
    results = doctest.DocTestRunner().run(example, out=report.append)
    assert results.failed == 0, "".join(report)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_documents_lead_somewhere(document):
    text = (ROOT / document).read_text()
    targets = re.findall(r"\]\(([^)#]+)", text)
    missing = [t for t in targets if "://" not in t and not (ROOT / t).exists()]
    assert not missing


def sections() -> dict[str, str]:
    parts = re.split(r"^### ([EWN]\d{3}) ", DIAGNOSTICS, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_diagnostic_code_is_documented_and_no_other():
    assert sorted(sections()) == sorted(CODES)


def test_sections_of_codes_are_in_order_and_each_says_what_to_do():
    titles = re.findall(r"^### (\w+) ", DIAGNOSTICS, flags=re.MULTILINE)
    assert len(titles) == len(set(titles))
    assert not [code for code, text in sections().items() if "**Remedy.**" not in text]


SNIPPETS = [
    *((code, deck) for code, text in sections().items() for deck in blocks(text, "spice")),
    # what can't be shown in a document
    ("E102", "binary\nV1 a 0 1\nR1 a 0 \0 1k\n.end\n"),
    ("E135", "many errors\n" + "R1 a 0 1,5\n" * 300),
    ("W118", "\udcb5 in Latin-1\nV1 a 0 1\nR1 a 0 1k\n.end\n"),
]


def test_every_code_has_an_example_deck():
    assert not set(CODES) - {code for code, _ in SNIPPETS}


@pytest.mark.parametrize(("code", "deck"), SNIPPETS, ids=[code for code, _ in SNIPPETS])
def test_the_example_of_a_diagnostic_provokes_it(code, deck, tmp_path, capsys):
    path = tmp_path / "deck.net"
    path.write_text(deck, encoding="utf-8", errors="surrogateescape")
    asked = ["--builtin-parts"] if code == "N111" else []
    status = main(["solve", str(path), "--format", "json", *asked])
    record = json.loads(capsys.readouterr().out)
    found = record.get("diagnostics", [])
    found += [d for part in record.get("analyses", []) for d in part["diagnostics"]]
    assert code in [d["code"] for d in found]
    assert (status != 0) == (code[0] == "E")
