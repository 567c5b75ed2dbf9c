"""Decks with what goes wrong in decks: no traceback, and what is wrong, where, and what to do."""

import random
import re

import pytest

import resnet_sim as rs
from resnet_sim.cli import main

HEAD = "a title\nV1 a 0 5\nR1 a b 1k\nR2 b 0 1k\n"
#: bytes of a deck, or what follows `HEAD` -> code, line, column, words of the message or the hint
DECKS = {
    "field": ("R3 b", "E104", 5, 4, "Rname node node value"),
    "number": ("R3 b 0 1,5", "E133", 5, 9, "write 1.5"),
    "sign": ("R3 b 0 -x", "E106", 5, 8, "in braces: {-x}"),
    "value": ("R3 b 0 abc", "E107", 5, 8, ".param abc="),
    "model": ("D1 b 0 dx", "E110", 5, 8, ".model dx"),
    "model card": ("D1 b 0 dx\n.model dx", "E104", 6, 9, ".model name type"),
    "model value": ("D1 b 0 dx\n.model dx d(is=)", "E103", 6, 16, "missing behind '='"),
    "recursive": ("X1 a b s\n.subckt s a b\nX2 a b s\n.ends", "E116", 5, 8, "leave out one"),
    "no .endif": (".if (1)\nR3 b 0 1", "E119", 5, 1, "each .if in .endif"),
    "no .if": ("R3 b 0 1\n.endif", "E119", 6, 1, "each .if in .endif"),
    "two .else": (".if (0)\n.else\n.else\n.endif", "E119", 7, 1, "behind .else"),
    "no condition": (".if\nR3 b 0 1\n.endif", "E104", 5, 3, ".if (condition)"),
    "no .ends": (".subckt s a\nR1 a 0 1", "E119", 5, 1, "each .subckt ends in .ends"),
    "no .subckt": (".ends", "E119", 5, 1, "each .subckt ends in .ends"),
    "no .lib": (".endl", "E119", 5, 1, ".endl without .lib"),
    "include": (".include nothere.inc", "E101", 5, 1, "directory of the file"),
    "itself": (".include deck.cir", "E124", 5, 1, "leave this card out"),
    "section": (".lib some.lib ff", "E124", 5, 1, "its sections are: tt ss"),
    "brace": ("R3 b 0 {1k", "E103", 5, 8, "don't balance"),
    "quote": ("R3 b 0 '1k", "E103", 5, 8, "a quote is not closed"),
    "deep": ("R3 b 0 " + "{" * 5 + "1" + "}" * 5, "E103", 5, 8, "use parentheses"),
    "nodeset": (".nodeset v(a)={1", "E103", 5, 15, "write '}' where it ends"),
    "measured": (".dc v1 0 1 1\n.meas dc x max {v(a)*2", "W121", 6, 16, "write '}' where it ends"),
    "asked": (".sens v(a", "W121", 5, 8, "write ')' where it ends"),
    "table": ("E1 b 0 table {v(a)} = (0,0) (1", "E104", 5, 8, "(x1,y1) (x2,y2)"),
    "quotient": ("R3 b 0 {1/0}", "E121", 5, 10, "change the numbers"),
    "large": ("R3 b 0 1e400", "E132", 5, 8, "write a finite number"),
    "long name": ("R3 b 0 " + "x" * 100_000, "E107", 5, 8, "undefined parameter"),
    "long sum": ("R3 b 0 {" + "1+" * 50_000 + "}", "E125", 5, 9, "break it up"),
    "brackets": ("R3 b 0 {" + "(" * 50_000, "E125", 5, 1, "at most 50000"),
    "control": (".control\nset x=({\n.endc\nR3 b", "E104", 8, 4, "Rname node node value"),
    "NUL": ("R3 b\0 0 1k", "E102", 5, 5, "a NUL byte"),
    "continued": (b"t\n+ 1k\nV1 a 0 1\n", "E103", 2, 1, "must follow a card"),
    "empty": (b"", "E101", 1, 1, "the netlist is empty"),
    "title": (b"a title\n", "E101", 1, 1, "nothing but a title"),
    "binary": (bytes(range(256)) * 9, "E102", 1, 1, "no text file"),
    "CR LF": (f"{HEAD}R3 b\n".replace("\n", "\r\n").encode(), "E104", 5, 4, "Rname node"),
    "mark": (f"\ufeff{HEAD}R3 b\n".encode(), "E104", 5, 4, "Rname node node value"),
    **{
        code: (f"{HEAD}R3 b\n".encode(code), "E104", 5, 4, "Rname node node value")
        for code in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")
    },
    "Latin-1": (f"{HEAD}* \xb5\xe9\nR3 b\n".encode("latin-1"), "E104", 6, 4, "Rname node node"),
}


@pytest.mark.parametrize("command", ["solve", "check"])
@pytest.mark.parametrize("which", DECKS)
def test_what_is_wrong_has_its_place_and_a_remedy(which, command, tmp_path, capsys, monkeypatch):
    text, code, line, column, words = DECKS[which]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some.lib").write_text(".lib tt\nR9 b 0 1k\n.endl\n.lib ss\n.endl\n")
    (tmp_path / "deck.cir").write_bytes(
        text if isinstance(text, bytes) else f"{HEAD}{text}\n".encode()
    )
    assert main([command, "deck.cir"]) == (0 if code[0] == "W" else 2)
    told = capsys.readouterr().err
    place = re.search(rf"\[{code}\]: .*\n *--> deck.cir:(\d+):(\d+)\n", told)
    assert place is not None, told
    assert (int(place[1]), int(place[2])) == (line, column)
    assert words in told and "help: " in told
    assert max(map(len, told.splitlines())) < 500
    # nothing else is wrong but how it is encoded
    others = {"W118", "N110", "W109", "W102"}
    assert set(re.findall(r"^\w+\[(\w+)\]", told, re.MULTILINE)) <= {code, *others}


def test_cards_of_random_characters_end_in_messages():
    chance = random.Random(5)
    pieces = "v(a) v(b) {v(a)*2} ' \" ( ) { } , = -1 *2 Net-(R1-Pad2) par(' y= a b @r1[i] i(v1)"
    pieces = [*pieces.split(), " ", "max", "find", "when", "at=1", "?", ":", "**", "<", "0", "1k"]
    heads = [".print dc ", ".save ", ".plot ", ".meas dc m ", ".nodeset ", ".sens ", ".tf ", "R9 "]
    heads += ["X1 ", "E9 ", "B9 b 0 v=", "D9 ", ".global ", ".param ", ".if ", ".model ", ".dc "]
    for _ in range(600):
        glue = chance.choice(["", " "])
        card = chance.choice(heads) + glue.join(chance.choices(pieces, k=chance.randint(0, 7)))
        try:
            circuit = rs.parse_netlist(f"{HEAD}.dc v1 0 1 1\n{card}\n")
        except rs.NetlistError as error:
            assert all(d.span is not None for d in error.diagnostics), card
            continue
        if card[0] != ".":
            continue
        for op in rs.run(circuit):
            rs.measure(op, on_error=lambda *_: None)
            op.rows()
