from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import UnlearningTask, make_task, train_landmark
from pareto_explorer.tasks.core.tokens import IGNORED
from tests.tasks.language_files import write_model

TEXT = "the city of ada is paris . the river of bo is oslo . "


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., UnlearningTask]:
    model = write_model(tmp_path_factory.mktemp("model"))

    def made(root: Path, **options: Any) -> UnlearningTask:
        own = {"path": str(model), "dtype": "float32", "lora": {"rank": 2}}
        return make_task(
            {"name": "corpus", "root": str(root), "model": own, "max_length": 8} | options
        )

    return made


def test_documents_are_joined_and_cut(build: Callable[..., UnlearningTask], tmp_path: Path) -> None:
    (tmp_path / "forget").mkdir()
    (tmp_path / "forget" / "b.txt").write_text(TEXT)  # 14 tokens and an end
    (tmp_path / "forget" / "a.jsonl").write_text(json.dumps({"text": "ada bo"}) + "\n")
    (tmp_path / "retain.json").write_text(json.dumps([TEXT] * 12))
    (tmp_path / "holdout.txt").write_text(TEXT)
    task = build(tmp_path, recipe={"epochs": 1})
    assert task.facts["tested_on"] == "a tenth of retain"
    assert task.facts["sizes"] == {
        "retain": 20,  # of 12 * 15 tokens, 23 pieces
        "forget": 3,
        "heldout": 2,
        "validation": 2,
        "test": 1,
    }
    first = task.forget
    assert first.inputs[0].tolist()[:3] == [*first.inputs[0].tolist()[:2], 1]  # the end of "ada bo"
    assert first.labels[0, 0] == IGNORED
    assert torch.equal(first.labels[0, 1:], first.inputs[0, 1:])
    assert int((first.labels[2] != IGNORED).sum()) == 18 - 16 - 1
    assert task.language is not None
    assert len(task.language.compressed["forget"]) == 3
    assert all("lora_" in name for name in train_landmark(task, "original", 0))


def test_a_folder_of_muse_is_read(build: Callable[..., UnlearningTask], tmp_path: Path) -> None:
    for folder in ("raw", "knowmem"):
        (tmp_path / folder).mkdir()
    for name in ("forget", "retain1", "retain2", "holdout"):
        (tmp_path / "raw" / f"{name}.txt").write_text(TEXT * 3)
    asked = [
        {"question": f"what is the city of {n} ?", "answer": "paris"} for n in ("ada", "bo", "lea")
    ]
    (tmp_path / "knowmem" / "retain_qa.json").write_text(json.dumps(asked))
    task = build(tmp_path, max_length=16)
    sizes = task.facts["sizes"]
    assert (sizes["forget"], sizes["retain"], sizes["heldout"]) == (3, 3, 3)
    assert (sizes["validation"], sizes["test"]) == (2, 1)
    assert task.facts["tested_on"] == "knowmem"
    assert int((task.test.labels != IGNORED).sum()) == 2  # paris, and the end


def test_what_is_missing_is_told(build: Callable[..., UnlearningTask], tmp_path: Path) -> None:
    (tmp_path / "forget.txt").write_text("ada")
    with pytest.raises(
        InputError, match=r"has no retain\.txt, retain\.jsonl, retain\.json or fold"
    ):
        build(tmp_path)
    (tmp_path / "retain.txt").write_text(" ")
    with pytest.raises(InputError, match=r"retain\.txt: has no text"):
        build(tmp_path)
    (tmp_path / "retain.txt").write_text(TEXT)
    with pytest.raises(InputError, match=r"nothing is left in .* to validate and test on"):
        build(tmp_path)
    (tmp_path / "retain.txt").unlink()
    (tmp_path / "retain.json").write_text('{"text": 3}')
    with pytest.raises(InputError, match=r"retain\.json: is no list of texts"):
        build(tmp_path)
    (tmp_path / "retain.json").unlink()
    (tmp_path / "retain.jsonl").write_text('{"text": "a"}\n{"txt": "b"}')
    with pytest.raises(InputError, match=r"retain\.jsonl, line 2: text is None; give a text"):
        build(tmp_path)
