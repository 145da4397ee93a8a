"""Exported adapters as a folder of ``peft``."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from pareto_explorer.results.adapters import write_adapter_config
from pareto_explorer.tasks.models.causal import causal_factory
from pareto_explorer.tasks.models.language_landmarks import read_landmark
from pareto_explorer.tasks.models.pretrained import load_network, parse_pretrained
from tests.tasks.language_files import write_model

FACTS = {"lora_rank": 4, "lora_alpha": 8.0}


def test_peft_reads_what_is_exported(tmp_path: Path) -> None:
    import peft

    folder, ids = str(write_model(tmp_path / "tiny")), torch.tensor([[3, 4, 5, 6, 7]])
    lora = {"rank": 4, "alpha": 8, "targets": ["q_proj", "layers.1.mlp.up_proj"]}
    spec = parse_pretrained({"path": folder, "dtype": "float32", "lora": lora})
    model = causal_factory(spec)().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.25, generator=torch.Generator().manual_seed(0))
    weights = tmp_path / "adapter_model.safetensors"
    save_file(model.state_dict(), weights)
    manifest = {"facts": FACTS, "spec": {"task": {"model": {"path": folder}, "original": "full"}}}
    written = write_adapter_config(weights, manifest)
    assert written == tmp_path / "adapter_config.json"
    theirs = peft.PeftModel.from_pretrained(load_network(spec), tmp_path).eval()
    with torch.no_grad():
        torch.testing.assert_close(theirs(input_ids=ids).logits, model(ids))
        assert not torch.equal(load_network(spec)(input_ids=ids).logits, model(ids))
    assert json.loads(written.read_text())["base_model_name_or_path"] == folder
    assert read_landmark(spec, tmp_path, "task.original").keys() == model.state_dict().keys()
    write_adapter_config(weights, {**manifest, "facts": {**FACTS, "frozen": "full"}})
    assert json.loads(written.read_text())["base_model_name_or_path"] == str(
        Path("full").absolute()
    )
    manifest["spec"]["task"]["original"] = "there/model.safetensors"
    write_adapter_config(weights, {**manifest, "facts": {**FACTS, "frozen": "model"}})
    named = json.loads(written.read_text())["base_model_name_or_path"]
    assert named == str(Path("there").absolute())


def test_other_weights_have_no_adapter_config(tmp_path: Path) -> None:
    for name, facts in (("adapter_model", {}), ("model", FACTS)):
        file = tmp_path / f"{name}.safetensors"
        save_file({"weight": torch.ones(2)}, file)
        assert write_adapter_config(file, {"facts": facts}) is None
    assert not (tmp_path / "adapter_config.json").exists()
