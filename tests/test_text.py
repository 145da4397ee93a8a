import pytest

from pareto_explorer.text import called, count, families, listing, plural


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


@pytest.mark.parametrize(
    ("number", "noun", "verb", "counted"),
    [
        (0, "points", "are", "0 points"),
        (1, "point", "is", "1 point"),
        (1200, "points", "are", "1,200 points"),
    ],
)
def test_words_follow_their_number(number, noun, verb, counted):
    assert plural(number, "point") == noun
    assert plural(number, "is", "are") == verb
    assert count(number, "point") == counted
    assert count(number, "family", "families").startswith(counted.split()[0])
