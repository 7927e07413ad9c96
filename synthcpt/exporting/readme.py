"""The README that goes with an export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthcpt.exporting.base import PLACEHOLDER, Target

if TYPE_CHECKING:
    from synthcpt.exporting.export import Exported

_REASONS = {"empty": "without text", "no_loss": "with nothing that carries loss"}


def readme(target: Target, exported: Exported) -> str:
    """What the folder holds, how to train on it, and what this trainer does not do."""
    plan = exported.plan
    files = "\n".join(f"- `{name}`" for name in ("data/", *exported.files))
    sections = [
        f"# Continued pretraining with {target.title}",
        f"Written by synthcpt for {target.version}. Run in this folder:",
        f"```bash\n{target.commands(plan)}\n```",
    ]
    if plan.model == PLACEHOLDER:
        sections.append(f"No model was named: put its name or path in the place of `{PLACEHOLDER}` first.")
    sections += [
        f"## What is here\n\n{files}",
        "## How much\n\n" + _amounts(exported),
        f"## What {target.title} does not do\n\n`synthcpt train` does, or does otherwise:\n\n"
        + "\n".join(f"- {sentence}" for sentence in (*target.cannot(plan), *_of_any(exported))),
    ]
    return "\n\n".join(sections) + "\n"


def facts(exported: Exported) -> tuple[tuple[str, str], ...]:
    """The amounts as name and value."""
    amount, plan = exported.amount, exported.plan
    config, order = plan.config, exported.amount.order
    about = "" if plan.exact else "about "
    told = [
        ("texts", f"{exported.rows:,} of {about}{order.tokens:,} tokens" + _told_cut(exported)),
        ("data", f"{about}{order.data_tokens:,} tokens"),
    ]
    if order.replay_tokens:
        share = f"{order.replay_share:.2%} of all (asked for: {config.ratio:.2%})"
        told.append(("replay", f"{about}{order.replay_tokens:,} tokens, {share}"))
    told += [
        ("read", f"{about}{amount.tokens:,} tokens, {amount.epochs:.4g} passes"),
        ("steps", f"{about}{amount.steps:,} of {config.step_tokens:,} tokens, windows of {config.window_tokens:,}"),
    ]
    if exported.dropped:
        left_out = ", ".join(f"{count:,} {_REASONS[reason]}" for reason, count in exported.dropped.items())
        told.append(("left out", left_out))
    return tuple(told)


def _told_cut(exported: Exported) -> str:
    return f"; {exported.cut:,} are pieces of texts that were too long" if exported.cut else ""


def _amounts(exported: Exported) -> str:
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts(exported))
    counted = (
        "Tokens were counted by the model's tokenizer."
        if exported.plan.exact
        else "Tokens were estimated (within about a tenth for English), as the model's tokenizer was not at hand."
    )
    return f"| | |\n|---|---|\n{rows}\n\n{counted}"


def _of_any(exported: Exported) -> tuple[str, ...]:
    """What holds for every other trainer."""
    told = [
        "It does not prove on the loaded model that texts in a window do not see one another, nor account for every "
        "token.",
        "Schedules and lengths are in steps, which assume full windows; a run on another number of devices than the "
        "configuration's has other batches.",
    ]
    if exported.amount.order.replay_tokens:
        told.append("The replay is mixed into the data, by tokens: every pass reads the same replay texts again.")
    if exported.plan.latent:
        told.append("Latent thoughts stand before or after their chunk as one toss of a coin has it, in every pass.")
    return tuple(told)
