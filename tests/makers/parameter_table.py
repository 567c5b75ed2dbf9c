"""The table of docs/netlist-syntax.md: which parameters of element cards mean what."""

from resnet_sim.netlist.read.parameters import parameters_of

#: kind of card in `parameters_of` -> what the table calls it
KINDS = {
    "r": "R", "c": "C", "l": "L", "v": "V", "i": "I", "d": "D, A", "s": "S, W", "e": "E, H",
    "f": "F, G", "formula": "B; E, G by a formula", "t": "T", "y": "Y", "x": "X",
}  # fmt: skip


def rows() -> list[str]:
    """Return the rows of the table, one for parameters that are alike."""
    found = []
    for kind, shown in KINDS.items():
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, parameter in parameters_of(kind).items():
            key = (parameter.effect.value, parameter.text, parameter.dialects)
            groups.setdefault(key, []).append(name)
        for (effect, text, dialects), names in groups.items():
            found.append(
                f"| {shown} | `{' '.join(sorted(names))}` | {effect} | {text} | {dialects} |"
            )
    return found
