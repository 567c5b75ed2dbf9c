"""Write the table of docs/validation.md: every example netlist against ngspice.

python benchmarks/validate_examples.py           print it
python benchmarks/validate_examples.py --write   put it into the document
"""

import argparse
import re
from pathlib import Path

import resnet_sim as rs

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "validation.md"
MARKS = "<!-- table: benchmarks/validate_examples.py -->", "<!-- end of the table -->"
HEAD = "| example | points | voltages | currents | largest deviation | remarks |"


def row(path: Path) -> str:
    cells = [f"[{path.stem}](../examples/netlists/{path.name})"]
    try:
        report = rs.ngspice.compare(rs.read_netlist(path))
    except rs.TopologyError as error:
        codes = ", ".join(d.code for d in error.diagnostics)
        return f"| {cells[0]} | | | | | no solution: {codes} |"
    for part in report.comparisons:
        count = part.compared
        worst = max((d.relative for d in part.worst), default=0.0)
        remarks = [f"{name}: {why}" for name, why in (part.skipped | part.unresolved).items()]
        # for a reader, which nodes float is enough
        remarks = [remark.replace(" (a loop of shorts or ideal diodes)", "") for remark in remarks]
        if report.status != "agree":
            remarks.insert(0, f"**{report.status}**")
        numbers = (count["points"], count["voltages"], count["currents"])
        cells += [*map(str, numbers), f"{worst:.0e}" if worst else "0", "; ".join(remarks)]
    return f"| {' | '.join(cells)} |"


def table() -> str:
    paths = sorted((ROOT / "examples" / "netlists").glob("*.net"))
    return "\n".join([HEAD, "|---|---|---|---|---|---|", *map(row, paths)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    text = table()
    if not parser.parse_args().write:
        print(text)
        return
    document = DOCUMENT.read_text()
    pattern = f"{re.escape(MARKS[0])}.*{re.escape(MARKS[1])}"
    found = f"{MARKS[0]}\n{text}\n{MARKS[1]}"
    DOCUMENT.write_text(re.sub(pattern, lambda _: found, document, flags=re.DOTALL))


if __name__ == "__main__":
    main()
