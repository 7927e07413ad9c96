"""The model card: what a trained model was made from and how, for whoever finds its folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from synthcpt.errors import ConfigError
from synthcpt.training.reports import HeldOut
from synthcpt.training.showing.closing import heldout_ends
from synthcpt.training.showing.plain import code, markdown, plain, short_count

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_TAG = re.compile(r"[\w-]{1,60}", re.ASCII)

_WRITERS = {
    "extractive": "**No language model wrote these texts**: the embedded backend put them together by rules from the "
    "documents' own sentences. That shows the whole way from documents to a model; it is not what the paper describes.",
    "mock": "**These texts are simulated**: a scripted stand-in answered in place of a language model. They hold no "
    "knowledge, and this model is good for tests alone.",
    "simulated": "**These texts are simulated**: a simulated teacher that knows an invented world's wordings answered "
    "in place of a language model. This model is good for controlled experiments alone.",
}
"""What a reader must know of texts from these backends."""


def model_card(
    events: Sequence[Mapping[str, Any]],
    *,
    base_model: str,
    sources: Sequence[Mapping[str, Any]] = (),
    recipe: Mapping[str, Any] | None = None,
    picture: str = "",
    notes: Sequence[str] = (),
) -> str:
    """The README.md of a model's folder, with the header that the Hugging Face Hub reads.

    Args:
        events: the run's metrics; see `metrics.read_metrics`.
        base_model: the name or path of what was trained.
        sources: one each: ``name``, ``role`` (e.g. ``replay``), ``path`` as the user gave it, ``tokens`` and ``read``
            (how many it has, how many were read), and of a source that synthcpt generated, ``settings`` (its run.yaml)
            and ``manifest``. All may be absent but the name.
        recipe: the resolved configuration.
        picture: the file of the loss curves in the model's folder; empty for none.
        notes: more sentences, e.g. what the start-up test found.
    """
    begin = next((event for event in events if event["kind"] == "begin"), {})
    first, last = heldout_ends(events)
    parts = [
        f"---\n{_header(base_model, sources)}---",
        f"# {markdown(_short_name(base_model))}, trained further on {_named(sources)}",
        f"The model {code(base_model)} after continued pretraining on the sources below. It completes text; it was not "
        "tuned to follow instructions or to be safe in a product.",
        *_data(sources, begin),
        "## Results",
        *_results(events, first, last),
        *([f"![Training and held-out loss over tokens]({picture})"] if picture else []),
        "## How to load it",
        "```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        'model = AutoModelForCausalLM.from_pretrained("PATH")  # this folder, or its name on the Hub\n'
        'tokenizer = AutoTokenizer.from_pretrained("PATH")\n```\n\nor `vllm serve PATH`.',
        *_recipe(begin, recipe, notes),
        "## Limits",
        *_limits(sources, last),
        "Trained with synthcpt.",
    ]
    return "\n\n".join(parts) + "\n"


def _header(base_model: str, sources: Sequence[Mapping[str, Any]]) -> str:
    facts: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation"}
    if _HUB_ID.fullmatch(base_model) and not Path(base_model).exists():
        facts |= {"base_model": base_model, "base_model_relation": "finetune"}
    datasets = [name for source in sources if (name := _hub_dataset(source))]
    if datasets:
        facts["datasets"] = sorted(set(datasets))
    settings = _settings(sources)
    methods = {str(each.get("method")) for each in settings if _TAG.fullmatch(str(each.get("method")))}
    facts["tags"] = ["synthcpt", "continued-pretraining", *(["synthetic"] if settings else []), *sorted(methods)]
    return yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)


def _data(sources: Sequence[Mapping[str, Any]], begin: Mapping[str, Any]) -> Iterator[str]:
    yield "## Data"
    if sources:
        rows = [
            (
                markdown(str(s["name"])),
                markdown(str(s.get("role", ""))),
                _tokens(s.get("tokens")),
                _tokens(s.get("read")),
            )
            for s in sources
        ]
        yield _table(("source", "role", "tokens it has", "tokens read"), rows)
    for source in sources:
        if settings := source.get("settings"):
            yield f"**{markdown(str(source['name']))}**: {_made_by(settings, source.get('manifest') or {})}"
    if audit := begin.get("audit"):
        yield "Where the tokens went:"
        yield _table(("", ""), [(markdown(name), markdown(value)) for name, value in audit])


def _made_by(settings: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    method, backend = str(settings.get("method", "")), str(settings.get("backend", ""))
    told = f"made from documents by the method {code(method)}{_paper(method)}"
    if backend not in _WRITERS:
        told += f", its texts written by {code(str(settings.get('model', '')))} through {code(backend)}"
    if totals := manifest.get("totals"):
        told += (
            f"; {totals['rows']:,} texts of about {totals['row_tokens']:,} tokens from {totals['documents']:,} "
            f"documents of about {totals['source_tokens']:,}"
        )
    return f"{told}. {_WRITERS.get(backend, '')}".rstrip()


def _paper(method: str) -> str:
    from synthcpt.methods import load_method

    try:
        return f" ({markdown(load_method(method).paper)})"
    except ConfigError:  # a method that this installation does not have
        return ""


def _results(
    events: Sequence[Mapping[str, Any]], first: Mapping[str, HeldOut], last: Mapping[str, HeldOut]
) -> Iterator[str]:
    steps = [event for event in events if event["kind"] == "step"]
    if steps:
        yield (
            f"{len(steps):,} optimiser steps, {steps[-1]['tokens']:,} tokens. Held-out loss is the mean in nats a "
            "token; bits per byte of UTF-8 compare between tokenizers."
        )
    if last:
        names = ("held-out source", "tokens", "loss before", "loss after", "bits per byte before", "after")
        rows = [
            (
                markdown(name), f"{now.tokens:,}", f"{first[name].loss:.4f}", f"{now.loss:.4f}",
                f"{first[name].bits_per_byte:.4f}", f"{now.bits_per_byte:.4f}",
            )
            for name, now in last.items()
        ]  # fmt: skip
        yield _table(names, rows)
    else:
        yield "Nothing was held out, so nothing was measured on unseen text."


def _recipe(begin: Mapping[str, Any], recipe: Mapping[str, Any] | None, notes: Sequence[str]) -> Iterator[str]:
    yield "## Recipe"
    facts = [
        ("parameters", f"{short_count(begin['parameters'])}, {short_count(begin['trainable_parameters'])} trained")
        if begin
        else ("", ""),
        ("devices", markdown(str(begin.get("devices", "")))),
        ("FLOPs", markdown(str(begin.get("flops_formula", "")))),
    ]
    if told := [fact for fact in facts if fact[1]]:
        yield _table(("", ""), told)
    if every := [*begin.get("notes", ()), *notes]:
        yield "\n".join(f"- {markdown(note)}" for note in every)
    if recipe:
        text = yaml.safe_dump(dict(recipe), sort_keys=False, allow_unicode=True)
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
        yield f"{fence}yaml\n{text}{fence}"


def _limits(sources: Sequence[Mapping[str, Any]], last: Mapping[str, HeldOut]) -> Iterator[str]:
    lines = ["A lower loss is no proof that facts can be asked for: measure that with questions of its own."]
    if any(_settings(sources)):
        lines.append("It was trained on machine-written texts and repeats their errors as readily as their facts.")
        if last:
            lines.append(
                "Held-out texts of a synthetic source can tell the same facts as texts trained on, so their loss "
                "measures the kind of text as well as the facts."
            )
    roles = {str(source.get("role", "")) for source in sources}
    if "replay" not in roles:
        lines.append("Nothing general was replayed in training; expect it to have forgotten some of what it knew.")
    yield "\n".join(f"- {line}" for line in lines)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _settings(sources: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [source["settings"] for source in sources if source.get("settings")]


def _hub_dataset(source: Mapping[str, Any]) -> str:
    path = str(source.get("path", ""))
    name = path.removeprefix("hf:").split(":")[0]
    return name if path.startswith("hf:") and _HUB_ID.fullmatch(name) else ""


def _short_name(base_model: str) -> str:
    return plain(base_model).rstrip("/").rsplit("/", 1)[-1]


def _named(sources: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(markdown(str(source["name"])) for source in sources) or "more text"


def _tokens(count: Any) -> str:
    return f"{count:,}" if isinstance(count, int) else ""
