"""The memory of a step by arithmetic, against what PyTorch really keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from pareto_explorer.cli.check import _card
from pareto_explorer.sweeps.checks.model_memory import (
    memory_of_task,
    model_memory,
    too_large,
)
from pareto_explorer.tasks.models import causal
from pareto_explorer.tasks.models.causal import adapter_config, causal_factory, shape_of_model
from pareto_explorer.tasks.models.pretrained import Lora, Pretrained, parse_pretrained, shape_of
from tests.tasks.language_files import write_model
from tests.tasks.small import small_task

GIB = 2**30
LLAMA_1B = {
    "vocab_size": 128256,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "tie_word_embeddings": True,
}


def test_adapters_of_a_model_of_1b_fit_a_card_of_24_gb() -> None:
    import peft
    from transformers import AutoModelForCausalLM, LlamaConfig

    config, lora = LlamaConfig(**LLAMA_1B), Lora(rank=8)
    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(config)
    parameters = sum(p.numel() for p in network.parameters())
    assert parameters == 1_235_814_400  # as its card says
    network = peft.inject_adapter_in_model(adapter_config(lora), network, low_cpu_mem_usage=True)
    adapters = sum(p.numel() for name, p in network.named_parameters() if ".default." in name)
    assert adapters == 5_636_096
    shape = shape_of(config, parameters, adapters)
    model = Pretrained("anywhere", "bfloat16", lora)
    memory = model_memory(shape, model, 32, 128)
    assert memory.frozen == 2 * parameters
    assert (memory.trained, memory.gradients, memory.optimizer) == tuple(
        4 * adapters * times for times in (3, 5, 2)
    )
    assert memory.logits == 2 * (32 * 128) * 128256 * 4 * 2
    assert memory.total == sum(memory.parts.values()) < 23.5 * GIB
    assert _card(memory.total) == "which fits a card of 24 GB"
    sparing = replace(model, checkpointing=True)
    assert model_memory(shape, sparing, 32, 128).total < 12 * GIB
    longest = model_memory(shape, sparing, 32, 176)  # TOFU's longest row, with a long template
    assert longest.total < 24e9 < model_memory(shape, model, 32, 176).total
    whole = model_memory(shape, replace(model, lora=None), 32, 128)
    assert whole.frozen == 0
    assert whole.total > 40 * GIB


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_activations_are_what_autograd_keeps(tmp_path: Path, dtype: str) -> None:
    folder = write_model(tmp_path)
    spec = parse_pretrained({"path": str(folder), "dtype": dtype, "lora": {"rank": 1}})
    model = causal_factory(spec)()
    kept: dict[int, int] = {}

    def keep(values: torch.Tensor) -> torch.Tensor:
        storage = values.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return values

    batch, length = 8, 64
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda values: values):
        logits = model(torch.full((batch, length), 3))
    base = causal._base(spec, "cpu")
    for values in (*model.parameters(), *base.parameters(), *base.buffers()):
        kept.pop(values.untyped_storage().data_ptr(), None)
    shape = shape_of_model(model)
    assert shape is not None
    assert logits.shape[2] == shape.vocabulary
    one_objective = model_memory(shape, spec, batch, length).activations / 2
    assert sum(kept.values()) == pytest.approx(one_objective, rel=0.05)


def test_other_models_have_no_arithmetic() -> None:
    assert memory_of_task(small_task(), nn.Linear(2, 2), 8) is None


def test_a_card_that_is_too_small_is_told(tmp_path: Path) -> None:
    spec = parse_pretrained({"path": str(write_model(tmp_path)), "lora": {"rank": 1}})
    shape = shape_of_model(causal_factory(spec)())
    assert shape is not None
    memory = model_memory(shape, spec, 8, 64)
    assert list(too_large(memory, memory.total)) == []
    (finding,) = too_large(memory, memory.total - 1)
    assert finding.level == "warning"
    assert "task.model.checkpointing" in finding.text
    assert _card(200 * GIB) == "more than one card has"
