"""Lines of a text that are split part by part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_sim.model import lines
from resnet_sim.model.lines import Lines


@pytest.fixture(scope="module", autouse=True)
def short_parts():
    """Make parts of a few characters, so that short texts have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PART", 5)
        yield


@given(st.text("ab\n\r é", max_size=40), st.data())
def test_lines_are_those_of_splitting_it_all(text, data):
    whole, found = text.split("\n"), Lines(text)
    assert len(found) == len(whole)
    assert list(found) == whole
    number = data.draw(st.integers(-len(whole), len(whole) - 1))
    assert found[number] == whole[number] == Lines(text)[number]
    part = data.draw(st.slices(len(whole)))
    assert found[part] == whole[part]


@pytest.mark.parametrize("number", [3, -4])
def test_there_are_no_more(number):
    with pytest.raises(IndexError):
        Lines("a\nb\n")[number]


def test_only_the_part_that_is_asked_for_is_split():
    found = Lines("\n".join(f"line {k}" for k in range(1000)))
    assert found[0] == "line 0"
    assert len(found._at) < 3
    assert found[700] == "line 700"
    _, held = found._now
    assert len(held) < 5
