"""Adapters over one shared base: what is kept, copied, pickled and drawn."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cloudpickle
import pytest
import torch
from safetensors.torch import load_file, save, save_file
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.models import causal
from pareto_explorer.tasks.models.causal import (
    AdaptedLM,
    PretrainedLM,
    adapter_config,
    causal_factory,
    shape_of_model,
)
from pareto_explorer.tasks.models.language_landmarks import landmark_path, read_landmark
from pareto_explorer.tasks.models.pretrained import (
    Lora,
    Pretrained,
    Shape,
    hidden_layers,
    load_network,
    on_weights,
    parse_pretrained,
    shape_of,
)
from tests.tasks.language_files import write_model

IDS = torch.tensor([[3, 4, 5, 6, 7], [8, 9, 1, 0, 0]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def spec(folder: Path) -> Pretrained:
    lora = {"rank": 4, "alpha": 8}
    return parse_pretrained({"path": str(folder), "dtype": "float32", "lora": lora})


def drawn(spec: Pretrained, seed: int = 0) -> nn.Module:
    """A model whose adapters do something."""
    model = causal_factory(spec)().eval()
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draws) / 4)
    return model


def logits(model: nn.Module) -> Tensor:
    with torch.no_grad():
        return model(IDS)


def test_a_new_model_predicts_as_the_pretrained_one(spec: Pretrained) -> None:
    model = causal_factory(spec)()
    assert isinstance(model, AdaptedLM)
    with torch.no_grad():
        plain = load_network(spec)(input_ids=IDS).logits
    assert torch.equal(logits(model), plain)
    assert logits(model).dtype == torch.float32


def test_padding_on_the_right_changes_nothing(spec: Pretrained) -> None:
    model = drawn(spec)
    with torch.no_grad():
        torch.testing.assert_close(model(IDS)[1, :3], model(IDS[1:, :3])[0])


def test_predictions_are_those_of_peft(spec: Pretrained, folder: Path, tmp_path: Path) -> None:
    import peft

    model = drawn(spec)
    save_file(model.state_dict(), tmp_path / "adapter_model.safetensors")
    assert spec.lora is not None
    adapter_config(spec.lora).save_pretrained(tmp_path)
    theirs = peft.PeftModel.from_pretrained(load_network(spec), tmp_path).eval()
    with torch.no_grad():
        expected = theirs(input_ids=IDS).logits
    torch.testing.assert_close(logits(model), expected)
    assert (expected - logits(causal_factory(spec)())).abs().max() > 0.01
    back = read_landmark(spec, tmp_path, "task.original")
    assert all(torch.equal(back[name], value) for name, value in model.state_dict().items())


def test_only_adapters_are_kept_and_trained(spec: Pretrained) -> None:
    model = drawn(spec)
    names = set(model.state_dict())
    assert names == {name for name, _ in model.named_parameters()}
    assert all("lora_" in name for name in names)
    assert sum(p.numel() for p in model.parameters()) == 4 * 2 * (
        4 * 32 + (32 + 32) + 2 * (32 + 16) + 3 * (32 + 48) - 64
    )
    model(IDS).sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in model.parameters())
    base = causal._base(spec, "cpu")
    assert all(p.grad is None and not p.requires_grad for p in base.parameters())


def test_copies_share_the_base_and_nothing_else(spec: Pretrained) -> None:
    model = drawn(spec)
    before, reads = logits(model), causal._base.cache_info().misses
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(logits(model), before)
    assert not torch.equal(logits(twin), before)
    twin.load_state_dict(model.state_dict())
    assert torch.equal(logits(twin), before)
    assert causal._base.cache_info().misses == reads
    assert (
        len(pickle.dumps(model))
        < 40_000
        < sum(p.numel() * 4 for p in load_network(spec).parameters())
    )


@pytest.mark.slow
def test_a_pickled_model_is_the_same_in_another_process(spec: Pretrained, tmp_path: Path) -> None:
    model = drawn(spec)
    file = tmp_path / "model.pickle"
    file.write_bytes(cloudpickle.dumps((model, IDS)))
    code = (
        "import pathlib, pickle, sys\n"
        "model, ids = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print(model(ids).double().sum().item())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(logits(model).double().sum().item(), rel=1e-6)


def test_first_adapters_come_from_the_global_generator_alone(spec: Pretrained) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(causal_factory(spec)().state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    for name, value in states[0].items():
        assert bool(value.any()) == (".lora_A." in name)
    causal._base.cache_clear()
    torch.manual_seed(3)
    model, before = causal_factory(spec)(), torch.get_rng_state()
    logits(model)  # reads the base
    assert torch.equal(torch.get_rng_state(), before)


def test_checkpointed_layers_give_the_same_gradients(spec: Pretrained) -> None:
    plain, other = drawn(spec), drawn(replace(spec, checkpointing=True))
    reference = drawn(replace(spec, checkpointing=True), seed=1)
    plain(IDS).square().mean().backward()
    loss = other(IDS).square().mean()
    logits(reference)  # another model takes the base before the backward pass
    loss.backward()
    for own, same in zip(other.parameters(), plain.parameters(), strict=True):
        assert own.grad is not None
        torch.testing.assert_close(own.grad, same.grad)


def test_a_model_without_adapters_starts_from_the_pretrained_weights(folder: Path) -> None:
    spec = parse_pretrained({"path": str(folder)})
    model = causal_factory(spec)()
    assert isinstance(model, PretrainedLM)
    assert spec.dtype == "float32"
    with torch.no_grad():
        assert torch.equal(logits(model), load_network(spec)(input_ids=IDS).logits)
    for path in (folder, folder / "model.safetensors"):  # the file has tied weights once
        state = read_landmark(spec, path, "task.original")
        model.load_state_dict(state)
        assert save(state)  # no two share their memory


@pytest.mark.parametrize("checkpointing", [False, True])
def test_hooks_find_what_a_layer_gives(spec: Pretrained, checkpointing: bool) -> None:
    model, other, seen = drawn(replace(spec, checkpointing=checkpointing)), drawn(spec, 1), []
    (layers,) = (m for m in model.modules() if isinstance(m, nn.ModuleList))
    assert len(layers) == 2
    layers[0].register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    logits(other)
    assert not seen
    logits(model)
    with torch.no_grad():
        hidden = load_network(spec)(input_ids=IDS, output_hidden_states=True).hidden_states[1]
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.zero_()
    logits(model)
    assert not torch.equal(seen[0], hidden)
    assert torch.equal(seen[1], hidden)
    model(IDS)
    seen[2].sum().backward()
    assert [p.grad is not None for n, p in model.named_parameters() if ".layers.0." in n] == [
        True
    ] * 14


def test_the_size_is_read_off_the_configuration(spec: Pretrained) -> None:
    shape = shape_of_model(causal_factory(spec)())
    assert shape is not None
    assert (shape.layers, shape.hidden, shape.inner, shape.attended, shape.keys) == (
        2,
        32,
        48,
        32,
        16,
    )
    assert shape.parameters == sum(p.numel() for p in load_network(spec).parameters())
    assert shape_of_model(nn.Linear(2, 2)) is None


def test_a_model_that_sees_images_too_is_read_by_its_part_for_texts() -> None:
    from transformers import AutoModelForCausalLM, Gemma3Config

    small = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
    config = Gemma3Config(
        text_config={**small, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
        | {"vocab_size": 60},
        vision_config={**small, "num_attention_heads": 2, "image_size": 28, "patch_size": 14},
        mm_tokens_per_image=4,
    )
    assert not hasattr(config, "vocab_size")
    shape = shape_of(config, 7, 5)
    assert shape == Shape(2, 16, 24, 32, 16, 60, 7, 5)
    with torch.device("meta"):
        path, layers = hidden_layers(AutoModelForCausalLM.from_config(config))
    assert (path, len(layers)) == ("model.language_model.layers", 2)


def test_changed_files_are_another_model(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "tiny")
    options = {"path": str(folder), "lora": {"rank": 2}}
    before = parse_pretrained(options)
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][3] += 1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    after = parse_pretrained(options)
    assert before.digest != after.digest
    with pytest.raises(InputError, match=r"task\.model\.path: the files in .* have changed"):
        causal_factory(before)()(IDS)
    (folder / "notes.md").write_text("nothing that is read")
    assert parse_pretrained(options) == after
    model = causal_factory(after)()
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"tiny' cannot be read here \(No such file"):
        model(IDS)


@pytest.mark.parametrize("name", ["", "model.safetensors"])
def test_adapters_stand_on_weights_that_are_given(
    spec: Pretrained, tmp_path: Path, name: str
) -> None:
    folder = write_model(tmp_path / "tuned", seed=1)
    tuned = on_weights(spec, folder / name)
    model = causal_factory(tuned)()
    with torch.no_grad():
        plain = load_network(replace(spec, path=str(folder), digest=""))(input_ids=IDS).logits
    assert torch.equal(logits(model), plain)
    assert not torch.equal(logits(causal_factory(spec)()), plain)
    assert tuned.digest != spec.digest
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][3] += 1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    causal._base.cache_clear()
    with pytest.raises(InputError, match=r"the files in .*tiny' or .*tuned.* have changed"):
        logits(model)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"path": "nowhere"}, r"path: '.*nowhere' is no folder"),
        ({"pth": "x"}, r"field: 'pth' is not known; did you mean 'path'"),
        ({"dtype": "int8"}, r"dtype: 'int8' is not known"),
        ({"gguf": "x.gguf"}, r"gguf: 'x\.gguf' is no file in"),
        ({"gguf": "../x.gguf"}, r"gguf: '\.\./x\.gguf' is no file in"),
        ({"checkpointing": "yes"}, r"checkpointing: 'yes' must be true or false"),
        ({"lora": 8}, r"lora: 8 is no mapping"),
        ({"lora": {"rnk": 8}}, r"lora: field: 'rnk' is not known; did you mean 'rank'"),
        ({"lora": {"rank": 0}}, r"lora\.rank: 0 must be a whole number above 0"),
        ({"lora": {"alpha": -1}}, r"lora\.alpha: -1 must be a number above 0"),
        ({"lora": {"targets": []}}, r"lora\.targets: \[\] must be a list of names"),
    ],
)
def test_a_wrong_option_is_one_sentence(folder: Path, changes: dict, text: str) -> None:
    with pytest.raises(InputError, match=rf"task\.model.*{text}"):
        parse_pretrained({"path": str(folder), **changes})


def test_targets_that_are_not_there_are_told(folder: Path) -> None:
    spec = parse_pretrained({"path": str(folder), "lora": {"targets": ["c_attn"]}})
    with pytest.raises(InputError, match=r"lora\.targets: c_attn cannot be adapted in a Llama"):
        causal_factory(spec)()


@pytest.mark.parametrize("targets", [["embed_tokens"], ["q_proj", "embed_tokens"]])
def test_embeddings_have_no_adapters(folder: Path, targets: list[str]) -> None:
    spec = parse_pretrained({"path": str(folder), "lora": {"targets": targets}})
    with pytest.raises(InputError, match=r"lora\.targets: .*embed_tokens is no linear layer"):
        causal_factory(spec)()


def test_only_safetensors_are_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(InputError, match=r"no weights as safetensors, and others may run code"):
        parse_pretrained({"path": str(tmp_path)})
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    spec = parse_pretrained({"path": str(tmp_path)})
    with pytest.raises(InputError, match=r"holds no causal model that can be read"):
        causal_factory(spec)()


def test_code_in_the_folder_is_not_run(folder: Path, tmp_path: Path) -> None:
    own = write_model(tmp_path / "own")
    config = json.loads((own / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}}
    (own / "config.json").write_text(json.dumps(config))
    (own / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    spec = parse_pretrained({"path": str(own), "lora": {"rank": 2}})
    with pytest.raises(InputError, match=r"without running its code"):
        causal_factory(spec)()
    assert not (tmp_path / "ran").exists()


def test_without_the_packages_one_sentence_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(InputError, match=r"pip install 'pareto-explorer\[language\]'"):
        parse_pretrained({"path": str(folder)})


def test_landmarks_of_another_kind_are_told(spec: Pretrained, folder: Path, tmp_path: Path) -> None:
    whole = replace(spec, lora=None)
    adapters = tmp_path / "adapters"
    adapters.mkdir()
    adapter_config(Lora(4, 16.0)).save_pretrained(adapters)
    save_file(drawn(spec).state_dict(), adapters / "adapter_model.safetensors")
    (tmp_path / "weights.bin").write_bytes(b"")
    save_file({"model.norm.weight": torch.ones(32)}, tmp_path / "part.safetensors")
    other = write_model(tmp_path / "letters", words=False)
    for model, path, text in (
        (whole, adapters, "holds adapters; give a whole model, or set model.lora"),
        (whole, adapters / "adapter_model.safetensors", "holds adapters; give a whole model"),
        (spec, adapters, "has lora_alpha 16.0, and the task's model 8; set model.lora.alpha"),
        (spec, tmp_path / "weights.bin", "is no safetensors file"),
        (spec, tmp_path / "part.safetensors", r"embed_tokens.weight has the shape None in .*part"),
        (spec, other, r"embed_tokens.weight has the shape \(103, 32\) in .*letters"),
        (whole, tmp_path, r"task.retrained: '.*' holds no causal model"),
    ):
        with pytest.raises(InputError, match=text):
            read_landmark(model, path, "task.retrained")
    for path, text in ((tmp_path / "nowhere", "does not exist"), (3, "3 is no path")):
        with pytest.raises(InputError, match=text):
            landmark_path(path, "task.retrained")
