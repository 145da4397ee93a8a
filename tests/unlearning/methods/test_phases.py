import itertools

from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.unlearning.methods._phases import forget_steps
from tests.unlearning.toys import make_data


def rounds_of(plan, rounds):
    """Cuts a plan where its rounds begin."""
    steps = len(plan)
    ends = [steps * k // rounds for k in range(rounds + 1)]
    return [plan[a:b] for a, b in itertools.pairwise(ends)]


@given(st.integers(1, 90), st.integers(1, 12), st.integers(1, 40), st.integers(1, 40))
def test_forgets_as_often_as_the_forget_set_is_large(steps, rounds, n_retain, n_forget):
    plan = forget_steps(make_data(n_retain, n_forget), steps, rounds)
    assert len(plan) == steps
    assert 0 <= sum(plan) - steps * n_forget / (n_retain + n_forget) < 1
    assert plan[0]


@given(st.integers(1, 90), st.integers(1, 12), st.integers(0, 12))
def test_each_round_forgets_first_and_then_repairs(steps, rounds, forgetting):
    plan = forget_steps(make_data(23, 11), steps, rounds, forgetting)
    for k, part in enumerate(rounds_of(plan, rounds)):
        assert list(part) == sorted(part, reverse=True)
        assert k < forgetting or not any(part)


def test_a_round_of_an_epochs_length_is_an_epoch():
    plan = forget_steps(make_data(40, 10), 25, 5)
    assert plan == (True, False, False, False, False) * 5


def test_rounds_that_do_not_forget_are_the_last():
    plan = forget_steps(make_data(40, 10), 25, 5, 2)
    assert plan == (True, False, False, False, False) * 2 + (False,) * 15
