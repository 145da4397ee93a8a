from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.builtin.authors.gpt import GPT


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(vocabulary=11, length=9, width=16, depth=2, heads=4).double().eval()


def ids(n=3, length=7):
    return torch.randint(11, (n, length), generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_no_logit_depends_on_a_later_token(model):
    inputs = ids()
    before = model(inputs)
    for place in range(inputs.shape[1]):
        changed = inputs.clone()
        changed[:, place] = (changed[:, place] + 1) % 11
        after = model(changed)
        assert torch.equal(after[:, :place], before[:, :place])
        assert (after[:, place:] != before[:, place:]).any(2).all()


@torch.no_grad()
def test_padding_on_the_right_changes_nothing(model):
    inputs = ids()
    longer = functional.pad(inputs, (0, 2))
    torch.testing.assert_close(model(longer)[:, :7], model(inputs), rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_attention_is_a_mean_over_what_came_before(model):
    block = model.blocks[0]
    x = torch.randn(2, 5, 16, dtype=torch.double, generator=torch.Generator().manual_seed(2))
    query, key, value = block.project(x).chunk(3, 2)
    expected = torch.zeros_like(x)
    for head in range(4):
        part = slice(4 * head, 4 * head + 4)
        for place in range(5):
            scores = (query[:, place, None, part] * key[:, : place + 1, part]).sum(2) / 2
            shares = scores.softmax(1)[:, :, None]
            expected[:, place, part] = (shares * value[:, : place + 1, part]).sum(1)
    torch.testing.assert_close(block._attend(x), block.merge(expected), rtol=1e-10, atol=1e-12)


def test_it_starts_near_the_uniform_prediction(model):
    loss = functional.cross_entropy(model(ids()).flatten(0, 1), ids().flatten())
    assert abs(loss.item() - torch.tensor(11.0).log().item()) < 0.1


def test_embeddings_are_the_head_and_learn_as_both(model):
    assert model.tokens.weight.shape == (11, 16)
    model(ids()[:, :3])[..., 4].sum().backward()
    assert bool(model.tokens.weight.grad[4].any())


def test_a_width_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(InputError, match=r"model\.width: 10 must be a multiple of the 4 heads"):
        GPT(11, 9, width=10)
