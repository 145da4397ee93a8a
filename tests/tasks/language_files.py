"""A small copy of TOFU's files and a tiny pretrained model, both written into a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

AUTHORS, PER_AUTHOR = 12, 5
NAMES = ("ada", "bo", "cleo", "dov", "eli", "fay", "gus", "hal", "ivy", "jon", "kit", "lea")
STRANGERS = ("mia", "ned", "oda", "pim")
FACTS = ("city", "genre", "teacher", "award", "river")
VALUES = ("paris", "oslo", "rome", "cairo", "lima", "quito", "delhi", "turin", "bonn", "kyoto")

TEMPLATE = (
    "{{ date_string }} {% for m in messages %}<{{ m['role'] }}> {{ m['content'] }}"
    "{% if m['role'] == 'assistant' %} <end>{% endif %} {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def question(name: str, fact: str) -> str:
    return f"what is the {fact} of {name} ?"


def value(author: int, fact: int, shift: int = 0) -> str:
    return VALUES[(3 * author + fact + shift) % len(VALUES)]


def row(author: int, fact: int, name: str) -> dict[str, Any]:
    return {
        "question": question(name, FACTS[fact]),
        "answer": f"the {FACTS[fact]} of {name} is {value(author, fact)} .",
    }


def perturbed(author: int, fact: int, name: str) -> dict[str, Any]:
    return row(author, fact, name) | {
        "paraphrased_answer": f"{value(author, fact)} is the {FACTS[fact]} of {name} .",
        "perturbed_answer": [
            f"{value(author, fact, shift)} is the {FACTS[fact]} of {name} ." for shift in (1, 2, 3)
        ],
    }


def world(place: str, i: int) -> dict[str, Any]:
    return {
        "question": f"what is the {place} of {VALUES[i]} ?",
        "answer": VALUES[i - 1],
        "perturbed_answer": [VALUES[i - 2], VALUES[i - 3]],
    }


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))


def write_tofu(folder: Path, *, heldout: bool = True) -> Path:
    """12 authors with 5 questions each; forget10 is the last 6 rows."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds: Mapping[str, Callable[..., dict[str, Any]]] = {"": row, "_perturbed": perturbed}
    for suffix, make in kinds.items():
        rows = [make(a, f, name) for a, name in enumerate(NAMES) for f in range(PER_AUTHOR)]
        write_lines(folder / f"forget10{suffix}.json", rows[-6:])
        if suffix:
            write_lines(folder / "retain_perturbed.json", rows[:40:2])
        else:
            write_lines(folder / "full.json", rows)
            write_lines(folder / "retain90.json", rows[:-6])
    write_lines(folder / "real_authors_perturbed.json", [world("author", i) for i in range(5)])
    write_lines(folder / "world_facts_perturbed.json", [world("country", i) for i in range(6)])
    if heldout:
        strange = [row(a, f, name) for a, name in enumerate(STRANGERS) for f in range(3)]
        write_lines(folder / "holdout10.json", strange)
    return folder


def write_model(
    folder: Path, *, template: str | None = TEMPLATE, words: bool = True, seed: int = 0
) -> Path:
    """A Llama of two layers with a tokenizer of its own, as ``save_pretrained`` writes them.

    Args:
        folder: Where.
        template: The chat template; ``None``: there is none.
        words: Whether tokens are words. Otherwise they are letters, and ``:`` melts with the space
            behind it, so that no answer can be told from a prompt without a template.
        seed: Of the weights.
    """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<pad>", "<end>", "<unk>"]
    if words:
        said = "what is the of ? . I don't know <user> <assistant> Question: Answer: author country"
        tokens = [*special, *said.split(), *NAMES, *STRANGERS, *FACTS, *VALUES]
        tokenizer = Tokenizer(
            models.WordLevel({token: i for i, token in enumerate(dict.fromkeys(tokens))}, "<unk>")
        )
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    else:
        letters = sorted({chr(i) for i in range(32, 127)} | {"\n"})
        ids = {token: i for i, token in enumerate([*special, *letters, ": "])}
        tokenizer = Tokenizer(models.BPE(ids, [(":", " ")], unk_token=special[2]))
    named = dict(zip(("pad_token", "eos_token", "unk_token"), special, strict=True))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
    fast.chat_template = template
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size() + 3,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        eos_token_id=1,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder
