import torch
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.tasks.task import Samples
from pareto_explorer.unlearning.data import Batches, Streams, UnlearningData

from .toys import draws, make_data


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
