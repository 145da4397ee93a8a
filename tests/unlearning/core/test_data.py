from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.unlearning.core.data import Batches, Streams, UnlearningData
from tests.unlearning.toys import draws, make_data


def numbered(n):
    return Samples(torch.arange(n, dtype=torch.float32)[:, None], torch.arange(n))


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 2**31))
def test_batches_are_full_and_every_pass_has_every_sample_once(n, size, seed):
    batches = Batches(numbered(n), size, draws(seed))
    seen = []
    while len(seen) < 3 * n:
        batch = next(batches)
        assert len(batch) == min(size, n)
        assert torch.equal(batch.inputs[:, 0].long(), batch.labels)
        seen += batch.labels.tolist()
    for k in range(3):
        assert sorted(seen[k * n : (k + 1) * n]) == list(range(n))


def test_passes_are_shuffled_anew():
    batches = Batches(numbered(40), 20, draws())
    first, second = ([*next(batches).labels.tolist(), *next(batches).labels.tolist()] for _ in "ab")
    assert first != second
    assert first != list(range(40))


def test_same_seed_same_batches_other_seed_others():
    def run(seed):
        batches = Batches(numbered(40), 7, draws(seed))
        return [next(batches).labels.tolist() for _ in range(9)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_streams_do_not_disturb_each_other():
    data = make_data()
    alone = next(Streams(data, 5, draws()).batches("retain"))
    streams = Streams(data, 5, draws())
    for other in ("forget", "heldout"):
        next(streams.batches(other))
    torch.rand(3, generator=streams.generator("labels"))
    assert torch.equal(next(streams.batches("retain")).inputs, alone.inputs)


def test_sets_are_shuffled_independently_of_each_other():
    data = UnlearningData(numbered(40), numbered(40), numbered(40), 40)
    streams = Streams(data, 20, draws())
    orders = [
        tuple(next(streams.batches(name)).labels.tolist())
        for name in ("retain", "forget", "heldout")
    ]
    assert len(set(orders)) == 3


def test_streams_differ_from_each_other_and_between_runs():
    generator = draws()
    seeds = [
        streams.generator(name).initial_seed()
        for streams in (Streams(make_data(), 5, generator), Streams(make_data(), 5, generator))
        for name in ("retain", "forget", "heldout", "labels")
    ]
    assert len(set(seeds)) == 8


def negated_or_not(inputs, generator):
    """Changes the sign of each input by a coin of its own."""
    coins = torch.randint(2, (len(inputs), 1), generator=generator, device=generator.device)
    return inputs * (2 * coins - 1)


@pytest.mark.parametrize("size", [7, 50])  # less and more than the set has
def test_batches_are_augmented_by_their_own_stream(size):
    data = replace(make_data(), retain=numbered(40), augment=negated_or_not)

    def run():
        batches = Streams(data, size, draws()).batches("retain")
        return [next(batches) for _ in range(20)]

    first, second = run(), run()
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a.inputs, b.inputs)
        assert torch.equal(a.inputs[:, 0].abs().long(), a.labels)
    assert len({tuple(batch.inputs[:, 0].sign().tolist()) for batch in first}) > 1
    assert torch.equal(data.retain.inputs, numbered(40).inputs)


def test_without_an_augmentation_there_is_no_draw_for_one():
    generator = draws()
    batches = Batches(numbered(40), 40, generator)
    before = generator.get_state()
    assert next(batches) is next(batches)
    assert torch.equal(generator.get_state(), before)
