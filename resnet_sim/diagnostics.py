"""What we tell people: diagnostics with a stable code, a place, an excerpt and a remedy.

Every message of the package is a `Diagnostic`, whichever layer finds it, and is
rendered in one style.  Codes are listed with their meaning in `CODES`; a code
keeps its meaning for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: code -> one line saying what it means (docs/diagnostics.md explains each at length).
CODES: dict[str, str] = {
    "E101": "a file can't be read, or is empty",
    "E102": "binary data in a netlist",
    "E103": "syntax error in a card",
    "E104": "too few fields",
    "E105": "too many fields",
    "E106": "not a number",
    "E107": "undefined parameter",
    "E108": "unknown dot card",
    "E109": "unknown element letter",
    "E110": "unknown model",
    "E111": "unknown subcircuit",
    "E112": "number or names of ports",
    "E113": "two elements of the same name",
    "E114": "unknown or unusable controlling source",
    "E115": "device or parameter that is not supported",
    "E116": "subcircuit that contains itself",
    "E117": "parameter or function defined by itself",
    "E118": "sweep: step of zero, of the wrong sign, or too many points",
    "E119": ".subckt, .if or .data without its end, or an end without its beginning",
    "E120": "nonlinear expression",
    "E121": "arithmetic error in an expression",
    "E122": "voltage source with both ends on one node",
    "E123": "impossible model parameter",
    "E124": "circular include, or missing section of a library",
    "E125": "limit exceeded",
    "E126": "model of the wrong type",
    "E127": "unknown function, or wrong number of arguments",
    "E128": "syntax error in an expression",
    "E129": "resistor without a value",
    "E131": "unknown quantity to sweep",
    "E132": "value that is not finite, or out of range",
    "E133": "decimal comma",
    "E135": "too many errors",
    "E136": "unknown element parameter",
    "E137": "file that is no SPICE deck",
    "E138": "what a simulator computes as something else",
    "W101": "the first line is the title though it looks like a card",
    "W102": "cards after .end",
    "W103": "M is milli, not mega",
    "W104": "F is femto, not farad",
    "W105": "a letter in place of the decimal point, as in 4k7",
    "W107": "a node that looks like ground is not ground",
    "W108": "analysis that is ignored: the operating point is computed",
    "W109": ".control is never executed",
    "W110": "unknown or ineffective model parameter",
    "W111": "source without a value",
    "W114": "unknown output or node",
    "W115": "model or subcircuit defined twice",
    "W116": "text after a number that is no unit",
    "W117": "skipped to the end of the file",
    "W118": "file is not UTF-8",
    "W119": "m= of an instance, where simulators differ",
    "W121": "measurement or derivative without an answer",
    "W122": "parameter that is given twice",
    "W123": "parameter of a branch that is not chosen, which ngspice takes",
    "N101": "exponential diode model idealised",
    "N102": "resistor of 0 ohm is an ideal short",
    "N103": "card without effect",
    "N104": "time-dependent source: value at t = 0",
    "N105": "option without effect",
    "N106": "resistance by the sheet, of ngspice's law",
    "N107": "random function: its nominal value",
    "N108": "library that can't be read",
    "N109": "source that jumps",
    "N110": "whose dialect the deck is read in",
    "N111": "built-in part that stands in for a missing one",
    "N112": "junction diode made of straight pieces",
    "N113": "corners that ngspice rounds",
    "E201": "loop of ideal voltage sources and shorts fixes two different voltages",
    "E202": "ideal diodes and sources contradict each other: no voltages satisfy all of them",
    "E203": "current that must flow has no path",
    "E205": "the switches never settle: no consistent set of switch states exists",
    "E206": "feedback circuit without a solution",
    "E207": "a smooth switch between its two states",
    "E208": "a formula without a value",
    "W201": "floating part: nothing fixes its voltage",
    "W202": "current is not unique: loop of ideal sources, shorts or conducting ideal diodes",
    "W203": "no ground: no node is called 0 or gnd, so every voltage floats",
    "W204": "dangling node: only one element connects to it",
    "W205": "several solutions exist",
    "W206": "control of a switch or controlled source is a floating voltage",
    "W207": "negative resistance",
    "W208": "metastable operating point: the slightest disturbance leads away from it",
}


@dataclass(frozen=True)
class Span:
    """A stretch of one physical source line; lines and columns count from 1."""

    file: str
    line: int
    column: int = 1
    length: int = 1
    text: str = ""


@dataclass(frozen=True)
class Label:
    """A secondary place that a diagnostic points to, with what there is to see."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    r"""One error, warning or note: what is wrong, where, and what to do about it.

    Attributes
    ----------
    code : str
        One of `CODES`, never used again for anything else.
    message : str
    span : Span, optional
        The place, where there is one.
    hint : str, optional
        What to do.
    labels : tuple of Label
        Other places that matter.
    caret : str
        What the line below the place says; empty for a bare caret.

    Examples
    --------
    >>> (found,) = rs.parse_netlist("load\nV1 a 0 1\nR1 a 0 4k7").diagnostics
    >>> found.severity, found.code, found.hint
    ('warning', 'W105', 'write 4.7k')
    >>> print(found.render())
    warning[W105]: 4k7 is read as 4000
    ...
    """

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    labels: tuple[Label, ...] = ()
    caret: str = ""

    @property
    def severity(self) -> str:
        """``"error"``, ``"warning"`` or ``"note"``, from the first letter of the code."""
        return {"E": "error", "W": "warning", "N": "note"}[self.code[0]]

    def render(self) -> str:
        """Return the message as a compiler would print it, with excerpts and carets."""
        out = [f"{self.severity}[{self.code}]: {self.message}"]
        if self.span is not None:
            out += self._excerpts(self.span)
        if self.hint:
            out.append(f"   = help: {self.hint}")
        return "\n".join(out)

    def _excerpts(self, main: Span) -> list[str]:
        places = [(label.span, label.text, "-") for label in self.labels]
        places.append((main, self.caret, "^"))
        if all(span.file == main.file for span, _, _ in places):
            places.sort(key=lambda place: place[0].line)
        width = max(len(str(span.line)) for span, _, _ in places)
        out = [f"{'':{width}} --> {main.file}:{main.line}:{main.column}", f"{'':{width}}  |"]
        for span, text, mark in places:
            if span.file != main.file:
                out.append(f"{'':{width}} ::: {span.file}:{span.line}:{span.column}")
            out += _excerpt(span, text, mark, width)
        return out


def _excerpt(span: Span, text: str, mark: str, width: int, limit: int = 100) -> list[str]:
    """Return the source line and the marks under it; long lines are cut around the place."""
    line, start = span.text.rstrip("\n"), span.column - 1
    if len(line) > limit:
        left = max(0, min(start - limit // 3, len(line) - limit))
        line, start = line[left : left + limit], start - left
        if left:
            line = "..." + line[3:]
    line = "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in line)
    marks = mark * max(1, min(span.length, limit - start))
    under = f"{'':{start}}{marks} {text}".rstrip()
    return [f"{span.line:{width}}  | {line}", f"{'':{width}}  | {under}"]


def render_all(diagnostics: Iterable[Diagnostic]) -> str:
    """Render several diagnostics, separated by blank lines."""
    return "\n\n".join(d.render() for d in diagnostics)
