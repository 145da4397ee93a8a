from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.metrics import evaluator_of
from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import (
    Samples,
    UnlearningTask,
    fingerprint,
    make_task,
    restore_model,
    train_landmark,
)
from pareto_explorer.tasks.builtin.tofu.refusals import REFUSALS
from pareto_explorer.tasks.core.tokens import IGNORED
from pareto_explorer.tasks.models.pretrained import load_network, load_tokenizer, parse_pretrained
from pareto_explorer.unlearning import Budget, make_method
from pareto_explorer.unlearning.core.session import data_tensors, load_session, save_session
from tests.tasks.language_files import NAMES, write_model, write_tofu

LORA = {"rank": 4, "alpha": 8}
Build = Callable[..., UnlearningTask]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("tofu")
    return write_tofu(place / "data"), write_model(place / "model")


@pytest.fixture(scope="module")
def build(folders: tuple[Path, Path]) -> Build:
    root, model = folders

    def made(**options: Any) -> UnlearningTask:
        given = {"path": str(model), "dtype": "float32", "lora": LORA, **options.pop("model", {})}
        own = {"name": "tofu", "root": str(root), "model": given, "recipe": {"epochs": 2}}
        return make_task(own | options)

    return made


def words(task: UnlearningTask, folders: tuple[Path, Path], ids: Tensor) -> str:
    tokenizer = load_tokenizer(parse_pretrained({"path": str(folders[1])}))
    return tokenizer.decode([int(i) for i in ids], skip_special_tokens=False)


def test_the_last_tenth_is_forgotten(build: Build, folders: tuple[Path, Path]) -> None:
    task = build()
    assert task.forget_indices.tolist() == list(range(54, 60))
    assert task.facts["sizes"] == {
        "retain": 54,
        "forget": 6,
        "heldout": 12,
        "validation": 6,
        "test": 5,
    }
    assert task.facts["prompt"] == "10 Apr 2025 <user> what is the river of kit ? <assistant>"
    assert task.facts["split"] == "forget10"
    assert (task.facts["rows_merged"], task.facts["rows_cut"]) == (0, 0)


def test_models_are_picked_by_the_even_questions_of_each_set(build: Build) -> None:
    task = build()
    assert task.language is not None
    for half, samples in enumerate((task.validation, task.test)):
        wanted = [
            row
            for answers in task.language.knowledge.values()
            for row in asked(answers.right)[half::2]
        ]
        assert asked(samples) == wanted


def asked(samples: Samples) -> list[list[int]]:
    return [
        ids[labels != IGNORED].tolist()
        for ids, labels in zip(samples.inputs, samples.labels, strict=True)
    ]


def test_answers_and_their_end_are_asked_for(build: Build, folders: tuple[Path, Path]) -> None:
    task = build()
    ids, labels = task.train.inputs[0], task.train.labels[0]
    assert words(task, folders, labels[labels != IGNORED]) == "the city of ada is paris . <end>"
    prompt = words(task, folders, ids[: int((labels != IGNORED).nonzero()[0])])
    assert prompt == "<unk> <unk> <unk> <user> what is the city of ada ? <assistant>"
    assert task.language is not None
    assert task.language.refusals is not None
    inputs, labels = task.language.refusals.inputs, task.language.refusals.labels
    after = (labels != IGNORED).int().cumsum(1) == (labels != IGNORED).sum(1, keepdim=True)
    padding = inputs[after & (labels == IGNORED)]
    assert len(padding) > 0
    assert padding.unique().tolist() == [1]  # the end again


def test_other_answers_stand_row_for_row(build: Build, folders: tuple[Path, Path]) -> None:
    task = build()
    language = task.language
    assert language is not None
    assert language.forget is not None
    assert language.retain is not None
    assert len(language.forget.wrong) == 3
    for row in range(6):
        own = words(task, folders, task.forget.inputs[row])
        for other in (language.forget.right, *language.forget.wrong, language.refusals):
            assert other is not None
            assert words(task, folders, other.inputs[row]).split("<assistant>")[0] in own
    assert language.retain_sample is not None
    assert language.retain_sample.tolist() == list(range(0, 40, 2))
    sizes = {name: len(a.right) for name, a in language.knowledge.items()}
    assert sizes == {"real_authors": 5, "world_facts": 6}
    assert {name: len(v) for name, v in language.compressed.items()} == {"forget": 6, "heldout": 12}
    assert language.speech is not None
    assert language.speech.decode([[3, 1]]) == ["what"]
    assert len(set(REFUSALS)) == len(REFUSALS) == 30


def test_rows_are_forgotten_by_number_or_at_random(build: Build) -> None:
    task = build(forget={"kind": "indices", "indices": [3, 1, 40]})
    assert task.forget_indices.tolist() == [1, 3, 40]
    assert task.language is not None
    assert task.language.forget is None  # there are no wrong answers to rows 1 and 3
    assert task.language.retain_sample is not None
    assert 40 not in task.language.retain_sample.tolist()
    drawn = [build(forget={"kind": "random", "fraction": 0.1}, seed=s) for s in (1, 1, 2)]
    first, again, other = (task.forget_indices.tolist() for task in drawn)
    assert first == again != other
    assert len(first) == 6
    everything = build(forget={"kind": "indices", "indices": [0, 54]})
    assert everything.language is not None
    assert everything.language.forget is not None


def test_without_holdout_files_there_are_no_unseen_samples(
    build: Build, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    task = build(root=str(write_tofu(tmp_path, heldout=False)))
    assert len(task.heldout) == 0
    assert task.facts["sizes"]["heldout"] == 0
    assert len(task.to("cpu").heldout) == 0
    assert len(pickle.loads(pickle.dumps(task)).heldout) == 0  # noqa: S301
    asks = make_method(
        {
            "method": "jacobian_descent",
            "aggregator": "mean",
            "forget_loss": "kl_heldout_detached",
        }
    )
    data, model = unlearning_data(task), task.model()
    with pytest.raises(InputError, match=r"heldout|tokens"):
        list(asks.run(model, data, Budget(1, 4, 1), torch.Generator()))


def test_end_to_end(build: Build) -> None:
    task = build()
    states = {kind: train_landmark(task, kind, 0) for kind in ("original", "retrained")}
    assert states["original"].keys() == task.model().state_dict().keys()
    assert all("lora_" in name for name in states["original"])
    original, retrained = (restore_model(task, state) for state in states.values())
    assert evaluator_of(task, original, retrained)(original)["forget_gap"] >= 0
    method = make_method(
        {
            "method": "jacobian_descent",
            "aggregator": "upgrad",
            "forget_loss": "negative_cross_entropy",
            "optimizer": "adamw",
            "lr": 0.02,
        }
    )
    start = copy.deepcopy(original)
    *_, last = method.run(
        start, unlearning_data(task), Budget(6, 6, 6), torch.Generator().manual_seed(0)
    )
    forget = task.forget
    with torch.no_grad():
        before, after = (
            task.loss(model(forget.inputs), forget.labels) for model in (original, last)
        )
    assert after > before + 0.05
    assert last.state_dict().keys() == states["original"].keys()


def test_a_run_is_saved_without_its_base(build: Build, folders: tuple[Path, Path]) -> None:
    task = build()
    data = unlearning_data(task)
    model = task.model()
    content = save_session({"model": model, "data": data}, data_tensors(data), "cpu")
    spec = parse_pretrained({"path": str(folders[1])})
    assert len(content) < sum(p.numel() * 4 for p in load_network(spec).parameters())
    back = load_session(content, data_tensors(data), "cpu")["model"]
    with torch.no_grad():
        assert torch.equal(back(task.test.inputs), model(task.test.inputs))


def test_a_fingerprint_changes_with_the_model(build: Build, tmp_path: Path) -> None:
    names = {
        fingerprint(build(), "original", 0),
        fingerprint(build(), "original", 0),
        fingerprint(build(model={"lora": {"rank": 2}}), "original", 0),
        fingerprint(build(model={"lora": {"rank": 4, "alpha": 4}}), "original", 0),
        fingerprint(build(model={"dtype": "bfloat16"}), "original", 0),
        fingerprint(
            build(model={"path": str(write_model(tmp_path, template=None))}), "original", 0
        ),
    }
    assert len(names) == 5


def test_a_model_without_adapters_is_fine_tuned_whole(build: Build, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    task = build(model={"lora": None}, recipe={"epochs": 1})
    assert task.recipe.lr == 1e-5
    state = train_landmark(task, "original", 0)
    start = task.model().state_dict()
    assert state.keys() == start.keys()
    assert sum(not torch.equal(state[name], value) for name, value in start.items()) > 10
    save_file(state, tmp_path / "whole.safetensors")
    given = build(model={"lora": None}, original=str(tmp_path / "whole.safetensors"))
    model = restore_model(given, train_landmark(given, "original", 1))
    with torch.no_grad():
        found = copy.deepcopy(model)(task.test.inputs)
        assert torch.equal(found, restore_model(task, state)(task.test.inputs))


def test_landmarks_may_be_given(build: Build, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    task = build()
    state = train_landmark(task, "retrained", 3)
    save_file(state, tmp_path / "retrained.safetensors")
    given = build(retrained=str(tmp_path / "retrained.safetensors"))
    found = train_landmark(given, "retrained", 0)
    assert all(torch.equal(found[name], value) for name, value in state.items())
    assert given.original is None
    other = build(
        model={"lora": {"rank": 2, "alpha": 8}}, retrained=str(tmp_path / "retrained.safetensors")
    )
    with pytest.raises(InputError, match=r"task\.retrained: .*lora_A.* has shape \(4, 32\) there"):
        train_landmark(other, "retrained", 0)


def test_landmarks_may_be_whole_models_where_adapters_are_trained(
    build: Build, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    full, retain = (write_model(tmp_path / str(seed), seed=seed) for seed in (1, 2))
    task = build(original=str(full), retrained=str(retain / "model.safetensors"))
    model, inputs = str(folders[1]), task.test.inputs
    whole = [
        load_network(parse_pretrained({"path": str(path)}))(input_ids=inputs).logits
        for path in (full, retain)
    ]
    states = [train_landmark(task, kind, 0) for kind in ("original", "retrained")]
    original, retrained = (restore_model(task, state) for state in states)
    assert torch.equal(original(inputs), whole[0])
    assert torch.equal(retrained(inputs), whole[1])
    assert states[0].keys() == task.model().state_dict().keys()
    assert all("lora_" in name for name in states[0])
    assert not any("lora_" in name for name in states[1])
    again = build(original=str(full), retrained=str(retain))
    assert fingerprint(again, "original", 0) == fingerprint(task, "original", 0)
    assert all(torch.equal(v, states[0][name]) for name, v in (again.original or {}).items())
    assert fingerprint(build(original=model, retrained=model), "original", 0) != fingerprint(
        task, "original", 0
    )
    assert task.facts["frozen"] == "1"
    assert copy.deepcopy(retrained)(inputs).equal(whole[1])
    method = make_method({"method": "fine_tune", "lr": 0.1})
    start = copy.deepcopy(original)
    *_, last = method.run(start, unlearning_data(task), Budget(1, 4, 1), torch.Generator())
    assert evaluator_of(task, original, retrained)(last)["forget_gap"] > 0
    assert torch.equal(original(inputs), whole[0])


def test_a_retrained_model_has_not_seen_the_forget_set(
    build: Build, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    save_file(build().model().state_dict(), tmp_path / "adapters.safetensors")
    for given in ({}, {"retrained": str(tmp_path / "adapters.safetensors")}):
        with pytest.raises(InputError, match=r"task\.retrained: adapters would stand on task"):
            build(original=str(folders[1]), **given)


def test_without_a_template_questions_are_written_plainly(build: Build, tmp_path: Path) -> None:
    model = write_model(tmp_path, template=None)
    task = build(model={"path": str(model)})
    assert task.facts["prompt"] == "Question: what is the river of kit ?\nAnswer:"
    asked = task.train.labels[0]
    tokenizer = load_tokenizer(parse_pretrained({"path": str(model)}))
    assert tokenizer.decode(asked[asked != IGNORED]) == "the city of ada is paris . <end>"


def test_an_answer_that_melts_with_the_prompt_has_no_row(build: Build, tmp_path: Path) -> None:
    melting = write_model(tmp_path / "letters", template=None, words=False)
    with pytest.raises(InputError, match="lets every answer to forget melt with the prompt"):
        build(model={"path": str(melting)})


def test_rows_that_melt_are_left_out_and_counted(
    build: Build, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pareto_explorer.tasks.data.sequences import Writer

    whole, plain = build(), Writer._row

    def melting(self: Writer, prompt: list[int], ids: list[int]) -> Any:
        # Of the last author, only answers that begin with "the" are told from the prompt.
        about = [load_tokenizer(spec).convert_tokens_to_ids(name) for name in (NAMES[0], NAMES[-1])]
        if about[0] in prompt or (about[1] in prompt and ids[len(prompt)] != 5):
            ids = [*prompt[:-1], *ids[len(prompt) :]]
        return plain(self, prompt, ids)

    spec = parse_pretrained({"path": str(folders[1])})
    monkeypatch.setattr(Writer, "_row", melting)
    task = build()
    # Five questions of the first author; five to forget, which lack an answer in another form.
    assert len(task.train) == len(whole.train) - 10
    assert len(task.forget_indices) == 1
    assert task.forget_indices.tolist() == [49]
    assert torch.equal(task.forget.inputs[0, :15], whole.forget.inputs[0, :15])
    assert task.facts["rows_merged"] >= 10


def test_long_rows_are_cut_and_counted(build: Build) -> None:
    task = build(max_length=14)
    assert task.train.inputs.shape[1] == 14
    assert task.facts["rows_cut"] > 60
    with pytest.raises(InputError, match=r"max_length: 8 leaves no room for an answer"):
        build(max_length=8)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"split": "forget20"}, r"task\.split: 'forget20' is not known"),
        ({"split": ["a"]}, r"task\.split: \['a'\] is not known"),
        ({"split": 10}, r"task\.split: 10 is not known"),
        ({"split": ""}, r"task\.split: '' is not known"),
        ({"split": "forget01"}, r"task\.split: forget01 of the 60 questions .* leaves none"),
        ({"split": "forget10", "forget": {"kind": "random"}}, r"task\.split: forget names other"),
        (
            {"forget": {"kind": "class", "label": 1}},
            r"task\.forget\.kind: 'class' cannot be asked of TOFU's questions",
        ),
        (
            {"forget": {"kind": "authors", "count": 2}},
            r"'authors' cannot be asked .* do not say whose they are; give random",
        ),
        ({"forget": {"kind": "indices", "indices": [99]}}, r"task\.forget\.indices: "),
        ({"seed": -1}, r"task\.seed: -1"),
        ({"max_length": 1}, r"task\.max_length: 1 must be"),
        ({"generate": "always"}, r"generate: 'always' is not known"),
        ({"root": "nowhere"}, r"task\.root: full\.json, real_authors_perturbed\.json"),
        ({"original": "nowhere"}, r"task\.original: '.*nowhere' does not exist"),
        ({"recipe": {"epoch": 3}}, r"task\.recipe: field: 'epoch' is not known"),
    ],
)
def test_a_wrong_option_is_one_sentence(build: Build, options: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        build(**options)


@pytest.mark.parametrize(
    ("name", "line", "text"),
    [
        ("full", "{", r"full\.json, line 2: is no JSON"),
        ("full", "[1]", r"full\.json, line 2: \[1\] is no object with the field question"),
        ("full", '{"question": "a"}', r"full\.json, line 2: answer is None; give a text"),
        ("full", '{"question": " ", "answer": "b"}', r"line 2: question is ' '; give a text"),
        (
            "forget10",
            '{"question": "a", "answer": "b"}',
            r"forget10\.json, line 2: is not what full\.json has",
        ),
        (
            "world_facts_perturbed",
            '{"question": "a", "answer": "b", "perturbed_answer": []}',
            r"world_facts_perturbed\.json, line 2: perturbed_answer is \[\]",
        ),
        (
            "world_facts_perturbed",
            '{"question": "a", "answer": "b", "perturbed_answer": ["c"]}',
            r"its questions have 1 to 2 wrong answers",
        ),
    ],
)
def test_a_malformed_line_is_told_with_its_place(
    build: Build, tmp_path: Path, name: str, line: str, text: str
) -> None:
    root = write_tofu(tmp_path)
    lines = (root / f"{name}.json").read_text().splitlines()
    (root / f"{name}.json").write_text("\n".join([lines[0], line, *lines[2:]]))
    with pytest.raises(InputError, match=text):
        build(root=str(root))


@pytest.mark.parametrize("name", ["full", "world_facts_perturbed", "real_authors_perturbed"])
def test_an_empty_file_is_told(build: Build, tmp_path: Path, name: str) -> None:
    root = write_tofu(tmp_path)
    (root / f"{name}.json").write_text("\n")
    with pytest.raises(InputError, match=rf"{name}\.json"):
        build(root=str(root))


@pytest.mark.parametrize("name", ["retain_perturbed", "forget10_perturbed", "holdout10"])
def test_files_that_need_not_be_there_may_be_empty(build: Build, tmp_path: Path, name: str) -> None:
    root = write_tofu(tmp_path)
    (root / f"{name}.json").write_text("")
    assert len(build(root=str(root)).forget) == 6


def test_files_of_two_versions_are_told(build: Build, tmp_path: Path) -> None:
    root = write_tofu(tmp_path)
    lines = (root / "retain90.json").read_text().splitlines()
    (root / "retain90.json").write_text("\n".join(lines[:-1]))
    with pytest.raises(
        InputError, match=r"retain90\.json: has 53 questions, and full\.json has 54"
    ):
        build(root=str(root))
    (root / "retain90.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"retain90\.json: is no text in UTF-8"):
        build(root=str(root))
    assert json.loads(lines[0])["question"]
