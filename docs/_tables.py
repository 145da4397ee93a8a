"""Reference pages in Markdown, from the registries and from the search space's models.

Each function returns the text of a page's tables; nothing here knows a name, a number or a source.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import typer

from pareto_explorer.cli.app import app
from pareto_explorer.fronts import OBJECTIVES
from pareto_explorer.schema.metrics import METRICS, MetricEntry
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.spec.domains import DOMAINS
from pareto_explorer.tasks import MODELS, RECIPES, TASKS
from pareto_explorer.unlearning import AGGREGATORS, FORGET_LOSSES, METHODS, PRESETS

__all__ = ["TABLES"]


def methods() -> str:
    """Every method, then the knobs of each."""
    return _parts(METHODS, "method")


def aggregators() -> str:
    """Every aggregator, then the knobs of each."""
    return _parts(AGGREGATORS, "aggregator")


def forget_losses() -> str:
    """Every forget loss, then the knobs of each."""
    return _parts(FORGET_LOSSES, "forget loss")


def comparison() -> str:
    """Everything that a family is made of, with what its front is swept by and its source."""
    kinds = (
        ("method", "methods", METHODS),
        ("aggregator", "aggregators", AGGREGATORS),
        ("forget loss", "forget-losses", FORGET_LOSSES),
    )
    text = []
    for kind, page, registry in kinds:
        rows = (
            (
                f"[`{name}`](reference/{page}.md#{name})",
                entry.summary,
                _names(k.name for k in entry.knobs if k.domain and k.name != "lr"),
                entry.source,
            )
            for name, entry in registry.items()
        )
        headings = (kind, "what it does", "knobs to sweep beside `lr`", "source")
        text += [f"### {kind.capitalize().replace('loss', 'losse')}s", _table(headings, rows)]
    return "\n\n".join(text)


def presets() -> str:
    """What every preset sets, what ``sweep`` means under it, and its source."""
    rows = (
        (
            f"`{name}`",
            preset.summary,
            _settings(preset.family),
            ", ".join(f"`{knob}`: {_domain(domain)}" for knob, domain in preset.domains.items()),
            preset.source,
        )
        for name, preset in PRESETS.items()
    )
    return _table(("preset", "what it is", "sets", "`sweep` means", "source"), rows)


def metrics() -> str:
    """Every metric: which way is better, what it needs, its source."""
    rows = (
        (
            f"`{name}`",
            row.meaning,
            _on_tokens(row),
            {"none": "the retrained model's"}.get(row.direction, row.direction),
            _retrained(row),
            "yes" if row.reads_test else "",
            _names([row.twin] if row.twin else []),
            row.source,
        )
        for name, row in METRICS.items()
    )
    headings = (
        "metric",
        "what it is",
        "of language models",
        "best",
        "needs a retrained model",
        "reads the test set",
        "twin on the validation set",
        "source",
    )
    return _table(headings, rows)


def _on_tokens(row: MetricEntry) -> str:
    if row.tokens_only:
        return "there only"
    return row.on_tokens.meaning if row.on_tokens else "not measured"


def _retrained(row: MetricEntry) -> str:
    if row.least_seeds > 1:
        return f"of {row.least_seeds} training seeds or more"
    return "yes" if row.needs_retrained else "no"


def objectives() -> str:
    """The named choices of objectives."""
    rows = (
        (f"`{name}`", preset.summary, _names(preset.metrics), preset.source)
        for name, preset in OBJECTIVES.items()
    )
    return _table(("objectives", "what it is", "metrics", "source"), rows)


def tasks() -> str:
    """Every task with its options."""
    rows = (
        (f"`{name}`", entry.summary, _settings(_defaults(entry.build)), entry.source)
        for name, entry in TASKS.items()
    )
    return _table(("task", "what it is", "options and their defaults", "source"), rows)


def models() -> str:
    """Every network with its options."""
    rows = (
        (f"`{name}`", entry.summary, _settings(entry.options), entry.source)
        for name, entry in MODELS.items()
    )
    return _table(("model", "what it is", "options and their defaults", "source"), rows)


def recipes() -> str:
    """How landmarks are trained."""
    rows = (
        (f"`{name}`", _settings({k: v for k, v in asdict(recipe).items() if v != ()}))
        for name, recipe in RECIPES.items()
        if is_dataclass(recipe)
    )
    return _table(("recipe", "values"), rows)


def search_space() -> str:
    """Every field of the file, a section for each mapping in it."""
    schema = SweepSpec.model_json_schema()
    parts = {"the file": schema} | schema["$defs"]
    text = []
    for name, part in parts.items():
        about, described = _documented(part["description"])
        heading = "The file" if part is schema else f"{_words(name)} {{#{name.lower()}}}"
        about = "" if part is schema else about
        required = part.get("required", ())
        rows = (
            (
                f"`{field}`",
                _type(value),
                "required" if field in required else _shown(_default(part, field, value)),
                described.get(field, ""),
            )
            for field, value in part["properties"].items()
        )
        text += [f"## {heading}", about, _table(("field", "type", "default", "meaning"), rows)]
    return "\n\n".join(text)


def domains() -> str:
    """The domains that a knob can have, with their arguments."""
    rows = ((f"`{name}`", f"`{{{name}: [{', '.join(of)}]}}`") for name, of in DOMAINS.items())
    return _table(("domain", "written"), rows)


def command_line() -> str:
    """Every command with its arguments and options."""
    text = []
    for name, command in typer.main.get_command(app).commands.items():
        context = command.make_context(f"pareto-explorer {name}", [], resilient_parsing=True)
        rows = (
            (f"`{', '.join(each.opts)}`", getattr(each, "help", None) or "", _set_by(each))
            for each in command.params
        )
        usage = " ".join(command.collect_usage_pieces(context))
        text += [
            f"## {name}",
            f"```text\npareto-explorer {name} {usage}\n```",
            inspect.cleandoc(command.help or ""),
            _table(("argument or option", "meaning", "default"), rows),
        ]
    return "\n\n".join(text)


TABLES: Mapping[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        methods,
        aggregators,
        forget_losses,
        comparison,
        presets,
        metrics,
        objectives,
        tasks,
        models,
        recipes,
        search_space,
        domains,
        command_line,
    )
}
"""What a page may ask for as ``<!-- table: NAME -->``."""


def _parts(registry: Mapping[str, Any], kind: str) -> str:
    """A table of one kind of a family's parts, then a section for each: source, defects, knobs."""
    rows = ((f"[`{name}`](#{name})", entry.summary) for name, entry in registry.items())
    text = [_table((kind, "what it does"), rows)]
    for name, entry in registry.items():
        knobs = (
            (f"`{k.name}`", f"`{_yaml(k.default)}`", _domain(k.domain), k.summary)
            for k in entry.knobs
        )
        text += [f"## `{name}` {{#{name}}}", entry.summary]
        text += [f"Source: {entry.source}."] if entry.source else []
        if entry.defects:
            text.append(f"Defects of published code: {entry.defects}.")
        if entry.knobs:
            text.append(_table(("knob", "default", "`sweep` means", "meaning"), knobs))
    return "\n\n".join(text)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, without columns that are empty from top to bottom."""
    filled = [[_cell(cell) for cell in row] for row in rows]
    kept = [i for i in range(len(headings)) if any(row[i] for row in filled)]
    lines = [headings, ["---"] * len(headings), *([cell or "-" for cell in row] for row in filled)]
    return "\n".join(f"| {' | '.join(line[i] for i in kept)} |" for line in lines)


def _cell(text: str) -> str:
    """A text for one cell: one line, no bar, and no HTML but in code."""
    line = " ".join(text.split()).replace("|", "\\|")
    pieces = re.split(r"(`[^`]*`)", line)
    return "".join(p if p.startswith("`") else p.replace("<", "&lt;") for p in pieces)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _settings(values: Mapping[str, Any]) -> str:
    """Names and values as a file has them; a name alone where there is no default."""
    empty = inspect.Parameter.empty
    return ", ".join(
        f"`{name}`" if value is empty else f"`{name}: {_yaml(value)}`"
        for name, value in values.items()
    )


def _defaults(build: Callable[..., Any]) -> dict[str, Any]:
    return {name: p.default for name, p in inspect.signature(build).parameters.items()}


def _yaml(value: Any) -> str:
    """A value as a search-space file has it."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _domain(domain: Mapping[str, Sequence[Any]] | None) -> str:
    """A domain in the file's words, shortened if it is long."""
    if not domain:
        return ""
    ((kind, values),) = domain.items()
    shown = values if len(values) <= 6 else [*values[:2], "...", values[-1]]
    return f"`{{{kind}: [{', '.join(map(_yaml, shown))}]}}`"


def _documented(docstring: str) -> tuple[str, dict[str, str]]:
    """The text of a class's docstring and what its ``Attributes`` say."""
    about, _, attributes = docstring.partition("\n\nAttributes:\n")
    attributes = attributes.partition("\n\n")[0]
    described = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE)
    summary = about.partition("\n\nRaises:")[0]
    return _code(summary), {name: _code(" ".join(text.split())) for name, text in described}


def _code(text: str) -> str:
    return text.replace("``", "`")


def _words(name: str) -> str:
    """``EarlyStopping`` to ``Early stopping``."""
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", name.removesuffix("Spec")).lower()
    return words.capitalize()


def _default(part: Mapping[str, Any], field: str, value: Mapping[str, Any]) -> Any:
    """The value that a field has where the file does not mention it."""
    if "default" in value:
        return value["default"]
    fields = SweepSpec.model_fields if field in SweepSpec.model_fields else {}
    if part.get("title") == "SweepSpec" and field in fields:
        return fields[field].get_default(call_default_factory=True)
    raise LookupError(f"{part.get('title')}.{field} has no default")


def _shown(default: Any) -> str:
    """A default; that of a mapping stands in the mapping's own table."""
    return "as below" if default and isinstance(default, Mapping) else f"`{_yaml(default)}`"


def _type(value: Mapping[str, Any]) -> str:
    """What a field takes, from its JSON schema."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{_words(name).lower()}](#{name.lower()})"
    for union in ("anyOf", "oneOf"):
        if union in value:
            return " or ".join(dict.fromkeys(_type(each) for each in value[union]))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{each}`" for each in value["enum"])
    if value["type"] == "array":
        return f"list of {_type(value['items'])}"
    if value["type"] == "object":
        inner = value.get("additionalProperties")
        return f"mapping of {_type(inner)}" if isinstance(inner, Mapping) else "mapping"
    word = {"string": "text", "boolean": "`true` or `false`", "integer": "whole number"}
    return word.get(value["type"], value["type"]) + _bounds(value)


def _bounds(value: Mapping[str, Any]) -> str:
    """The range of a number, where the schema names one that a reader may meet."""
    above = value.get("gt", value.get("exclusiveMinimum"))
    least = value.get("ge", value.get("minimum"))
    most = value.get("le", value.get("maximum"))
    below = value.get("lt", value.get("exclusiveMaximum"))
    words = [
        f"{word} {bound:,}"
        for word, bound in (
            ("above", above),
            ("at least", least),
            ("at most", most),
            ("below", below),
        )
        if bound is not None and abs(bound) < 2**62
    ]
    return f", {', '.join(words)}" if words else ""


def _set_by(parameter: Any) -> str:
    """An option's default as the help shows it."""
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    unset = parameter.default is None or parameter.default is False
    return "" if unset else f"`{parameter.default}`"
