"""From what the user names to the plan that every step reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from synthcpt.errors import ConfigError
from synthcpt.files import write_text
from synthcpt.packing.audit import Audit, audit
from synthcpt.packing.cache import default_cache
from synthcpt.packing.plan import Plan, open_plan, read_meta
from synthcpt.packing.planning import make_plan
from synthcpt.packing.readers import Part
from synthcpt.packing.sources import TextSource, open_source
from synthcpt.packing.store import TokenStore
from synthcpt.packing.text_tokenizer import TextTokenizer, add_tokens, added_tokens, load_tokenizer
from synthcpt.packing.tokenise import tokenise
from synthcpt.training import folder as places
from synthcpt.training import tiny
from synthcpt.training.config import TrainConfig
from synthcpt.training.processes import World

_TINY_TEXTS = 2000
_SMALL_REPLAY = 0.5
IDENTITY = "identity"
"""The key, in the plan's description, of the hash of all that it was made of."""


@dataclass(frozen=True, slots=True)
class Data:
    """What is trained on.

    Attributes:
        plan: which tokens every step reads.
        account: where every token went.
        tokenizer: of transformers, to be saved with the model.
        vocabulary: the largest token id, and one more.
        added_tokens: tokens the tokenizer was given for this data.
        notes: what was decided, for a reader.
        origins: of each source: ``name``, ``role``, ``path``, and ``settings`` and ``manifest`` of a generated one.
        model: the model's name or folder, where the tiny one lies.
    """

    plan: Plan
    account: Audit
    tokenizer: Any
    vocabulary: int
    added_tokens: tuple[str, ...]
    notes: tuple[str, ...]
    origins: tuple[Mapping[str, Any], ...]
    model: str

    def sources(self) -> list[dict[str, Any]]:
        """For the model card: what each source is, and how much of it was read."""
        amounts = {part.name: {"tokens": part.tokens, "read": part.read} for part in self.account.parts}
        return [{**origin, **amounts[origin["name"]]} for origin in self.origins]


def prepare_data(config: TrainConfig, world: World, tell: Callable[[str], None]) -> Data:
    """Read, tokenise and plan; the first process works, the others find it done.

    Args:
        config: what to read.
        world: this process.
        tell: takes a sentence on what takes long.

    Raises:
        UserError: a source cannot be read, is not finished or has no tokenizer; the mix is empty; see `mixture.mix`.
    """
    sources = _sources(config)
    model = model_path(config, sources, world)
    tokenizer = load_tokenizer(model, trust_remote_code=config.trust_remote_code)
    wanted = added_tokens(source for _, source in sources)
    add_tokens(tokenizer, wanted)
    texts = TextTokenizer(tokenizer, bos=config.bos)
    if not world.first:
        world.wait()
    parts = [_part(config, role, source, texts, tell) for role, source in sources]
    plan = _plan(config, parts, write=world.first)
    if world.first:
        world.wait()
    account = audit(plan)
    if world.first:
        write_text(config.output / places.AUDIT, json.dumps(account.as_json(), indent=2) + "\n")
    vocabulary = texts.vocabulary
    origins = tuple(_origin(role, source) for role, source in sources)
    return Data(plan, account, tokenizer, vocabulary, wanted, _notes(config, account), origins, model)


Role = Literal["data", "replay", "heldout"]


def _sources(config: TrainConfig) -> list[tuple[Role, TextSource]]:
    named: list[tuple[Role, str]] = [("data", spec) for spec in config.data]
    named += [("replay", spec) for spec in config.replay]
    named += [("heldout", spec) for spec in config.heldout_data]
    names = short_names([spec for _, spec in named])

    def opened(spec: str, name: str) -> TextSource:
        return open_source(
            spec, name, text_field=config.text_field, title_field=config.title_field, id_field=config.id_field
        )

    return [(role, opened(spec, name)) for (role, spec), name in zip(named, names, strict=True)]


def short_names(specs: Sequence[str]) -> list[str]:
    """The last part of each path where that tells them apart, else all of it.

    Raises:
        ConfigError: a source is named twice.
    """
    if twice := [spec for spec in specs if specs.count(spec) > 1]:
        raise ConfigError(f"The source {twice[0]} is named twice. Name it once; --epochs reads it more often.")
    short = [spec if spec.startswith("hf:") else Path(spec).name or spec for spec in specs]
    return [name if short.count(name) == 1 else spec for name, spec in zip(short, specs, strict=True)]


def model_path(config: TrainConfig, sources: Sequence[tuple[Role, TextSource]], world: World) -> str:
    """The model's name or folder; the tiny one is made first, by the first process."""
    if config.model != tiny.NAME:
        return config.model
    folder = config.output / tiny.NAME
    if world.first:
        learnt = (text.text for role, source in sources if role != "heldout" for text in _few(source))
        tiny.make_tiny_model(folder, learnt, window_tokens=config.window_tokens, seed=config.seed)
    world.wait()
    return str(folder)


def _few(source: TextSource) -> Any:
    return (text for _, text in zip(range(_TINY_TEXTS), source.texts(), strict=False))


def _part(
    config: TrainConfig, role: Role, source: TextSource, texts: TextTokenizer, tell: Callable[[str], None]
) -> Part:
    opened: dict[int, TokenStore] = {}

    def store(epoch: int) -> TokenStore:
        number = epoch if source.varies else 0
        if number not in opened:
            progress = _Told(source.name, tell)
            opened[number] = tokenise(
                source, texts, default_cache(), chat=config.chat, loss=config.loss, epoch=number, seed=config.seed,
                progress=progress,
            )  # fmt: skip
        return opened[number]

    return Part(source.name, role, store, facts_once=source.kind == "corpus")


class _Told:
    """Tells how far tokenising is, now and then."""

    def __init__(self, name: str, tell: Callable[[str], None]) -> None:
        self._name, self._tell, self._next = name, tell, 10_000_000

    def __call__(self, texts: int, tokens: int) -> None:
        if tokens >= self._next:
            self._tell(f"Tokenising {self._name}: {tokens:,} tokens of {texts:,} texts so far.")
            self._next = 2 * tokens


def _plan(config: TrainConfig, parts: Sequence[Part], *, write: bool) -> Plan:
    """The saved plan where it is of the same data and settings; else a new one, saved."""
    folder = config.output / places.PLAN
    amounts, packing = config.amounts(), config.windows()
    stores = {part.name: str(part.store(0).path.name) for part in parts}
    facts = [asdict(amounts), asdict(packing), stores, [part.role for part in parts], config.seed]
    identity = sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
    meta = read_meta(folder)
    if meta is None or meta.get(IDENTITY) != identity:
        if meta is not None and (config.output / places.CHECKPOINTS).exists():
            raise other_texts(config.output)
        plan = make_plan(parts, amounts, packing)
        if not write:
            return plan
        plan.meta[IDENTITY] = identity  # type: ignore[index]
        plan.save(folder)
        meta = read_meta(folder) or {}
    opened = [(store["part"], parts[store["part"]].store(store["epoch"])) for store in meta["stores"]]
    return open_plan(folder, [store for _, store in opened], [part for part, _ in opened])


def other_texts(folder: Path) -> ConfigError:
    """What to say where a checkpoint and the plan are not of the same texts."""
    return ConfigError(
        f"The texts of {folder} are not those it was begun with: a source or its tokenizer has changed. Begin anew "
        "with --overwrite, or in another folder."
    )


def _origin(role: Role, source: TextSource) -> dict[str, Any]:
    run = getattr(source, "run", None)
    facts: dict[str, Any] = {"name": source.name, "role": role, "path": source.files()[0]["path"]}
    if run is not None:
        facts |= {"path": str(run.path), "settings": run.settings, "manifest": run.manifest}
    return facts


def _notes(config: TrainConfig, account: Audit) -> tuple[str, ...]:
    """What the amounts imply and a user may not expect."""
    notes = []
    replayed = sum(part.read for part in account.parts if part.role == "replay")
    if config.replay:
        asked = config.amounts().replay_ratio
        notes.append(f"Replay: {replayed / account.read:.2%} of the tokens read; {asked:.2%} asked for.")
    if replayed > _SMALL_REPLAY * account.read:
        notes.append(
            "Less than half of what is read is to be learnt. Below a critical share of the mix a model may learn "
            "almost nothing of it (arXiv:2505.18091)."
        )
    return tuple(notes)
