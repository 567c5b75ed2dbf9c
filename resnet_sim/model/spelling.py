"""Formulas as text, in the spellings of the dialects."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import UsageError
from .formula import Call, Formula, Sum

#: operators between two operands
_INFIX = {"*", "/", "**", "%", "\\", "<", ">", "<=", ">=", "==", "!=", "&&", "||"}

_WHOLE = "(sgn({0})*floor(abs({0})))"
_RATIO = _WHOLE.replace("{0}", "({0})/({1})")
#: what neither has, in what both have
_ELSEWHERE = {
    "sqr": "(({0})*({0}))",
    "db": "(20*log10(abs({0})))",
    "sign": "(abs({0})*sgn({1}))",
    "%": "(({0})-({1})*" + _RATIO + ")",
    "fmod": "(({0})-({1})*" + _RATIO + ")",
    "\\": _RATIO,
    "u2": "min(max({0},0),1)",
    "sqrts": "(sgn({0})*sqrt(abs({0})))",
    "logs": "(sgn({0})*ln(abs({0})))",
    "log10s": "(sgn({0})*log10(abs({0})))",
    "xor": "((({0})>0.5)!=(({1})>0.5))",
    "powi": "(({0})>=0 ? pow(abs({0}),{1}) : pow(abs({0}),"
    + _WHOLE.replace("{0}", "{1}")
    + ")*cos(3.141592653589793*" + _WHOLE.replace("{0}", "{1}") + "))",
    **{f"{name}0": f"(({{0}}){symbol}0)" for name, symbol in (
        ("eq", "=="), ("ne", "!="), ("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="),
    )},
}  # fmt: skip
#: the power of a negative number is that of its size in ngspice, but for pwr, which has the sign
_NGSPICE = {
    "pwr": "pow(abs({0}),{1})",
    "pwrs": "pwr({0},{1})",
    "**": "pow({0},{1})",
    "cbrt": "pwr({0},1/3)",
    "hypot": "sqrt(({0})*({0})+({1})*({1}))",
    "atan2": "(2*atan(({0})/(sqrt(({0})*({0})+({1})*({1}))+({1}))))",
    "int": _WHOLE,
    "round": "(sgn({0})*floor(abs({0})+0.5))",
    "buf": "(({0})>0.5)",
    "inv": "(({0})<=0.5)",
}
_LTSPICE = {"nint": "floor(({0})+0.5)"}


def spelled(
    formula: Formula,
    node: Callable[[int], str],
    current: Callable[[int], str],
    dialect: str = "resnet-sim",
) -> str:
    """Return a formula in braces.

    Parameters
    ----------
    node, current : callable
        Names of nodes, and of elements whose currents are meant, by number.
    dialect : {"resnet-sim", "ngspice", "ltspice"}
    """
    texts: list[str] = []

    def sum_(some: Sum) -> str:
        parts = [repr(float(some.constant))] if some.constant or not some.size else []
        terms = [(f"v({node(int(k))})", gain) for k, gain in some.voltages]
        terms += [(f"i({current(int(k))})", gain) for k, gain in some.currents]
        terms += [(texts[k], gain) for k, gain in some.calls]
        for name, gain in terms:
            factor = "" if abs(gain) == 1 else f"{abs(gain)!r}*"
            sign = "-" if gain < 0 else "+" if parts else ""
            parts.append(f"{sign}{factor}{name}")
        return "".join(parts)

    spell = _DIALECTS[dialect]
    for call in formula.calls:
        texts.append(spell(call, [sum_(some) for some in call.arguments]))
    return f"{{{sum_(formula.value)}}}"


def _ours(call: Call, arguments: Sequence[str]) -> str:
    if call.name in _INFIX:
        left, right = arguments
        return f"(({left}){call.name}({right}))"
    if call.name == "!":
        return f"(!({arguments[0]}))"
    return f"{call.name}({','.join(arguments)})"


def _ngspice(call: Call, arguments: Sequence[str]) -> str:
    if call.name == "if":
        condition, yes, no = arguments
        return f"(({condition}) ? ({yes}) : ({no}))"
    if call.name == "table":
        return f"pwl({','.join(_held(call, arguments))})"
    if call.name == "pwl":
        return f"pwl({','.join(arguments)})"
    if call.name in ("**", "pow") and call.arguments[1].is_constant:
        odd = call.arguments[1].constant % 2 == 1
        return f"{'pwr' if odd else 'pow'}({arguments[0]},{arguments[1]})"
    if call.name in _NGSPICE:
        return _NGSPICE[call.name].format(*arguments)
    return _common(call, arguments)


def _ltspice(call: Call, arguments: Sequence[str]) -> str:
    if call.name in ("&&", "||"):
        left, right = arguments
        return f"(({left}){call.name[0]}({right}))"
    if call.name == "pwl":
        x, *points = arguments
        numbers = [some.constant for some in call.arguments[1:]]
        ends = [f"table({','.join(arguments)})"]
        for k, what in ((0, "min"), (len(numbers) - 4, "max")):
            slope = (numbers[k + 3] - numbers[k + 1]) / (numbers[k + 2] - numbers[k])
            ends.append(f"{slope!r}*{what}(({x})-({points[k if k == 0 else -2]}),0)")
        return f"({'+'.join(ends)})"
    if call.name in _LTSPICE:
        return _LTSPICE[call.name].format(*arguments)
    return _common(call, arguments)


def _common(call: Call, arguments: Sequence[str]) -> str:
    """What both write otherwise than we do."""
    if call.name in ("max", "min"):  # two arguments there
        first, *others = arguments
        for other in others:
            first = f"{call.name}({first},{other})"
        return first if others else f"({first})"
    if call.name in _ELSEWHERE:
        return _ELSEWHERE[call.name].format(*arguments)
    if call.name == "limit":
        if len(arguments) == 2:
            return f"({arguments[0]})"
        x, a, b = arguments
        return f"max(min({a},{b}),min({x},max({a},{b})))"
    return _ours(call, arguments)


def _held(call: Call, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a table with points outside that hold its ends."""
    numbers = [some.constant for some in call.arguments]
    if not all(some.is_constant for some in call.arguments[1:]):
        raise UsageError("a table whose points depend on voltages can't be written for ngspice")
    x, *points = arguments
    width = numbers[-2] - numbers[1] or 1.0
    before, after = [repr(numbers[1] - width), points[1]], [repr(numbers[-2] + width), points[-1]]
    return [x, *before, *points, *after]


_DIALECTS = {"resnet-sim": _ours, "ngspice": _ngspice, "ltspice": _ltspice}
