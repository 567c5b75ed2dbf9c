"""Files of other programs that are given in place of a SPICE deck."""

from __future__ import annotations

import re

#: what stands in its beginning, that beginning, what it is, and how to get a netlist
_OTHERS = (
    (
        "sheet",
        r"version\s+4(?:\.\d+)?\s+sheet\b",
        "a schematic of LTspice",
        "export its netlist: View, SPICE Netlist, or LTspice.exe -netlist file.asc",
    ),
    (
        "kicad_sch",
        r"\(\s*kicad_sch\b",
        "a schematic of KiCad",
        "kicad-cli sch export netlist --format spice",
    ),
    (
        "export",
        r"\(\s*export\s*\(\s*version\b",
        "a netlist of KiCad for boards",
        "File, Export, Netlist, and there SPICE; or kicad-cli sch export netlist --format spice",
    ),
    ("<qucs", r"<qucs schematic", "a schematic of Qucs", "in Qucs-S: Simulation, Save netlist"),
    (
        "xschem",
        r"v\s*\{?\s*xschem\b",
        "a schematic of xschem",
        "in xschem: Netlist, with SPICE chosen",
    ),
    (
        "v 20",
        r"v 20\d{6} \d\b",
        "a schematic of gEDA or Lepton",
        "lepton-netlist -g spice-sdb file.sch",
    ),
    (
        "simulator",
        r"(?:[^\n]*\n)?\s*(?://[^\n]*\s+)*simulator\s+lang\s*=\s*spectre\b",
        "a netlist of Spectre",
        "have it written for SPICE: simulator lang=spice",
    ),
    (
        "source",
        r"(?:[^\n]*\n){0,9}?[ \t]*\w+[ \t]*\([^()\n]*\)[ \t]*[vi]source\b",
        "a netlist of Spectre",
        "have it written for SPICE: simulator lang=spice",
    ),
    (
        ":",
        r"(?:#[^\n]*\s+)*(?:\.def:\w|[a-z]+:\w+\s[^\n=]*=\")",
        "a netlist of Qucs",
        "Qucs-S with ngspice as its simulator writes one of SPICE: Simulation, Save netlist",
    ),
    (
        "module",
        r"(?:`include\b[^\n]*\s+)*module\s+\w+\s*\(",
        "a module of Verilog",
        "give the SPICE netlist",
    ),
    ("<", r"<\?xml|<!doctype|<html", "an XML or HTML file", "give the SPICE netlist"),
)


def recognise(text: str) -> tuple[str, str] | None:
    """Return what a file is that is no SPICE deck, and how to get one; None if it may be one."""
    head = text[:400].lstrip("\ufeff \t\r\n").lower()
    for word, pattern, what, remedy in _OTHERS:
        if word in head and re.match(pattern, head):  # looking for a word compiles nothing
            return what, remedy
    return None
