import torch

from pareto_explorer.unlearning.core.session import GlobalDraws, load_session, save_session


def drawn(draws: GlobalDraws) -> list[float]:
    torch.rand(5)  # somebody else draws
    draws.give()
    values = torch.rand(3).tolist()
    draws.take_back()
    return values


def test_runs_that_take_turns_draw_as_if_each_were_alone():
    expected = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        expected.append([torch.rand(3).tolist() for _ in range(3)])
    runs = [GlobalDraws(seed, "cpu") for seed in (1, 2)]
    turns = [[drawn(run) for run in runs] for _ in range(3)]
    assert [list(found) for found in zip(*turns, strict=True)] == expected


def test_a_copy_goes_on_where_the_run_was():
    draws = GlobalDraws(1, "cpu")
    drawn(draws)
    copied = load_session(save_session(draws, {}, "cpu"), {}, "cpu")
    assert drawn(copied) == drawn(draws)


def test_a_run_without_a_state_for_its_device_begins_at_its_seed():
    draws = GlobalDraws(1, "cpu")
    first = drawn(draws)
    assert drawn(GlobalDraws(1, "cpu")) == first != drawn(draws)
