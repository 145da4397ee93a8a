"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import jinja2
import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup, escape

from pareto_explorer._version import __version__
from pareto_explorer.figures import DARK, LIGHT
from pareto_explorer.reports.shared.legend import swatch
from pareto_explorer.reports.shared.material import Card, Material, failed
from pareto_explorer.reports.shared.phrases import share
from pareto_explorer.text import count

__all__ = [
    "POLICY",
    "Section",
    "embed",
    "page_facts",
    "plotly_script",
    "reason_section",
    "render_page",
    "render_sections",
    "without_tags",
]

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
"""What the page may load: nothing."""

_SCRIPTS = (  # in the order in which they build on one another
    "dom",
    "sections",
    "theme",
    "figures",
    "print",
    "contents",
    "live",
    "address",
    "commands",
    "copy",
    "download",
    "pickers",
    "explorer_data",
    "explorer_state",
    "explorer_link",
    "explorer_colours",
    "explorer_legend",
    "explorer_tip",
    "explorer_pins",
    "explorer_pen",
    "explorer_layers",
    "explorer_cloud",
    "explorer_scatter",
    "explorer_parallel",
    "explorer_table",
    "explorer_images",
    "explorer",
    "numbers",
    "choose_rules",
    "choose_model",
    "choose_view",
    "choose",
)


class Section(NamedTuple):
    """What a card is on the page; figure, tables and payload are JSON, empty where there is none.

    The tables have the name of the button that offers them: the card's key for its own.

    Attributes:
        key: The card's key.
        title: Its title, for the contents.
        html: The whole ``<section>``.
        figure: The figure under both themes.
        tables: The tables behind its CSV buttons.
        payload: What the card's own script works on.
    """

    key: str
    title: str
    html: Markup
    figure: str = ""
    tables: Mapping[str, str] = {}
    payload: str = ""

    def to_json(self) -> str:
        """The section as a page that is open takes it in place of an older one."""
        parts = {"figure": self.figure or "null", "payload": self.payload or "null"}
        tables = _members(self.tables)
        return f'{{"html":{_json(self.html)},{_members(parts)[1:-1]},"tables":{tables}}}'


def render_page(name: str, cards: Sequence[Card], material: Material) -> str:
    """Renders cards into a page with all styles, scripts and figures inside.

    Text from the run is escaped by the templates; figures travel as JSON in which no tag can
    start; a content security policy forbids the page to fetch anything.
    """
    return embed(name, render_sections(cards, material), page_facts(material))


def embed(
    name: str,
    sections: Sequence[Section],
    facts: Sequence[str],
    live: Mapping[str, Any] | None = None,
) -> str:
    """Puts sections into a page.

    Args:
        name: What the page is called.
        sections: Its sections, in their order.
        facts: What its head says of the run.
        live: What the page's script needs to follow its server; None for a page of its own, which
            fetches nothing.
    """
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            name=name,
            sections=sections,
            facts=facts,
            policy=POLICY if live is None else f"{POLICY}; connect-src 'self'",
            live=None if live is None else _script_object({k: _json(v) for k, v in live.items()}),
            scripts=_SCRIPTS,
            figures=_script_object({s.key: s.figure for s in sections}),
            tables=_script_object({key: part for s in sections for key, part in s.tables.items()}),
            payloads=_script_object({s.key: s.payload for s in sections}),
            plotlyjs=without_tags(plotly_script()),
            version=__version__,
        )
    )


def render_sections(cards: Sequence[Card], material: Material) -> list[Section]:
    """Renders each card on its own; one that cannot be drawn says why, and the others are there."""
    environment = _environment()
    return [_section(environment, card, material) for card in cards if not card.absent]


def reason_section(card: Card) -> Section:
    """The section of a card that has nothing but a reason."""
    return Section(card.key, card.title, _framed(_environment(), card))


def page_facts(material: Material) -> list[str]:
    """What the head of the page says of a run."""
    facts = [
        count(len(material.styles), "family", "families"),
        count(len(material.trials), "trial"),
        count(len(material.replicates), "replicate"),
    ]
    written = material.run.manifest.get("written")
    return [*facts, f"written {str(written)[:10]}"] if written else facts


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pareto_explorer.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = share
    environment.filters["breakable"] = _breakable
    return environment


def _section(environment: jinja2.Environment, card: Card, material: Material) -> Section:
    if card.reason:
        return reason_section(card)
    try:
        return _drawn(environment, card, material)
    except Exception as error:
        return reason_section(failed(card.key, card.title, error))


def _drawn(environment: jinja2.Environment, card: Card, material: Material) -> Section:
    figure = _figure(card) if card.draw else None
    template = environment.get_template(f"cards/{card.key}.html.j2")
    body = template.render(
        card=card,
        height=figure and figure["layout"].get("height"),
        styles=material.styles,
        swatch=swatch,
    )
    tables = {f"{card.key}-{name}": _csv(part) for name, part in card.tables.items()}
    if card.data is not None and card.payload is None:
        tables[card.key] = _csv(card.data)
    return Section(
        card.key,
        card.title,
        _framed(environment, card, Markup(body), tables),  # noqa: S704 - the template has escaped it
        _json(figure) if figure else "",
        tables,
        _json(card.payload) if card.payload is not None else "",
    )


def _framed(
    environment: jinja2.Environment,
    card: Card,
    body: str = "",
    tables: Collection[str] = (),
) -> Markup:
    """The whole section of a card around its body."""
    template = environment.get_template("section.html.j2")
    return Markup(template.render(card=card, body=body, tables=tables))  # noqa: S704


def _csv(table: pd.DataFrame) -> str:
    return _json(table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))


def _breakable(name: str) -> Markup:
    """A name that may be wrapped after a slash or an underscore."""
    text = str(escape(name))
    return Markup(text.replace("/", "/<wbr>").replace("_", "_<wbr>"))  # noqa: S704


def _figure(card: Card) -> dict[str, Any]:
    """A figure under the light theme and what changes under each theme."""
    assert card.draw is not None  # noqa: S101 - the caller filters
    light, dark = _plain(card.draw(LIGHT)), _plain(card.draw(DARK))
    return light | {"light": _difference(dark, light), "dark": _difference(light, dark)}


def _plain(figure: go.Figure) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(figure.to_json())
    parsed["layout"].pop("template", None)
    return parsed


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``Plotly.update`` that turn the colours of ``old`` into those of ``new``."""
    before = [dict(_leaves(trace)) for trace in old["data"]]
    after = [dict(_leaves(trace)) for trace in new["data"]]
    changed = {
        path
        for a, b in zip(before, after, strict=True)
        for path, value in b.items()
        if a[path] != value
    }
    layout = dict(_leaves(old["layout"]))
    return {
        "traces": {path: [trace.get(path) for trace in after] for path in sorted(changed)},
        "layout": {p: v for p, v in _leaves(new["layout"]) if layout[p] != v},
    }


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Text values of nested mappings under dotted paths, list items as ``[i]``."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list) and path.endswith("annotations"):
        for index, value in enumerate(node):
            yield from _leaves(value, f"{path}[{index}]")
    elif isinstance(node, str):
        yield path, node


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _members(parts: Mapping[str, str]) -> str:
    """An object of values that are JSON already, those that are empty left out."""
    return f"{{{','.join(f'{_json(key)}:{part}' for key, part in parts.items() if part)}}}"


def _script_object(parts: Mapping[str, str]) -> Markup:
    """The same, as a script of the page may hold it."""
    return Markup(_members(parts).replace("<", "\\u003c"))  # noqa: S704


def plotly_script() -> str:
    """Plotly with no more trace types than figures have; see ``plotly_build`` in the repository."""
    script = files("pareto_explorer.reports") / "static" / "plotly.min.js"
    return script.read_text(encoding="utf-8")


def without_tags(script: str) -> Markup:
    """A script in which nothing ends it, or begins a comment, for an HTML parser."""
    return Markup(script.replace("</script", "<\\/script").replace("<!--", "<\\!--"))  # noqa: S704
