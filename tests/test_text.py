import pytest

from pareto_explorer.text import called, families, listing


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "a and b"),
        ("abc", "a, b and c"),
        ("abcd", "a, b, c and 1 other"),
        ("abcdefg", "a, b, c and 4 others"),
    ],
)
def test_names_in_a_sentence(names, text):
    assert listing(list(names)) == text


def test_the_limit_can_be_chosen():
    assert listing(list("abcd"), 1) == "a and 3 others"


def test_the_control_is_not_nobody():
    assert called("none") == "the control none"
    assert called("my_run: none") == "my_run: none"
    assert families(["none", "a", "b"], 2) == "the control none, a and 1 other"
